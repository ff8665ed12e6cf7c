"""Channels that answer inside the platform's request (voice skills): the door holds it until words are there, or a deadline."""

import asyncio
import time
from collections.abc import Sequence
from uuid import UUID

import structlog

from switchboard import flow
from switchboard.app.runtime import Live, Runtime
from switchboard.channels.api import Converses, MessageReceived, RawRequest, Reply
from switchboard.core.events import Event
from switchboard.core.facts import Inbound, ProfileReceived
from switchboard.core.ids import new_id
from switchboard.db.pool import TRANSIENT, Tx
from switchboard.delivery import commands as delivery

log = structlog.get_logger()
LOOK_SECONDS = 0.25


async def converse(
    runtime: Runtime, live: Live, channel: Converses, request: RawRequest, facts: Sequence[Inbound]
) -> tuple[Reply, list[delivery.Piece]]:
    """Answer a turn: with what was said since the last one, else with what is said before the deadline, else with the promise.

    Only a question is waited for; who just comes by hears what is there. The pieces spoken are in doubt until the answer
    has left; tell `spoken` then.
    """
    until = time.monotonic() + live.adapter.manifest.converse_seconds
    pieces: list[delivery.Piece] = []
    for account, address, asks in sorted(_listeners(facts)):
        target = live.channels.get(account)
        while target is not None and not pieces:
            try:
                pieces += await _said(runtime, live, target, address)
            except TRANSIENT as trouble:
                log.warning("answer_not_looked_for", error=str(trouble))
            if pieces or not asks or time.monotonic() + LOOK_SECONDS > until:
                break
            await asyncio.sleep(LOOK_SECONDS)
    return channel.converse(request, [part for piece in pieces for part in piece.body.parts]), pieces


async def spoken(runtime: Runtime, pieces: Sequence[delivery.Piece]) -> None:
    """Write down that an answer has left. Where that can't be, its pieces stay in doubt, for a person to judge."""
    try:
        async with runtime.db.transaction() as tx:
            events = await _recorded(tx, [delivery.Ended(piece, "sent") for piece in pieces])
    except TRANSIENT as trouble:
        log.warning("answer_not_recorded", error=str(trouble) or type(trouble).__name__)
    else:
        runtime.announce(events)


def _listeners(facts: Sequence[Inbound]) -> set[tuple[str, str, bool]]:
    """Whom the answer reaches, by account and address, and whether they asked."""
    asked = {(one.account, one.address, True) for one in facts if isinstance(one, MessageReceived)}
    came = {
        (one.account, one.sender.claims[0].value, False) for one in facts if isinstance(one, ProfileReceived)
    }
    return asked | came


async def _said(runtime: Runtime, live: Live, target: UUID, address: str) -> list[delivery.Piece]:
    """Take what waits to be said to a person; whoever dies with it leaves it in doubt."""
    async with runtime.db.transaction() as tx:
        pieces = await delivery.take_spoken(tx, live.row.id, target, address, new_id())
        if not pieces:
            return []
        doubt = [delivery.Ended(piece, "in_doubt", code="interrupted") for piece in pieces]
        events = await _recorded(tx, doubt)
    runtime.announce(events)
    return pieces


async def _recorded(tx: Tx, ended: Sequence[delivery.Ended]) -> list[Event]:
    return await flow.run(tx, await delivery.record(tx, ended))
