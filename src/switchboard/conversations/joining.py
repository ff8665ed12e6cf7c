"""What a merge of contacts does to their conversations: equal slots are joined, the others change hands."""

from collections.abc import Sequence

from switchboard.conversations.commands import SQL
from switchboard.core.events import ContactsMerged, ContactsUnmerged, ConversationChanged, ConversationResolved, Event, Step
from switchboard.core.ids import new_id
from switchboard.db.pool import Tx


async def join(tx: Tx, merges: Sequence[ContactsMerged]) -> list[Event | Step]:
    """Give the merged contact's conversations to the kept one; two open ones in one slot become one timeline."""
    events: list[Event | Step] = []
    for one in merges:
        rows = await tx.rows(SQL.conversations_of, workspace=one.workspace_id, contacts=[one.subject, one.merged_id])
        open_slots = {row["slot"]: row for row in rows if row["contact_id"] == one.subject and row["status"] != "resolved"}
        for row in rows:
            if row["contact_id"] != one.merged_id:
                continue
            twin = open_slots.get(row["slot"]) if row["status"] != "resolved" else None
            if twin is not None:
                where = {"workspace": one.workspace_id}
                shift = int(await tx.value(SQL.last_position, **where, id=twin["id"]))
                await tx.run(SQL.move_messages, **where, to=twin["id"], shift=shift, **{"from": row["id"]})
                await tx.run(SQL.move_channels, **where, to=twin["id"], **{"from": row["id"]})
                await tx.run(SQL.absorb, **where, id=twin["id"], position=shift + row["last_position"], inbound=row["inbound_count"])
                await tx.run(SQL.close_joined, **where, id=row["id"])
                await tx.run(SQL.note_join, **where, id=new_id(), merge=one.merge_id, source=row["id"], target=twin["id"],
                             first=shift + 1, last=shift + row["last_position"])  # fmt: skip
                events.append(ConversationResolved(workspace_id=one.workspace_id, subject=row["id"]))
                events.append(ConversationChanged(workspace_id=one.workspace_id, subject=twin["id"], what="moved"))
            await tx.run(SQL.give_conversation, workspace=one.workspace_id, id=row["id"], contact=one.subject)
            await tx.run(SQL.note_join, workspace=one.workspace_id, id=new_id(), merge=one.merge_id, source=row["id"],
                         target=None, first=0, last=0)  # fmt: skip
            events.append(ConversationChanged(workspace_id=one.workspace_id, subject=row["id"], what="moved"))
    return events


async def part(tx: Tx, merges: Sequence[ContactsUnmerged]) -> list[Event | Step]:
    """Give conversations back to the restored contact; joined timelines stay joined with whom they were filed."""
    events: list[Event | Step] = []
    for one in merges:
        await tx.rows(SQL.conversations_of, workspace=one.workspace_id, contacts=[one.subject, one.restored_id])
        for row in await tx.rows(SQL.joins_of, workspace=one.workspace_id, merge=one.merge_id):
            where = {"workspace": one.workspace_id}
            if row["target"] is not None:
                await tx.run(SQL.take_back_messages, **where, source=row["source"], target=row["target"],
                             first=row["first"], last=row["last"])  # fmt: skip
                await tx.run(SQL.reopen_parted, **where, id=row["source"])
                events.append(ConversationChanged(workspace_id=one.workspace_id, subject=row["target"], what="moved"))
            else:
                await tx.run(SQL.give_conversation, **where, id=row["source"], contact=one.restored_id)
            events.append(ConversationChanged(workspace_id=one.workspace_id, subject=row["source"], what="moved"))
    return events
