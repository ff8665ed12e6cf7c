"""The API over HTTP on a fresh database: a workspace with people of every role, and the pipe run by hand."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import httpx
import msgspec
import pytest
from litestar import Litestar

from switchboard.api.app import create
from switchboard.api.context import ApiContext
from switchboard.app.accept import Acceptor
from switchboard.app.config import Settings
from switchboard.app.connecting import Connector
from switchboard.app.replay import Replayer
from switchboard.app.runtime import Runtime
from switchboard.core.events import Event
from switchboard.staff import keys, passwords, people
from switchboard.tenancy import commands as tenancy
from tests.flow.conftest import Pipe

PASSWORD = "correct horse battery"
ADDRESS = "https://desk.example"


class Person(msgspec.Struct):
    """Somebody signed in, with a client of their own."""

    id: UUID
    email: str
    client: httpx.AsyncClient
    csrf: str = ""
    token: str = ""

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Make a request as a browser does: cookie, CSRF header, JSON."""
        headers = {"X-CSRF-Token": self.csrf, **more.pop("headers", {})}
        return await self.client.request(method, f"/api/v1{path}", headers=headers, **more)


class Office:
    """The API and its database."""

    def __init__(self, app: Litestar, context: ApiContext) -> None:
        self.app = app
        self.context = context
        self.announced: list[Event] = []
        self.workspace = UUID(int=0)
        self.clients: list[httpx.AsyncClient] = []
        self.main: Pipe | None = None

    def client(self, address: str = "192.0.2.1", **headers: str) -> httpx.AsyncClient:
        """A browser at an address, with no cookies yet."""
        transport = httpx.ASGITransport(app=cast(Any, self.app), client=(address, 50_000))
        client = httpx.AsyncClient(transport=transport, base_url=ADDRESS, headers=headers)
        self.clients.append(client)
        return client

    async def found(self, name: str) -> UUID:
        """Found a workspace."""
        async with self.context.db.transaction() as tx:
            return await tenancy.create(tx, name, name.lower())

    async def hire(self, name: str, role: str, workspace: UUID | None = None) -> UUID:
        """Let somebody work in a workspace; their address is name@example.com."""
        hashed = await _hash()
        async with self.context.db.transaction() as tx:
            account = await people.create_account(tx, f"{name}@example.com", hashed)
            assert account is not None
            agent, _ = await people.hire(tx, workspace or self.workspace, account, name.title(), role)
            return agent

    async def sign_in(self, name: str, **more: Any) -> httpx.Response:
        """Try to sign in."""
        client = more.pop("client", None) or self.client()
        body = {"email": f"{name}@example.com", "password": PASSWORD, **more}
        return await client.post("/api/v1/sessions", json=body, headers={"Origin": ADDRESS})

    async def pipe(self, workspace: UUID | None = None) -> Pipe:
        """The pipe of a workspace, with one connection `main`."""
        made = Pipe(self.context.db, workspace or self.workspace)
        await made.connect("main")
        return made

    async def talk(self, *words: str, person: str = "alice") -> UUID:
        """Somebody writes by the channel `main`; return the conversation."""
        if self.main is None:
            self.main = await self.pipe()
        await self.main.receive(*[self.main.message(text, person) for text in words])
        await self.main.follow()
        rows = await self.main.sql(
            "select conversation_id from message order by filed_at desc, position desc limit 1"
        )
        found: UUID = rows[0][0]
        return found

    async def key(self, *scopes: str) -> httpx.AsyncClient:
        """A program with an API key."""
        async with self.context.db.transaction() as tx:
            made, _ = await keys.create(tx, self.workspace, UUID(int=0), "program", scopes)
        return self.client(Authorization=f"Bearer {made.token}")

    async def sql(self, statement: str, *values: Any) -> list[Any]:
        """Look, or set the scene, past all rooms."""
        async with self.context.db.connection() as connection:
            found: list[Any] = await connection.fetch(statement, *values)
            return found

    async def person(self, name: str, role: str = "agent", workspace: UUID | None = None) -> Person:
        """Hire somebody and sign them in."""
        agent, client = await self.hire(name, role, workspace), self.client()
        answer = await self.sign_in(name, client=client)
        assert answer.status_code == 201, answer.text
        return Person(agent, f"{name}@example.com", client, answer.json()["csrf"])


_hashes: list[str] = []


async def _hash() -> str:
    if not _hashes:
        _hashes.append(await passwords.hashed(PASSWORD))
    return _hashes[0]


@asynccontextmanager
async def opened(database: str, directory: Path) -> AsyncIterator[Office]:
    """A workspace without people, on the real runtime whose loops stand still."""
    settings = Settings(data=directory, public_url=ADDRESS, secure_cookies=True, pool=4, max_file=1_000_000)
    runtime = Runtime(settings, database)
    await runtime.open()
    announced: list[Event] = []

    def announce(events: Iterable[Event]) -> None:
        announced.extend(events)

    context = ApiContext(
        settings=settings,
        db=runtime.db,
        api_db=runtime.api_db,
        announce=announce,
        say=runtime.bus.say,
        link=runtime.link,
        http=runtime.http,
        replayer=Replayer(runtime, Acceptor(runtime)),
        connector=Connector(runtime),
        blobs=runtime.blobs,
        sealer=runtime.sealer,
    )
    one = Office(create(context), context)
    one.announced = announced
    one.workspace = await one.found("Acme")
    try:
        yield one
    finally:
        for client in one.clients:
            await client.aclose()
        await runtime.close()


@pytest.fixture
async def office(database: str, tmp_path: Path) -> AsyncIterator[Office]:
    """A workspace without people."""
    async with opened(database, tmp_path) as one:
        yield one
