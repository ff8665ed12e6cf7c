"""Runs `migrations/NNNN_pre|post_words.sql` in order, each whole and once, under an advisory lock.

Files whose first line is `-- outside transaction` (CREATE INDEX CONCURRENTLY) run outside one. A file that was applied may
never change: its checksum is kept.
"""

import asyncio
import hashlib
from pathlib import Path

import asyncpg

FOLDER = Path(__file__).with_name("migrations")
_LOCK = 7_301_846
_LEDGER = """
create table if not exists migration (
    name text primary key, checksum text not null, applied_at timestamptz not null default now())
"""


class MigrationError(Exception):
    """An applied migration was edited, or one failed; the text says which and what to do."""


async def migrate(dsn: str, phases: tuple[str, ...] = ("pre", "post")) -> list[str]:
    """Apply what is missing and return the names applied."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        # Who waits inside a statement holds a snapshot, for which CONCURRENTLY waits in turn: so ask again and again.
        while not await connection.fetchval("select pg_try_advisory_lock($1)", _LOCK):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        # A migration that can't get its lock quickly must not hold everybody else up behind it.
        await connection.execute("set lock_timeout = '10s'; set statement_timeout = '15min'")
        await connection.execute(_LEDGER)
        done = {
            row["name"]: row["checksum"]
            for row in await connection.fetch("select name, checksum from migration")
        }
        applied: list[str] = []
        for path in sorted(FOLDER.glob("*.sql")):
            text = path.read_text("utf-8")
            checksum = hashlib.sha256(text.encode()).hexdigest()
            if path.name in done:
                if done[path.name] != checksum:
                    raise MigrationError(
                        f"{path.name} was changed after it was applied; add a new migration instead"
                    )
            elif path.name.split("_")[1] in phases:
                await _apply(connection, path.name, text, checksum)
                applied.append(path.name)
        return applied
    finally:
        await connection.close()


async def _apply(connection: asyncpg.Connection, name: str, text: str, checksum: str) -> None:
    record = "insert into migration (name, checksum) values ($1, $2)"
    try:
        if text.startswith("-- outside transaction"):
            await connection.execute(text)
            await connection.execute(record, name, checksum)
        else:
            async with connection.transaction():
                await connection.execute(text)
                await connection.execute(record, name, checksum)
    except asyncpg.PostgresError as error:
        raise MigrationError(f"{name}: {error}") from error
