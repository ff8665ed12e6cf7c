"""Webhooks of pages and professional accounts: envelope, both signatures, subscriptions, echoes, receipts."""

import asyncio
import base64
import hashlib
import hmac
import secrets
from typing import Any

from switchboard.sandbox.graph.hooks import encode
from switchboard.sandbox.inbox.access import linked
from switchboard.sandbox.state import Bubble, Chat, Customer, PlatformAccount, digits
from switchboard.sandbox.webhooks import Target, hex_signature
from switchboard.sandbox.world import World

Json = dict[str, Any]
OTHER_APP_ID = "263902037430900"
# Which subscribed field lets an item through.
FIELD_OF = {
    "message": "messages",
    "echo": "message_echoes",
    "postback": "messaging_postbacks",
    "reaction": "message_reactions",
    "message_edit": "message_edits",
    "delivery": "message_deliveries",
    "read": "message_reads",
    "referral": "messaging_referrals",
    "optin": "messaging_optins",
    "account_linking": "messaging_account_linking",
    "pass_thread_control": "messaging_handovers",
    "take_thread_control": "messaging_handovers",
    "request_thread_control": "messaging_handovers",
    "policy_enforcement": "messaging_policy_enforcement",
    "messaging_feedback": "messaging_feedback",
}
FIELD_OF_INSTAGRAM = {
    **FIELD_OF,
    "echo": "messages",
    "message_edit": "message_edit",
    "read": "messaging_seen",
    "referral": "messaging_referral",
    "pass_thread_control": "messaging_handover",
    "take_thread_control": "messaging_handover",
}


def scoped(world: World, account: PlatformAccount, customer: Customer) -> str:
    """The person's id as this account knows them (PSID, IGSID)."""
    return world.store.known_as(customer, f"{account.platform}:{account.id}", lambda: digits(16))


def person(world: World, account: PlatformAccount, ident: str) -> Customer | None:
    """Who has this id here."""
    return world.store.customer_known_as(f"{account.platform}:{account.id}", ident)


def message_id(account: PlatformAccount) -> str:
    """An opaque id that begins as real ones do."""
    if account.platform == "messenger":
        return "m_" + secrets.token_urlsafe(60)
    return base64.b64encode(b"ig_dm:1:" + secrets.token_bytes(60)).decode().rstrip("=")


def subscribed(account: PlatformAccount, field: str) -> bool:
    """Whether the account tells its app of this. Behind a page the app's own subscription decides, once there is one."""
    fields: list[str] = account.settings["fields"]
    if account.platform == "instagram" and linked(account):
        return bool(fields)
    return field in fields


def in_chat(
    world: World, account: PlatformAccount, customer: Customer, chat: Chat, what: str, content: Json
) -> None:
    """Tell one thing that a person did (or that became of a message of ours)."""
    mine = what == "echo"
    user = scoped(world, account, customer)
    ends = (account.id, user) if mine else (user, account.id)
    item: Json = {"sender": {"id": ends[0]}, "recipient": {"id": ends[1]}, "timestamp": now_ms(world)}
    item["message" if mine else what] = content
    tell(world, account, chat, what, item)


def tell(world: World, account: PlatformAccount, chat: Chat, what: str, item: Json) -> None:
    """Send one item, as `standby` while another app owns the conversation."""
    names = FIELD_OF if account.platform == "messenger" else FIELD_OF_INSTAGRAM
    standby = chat.key in account.kept.get("elsewhere", {}) and not what.endswith("thread_control")
    if subscribed(account, "standby" if standby else names.get(what, what)):
        post(world, account, {"standby" if standby else "messaging": [item]}, chat.key)


def change(world: World, account: PlatformAccount, field: str, value: Json, lane: str) -> None:
    """Tell what happened on the wall. With Instagram login a lone change stands in the entry itself."""
    if not subscribed(account, field):
        return
    one = {"field": field, "value": value}
    post(world, account, {"changes": [one]} if linked(account) else one, lane)


def now_ms(world: World) -> int:
    """Milliseconds, as messages have."""
    return int(world.clock.now() * 1000)


def post(world: World, account: PlatformAccount, content: Json, lane: str) -> None:
    """Send one webhook with one entry."""
    stamp = now_ms(world) if account.platform == "messenger" else int(world.clock.now())
    kind = "page" if account.platform == "messenger" else "instagram"
    body = encode({"object": kind, "entry": [{"id": account.id, "time": stamp, **content}]})

    def target(raw: bytes) -> Target | None:
        if not account.webhook_url:
            return None
        secret = account.settings["app_secret"]
        headers = {
            "content-type": "application/json",
            "user-agent": "facebookexternalua",
            "x-hub-signature": "sha1=" + hmac.new(secret.encode(), raw, hashlib.sha1).hexdigest(),
            "x-hub-signature-256": "sha256=" + hex_signature(secret, raw),
        }
        return Target(account.webhook_url, headers)

    world.outbox(account.id).put(lane, body, target, platform=account.platform, account=account.id)


def echo(
    world: World, account: PlatformAccount, customer: Customer, chat: Chat, bubble: Bubble, app_id: str
) -> None:
    """Tell what the account itself said, whoever wrote it."""
    sent = bubble.raw.get("message") or {}
    content: Json = {"mid": bubble.id, "is_echo": True}
    if app_id:
        content["app_id"] = int(app_id)
    for name in ("text", "quick_reply", "attachments"):
        if sent.get(name):
            content[name] = sent[name]
    if account.platform == "messenger" and sent.get("metadata"):
        content["metadata"] = sent["metadata"]
    if sent.get("attachment") and "attachments" not in content:
        content["attachments"] = [shown(sent["attachment"], bubble)]
    if bubble.reply_to:
        content["reply_to"] = {"mid": bubble.reply_to}
    in_chat(world, account, customer, chat, "echo", content)


def shown(attachment: Json, bubble: Bubble) -> Json:
    """An attachment of ours as an echo tells it: files by address, templates as they were sent."""
    if attachment.get("type") == "template":
        return attachment
    url = bubble.raw.get("url") or (attachment.get("payload") or {}).get("url") or ""
    return {"type": attachment.get("type"), "payload": {"url": url}}


async def settle(world: World, account: PlatformAccount, chat: Chat, bubble: Bubble) -> None:
    """Bring a message of ours as far as `receipts` says: sent, delivered, read."""
    wish = str(account.settings.get("receipts") or "delivered")
    customer = world.state.customers.get(chat.peer)
    await asyncio.sleep(world.config.receipt_delay_seconds)
    if customer is None or wish in {"none", "sent"} or bubble.status == "failed":
        return
    bubble.status = "delivered"
    world.changed(chat, bubble)
    if account.platform == "messenger":
        watermark = int(bubble.at * 1000) + 1
        in_chat(world, account, customer, chat, "delivery", {"mids": [bubble.id], "watermark": watermark})
    if wish == "read":
        await asyncio.sleep(world.config.receipt_delay_seconds)
        read(world, account, chat)


def read(world: World, account: PlatformAccount, chat: Chat) -> None:
    """The person has seen the chat: Messenger tells a time, Instagram the last message."""
    customer = world.state.customers.get(chat.peer)
    last: Bubble | None = None
    for bubble in chat.bubbles:
        if bubble.side == "business" and bubble.status not in {"read", "failed"}:
            bubble.status, last = "read", bubble
            world.changed(chat, bubble)
    if last is None or customer is None:
        return
    seen = {"watermark": int(last.at * 1000) + 1} if account.platform == "messenger" else {"mid": last.id}
    in_chat(world, account, customer, chat, "read", seen)
