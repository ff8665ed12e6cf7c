"""The site widget's server side: its REST doors, and one socket per visitor. Plain ASGI beside the API.

What a visitor says goes through the same acceptor as every webhook; what they hear follows the log.
"""

import asyncio
import time
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import structlog

from switchboard.app.accept import Acceptor, read
from switchboard.app.door import Receive, Scope, Send, read_body
from switchboard.app.hub import Hub
from switchboard.app.runtime import Live, Runtime
from switchboard.app.uploads import UploadError, receive_upload
from switchboard.app.visitor import Visitor, place_of, said
from switchboard.app.visitor_tokens import VisitorTokens
from switchboard.channels.api import RawRequest
from switchboard.channels.web.channel import WebChannel
from switchboard.core import events as e
from switchboard.db.log import Logged
from switchboard.db.pool import Tx
from switchboard.workspace import visitors

log = structlog.get_logger()
HELLO_SECONDS = 10
IDLE_SECONDS = 90
MAX_SOCKETS = 50_000
SOCKETS_EACH = 12
"""Sockets one visitor may hold: tabs, not floods."""
UPLOADS_EACH = 200_000_000
"""Bytes one visitor may upload to one process between its restarts."""
EARLY, EARLY_SECONDS = 1000, 5.0
"""Agents typing in conversations that no visitor here is known to have yet: how many are remembered, for how long."""
FRAMES_PER_SECOND = 20


class Site(msgspec.Struct, frozen=True):
    """A widget's channel: its connection, its channel id, its settings."""

    live: Live
    channel_id: UUID
    config: Any


