"""Inbox pages, timelines, counters: what screens ask for."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from switchboard.core.parts import MEDIA, Part, Text, preview
from switchboard.db.filters import compose
from switchboard.db.pool import Tx
from switchboard.workspace import counting
from switchboard.workspace.projection import SQL
from switchboard.workspace.rows import (
    Author,
    ContactBrief,
    Conversation,
    Counters,
    Message,
    ReactionView,
    ReplyTo,
    Trouble,
    View,
    Viewer,
)

Links = Callable[[UUID, UUID, str], str]
"""Makes the signed link of a file: (workspace, file id, name) → address."""
_parts = msgspec.json.Decoder(list[Part])
_reactions = msgspec.json.Decoder(list[ReactionView])


def conversation(row: Any, links: Links) -> Conversation:
    """Turn an inbox row into what screens get."""
    avatar = links(row["workspace_id"], row["avatar_file"], "avatar") if row["avatar_file"] else None
    return Conversation(
        row["id"], row["version"], row["pos"], ContactBrief(row["contact_id"], row["contact_name"], avatar), row["status"],
        row["priority"], row["slot"], row["subject"], row["channel_id"], row["kind"], row["kinds"], row["team_id"],
        row["assignee_id"], row["preview"], row["last_at"], row["last_direction"], row["waiting_since"], row["unread"],
        row["tags"], row["snoozed_until"],
    )  # fmt: skip


def _conditions(view: View, viewer: Viewer) -> dict[str, dict[str, object]]:
    """Fragments and their values for a view as a viewer may see it."""
    found: dict[str, dict[str, object]] = {}
    statuses = set(view.status)
    if statuses == {"resolved"}:
        found["closed"] = {}
    elif "resolved" not in statuses:
        found["open"] = {}
    if statuses not in ({"resolved"}, {"new", "open", "pending", "snoozed"}):
        found["statuses"] = {"statuses": sorted(statuses)}
    if view.assignee == "none":
        found["unassigned"] = {}
    elif view.assignee:
        found["assignee"] = {"assignee": UUID(view.assignee)}
    for name in ("team", "channel", "contact"):
        if getattr(view, name) is not None:
            found[name] = {name: getattr(view, name)}
    for name in ("kind", "tag"):
        if getattr(view, name):
            found[name] = {name: getattr(view, name)}
    if view.sort == "waiting":
        found["waiting"] = {}
    if not viewer.everything:
        found["visible"] = {"viewer": viewer.agent_id, "teams": sorted(viewer.team_ids)}
    return found


async def inbox(
    tx: Tx,
    viewer: Viewer,
    view: View,
    links: Links,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> tuple[list[Conversation], tuple[datetime, UUID] | None]:
    """Return a page of conversations and where the next one begins."""
    conditions = _conditions(view, viewer)
    if after is not None and view.sort == "waiting":
        conditions["later"] = {"later_at": after[0], "later_id": after[1]}
    elif after is not None:
        conditions["before"] = {"before_at": after[0], "before_id": after[1]}
    values: dict[str, object] = {"workspace": viewer.workspace_id, "limit": limit + 1}
    for more in conditions.values():
        values |= more
    query = compose(SQL, "inbox_page", tuple(sorted(conditions)), view.sort)
    rows = await tx.rows(query, **values)
    page = rows[:limit]
    following = None
    if len(rows) > limit:
        last = page[-1]
        following = (last["waiting_since"] if view.sort == "waiting" else last["last_at"], last["id"])
    return [conversation(row, links) for row in page], following


async def rows(tx: Tx, keys: Iterable[tuple[UUID, UUID]], links: Links) -> dict[UUID, Conversation]:
    """Return some conversations' rows by id."""
    pairs = list(keys)
    found = await tx.rows(
        SQL.inbox_rows, workspaces=[pair[0] for pair in pairs], ids=[pair[1] for pair in pairs]
    )
    return {row["id"]: conversation(row, links) for row in found}


