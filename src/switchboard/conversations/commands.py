"""What agents do with a conversation: answer, note, resolve, snooze, label; the fetched media of a message."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from switchboard.core.commands import (
    Assign,
    ChangeStatus,
    EditConversation,
    MarkRead,
    StartConversation,
    StoreMedia,
    Take,
    WriteMessage,
)
from switchboard.core.conversation import may_move, on_reply
from switchboard.core.errors import Conflict, Invalid, NotFound
from switchboard.core.events import (
    ConversationChanged,
    ConversationOpened,
    ConversationResolved,
    Event,
    MessageChanged,
    MessageFiled,
    ReplyWritten,
    Step,
)
from switchboard.core.parts import MEDIA, Part, Text, preview
from switchboard.db.pool import Tx, packed
from switchboard.db.sql import load

SQL = load(__file__)
_parts = msgspec.json.Decoder(list[Part])
FETCHED = ("file_id", "state", "error", "size", "mime", "name", "width", "height", "duration")
"""What the media job knows better than the platform's message."""
Guarded = WriteMessage | ChangeStatus | EditConversation | MarkRead | Take | Assign


async def guard(tx: Tx, commands: Sequence[Guarded]) -> list[Event | Step]:
    """Lock the conversations concerned, by id; raise NotFound, or Conflict when `expected_version` has passed."""
    await _locked(tx, commands)
    return []


async def _locked(tx: Tx, commands: Sequence[Guarded]) -> dict[UUID, Any]:
    rows: dict[UUID, Any] = {}
    for workspace in sorted({one.workspace_id for one in commands}):
        ids = [one.conversation_id for one in commands if one.workspace_id == workspace]
        rows |= {row["id"]: row for row in await tx.rows(SQL.guard, workspace=workspace, ids=ids)}
    for one in commands:
        row = rows.get(one.conversation_id)
        if row is None:
            raise NotFound("There is no such conversation.")
        expected = getattr(one, "expected_version", None)
        if expected is not None and expected != row["own_version"] + row["work_version"]:
            raise Conflict("Somebody else was here first; look again.", conversation=one.conversation_id)
    return rows


async def write(tx: Tx, commands: Sequence[WriteMessage]) -> list[Event | Step]:
    """Write answers and notes into their timelines; answers go on to delivery."""
    events: list[Event | Step] = []
    if len(commands) > 1:
        await guard(tx, commands)  # all of them by id, before the first is written
    for one in commands:
        row = (await _locked(tx, [one]))[one.conversation_id]
        if not one.parts:
            raise Invalid("A message needs at least one part.", field="parts")
        reach = None if one.note else await _reach(tx, one)
        direction = "note" if one.note else "out"
        author = (one.by.kind, one.by.id)
        position = row["last_position"] + 1
        target = await _target(tx, one)
        names = (
            "workspaces", "ids", "conversations", "positions", "directions", "author_kinds", "authors", "channels", "identities",
            "addresses", "parts", "externals", "replies", "clients", "occurred", "received", "backfills", "autos",
        )  # fmt: skip
        values = (
            one.workspace_id, one.message_id, one.conversation_id, position, direction, *author,
            reach and reach["channel_id"], reach and reach["identity_id"], reach["address"] if reach else "", packed(one.parts), None,
            target or None, one.client_id, one.at, one.at, False, one.by.kind == "bot",
        )  # fmt: skip
        reopened = row["status"] == "resolved" and not _silent(one)
        if reopened:
            await _vacant(tx, one.workspace_id, row)
        if not await tx.rows(
            SQL.file_messages, **{name: [value] for name, value in zip(names, values, strict=True)}
        ):
            raise Conflict(
                "This message was written already.", code="written", conversation=one.conversation_id
            )
        await _advance(tx, one, row, position, direction)
        if reopened:
            events.append(ConversationOpened(workspace_id=one.workspace_id, subject=one.conversation_id, contact_id=row["contact_id"],
                                             reopened=True, assignee_id=one.by.id if one.by.kind == "agent" else None))  # fmt: skip
        events.append(
            MessageFiled(
                workspace_id=one.workspace_id, subject=one.conversation_id, message_id=one.message_id, position=position,
                direction=direction, author_kind=one.by.kind, author_id=one.by.id, channel_id=reach and reach["channel_id"],
            )
        )  # fmt: skip
        if reach is not None:
            events.append(_reply(one, reach, target))
    return events


def _silent(one: WriteMessage) -> bool:
    """Notes, and what a machine says, are no answer: the customer waits as before, a resolved case stays so."""
    return one.note or one.by.kind == "bot"


