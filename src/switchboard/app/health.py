"""Looks now and then whether a connection's credentials and subscription still hold, before customers notice."""

import asyncio
import random
from uuid import UUID

import structlog

from switchboard.app.runtime import Live, Runtime
from switchboard.channels.api import AccountChanged, Checks, Outcome, Reauthorise, Refused, Retry
from switchboard.connections import commands as connections
from switchboard.connections import reads as connection_reads
from switchboard.core.events import Event
from switchboard.db import log as event_log

log = structlog.get_logger()
EVERY_SECONDS = 300.0
LIMIT_SECONDS = 60.0
REFUSED = "Every webhook is refused: its signature doesn't fit. Has the secret been changed at the platform?"


async def watch(runtime: Runtime, connection: UUID) -> None:
    """Look at one connection every few minutes, as long as its lease is held. Never returns."""
    await asyncio.sleep(EVERY_SECONDS * random.uniform(0.1, 0.3))
    while True:
        try:
            await look(runtime, connection)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.warning("health_not_looked_at", connection=str(connection), error=str(error) or repr(error))
        await asyncio.sleep(EVERY_SECONDS)


async def look(runtime: Runtime, connection: UUID) -> None:
    """Try the credentials and ask for news; colour the connection by the answer. A platform that is away proves nothing."""
    live = await runtime.connections.by_id(connection)
    if live is None:
        return
    async with runtime.db.transaction() as tx:
        row = await connection_reads.by_id(tx, connection)
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            await live.channel.probe()
            news = [*await _news(runtime, live), *await _refused(runtime, live)]
    except (Reauthorise, Refused) as error:
        await colour(runtime, live, "red", str(error), error.code or "reauthorise")
        return
    except (Retry, Outcome, TimeoutError) as error:
        log.info("platform_away", kind=live.row.kind, error=str(error) or type(error).__name__)
        return
    worst = next((one for colour in ("red", "amber") for one in news if one.status == colour), None)
    if worst is not None:
        await colour(runtime, live, worst.status, worst.detail or worst.code, worst.code)
    elif row is not None and (
        row.status == "red"
        or (row.status == "amber" and (isinstance(live.channel, Checks) or row.reason == REFUSED))
    ):
        await colour(runtime, live, "green", "", "")
    async with runtime.db.transaction() as tx:
        await connections.note_checked(tx, connection)


async def _news(runtime: Runtime, live: Live) -> list[AccountChanged]:
    if not isinstance(live.channel, Checks):
        return []
    return await live.channel.check(f"{runtime.settings.url}/hooks/{live.row.secret}")


async def _refused(runtime: Runtime, live: Live) -> list[AccountChanged]:
    """Tell when every webhook is refused for its signature. Sending still works, so amber."""
    async with runtime.db.transaction() as tx:
        if not await connection_reads.refused_lately(tx, live.row.id):
            return []
    return [
        AccountChanged(
            account="", dedupe_key="check:signature", status="amber", code="signature", detail=REFUSED
        )
    ]


async def colour(runtime: Runtime, live: Live, status: str, reason: str, code: str) -> None:
    """Give a connection its colour, with the reason in the administrator's list and an alarm where it isn't green."""
    events: list[Event] = []
    async with runtime.db.transaction() as tx:
        events += await connections.set_status(tx, live.row.id, status, reason)
        if status != "green":
            await connections.note(
                tx,
                live.row.workspace_id,
                live.row.id,
                "error" if status == "red" else "warning",
                code,
                reason,
            )
        if status == "amber":
            await connections.raise_alarm(tx, live.row.workspace_id, live.row.id, "quality", reason)
        await event_log.append(tx, events)
    runtime.announce(events)
