"""What time brings: early receipts whose message came, agents who vanished, snoozes that end, what may be forgotten."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog

from switchboard import flow
from switchboard.app.hub import Hub
from switchboard.app.runtime import Runtime
from switchboard.automation import fallback
from switchboard.connections import alarms
from switchboard.conversations import changes
from switchboard.conversations import commands as conversation_verbs
from switchboard.core.commands import ChangeStatus, FallBack, SetPresence
from switchboard.core.events import Event
from switchboard.db import jobs, requests
from switchboard.db import log as event_log
from switchboard.db.pool import Tx
from switchboard.delivery import commands as delivery
from switchboard.ingest import commands as ingest
from switchboard.routing import commands as routing
from switchboard.staff import entrance

log = structlog.get_logger()
VANISHED = timedelta(seconds=60)
GIVE_UP = timedelta(hours=24)
LATELY = timedelta(minutes=2)
STRANDED = timedelta(minutes=2)
EVENTS_KEPT = timedelta(days=90)
REQUESTS_KEPT = timedelta(days=2)
HEARTBEAT_SECONDS = 15
PRUNE_BITES = 200
"""Most bites of raw bodies and events forgotten a minute."""


class Housekeeping:
    """Each task in a transaction of its own, so that trouble with one does not stop the others."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._beats = 0
        self._stranded_behind = 0

    async def run(self) -> None:
        """Never returns."""
        beat = 0
        while True:
            await self._attempt(self._sweep, self._vanished, self._snoozed)
            if beat % 60 == 0:
                await self._attempt(self._park, self._forget, self._silences)
            if beat % 15 == 0:
                await self._attempt(self._stranded)
                try:
                    await self._prune()
                except Exception as error:
                    log.warning("housekeeping", task="_prune", error=str(error) or repr(error))
            beat += 1
            await asyncio.sleep(1)

    async def _attempt(self, *tasks: Callable[[Tx], Awaitable[list[Event]]]) -> None:
        for task in tasks:
            try:
                async with self._runtime.db.transaction() as tx:
                    events = await task(tx)
            except Exception as error:
                log.warning(
                    "housekeeping", task=getattr(task, "__name__", ""), error=str(error) or repr(error)
                )
            else:
                if events:
                    self._runtime.announce(events)

    async def _sweep(self, tx: Tx) -> list[Event]:
        """Each second, what was held lately; now and then everything, for whatever was in nobody's hand meanwhile."""
        self._beats += 1
        since = datetime.now(UTC) - (GIVE_UP if self._beats % 60 == 1 else LATELY)
        return await flow.run(tx, [*await delivery.sweep(tx, since), *await changes.sweep(tx, since)])

    async def _vanished(self, tx: Tx) -> list[Event]:
        """Agents whose screens have been gone for a minute: offline, their work back in the queue."""
        now = datetime.now(UTC)
        gone = await routing.vanished(tx, now - VANISHED)
        commands = [
            SetPresence(workspace_id=workspace, agent_id=agent, status="offline", at=now, return_work=True)
            for workspace, agent in gone
        ]
        return await flow.run(tx, commands)

    async def _snoozed(self, tx: Tx) -> list[Event]:
        now = datetime.now(UTC)
        commands = [
            ChangeStatus(workspace_id=workspace, conversation_id=conversation, status="open", at=now)
            for workspace, conversation in await conversation_verbs.snoozed_due(tx, now)
        ]
        return await flow.run(tx, commands)

    async def _stranded(self, tx: Tx) -> list[Event]:
        """What has waited too long for a red connection goes by the fallback channel, where there is a way."""
        before = datetime.now(UTC) - STRANDED
        held, self._stranded_behind = await delivery.stranded(tx, before, self._stranded_behind)
        waiting = await fallback.possible(tx, held)
        failed = await delivery.give_up(tx, waiting, "channel_red", "The channel is out of order.")
        again = [FallBack(workspace_id=workspace, message_id=message) for workspace, message in waiting]
        return await flow.run(tx, [*failed, *again])

    async def _silences(self, tx: Tx) -> list[Event]:
        """Channels that have been silent for longer than they ever were lately."""
        return await alarms.silences(tx)

    async def _park(self, tx: Tx) -> list[Event]:
        before = datetime.now(UTC) - GIVE_UP
        await delivery.park(tx, before)
        await changes.park(tx, before)
        return []

    async def _forget(self, tx: Tx) -> list[Event]:
        now = datetime.now(UTC)
        await jobs.prune(tx, now - timedelta(days=7))
        await requests.prune(tx, now - REQUESTS_KEPT)
        await entrance.prune(tx)
        await alarms.prune(tx)
        return []

    async def _prune(self) -> None:
        """Forget raw bodies and events in bounded bites, each file after the row that named it."""
        now = datetime.now(UTC)
        before = now - timedelta(days=self._runtime.settings.raw_days)
        for _ in range(PRUNE_BITES):
            async with self._runtime.db.transaction() as tx:
                files, more = await ingest.prune(tx, before)
                more = await event_log.prune(tx, now - EVENTS_KEPT) or more
            if files:
                await self._runtime.blobs.delete(files)
            if not more:
                return


async def heartbeat(runtime: Runtime, hub: Hub) -> None:
    """Say every few seconds whose screens are open on this process. Never returns."""
    while True:
        agents = sorted(hub.agents())
        if agents:
            try:
                async with runtime.db.transaction() as tx:
                    await routing.heartbeat(tx, agents)
            except Exception as error:
                log.warning("heartbeat", error=str(error) or repr(error))
            await hub.retell_looking()
        await asyncio.sleep(HEARTBEAT_SECONDS)
