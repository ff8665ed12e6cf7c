"""Queue pieces, claim heads, record outcomes, apply receipts. What was sent only ever rises."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from switchboard.channels.manifest import Manifest
from switchboard.channels.registry import adapters
from switchboard.core.commands import Resend
from switchboard.core.errors import Conflict, Invalid, NotFound
from switchboard.core.events import Arrived, DeliveryChanged, Event, ReplyWritten, Step
from switchboard.core.facts import ReceiptReceived
from switchboard.core.fit import fit
from switchboard.core.ids import new_id, send_key, split_send_key
from switchboard.core.outcomes import Refused
from switchboard.core.parts import Part
from switchboard.core.text import bounded, scrub
from switchboard.core.windows import ends
from switchboard.db.pool import Tx, columns
from switchboard.db.sql import load

SQL = load(__file__)
EVER = datetime(1970, 1, 1, tzinfo=UTC)
STRANDED_AT_ONCE = 500
RANK = {"sent": 1, "failed": 2, "delivered": 3, "read": 4}
_receipt = msgspec.json.Decoder(ReceiptReceived)


class Body(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a queued piece will say, and to what it belongs on the platform."""

    parts: list[Part]
    reply_to: str = ""
    subject: str = ""
    thread: list[str] = []
    slot: str = ""
    author: str = "agent"
    handle: str = ""
    handle_until: datetime | None = None
    free_until: datetime | None = None


class Piece(msgspec.Struct, frozen=True):
    """One claimed send."""

    workspace_id: UUID
    id: UUID
    message_id: UUID
    piece: int
    conversation_id: UUID
    channel_id: UUID
    address: str
    body: Body
    attempts: int
    first_tried_at: datetime
    batch_id: UUID | None = None

    @property
    def idempotency_key(self) -> str:
        """The key that stays the same over retries."""
        return send_key(self.message_id, self.piece)


class Ended(msgspec.Struct, frozen=True):
    """How a send ended. `retry_at` queues it again for then."""

    piece: Piece
    status: str
    external_id: str = ""
    code: str = ""
    error: str = ""
    retry_at: datetime | None = None
    refused: bool = False


async def enqueue(tx: Tx, replies: Sequence[ReplyWritten]) -> list[Event | Step]:
    """Cut answers to their platform's size and queue the pieces."""
    channels = {
        row["id"]: row for row in await tx.rows(SQL.channels, ids=sorted({one.channel_id for one in replies}))
    }
    rows: list[tuple[Any, ...]] = []
    used = await _used_handles(tx, replies)
    for one in replies:
        channel = channels.get(one.channel_id)
        if channel is None:
            raise Conflict("The channel of this conversation has been removed.", code="channel_gone")
        try:
            cut = fit(one.parts, adapters()[channel["kind"]].manifest.sends, one.links)
        except Refused as refusal:
            raise Invalid(str(refusal), field="parts", code=refusal.code) from refusal
        if not cut:
            raise Invalid("There is nothing in this message to send.", field="parts", code="empty")
        for nr, parts in enumerate(cut):
            body = _body(one, parts, nr, adapters()[channel["kind"]].manifest, used)
            rows.append((one.workspace_id, new_id(), one.message_id, nr, len(cut), one.conversation_id, channel["connection_id"],
                         one.channel_id, one.address, body, "queued", "", ""))  # fmt: skip
    names = ("workspaces", "ids", "messages", "piece", "pieces", "conversations", "connections", "channels", "addresses", "bodies",
             "statuses", "codes", "errors")  # fmt: skip
    await tx.run(SQL.enqueue, **columns(names, rows))
    return [
        DeliveryChanged(
            workspace_id=one.workspace_id,
            subject=one.conversation_id,
            message_id=one.message_id,
            status="queued",
        )
        for one in replies
    ]


async def _used_handles(tx: Tx, replies: Sequence[ReplyWritten]) -> set[str]:
    """Which of the handles that came with customers' messages have been sent along already."""
    handles = {one.conversation_id: one.handle for one in replies if one.handle}
    if not handles:
        return set()
    rows = await tx.rows(SQL.used_handles, conversations=list(handles), handles=list(handles.values()))
    return {row["handle"] for row in rows}


def _body(one: ReplyWritten, parts: Sequence[Part], nr: int, facts: Manifest, used: set[str]) -> Body:
    """Return what a piece says and how it hangs on what the customer did: reply window, handle."""
    handle, until = "", None
    if one.handle and one.handle_at is not None and not (facts.handle_uses and one.handle in used):
        handle, until = one.handle, one.handle_at + timedelta(seconds=facts.handle_seconds)
        used.add(handle)
    return Body(
        list(parts),
        one.reply_to if nr == 0 else "",
        one.subject,
        one.thread,
        one.slot,
        one.author_kind,
        handle,
        until,
        ends(facts.windows, one.opened),
    )


async def claim(tx: Tx, connection: UUID, batch: UUID, limit: int) -> list[Piece]:
    """Mark due head pieces of a connection as being sent, one per recipient."""
    return _pieces(await tx.rows(SQL.claim, connection=connection, batch=batch, limit=limit))


