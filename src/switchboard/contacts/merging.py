"""Two contacts become one, and two again; nothing is lost on the way."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from switchboard.contacts.commands import SQL
from switchboard.core.commands import MergeContacts, StartConversation, UndoMerge
from switchboard.core.errors import Conflict, Invalid, NotFound
from switchboard.core.events import ContactsMerged, ContactsUnmerged, Event, Step
from switchboard.db.pool import Tx


class Fields(msgspec.Struct, frozen=True):
    """A contact's own fields, as a merge fills them."""

    name: str
    level: str
    language: str
    notes: str
    tags: list[str]
    attributes: dict[str, Any]
    last_seen_at: datetime | None = None


class Record(msgspec.Struct, frozen=True):
    """How the two looked before: the kept one's fields before and after, which identities moved, which claims were copied."""

    before: Fields
    after: Fields
    identities: list[UUID]
    claims: list[tuple[str, str]] = []


async def hold(tx: Tx, commands: Sequence[StartConversation]) -> list[Event | Step]:
    """Lock the contacts that something is begun with; raises Conflict for one that is part of another by now."""
    for one in commands:
        rows = await tx.rows(SQL.lock_contacts, workspace=one.workspace_id, ids=[one.contact_id])
        if not rows:
            raise NotFound("There is no such contact.")
        if rows[0]["merged_into"] is not None:
            raise Conflict("This contact became part of another; look again.", code="already_merged")
    return []


async def merge(tx: Tx, commands: Sequence[MergeContacts]) -> list[Event | Step]:
    """Merge contacts (both locked by id); one that is part of another already is left as it is."""
    events: list[Event | Step] = []
    for one in commands:
        if one.kept_id == one.merged_id:
            raise Invalid("A contact can't be merged with itself.", field="other_id")
        both = {
            row["id"]: row
            for row in await tx.rows(
                SQL.lock_contacts, workspace=one.workspace_id, ids=[one.kept_id, one.merged_id]
            )
        }
        if len(both) < 2:
            raise NotFound("There is no such contact.")
        if any(row["merged_into"] is not None for row in both.values()):
            continue
        kept, merged = both[one.kept_id], both[one.merged_id]
        before = _fields(kept)
        moved = await tx.rows(
            SQL.move_identities, workspace=one.workspace_id, to=one.kept_id, **{"from": one.merged_id}
        )
        claims = await tx.rows(
            SQL.copy_claims, workspace=one.workspace_id, to=one.kept_id, **{"from": one.merged_id}
        )
        await tx.run(
            SQL.fill_contact,
            workspace=one.workspace_id,
            id=one.kept_id,
            **msgspec.structs.asdict(_fields(merged)),
        )
        await tx.run(SQL.set_merged, workspace=one.workspace_id, id=one.merged_id, into=one.kept_id)
        after = _fields((await tx.rows(SQL.lock_contacts, workspace=one.workspace_id, ids=[one.kept_id]))[0])
        await tx.run(
            SQL.record_merge, workspace=one.workspace_id, id=one.merge_id, kept=one.kept_id, merged=one.merged_id,
            record=Record(before, after, [row["id"] for row in moved], [(row["space"], row["value"]) for row in claims]),
            by=one.by.id, reason=one.reason, at=one.at,
        )  # fmt: skip
        events.append(
            ContactsMerged(
                workspace_id=one.workspace_id,
                subject=one.kept_id,
                merged_id=one.merged_id,
                merge_id=one.merge_id,
            )
        )
    return events


async def undo(tx: Tx, commands: Sequence[UndoMerge]) -> list[Event | Step]:
    """Take merges apart: identities go back, fields that nobody touched since return to what they were."""
    events: list[Event | Step] = []
    for one in commands:
        row = await tx.row(SQL.merge_record, workspace=one.workspace_id, id=one.merge_id)
        if row is None:
            raise NotFound("There is no such merge, or it has been undone.")
        kept_id, merged_id = row["kept_id"], row["merged_id"]
        record = msgspec.json.decode(row["record"], type=Record)
        both = {
            found["id"]: found
            for found in await tx.rows(
                SQL.lock_contacts, workspace=one.workspace_id, ids=[kept_id, merged_id]
            )
        }
        if both[kept_id]["merged_into"] is not None:
            raise Conflict(
                "This contact became part of another since; undo that merge first.", code="merged_since"
            )
        await tx.run(SQL.set_merged, workspace=one.workspace_id, id=merged_id, into=None)
        await tx.run(
            SQL.return_identities,
            workspace=one.workspace_id,
            to=merged_id,
            ids=record.identities,
            **{"from": kept_id},
        )
        await tx.run(SQL.remove_claims, workspace=one.workspace_id, contact=kept_id,
                     spaces=[space for space, _ in record.claims], keys=[value for _, value in record.claims])  # fmt: skip
        now, before, after = (
            msgspec.structs.asdict(side) for side in (_fields(both[kept_id]), record.before, record.after)
        )
        restored = {key: before[key] if now[key] == after[key] else now[key] for key in now}
        await tx.run(SQL.restore_contact, workspace=one.workspace_id, id=kept_id, **restored)
        await tx.run(SQL.undo_merge, workspace=one.workspace_id, id=one.merge_id, at=one.at)
        events.append(
            ContactsUnmerged(
                workspace_id=one.workspace_id, subject=kept_id, restored_id=merged_id, merge_id=one.merge_id
            )
        )
    return events


def _fields(row: Any) -> Fields:
    return Fields(row["name"], row["level"], row["language"], row["notes"], list(row["tags"]),
                  msgspec.json.decode(row["attributes"]), row["last_seen_at"])  # fmt: skip
