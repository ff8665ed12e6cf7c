"""Answers kept for repeated requests: one per Idempotency-Key, written in the transaction of the work."""

from datetime import datetime
from uuid import UUID

import msgspec

from switchboard.db.pool import Tx
from switchboard.db.sql import load

SQL = load(__file__)


class Kept(msgspec.Struct, frozen=True):
    """A request that was carried out, and its (sealed) answer."""

    request_hash: bytes
    status: int
    answer: bytes


async def lock(tx: Tx, workspace: UUID, actor: str, key: str) -> bool:
    """Hold a key for this transaction; False while another request holds it."""
    return bool(await tx.value(SQL.lock_request, workspace=workspace, actor=actor, key=key))


async def find(tx: Tx, workspace: UUID, actor: str, key: str) -> Kept | None:
    """Find the answer of a key; ask after the key was locked."""
    row = await tx.row(SQL.kept_request, workspace=workspace, actor=actor, key=key)
    return Kept(**row) if row else None


async def store(
    tx: Tx, workspace: UUID, actor: str, key: str, request_hash: bytes, status: int, answer: bytes
) -> None:
    """Keep an answer."""
    await tx.run(
        SQL.keep_request,
        workspace=workspace,
        actor=actor,
        key=key,
        hash=request_hash,
        status=status,
        answer=answer,
    )


async def prune(tx: Tx, before: datetime) -> None:
    """Forget answers kept before a moment."""
    await tx.run(SQL.prune_requests, before=before)
