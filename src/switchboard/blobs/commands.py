"""Record and forget files. Bytes are stored before their row is written and deleted after the row is gone.

So a row never points at nothing; a crash in between leaves bytes without a row, which cost only space.
"""

from collections.abc import Sequence
from uuid import UUID

from switchboard.blobs.store import StoredFile
from switchboard.db.pool import Tx
from switchboard.db.sql import load

SQL = load(__file__)


async def record(
    tx: Tx, files: Sequence[StoredFile], *, origin: str = "", uploaded_by: UUID | None = None
) -> None:
    """Insert the rows of files that `Blobs.keep` has stored; `origin` is where they came from (upload)."""
    await tx.run(
        SQL.insert_files,
        origin=origin,
        uploaded_by=uploaded_by,
        workspaces=[one.workspace_id for one in files],
        ids=[one.id for one in files],
        names=[one.name for one in files],
        mimes=[one.mime for one in files],
        sizes=[one.size for one in files],
        hashes=[one.sha256 for one in files],
        paths=[one.path for one in files],
        widths=[one.width for one in files],
        heights=[one.height for one in files],
        durations=[one.duration for one in files],
    )


async def forget(tx: Tx, workspace: UUID, ids: Sequence[UUID]) -> list[str]:
    """Delete the rows of files and return their paths, for `Blobs.delete` after the commit."""
    return [row["path"] for row in await tx.rows(SQL.delete_files, workspace=workspace, ids=list(ids))]
