"""The site widget's and the apps' server side: one socket per visitor. Plain ASGI beside the API.

What a visitor says goes through the same acceptor as every webhook; what they hear follows the log.
"""

import asyncio
import time
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog

from switchboard.app.accept import Acceptor
from switchboard.app.door import Receive, Scope, Send
from switchboard.app.hub import Hub
from switchboard.app.runtime import Runtime
from switchboard.app.sites import Site, Sites, allowed
from switchboard.app.visitor import DELIVERED, READ, Visitor, place_of, said
from switchboard.app.visitor_doors import VisitorDoors, header
from switchboard.app.visitor_tokens import VisitorTokens
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
EARLY, EARLY_SECONDS = 1000, 5.0
"""Agents typing in conversations that no visitor here is known to have yet: how many are remembered, for how long."""
FRAMES_PER_SECOND = 20


class Widget:
    """Serves every site's widget."""

    def __init__(self, runtime: Runtime, acceptor: Acceptor, hub: Hub) -> None:
        self._runtime = runtime
        self._sites = Sites(runtime, acceptor)
        self.tokens = VisitorTokens(runtime.signer_key)
        self._doors = VisitorDoors(runtime, self._sites, self.tokens)
        self._visitors: dict[tuple[UUID, str], set[Visitor]] = defaultdict(set)
        self._early: dict[UUID, tuple[float, str]] = {}
        self._count = 0
        hub.watch(self._follow)
        runtime.bus.hear(self._hear)

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`/widget/{key}/…` by plain requests, from any page the site allows."""
        await self._doors(scope, receive, send)

    # -- socket --------------------------------------------------------------------------------------------------------

    async def socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`WS /widget/{key}/socket`."""
        await receive()
        _, _, key, *rest = scope["path"].split("/")
        site = await self._sites.find(key) if rest == ["socket"] else None
        if site is None or not allowed(
            site.config.allowed_origins, header(scope, b"origin"), self._runtime.settings.url
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
            await visitor.greet(place_of(hello.get("after")), await self._sites.online(site))
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
                await self._sites.accept(
                    site, {"visitor": person, "events": [{"type": "typing", "at": now()}]}
                )
            case "delivered" | "read" as status:
                before = DELIVERED if status == "delivered" else READ
                ids = await visitor.pieces(place_of(heard.get("position")), before)
                if ids:
                    receipt = {"type": "receipt", "ids": ids, "status": status}
                    await self._sites.accept(site, {"visitor": person, "events": [receipt]})
            case "history":
                await visitor.history(place_of(heard.get("before")))
            case "profile":
                fields = {key: str(heard[key])[:200] for key in ("name", "email", "phone") if heard.get(key)}
                await self._sites.accept(
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
            await self._sites.accept(site, {"visitor": {"id": visitor.visitor_id}, "events": [event]})
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