async def take_spoken(tx: Tx, connection: UUID, channel: UUID, address: str, batch: UUID) -> list[Piece]:
    """Mark all that waits for one person as being said, in order: for channels that answer inside a request."""
    return _pieces(
        await tx.rows(SQL.take_spoken, connection=connection, channel=channel, address=address, batch=batch)
    )


def _pieces(rows: Sequence[Any]) -> list[Piece]:
    ordered = [dict(row) for row in sorted(rows, key=lambda row: row["nr"])]
    for row in ordered:
        del row["nr"]
    return [Piece(**{**row, "body": msgspec.json.decode(row["body"], type=Body)}) for row in ordered]


async def pending(tx: Tx) -> list[UUID]:
    """Return the connections that have something to send now."""
    return [row["connection_id"] for row in await tx.rows(SQL.pending_connections)]


async def record(tx: Tx, ended: Sequence[Ended]) -> list[Event | Step]:
    """Write down how sends ended and apply receipts that were faster than we."""
    rows = [
        (one.piece.workspace_id, one.piece.id, one.piece.batch_id, one.status, bounded(one.external_id), scrub(one.code)[:100],
         scrub(one.error)[:1000], one.retry_at)
        for one in ended
    ]  # fmt: skip
    names = ("workspaces", "ids", "batches", "statuses", "externals", "codes", "errors", "due")
    done = await tx.rows(SQL.record, **columns(names, rows))
    touched = [(row["workspace_id"], row["conversation_id"], row["message_id"]) for row in done]
    with_id = [(row["channel_id"], row["external_id"]) for row in done if row["external_id"]]
    touched += await _waited(tx, with_id)
    return await _changed(tx, touched)


async def _waited(tx: Tx, targets: Sequence[tuple[UUID, str]]) -> list[tuple[UUID, UUID, UUID]]:
    if not targets:
        return []
    channels, externals = zip(*targets, strict=True)
    waiting = await tx.rows(SQL.take_waiting_receipts, channels=channels, externals=externals)
    receipts = [(row["channel_id"], _receipt.decode(row["body"])) for row in waiting]
    return await _raise(tx, receipts)


async def _raise(tx: Tx, receipts: Sequence[tuple[UUID, ReceiptReceived]]) -> list[tuple[UUID, UUID, UUID]]:
    if not receipts:
        return []
    rows = await tx.rows(
        SQL.raise_status,
        channels=[channel for channel, _ in receipts],
        externals=[bounded(one.external_id) for _, one in receipts],
        statuses=[one.status for _, one in receipts],
        ranks=[RANK.get(one.status, 0) for _, one in receipts],
        codes=[scrub(one.code)[:100] for _, one in receipts],
        errors=[scrub(one.error)[:1000] for _, one in receipts],
    )
    return [(row["workspace_id"], row["conversation_id"], row["message_id"]) for row in rows]


async def receive(tx: Tx, arrived: Sequence[Arrived]) -> list[Event | Step]:
    """Apply receipts; hold those whose message isn't known by that id yet."""
    told = [(one, one.fact) for one in arrived if isinstance(one.fact, ReceiptReceived)]
    touched = await _up_to(tx, [(one, fact) for one, fact in told if fact.up_to is not None])
    receipts = [(one, fact) for one, fact in told if fact.up_to is None]
    keyed = [
        (one, fact, split_send_key(fact.idempotency_key)) for one, fact in receipts if fact.idempotency_key
    ]
    touched += await _settle(
        tx, [(one.channel_id, *key, bounded(fact.external_id)) for one, fact, key in keyed if key is not None]
    )
    known = {
        (row["channel_id"], row["external_id"])
        for row in await tx.rows(
            SQL.known_externals,
            channels=[one.channel_id for one, _ in receipts],
            externals=[bounded(fact.external_id) for _, fact in receipts],
        )
    }
    here = [
        (one.channel_id, fact)
        for one, fact in receipts
        if (one.channel_id, bounded(fact.external_id)) in known
    ]
    early = [
        (one, fact) for one, fact in receipts if (one.channel_id, bounded(fact.external_id)) not in known
    ]
    touched += await _raise(tx, here)
    if early:
        await tx.run(
            SQL.hold_receipts,
            workspaces=[one.workspace_id for one, _ in early],
            ids=[new_id() for _ in early],
            channels=[one.channel_id for one, _ in early],
            externals=[bounded(fact.external_id) for _, fact in early],
            bodies=[fact for _, fact in early],
            since=[one.received_at for one, _ in early],
        )
    return await _changed(tx, touched)


async def _up_to(
    tx: Tx, receipts: Sequence[tuple[Arrived, ReceiptReceived]]
) -> list[tuple[UUID, UUID, UUID]]:
    """Apply watermarks: all that went to an address until then has come so far."""
    if not receipts:
        return []
    rows = await tx.rows(
        SQL.raise_up_to,
        channels=[one.channel_id for one, _ in receipts],
        addresses=[fact.key for _, fact in receipts],
        statuses=[fact.status for _, fact in receipts],
        up_to=[fact.up_to for _, fact in receipts],
    )
    return [(row["workspace_id"], row["conversation_id"], row["message_id"]) for row in rows]


