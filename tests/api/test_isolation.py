"""Row-level security: every table as the API's role, with, without and after a workspace."""

import re
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from switchboard.core.ids import new_id
from switchboard.db.pool import Database

OWNERS_ONLY = {"sign_in_failure", "follower", "migration"}
NOT_BY_COLUMN = {"workspace", "account"}
VALUES: dict[str, Any] = {
    "uuid": None,
    "text": "x",
    "jsonb": {},
    "int4": 1,
    "int2": 1,
    "int8": 1,
    "float4": 1.0,
    "bool": False,
    "_uuid": [],
    "_text": [],
    "tsvector": "x",
}


class Tables:
    """What the database says of its tables."""

    def __init__(self, owner: Any) -> None:
        self.owner = owner

    async def names(self) -> set[str]:
        rows = await self.owner.fetch("select tablename from pg_tables where schemaname = 'public'")
        return {row[0] for row in rows}

    async def row(self, table: str, workspace: UUID) -> tuple[str, list[Any]]:
        """An INSERT of one row of a workspace with something in every column that needs it."""
        columns = await self.owner.fetch(
            "select column_name as name, udt_name as kind from information_schema.columns "
            "where table_schema = 'public' and table_name = $1 and column_default is null "
            "and is_identity = 'NO' and (is_nullable = 'NO' or column_name = 'workspace_id')",
            table,
        )
        allowed = await self._allowed(table)
        names: list[str] = []
        values: list[Any] = []
        for column in columns:
            name, kind = column["name"], column["kind"]
            names.append(name)
            if name == "workspace_id":
                values.append(workspace)
            elif kind == "timestamptz":
                values.append(await self.owner.fetchval("select now()"))
            elif kind == "uuid":
                values.append(new_id())
            elif name in allowed:
                values.append(allowed[name])
            elif kind == "bytea":
                values.append(new_id().bytes)
            else:
                values.append(f"{name} {new_id()}" if kind == "text" else VALUES[kind])
        places = ", ".join(f"${nr + 1}" for nr in range(len(names)))
        return f"insert into {table} ({', '.join(names)}) values ({places})", values

    async def _allowed(self, table: str) -> dict[str, str]:
        rows = await self.owner.fetch(
            "select pg_get_constraintdef(oid) from pg_constraint "
            "where contype = 'c' and conrelid = $1::regclass",
            table,
        )
        found = [re.search(r"\((\w+) = ANY \(ARRAY\['(\w+)'", row[0]) for row in rows]
        return {one[1]: one[2] for one in found if one}


@pytest.fixture
async def two(database: str) -> Any:
    """The API's pool of one connection, and two workspaces with a row in every table."""
    db, api = Database(database, size=2), Database(database, api=True, size=1)
    await db.open()
    await api.open()
    ours, theirs = new_id(), new_id()
    async with db.connection() as owner:
        await owner.execute("set session_replication_role = replica")
        tables = Tables(owner)
        for table in sorted(await tables.names() - OWNERS_ONLY - NOT_BY_COLUMN):
            for workspace in (ours, theirs):
                statement, values = await tables.row(table, workspace)
                await owner.execute(statement, *values)
        for workspace, mail in ((ours, "ours@example.com"), (theirs, "theirs@example.com")):
            await owner.execute(
                "insert into workspace (id, name, slug) values ($1, 'W', $2)", workspace, str(workspace)
            )
            account = await owner.fetchval("select account_id from agent where workspace_id = $1", workspace)
            await owner.execute(
                "insert into account (id, email, password_hash) values ($1, $2, 'hash')", account, mail
            )
        await owner.execute("set session_replication_role = origin")
        yield api, tables, ours, theirs
    await api.close()
    await db.close()


async def held(api: Database, workspace: UUID | None, statement: str) -> list[Any]:
    async with api.transaction(workspace) as tx:
        found: list[Any] = await tx.connection.fetch(statement)
        return found


async def test_every_table_shows_the_own_workspace_and_nothing_else(two: Any) -> None:
    api, tables, ours, _ = two
    names = await tables.names() - OWNERS_ONLY - NOT_BY_COLUMN
    assert len(names) > 30
    for table in sorted(names):
        statement = f"select workspace_id from {table}"
        assert await held(api, None, statement) == [], f"{table} without a workspace"
        assert [row[0] for row in await held(api, ours, statement)] == [ours], f"{table} with a workspace"
        assert await held(api, None, statement) == [], f"{table} after a workspace"


async def test_every_view_shows_the_own_workspace_and_nothing_else(two: Any) -> None:
    api, tables, ours, _ = two
    rows = await tables.owner.fetch("select viewname from pg_views where schemaname = 'public'")
    assert len(rows) > 10
    for row in rows:
        column = "id" if row[0] == "tenancy_v_workspace" else "workspace_id"
        statement = f"select {column} from {row[0]}"
        assert await held(api, None, statement) == [], row[0]
        assert [one[0] for one in await held(api, ours, statement)] == [ours], row[0]


async def test_nothing_is_written_into_another_workspace(two: Any) -> None:
    api, tables, ours, theirs = two
    for table in sorted(await tables.names() - OWNERS_ONLY - NOT_BY_COLUMN):
        statement, values = await tables.row(table, theirs)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with api.transaction(ours) as tx:
                await tx.connection.execute(statement, *values)
        if table == "audit":
            continue
        async with api.transaction(ours) as tx:
            assert (
                await tx.connection.execute(f"delete from {table} where workspace_id = $1", theirs)
                == "DELETE 0"
            ), table


async def test_workspaces_and_accounts_of_others_are_hidden(two: Any) -> None:
    api, _, ours, _ = two
    assert await held(api, None, "select id from workspace") == []
    assert [row[0] for row in await held(api, ours, "select id from workspace")] == [ours]
    assert [row[0] for row in await held(api, ours, "select email from account")] == ["ours@example.com"]
    assert await held(api, None, "select email from account") == []


async def test_the_api_never_reads_passwords_nor_rewrites_the_audit(two: Any) -> None:
    api, _, ours, _ = two
    forbidden = [
        "select password_hash from account",
        "update account set password_hash = ''",
        "update audit set action = 'nothing'",
        "delete from audit",
        *(f"select * from {table}" for table in OWNERS_ONLY),
    ]
    for statement in forbidden:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await held(api, ours, statement)
