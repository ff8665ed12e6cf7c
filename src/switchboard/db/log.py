"""The event log: appended without a position, numbered by one sequencer, followed by cursor.

Reading by id skips events (a lower id may commit later); reading behind `xmin` stalls on any open writer. So positions are
given after the fact, to what is visible, in the order in which it was appended, under one lock. That order is the
database's own sequence: ids of two processes have none between them, their clocks differ.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from switchboard.core.events import AnyEvent, Event
from switchboard.core.ids import first_id, new_id
from switchboard.db.pool import Tx
from switchboard.db.sql import load

SQL = load(__file__)
REMEMBERED = 5000
_decoder = msgspec.json.Decoder(AnyEvent)
_decoded: dict[UUID, AnyEvent] = {}


class Logged(msgspec.Struct, frozen=True):
    """An event with its place in the log."""

    pos: int
    at: datetime
    event: AnyEvent


async def append(tx: Tx, events: Sequence[Event], cause: UUID | None = None) -> None:
    """Add events in order. Call it after the locks of their entities are taken, which keeps each entity's order."""
    if not events:
        return
    await tx.run(
        SQL.append_events,
        ids=[new_id() for _ in events],
        workspaces=[event.workspace_id for event in events],
        types=[str(event.__struct_config__.tag) for event in events],
        subjects=[event.subject for event in events],
        data=list(events),
        cause=cause,
    )


async def number(tx: Tx, limit: int = 5000) -> int:
    """Give positions to visible events that have none; returns how many. Another sequencer at work means 0."""
    if not await tx.value(SQL.lock_sequencer):
        return 0
    return await tx.run(SQL.number_events, limit=limit)


async def read(
    tx: Tx, after: int, limit: int = 1000, upto: int | None = None, types: Sequence[type[Event]] = ()
) -> list[Logged]:
    """Return the events after a position (of some types only), in order, at most `limit`."""
    values = {"after": after, "limit": limit, "upto": upto if upto is not None else 1 << 62}
    if types:
        tags = [str(one.__struct_config__.tag) for one in types]
        rows = await tx.rows(SQL.read_some_events, **values, types=tags)
    else:
        rows = await tx.rows(SQL.read_events, **values)
    return [Logged(row["pos"], row["at"], _decode(row["id"], row["data"])) for row in rows]


def _decode(key: UUID, data: bytes) -> AnyEvent:
    """Decode an event once for all followers of this process that come by within a few thousand events."""
    event = _decoded.get(key)
    if event is None:
        if len(_decoded) >= REMEMBERED:
            _decoded.clear()
        event = _decoded[key] = _decoder.decode(data)
    return event


async def head(tx: Tx) -> int:
    """Return the highest position given."""
    return int(await tx.value(SQL.head_position))


async def position(tx: Tx, follower: str, lock: bool = False) -> int | None:
    """Return how far a follower has read; with `lock`, None when another holds it now."""
    found = await tx.value(SQL.lock_follower if lock else SQL.follower_position, name=follower)
    if found is None and await tx.run(SQL.ensure_follower, name=follower):
        found = 0
    return None if found is None else int(found)


async def hold(tx: Tx, followers: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return (read, to read) of the followers that nobody else holds and that have something to read; hold them until commit."""
    rows = await tx.rows(SQL.hold_followers, names=followers)
    return {row["name"]: (row["pos"], row["head"]) for row in rows if row["pos"] < row["head"]}


async def introduce(tx: Tx, followers: Sequence[str]) -> None:
    """Make followers known; they begin at the beginning."""
    await tx.run(SQL.ensure_followers, names=followers)


async def advance(tx: Tx, follower: str, pos: int) -> None:
    """Save how far a follower has read; never backwards."""
    await tx.run(SQL.advance_follower, name=follower, pos=pos)


async def prune(tx: Tx, before: datetime) -> bool:
    """Forget the log past its time, a bounded number of events at a time; tell whether more may be left."""
    return await tx.run(SQL.prune_events, before=first_id(before)) > 0