class Widget:
    """Serves every site's widget."""

    def __init__(self, runtime: Runtime, acceptor: Acceptor, hub: Hub) -> None:
        self._runtime = runtime
        self._acceptor = acceptor
        self._hub = hub
        self.tokens = VisitorTokens(runtime.signer_key)
        self._visitors: dict[tuple[UUID, str], set[Visitor]] = defaultdict(set)
        self._early: dict[UUID, tuple[float, str]] = {}
        self._count = 0
        self._uploaded: dict[str, int] = defaultdict(int)
        hub.watch(self._follow)
        runtime.bus.hear(self._hear)

    async def _site(self, key: str) -> Site | None:
        live = await self._runtime.connections.by_account("web", key)
        if live is None:
            return None
        return Site(live, live.channels[key], self._runtime.connections.config(live.row))

    # -- REST ----------------------------------------------------------------------------------------------------------

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`/widget/{key}/config|sessions|files`, from any page the site allows."""
        _, _, key, *rest = scope["path"].split("/")
        site = await self._site(key)
        if site is None:
            await _json(send, 404, _problem("not_found", "There is no such widget."))
            return
        origin = _header(scope, b"origin")
        if not allowed(site.config.allowed_origins, origin, self._runtime.settings.url):
            await _json(send, 403, _problem("foreign_origin", "This site may not use this widget."), origin)
            return
        match scope["method"], rest:
            case "OPTIONS", _:
                await _json(send, 204, None, origin)
            case "GET", ["config"]:
                await _json(send, 200, await self._config(site), origin)
            case "POST", ["sessions"]:
                await self._session(site, receive, send, origin)
            case "POST", ["files"]:
                await self._upload(site, scope, receive, send, origin)
            case _:
                await _json(send, 404, _problem("not_found", "There is no such address."), origin)

    async def _config(self, site: Site) -> dict[str, Any]:
        config = site.config
        return {
            "name": config.name or site.live.row.name,
            "colour": config.colour,
            "greeting": {"en": config.greeting_en, "zh": config.greeting_zh},
            "offline_note": {"en": config.offline_note_en, "zh": config.offline_note_zh},
            "languages": config.languages,
            "online": await self._online(site),
            "offline_form": config.offline_form,
            "pre_chat": config.pre_chat,
            "max_file_bytes": config.max_file_bytes,
        }

    async def _online(self, site: Site) -> bool:
        async with self._runtime.db.transaction() as tx:
            return await visitors.anybody_online(tx, site.live.row.workspace_id)

    async def _session(self, site: Site, receive: Receive, send: Send, origin: str) -> None:
        try:
            asked = msgspec.json.decode(await read_body(receive, 20_000))
            token = asked.get("visitor_token") or ""
        except (ValueError, AttributeError, TimeoutError):
            await _json(send, 400, _problem("bad_request", "The body is not a JSON object."), origin)
            return
        user = asked.get("user") if isinstance(asked.get("user"), dict) else {}
        channel = site.live.channel
        assert isinstance(channel, WebChannel)
        vouched = bool(user.get("id")) and channel.vouches(str(user["id"]), str(user.get("hmac", "")))
        if user.get("id") and not vouched:
            await _json(
                send, 403, _problem("bad_proof", "The proof of this user's identity is wrong."), origin
            )
            return
        key, user_id = site.config.site_key, str(user["id"])[:200] if vouched else ""
        if not isinstance(token, str) or not self.tokens.is_of(key, token, user_id):
            token = self.tokens.make(key, user_id)
        visitor = self.tokens.visitor(key, token)
        answer = {
            "visitor_token": token,
            "visitor": {"id": visitor, "name": str(user.get("name") or "")[:200]},
        }
        if vouched:
            await self._believe(site, str(visitor), user)
        await _json(send, 201, answer, origin)

    async def _believe(self, site: Site, visitor: str, user: dict[str, Any]) -> None:
        """File what the host's server vouches for."""
        facts = {"visitor": {"id": visitor, "user_id": str(user["id"])[:200], "name": str(user.get("name") or "")[:200]},
                 "events": [{"type": "profile", "name": str(user.get("name") or "")[:200]}]}  # fmt: skip
        await self._accept(site, facts)

    async def _upload(self, site: Site, scope: Scope, receive: Receive, send: Send, origin: str) -> None:
        visitor = self.tokens.visitor(
            site.config.site_key, _header(scope, b"authorization").removeprefix("Bearer ")
        )
        if visitor is None:
            await _json(send, 401, _problem("unauthorized", "Open a session first."), origin)
            return
        limit = min(site.config.max_file_bytes, self._runtime.settings.max_file)
        limit = max(0, min(limit, UPLOADS_EACH - self._uploaded[visitor]))
        self._uploaded[visitor] += limit  # until it is known how much: others may upload at the same time
        kept = 0
        try:
            stored = await receive_upload(self._runtime, site.live.row.workspace_id, scope, receive, limit)
            kept = stored.size
        except UploadError as error:
            await _json(send, error.status, _problem("upload_refused", str(error)), origin)
            return
        finally:
            self._uploaded[visitor] += kept - limit
        url = self._runtime.link(stored.workspace_id, stored.id, stored.name)
        view = {"id": stored.id, "name": stored.name, "mime": stored.mime, "size": stored.size, "url": url,
                "width": stored.width, "height": stored.height}  # fmt: skip
        await _json(send, 201, {key: value for key, value in view.items() if value is not None}, origin)

    async def _accept(self, site: Site, body: dict[str, Any]) -> None:
        """Send a visitor's events through the door that every webhook uses; returns after the commit."""
        live = site.live
        request = RawRequest(
            "SOCKET", f"widget:{site.config.site_key}", {}, {}, msgspec.json.encode(body), datetime.now(UTC)
        )
        facts, error = read(live, request)
        await self._acceptor.take(live, request, facts, error)

    # -- socket --------------------------------------------------------------------------------------------------------

    async def socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`WS /widget/{key}/socket`."""
        await receive()
        _, _, key, *rest = scope["path"].split("/")
        site = await self._site(key) if rest == ["socket"] else None
        if site is None or not allowed(
            site.config.allowed_origins, _header(scope, b"origin"), self._runtime.settings.url
        ):
            await send({"type": "websocket.close", "code": 4404 if site is None else 4403})
            return
        if self._count >= MAX_SOCKETS:
            await send({"type": "websocket.close", "code": 4429})
            return
        await send({"type": "websocket.accept"})
        self._count += 1
        try:
            await self._visit(site, receive, send)
        except (TimeoutError, OSError):
            pass
        finally:
            self._count -= 1

    async def _visit(self, site: Site, receive: Receive, send: Send) -> None:
        async with asyncio.timeout(HELLO_SECONDS):
            hello = said(await receive())
        visitor_id = (
            self.tokens.visitor(site.config.site_key, str(hello.get("token", "")))
            if hello and hello.get("type") == "hello"
            else None
        )
        if visitor_id is None or hello is None:
            await send({"type": "websocket.close", "code": 4401})
            return
        key = site.channel_id, visitor_id
        if len(self._visitors[key]) >= SOCKETS_EACH:
            await send({"type": "websocket.close", "code": 4429})
            return
        visitor = Visitor(self._runtime, site.live.row.workspace_id, site.channel_id, visitor_id, send)
        self._visitors[key].add(visitor)
        writer = asyncio.create_task(visitor.write())
        try:
            await visitor.greet(place_of(hello.get("after")), await self._online(site))
            await self._listen(site, visitor, receive)
        finally:
            writer.cancel()
            self._visitors[key].discard(visitor)
            if not self._visitors[key]:
                del self._visitors[key]

    async def _listen(self, site: Site, visitor: Visitor, receive: Receive) -> None:
        loop = asyncio.get_running_loop()
        second, frames = loop.time(), 0
        while True:
            async with asyncio.timeout(IDLE_SECONDS):
                message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            if loop.time() - second > 1:
                second, frames = loop.time(), 0
            frames += 1
            if frames > FRAMES_PER_SECOND:
                await asyncio.sleep(1)
            heard = said(message)
            if heard is None:
                visitor.put(
                    {
                        "type": "error",
                        "code": "bad_frame",
                        "message": "This frame is not a JSON object, or too large.",
                    }
                )
                continue
            await self._handle(site, visitor, heard)

    async def _handle(self, site: Site, visitor: Visitor, heard: dict[str, Any]) -> None:
        person = {"id": visitor.visitor_id}
        match heard.get("type"):
            case "message":
                await self._message(site, visitor, heard)
            case "typing":
                await self._accept(site, {"visitor": person, "events": [{"type": "typing", "at": now()}]})
            case "read":
                ids = await visitor.unread_ids(place_of(heard.get("position")))
                if ids:
                    await self._accept(
                        site,
                        {"visitor": person, "events": [{"type": "receipt", "ids": ids, "status": "read"}]},
                    )
            case "history":
                await visitor.history(place_of(heard.get("before")))
            case "profile":
                fields = {key: str(heard[key])[:200] for key in ("name", "email", "phone") if heard.get(key)}
                await self._accept(
                    site, {"visitor": person | fields, "events": [{"type": "profile", **fields}]}
                )
            case "ping":
                visitor.put({"type": "pong"})
            case _:
                pass

    async def _message(self, site: Site, visitor: Visitor, heard: dict[str, Any]) -> None:
        """Accept one message; `ack` only after the commit."""
        client_id = heard.get("client_id")
        parts = await visitor.fill_files(heard.get("parts"))
        if not isinstance(client_id, str) or not 8 <= len(client_id) <= 64 or not parts:
            visitor.put(
                {
                    "type": "error",
                    "code": "bad_message",
                    "message": "A message needs client_id and parts.",
                    "client_id": client_id,
                }
            )
            return
        event = {"type": "message", "client_id": client_id, "parts": parts, "at": heard.get("at")}
        try:
            await self._accept(site, {"visitor": {"id": visitor.visitor_id}, "events": [event]})
        except Exception as error:
            log.warning("widget_accept_failed", error=repr(error))
            visitor.put(
                {
                    "type": "error",
                    "code": "try_again",
                    "message": "Not stored yet; it is sent again.",
                    "client_id": client_id,
                }
            )
            return
        visitor.put({"type": "ack", "client_id": client_id, "id": None, "position": None})

    # -- following the log ---------------------------------------------------------------------------------------------

    async def _follow(self, tx: Tx, logged: list[Logged]) -> None:
        """Tell the visitors connected here what concerns them."""
        if not self._visitors:
            return
        messages: dict[UUID, set[UUID]] = defaultdict(set)
        cases: dict[UUID, set[UUID]] = defaultdict(set)
        for one in logged:
            event = one.event
            if isinstance(event, e.MessageFiled | e.MessageChanged) and event.message_id is not None:
                messages[event.workspace_id].add(event.message_id)
            elif isinstance(event, e.ConversationAssigned | e.ConversationQueued | e.ConversationChanged):
                cases[event.workspace_id].add(event.subject)
        workspaces = {visitor.workspace_id for group in self._visitors.values() for visitor in group}
        for workspace in workspaces & set(messages):
            for channel, address, message in await visitors.messages_for(
                tx, workspace, sorted(messages[workspace]), self._runtime.link
            ):
                for visitor in self._visitors.get((channel, address), ()):
                    visitor.put({"type": "message", "message": message})
        for workspace in workspaces & set(cases):
            for row in await visitors.cases_of(tx, workspace, sorted(cases[workspace])):
                for visitor in self._visitors.get((row["channel_id"], row["address"]), ()):
                    visitor.case(row)
                    self._tell_early(visitor, row["conversation_id"])

    def _hear(self, news: dict[str, Any]) -> None:
        """An agent is typing to somebody here."""
        if "agent_typing" in news:
            conversation = UUID(news["agent_typing"])
            everybody = (visitor for group in self._visitors.values() for visitor in group)
            theirs = [visitor for visitor in everybody if conversation in visitor.conversations]
            for visitor in theirs:
                visitor.put({"type": "typing", "name": news["name"]})
            if not theirs:
                if len(self._early) >= EARLY:
                    self._early.clear()
                self._early[conversation] = time.monotonic(), news["name"]

    def _tell_early(self, visitor: Visitor, conversation: UUID) -> None:
        """An agent may type before the log tells us whose conversation it is."""
        at, name = self._early.pop(conversation, (0.0, ""))
        if time.monotonic() - at < EARLY_SECONDS:
            visitor.put({"type": "typing", "name": name})


def now() -> str:
    """Return the present as text."""
    return datetime.now(UTC).isoformat()


def allowed(origins: list[str], origin: str, own: str) -> bool:
    """Tell whether a page may use the widget: any when the site names none; our own pages always."""
    return (
        not origins
        or not origin
        or origin.rstrip("/") in {one.rstrip("/") for one in origins}
        or origin == own
    )


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _problem(code: str, detail: str) -> dict[str, Any]:
    return {"type": "about:blank", "title": code.replace("_", " "), "detail": detail, "code": code}


async def _json(send: Send, status: int, data: Any, origin: str = "") -> None:
    body = b"" if data is None else msgspec.json.encode(data)
    headers = [
        (b"content-type", b"application/json" if status < 400 else b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"access-control-allow-origin", origin.encode("latin-1") if origin else b"*"),
        (b"access-control-allow-headers", b"authorization, content-type"),
        (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
        (b"access-control-max-age", b"600"),
        (b"vary", b"origin"),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
