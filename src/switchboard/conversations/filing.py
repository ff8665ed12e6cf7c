"""Put what arrived into its conversation: open or reopen the case, give positions, apply edits that were early."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from switchboard.conversations.changes import apply_waiting
from switchboard.core.conversation import clamp, is_history, on_inbound
from switchboard.core.events import (
    Attributed,
    ConversationOpened,
    Event,
    MediaWanted,
    MessageFiled,
    Step,
)
from switchboard.core.facts import EchoReceived, MessageReceived
from switchboard.core.ids import new_id
from switchboard.core.parts import MEDIA, Notice, Part, Text, preview
from switchboard.core.text import bounded, scrub
from switchboard.db.pool import Tx, columns, packed
from switchboard.db.sql import load

SQL = load(__file__)
REOPEN_WITHIN = timedelta(days=3)
"""A customer who writes again within this time goes on with the resolved case."""


class _Case(msgspec.Struct):
    """A conversation as it will be after this batch."""

    id: UUID
    workspace_id: UUID
    contact_id: UUID
    status: str
    was: str
    last_position: int
    waiting_since: datetime | None
    fresh: bool
    inbound: int = 0
    at: datetime | None = None
    direction: str = "in"
    preview: str = ""
    channel_id: UUID | None = None


Slot = tuple[UUID, UUID, str]


async def file(tx: Tx, items: Sequence[Attributed]) -> list[Event | Step]:
    """File messages and foreign replies; a constant number of statements whatever the batch."""
    items = await _unseen(tx, sorted(items, key=_order))
    if not items:
        return []
    cases = await _cases(tx, items)
    rows = [_row(item, cases[_slot(item)]) for item in items]
    if len(await tx.rows(SQL.file_messages, **columns(_MESSAGE, rows))) != len(rows):
        raise RuntimeError("a message was filed by another lane meanwhile; giving this attempt up")
    await tx.run(SQL.advance_conversations, **columns(_ADVANCE, [_advance(case) for case in _unique(cases)]))
    await tx.run(SQL.note_channels, **columns(_CHANNEL, _channels(items, cases)))
    events = _opened(cases)
    for item, row in zip(items, rows, strict=True):
        events += _filed(item, row)
    changed = await apply_waiting(
        tx, [(item.arrived.channel_id, row[11]) for item, row in zip(items, rows, strict=True)]
    )
    return events + changed


async def _unseen(tx: Tx, items: Sequence[Attributed]) -> list[Attributed]:
    """Leave out what was filed before (the platform repeats it after `seen` was pruned), so that positions have no holes."""
    keys = [_external(item) for item in items]
    rows = await tx.rows(
        SQL.known_messages, channels=[key[0] for key in keys], externals=[key[1] for key in keys]
    )
    known = {(row["channel_id"], row["external_id"]) for row in rows}
    fresh: list[Attributed] = []
    for item, key in zip(items, keys, strict=True):
        if key not in known:
            fresh.append(item)
            known |= {key} if key[1] else set()
    return fresh


def _external(item: Attributed) -> tuple[UUID, str]:
    fact = item.arrived.fact
    assert isinstance(fact, MessageReceived | EchoReceived)
    return item.arrived.channel_id, bounded(fact.external_id)


def _order(item: Attributed) -> tuple[int, datetime, UUID]:
    """By platform time, then by place in the payload (fact ids keep it)."""
    arrived = item.arrived
    return arrived.workspace_id.int, clamp(arrived.fact.occurred_at, arrived.received_at), arrived.fact_id


def _slot(item: Attributed) -> Slot:
    fact = item.arrived.fact
    assert isinstance(fact, MessageReceived | EchoReceived)
    return item.workspace_id, item.contact_id, fact.slot or "case"


async def _cases(tx: Tx, items: Sequence[Attributed]) -> dict[Slot, _Case]:
    """Get or create the conversation of every slot, locked in id order."""
    first: dict[Slot, Attributed] = {}
    for item in items:
        first.setdefault(_slot(item), item)
    threads = await _threads(tx, items)
    cases = await _lock(tx, first, threads, fresh=False)
    missing = {slot: item for slot, item in first.items() if slot not in cases}
    if missing:
        rows = [
            (slot[0], new_id(), slot[1], slot[2], scrub(getattr(item.arrived.fact, "subject", ""))[:500],
             item.arrived.channel_id, "new", item.arrived.received_at)
            for slot, item in sorted(missing.items(), key=lambda pair: pair[0])
        ]  # fmt: skip
        names = ("workspaces", "ids", "contacts", "slots", "subjects", "channels", "statuses", "at")
        await tx.run(SQL.open_conversations, **columns(names, rows))
        opened = {row[1] for row in rows}
        for slot, case in (await _lock(tx, missing, threads, fresh=True)).items():
            case.fresh = case.id in opened
            cases[slot] = case
    return cases


async def _lock(
    tx: Tx, wanted: dict[Slot, Attributed], threads: dict[Slot, UUID], fresh: bool
) -> dict[Slot, _Case]:
    slots = list(wanted)
    now = max(item.arrived.received_at for item in wanted.values())
    rows = await tx.rows(
        SQL.lock_slots,
        workspaces=[slot[0] for slot in slots],
        contacts=[slot[1] for slot in slots],
        slots=[slot[2] for slot in slots],
        threads=[threads.get(slot) for slot in slots],
        reopen_after=now - REOPEN_WITHIN,
    )
    return {
        slots[row["nr"] - 1]: _Case(
            row["id"], slots[row["nr"] - 1][0], row["contact_id"], row["status"], row["status"], row["last_position"],
            row["waiting_since"], fresh,
        )
        for row in rows
    }  # fmt: skip


async def _threads(tx: Tx, items: Sequence[Attributed]) -> dict[Slot, UUID]:
    """Which conversation a mail answers: by the Message-IDs it refers to, ours included."""
    mails = [
        item for item in items if isinstance(item.arrived.fact, MessageReceived) and item.arrived.fact.thread
    ]
    if not mails:
        return {}
    references = sorted({ref for item in mails for ref in item.arrived.fact.thread})  # type: ignore[union-attr]  # mails
    own = {ref: message for ref in references if (message := _own_message(ref)) is not None}
    rows = await tx.rows(
        SQL.threads_of,
        channels=sorted({item.arrived.channel_id for item in mails}),
        references=references,
        workspaces=sorted({item.workspace_id for item in mails}),
        own=sorted(set(own.values())),
    )
    by_reference: dict[str | UUID, UUID] = {
        row["external_id"] or row["id"]: row["conversation_id"] for row in rows
    }
    found: dict[Slot, UUID] = {}
    for item in mails:
        for reference in reversed(item.arrived.fact.thread):  # type: ignore[union-attr]  # mails
            target = by_reference.get(reference) or by_reference.get(own.get(reference, ""))
            if target is not None:
                found[_slot(item)] = target
                break
    return found


def _own_message(reference: str) -> UUID | None:
    """Our Message-IDs carry the message's id: `<sw.uuid-piece@host>`."""
    try:
        return UUID(reference.lstrip("<").removeprefix("sw.")[:36])
    except ValueError:
        return None