async def messages(
    tx: Tx, workspace: UUID, links: Links, conditions: dict[str, dict[str, object]], order: str, limit: int
) -> list[Message]:
    """Return messages that meet some conditions, in an order (`position`, `position_back` or `filed_back`)."""
    values: dict[str, object] = {"workspace": workspace, "limit": limit}
    for more in conditions.values():
        values |= more
    found = await tx.rows(compose(SQL, "timeline", tuple(sorted(conditions)), order), **values)
    decoded = [_parts.decode(row["parts"]) for row in found]
    files = await file_views(tx, workspace, (part for parts in decoded for part in parts), links)
    return [_message(row, parts, files) for row, parts in zip(found, decoded, strict=True)]


def _message(row: Any, parts: list[Part], files: dict[UUID, dict[str, Any]]) -> Message:
    reply = None
    if row["reply_id"] is not None:
        reply = ReplyTo(row["reply_id"], preview(_parts.decode(row["reply_parts"])), row["reply_author"])
    recalled = row["recalled_at"] is not None
    return Message(
        row["id"], row["conversation_id"], row["position"], row["direction"],
        Author(row["author_kind"], row["author_id"], row["author_name"]), row["channel_id"], row["kind"],
        [] if recalled else [part_view(part, files) for part in parts], row["occurred_at"], row["filed_at"],
        "queued" if row["status"] == "sending" else row["status"], _trouble(row),
        row["edited_at"], row["recalled_at"], reply, _reactions.decode(row["reactions"]) if row["reactions"] else [],
        row["client_id"], row["backfill"],
    )  # fmt: skip


def _trouble(row: Any) -> Trouble | None:
    return Trouble(row["code"], row["error"]) if row["code"] or row["error"] else None


async def file_views(
    tx: Tx, workspace: UUID, parts: Iterable[Part], links: Links
) -> dict[UUID, dict[str, Any]]:
    """Return what screens show of the files that parts name, by id: one statement, none when there are no files."""
    ids: set[UUID] = set()
    for part in parts:
        if isinstance(part, MEDIA) and part.file_id is not None:
            ids.add(part.file_id)
        elif isinstance(part, Text) and part.html_file is not None:
            ids.add(part.html_file)
    if not ids:
        return {}
    found: dict[UUID, dict[str, Any]] = {}
    for row in await tx.rows(SQL.files, workspace=workspace, ids=sorted(ids)):
        view = {key: value for key, value in row.items() if value is not None}
        found[row["id"]] = view | {"url": links(workspace, row["id"], row["name"])}
    return found


def part_view(part: Part, files: dict[UUID, dict[str, Any]]) -> dict[str, Any]:
    """Return a part as screens get it: file ids become files with signed links, platform references stay inside."""
    view: dict[str, Any] = msgspec.to_builtins(part, builtin_types=(UUID, datetime))
    view.pop("source", None)
    if isinstance(part, MEDIA):
        view.pop("file_id", None)
        view["file"] = files.get(part.file_id) if part.file_id is not None else None
        view["state"] = part.state
    elif isinstance(part, Text):
        view.pop("html", None)
        if part.html_file is not None:
            view["html_file"] = files.get(part.html_file)
    return view


async def timeline(
    tx: Tx,
    workspace: UUID,
    conversation_id: UUID,
    links: Links,
    before: int | None = None,
    after: int | None = None,
    limit: int = 50,
) -> tuple[list[Message], int | None]:
    """Return a page of a conversation's messages in order, and the position from which to page further."""
    conditions: dict[str, dict[str, object]] = {"conversation": {"conversation": conversation_id}}
    if after is not None:
        conditions["position_after"] = {"after": after}
        found = await messages(tx, workspace, links, conditions, "position", limit + 1)
        return found[:limit], found[limit - 1].position if len(found) > limit else None
    if before is not None:
        conditions["position_before"] = {"before": before}
    found = await messages(tx, workspace, links, conditions, "position_back", limit + 1)
    page = found[:limit][::-1]
    return page, page[0].position if len(found) > limit else None