async def _vacant(tx: Tx, workspace: UUID, row: Any) -> None:
    """Raise Conflict when the contact has a newer open conversation in the slot of one that shall be open again."""
    newer = await tx.value(SQL.open_in_slot, workspace=workspace, contact=row["contact_id"], slot=row["slot"])
    if newer is not None:
        raise Conflict(
            "The customer has a newer open conversation; go on there.", code="newer_open", conversation=newer
        )


async def _reach(tx: Tx, one: WriteMessage) -> Any:
    """The channel and address to answer by: the one asked for, else the last one a verified identity used."""
    rows = await tx.rows(SQL.reply_channels, workspace=one.workspace_id, id=one.conversation_id)
    for row in rows:
        if one.address and row["address"] != one.address:
            continue
        if one.channel_id is None or row["channel_id"] == one.channel_id:
            return row
    if one.address:
        borrowed = await tx.row(
            SQL.borrow_channel,
            workspace=one.workspace_id,
            id=one.conversation_id,
            channel=one.channel_id,
            address=one.address,
        )
        if borrowed is not None:
            return borrowed
    if one.channel_id is not None:
        raise Invalid(
            "The customer can't be reached by this channel.", field="channel_id", code="unreachable"
        )
    raise Invalid("This conversation has no channel to answer by.", field="channel_id", code="unreachable")


async def _target(tx: Tx, one: WriteMessage) -> str:
    if one.reply_to is None:
        return ""
    found = await tx.value(
        SQL.reply_target, workspace=one.workspace_id, id=one.reply_to, conversation=one.conversation_id
    )
    if found is None:
        raise Invalid("The message to answer is not in this conversation.", field="reply_to")
    return str(found)


async def _advance(tx: Tx, one: WriteMessage, row: Any, position: int, direction: str) -> None:
    silent = _silent(one)
    note = direction == "note"
    names = (
        "workspaces",
        "ids",
        "statuses",
        "positions",
        "inbound",
        "at",
        "directions",
        "previews",
        "waiting",
        "channels",
        "bumps",
    )
    values = (
        one.workspace_id, one.conversation_id, row["status"] if silent else on_reply(row["status"]), position, 0,
        row["last_at"] if note else one.at, row["last_direction"] if note else direction,
        row["preview"] if note else preview(one.parts), row["waiting_since"] if silent else None, None, 0 if silent else 1,
    )  # fmt: skip
    await tx.run(
        SQL.advance_conversations, **{name: [value] for name, value in zip(names, values, strict=True)}
    )


def _reply(one: WriteMessage, reach: Any, target: str) -> ReplyWritten:
    return ReplyWritten(
        workspace_id=one.workspace_id,
        message_id=one.message_id,
        conversation_id=one.conversation_id,
        channel_id=reach["channel_id"],
        address=reach["address"],
        parts=one.parts,
        author_kind=one.by.kind,
        author_id=one.by.id,
        reply_to=target,
        subject=reach["subject"],
        thread=list(reach["thread"]),
        slot=reach["slot"],
        opened=msgspec.json.decode(reach["opened"], type=dict[str, datetime]),
        handle=reach["handle"],
        handle_at=reach["handle_at"],
        links=one.links,
    )


async def start(tx: Tx, commands: Sequence[StartConversation]) -> list[Event | Step]:
    """Open a case from our side; joins the contact's open case when there is one."""
    events: list[Event | Step] = []
    for one in commands:
        await tx.run(
            SQL.open_conversations, workspaces=[one.workspace_id], ids=[one.conversation_id], contacts=[one.contact_id],
            slots=["case"], subjects=[""], channels=[one.channel_id], statuses=["open"], at=[one.at],
        )  # fmt: skip
        (row,) = await tx.rows(
            SQL.lock_slots, workspaces=[one.workspace_id], contacts=[one.contact_id], slots=["case"], threads=[None],
            reopen_after=one.at,
        )  # fmt: skip
        await tx.run(
            SQL.note_channels, workspaces=[one.workspace_id], conversations=[row["id"]], channels=[one.channel_id],
            addresses=[one.address], identities=[one.identity_id], slots=[""], subjects=[""], verified=[True], at=[None],
            externals=[""], threads=[""], opened=[{}], handles=[""],
        )  # fmt: skip
        if row["id"] == one.conversation_id:
            events.append(ConversationOpened(workspace_id=one.workspace_id, subject=row["id"], contact_id=one.contact_id,
                                             channel_id=one.channel_id, assignee_id=one.by.id))  # fmt: skip
    return events


