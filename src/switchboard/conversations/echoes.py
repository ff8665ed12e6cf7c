"""Messages of our own side that come back or come from elsewhere: ours are settled, foreign ones filed as outgoing."""

from collections.abc import Sequence

import msgspec

from switchboard.conversations.filing import SQL, file
from switchboard.core.events import Attributed, EchoAttributed, EchoMatched, Event, Step
from switchboard.core.facts import EchoReceived
from switchboard.core.parts import Part, words
from switchboard.core.text import scrub
from switchboard.db.pool import Tx


class _Said(msgspec.Struct):
    """The part of an outgoing body that tells what it says."""

    parts: list[Part]


async def file_echoes(tx: Tx, items: Sequence[EchoAttributed]) -> list[Event | Step]:
    """Recognise our own sends by the platform's id, by our key, or by being under way with the same words."""
    echoes = [item.item.arrived for item in items]
    rows = await tx.rows(
        SQL.echo_matches,
        channels=[one.channel_id for one in echoes],
        externals=[scrub(one.fact.external_id)[:512] for one in echoes if isinstance(one.fact, EchoReceived)],
        addresses=[scrub(one.fact.address)[:512] for one in echoes if isinstance(one.fact, EchoReceived)],
    )
    events: list[Event | Step] = []
    foreign: list[Attributed] = []
    for nr, (item, one) in enumerate(zip(items, echoes, strict=True), start=1):
        fact = one.fact
        assert isinstance(fact, EchoReceived)
        found = None
        for row in rows:
            said = msgspec.json.decode(row["body"], type=_Said)
            if row["nr"] == nr and (row["same"] or words(said.parts) == words(fact.parts)):
                found = row
                break
        if found is None and not fact.idempotency_key:
            foreign.append(item.item)
        elif found is None or not found["same"]:
            events.append(
                EchoMatched(
                    workspace_id=one.workspace_id, message_id=found["message_id"] if found else one.fact_id,
                    channel_id=one.channel_id, external_id=scrub(fact.external_id)[:512], idempotency_key=fact.idempotency_key,
                )
            )  # fmt: skip
    if foreign:
        events += await file(tx, foreign)
    return events
