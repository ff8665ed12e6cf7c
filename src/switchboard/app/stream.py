"""The agents' live socket, `WS /api/v1/stream?cursor=`: plain ASGI. Snapshot, then ordered changes, or `resync`."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import msgspec
import structlog

from switchboard.api import paging
from switchboard.app.door import Receive, Scope, Send
from switchboard.app.hub import Client, Hub, frame
from switchboard.app.runtime import Runtime
from switchboard.db.bus import wait
from switchboard.workspace import live, reads
from switchboard.workspace.rows import View, Viewer

log = structlog.get_logger()
MAX_FRAME = 64_000
MAX_CONNECTIONS = 20_000
IDLE_SECONDS = 90
RECHECK_SECONDS = 60
"""Seconds between two looks whether a socket's session still lives; changes of a person are looked at at once."""
_CURSOR = re.compile(r"[0-9]{1,18}")
OPEN_STATUSES = ("new", "open", "pending")
Identify = Callable[[Scope, str], Awaitable[tuple[Viewer, str] | None]]
"""Who opened a socket, by cookie or by the token given: (viewer, name), None when nobody."""


class FilterFrame(msgspec.Struct, frozen=True):
    """A view's filter as clients write it."""

    status: tuple[str, ...] = OPEN_STATUSES
    assignee: str = ""
    team: UUID | None = None
    channel: UUID | None = None
    kind: str = ""
    tag: str = ""
    contact: UUID | None = None


class ViewFrame(msgspec.Struct, frozen=True):
    """One subscribed view."""

    key: str
    filter: FilterFrame = FilterFrame()
    sort: str = "last"
    limit: int = 50


class Subscribe(msgspec.Struct, frozen=True, tag_field="type", tag="subscribe"):
    """Follow these from now on, instead of what was followed before."""

    views: list[ViewFrame] = []
    conversations: list[UUID] = []
    counters: bool = False
    resumed: bool = False


class Typing(msgspec.Struct, frozen=True, tag_field="type", tag="typing"):
    """I am typing there."""

    conversation_id: UUID


class Looking(msgspec.Struct, frozen=True, tag_field="type", tag="looking"):
    """I have this conversation open."""

    conversation_id: UUID | None = None


class Ping(msgspec.Struct, frozen=True, tag_field="type", tag="ping"):
    """Are you there?"""


_decoder = msgspec.json.Decoder(Subscribe | Typing | Looking | Ping)