_MESSAGE = (
    "workspaces", "ids", "conversations", "positions", "directions", "author_kinds", "authors", "channels", "identities",
    "addresses", "parts", "externals", "replies", "clients", "occurred", "received", "backfills", "autos",
)  # fmt: skip
_ADVANCE = (
    "workspaces", "ids", "statuses", "positions", "inbound", "at", "directions", "previews", "waiting", "channels", "bumps",
)  # fmt: skip
_CHANNEL = (
    "workspaces", "conversations", "channels", "addresses", "identities", "slots", "subjects", "verified", "at", "externals",
    "threads", "opened", "handles",
)  # fmt: skip


def _row(item: Attributed, case: _Case) -> tuple[Any, ...]:
    """Give one message its place and note what it does to the conversation."""
    arrived, fact = item.arrived, item.arrived.fact
    assert isinstance(fact, MessageReceived | EchoReceived)
    parts = mark_fetching(fact.parts)
    inbound = isinstance(fact, MessageReceived)
    if isinstance(fact, MessageReceived) and fact.referral:
        parts = [*parts, Notice("referral", data=fact.referral)]
    backfill = is_history(fact, arrived.received_at)
    case.last_position += 1
    case.status = on_inbound(case.status) if inbound else case.status if case.status != "resolved" else "open"
    case.at, case.preview, case.channel_id = arrived.received_at, scrub(preview(parts)), arrived.channel_id
    case.direction = "in" if inbound else "out"
    case.inbound += int(inbound)
    if inbound and not backfill and case.waiting_since is None:
        case.waiting_since = arrived.received_at
    elif not inbound:
        case.waiting_since = None
    return (
        arrived.workspace_id, new_id(), case.id, case.last_position, case.direction, "contact" if inbound else "platform",
        item.author_id if inbound else None, arrived.channel_id, item.identity_id, scrub(fact.address)[:512], packed(parts),
        bounded(fact.external_id) or None, bounded(fact.reply_to) or None, None,
        clamp(fact.occurred_at, arrived.received_at), arrived.received_at, backfill,
        isinstance(fact, MessageReceived) and fact.auto,
    )  # fmt: skip


