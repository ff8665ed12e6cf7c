"""Dead letters as an administrator reads them."""

from datetime import datetime
from uuid import UUID

import msgspec

from switchboard.db.pool import Tx
from switchboard.ingest.commands import SQL

LAST = UUID(int=(1 << 128) - 1)


class DeadLetter(msgspec.Struct, frozen=True):
    """A parked fact (`state` parked; `fact` is its type) or a body nobody could read (`state` unreadable)."""

    state: str
    id: UUID
    received_at: datetime
    error: str
    fact: str | None
    channel_id: UUID | None
    connection_id: UUID | None
    preview: str


class WholeLetter(msgspec.Struct, frozen=True):
    """A letter with its body, or the path of the file that holds it."""

    letter: DeadLetter
    body: bytes
    path: str | None


async def dead_letters(
    tx: Tx, workspace: UUID, before: UUID | None, limit: int
) -> tuple[list[DeadLetter], UUID | None]:
    """Return a page, newest first, and the id before which the next one begins."""
    rows = await tx.rows(SQL.dead_letters, workspace=workspace, before=before or LAST, limit=limit + 1)
    page = [
        DeadLetter(**{**row, "error": row["error"] or "", "preview": row["preview"] or ""})
        for row in rows[:limit]
    ]
    return page, page[-1].id if len(rows) > limit else None


async def whole_letter(tx: Tx, workspace: UUID, letter: UUID) -> WholeLetter | None:
    """Find a letter with its body: of a parked fact the request that brought it, else the fact itself."""
    row = await tx.row(SQL.parked_fact, workspace=workspace, id=letter)
    if row is not None:
        fact = bytes(row["body"])
        kind = msgspec.json.decode(fact).get("fact")
        found = DeadLetter(
            "parked",
            row["id"],
            row["received_at"],
            row["error"] or "",
            kind,
            row["channel_id"],
            row["connection_id"],
            fact[:400].decode("utf-8", "replace"),
        )
        raw = await tx.row(SQL.raw_of_fact, workspace=workspace, id=letter)
        return WholeLetter(found, (raw and raw["body"]) or fact, raw["body_path"] if raw else None)
    row = await tx.row(SQL.raw_body, workspace=workspace, id=letter)
    if row is None or row["error"] is None:
        return None
    body = row["body"] or b""
    found = DeadLetter(
        "unreadable",
        row["id"],
        row["received_at"],
        row["error"],
        None,
        None,
        row["connection_id"],
        body[:400].decode("utf-8", "replace"),
    )
    return WholeLetter(found, body, row["body_path"])


async def backlog(tx: Tx, workspace: UUID, connection: UUID) -> tuple[int, int]:
    """Return how many of a connection's facts wait for their lane, and how many letters are parked or unreadable."""
    (row,) = await tx.rows(SQL.backlog, workspace=workspace, connection=connection)
    return row["waiting"], row["parked"]
