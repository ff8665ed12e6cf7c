"""Background jobs: rows claimed in batches with SKIP LOCKED; a holder that dies gives its jobs back by running out of time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from switchboard.core.ids import new_id
from switchboard.db.pool import Tx
from switchboard.db.sql import load

SQL = load(__file__)


class NewJob(msgspec.Struct, frozen=True):
    """A job to be done, at once or at `due_at`."""

    workspace_id: UUID
    kind: str
    payload: Any
    due_at: datetime | None = None


class Job(msgspec.Struct, frozen=True):
    """A claimed job; `attempts` counts this one."""

    workspace_id: UUID
    id: UUID
    kind: str
    payload: msgspec.Raw
    attempts: int
    created_at: datetime


async def add(tx: Tx, new: Sequence[NewJob]) -> list[UUID]:
    """Queue jobs and return their ids."""
    ids = [new_id() for _ in new]
    await tx.run(
        SQL.add_jobs,
        workspaces=[one.workspace_id for one in new],
        ids=ids,
        kinds=[one.kind for one in new],
        payloads=[one.payload for one in new],
        due=[one.due_at for one in new],
    )
    return ids


async def claim(tx: Tx, holder: UUID, kinds: Sequence[str], limit: int, seconds: int = 120) -> list[Job]:
    """Take due jobs for `seconds`."""
    rows = await tx.rows(SQL.claim_jobs, holder=holder, kinds=list(kinds), limit=limit, seconds=seconds)
    return [Job(**row) for row in rows]


async def finish(tx: Tx, job: Job, holder: UUID, error: str = "") -> None:
    """Record that a job is done, or has failed for good."""
    await tx.run(SQL.finish_job, workspace=job.workspace_id, id=job.id, holder=holder, error=error[:1000],
                 state="failed" if error else "done")  # fmt: skip


async def retry(tx: Tx, job: Job, holder: UUID, seconds: float, error: str) -> None:
    """Put a job back for later."""
    await tx.run(
        SQL.retry_job,
        workspace=job.workspace_id,
        id=job.id,
        holder=holder,
        seconds=seconds,
        error=error[:1000],
    )


async def prune(tx: Tx, before: datetime) -> None:
    """Forget finished jobs past their time."""
    await tx.run(SQL.prune_jobs, before=before)