def mark_fetching(parts: Sequence[Part]) -> list[Part]:
    """Mark media that still lies with the platform."""
    return [
        msgspec.structs.replace(part, state="fetching")
        if isinstance(part, MEDIA) and part.source and not part.file_id
        else part
        for part in parts
    ]


def wants_media(parts: Sequence[Part]) -> bool:
    """Tell whether anything has still to be fetched."""
    return any(
        (isinstance(part, MEDIA) and part.source is not None and part.file_id is None)
        or (isinstance(part, Text) and part.html is not None and part.html_file is None)
        for part in parts
    )


def _unique(cases: dict[Slot, _Case]) -> list[_Case]:
    return list({case.id: case for case in cases.values()}.values())


def _advance(case: _Case) -> tuple[Any, ...]:
    return (case.workspace_id, case.id, case.status, case.last_position, case.inbound, case.at, case.direction, case.preview,
            case.waiting_since, case.channel_id, 0)  # fmt: skip


def _channels(items: Sequence[Attributed], cases: dict[Slot, _Case]) -> list[tuple[Any, ...]]:
    """One row per conversation, channel and address: the newest message's facts."""
    latest: dict[tuple[UUID, UUID, str], tuple[Any, ...]] = {}
    threads: dict[tuple[UUID, UUID, str], list[str]] = defaultdict(list)
    opened: dict[tuple[UUID, UUID, str], dict[str, datetime]] = defaultdict(dict)
    handles: dict[tuple[UUID, UUID, str], str] = {}
    for item in items:
        arrived, fact = item.arrived, item.arrived.fact
        assert isinstance(fact, MessageReceived | EchoReceived)
        inbound = isinstance(fact, MessageReceived)
        case = cases[_slot(item)]
        address = scrub(fact.address)[:512]
        key = (case.id, arrived.channel_id, address)
        if isinstance(fact, MessageReceived) and (fact.thread or fact.subject):
            threads[key] = [*fact.thread, fact.external_id][-20:]
        history = is_history(fact, arrived.received_at)
        # What a platform hands over of former days opened its window when it was written.
        at = clamp(fact.occurred_at, arrived.received_at) if history else arrived.received_at
        if isinstance(fact, MessageReceived) and fact.opens:
            act = scrub(fact.opens)[:50]
            opened[key][act] = max(at, opened[key].get(act, at))
        if isinstance(fact, MessageReceived) and fact.reply_handle:
            handles[key] = scrub(fact.reply_handle)[:1000]
        latest[key] = (
            arrived.workspace_id, case.id, arrived.channel_id, address, item.identity_id, fact.slot,
            scrub(getattr(fact, "subject", ""))[:500], item.verified, at if inbound else None,
            bounded(fact.external_id) if inbound else "", scrub(" ".join(threads[key])), opened[key],
            handles.get(key, ""),
        )  # fmt: skip
    return [latest[key] for key in sorted(latest, key=lambda key: (key[0].int, key[1].int, key[2]))]


def _opened(cases: dict[Slot, _Case]) -> list[Event | Step]:
    return [
        ConversationOpened(
            workspace_id=case.workspace_id, subject=case.id, contact_id=case.contact_id, channel_id=case.channel_id,
            reopened=not case.fresh,
        )
        for case in _unique(cases)
        if case.fresh or case.was == "resolved"
    ]  # fmt: skip


def _filed(item: Attributed, row: tuple[Any, ...]) -> list[Event | Step]:
    arrived = item.arrived
    events: list[Event | Step] = [
        MessageFiled(
            workspace_id=arrived.workspace_id, subject=row[2], message_id=row[1], position=row[3], direction=row[4],
            author_kind=row[5], author_id=row[6], channel_id=arrived.channel_id, backfill=row[16],
        )
    ]  # fmt: skip
    assert isinstance(arrived.fact, MessageReceived | EchoReceived)
    if wants_media(arrived.fact.parts):
        events.append(
            MediaWanted(
                workspace_id=arrived.workspace_id, subject=row[2], message_id=row[1], channel_id=arrived.channel_id,
                raw_id=arrived.raw_id,
            )
        )  # fmt: skip
    return events
