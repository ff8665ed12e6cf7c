"""Connections and transactions. The pipeline works as the tables' owner; the API under row-level security."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from switchboard.db.sql import Query

API_ROLE = "switchboard_api"
TRANSIENT = (
    asyncpg.TransactionRollbackError,  # deadlock, serialisation
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,  # shutdown, crash, cancelled, starting up
    asyncpg.InsufficientResourcesError,  # disk full, out of memory, too many connections
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # a standby that is not promoted yet
    asyncpg.InvalidCachedStatementError,  # the schema was migrated under us
    asyncpg.PostgresSystemError,
    asyncpg.LockNotAvailableError,
    OSError,  # refused, reset, no socket yet, TimeoutError
)
"""Errors that say nothing of the work itself: the whole batch is tried again and no fact is blamed."""


class Tx:
    """One open transaction. Verbs take it as an argument; nothing below flow, api and the worker loops opens one."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.statements = 0

    async def rows(self, query: Query, /, **values: object) -> list[asyncpg.Record]:
        """Run a query and return its records."""
        self.statements += 1
        found: list[asyncpg.Record] = await self.connection.fetch(query.text, *query.arguments(values))
        return found

    async def row(self, query: Query, /, **values: object) -> asyncpg.Record | None:
        """Run a query and return its first record."""
        self.statements += 1
        found: asyncpg.Record | None = await self.connection.fetchrow(query.text, *query.arguments(values))
        return found

    async def value(self, query: Query, /, **values: object) -> Any:
        """Run a query and return the first column of its first record, None when there is none."""
        self.statements += 1
        return await self.connection.fetchval(query.text, *query.arguments(values))

    async def run(self, query: Query, /, **values: object) -> int:
        """Run a statement and return how many rows it touched."""
        self.statements += 1
        tag = await self.connection.execute(query.text, *query.arguments(values))
        last = str(tag).rsplit(" ", 1)[-1]
        return int(last) if last.isdigit() else 0


class _Connection(asyncpg.Connection):
    """Skips the pool's reset query: we leave no session state behind but what `SET LOCAL` clears by itself."""

    def get_reset_query(self) -> str:
        return ""


def packed(value: object) -> msgspec.Raw:
    """Encode a list for a `jsonb[]` parameter, which would otherwise be taken for a further dimension of the array."""
    return msgspec.Raw(msgspec.json.encode(value))


def columns(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Turn rows into the named array parameters of an `unnest`; no rows make empty arrays."""
    turned = map(list, zip(*rows, strict=True)) if rows else ([] for _ in names)
    return dict(zip(names, turned, strict=True))


def _encode(value: object) -> bytes:
    return b"\x01" + msgspec.json.encode(value)


def _decode(data: bytes) -> msgspec.Raw:
    return msgspec.Raw(bytes(data)[1:])


class Database:
    """A pool of connections as one role. `api=True` takes the row-level-security role at the start of a connection."""

    def __init__(self, dsn: str, *, api: bool = False, size: int = 10) -> None:
        self.dsn = dsn
        self.api = api
        self.size = size
        self._pool: Any = None

    async def open(self) -> None:
        """Connect; raises OSError or asyncpg.PostgresError when the server can't be reached."""
        self._pool = await asyncpg.create_pool(
            self.dsn,
            min_size=1,
            max_size=self.size,
            init=self._prepare,
            connection_class=_Connection,
            statement_cache_size=1024,
            max_inactive_connection_lifetime=300,
            timeout=10,
            command_timeout=60,
            server_settings={
                "application_name": "switchboard-api" if self.api else "switchboard",
                "idle_in_transaction_session_timeout": "60s",
                "client_connection_check_interval": "2s",
                "tcp_keepalives_idle": "30",
                "lock_timeout": "10s",
                "jit": "off",
                "timezone": "UTC",
            },
        )

    async def _prepare(self, connection: Any) -> None:
        await connection.set_type_codec(
            "jsonb", schema="pg_catalog", encoder=_encode, decoder=_decode, format="binary"
        )
        if self.api:
            await connection.execute(f"set role {API_ROLE}")

    async def close(self) -> None:
        """Close every connection, waiting at most five seconds for those in use."""
        if self._pool is not None:
            try:
                async with asyncio.timeout(5):
                    await self._pool.close()
            except TimeoutError:
                self._pool.terminate()

    @asynccontextmanager
    async def transaction(self, workspace: UUID | None = None) -> AsyncIterator[Tx]:
        """Open a transaction; with a workspace, row-level security shows that workspace alone."""
        async with self._pool.acquire() as connection, connection.transaction():
            if workspace is not None:
                await connection.execute("select set_config('app.workspace_id', $1, true)", str(workspace))
            yield Tx(connection)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """Borrow a bare connection, each statement its own transaction."""
        async with self._pool.acquire() as connection:
            yield connection
