"""The webhook door: plain ASGI, since it is the hot path. Verify, parse, store, commit, 200. Nothing else happens here."""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import structlog
from prometheus_client import Counter as Metric

from switchboard.app.accept import Acceptor, read
from switchboard.app.runtime import Live, Runtime
from switchboard.app.spoken import converse, spoken
from switchboard.channels.api import BadSignature, Challenges, InDoubt, RawRequest, Reply, Retry
from switchboard.connections import commands as connections
from switchboard.core.facts import Inbound
from switchboard.db.pool import TRANSIENT
from switchboard.delivery.commands import Piece

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
log = structlog.get_logger()
REQUESTS = Metric(
    "switchboard_webhooks", "Requests at the webhook door by kind and answer", ["kind", "status"]
)
BODY_SECONDS = 15
PREFIX = "/hooks/"
SECRET = re.compile(r"[0-9A-Za-z_-]{16,64}")


class Door:
    """`/hooks/<secret>`: GET answers a platform's challenge, POST accepts."""

    def __init__(self, runtime: Runtime, acceptor: Acceptor) -> None:
        self._runtime = runtime
        self._acceptor = acceptor
        self._forged: Counter[Any] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            live = await self._find(scope["path"])
        except TRANSIENT as trouble:
            log.warning("accept_failed", error=str(trouble) or type(trouble).__name__)
            await answer(send, Reply(503, b"try again"))
            return
        if live is None:
            await answer(send, Reply(404, b"no such address"))
            return
        try:
            body = await read_body(receive, self._runtime.settings.max_body)
        except ValueError:
            await answer(send, Reply(413, b"body too large"))
            return
        except TimeoutError:
            await answer(send, Reply(408, b"body too slow"))
            return
        request = _request(scope, body, self._runtime.settings.url)
        pieces: list[Piece] = []
        taken = await self._take(live, request)
        if isinstance(taken, Reply):
            reply = taken
        elif live.speaks is not None:
            reply, pieces = await converse(self._runtime, live, live.speaks, request, taken)
        else:
            reply = live.acks.ack(request) if live.acks is not None else Reply()
        REQUESTS.labels(live.row.kind, reply.status).inc()
        await answer(send, reply)
        if pieces:
            await spoken(self._runtime, pieces)

    async def _find(self, path: str) -> Live | None:
        secret = path.removeprefix(PREFIX).split("/", 1)[0]
        if SECRET.fullmatch(secret) is None:
            return None
        return await self._runtime.connections.by_secret(secret)

    async def _take(self, live: Live, request: RawRequest) -> Reply | list[Inbound]:
        """Return the facts of a request that is stored, else what to answer instead."""
        channel = live.channel
        try:
            if request.method in ("GET", "HEAD"):
                if isinstance(channel, Challenges):
                    return channel.challenge(request)
                # Some platforms knock before they accept an address.
                return Reply() if request.method == "HEAD" else Reply(405, b"POST only")
            if request.method != "POST":
                return Reply(405, b"POST only")
            if live.prepares is not None:
                await live.prepares.prepare(request)
            channel.verify(request)
        except (Retry, InDoubt) as trouble:
            log.warning("verify_failed", kind=live.row.kind, error=str(trouble))
            return Reply(503, b"try again")
        except BadSignature:
            self._forged[live.row.workspace_id, live.row.id] += 1
            return Reply(401, b"bad signature")
        facts, error = read(live, request)
        try:
            await self._acceptor.take(live, request, facts, error)
        except TRANSIENT as trouble:
            log.warning("accept_failed", error=str(trouble))
            return Reply(503, b"try again")
        except Exception as trouble:
            log.error("accept_failed", kind=live.row.kind, error=repr(trouble))
            return Reply(500, b"could not be stored; try again")
        return facts

    async def note_forgeries(self) -> None:
        """Write down every few seconds how many forged requests came: counted, nothing else stored. Never returns."""
        while True:
            await asyncio.sleep(5)
            counted, self._forged = self._forged, Counter()
            for (workspace, connection), times in counted.items():
                try:
                    async with self._runtime.db.transaction() as tx:
                        await connections.note(tx, workspace, connection, "warning", "bad_signature",
                                               f"{times} request(s) with a missing or wrong signature were refused.")  # fmt: skip
                except Exception as error:
                    log.warning("note_failed", error=str(error))


def _request(scope: Scope, body: bytes, base: str) -> RawRequest:
    query = scope["query_string"].decode("latin-1")
    path = scope["path"]
    return RawRequest(
        scope["method"],
        f"{base}{path}?{query}" if query else f"{base}{path}",
        dict(parse_qsl(query, keep_blank_values=True)) if query else {},
        {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]},
        body,
        datetime.now(UTC),
    )


async def read_body(receive: Receive, limit: int) -> bytes:
    """Return the whole body; raises ValueError past the limit, TimeoutError when it takes too long."""
    message = await asyncio.wait_for(receive(), BODY_SECONDS)
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        if len(body) > limit:
            raise ValueError
        return body
    chunks, size = [body], len(body)
    async with asyncio.timeout(BODY_SECONDS):
        while message.get("more_body"):
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ValueError
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > limit:
                raise ValueError
            chunks.append(chunk)
    return b"".join(chunks)


async def answer(send: Send, reply: Reply) -> None:
    """Send a small answer."""
    await send(
        {
            "type": "http.response.start",
            "status": reply.status,
            "headers": [
                (b"content-type", reply.content_type.encode()),
                (b"content-length", str(len(reply.body)).encode()),
                (b"x-content-type-options", b"nosniff"),
            ],
        }
    )
    await send({"type": "http.response.body", "body": reply.body})
