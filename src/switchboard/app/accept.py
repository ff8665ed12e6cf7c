"""Group commit for whatever comes in: neighbours share one transaction, each caller gets its own answer."""

import asyncio
import re
from functools import lru_cache

import structlog

from switchboard.app.courtesy import Courtesies
from switchboard.app.runtime import Live, Runtime
from switchboard.channels.api import BadPayload, RawRequest, Typed
from switchboard.core.facts import Inbound, Nudge
from switchboard.core.ids import new_id
from switchboard.db.pool import TRANSIENT, Tx
from switchboard.ingest import commands as ingest

log = structlog.get_logger()
MAX_BATCH = 256
LARGE = 256_000
"""Bodies over this many bytes go to a file, written before the transaction that names it."""
KEPT_HEADERS = re.compile(r"content-type|user-agent|x-(?!.*(secret|token|key|auth|forward|real-ip)).*")
"""What may help to read a body again; never what proves who sent it, nor where from."""


@lru_cache(1000)
def _is_kept(header: str) -> bool:
    return KEPT_HEADERS.fullmatch(header) is not None


class Acceptor:
    """Stores deliveries in batches: the next batch gathers while the last one commits, so nobody waits for a timer."""

    def __init__(self, runtime: Runtime, flushers: int = 2) -> None:
        self._runtime = runtime
        self._courtesies = Courtesies(runtime)
        self._waiting: list[tuple[ingest.Delivery, asyncio.Future[None]]] = []
        self._flushing = 0
        self._flushers = flushers
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(
        self, live: Live, request: RawRequest, facts: list[Inbound], error: str | None = None
    ) -> None:
        """Store one request with its facts; returns after the commit. Raises what the database raised."""
        for fact in facts:
            if isinstance(fact, Nudge):
                said = {"nudge": str(live.row.id), "account": fact.account[:500], "hint": fact.hint[:500]}
                self._runtime.bus.say(said)
            elif isinstance(fact, Typed) and fact.sender.claims:
                self._courtesies.customer_types(live, fact)
        kept = [fact for fact in facts if not isinstance(fact, Nudge | Typed)]
        if facts and not kept:
            return
        body, path = request.body, None
        if len(body) > LARGE:
            path = f"{live.row.workspace_id}/raw/{new_id()}"
            await self._runtime.blobs.put_at(path, body)
        await self.store(
            ingest.Delivery(
                workspace_id=live.row.workspace_id,
                connection_id=live.row.id,
                received_at=request.received_at,
                method=request.method,
                url=request.url[:2000],
                headers={key: value[:500] for key, value in request.headers.items() if _is_kept(key)},
                body=None if path else body,
                facts=kept,
                channels=live.channels,
                body_path=path,
                error=error,
            )
        )

    async def store(self, delivery: ingest.Delivery) -> None:
        """Store one delivery; returns after the commit."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, done))
        if self._flushing < self._flushers:
            self._flushing += 1
            task = asyncio.get_running_loop().create_task(self._flush())
            self._tasks.add(task)  # the loop alone would not keep it alive
            task.add_done_callback(self._tasks.discard)
        await done

    async def _flush(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
                await self._commit(batch)
        finally:
            self._flushing -= 1

    async def _commit(self, batch: list[tuple[ingest.Delivery, asyncio.Future[None]]]) -> None:
        try:
            # One statement is a transaction by itself: BEGIN and COMMIT would be two more round trips.
            async with self._runtime.db.connection() as connection:
                await ingest.accept(Tx(connection), [delivery for delivery, _ in batch])
        except TRANSIENT as error:
            _fail(batch, error)
        except Exception as error:
            if len(batch) == 1:
                _fail(batch, error)
                return
            for one in batch:  # one bad neighbour must not cost the others their answer
                await self._commit([one])
        else:
            for _, done in batch:
                if not done.done():
                    done.set_result(None)
            self._runtime.bus.hint("facts")


def _fail(batch: list[tuple[ingest.Delivery, asyncio.Future[None]]], error: BaseException) -> None:
    for _, done in batch:
        if not done.done():
            done.set_exception(error)


def read(live: Live, request: RawRequest) -> tuple[list[Inbound], str | None]:
    """Parse a request; what can't be read becomes an error text, never an exception."""
    try:
        return live.channel.parse(request), None
    except BadPayload as error:
        return [], str(error) or "unreadable"
    except Exception as error:
        log.error("parse_failed", kind=live.row.kind, connection=str(live.row.id), error=repr(error))
        return [], f"The adapter failed on this body: {type(error).__name__}"
