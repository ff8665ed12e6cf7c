"""Wakes the phones of those who were answered while their app was closed (`delivery.devices` queues whom)."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import structlog
from prometheus_client import Counter

from switchboard.app import health
from switchboard.app.lanes import forever
from switchboard.app.runtime import Live, Runtime
from switchboard.channels.api import InDoubt, Outcome, Reauthorise, Retry
from switchboard.channels.web.channel import WebConfig
from switchboard.channels.web.push import GoneToken, Note, in_words
from switchboard.db import jobs
from switchboard.db.bus import wait
from switchboard.delivery import devices
from switchboard.workspace import visitors

log = structlog.get_logger()
AT_ONCE: Final = 50
TRIES: Final = 8
TRY_SECONDS: Final = 45
LONGEST_REST: Final = 900
STALE: Final = timedelta(days=1)
"""Nobody wants to be woken for what was said yesterday."""
TROUBLE: Final = ("Apple's push service", "Google")
"""How our reasons begin for a connection that is amber because of its push keys."""
_pushes = Counter("switchboard_pushes", "Push notifications by service and outcome", ["service", "outcome"])


class Pusher:
    """Claims `push` jobs: each wakes one device for one message."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._hinted = runtime.bus.listener("jobs")

    async def run(self) -> None:
        """Never returns."""
        await forever("pusher", self.step, lambda: wait(self._hinted))

    async def step(self) -> bool:
        """Wake a few devices; false when there was none to wake."""
        async with self._runtime.db.transaction() as tx:
            claimed = await jobs.claim(tx, self._runtime.holder, [devices.KIND], AT_ONCE)
        await asyncio.gather(*(self._one(job) for job in claimed))
        return bool(claimed)

    async def _one(self, job: jobs.Job) -> None:
        problem, after = "", None
        try:
            async with asyncio.timeout(TRY_SECONDS):
                await self._push(job)
        except (Retry, InDoubt, TimeoutError, OSError) as error:
            # A push that arrived after all is replaced by its repetition: both carry the same key and conversation.
            problem = str(error) or type(error).__name__
            if job.attempts < TRIES:
                told = error.after if isinstance(error, Retry) else None
                after = told or min(LONGEST_REST, 3**job.attempts)
        except Outcome as error:
            problem = str(error)
        except Exception as error:
            log.error("push_failed", error=type(error).__name__)
            problem = type(error).__name__
        async with self._runtime.db.transaction() as tx:
            if after is not None:
                await jobs.retry(tx, job, self._runtime.holder, after, problem)
            else:
                await jobs.finish(tx, job, self._runtime.holder, problem)

    async def _push(self, job: jobs.Job) -> None:
        """Wake one device, unless the message has arrived meanwhile; a token that is dead is forgotten."""
        push, now = msgspec.json.decode(job.payload, type=devices.Push), datetime.now(UTC)
        async with self._runtime.db.transaction() as tx:
            wanted = await devices.wanted(tx, job.workspace_id, push)
        if wanted is None or wanted.arrived or wanted.recalled or wanted.filed_at < now - STALE:
            return
        live = await self._runtime.connections.by_id(wanted.connection_id)
        config = self._runtime.connections.config(live.row) if live is not None else None
        if live is None or not isinstance(config, WebConfig):
            return
        way = config.pusher(wanted.service, self._runtime.io(job.workspace_id, live.row.id))
        note = await self._note(job, push, wanted, config, live) if way is not None else None
        if way is None or note is None:
            return
        outcome = "sent"
        try:
            await way.push(wanted.token, note, now)
        except GoneToken as gone:
            outcome = "gone"
            async with self._runtime.db.transaction() as tx:
                await devices.remove(tx, job.workspace_id, push.device_id, gone.since or now)
        except Outcome as error:
            outcome = type(error).__name__.lower()
            if isinstance(error, Reauthorise):
                await self._tell(live, str(error), error.code)
            raise
        finally:
            _pushes.labels(wanted.service, outcome).inc()
        if outcome == "sent" and live.row.status == "amber" and live.row.reason.startswith(TROUBLE):
            await health.colour(self._runtime, live, "green", "", "")

    async def _note(
        self, job: jobs.Job, push: devices.Push, wanted: devices.Wanted, config: WebConfig, live: Live
    ) -> Note | None:
        """Return what appears on the phone; None when its owner may not see the message."""
        async with self._runtime.db.transaction() as tx:
            found = await visitors.messages_for(tx, job.workspace_id, [push.message_id], self._runtime.link)
            unread, _ = await visitors.unread(tx, job.workspace_id, wanted.channel_id, wanted.address)
        if not found:
            return None
        (_, _, message) = found[0]
        site = config.name or live.row.name
        return Note(
            key=job.id,
            title=f"{message.author.name} · {site}" if message.author is not None else site,
            text=in_words(message.parts, wanted.language, quote=config.push_text),
            badge=unread,
            conversation_id=wanted.conversation_id,
            message_id=push.message_id,
        )

    async def _tell(self, live: Live, reason: str, code: str) -> None:
        """Let the administrator know that the keys are no good; the chat itself goes on."""
        if (live.row.status, live.row.reason) == ("green", "") or live.row.status == "grey":
            await health.colour(self._runtime, live, "amber", reason, code)
