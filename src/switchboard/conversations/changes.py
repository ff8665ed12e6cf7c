"""Edits, recalls and reactions; those that come before their message wait for it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from switchboard.core.conversation import clamp
from switchboard.core.events import (
    Arrived,
    ChangeFiled,
    ConversationChanged,
    Event,
    MediaWanted,
    MessageChanged,
    ReactorKnown,
    Step,
)
from switchboard.core.facts import MessageEdited, MessageRecalled, Reacted
from switchboard.core.ids import new_id
from switchboard.core.parts import MEDIA, preview
from switchboard.core.text import bounded, scrub
from switchboard.db.pool import Tx, packed
from switchboard.db.sql import load

SQL = load(__file__)
_change = msgspec.json.Decoder(MessageEdited | MessageRecalled)
Target = tuple[UUID, str]
EVER = datetime(1970, 1, 1, tzinfo=UTC)


async def change(tx: Tx, arrived: Sequence[Arrived]) -> list[Event | Step]:
    """Apply edits and recalls; hold those whose message isn't there yet."""
    changes = [
        ChangeFiled(
            workspace_id=one.workspace_id,
            channel_id=one.channel_id,
            received_at=one.received_at,
            change=one.fact,
        )
        for one in arrived
        if isinstance(one.fact, MessageEdited | MessageRecalled)
    ]
    missing, events = await _apply(tx, changes)
    if missing:
        await tx.run(
            SQL.hold_changes,
            workspaces=[one.workspace_id for one in missing],
            ids=[new_id() for _ in missing],
            channels=[one.channel_id for one in missing],
            externals=[bounded(one.change.external_id) for one in missing],
            bodies=[one.change for one in missing],
            since=[one.received_at for one in missing],
        )
    return events


async def sweep(tx: Tx, since: datetime = EVER) -> list[Event | Step]:
    """Apply what was held since a moment and waits although its message is there: both may have been written at once."""
    rows = await tx.rows(SQL.overdue_changes, since=since)
    return await apply_waiting(tx, [(row["channel_id"], row["external_id"]) for row in rows])


async def apply_waiting(tx: Tx, targets: Sequence[Target]) -> list[Event | Step]:
    """Apply what waited for these messages, now that they are there."""
    wanted = [(channel, external) for channel, external in targets if external]
    if not wanted:
        return []
    channels, externals = zip(*wanted, strict=True)
    rows = await tx.rows(SQL.take_waiting_changes, channels=channels, externals=externals)
    if not rows:
        return []
    changes = [
        ChangeFiled(
            workspace_id=row["workspace_id"], channel_id=row["channel_id"], received_at=row["since"],
            change=_change.decode(row["body"]),
        )
        for row in sorted(rows, key=lambda row: (row["since"], row["id"]))
    ]  # fmt: skip
    _, events = await _apply(tx, changes)
    return events


async def _apply(tx: Tx, changes: Sequence[ChangeFiled]) -> tuple[list[ChangeFiled], list[Event | Step]]:
    keys = sorted({(one.channel_id, bounded(one.change.external_id)) for one in changes}, key=str)
    rows = await tx.rows(
        SQL.find_messages, channels=[key[0] for key in keys], externals=[key[1] for key in keys]
    )
    found = {(row["channel_id"], row["external_id"]): row for row in rows}
    missing: list[ChangeFiled] = []
    edits: list[tuple[Any, ...]] = []
    recalls: list[tuple[Any, ...]] = []
    told: dict[tuple[UUID, UUID], str] = {}
    events: list[Event | Step] = []
    for one in changes:
        row = found.get((one.channel_id, bounded(one.change.external_id)))
        if row is None:
            missing.append(one)
            continue
        at = clamp(one.change.occurred_at, one.received_at)
        what = "recalled"
        if isinstance(one.change, MessageEdited):
            what = "edited"
            parts = [
                msgspec.structs.replace(part, state="fetching")
                if isinstance(part, MEDIA) and part.source
                else part
                for part in one.change.parts
            ]
            edits.append((row["workspace_id"], row["id"], parts, at))
            if row["recalled_at"] is None:
                told[row["workspace_id"], row["id"]] = preview(parts)
            if any(isinstance(part, MEDIA) and part.source for part in parts):
                events.append(MediaWanted(workspace_id=row["workspace_id"], subject=row["conversation_id"],
                                          message_id=row["id"], channel_id=one.channel_id))  # fmt: skip
        else:
            recalls.append((row["workspace_id"], row["id"], at))
            told[row["workspace_id"], row["id"]] = "[recalled]"
        events.append(
            MessageChanged(
                workspace_id=row["workspace_id"],
                subject=row["conversation_id"],
                message_id=row["id"],
                what=what,
            )
        )
    await _write(tx, edits, recalls)
    return missing, events + await _retell(tx, told)


async def _write(tx: Tx, edits: list[tuple[Any, ...]], recalls: list[tuple[Any, ...]]) -> None:
    """Rewrite messages, and mark those that were taken back."""
    while edits:  # once, unless a batch edits a message several times: then each wins in its order
        turn = {edit[1]: edit for edit in reversed(edits)}
        workspaces, ids, parts, times = map(list, zip(*turn.values(), strict=True))
        await tx.run(
            SQL.edit_messages, workspaces=workspaces, ids=ids, parts=[packed(one) for one in parts], at=times
        )
        edits = [edit for edit in edits if turn[edit[1]] is not edit]
    if recalls:
        workspaces, ids, times = map(list, zip(*recalls, strict=True))
        await tx.run(SQL.recall_messages, workspaces=workspaces, ids=ids, at=times)


async def _retell(tx: Tx, told: dict[tuple[UUID, UUID], str]) -> list[Event | Step]:
    """Let lists show what the last message says now; what was taken back isn't shown any more."""
    if not told:
        return []
    keys = sorted(told)
    rows = await tx.rows(
        SQL.retell_previews,
        workspaces=[key[0] for key in keys],
        messages=[key[1] for key in keys],
        previews=[scrub(told[key]) for key in keys],
    )
    return [
        ConversationChanged(workspace_id=row["workspace_id"], subject=row["id"], what="edited")
        for row in rows
    ]


async def react(tx: Tx, items: Sequence[ReactorKnown]) -> list[Event | Step]:
    """Keep reactions by the message's platform id, whether the message is ours, theirs or not there yet."""
    facts = [(item, item.arrived.fact) for item in items if isinstance(item.arrived.fact, Reacted)]
    await tx.run(
        SQL.react,
        workspaces=[item.workspace_id for item, _ in facts],
        channels=[item.arrived.channel_id for item, _ in facts],
        externals=[bounded(fact.external_id) for _, fact in facts],
        actors=[item.author_id for item, _ in facts],
        emojis=[scrub(fact.emoji)[:32] for _, fact in facts],
        at=[clamp(fact.occurred_at, item.arrived.received_at) for item, fact in facts],
    )
    rows = await tx.rows(
        SQL.reacted_conversations,
        channels=[item.arrived.channel_id for item, _ in facts],
        externals=[bounded(fact.external_id) for _, fact in facts],
    )
    return [
        MessageChanged(
            workspace_id=row["workspace_id"],
            subject=row["conversation_id"],
            message_id=row["message_id"],
            what="reaction",
        )
        for row in rows
    ]


async def park(tx: Tx, before: datetime) -> None:
    """Give up on edits and recalls whose message never came, and forget those given up a week ago."""
    await tx.run(SQL.park_changes, before=before)
    await tx.run(SQL.prune_changes, before=before - timedelta(days=7))