async def counters(tx: Tx, viewer: Viewer) -> Counters:
    """Add the counters up to what a viewer may see."""
    return counting.counters(await tally(tx, viewer.workspace_id), viewer)


async def tally(tx: Tx, workspace: UUID) -> counting.Tally:
    """Return a workspace's counts, from which those of many viewers can be added up."""
    return counting.tally(await tx.rows(SQL.counters, workspace=workspace))


async def assignments(tx: Tx, workspace: UUID, conversation_id: UUID) -> Sequence[Any]:
    """Return who had a conversation, in order."""
    return await tx.rows(SQL.assignments, workspace=workspace, conversation=conversation_id)


async def reply_channels(tx: Tx, workspace: UUID, conversation_id: UUID) -> Sequence[Any]:
    """Return by which channels a conversation can be answered, the default first."""
    return await tx.rows(SQL.reply_channels, workspace=workspace, conversation=conversation_id)


async def fresh(tx: Tx, workspace: UUID, conversation_id: UUID, links: Links) -> Conversation | None:
    """Return a conversation as its tables have it now, ahead of the read model; None when there is none."""
    row = await tx.row(SQL.fresh_row, workspace=workspace, id=conversation_id)
    return conversation(row, links) if row else None


async def message(tx: Tx, workspace: UUID, message_id: UUID, links: Links) -> Message | None:
    """Return one message; None when there is none."""
    conditions: dict[str, dict[str, object]] = {"messages": {"messages": [message_id]}}
    found = await messages(tx, workspace, links, conditions, "position", 1)
    return found[0] if found else None


async def history(
    tx: Tx, viewer: Viewer, contact_id: UUID, links: Links, before: UUID | None, limit: int
) -> tuple[list[Message], UUID | None]:
    """Return what was said with a contact over all conversations the viewer may see, the latest first."""
    conditions: dict[str, dict[str, object]] = {"person": {"contact": contact_id}}
    if before is not None:
        conditions["filed_before"] = {"before_id": before}
    if not viewer.everything:
        conditions["message_visible"] = {"viewer": viewer.agent_id, "teams": sorted(viewer.team_ids)}
    found = await messages(tx, viewer.workspace_id, links, conditions, "filed_back", limit + 1)
    return found[:limit], found[limit - 1].id if len(found) > limit else None


async def known_reach(tx: Tx, workspace: UUID, contact_id: UUID, channel_id: UUID) -> tuple[str, UUID] | None:
    """Return (address, identity) by which a contact was last reached on a channel."""
    row = await tx.row(SQL.known_reach, workspace=workspace, channel=channel_id, contact=contact_id)
    return (row["address"], row["identity_id"]) if row else None


async def open_case(tx: Tx, workspace: UUID, contact_id: UUID) -> UUID | None:
    """Return the case that is open with a contact."""
    found: UUID | None = await tx.value(SQL.open_case, workspace=workspace, contact=contact_id)
    return found


async def typing_in(tx: Tx, workspace: UUID, space: str, value: str) -> Sequence[Any]:
    """Return the open conversations of the person behind an identifier."""
    return await tx.rows(SQL.typing_in, workspace=workspace, space=space, key=value)


async def last_heard(tx: Tx, workspace: UUID, conversation_id: UUID) -> Any:
    """Return by which channel and with which message the customer wrote last; None when they never did."""
    return await tx.row(SQL.last_heard, workspace=workspace, conversation=conversation_id)


async def presences(tx: Tx, workspace: UUID, agents: Sequence[UUID]) -> list[dict[str, Any]]:
    """Return how available some agents are: agent_id, status, load, capacity."""
    return [dict(row) for row in await tx.rows(SQL.presences, workspace=workspace, agents=list(agents))]


async def comment(tx: Tx, workspace: UUID, message_id: UUID) -> Any:
    """Return a comment below a post: conversation, writer, channel, platform's id; None when it is no comment."""
    return await tx.row(SQL.comment, workspace=workspace, id=message_id)
