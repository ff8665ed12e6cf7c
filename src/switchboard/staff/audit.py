"""Who did what: written in the transaction of the deed, never changed."""

from typing import Any
from uuid import UUID

from switchboard.core.commands import Actor
from switchboard.core.ids import new_id
from switchboard.core.text import scrub
from switchboard.db.pool import Tx
from switchboard.db.sql import load

SQL = load(__file__)


async def record(
    tx: Tx, workspace: UUID, by: Actor, action: str, target: str = "", detail: dict[str, Any] | None = None
) -> None:
    """Write one line. `action` is like `agent.edited`; `detail` holds no secrets, nor what was said."""
    await tx.run(
        SQL.record_audit,
        workspace=workspace,
        id=new_id(),
        actor=by.id,
        kind=by.kind,
        action=action,
        target=scrub(target)[:300],
        detail=detail or {},
    )
