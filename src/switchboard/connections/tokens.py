"""Access tokens at rest. They are opened and sealed in `app`, which has the key."""

from datetime import datetime
from uuid import UUID

import msgspec

from switchboard.connections.commands import SQL
from switchboard.db.pool import Tx


class TokenRow(msgspec.Struct, frozen=True):
    """A sealed token and when it is time for the next one."""

    sealed: bytes
    expires_at: datetime


async def hold(tx: Tx, workspace: UUID, connection: UUID, name: str) -> TokenRow | None:
    """Return the token kept, once nobody else is fetching it any more; until commit nobody else will."""
    await tx.run(SQL.lock_token, connection=connection, name=name)
    row = await tx.row(SQL.token, workspace=workspace, connection=connection, name=name)
    return TokenRow(**row) if row else None


async def keep(
    tx: Tx, workspace: UUID, connection: UUID, name: str, sealed: bytes, expires_at: datetime
) -> None:
    """Keep a token just fetched."""
    await tx.run(
        SQL.keep_token,
        workspace=workspace,
        connection=connection,
        name=name,
        sealed=sealed,
        expires=expires_at,
    )
