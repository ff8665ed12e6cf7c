"""What site visitors may see: only messages of their own identity's own channel, never the case around them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from switchboard.core.ids import send_key
from switchboard.db.pool import Tx
from switchboard.workspace.projection import SQL
from switchboard.workspace.reads import Links, messages
from switchboard.workspace.rows import Message

EPOCH_MS = 1_735_689_600_000
"""Places count from 2025, so that they stay exact numbers in JavaScript."""


class Speaker(msgspec.Struct, frozen=True):
    """Who answered."""

    name: str


class VisitorMessage(msgspec.Struct, frozen=True):
    """One message as a visitor sees it; `position` orders all of a visitor's messages, over all conversations."""

    id: UUID
    position: int
    direction: str
    author: Speaker | None
    parts: list[dict[str, Any]]
    at: datetime
    client_id: str | None
    edited_at: datetime | None
    recalled_at: datetime | None


def place(message: UUID) -> int:
    """Return a message's place from its UUIDv7: milliseconds and counter."""
    return ((message.int >> 80) - EPOCH_MS) * 4096 + ((message.int >> 64) & 0xFFF)


def id_at(position: int, last: bool) -> UUID:
    """Return the lowest (or highest) id that stands at a place."""
    milliseconds, counter = divmod(max(0, min(position, 1 << 52)), 4096)
    return UUID(
        int=(milliseconds + EPOCH_MS) << 80 | 0x7 << 76 | counter << 64 | ((1 << 64) - 1 if last else 0)
    )


def visible(message: Message, external_id: str | None) -> VisitorMessage:
    """Turn a message into what its visitor sees: the agent's name, no statuses, no notes."""
    mine = message.direction == "in"
    client = external_id.partition(":")[2] if mine and external_id else None
    author = None if mine or not message.author.name else Speaker(message.author.name)
    return VisitorMessage(
        message.id, place(message.id), message.direction, author, message.parts, message.occurred_at, client,
        message.edited_at, message.recalled_at,
    )  # fmt: skip


async def history(
    tx: Tx,
    workspace: UUID,
    channel: UUID,
    address: str,
    links: Links,
    *,
    before: int | None = None,
    limit: int = 30,
) -> tuple[list[VisitorMessage], bool]:
    """Return a visitor's latest messages (before a place) in order, and whether there are older ones."""
    conditions: dict[str, dict[str, object]] = {"visitor": {"channel": channel, "address": address}}
    if before is not None:
        conditions["filed_before"] = {"before_id": id_at(before, last=False)}
    found = await messages(tx, workspace, links, conditions, "filed_back", limit + 1)
    externals = await _externals(tx, workspace, [one.id for one in found])
    return [visible(one, externals.get(one.id)) for one in found[:limit][::-1]], len(found) > limit


async def _externals(tx: Tx, workspace: UUID, ids: Sequence[UUID]) -> dict[UUID, str]:
    rows = await tx.rows(SQL.addresses_of, workspace=workspace, ids=list(ids))
    return {row["id"]: row["external_id"] for row in rows if row["external_id"]}


async def messages_for(
    tx: Tx, workspace: UUID, ids: Sequence[UUID], links: Links
) -> list[tuple[UUID, str, VisitorMessage]]:
    """Return some messages as (channel, visitor, message), those that visitors of site widgets may see."""
    rows = {
        row["id"]: row
        for row in await tx.rows(SQL.addresses_of, workspace=workspace, ids=list(ids))
        if row["kind"] == "web"
    }
    if not rows:
        return []
    found = await messages(
        tx, workspace, links, {"messages": {"messages": sorted(rows)}}, "filed_back", len(rows)
    )
    return [
        (rows[one.id]["channel_id"], rows[one.id]["address"], visible(one, rows[one.id]["external_id"]))
        for one in reversed(found)
        if one.direction in ("in", "out")
    ]


async def cases_of(tx: Tx, workspace: UUID, conversations: Sequence[UUID]) -> list[Any]:
    """Return, for the visitors of some conversations: who has it, what waits, and what was read up to."""
    return await tx.rows(SQL.visitor_cases, workspace=workspace, conversations=list(conversations))


async def case_of_visitor(tx: Tx, workspace: UUID, channel: UUID, address: str) -> list[Any]:
    """Return a visitor's conversations, the latest first, in the shape of `cases_of`."""
    return await tx.rows(SQL.visitor_conversations, workspace=workspace, channel=channel, address=address)


async def pieces(
    tx: Tx, workspace: UUID, channel: UUID, address: str, upto: int, statuses: Sequence[str]
) -> list[str]:
    """Return the ids of our pieces up to a place that are in these statuses; what is not sent yet has its key for an id."""
    rows = await tx.rows(
        SQL.visitor_pieces,
        workspace=workspace,
        channel=channel,
        address=address,
        upto=id_at(upto, last=True),
        statuses=list(statuses),
    )
    return [row["external_id"] or send_key(row["message_id"], row["piece"]) for row in rows]


async def unread(tx: Tx, workspace: UUID, channel: UUID, address: str) -> tuple[int, int]:
    """Return how many of our messages a visitor has not read, and up to which place they have read (0: nothing)."""
    row = await tx.row(SQL.visitor_unread, workspace=workspace, channel=channel, address=address)
    assert row is not None, "aggregates always find a row"
    return row["unread"], place(row["read"]) if row["read"] is not None else 0


async def anybody_online(tx: Tx, workspace: UUID) -> bool:
    """Tell whether any agent is there."""
    return bool(await tx.value(SQL.anybody_online, workspace=workspace))
