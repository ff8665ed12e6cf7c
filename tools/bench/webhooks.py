"""Webhooks as the WhatsApp platform sends them: many senders, one to five messages each, signed."""

import hashlib
import hmac
import random
import time

import msgspec

SIZES = (1, 2, 3, 4, 5)
QUESTIONS = (
    "你好，我想问一下订单 {n} 什么时候发货？",
    "Hello, where is my parcel {n}? It should have been here on Monday.",
    "发票抬头写错了，可以重新开吗？编号 {n}，谢谢。",
    "I would like to return the blue jacket from order {n}, it is too small.",
    "请问 {n} 号商品还有货吗？想要两件大号的",
    "Can I change the delivery address of {n}? I am not at home this week.",
    "退款 {n} 还没到账，麻烦帮我查一下",
    "ok {n}",
)


class Batch(msgspec.Struct, frozen=True):
    """One request, ready to be written, and the senders of its messages in order."""

    request: bytes
    senders: tuple[int, ...]


def batches(
    count: int,
    *,
    senders: int,
    first: int,
    run: str,
    address: str,
    hook: str,
    number: str,
    secret: str,
    seed: int,
) -> tuple[list[Batch], set[str]]:
    """Build requests with `count` messages of `senders` people numbered from `first`; return the ids, too.

    The ids are as long and as random as the platform's own: what they do to an index is part of the work.
    """
    dice = random.Random(seed)
    made, ids = 0, set[str]()
    found: list[Batch] = []
    while made < count:
        people: list[int] = []
        messages: list[dict[str, object]] = []
        for _ in range(min(dice.choice(SIZES), count - made)):
            person = first + dice.randrange(senders)
            name = f"wamid.{run}{dice.getrandbits(160):040X}"
            text = dice.choice(QUESTIONS).format(n=made)
            messages.append(
                {
                    "from": phone(person),
                    "id": name,
                    "timestamp": str(int(time.time())),
                    "text": {"body": text},
                    "type": "text",
                }
            )
            people.append(person)
            ids.add(name)
            made += 1
        found.append(Batch(_request(_body(people, messages, number), address, hook, secret), tuple(people)))
    return found, ids


def phone(person: int) -> str:
    """Return the number of a person."""
    return f"65{90_000_000 + person}"


def customer(person: int) -> str:
    """Return the name of a person, as the platform tells it."""
    return f"Customer {person}"


def _body(people: list[int], messages: list[dict[str, object]], number: str) -> bytes:
    contacts = [{"profile": {"name": customer(one)}, "wa_id": phone(one)} for one in dict.fromkeys(people)]
    value = {
        "messaging_product": "whatsapp",
        "contacts": contacts,
        "messages": messages,
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": number},
    }
    entry = {"id": "102290129340398", "changes": [{"value": value, "field": "messages"}]}
    return msgspec.json.encode({"object": "whatsapp_business_account", "entry": [entry]})


def _request(body: bytes, address: str, hook: str, secret: str) -> bytes:
    proof = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    head = (
        f"POST /hooks/{hook} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: facebookexternalua\r\n"
        "Content-Type: application/json\r\n"
        f"X-Hub-Signature-256: sha256={proof}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
