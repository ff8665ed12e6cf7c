"""Access tokens: one for all processes, kept sealed in the database, fetched by one caller at a time.

Platforms such as WeChat make a token worthless by handing out the next one, so two processes must never fetch side by side.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from switchboard.channels.api import Token
from switchboard.connections import tokens
from switchboard.db.pool import Database
from switchboard.secrecy import CannotOpen, Sealer

PURPOSE = "access_token"
SPARE = 0.1
"""The share of a token's life that is left when it is fetched anew, so that nobody meets its end."""


class Tokens:
    """The access tokens of one process: what it knows, and the way to what others know."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer
        self._known: dict[tuple[UUID, str], tuple[str, datetime]] = {}

    async def get(
        self,
        workspace: UUID,
        connection: UUID,
        name: str,
        fetch: Callable[[], Awaitable[Token]],
        instead_of: str = "",
    ) -> str:
        """Return a token that is good for now; raises what `fetch` raises. `instead_of` is one the platform refused."""
        now = datetime.now(UTC)
        value, until = self._known.get((connection, name), ("", now))
        if value and until > now and value != instead_of:
            return value
        async with self._db.transaction() as tx:
            row = await tokens.hold(tx, workspace, connection, name)
            value = self._open(workspace, row.sealed) if row is not None and row.expires_at > now else ""
            if row is not None and value and value != instead_of:
                self._known[connection, name] = value, row.expires_at
                return value
            fetched = await fetch()
            until = now + timedelta(seconds=max(1.0, fetched.seconds * (1 - SPARE)))
            sealed = self._sealer.seal(fetched.value.encode(), workspace=workspace, purpose=PURPOSE)
            await tokens.keep(tx, workspace, connection, name, sealed, until)
        self._known[connection, name] = fetched.value, until
        return fetched.value

    def _open(self, workspace: UUID, sealed: bytes) -> str:
        try:
            return self._sealer.open(sealed, workspace=workspace, purpose=PURPOSE).decode()
        except CannotOpen:
            return ""


class TriedTokens:
    """Tokens of settings that are only being tried: kept no longer than the trial."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    async def get(self, name: str, fetch: Callable[[], Awaitable[Token]], instead_of: str = "") -> str:
        """Return the trial's token; raises what `fetch` raises."""
        if self._known.get(name, instead_of) == instead_of:
            self._known[name] = (await fetch()).value
        return self._known[name]
