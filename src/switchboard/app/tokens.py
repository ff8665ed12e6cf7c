"""Access tokens: one for all processes, kept sealed in the database, fetched by one caller at a time.

Platforms such as WeChat make a token worthless by handing out the next one, so two processes must never fetch side by side.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from uuid import UUID
from weakref import WeakValueDictionary

from switchboard.channels.api import Retry, Token
from switchboard.connections import tokens
from switchboard.db.pool import TRANSIENT, Database
from switchboard.secrecy import CannotOpen, Sealer

PURPOSE = "access_token"
SPARE = 0.1
"""The share of a token's life that is left when it is fetched anew, so that nobody meets its end."""
_fetching: ContextVar[bool] = ContextVar("fetching", default=False)
"""Whether this is asked within the fetch of another token (a refresh token for an access token)."""


class Tokens:
    """The access tokens of one process: what it knows, and the way to what others know."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer
        self._known: dict[tuple[UUID, str], tuple[str, datetime]] = {}
        # A fetch holds a database connection while the platform thinks, and may ask for a second token meanwhile.
        self._few = asyncio.Semaphore(max(1, db.size // 3))
        self._turns: WeakValueDictionary[tuple[UUID, str], asyncio.Lock] = WeakValueDictionary()

    async def get(
        self,
        workspace: UUID,
        connection: UUID,
        name: str,
        fetch: Callable[[], Awaitable[Token]],
        instead_of: str = "",
    ) -> str:
        """Return a token that is good for now; raises what `fetch` raises, Retry when the database is in the way.

        `instead_of` is one the platform refused.
        """
        if value := self._at_hand(connection, name, instead_of):
            return value
        # Those of one process wait here, each of them in the database would hold a connection as long as the platform takes.
        turn = self._turns.setdefault((connection, name), asyncio.Lock())
        async with turn:
            if value := self._at_hand(connection, name, instead_of):
                return value
            try:
                if _fetching.get():
                    return await self._shared(workspace, connection, name, fetch, instead_of)
                async with self._few:
                    return await self._shared(workspace, connection, name, fetch, instead_of)
            except TRANSIENT as trouble:
                # Nothing has been sent yet: what waits for the token may surely be tried again.
                raise Retry(f"No access token could be had ({type(trouble).__name__}).") from trouble

    def forget(self, connection: UUID) -> None:
        """Drop what is known of a connection, whose settings have changed."""
        for key in [key for key in self._known if key[0] == connection]:
            del self._known[key]

    def _at_hand(self, connection: UUID, name: str, instead_of: str) -> str:
        value, until = self._known.get((connection, name), ("", datetime.min.replace(tzinfo=UTC)))
        return value if value != instead_of and until > datetime.now(UTC) else ""

    async def _shared(
        self,
        workspace: UUID,
        connection: UUID,
        name: str,
        fetch: Callable[[], Awaitable[Token]],
        instead_of: str,
    ) -> str:
        """Return the token that all processes share, fetched by us if it is our turn."""
        async with self._db.transaction() as tx:
            row = await tokens.hold(tx, workspace, connection, name)
            now = datetime.now(UTC)
            value = self._open(workspace, row.sealed) if row is not None and row.expires_at > now else ""
            if row is not None and value and value != instead_of:
                self._known[connection, name] = value, row.expires_at
                return value
            outer = _fetching.set(True)
            try:
                fetched = await fetch()
            finally:
                _fetching.reset(outer)
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
