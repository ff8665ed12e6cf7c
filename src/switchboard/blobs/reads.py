"""Find files."""

from collections.abc import Sequence
from uuid import UUID

from switchboard.blobs.commands import SQL
from switchboard.blobs.store import StoredFile
from switchboard.db.pool import Tx


async def find(tx: Tx, workspace: UUID, ids: Sequence[UUID]) -> dict[UUID, StoredFile]:
    """Return the files of a workspace by id; unknown ids are left out."""
    rows = await tx.rows(SQL.find_files, workspace=workspace, ids=list(ids))
    return {row["id"]: StoredFile(**dict(row)) for row in rows}
