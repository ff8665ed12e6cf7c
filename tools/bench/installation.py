"""An installation for measuring: a PostgreSQL of its own, databases, a workspace with agents and
connections.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg
import msgspec

from switchboard.core.ids import new_id
from switchboard.db.embedded import Postgres
from switchboard.db.migrate import migrate
from switchboard.db.pool import Tx
from switchboard.db.sql import load
from switchboard.secrecy import Sealer, keys_from_file
from switchboard.staff import tokens
from tools.bench.processes import Failed, Served, children

SQL = load(__file__)
WHATSAPP_NUMBER = "106540352242922"
APP_SECRET = "bench-app-secret"
HOOK = "b" * 32
SITE_KEY = "bench-site"
KINDS = {
    "whatsapp": (
        HOOK,
        WHATSAPP_NUMBER,
        {
            "waba_id": "102290129340398",
            "access_token": "bench",
            "app_secret": APP_SECRET,
            "verify_token": "bench",
        },
    ),
    "web": (
        "w" * 32,
        SITE_KEY,
        {"name": "Bench", "site_key": SITE_KEY, "host_secret": "bench", "door_key": "bench"},
    ),
}


class Agent(msgspec.Struct, frozen=True):
    """Somebody who looks at the inbox; the token opens sockets and the API."""

    id: UUID
    role: str
    token: str


class Company(msgspec.Struct, frozen=True):
    """The workspace of a benchmark."""

    id: UUID
    agents: list[Agent]
    teams: list[UUID]
    connections: dict[str, UUID]
    channels: dict[str, UUID]


class Installation:
    """One directory with one server; every benchmark makes a database of its own in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._server = Postgres(directory / "postgres")
        self.dsn = ""

    async def start(self) -> None:
        """Start the server, with fsync as in production."""
        self.dsn = await self._server.start()

    async def stop(self) -> None:
        """Stop the server."""
        await self._server.stop()

    def backends(self) -> list[int]:
        """Return the server's processes."""
        postmaster = int((self._server.cluster / "postmaster.pid").read_text().split("\n", 1)[0])
        return [postmaster, *children(postmaster)]

    async def database(self, name: str) -> str:
        """Create a migrated database and return its DSN."""
        connection = await asyncpg.connect(self.dsn)
        try:
            await connection.execute(f'drop database if exists "{name}" with (force)')
            await connection.execute(f'create database "{name}"')
        finally:
            await connection.close()
        dsn = urlunsplit(urlsplit(self.dsn)._replace(path=f"/{name}"))
        await migrate(dsn)
        return dsn

    def data(self, name: str) -> Path:
        """Return a data directory for the product's own files."""
        path = self.directory / name
        path.mkdir(mode=0o700, exist_ok=True)
        return path

    @asynccontextmanager
    async def serving(
        self, name: str, dsn: str, *roles: str, environment: Mapping[str, str] = MappingProxyType({})
    ) -> AsyncIterator[list[Served]]:
        """Serve a database with one process for each set of roles (default: one with all); all ready."""
        settings = {
            "SWITCHBOARD_DATA": str(self.data(name)),
            "SWITCHBOARD_DATABASE_URL": dsn,
            **environment,
        }
        served: list[Served] = []
        try:
            for nr, role in enumerate(roles or ("web,worker",)):
                served.append(Served(settings, self.directory / f"{name}.{nr}.log", "serve", "--roles", role))
            for one in served:
                await one.until("/ready")
            yield served
        finally:
            for one in served:
                await asyncio.to_thread(one.stop)


@asynccontextmanager
async def installation(parent: Path) -> AsyncIterator[Installation]:
    """A fresh installation, gone afterwards; on the data's own disk, since memory would make fsync free."""
    directory = _fresh(parent)
    one = Installation(directory)
    try:
        await one.start()
        if (version := await _version(one.dsn)) < 18:
            raise Failed(f"The benchmarks need PostgreSQL 18 for uuidv7(), this one is {version}.")
        yield one
    finally:
        await one.stop()
        shutil.rmtree(directory, ignore_errors=True)


def _fresh(parent: Path) -> Path:
    parent.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="run-", dir=parent))


async def _version(dsn: str) -> int:
    async with connected(dsn) as connection:
        return int(connection.get_server_version().major)


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A bare connection as the tables' owner."""
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def found(
    dsn: str, data: Path, roles: Sequence[str], online: bool = True, kinds: Sequence[str] = tuple(KINDS)
) -> Company:
    """Create the workspace with one agent for each role named, all with sessions, and its connections."""
    workspace, teams = new_id(), [new_id() for _ in range(3)]
    accounts, agents = [new_id() for _ in roles], [new_id() for _ in roles]
    secrets = [tokens.make(tokens.SESSION) for _ in roles]
    sealer = Sealer(keys_from_file(data / "secret.key"))
    connections, channels = {kind: new_id() for kind in kinds}, {kind: new_id() for kind in kinds}
    sealed = [
        sealer.seal(msgspec.json.encode(KINDS[kind][2]), workspace=workspace, purpose="connection")
        for kind in kinds
    ]
    async with connected(dsn) as connection, connection.transaction():
        tx, of = Tx(connection), {"workspace": workspace}
        await tx.run(SQL.add_workspace, **of)
        await tx.run(
            SQL.add_connections,
            **of,
            ids=list(connections.values()),
            kinds=list(kinds),
            secrets=[KINDS[kind][0] for kind in kinds],
            sealed=sealed,
        )
        await tx.run(
            SQL.add_channels,
            **of,
            ids=list(channels.values()),
            connections=list(connections.values()),
            kinds=list(kinds),
            externals=[KINDS[kind][1] for kind in kinds],
        )
        await tx.run(SQL.add_accounts, ids=accounts)
        await tx.run(SQL.add_agents, **of, ids=agents, accounts=accounts, roles=list(roles))
        await tx.run(
            SQL.add_sessions,
            **of,
            ids=[new_id() for _ in roles],
            hashes=[tokens.digest(one) for one in secrets],
            accounts=accounts,
            agents=agents,
        )
        await tx.run(SQL.add_presences, **of, ids=agents, status="online" if online else "offline")
        await tx.run(SQL.add_teams, **of, ids=teams)
        await tx.run(SQL.add_members, **of, teams=teams, agents=agents)
    people = [Agent(*one) for one in zip(agents, roles, secrets, strict=True)]
    return Company(workspace, people, teams, connections, channels)


async def run(dsn: str, *statements: str) -> None:
    """Run statements outside a transaction."""
    async with connected(dsn) as connection:
        for one in statements:
            await connection.execute(one)
