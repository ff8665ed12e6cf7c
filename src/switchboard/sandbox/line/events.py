"""Webhooks of the Messaging API: events, signature, reply tokens, redelivery, the endpoint's test."""

import base64
import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec

from switchboard.sandbox.state import Chat, Customer, PlatformAccount
from switchboard.sandbox.webhooks import Call, Target
from switchboard.sandbox.world import World

Json = dict[str, Any]
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
REPLY_SECONDS = 60
MOST_TOKENS = 2_000
ANSWERABLE = {
    "message",
    "postback",
    "follow",
    "join",
    "memberJoined",
    "beacon",
    "accountLink",
    "videoPlayComplete",
}


def signature(secret: str, body: bytes) -> str:
    """The header `x-line-signature`."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def ulid(now: float) -> str:
    """An id that sorts by time, as LINE gives its events."""
    number = (int(now * 1000) << 80) | secrets.randbits(80)
    return "".join(CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))


def user_id(world: World, account: PlatformAccount, customer: Customer) -> str:
    """The person's id, which is the same for all channels of a provider."""
    space = f"line:{account.settings['provider_id']}"
    return world.store.known_as(customer, space, lambda: "U" + secrets.token_hex(16))


def person(world: World, account: PlatformAccount, user: str) -> Customer | None:
    """Who has this id."""
    return world.store.customer_known_as(f"line:{account.settings['provider_id']}", user)


def rooms(account: PlatformAccount) -> dict[str, Json]:
    """Groups (C…) and rooms (R…) with the account in them: `{id: {"name", "members": [customer ids]}}`."""
    found: dict[str, Json] = account.kept.setdefault("rooms", {})
    return found


def source_of(world: World, account: PlatformAccount, customer: Customer, chat: Chat) -> Json:
    """Where something happened, and by whom."""
    user = user_id(world, account, customer)
    if chat.peer in rooms(account):
        kind = "group" if chat.peer.startswith("C") else "room"
        return {"type": kind, f"{kind}Id": chat.peer, "userId": user}
    return {"type": "user", "userId": user}


def give_reply_token(world: World, account: PlatformAccount, chat: Chat) -> str:
    """A token for one answer within about a minute."""
    tokens: dict[str, list[Any]] = account.kept.setdefault("reply_tokens", {})
    while len(tokens) >= MOST_TOKENS:
        tokens.pop(next(iter(tokens)))
    token = secrets.token_hex(16)
    tokens[token] = [chat.key, world.clock.now() + REPLY_SECONDS]
    return token


def event(
    world: World, account: PlatformAccount, customer: Customer, chat: Chat, kind: str, **content: Any
) -> Json:
    """One entry of `events`."""
    now = world.clock.now()
    made: Json = {
        "type": kind,
        "mode": str(account.settings.get("mode") or "active"),
        "timestamp": int(now * 1000),
        "source": source_of(world, account, customer, chat),
        "webhookEventId": ulid(now),
        "deliveryContext": {"isRedelivery": False},
        **content,
    }
    if kind in ANSWERABLE and made["mode"] == "active":
        made["replyToken"] = give_reply_token(world, account, chat)
    return made


def post(world: World, account: PlatformAccount, chat: Chat, events: list[Json]) -> None:
    """Tell the product, once; what it refuses comes again only where redelivery is switched on at LINE."""
    if not account.settings.get("use_webhook", True):
        return
    again = bool(account.settings.get("redelivery", True))

    def refused(call: Call) -> None:
        if call.attempts == 1 and not call.done and not call.gave_up and again:
            late = [{**one, "deliveryContext": {"isRedelivery": True}} for one in events]
            _put(world, account, chat, late, most=0, settled=None)

    _put(world, account, chat, events, most=1, settled=refused)


def _put(
    world: World, account: PlatformAccount, chat: Chat, events: list[Json], *, most: int, settled: Any
) -> None:
    """Queue one call; `most` attempts, 0 = as many as the sandbox makes."""
    tries = 0

    def target(body: bytes) -> Target | None:
        nonlocal tries
        tries += 1
        if not account.webhook_url or (most and tries > most):
            return None
        headers = {
            "content-type": "application/json; charset=utf-8",
            "user-agent": "LineBotWebhook/2.0",
            "x-line-signature": signature(account.settings["channel_secret"], body),
        }
        return Target(account.webhook_url, headers)

    body = msgspec.json.encode({"destination": account.id, "events": events})
    box = world.outbox(account.id)
    box.put(chat.key, body, target, platform="line", account=account.id, settled=settled)


async def try_endpoint(world: World, account: PlatformAccount, url: str) -> Json:
    """Call the address with no events, as the console's Verify does, and tell how it went."""
    body = msgspec.json.encode({"destination": account.id, "events": []})
    headers = {
        "content-type": "application/json; charset=utf-8",
        "x-line-signature": signature(account.settings["channel_secret"], body),
    }
    told: Json = {
        "timestamp": datetime.fromtimestamp(world.clock.now(), UTC).isoformat(timespec="milliseconds")
    }
    try:
        answer = await world.client.post(url, content=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        reason = "REQUEST_TIMEOUT" if isinstance(error, httpx.TimeoutException) else "COULD_NOT_CONNECT"
        return {"success": False, **told, "statusCode": 0, "reason": reason, "detail": type(error).__name__}
    good = answer.is_success
    reason = "OK" if good else "ERROR_STATUS_CODE"
    detail = str(answer.status_code)
    return {"success": good, **told, "statusCode": answer.status_code, "reason": reason, "detail": detail}
