"""Which connections this process speaks for: leases shared fairly, a sender, pollers and sessions for each."""

import asyncio
import contextlib
import math
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog

from switchboard.app import health
from switchboard.app.runtime import Live, Runtime
from switchboard.app.sender import Sender
from switchboard.channels.api import Outcome, Polled, Polls, Reauthorise, Sessions
from switchboard.connections import commands as connections
from switchboard.connections import reads as connection_reads
from switchboard.core.ids import new_id
from switchboard.db import log as event_log
from switchboard.db.bus import wait
from switchboard.delivery import commands as delivery
from switchboard.ingest import commands as ingest

log = structlog.get_logger()
LEASE_SECONDS = 12
RENEW_SECONDS = 3.0


def fair_share(me: UUID, live: list[UUID], leased: dict[UUID, UUID]) -> list[UUID]:
    """Return the connections to hold: our own ones up to an even share, then free ones, never those of a living holder."""
    share = math.ceil(len(live) / max(1, len({me, *leased.values()})))
    mine = [key for key in live if leased.get(key) == me]
    free = [key for key in live if key not in leased]
    return mine[:share] if len(mine) > share else mine + free[: share - len(mine)]


class Leases:
    """Holds a fair share of the connections and runs what they need."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._held: dict[UUID, _Held] = {}
        self._outbound = runtime.bus.listener("outbound")
        self._renewed = asyncio.get_running_loop().time()

    def holds(self, connection: UUID) -> bool:
        """Tell whether this process speaks for a connection just now."""
        return connection in self._held

    async def run(self) -> None:
        """Never returns; cancelling it gives the leases back."""
        dispatch = asyncio.create_task(self._dispatch())
        try:
            while True:
                try:
                    await self._renew()
                except asyncio.CancelledError:
                    raise
                except Exception as error:
                    log.warning("leases_interrupted", error=str(error) or repr(error))
                    await self._expire()
                await asyncio.sleep(RENEW_SECONDS)
        finally:
            dispatch.cancel()
            await self._let_go(list(self._held))

    async def _renew(self) -> None:
        async with asyncio.timeout(RENEW_SECONDS * 2), self._runtime.db.transaction() as tx:
            live = await connection_reads.live(tx)
            leased = await connection_reads.leased(tx)
            wanted = fair_share(self._runtime.holder, list(live), leased)
            held = await connections.take_leases(
                tx, self._runtime.holder, [(live[key][0], key) for key in wanted], LEASE_SECONDS
            )
        self._renewed = asyncio.get_running_loop().time()
        await self._let_go([key for key in self._held if key not in held])
        await self._stop([key for key, one in self._held.items() if live[key][2] != one.revision])
        for key in held - set(self._held):
            self._held[key] = _Held(self._runtime, key, live[key][2])

    async def _expire(self) -> None:
        """Stop everything before the leases run out on the database's clock."""
        if asyncio.get_running_loop().time() - self._renewed > LEASE_SECONDS - RENEW_SECONDS:
            await self._let_go(list(self._held))

    async def _let_go(self, keys: list[UUID]) -> None:
        if not await self._stop(keys):
            return
        with contextlib.suppress(Exception):
            async with self._runtime.db.transaction() as tx:
                await connections.drop_leases(tx, self._runtime.holder, keys)

    async def _stop(self, keys: list[UUID]) -> bool:
        """End what these connections run, their leases kept; false when there was nothing to end."""
        gone = [self._held.pop(key) for key in keys if key in self._held]
        await asyncio.gather(*(one.stop() for one in gone))
        return bool(gone)

    async def _dispatch(self) -> None:
        """Wake the senders of connections that have something due. Never returns."""
        while True:
            await wait(self._outbound)
            try:
                async with self._runtime.db.transaction() as tx:
                    pending = await delivery.pending(tx)
            except Exception as error:
                log.warning("dispatch_interrupted", error=str(error) or repr(error))
                continue
            for key in pending:
                if key in self._held:
                    self._held[key].sender.wake.set()


