"""Webhooks of the Cloud API: envelope, signature, verification handshake, statuses."""

import asyncio
import json
import secrets
from typing import Any

import httpx

from switchboard.sandbox.graph.errors import GraphError
from switchboard.sandbox.state import Bubble, Chat, Customer, WhatsAppNumber
from switchboard.sandbox.webhooks import Target, hex_signature
from switchboard.sandbox.world import World

Json = dict[str, Any]
RANK = {"": 0, "sent": 1, "delivered": 2, "read": 3}
WINDOW_SECONDS = 24 * 3600


def encode(value: Json) -> bytes:
    """JSON as Meta writes it: ASCII only, slashes escaped. Signing re-serialised JSON fails on it."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).replace("/", "\\/").encode()


def sender(customer: Customer) -> Json:
    """One entry of `contacts[]`."""
    profile: Json = {"name": customer.name}
    if customer.username:
        profile["username"] = "@" + customer.username
    contact: Json = {"profile": profile, "user_id": customer.user_id}
    if not customer.hides_phone:
        contact["wa_id"] = customer.phone
    return contact


def change(number: WhatsAppNumber, content: Json, field: str = "messages") -> Json:
    """One entry of `changes[]`."""
    value = {
        "messaging_product": "whatsapp",
        "metadata": {
            "display_phone_number": "".join(c for c in number.display_phone_number if c.isdigit()),
            "phone_number_id": number.id,
        },
        **content,
    }
    return {"value": value, "field": field}


def post(world: World, number: WhatsAppNumber, changes: list[Json], lane: str) -> None:
    """Send one webhook with these changes."""
    if not number.subscribed:
        return
    body = encode(
        {"object": "whatsapp_business_account", "entry": [{"id": number.waba_id, "changes": changes}]}
    )

    def target(raw: bytes) -> Target | None:
        if not number.webhook_url:
            return None
        headers = {
            "content-type": "application/json",
            "user-agent": "facebookexternalua",
            "x-hub-signature-256": "sha256=" + hex_signature(number.app_secret, raw),
        }
        return Target(number.webhook_url, headers)

    world.outbox(number.id).put(lane, body, target, platform="whatsapp", account=number.id)


async def verify(world: World, url: str, verify_token: str) -> None:
    """Meta's handshake: GraphError 2200 when the address does not give the challenge back."""
    challenge = str(secrets.randbelow(10**9) + 10**9)
    query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": verify_token}
    try:
        answer = await world.client.get(httpx.URL(url).copy_merge_params(query))
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise GraphError(2200, f"Callback verification failed: {type(error).__name__}") from error
    if answer.status_code != 200 or answer.text.strip() != challenge:
        raise GraphError(
            2200,
            f"Callback verification failed: HTTP Status Code = {answer.status_code}, wrong challenge",
        )


def status(
    world: World,
    number: WhatsAppNumber,
    customer: Customer,
    bubble: Bubble,
    name: str,
    errors: list[Json] | None = None,
) -> Json:
    """One entry of `statuses[]` together with its `contacts[]`, as a change."""
    now = int(world.clock.now())
    item: Json = {
        "id": bubble.id,
        "status": name,
        "timestamp": str(now),
        "recipient_user_id": customer.user_id,
    }
    if not customer.hides_phone:
        item["recipient_id"] = customer.phone
    category = "utility" if bubble.kind == "template" else "service"
    if name == "failed":
        item["errors"] = errors or []
    else:
        item["pricing"] = {
            "billable": category != "service",
            "pricing_model": "PMP",
            "type": "regular" if category != "service" else "free_customer_service",
            "category": category,
        }
    if name == "sent":
        item["conversation"] = {
            "id": secrets.token_hex(16),
            "expiration_timestamp": str(now + WINDOW_SECONDS),
            "origin": {"type": category},
        }
    opaque = bubble.raw.get("biz_opaque_callback_data")
    if opaque:
        item["biz_opaque_callback_data"] = opaque
    return change(number, {"contacts": [sender(customer)], "statuses": [item]})


def raise_status(
    world: World,
    number: WhatsAppNumber,
    chat: Chat,
    bubble: Bubble,
    name: str,
    errors: list[Json] | None = None,
) -> None:
    """Bring a message that the product sent up to `name` and tell the product; statuses never fall."""
    customer = world.state.customers[chat.peer]
    if name == "failed":
        bubble.status = "failed"
        bubble.error = (errors or [{}])[0].get("title", "")
    elif bubble.status == "failed" or RANK[name] <= RANK[bubble.status]:
        return
    else:
        bubble.status = name
    world.changed(chat, bubble)
    post(world, number, [status(world, number, customer, bubble, name, errors)], chat.key)


async def settle(
    world: World, number: WhatsAppNumber, chat: Chat, bubble: Bubble, failure: GraphError | None
) -> None:
    """Walk a new message up to the number's `receipts`, or to failed."""
    pause = world.config.receipt_delay_seconds
    await asyncio.sleep(pause)
    if failure is not None:
        raise_status(world, number, chat, bubble, "failed", [failure.in_status()])
        return
    for name in ("sent", "delivered", "read"):
        if RANK[name] > RANK.get(number.receipts, 0):
            return
        raise_status(world, number, chat, bubble, name)
        await asyncio.sleep(pause)
