"""Messages of our own side that come back or come from elsewhere: ours are settled, foreign ones filed as outgoing."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from switchboard.conversations.filing import SQL, file
from switchboard.core.events import Attributed, EchoAttributed, EchoMatched, Event, Step
from switchboard.core.facts import EchoReceived
from switchboard.core.ids import split_send_key
from switchboard.core.parts import Part, words
from switchboard.core.text import bounded, scrub
from switchboard.db.pool import Tx


class _Said(msgspec.Struct):
    """The part of an outgoing body that tells what it says."""

    parts: list[Part]


async def file_echoes(tx: Tx, items: Sequence[EchoAttributed]) -> list[Event | Step]:
    """Recognise our own sends by the platform's id, by our key, or by being under way with the same words."""
    echoes = [
        (item.item, item.item.arrived.fact)
        for item in items
        if isinstance(item.item.arrived.fact, EchoReceived)
    ]
    keys = [split_send_key(fact.idempotency_key) for _, fact in echoes]
    rows = await tx.rows(
        SQL.echo_matches,
        channels=[item.arrived.channel_id for item, _ in echoes],
        externals=[bounded(fact.external_id) for _, fact in echoes],
        addresses=[scrub(fact.address)[:512] for _, fact in echoes],
        messages=[key and key[0] for key in keys],
        pieces=[key and key[1] for key in keys],
    )
    events: list[Event | Step] = []
    foreign: list[Attributed] = []
    settled: set[tuple[UUID, int]] = set()
    for nr, (item, fact) in enumerate(echoes, start=1):
        found = _match([row for row in rows if row["nr"] == nr], fact, settled)
        if found is None:
            foreign.append(item)
        elif not found["same"]:
            settled.add((found["message_id"], found["piece"]))
            events.append(
                EchoMatched(
                    workspace_id=item.workspace_id, message_id=found["message_id"], piece=found["piece"],
                    channel_id=item.arrived.channel_id, external_id=bounded(fact.external_id),
                )
            )  # fmt: skip
    if foreign:
        events += await file(tx, foreign)
    return events


def _match(rows: Sequence[Any], fact: EchoReceived, settled: set[tuple[UUID, int]]) -> Any:
    """The send that an echo is; one that another echo was already is left to that one."""
    for row in rows:
        if row["same"] or row["keyed"]:
            return row
        said = msgspec.json.decode(row["body"], type=_Said)
        if (row["message_id"], row["piece"]) not in settled and words(said.parts) == words(fact.parts):
            return row
    return None