class _Held:
    """One connection held: its sender, and whatever keeps its messages coming in."""

    def __init__(self, runtime: Runtime, connection: UUID, revision: int) -> None:
        self.revision = revision
        self.sender = Sender(runtime, connection)
        self._runtime = runtime
        self._connection = connection
        self._nudged = asyncio.Event()
        self._hints: dict[str, str] = {}
        self._fetches = False
        """Whether fetching has worked since it last failed, or since we hold the connection."""
        self._tasks = [
            asyncio.create_task(self.sender.run()),
            asyncio.create_task(self._intake()),
            asyncio.create_task(health.watch(runtime, connection)),
        ]
        runtime.bus.hear(self._hear)

    async def stop(self) -> None:
        """End everything, giving sends under way a moment."""
        self._runtime.bus.deafen(self._hear)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _hear(self, news: dict[str, Any]) -> None:
        if news.get("nudge") == str(self._connection):
            self._hints[news.get("account", "")] = news.get("hint", "")
            self._nudged.set()

    async def _intake(self) -> None:
        """Poll, or keep a session, where the adapter has either; back off while the platform refuses."""
        trouble = 0
        while True:
            live = await self._live()
            try:
                if isinstance(live.channel, Sessions):
                    # Closed at once when storing fails, not when the collector comes by.
                    async with contextlib.aclosing(live.channel.session(self._cursor)) as session:
                        async for account, polled in session:
                            trouble = 0
                            await self._store(live, account, polled)
                            await self._green(live)
                elif isinstance(live.channel, Polls) and getattr(live.channel, "polling", True):
                    await self._poll(live, live.channel)
                    trouble = 0
                else:
                    await asyncio.sleep(3600)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                trouble += 1
                await self._trouble(live, error)
                await asyncio.sleep(min(60, 2 ** min(trouble, 6)))

    async def _live(self) -> Live:
        while True:
            try:
                live = await self._runtime.connections.by_id(self._connection)
                if live is not None:
                    return live
            except Exception as error:
                log.warning("intake_interrupted", error=str(error) or repr(error))
            await asyncio.sleep(1)

    async def _poll(self, live: Live, channel: Polls) -> None:
        """Fetch for the accounts that nudges named; for all of them when none did, or the rest is over."""
        self._nudged.clear()
        hints, self._hints = self._hints, {}
        try:
            for account in [one for one in live.channels if one in hints] or live.channels:
                await self._drain(live, channel, account, hints.get(account, ""))
        except Exception:
            self._hints = {**hints, **self._hints}
            raise
        await self._green(live)
        await wait(self._nudged, live.adapter.manifest.poll_seconds)

    async def _drain(self, live: Live, channel: Polls, account: str, hint: str) -> None:
        given = (hint,) if hint else ()  # adapters without nudges don't take one
        more = True
        while more:
            polled = await channel.poll(account, await self._cursor(account), *given)
            await self._store(live, account, polled)
            more = polled.more

    async def _cursor(self, account: str) -> str:
        async with self._runtime.db.transaction() as tx:
            return await connection_reads.cursor(tx, self._connection, account)

    async def _store(self, live: Live, account: str, polled: Polled) -> None:
        """Store facts and cursor in one transaction."""
        async with self._runtime.db.transaction() as tx:
            if polled.facts:
                await ingest.accept(tx, [await self._delivery(live, account, polled)])
            await connections.save_cursor(tx, live.row.workspace_id, live.row.id, account, polled.cursor)
        if polled.facts:
            self._runtime.bus.hint("facts")

    async def _delivery(self, live: Live, account: str, polled: Polled) -> ingest.Delivery:
        body, path = polled.raw, None
        if len(body) > 256_000:
            path = f"{live.row.workspace_id}/raw/{new_id()}"
            await self._runtime.blobs.put_at(path, body)
        return ingest.Delivery(
            workspace_id=live.row.workspace_id, connection_id=live.row.id, received_at=datetime.now(UTC), method="POLL",
            url=f"poll:{account}"[:200], headers={}, body=None if path else body, facts=polled.facts,
            channels=live.channels, body_path=path,
        )  # fmt: skip

    async def _green(self, live: Live) -> None:
        """End the trouble that fetching had; what is amber for another reason stays so."""
        if live.row.status == "grey" or (live.row.status != "green" and not self._fetches):
            await self._status(live, "green", "", "")
        self._fetches = True

    async def _trouble(self, live: Live, error: Exception) -> None:
        self._fetches = False
        known = isinstance(error, Outcome)
        if not known:
            log.error("intake_failed", kind=live.row.kind, error=repr(error))
        words = str(error) if known else f"The adapter failed: {type(error).__name__}"
        code = error.code if isinstance(error, Outcome) and error.code else type(error).__name__.lower()
        status = "red" if isinstance(error, Reauthorise) else "amber"
        with contextlib.suppress(Exception):
            await self._status(live, status, words, code)

    async def _status(self, live: Live, status: str, reason: str, code: str) -> None:
        async with self._runtime.db.transaction() as tx:
            events = await connections.set_status(tx, live.row.id, status, reason)
            if status != "green":
                await connections.note(tx, live.row.workspace_id, live.row.id, "error", code, reason)
            await event_log.append(tx, events)
        if events:
            self._runtime.announce(events)
