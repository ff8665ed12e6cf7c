"""Webhooks of Douyin: ids, the envelope, the signature, who is who."""

import base64
import hashlib
import secrets
from typing import Any
from uuid import uuid4

import msgspec

from switchboard.sandbox.douyin.errors import log_id
from switchboard.sandbox.state import Chat, Customer, PlatformAccount
from switchboard.sandbox.webhooks import Target
from switchboard.sandbox.world import World

Json = dict[str, Any]
NAME = "douyin"


def new_id() -> str:
    """Return an id in Douyin's dress."""
    return "@" + base64.b64encode(secrets.token_bytes(37)).decode()


def signature(secret: str, body: bytes) -> str:
    """Return X-Douyin-Signature: hex of SHA-1 over client secret and raw body."""
    return hashlib.sha1(secret.encode() + body).hexdigest()  # noqa: S324 (Douyin's choice)


def open_id(world: World, account: PlatformAccount, customer: Customer) -> str:
    """Return a person's id in the app."""
    return world.store.known_as(customer, f"douyin:{account.settings['client_key']}", lambda: str(uuid4()))


def person(world: World, account: PlatformAccount, given: str) -> Customer | None:
    """Return whose id in the app this is."""
    return world.store.customer_known_as(f"douyin:{account.settings['client_key']}", given)


def conversation(account: PlatformAccount, peer: str) -> str:
    """Return the id of a private conversation, the same at all times."""
    return "@" + base64.b64encode(hashlib.sha256(f"{account.id} {peer}".encode()).digest()).decode()


def profiles(account: PlatformAccount, customer: Customer, customers_id: str) -> list[Json]:
    """Return who takes part, as events tell it."""
    return [
        {
            "open_id": customers_id,
            "nick_name": customer.name,
            "avatar": "https://p3.douyinpic.example/ann.jpeg",
        },
        {
            "open_id": account.id,
            "nick_name": account.name,
            "avatar": "https://p3.douyinpic.example/shop.jpeg",
        },
    ]


def rooms(account: PlatformAccount, kind: str) -> dict[str, Json]:
    """Return what the account has of `groups` or `items` (videos), by id."""
    found: dict[str, Json] = account.kept.setdefault(kind, {})
    return found


def tell(
    world: World,
    account: PlatformAccount,
    chat: Chat,
    event: str,
    frm: str,
    to: str,
    content: Json,
    *,
    as_text: bool = False,
) -> None:
    """Post an event; some carry their content as an object, some as a JSON text."""
    body = msgspec.json.encode(
        {
            "event": event,
            "client_key": account.settings["client_key"],
            "from_user_id": frm,
            "to_user_id": to,
            "log_id": log_id(),
            "content": msgspec.json.encode(content).decode() if as_text else content,
        }
    )

    def target(body: bytes) -> Target | None:
        if not account.webhook_url:
            return None
        headers = {
            "content-type": "application/json",
            "x-douyin-signature": signature(str(account.settings["client_secret"]), body),
            "msg-id": str(uuid4()),
        }
        return Target(account.webhook_url, headers)

    world.outbox(account.id).put(chat.key, body, target, platform=NAME, account=account.id)
