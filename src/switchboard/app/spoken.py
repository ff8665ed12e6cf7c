"""Channels that answer inside the platform's request (voice skills): the door holds it until words are there, or a deadline."""

import asyncio
import time
from collections.abc import Sequence
from uuid import UUID

import structlog

from switchboard.app.runtime import Live, Runtime
from switchboard.channels.api import Converses, MessageReceived, Part, RawRequest, Reply
from switchboard.core.events import Event
from switchboard.core.facts import Inbound, ProfileReceived
from switchboard.core.ids import new_id
from switchboard.db import log as event_log
from switchboard.db.pool import TRANSIENT
from switchboard.delivery import commands as delivery

log = structlog.get_logger()
LOOK_SECONDS = 0.25


async def converse(
    runtime: Runtime, live: Live, channel: Converses, request: RawRequest, facts: Sequence[Inbound]
) -> Reply:
    """Answer a turn: with what was said since the last one, else with what is said before the deadline, else with the promise.

    Only a question is waited for; who just comes by hears what is there.
    """
    until = time.monotonic() + live.adapter.manifest.converse_seconds
    parts: list[Part] = []
    for account, address, asks in sorted(_listeners(facts)):
        target = live.channels.get(account)
        while target is not None and not parts:
            try:
                parts += await _said(runtime, live, target, address)
            except TRANSIENT as trouble:
                log.warning("answer_not_looked_for", error=str(trouble))
            if parts or not asks or time.monotonic() + LOOK_SECONDS > until:
                break
            await asyncio.sleep(LOOK_SECONDS)
    return channel.converse(request, parts)


def _listeners(facts: Sequence[Inbound]) -> set[tuple[str, str, bool]]:
    """Whom the answer reaches, by account and address, and whether they asked."""
    asked = {(one.account, one.address, True) for one in facts if isinstance(one, MessageReceived)}
    came = {
        (one.account, one.sender.claims[0].value, False) for one in facts if isinstance(one, ProfileReceived)
    }
    return asked | came


async def _said(runtime: Runtime, live: Live, target: UUID, address: str) -> list[Part]:
    """Take what waits to be said to a person; it counts as sent once the answer is on its way."""
    async with runtime.db.transaction() as tx:
        pieces = await delivery.take_spoken(tx, live.row.id, target, address, new_id())
        if not pieces:
            return []
        ended = [delivery.Ended(piece, "sent") for piece in pieces]
        events = [one for one in await delivery.record(tx, ended) if isinstance(one, Event)]
        await event_log.append(tx, events)
    runtime.announce(events)
    return [part for piece in pieces for part in piece.body.parts]