async def change_status(tx: Tx, commands: Sequence[ChangeStatus]) -> list[Event | Step]:
    """Resolve, reopen, pend or snooze; what is there already changes nothing."""
    events: list[Event | Step] = []
    for one in commands:
        row = (await _locked(tx, [one]))[one.conversation_id]
        if row["status"] == one.status and one.status != "snoozed":
            continue
        if not may_move(row["status"], one.status):
            raise Invalid(
                f"A {row['status']} conversation can't become {one.status}.", field="status", code="bad_move"
            )
        if one.status == "snoozed" and (one.until is None or one.until <= one.at):
            raise Invalid("Say until when, in the future.", field="until")
        if row["status"] == "resolved":
            await _vacant(tx, one.workspace_id, row)
        await tx.run(
            SQL.set_status,
            workspace=one.workspace_id,
            id=one.conversation_id,
            status=one.status,
            at=one.at,
            until=one.until,
        )
        if one.status == "resolved":
            events.append(
                ConversationResolved(
                    workspace_id=one.workspace_id, subject=one.conversation_id, by_id=one.by.id
                )
            )
        elif row["status"] == "resolved":
            events.append(ConversationOpened(workspace_id=one.workspace_id, subject=one.conversation_id, contact_id=row["contact_id"],
                                             reopened=True, assignee_id=one.by.id))  # fmt: skip
        else:
            events.append(
                ConversationChanged(workspace_id=one.workspace_id, subject=one.conversation_id, what="status")
            )
    return events


async def edit(tx: Tx, commands: Sequence[EditConversation]) -> list[Event | Step]:
    """Change priority, subject or tags."""
    events: list[Event | Step] = []
    for one in commands:
        await _locked(tx, [one])
        await tx.run(SQL.edit_conversation, workspace=one.workspace_id, id=one.conversation_id, priority=one.priority,
                     subject=one.subject, tags=one.tags)  # fmt: skip
        events.append(
            ConversationChanged(workspace_id=one.workspace_id, subject=one.conversation_id, what="edited")
        )
    return events


async def mark_read(tx: Tx, commands: Sequence[MarkRead]) -> list[Event | Step]:
    """Count as seen what came up to a position."""
    return [
        ConversationChanged(workspace_id=one.workspace_id, subject=one.conversation_id, what="read")
        for one in commands
        if await tx.run(
            SQL.mark_read, workspace=one.workspace_id, id=one.conversation_id, position=one.position
        )
    ]


async def store_media(tx: Tx, commands: Sequence[StoreMedia]) -> list[Event | Step]:
    """Put fetched media into its message; what the message says may have been edited while it was on its way."""
    events: list[Event | Step] = []
    for one in commands:
        row = await tx.row(SQL.lock_parts, workspace=one.workspace_id, id=one.message_id)
        if row is None:
            continue
        parts = with_media(_parts.decode(row["parts"]), one.parts)
        conversation = await tx.value(
            SQL.store_media, workspace=one.workspace_id, id=one.message_id, parts=parts
        )
        if conversation is not None:
            events.append(
                MessageChanged(
                    workspace_id=one.workspace_id,
                    subject=conversation,
                    message_id=one.message_id,
                    what="media",
                )
            )
    return events


def with_media(present: Sequence[Part], fetched: Sequence[Part]) -> list[Part]:
    """Return the present parts with the files that were fetched for them, recognised by their sources."""
    files = {part.source: part for part in fetched if isinstance(part, MEDIA) and part.source is not None}
    pages = {part.html: part for part in fetched if isinstance(part, Text) and part.html is not None}
    parts: list[Part] = []
    for part in present:
        if isinstance(part, MEDIA) and part.source in files:
            got = files[part.source]
            part = msgspec.structs.replace(part, **{name: getattr(got, name) for name in FETCHED})
        elif isinstance(part, Text) and part.html in pages:
            part = msgspec.structs.replace(part, html_file=pages[part.html].html_file)
        parts.append(part)
    return parts


async def snoozed_due(tx: Tx, now: datetime) -> list[tuple[UUID, UUID]]:
    """Return (workspace, conversation) pairs whose snooze is over."""
    return [(row["workspace_id"], row["id"]) for row in await tx.rows(SQL.snoozed_due, now=now)]


async def parts_of(tx: Tx, workspace: UUID, message: UUID) -> list[Part] | None:
    """Return what a message is made of; None when there is none."""
    row = await tx.row(SQL.message_parts, workspace=workspace, id=message)
    return None if row is None else _parts.decode(row["parts"])
