"""Replies, pushes and multicasts: tokens used once, retry keys, the monthly quota."""

import secrets
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from switchboard.sandbox.faults import Fault
from switchboard.sandbox.line import drafts, stickers
from switchboard.sandbox.line.access import Access
from switchboard.sandbox.line.drafts import Draft
from switchboard.sandbox.line.errors import QUOTA, SPENT, LineError
from switchboard.sandbox.line.events import person, rooms
from switchboard.sandbox.state import Bubble, Chat, Media, PlatformAccount, attachment, digits
from switchboard.sandbox.web import Request, Response, json_response
from switchboard.sandbox.world import FetchFailed, after, before

Json = dict[str, Any]
KEY_SECONDS = 86_400
MOST_KEYS = 5_000
PER_SECOND = 2_000.0


def pushed(account: PlatformAccount, now: float) -> dict[str, int]:
    """How many messages each month has cost; the current month is there."""
    months: dict[str, int] = account.kept.setdefault("pushed", {})
    months.setdefault(month(now), 0)
    return months


def month(now: float) -> str:
    """The month by which LINE counts."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m")


class Sending(Access):
    """Everything that reaches a customer."""

    async def begin(self, account: PlatformAccount, *, sends: bool) -> tuple[Fault | None, Response | None]:
        """The failure that somebody asked for, and the answer that ends the call at once."""
        fault = self.world.faults.take("line", account.id, sends=sends)
        early = await before(fault)
        if early is None and fault is not None and fault.kind == "error":
            raise LineError(fault.code or 500)
        if early is None and account.settings.get("rates"):
            limit = float(account.settings.get("per_second") or PER_SECOND)
            if self.world.rate(f"line:{account.id}", limit, limit):
                raise LineError(429)
        return fault, early

    async def reply(self, request: Request) -> Response:
        """Answer an event, free of charge, once."""
        account = self.mine(request)
        fault, early = await self.begin(account, sends=True)
        if early is not None:
            return early
        if "x-line-retry-key" in request.headers:
            raise LineError(400, "This API does not support the retry key")
        body = request.json()
        said = drafts.read(body)
        tokens: dict[str, list[Any]] = account.kept.setdefault("reply_tokens", {})
        key, until = tokens.pop(str(body.get("replyToken") or ""), ["", 0.0])
        chat = self.world.state.chats.get(key)
        if chat is None or until < self.world.clock.now():
            raise LineError(400, SPENT)
        sent = [self._deliver(account, chat, draft, message, fault) for draft, message in said]
        return after(fault, json_response({"sentMessages": sent}))

    async def push(self, request: Request) -> Response:
        """Write to somebody at any time, at a price."""
        account = self.mine(request)
        fault, early = await self.begin(account, sends=True)
        if early is not None:
            return early
        key = self._retry_key(account, request)
        body = request.json()
        said = drafts.read(body)
        chat = self._addressed(account, body.get("to"))
        self._charge(
            account, 1 if chat.peer not in rooms(account) else len(rooms(account)[chat.peer]["members"])
        )
        sent = [self._deliver(account, chat, draft, message, fault) for draft, message in said]
        self._accept(account, key, {"sentMessages": sent})
        return after(fault, json_response({"sentMessages": sent}))

    async def multicast(self, request: Request) -> Response:
        """Write to up to 500 people at once; LINE tells no ids."""
        account = self.mine(request)
        fault, early = await self.begin(account, sends=True)
        if early is not None:
            return early
        key = self._retry_key(account, request)
        body = request.json()
        said = drafts.read(body)
        to = body.get("to")
        if not isinstance(to, list) or not 1 <= len(to) <= 500:
            raise LineError(400, details=[("Size must be between 1 and 500", "to")])
        chats = [self._addressed(account, one) for one in to]
        self._charge(account, len(chats))
        for chat in chats:
            for draft, message in said:
                self._deliver(account, chat, draft, message, fault)
        self._accept(account, key, {})
        return after(fault, json_response({}))

    async def validate(self, request: Request) -> Response:
        """Check message objects without sending them."""
        self.mine(request)
        drafts.read(request.json())
        return json_response({})

    def _retry_key(self, account: PlatformAccount, request: Request) -> str:
        key = request.headers.get("x-line-retry-key", "")
        if not key:
            return ""
        try:
            UUID(key)
        except ValueError as error:
            raise LineError(400, "The retry key is invalid") from error
        keys: dict[str, list[Any]] = account.kept.setdefault("retry_keys", {})
        until, answer, accepted = keys.get(key, [0.0, {}, ""])
        if until > self.world.clock.now():
            raise LineError(409, more=answer, headers={"x-line-accepted-request-id": accepted})
        return key

    def _accept(self, account: PlatformAccount, key: str, answer: Json) -> None:
        keys: dict[str, list[Any]] = account.kept.setdefault("retry_keys", {})
        while len(keys) >= MOST_KEYS:
            keys.pop(next(iter(keys)))
        if key:
            keys[key] = [self.world.clock.now() + KEY_SECONDS, answer, secrets.token_hex(16)]

    def _charge(self, account: PlatformAccount, count: int) -> None:
        """Count against the month, whose limit is the setting `monthly_limit` (0 = none)."""
        now = self.world.clock.now()
        months, limit = pushed(account, now), int(account.settings.get("monthly_limit") or 0)
        if limit and months[month(now)] + count > limit:
            raise LineError(429, QUOTA)
        months[month(now)] += count

    def _addressed(self, account: PlatformAccount, to: Any) -> Chat:
        store = self.world.store
        if isinstance(to, str) and to in rooms(account):
            return store.chat("line", account.id, to)
        customer = person(self.world, account, to) if isinstance(to, str) else None
        if customer is None:
            raise LineError(400, "The property, 'to', in the request body is invalid (line: -, column: -)")
        return store.chat("line", account.id, customer.id)

    def _deliver(
        self, account: PlatformAccount, chat: Chat, draft: Draft, message: Json, fault: Fault | None
    ) -> Json:
        """Show one message. Who has blocked the account gets nothing, which LINE does not tell."""
        world, message_id, quote = self.world, digits(18), secrets.token_urlsafe(24)
        customer = world.state.customers.get(chat.peer)
        to = chat.peer if customer is None else customer.handles[f"line:{account.settings['provider_id']}"]
        world.note(
            message_id=message_id,
            platform="line",
            account=account.id,
            to=to,
            kind=draft.kind,
            text=draft.text or draft.title,
            body=message,
            fault=fault,
        )
        bubble = Bubble(
            id=message_id,
            side="business",
            kind=draft.kind,
            at=world.clock.now(),
            text=draft.text,
            title=draft.title,
            location=draft.location,
            cards=draft.cards,
            buttons=draft.buttons,
            reply_to=self._quoted(chat, str(message.get("quoteToken") or "")),
            status="sent",
            raw={"message": message, "actions": draft.actions, "quoteToken": quote},
        )
        if chat.blocked:
            bubble.status, bubble.error = "failed", "blocked"
            chat.bubbles.append(bubble)
        else:
            if draft.sticker:
                bubble.attachments = [attachment(self._sticker(account, draft.sticker), draft.kind)]
            world.show(chat, bubble)
            if draft.links:
                world.spawn(self._load(account, chat, bubble, draft))
        return {"id": message_id, "quoteToken": quote}

    def _sticker(self, account: PlatformAccount, number: str) -> Media:
        return self.world.store.keep(
            account=account.id,
            name=f"{number}.png",
            content_type="image/png",
            content=stickers.picture(int(number)),
            now=self.world.clock.now(),
            key=f"sticker-{account.id}-{number}",
        )

    def _quoted(self, chat: Chat, token: str) -> str:
        if not token:
            return ""
        found = next((b.id for b in chat.bubbles if _quote_token(b) == token), "")
        if not found:
            raise LineError(400, details=[("Invalid quoteToken", "messages[0].quoteToken")])
        return found

    async def _load(self, account: PlatformAccount, chat: Chat, bubble: Bubble, draft: Draft) -> None:
        """Fetch what the message links to, as the customer's phone would."""
        for link in filter(None, [*draft.links, draft.still]):
            try:
                media = await self.world.fetch(link, account.id)
            except FetchFailed as error:
                bubble.error, bubble.footer = str(error), link
                continue
            if link != draft.still:
                bubble.attachments.append(attachment(media, draft.kind))
            elif media.content_type not in {"image/jpeg", "image/png"}:
                bubble.error, bubble.footer = f"the preview is {media.content_type}", link
        self.world.changed(chat, bubble)

    # -- signs of life -----------------------------------------------------------------------------------------------

    async def loading(self, request: Request) -> Response:
        """Show the dots for a while; private chats only."""
        account = self.mine(request)
        fault, early = await self.begin(account, sends=False)
        if early is not None:
            return early
        body = request.json()
        seconds = body.get("loadingSeconds", 20)
        if not isinstance(seconds, int) or not 5 <= seconds <= 60 or seconds % 5:
            raise LineError(400, details=[("Must be a multiple of 5 between 5 and 60", "loadingSeconds")])
        customer = person(self.world, account, str(body.get("chatId") or ""))
        if customer is None:
            raise LineError(400, details=[("Invalid chatId", "chatId")])
        self.world.typing(self.world.store.chat("line", account.id, customer.id))
        return after(fault, Response(b"{}", status=202))

    async def mark_as_read(self, request: Request) -> Response:
        """Mark everything up to a message as read, by the token that came with it."""
        account = self.mine(request)
        token = str(request.json().get("markAsReadToken") or "")
        chats = [c for c in self.world.state.chats.values() if c.account == account.id]
        for chat in chats:
            if any(_message(b).get("markAsReadToken") == token for b in chat.bubbles):
                self._seen(chat, token)
                return json_response({})
        raise LineError(400, details=[("Invalid markAsReadToken", "markAsReadToken")])

    def _seen(self, chat: Chat, token: str) -> None:
        for bubble in chat.bubbles:
            if bubble.side == "customer" and bubble.status != "read":
                bubble.status = "read"
                self.world.changed(chat, bubble)
            if _message(bubble).get("markAsReadToken") == token:
                return

    async def quota(self, request: Request) -> Response:
        """The month's limit."""
        limit = int(self.mine(request).settings.get("monthly_limit") or 0)
        return json_response({"type": "limited", "value": limit} if limit else {"type": "none"})

    async def consumption(self, request: Request) -> Response:
        """What the month has used up."""
        account, now = self.mine(request), self.world.clock.now()
        return json_response({"totalUsage": pushed(account, now)[month(now)]})


def _message(bubble: Bubble) -> Json:
    found = bubble.raw.get("message")
    return found if isinstance(found, dict) else {}


def _quote_token(bubble: Bubble) -> str:
    return str(bubble.raw.get("quoteToken") or _message(bubble).get("quoteToken") or "")
