"""The migration runner: each file once and whole, in order, by one runner at a time; an applied file never changes."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from switchboard.db import migrate as runner
from switchboard.db.migrate import MigrationError, migrate

FIRST = "create table thing (id int primary key, name text); insert into thing select n, 'x' from generate_series(1, 2000) n;"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of migrations of the test's own."""
    monkeypatch.setattr(runner, "FOLDER", tmp_path)
    (tmp_path / "0001_pre_thing.sql").write_text(FIRST)
    (tmp_path / "0002_post_name.sql").write_text("alter table thing alter column name set not null;")
    return tmp_path


async def look(dsn: str, statement: str) -> list[Any]:
    connection = await asyncpg.connect(dsn)
    try:
        return [row[0] for row in await connection.fetch(statement)]
    finally:
        await connection.close()


async def test_files_run_once_and_in_order(empty_database: str, folder: Path) -> None:
    assert await migrate(empty_database) == ["0001_pre_thing.sql", "0002_post_name.sql"]
    assert await migrate(empty_database) == []
    (folder / "0003_pre_more.sql").write_text(
        "alter table thing add column more text; create index on thing (more);"
    )
    assert await migrate(empty_database) == ["0003_pre_more.sql"]
    assert await look(empty_database, "select name from migration order by applied_at, name") == sorted(
        one.name for one in folder.iterdir()
    )


async def test_phases_can_run_apart(empty_database: str, folder: Path) -> None:
    """`pre` before the new version starts, `post` when the old one is gone."""
    (folder / "0003_pre_more.sql").write_text("create table more (id int);")
    assert await migrate(empty_database, ("pre",)) == ["0001_pre_thing.sql", "0003_pre_more.sql"]
    assert await migrate(empty_database, ("post",)) == ["0002_post_name.sql"]


async def test_an_applied_file_that_was_changed_is_refused_and_nothing_runs(
    empty_database: str, folder: Path
) -> None:
    await migrate(empty_database)
    (folder / "0001_pre_thing.sql").write_text(FIRST + " -- harmless")
    (folder / "0003_pre_more.sql").write_text("create table more (id int);")
    with pytest.raises(
        MigrationError, match=r"0001_pre_thing\.sql was changed after it was applied; add a new migration"
    ):
        await migrate(empty_database)
    assert await look(empty_database, "select count(*) from pg_class where relname = 'more'") == [0]


async def test_a_file_that_fails_leaves_nothing_of_itself_and_says_its_name(
    empty_database: str, folder: Path
) -> None:
    (folder / "0003_pre_half.sql").write_text(
        "create table half (id int); select 1/0; create table whole (id int);"
    )
    with pytest.raises(MigrationError, match=r"0003_pre_half\.sql: division by zero"):
        await migrate(empty_database)
    assert await look(empty_database, "select count(*) from pg_class where relname in ('half', 'whole')") == [
        0
    ]
    assert await look(empty_database, "select count(*) from migration") == [2]
    (folder / "0003_pre_half.sql").write_text("create table half (id int);")
    assert await migrate(empty_database) == ["0003_pre_half.sql"]


async def test_many_runners_at_once_apply_each_file_once(empty_database: str, folder: Path) -> None:
    """As two processes that start on one database do; an index built concurrently must not wait for the others in a circle."""
    (folder / "0003_post_index.sql").write_text(
        "-- outside transaction\ncreate index concurrently thing_name on thing (name);"
    )
    async with asyncio.timeout(30):
        applied = await asyncio.gather(*(migrate(empty_database) for _ in range(4)))
    assert sorted(map(len, applied)) == [0, 0, 0, 3]
    assert await look(
        empty_database, "select indisvalid from pg_index where indexrelid = 'thing_name'::regclass"
    ) == [True]


async def test_a_file_outside_a_transaction_may_build_an_index_concurrently(
    empty_database: str, folder: Path
) -> None:
    (folder / "0003_post_index.sql").write_text("create index concurrently thing_name on thing (name);")
    with pytest.raises(MigrationError, match="cannot run inside a transaction block"):
        await migrate(empty_database)
    (folder / "0003_post_index.sql").write_text(
        "-- outside transaction\ncreate index concurrently thing_name on thing (name);"
    )
    assert await migrate(empty_database) == ["0003_post_index.sql"]


async def test_a_runner_that_dies_lets_the_next_one_in(empty_database: str, folder: Path) -> None:
    (folder / "0003_pre_slow.sql").write_text("select pg_sleep(30);")
    slow = asyncio.create_task(migrate(empty_database))
    async with asyncio.timeout(20):
        asleep = "select pid from pg_stat_activity where query like 'select pg_sleep%'"
        while not await look(empty_database, asleep):  # noqa: ASYNC110 - the database says nothing by itself
            await asyncio.sleep(0.05)
        await look(empty_database, "select pg_terminate_backend(pid) from pg_stat_activity where query like 'select pg_sleep%' "
                                   "and pid <> pg_backend_pid()")  # fmt: skip
        with pytest.raises((MigrationError, asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError)):
            await slow
        (folder / "0003_pre_slow.sql").write_text("select 1;")
        assert await migrate(empty_database) == ["0003_pre_slow.sql"]


async def test_every_migration_of_the_product_runs_and_names_its_phase(empty_database: str) -> None:
    names = await migrate(empty_database)
    assert names == sorted(names)
    assert names
    numbers = [name.split("_")[0] for name in names]
    assert len(numbers) == len(set(numbers)), "two files with one number have no order"
    assert all(name.split("_")[1] in ("pre", "post") for name in names)
    assert sorted(path.name for path in runner.FOLDER.glob("*.sql")) == names


async def test_every_tenants_table_is_under_row_level_security(empty_database: str) -> None:
    await migrate(empty_database)
    bare = await look(
        empty_database,
        "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'workspace_id' and not a.attisdropped "
        "where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and not c.relrowsecurity",
    )
    assert bare == []
