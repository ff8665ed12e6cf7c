"""Small courtesies that are never kept: a customer's typing shown to agents, an agent's reading and typing told to platforms."""

import asyncio
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import structlog

from switchboard.app.runtime import Live, Runtime
from switchboard.channels.api import MarksRead, Outcome, Typed
from switchboard.workspace import reads

log = structlog.get_logger()
EVERY_SECONDS = 3.0
MOST_REMEMBERED = 10_000


class Courtesies:
    """Passes typing and reading on, in both directions, at most every few seconds for each person."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._holds: Callable[[UUID], bool] = lambda _: False
        self._last: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def customer_types(self, live: Live, fact: Typed) -> None:
        """A platform told that somebody is typing."""
        claim = fact.sender.claims[0]
        if self._due(f"in:{live.row.id}:{claim.value}"):
            self._spawn(self._show(live, fact))

    def serve_platforms(self, holds: Callable[[UUID], bool]) -> None:
        """Hear what agents do; of all processes that hear it, the one that holds the connection's lease speaks."""
        self._holds = holds
        self._runtime.bus.hear(self._hear)

    def _hear(self, news: dict[str, Any]) -> None:
        conversation = news.get("agent_typing") or news.get("agent_read")
        if conversation and self._due(f"out:{conversation}:{'agent_typing' in news}"):
            self._spawn(
                self._tell(UUID(news["workspace"]), UUID(conversation), typing="agent_typing" in news)
            )

    async def _show(self, live: Live, fact: Typed) -> None:
        claim = fact.sender.claims[0]
        async with self._runtime.db.transaction() as tx:
            rows = await reads.typing_in(tx, live.row.workspace_id, claim.space, claim.value)
        for row in rows:
            self._runtime.bus.say(
                {"contact_typing": str(row["conversation_id"]), "workspace": str(live.row.workspace_id), "id": str(row["contact_id"]),
                 "name": row["name"][:60]}
            )  # fmt: skip

    async def _tell(self, workspace: UUID, conversation: UUID, typing: bool) -> None:
        async with self._runtime.db.transaction() as tx:
            row = await reads.last_heard(tx, workspace, conversation)
        live = await self._runtime.connections.by_id(row["connection_id"]) if row is not None else None
        if (
            row is None
            or live is None
            or not self._holds(live.row.id)
            or not isinstance(live.channel, MarksRead)
        ):
            return
        try:
            async with asyncio.timeout(10):
                await live.channel.mark_read(
                    live.account_of(row["channel_id"]), row["address"], row["last_external_id"], typing
                )
        except (Outcome, TimeoutError, KeyError) as error:
            log.info("courtesy_refused", kind=live.row.kind, error=str(error))

    def _due(self, key: str) -> bool:
        now = time.monotonic()
        if len(self._last) > MOST_REMEMBERED:
            self._last.clear()
        if now - self._last.get(key, -EVERY_SECONDS) < EVERY_SECONDS:
            return False
        self._last[key] = now
        return True

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(self._quietly(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _quietly(self, work: Any) -> None:
        try:
            await work
        except Exception as error:
            log.warning("courtesy_failed", error=repr(error))