async def sweep(tx: Tx, since: datetime = EVER) -> list[Event | Step]:
    """Apply receipts held since a moment that wait although their piece is known: both may have been written at once."""
    rows = await tx.rows(SQL.overdue_receipts, since=since)
    return await _changed(tx, await _waited(tx, [(row["channel_id"], row["external_id"]) for row in rows]))


async def settle_pieces(tx: Tx, pieces: Sequence[tuple[UUID, UUID, int, str]]) -> list[Event | Step]:
    """Give pieces (channel, message, number, platform id) that surely went out their platform's ids."""
    return await _changed(tx, await _settle(tx, pieces))


async def _settle(tx: Tx, pieces: Sequence[tuple[UUID, UUID, int, str]]) -> list[tuple[UUID, UUID, UUID]]:
    if not pieces:
        return []
    rows = await tx.rows(
        SQL.settle,
        channels=[piece[0] for piece in pieces],
        messages=[piece[1] for piece in pieces],
        pieces=[piece[2] for piece in pieces],
        externals=[piece[3] for piece in pieces],
    )
    touched = [(row["workspace_id"], row["conversation_id"], row["message_id"]) for row in rows]
    return touched + await _waited(tx, [(row["channel_id"], row["external_id"]) for row in rows])


async def _changed(tx: Tx, touched: Sequence[tuple[UUID, UUID, UUID]]) -> list[Event | Step]:
    """One event per message touched, with the least status of its pieces."""
    if not touched:
        return []
    conversations = {(workspace, message): conversation for workspace, conversation, message in touched}
    rows = await tx.rows(
        SQL.message_status,
        workspaces=[workspace for workspace, _ in conversations],
        messages=[message for _, message in conversations],
    )
    return [
        DeliveryChanged(workspace_id=row["workspace_id"], subject=conversations[row["workspace_id"], row["message_id"]],
                        message_id=row["message_id"], status="queued" if row["status"] == "sending" else row["status"])
        for row in rows
    ]  # fmt: skip


async def recover(tx: Tx, connection: UUID, mine: Sequence[UUID], idempotent: bool) -> list[Event | Step]:
    """Settle what a dead holder left in the middle: sent again where the platform takes our key, else in doubt."""
    rows = await tx.rows(SQL.orphans, connection=connection, batches=list(mine), idempotent=idempotent)
    return await _changed(
        tx, [(row["workspace_id"], row["conversation_id"], row["message_id"]) for row in rows]
    )


async def resend(tx: Tx, commands: Sequence[Resend]) -> list[Event | Step]:
    """Send failed or doubtful messages again, by a person's hand."""
    events: list[Event | Step] = []
    for one in commands:
        rows = await tx.rows(SQL.resend, workspace=one.workspace_id, message=one.message_id)
        if not rows:
            raise NotFound("There is nothing to send again.")
        events += await _changed(tx, [(one.workspace_id, rows[0]["conversation_id"], one.message_id)])
    return events


async def stranded(
    tx: Tx, before: datetime, behind: int, limit: int = STRANDED_AT_ONCE
) -> tuple[list[tuple[UUID, UUID]], int]:
    """Hold messages (workspace, message) that have waited since before then on a red connection, nothing of them sent.

    Looks at so many pieces behind a number; also returns behind which to go on, 0 at the end.
    """
    rows = await tx.rows(SQL.stranded, before=before, behind=behind, limit=limit)
    held = Counter((row["workspace_id"], row["message_id"]) for row in rows)
    whole = {
        (row["workspace_id"], row["message_id"]): None
        for row in rows
        if held[row["workspace_id"], row["message_id"]] == row["pieces"]
    }
    return list(whole), rows[-1]["nr"] if len(rows) == limit else 0


async def give_up(tx: Tx, messages: Sequence[tuple[UUID, UUID]], code: str, error: str) -> list[Event | Step]:
    """Let queued messages fail: they go another way."""
    if not messages:
        return []
    workspaces, ids = zip(*messages, strict=True)
    rows = await tx.rows(SQL.give_up, workspaces=workspaces, messages=ids, code=code, error=error)
    return await _changed(
        tx, [(row["workspace_id"], row["conversation_id"], row["message_id"]) for row in rows]
    )


def backoff(attempts: int) -> timedelta:
    """Return how long to wait after so many tries: 1, 2, 4 … at most 300 seconds."""
    return timedelta(seconds=min(300, 2 ** max(0, attempts - 1)))


async def park(tx: Tx, before: datetime) -> None:
    """Give up on receipts whose message never became known, and forget those given up a week ago."""
    await tx.run(SQL.park_receipts, before=before)
    await tx.run(SQL.prune_receipts, before=before - timedelta(days=7))