class Stream:
    """Serves agents' sockets."""

    def __init__(self, runtime: Runtime, hub: Hub, identify: Identify) -> None:
        self._runtime = runtime
        self._hub = hub
        self._identify = identify
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        if not same_origin(scope, self._runtime.settings.url) and "token" not in query:
            await send({"type": "websocket.close", "code": 4403, "reason": "foreign origin"})
            return
        known = await self._identify(scope, query.get("token", ""))
        if known is None or self._open >= MAX_CONNECTIONS:
            # Accepted first: a browser is told the code of a socket that was open, never of a refused handshake.
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": 4401 if known is None else 4429})
            return
        await send({"type": "websocket.accept"})
        client = Client(*known)
        self._open += 1
        self._hub.join(client)
        try:
            await self._serve(client, scope, receive, send, query)
        finally:
            self._open -= 1
            self._hub.leave(client)

    async def _serve(
        self, client: Client, scope: Scope, receive: Receive, send: Send, query: dict[str, str]
    ) -> None:
        client.put(
            frame(self._hub.position, "hello", {"agent_id": client.viewer.agent_id, "at": datetime.now(UTC)})
        )
        cursor = query.get("cursor", "")
        tasks = [
            asyncio.create_task(self._write(client, send)),
            asyncio.create_task(self._read(client, receive, int(cursor) if _CURSOR.fullmatch(cursor) else 0)),
            asyncio.create_task(self._watch(client, scope, query.get("token", ""))),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                if (
                    not one.cancelled()
                    and (error := one.exception()) is not None
                    and not isinstance(error, OSError)
                ):
                    log.warning("stream_failed", error=repr(error))
            if tasks[2] in done:
                await send({"type": "websocket.close", "code": 4401})
        finally:
            for one in tasks:
                one.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, client: Client, scope: Scope, token: str) -> None:
        """End when who opened the socket may not read any more; who sees something else by now begins anew."""
        while True:
            await wait(client.recheck, RECHECK_SECONDS)
            try:
                known = await self._identify(scope, token)
            except Exception as error:  # the database may be away for a moment
                log.warning("stream_recheck", error=str(error) or repr(error))
                continue
            if known is None:
                return
            if known[0] != client.viewer:
                client.viewer, client.name = known
                client.subscribe(live.Subscription())
                client.put(frame(self._hub.position, "resync", {"reason": "rights"}))

    async def _write(self, client: Client, send: Send) -> None:
        """Send what waits."""
        while True:
            await client.ready.wait()
            client.ready.clear()
            if client.lagging:
                client.lagging = False
                await send(
                    {
                        "type": "websocket.send",
                        "text": frame(self._hub.position, "resync", {"reason": "slow"}).decode(),
                    }
                )
            waiting, client.waiting = client.waiting, []
            for one in waiting:
                await send({"type": "websocket.send", "text": one.decode()})

    async def _read(self, client: Client, receive: Receive, cursor: int) -> None:
        while True:
            async with asyncio.timeout(IDLE_SECONDS):
                message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text") or (message.get("bytes") or b"").decode("utf-8", "replace")
            if len(text) > MAX_FRAME:
                return
            try:
                said = _decoder.decode(text)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                client.put(
                    frame(self._hub.position, "error", {"code": "bad_frame", "message": str(error)[:200]})
                )
                continue
            await self._handle(client, said, cursor)
            if isinstance(said, Subscribe):
                cursor = 0

    async def _handle(self, client: Client, said: Subscribe | Typing | Looking | Ping, cursor: int) -> None:
        match said:
            case Subscribe():
                await self._subscribe(client, said, cursor)
            case Typing(conversation_id=here):
                if client.follows(here):
                    self._hub.typed(client, here)
            case Looking(conversation_id=here):
                self._hub.looked(client, here if here is not None and client.follows(here) else None)
            case Ping():
                client.put(frame(self._hub.position, "pong", {}))

    async def _subscribe(self, client: Client, said: Subscribe, cursor: int) -> None:
        """Set what is followed first, then send snapshots: a change in between is sent twice rather than never."""
        views = tuple((one.key[:80], live.resolve(_view(one), client.viewer)) for one in said.views[:20])
        async with self._runtime.db.transaction() as tx:
            allowed = await self._allowed(tx, client.viewer, said.conversations[:50])
            client.subscribe(live.Subscription(views, allowed, said.counters))
            if cursor and await self._hub.resume(tx, client, cursor):
                client.put(frame(self._hub.position, "resumed", {"from": cursor}))
            else:
                if cursor:
                    client.put(frame(self._hub.position, "resync", {"reason": "too_old"}))
                for (key, view), asked in zip(views, said.views, strict=False):
                    items, following = await reads.inbox(
                        tx, client.viewer, view, self._runtime.link, None, max(1, min(asked.limit, 200))
                    )
                    data = {"key": key, "items": items, "next": paging.seal(following)}
                    client.put(frame(self._hub.position, "snapshot", data))
            if said.counters:
                client.put(frame(self._hub.position, "counters", await reads.counters(tx, client.viewer)))

    async def _allowed(self, tx: Any, viewer: Viewer, wanted: list[UUID]) -> frozenset[UUID]:
        if not wanted:
            return frozenset()
        rows = await reads.rows(tx, [(viewer.workspace_id, key) for key in wanted], self._runtime.link)
        for key in set(wanted) - set(rows):  # begun a moment ago: ahead of the read model
            row = await reads.fresh(tx, viewer.workspace_id, key, self._runtime.link)
            if row is not None:
                rows[key] = row
        return frozenset(key for key, row in rows.items() if viewer.sees(row.assignee_id, row.team_id))


def _view(asked: ViewFrame) -> View:
    sort = asked.sort if asked.sort in ("last", "waiting") else "last"
    fields = msgspec.structs.asdict(asked.filter)
    if fields["assignee"] not in ("", "none", "me"):
        try:
            UUID(fields["assignee"])
        except ValueError:
            fields["assignee"] = "none"
    return View(**fields, sort=sort)


def same_origin(scope: Scope, public_url: str) -> bool:
    """Tell whether a browser's socket comes from our own pages: the host asked for, or the public address."""
    headers = dict(scope["headers"])
    origin = headers.get(b"origin", b"").decode("latin-1")
    if not origin:
        return True
    host = headers.get(b"host", b"").decode("latin-1")
    return urlsplit(origin).netloc in (host, urlsplit(public_url).netloc)
