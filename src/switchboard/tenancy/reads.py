"""Workspaces as screens show them."""

from typing import Any
from uuid import UUID

import msgspec

from switchboard.db.pool import Tx
from switchboard.tenancy.commands import SQL


class Workspace(msgspec.Struct, frozen=True):
    """One company's space; `time_zone` is an IANA name."""

    id: UUID
    name: str
    slug: str
    locale: str
    time_zone: str
    settings: dict[str, Any]


async def workspace(tx: Tx, workspace_id: UUID) -> Workspace | None:
    """Find a workspace."""
    row = await tx.row(SQL.workspace, id=workspace_id)
    return Workspace(**{**row, "settings": msgspec.json.decode(row["settings"])}) if row else None


async def by_slug(tx: Tx, slug: str) -> Workspace | None:
    """Find a workspace by its slug."""
    row = await tx.row(SQL.workspace_by_slug, slug=slug)
    return Workspace(**{**row, "settings": msgspec.json.decode(row["settings"])}) if row else None
