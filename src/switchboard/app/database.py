"""The database of this installation: the operator's own, or the embedded server, started on demand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import structlog

from switchboard.app.config import Settings
from switchboard.db import embedded
from switchboard.db.postmaster import living_postmaster

log = structlog.get_logger()
OLDEST = 15


class DatabaseUnreachable(Exception):
    """The operator's database can't be used; the text is one sentence, without the password."""


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[tuple[str, embedded.Postgres | None]]:
    """Give the DSN to use and the embedded server behind it, if any; stop that afterwards."""
    if settings.database_url:
        await check(settings.database_url)
        yield settings.database_url, None
        return
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    programs = Path(settings.pg_bin) if settings.pg_bin else None
    server = embedded.Postgres(settings.data / "postgres", programs=programs)
    try:
        yield await server.start(), server
    finally:
        await server.stop()


async def check(dsn: str) -> None:
    """Log in once; raises DatabaseUnreachable with what to mend."""
    try:
        connection = await asyncpg.connect(dsn, timeout=10)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        place = _place(dsn)
        words = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, OSError):
            words = (
                error.strerror or words
                if not isinstance(error, TimeoutError)
                else "no answer within ten seconds"
            )
        raise DatabaseUnreachable(
            f"The database{place} can't be used ({words[:200].rstrip('.')}); check SWITCHBOARD_DATABASE_URL."
        ) from error
    try:
        major = connection.get_server_version().major
        if major < OLDEST:
            raise DatabaseUnreachable(
                f"The database is PostgreSQL {major}; Switchboard needs {OLDEST} or newer."
            )
    finally:
        await connection.close()


def _place(dsn: str) -> str:
    try:
        parts = urlsplit(dsn)
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    return f" at {host}:{port or 5432}" if host else ""


async def watch(server: embedded.Postgres) -> None:
    """Bring the embedded server back when it dies. Never returns."""
    while True:
        await asyncio.sleep(0.5)
        try:
            if living_postmaster(server.cluster) is None:
                await server.start()
        except Exception as error:
            log.error("postgres_restart_failed", error=str(error))
