"""A workspace with one connection on a fresh database, and the pipe run by hand, step by step."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from switchboard import flow
from switchboard.app.config import Settings
from switchboard.app.runtime import Runtime
from switchboard.core.commands import WriteMessage
from switchboard.core.events import Event
from switchboard.core.facts import Claim, Inbound, MessageReceived, Sender
from switchboard.core.ids import new_id, new_secret
from switchboard.core.parts import Part, Text
from switchboard.db import log
from switchboard.db.pool import Database, Tx
from switchboard.ingest import commands as ingest
from tests.plugins.postgres import apart, fresh_database

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


class Pipe:
    """The pipe without loops: `accept`, `process`, `follow`, each a call."""

    def __init__(self, db: Database, workspace: UUID) -> None:
        self.db = db
        self.workspace = workspace
        self.connections: dict[str, UUID] = {}
        self.channels: dict[str, UUID] = {}
        self.agents: dict[str, UUID] = {}

    async def connect(self, name: str, kind: str = "custom") -> UUID:
        """Add a connection with one channel of the same name; return the channel."""
        connection, channel = new_id(), new_id()
        await self.sql("insert into connection (workspace_id, id, kind, name, secret, config_sealed) values ($1,$2,$3,$4,$5,'')",
                       self.workspace, connection, kind, name, new_secret())  # fmt: skip
        await self.sql("insert into channel (workspace_id, id, connection_id, kind, name, external_id) values ($1,$2,$3,$4,$5,$5)",
                       self.workspace, channel, connection, kind, name)  # fmt: skip
        self.connections[name], self.channels[name] = connection, channel
        return channel

    async def hire(self, name: str, status: str = "offline", capacity: int = 6) -> UUID:
        """Add an agent, present or not."""
        account, agent = new_id(), new_id()
        await self.sql(
            "insert into account (id, email, password_hash) values ($1, $2, '')",
            account,
            f"{name}@example.com",
        )
        await self.sql("insert into agent (workspace_id, id, account_id, name, role) values ($1,$2,$3,$4,'agent')",
                       self.workspace, agent, account, name)  # fmt: skip
        await self.sql("insert into presence (workspace_id, agent_id, status, capacity, connected) values ($1,$2,$3,$4,true)",
                       self.workspace, agent, status, capacity)  # fmt: skip
        self.agents[name] = agent
        return agent

    def message(self, text: str, person: str = "alice", nr: str = "", **more: Any) -> MessageReceived:
        """Make a fact: alice writes on the channel `main`."""
        key = nr or str(new_id())
        fields: dict[str, Any] = {
            "account": "main", "dedupe_key": f"message:{key}", "external_id": key, "address": person, "occurred_at": NOW,
            "sender": Sender([Claim("custom:main", person)], name=person.title()), "parts": [Text(text)],
        } | more  # fmt: skip
        return MessageReceived(**fields)

    def delivery(
        self, facts: Sequence[Inbound], at: datetime = NOW, connection: str = "main"
    ) -> ingest.Delivery:
        """Wrap facts as one request of a connection."""
        return ingest.Delivery(
            workspace_id=self.workspace, connection_id=self.connections[connection], received_at=at, method="POST", url="/", headers={},
            body=b"{}", facts=facts, channels={connection: self.channels[connection]},
        )  # fmt: skip

    async def accept(self, *facts: Inbound, at: datetime = NOW, connection: str = "main") -> int:
        """Accept facts in one request; return how many are new."""
        async with self.db.transaction() as tx:
            return await ingest.accept(tx, [self.delivery(facts, at, connection)])

    async def process(self) -> list[Event]:
        """Carry out everything that waits."""
        done: list[Event] = []
        while True:
            async with self.db.transaction() as tx:
                batch = await ingest.claim(tx, 256, 400)
                if not batch:
                    return done
                done += await flow.run(tx, batch)
                await ingest.finish(tx, batch)

    async def receive(self, *facts: Inbound, at: datetime = NOW, connection: str = "main") -> list[Event]:
        """Accept and process."""
        await self.accept(*facts, at=at, connection=connection)
        return await self.process()

    async def run(self, *commands: Any) -> list[Event]:
        """Carry out commands."""
        async with self.db.transaction() as tx:
            return await flow.run(tx, commands)

    async def follow(self) -> None:
        """Number the log and let every follower read to its end."""
        async with self.db.transaction() as tx:
            await log.number(tx)
        for name, verb in flow.FOLLOWERS.items():
            async with self.db.transaction() as tx:
                position = await log.position(tx, name, lock=True) or 0
                logged = await log.read(tx, position, limit=100_000)
                if logged:
                    await verb(tx, logged)
                    await log.advance(tx, name, logged[-1].pos)

    async def only(self, statement: str, *values: Any) -> Any:
        """The one value that a statement finds."""
        ((value,),) = await self.sql(statement, *values)
        return value

    async def case(self) -> UUID:
        """The one conversation there is."""
        found: UUID = await self.only("select id from conversation")
        return found

    async def reply(self, conversation: UUID, text: str = "answer", **more: Any) -> UUID:
        """Answer in a conversation; return the message."""
        message = new_id()
        await self.run(
            WriteMessage(
                workspace_id=self.workspace,
                conversation_id=conversation,
                message_id=message,
                parts=[Text(text)],
                at=NOW,
                **more,
            )
        )
        return message

    async def sql(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """Look, or set the scene, past all rooms."""
        async with self.db.connection() as connection:
            found: list[asyncpg.Record] = await connection.fetch(statement, *values)
            return found

    async def texts(self) -> list[tuple[UUID, int, str, str]]:
        """All messages as (conversation, position, direction, first words)."""
        rows = await self.sql("select conversation_id, position, direction, parts->0->>'text' as text from message "
                              "order by conversation_id, position")  # fmt: skip
        return [tuple(row) for row in rows]


@pytest.fixture(scope="session")
def one_database(postgres_server: str, migrated_template: str) -> Iterator[str]:
    """DSN of a database that all these tests share: emptying it is many times faster than making one."""
    yield from fresh_database(postgres_server, migrated_template)


@pytest.fixture
def database(one_database: str) -> str:
    """DSN of a migrated database without any rows."""
    apart(_empty(one_database))
    return one_database


async def _empty(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("""
            do $$ begin
                execute (select 'truncate ' || string_agg(format('%I', relname), ', ') || ' cascade' from pg_class
                         where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'migration'
                           and pg_relation_size(oid) > 0);
            exception when null_value_not_allowed then null;
            end $$""")
    finally:
        await connection.close()


@pytest.fixture
async def db(database: str) -> AsyncIterator[Database]:
    opened = Database(database)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def runtime(database: str, tmp_path: Path) -> AsyncIterator[Runtime]:
    """What every loop shares, on the test's own database; loopback may be reached."""
    made = Runtime(Settings(data=tmp_path / "data", outbound_allow=("127.0.0.0/8",), pool=6), database)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def pipe(db: Database) -> Pipe:
    workspace = new_id()
    made = Pipe(db, workspace)
    await made.sql(
        "insert into workspace (id, name, slug) values ($1, 'Test', $2)", workspace, str(workspace)
    )
    await made.connect("main")
    return made


__all__ = ["NOW", "Part", "Pipe", "Tx", "timedelta"]
