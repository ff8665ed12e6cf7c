"""What an administrator should know now: a red connection, a quality mark, a silence longer than usual."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from switchboard.connections.commands import SQL
from switchboard.core.errors import NotFound
from switchboard.core.events import ChannelChanged, Event
from switchboard.core.ids import new_id
from switchboard.db.pool import Tx


class Alarm(msgspec.Struct, frozen=True):
    """One alarm: `code` is red, silent or quality; `data` of a silence holds `hours` now and the `usual` longest."""

    id: UUID
    connection_id: UUID
    connection: str
    kind: str
    channel: str
    code: str
    detail: str
    data: dict[str, Any]
    at: datetime


async def silences(tx: Tx) -> list[Event]:
    """Raise alarms for channels from which nothing has come for half as long again as ever in the last two weeks."""
    rows = await tx.rows(SQL.silences)
    events: list[Event] = []
    for row in rows:
        data = {"hours": round(row["hours"]), "usual": round(row["usual"])}
        raised = await tx.value(
            SQL.raise_alarm, workspace=row["workspace_id"], id=new_id(), connection=row["connection_id"], channel=row["channel_id"],
            code="silent", detail="", data=data,
        )  # fmt: skip
        if raised is not None:
            events.append(
                ChannelChanged(workspace_id=row["workspace_id"], subject=row["connection_id"], status="")
            )
    return events


async def open_alarms(tx: Tx, workspace: UUID) -> list[Alarm]:
    """Return what is still to be looked at, newest first."""
    rows = await tx.rows(SQL.open_alarms, workspace=workspace)
    return [Alarm(**{**row, "data": msgspec.json.decode(row["data"])}) for row in map(dict, rows)]


async def put_away(tx: Tx, workspace: UUID, alarms: Sequence[UUID], by: UUID) -> None:
    """Somebody has seen these; raises NotFound when there is none of them."""
    if not await tx.run(SQL.see_alarms, workspace=workspace, ids=list(alarms), by=by):
        raise NotFound("There is no such alarm.")


async def prune(tx: Tx) -> None:
    """Forget traffic by the hour that tells nothing any more."""
    await tx.run(SQL.prune_hours)
