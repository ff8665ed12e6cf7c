"""What a merge of contacts does to their conversations: equal slots are joined, the others change hands."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from switchboard.conversations.commands import SQL
from switchboard.core.conversation import joined_status
from switchboard.core.events import (
    ContactsMerged,
    ContactsUnmerged,
    ConversationChanged,
    ConversationOpened,
    ConversationResolved,
    Event,
    Step,
)
from switchboard.core.ids import new_id
from switchboard.core.parts import Part, preview
from switchboard.db.pool import Tx

_parts = msgspec.json.Decoder(list[Part])


class State(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a join changes of a conversation."""

    status: str = "new"
    waiting_since: datetime | None = None
    snoozed_until: datetime | None = None
    seen_count: int = 0
    last_at: datetime | None = None
    last_direction: str = "in"
    preview: str = ""
    channel_id: UUID | None = None


async def join(tx: Tx, merges: Sequence[ContactsMerged]) -> list[Event | Step]:
    """Give the merged contact's conversations to the kept one; two open ones in one slot become one timeline."""
    events: list[Event | Step] = []
    for one in merges:
        rows = await tx.rows(
            SQL.conversations_of, workspace=one.workspace_id, contacts=[one.subject, one.merged_id]
        )
        open_slots = {
            row["slot"]: row
            for row in rows
            if row["contact_id"] == one.subject and row["status"] != "resolved"
        }
        for row in rows:
            if row["contact_id"] != one.merged_id:
                continue
            twin = open_slots.get(row["slot"]) if row["status"] != "resolved" else None
            if twin is not None:
                await _join(tx, one, row, twin)
                events.append(ConversationResolved(workspace_id=one.workspace_id, subject=row["id"]))
                events.append(
                    ConversationChanged(workspace_id=one.workspace_id, subject=twin["id"], what="moved")
                )
            else:
                await _note(tx, one, row, None, 0, 0)
            await tx.run(SQL.give_conversation, workspace=one.workspace_id, id=row["id"], contact=one.subject)
            events.append(ConversationChanged(workspace_id=one.workspace_id, subject=row["id"], what="moved"))
    return events


async def _join(tx: Tx, one: ContactsMerged, source: Any, target: Any) -> None:
    """Put the source's messages at the end of the target's timeline; the target then waits for both."""
    where = {"workspace": one.workspace_id}
    shift = int(target["last_position"])
    await _note(tx, one, source, target, shift + 1, shift + int(source["last_position"]))
    await tx.run(SQL.move_messages, **where, to=target["id"], shift=shift, **{"from": source["id"]})
    await tx.run(SQL.move_channels, **where, to=target["id"], **{"from": source["id"]})
    waiting = [row["waiting_since"] for row in (source, target) if row["waiting_since"] is not None]
    latest = max(source, target, key=lambda row: row["last_at"])
    await tx.run(
        SQL.absorb, **where, id=target["id"], position=shift + source["last_position"], inbound=source["inbound_count"],
        seen=source["seen_count"], status=joined_status(source["status"], target["status"]),
        waiting=min(waiting) if waiting else None, at=latest["last_at"], direction=latest["last_direction"],
        preview=latest["preview"], channel=latest["channel_id"],
    )  # fmt: skip
    await tx.run(SQL.close_joined, **where, id=source["id"])


async def _note(tx: Tx, one: ContactsMerged, source: Any, target: Any | None, first: int, last: int) -> None:
    await tx.run(
        SQL.note_join, workspace=one.workspace_id, id=new_id(), merge=one.merge_id, source=source["id"],
        target=target and target["id"], first=first, last=last, source_before=_state(source),
        target_before=_state(target) if target is not None else State(),
    )  # fmt: skip


def _state(row: Any) -> State:
    return State(**{name: row[name] for name in State.__struct_fields__})


async def part(tx: Tx, merges: Sequence[ContactsUnmerged]) -> list[Event | Step]:
    """Give conversations back to the restored contact, and joined messages to the conversation they were said in.

    What was said after the join stays where it was filed, unless an identity of the restored contact said it.
    """
    events: list[Event | Step] = []
    for one in merges:
        await tx.rows(
            SQL.conversations_of, workspace=one.workspace_id, contacts=[one.subject, one.restored_id]
        )
        for row in await tx.rows(SQL.joins_of, workspace=one.workspace_id, merge=one.merge_id):
            await tx.run(
                SQL.give_conversation, workspace=one.workspace_id, id=row["source"], contact=one.restored_id
            )
            if row["target"] is not None:
                events += await _part(tx, one, row)
            events.append(
                ConversationChanged(workspace_id=one.workspace_id, subject=row["source"], what="moved")
            )
    return events


async def _part(tx: Tx, one: ContactsUnmerged, row: Any) -> list[Event | Step]:
    """Take one join apart; where nothing was said in the meantime, both conversations are as they were."""
    where = {"workspace": one.workspace_id, "source": row["source"], "target": row["target"]}
    await tx.run(SQL.take_back_messages, **where, first=row["first"], last=row["last"])
    said = await tx.row(SQL.said_since, workspace=one.workspace_id, target=row["target"], last=row["last"],
                        contact=one.restored_id)  # fmt: skip
    assert said is not None
    await tx.run(SQL.take_back_later, **where, last=row["last"], contact=one.restored_id)
    await tx.run(SQL.take_back_channels, **where, contact=one.restored_id)
    source, target = (
        msgspec.json.decode(row[name], type=State) for name in ("source_before", "target_before")
    )
    joined = joined_status(source.status, target.status)
    await _restore(tx, one.workspace_id, row["target"], target, joined, quiet=not said["all"])
    if said["theirs"]:
        source = msgspec.structs.replace(
            source, status="open", waiting_since=source.waiting_since or said["first_in"]
        )
    reopened = await _restore(
        tx, one.workspace_id, row["source"], source, "resolved", quiet=not said["theirs"]
    )
    events: list[Event | Step] = [
        ConversationChanged(workspace_id=one.workspace_id, subject=row["target"], what="moved")
    ]
    if reopened:
        events.append(ConversationOpened(workspace_id=one.workspace_id, subject=row["source"], contact_id=one.restored_id,
                                         channel_id=source.channel_id, reopened=True))  # fmt: skip
    return events


async def _restore(
    tx: Tx, workspace: UUID, conversation: UUID, before: State, joined: str, *, quiet: bool
) -> bool:
    """Count anew what a conversation holds and put the rest back, its status unless a person changed it. True when it is open again."""
    now = before
    if not quiet:
        last = await tx.row(SQL.last_said, workspace=workspace, id=conversation)
        if last is not None:
            now = msgspec.structs.replace(before, last_at=last["received_at"], last_direction=last["direction"],
                                          preview=preview(_parts.decode(last["parts"])), channel_id=last["channel_id"])  # fmt: skip
    fields = msgspec.structs.asdict(now)
    return bool(
        await tx.value(
            SQL.restore_parted, workspace=workspace, id=conversation, joined=joined, quiet=quiet, **fields
        )
    )
