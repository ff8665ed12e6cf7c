"""The custom channel's other end: a partner's system that posts and receives signed webhooks.

Header both ways: `X-Switchboard-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256(secret, "<t>." + raw body)>`.
"""

import asyncio
import hmac
import secrets
import time
from datetime import UTC, datetime
from typing import Any

import msgspec

from switchboard.sandbox.state import Bubble, Chat, Customer, CustomLink, attachment
from switchboard.sandbox.web import Refused, Request, Response, Router, json_response
from switchboard.sandbox.webhooks import Target, hex_signature
from switchboard.sandbox.world import FetchFailed, World, after, before

Json = dict[str, Any]
TOLERANCE_SECONDS = 300


def signature(secret: str, body: bytes, at: int) -> str:
    """The header's value."""
    return f"t={at},v1={hex_signature(secret, str(at).encode() + b'.' + body)}"


def is_signed(secret: str, body: bytes, header: str) -> bool:
    """Whether the header fits the body and is at most five minutes old."""
    fields = dict(part.partition("=")[::2] for part in header.split(","))
    at = fields.get("t", "")
    if not at.isdigit() or abs(time.time() - int(at)) > TOLERANCE_SECONDS:
        return False
    wanted = hex_signature(secret, at.encode() + b"." + body)
    return hmac.compare_digest(wanted, fields.get("v1", ""))


class CustomChannel:
    """All partner links of this process."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self, router: Router) -> None:
        """Where the product sends to, and where it finds a customer's files."""
        router.add("POST", "/custom/{id}/messages", self.receive)
        router.add("GET", "/custom/{id}/files/{key}", self.file)

    async def receive(self, request: Request, id: str) -> Response:  # noqa: A002
        """`{"messages": [{"id", "to", "parts": […]}]}` answered with `{"ids": […]}`."""
        link = self._world.state.links.get(id)
        if link is None:
            return json_response({"error": "there is no such link"}, 404)
        if not is_signed(link.secret, request.body, request.headers.get("x-switchboard-signature", "")):
            return json_response({"error": "the signature does not fit"}, 401)
        fault = self._world.faults.take("custom", id, sends=True)
        early = await before(fault)
        if early is not None:
            return early
        if fault is not None and fault.kind == "error":
            return json_response({"error": "asked for"}, fault.code or 500)
        try:
            messages = request.json().get("messages")
        except Refused as error:
            return json_response({"error": error.reason}, 400)
        if not isinstance(messages, list) or not all(_is_sound(m) for m in messages):
            return json_response({"error": "messages: a list of {id, to, parts}"}, 422)
        people = {str(m["to"]): self._world.state.customers.get(str(m["to"])) for m in messages}
        lost = [name for name, customer in people.items() if customer is None]
        if lost:
            return json_response({"error": f"to: no such customer: {', '.join(lost)}"}, 422)
        ids = []
        for message in messages:
            customer = people[str(message["to"])]
            assert customer is not None
            bubble = self._show(link, customer, message)
            self._world.note(
                message_id=bubble.id,
                platform="custom",
                account=id,
                to=customer.id,
                kind=bubble.kind,
                text=bubble.text,
                body=message,
                fault=fault,
            )
            ids.append(bubble.id)
        return after(fault, json_response({"ids": ids}))

    def _show(self, link: CustomLink, customer: Customer, message: Json) -> Bubble:
        chat = self._world.store.chat("custom", link.id, customer.id)
        texts = [str(p.get("text") or p.get("caption") or "") for p in message["parts"]]
        files = [p for p in message["parts"] if p.get("url")]
        bubble = Bubble(
            id="m" + secrets.token_hex(10),
            side="business",
            kind=str(files[0].get("type")) if files else "text",
            at=self._world.clock.now(),
            text="\n".join(filter(None, texts)),
            status="sent",
            raw=message,
            reply_to=str(message.get("reply_to") or ""),
        )
        self._world.show(chat, bubble)
        self._world.spawn(self._finish(link, chat, bubble, files))
        return bubble

    async def _finish(self, link: CustomLink, chat: Chat, bubble: Bubble, files: list[Json]) -> None:
        for part in files:
            try:
                media = await self._world.fetch(str(part["url"]), link.id)
            except FetchFailed as error:
                bubble.error = str(error)
                continue
            media.name = str(part.get("name") or media.name)
            bubble.attachments.append(attachment(media, str(part.get("type") or "file")))
        await asyncio.sleep(self._world.config.receipt_delay_seconds)
        self.receipt(link, chat, bubble, "delivered")

    def receipt(self, link: CustomLink, chat: Chat, bubble: Bubble, status: str) -> None:
        """Tell the product what became of its message."""
        bubble.status = status
        self._world.changed(chat, bubble)
        self._post(link, chat, {"receipts": [{"id": bubble.id, "status": status, "at": self._now()}]})

    def _now(self) -> str:
        return datetime.fromtimestamp(self._world.clock.now(), UTC).isoformat()

    def play(self, link: CustomLink, customer: Customer, wish: Json, origin: str) -> Bubble:
        """The customer writes."""
        chat = self._world.store.chat("custom", link.id, customer.id)
        keys = [*([wish["file"]] if wish.get("file") else []), *(wish.get("files") or [])]
        files = [self._world.state.media.get(str(key)) for key in keys]
        bubble = Bubble(
            id=str(wish.get("id") or "in" + secrets.token_hex(10)),
            side="customer",
            kind=str(wish.get("type") or "text"),
            at=self._world.clock.now(),
            text=str(wish.get("text") or ""),
            reply_to=str(wish.get("reply_to") or ""),
            attachments=[attachment(m, str(wish.get("type") or "file")) for m in files if m],
        )
        message: Json = {
            "id": bubble.id,
            "from": {
                "id": customer.id,
                "name": customer.name,
                "phone": "+" + customer.phone,
                "email": customer.email,
            },
            "sent_at": self._now(),
        }
        if bubble.text:
            message["text"] = bubble.text
        if bubble.reply_to:
            message["reply_to"] = bubble.reply_to
        if wish.get("location"):
            message["location"] = bubble.location = dict(wish["location"])
        if bubble.attachments:
            message["attachments"] = [
                {"url": f"{origin}/custom/{link.id}/files/{a.key}", "type": a.content_type, "name": a.name}
                for a in bubble.attachments
            ]
        message.update(wish.get("raw") or {})
        bubble.raw = message
        self._world.show(chat, bubble)
        self._post(link, chat, {"messages": [message]})
        return bubble

    def _post(self, link: CustomLink, chat: Chat, content: Json) -> None:
        def target(body: bytes) -> Target | None:
            if not link.webhook_url:
                return None
            signed = signature(link.secret, body, int(time.time()))
            headers = {"content-type": "application/json", "x-switchboard-signature": signed}
            return Target(link.webhook_url, headers)

        body = msgspec.json.encode(content)
        self._world.outbox(link.id).put(chat.key, body, target, platform="custom", account=link.id)

    async def file(self, request: Request, id: str, key: str) -> Response:  # noqa: A002
        """A customer's file; the key cannot be guessed."""
        del request
        media = self._world.state.media.get(key)
        if media is None or id not in self._world.state.links:
            return json_response({"error": "there is no such file"}, 404)
        return Response(media.content, content_type=media.content_type)


def _is_sound(message: Any) -> bool:
    if not isinstance(message, dict) or not message.get("to"):
        return False
    parts = message.get("parts")
    return isinstance(parts, list) and bool(parts) and all(isinstance(p, dict) for p in parts)
