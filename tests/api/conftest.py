"""The API over HTTP on a fresh database: a workspace with people of every role, and the pipe run by hand."""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import httpx
import msgspec
import pytest
from litestar import Litestar

from switchboard.api.app import create
from switchboard.api.context import ApiContext
from switchboard.blobs import Blobs
from switchboard.core.events import Event
from switchboard.db.pool import Database
from switchboard.secrecy import Sealer
from switchboard.staff import passwords, people
from switchboard.tenancy import commands as tenancy

PASSWORD = "correct horse battery"
ADDRESS = "https://desk.example"


class Settings(msgspec.Struct, frozen=True):
    """The settings the API reads."""

    url: str = ADDRESS
    secure_cookies: bool = True
    cookie_name: str = "switchboard_session"
    max_file: int = 1_000_000


class Replays:
    """Notes what was asked to try again."""

    def __init__(self) -> None:
        self.asked: list[UUID] = []

    async def fact(self, workspace: UUID, fact_id: UUID) -> bool:
        self.asked.append(fact_id)
        return True

    async def raw(self, workspace: UUID, raw_id: UUID) -> bool:
        self.asked.append(raw_id)
        return True


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


@pytest.fixture
async def office(database: str, tmp_path: Path) -> AsyncIterator[Office]:
    """A workspace without people."""
    db, api_db = Database(database, size=4), Database(database, api=True, size=4)
    await db.open()
    await api_db.open()
    announced: list[Event] = []

    def announce(events: Iterable[Event]) -> None:
        announced.extend(events)

    context = ApiContext(
        settings=Settings(), db=db, api_db=api_db, announce=announce, say=lambda news: None,
        link=lambda workspace, file, name: f"/files/{file}/{name}?w={workspace}",
        replayer=Replays(), connector=cast(Any, object()), blobs=Blobs(tmp_path, limit=1_000_000), sealer=Sealer([b"k" * 32]),
    )  # fmt: skip
    one = Office(create(context), context)
    one.announced = announced
    one.workspace = await one.found("Acme")
    yield one
    for client in one.clients:
        await client.aclose()
    await api_db.close()
    await db.close()
