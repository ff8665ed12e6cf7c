"""The loops of the pipe: lanes, the sequencer with its followers, the router."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

import structlog

from switchboard import flow
from switchboard.app.runtime import Runtime
from switchboard.core.events import Arrived, Due, Event
from switchboard.db import log as event_log
from switchboard.db.bus import wait
from switchboard.db.pool import TRANSIENT, Tx
from switchboard.ingest import commands as ingest
from switchboard.routing import commands as routing

log = structlog.get_logger()
LANES = 256
BATCH = 400
FOLLOWED = 1000
SCREENS_REST = 0.005
OTHERS_REST = 0.1
"""Seconds."""
BUSY = 150
"""Events numbered at once by which a sequencer knows that it is behind."""


async def forever(
    name: str, step: Callable[[], Awaitable[bool]], pause: Callable[[], Awaitable[None]]
) -> None:
    """Run a step again and again; pause when it found nothing; survive whatever it raises."""
    while True:
        try:
            if not await step():
                await pause()
        except asyncio.CancelledError:
            raise
        except TRANSIENT as error:
            log.warning("loop_interrupted", loop=name, error=str(error) or type(error).__name__)
            await asyncio.sleep(0.2)
        except Exception:
            log.exception("loop_failed", loop=name)
            await asyncio.sleep(1)


class Lanes:
    """Carries facts and commands out, lane by lane, in batches."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._hinted = runtime.bus.listener("facts")

    async def run(self) -> None:
        """Never returns."""
        await forever("lanes", self.step, lambda: wait(self._hinted))

    async def step(self) -> bool:
        """Claim and carry out one batch; false when there was nothing to do."""
        batch: list[Arrived | Due] = []
        try:
            async with self._runtime.db.transaction() as tx:
                batch = await ingest.claim(tx, LANES, BATCH)
                if not batch:
                    return False
                events = await flow.run(tx, batch)
                await ingest.finish(tx, batch)
        except TRANSIENT:
            raise
        except Exception as error:
            if not batch:  # the claim itself failed: nothing to blame it on
                raise
            log.warning("batch_failed", facts=len(batch), error=type(error).__name__)
            await self._one_by_one(batch)
            return True
        self._runtime.announce(events)
        return True

    async def _one_by_one(self, batch: list[Arrived | Due]) -> None:
        """Carry a failed batch out fact by fact; one that fails by itself is parked, the rest go on.

        A fact that isn't the first of its lane any more is left to the next batch, which has its lane in order.
        """
        for one in batch:
            try:
                async with self._runtime.db.transaction() as tx:
                    if not await ingest.claim_one(tx, one):
                        continue
                    events = await flow.run(tx, [one])
                    await ingest.finish(tx, [one])
            except TRANSIENT:
                raise
            except Exception as error:
                # Its text may quote what a customer wrote: it stands in the dead letter, not in the log.
                log.error("fact_parked", fact=str(one.fact_id), error=type(error).__name__)
                async with self._runtime.db.transaction() as tx:
                    if await ingest.claim_one(tx, one):
                        await ingest.park(tx, one, f"{type(error).__name__}: {error}")
            else:
                self._runtime.announce(events)


class Sequencer:
    """Numbers the log, then lets each follower read on."""

    def __init__(self, runtime: Runtime, followers: tuple[str, ...], number: bool) -> None:
        self._runtime = runtime
        self._followers = followers
        self._number = number
        self._introduced = False
        self._numbered = 0
        self._hinted = runtime.bus.listener("events") if number else runtime.bus.listener("numbered")

    async def run(self) -> None:
        """Never returns."""
        await forever(
            "sequencer" if self._number else "followers", self._unhurried, lambda: wait(self._hinted)
        )

    async def _unhurried(self) -> bool:
        """Read on, then rest for a moment: many events at once cost little more than one.

        Screens are waited for, so their followers rest only under a load that keeps them busy all the time.
        """
        moved = await self.step()
        if not self._number and moved:
            await asyncio.sleep(OTHERS_REST)
        elif self._numbered >= BUSY:
            await asyncio.sleep(SCREENS_REST)
        return moved

    async def step(self) -> bool:
        """Number what is new and follow it, in one transaction; false when there was nothing."""
        try:
            async with self._runtime.db.transaction() as tx:
                if not self._introduced:
                    await event_log.introduce(tx, self._followers)
                self._numbered = await event_log.number(tx) if self._number else 0
                behind = await event_log.hold(tx, self._followers)
                for name, (position, head) in behind.items():
                    await self._follow(tx, name, position, head)
            self._introduced = True
        except TRANSIENT:
            raise
        except Exception:
            # A follower that fails must not keep the log from being numbered for the others.
            if self._number:
                async with self._runtime.db.transaction() as tx:
                    await event_log.number(tx)
            raise
        self._runtime.bus.hint(
            *(["numbered"] if self._numbered else []), *(f"followed:{name}" for name in behind)
        )
        return bool(self._numbered or behind)

    async def _follow(self, tx: Tx, name: str, position: int, head: int) -> None:
        logged = await event_log.read(
            tx, position, limit=FOLLOWED, upto=head, types=flow.FOLLOWED_TYPES.get(name, ())
        )
        if logged:
            await flow.FOLLOWERS[name](tx, logged)
        await event_log.advance(tx, name, logged[-1].pos if len(logged) == FOLLOWED else head)


class Router:
    """Gives waiting conversations to agents with room, one router at a time per workspace."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._hinted = runtime.bus.listener("queue")

    async def run(self) -> None:
        """Never returns."""
        await forever("router", self.step, lambda: wait(self._hinted))

    async def step(self) -> bool:
        """Route every workspace where somebody waits; false, since a hint or a second must pass before more can change."""
        for workspace in await self._waiting():
            async with self._runtime.db.transaction() as tx:
                events: list[Event] = await routing.route(tx, workspace, datetime.now(UTC))
                await event_log.append(tx, events)
            if events:
                self._runtime.announce(events)
        return False

    async def _waiting(self) -> list[UUID]:
        async with self._runtime.db.transaction() as tx:
            return await routing.workspaces_with_queue(tx)
