"""The shared fixtures themselves: a database is fresh, migrated and gone afterwards."""

import asyncpg
import pytest

seen: list[str] = []


async def tables(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("CREATE TABLE litter (id int)")
        return int(await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))
    finally:
        await connection.close()


@pytest.mark.parametrize("turn", [1, 2])
async def test_each_test_gets_its_own_migrated_database(database: str, turn: int) -> None:
    assert database not in seen
    seen.append(database)
    assert await tables(database) > 2


async def test_the_empty_database_has_no_schema(empty_database: str) -> None:
    assert await tables(empty_database) == 1


async def test_a_database_is_gone_after_its_test(postgres_server: str) -> None:
    connection = await asyncpg.connect(postgres_server)
    left = await connection.fetch("SELECT datname FROM pg_database WHERE datname LIKE 'test_%'")
    await connection.close()
    names = {dsn.partition("?")[0].rpartition("/")[2] for dsn in seen}
    assert not names & {row["datname"] for row in left}
