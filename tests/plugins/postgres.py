"""One throw-away PostgreSQL per test run, shared by xdist's workers, and a fresh migrated database per test.

`SWITCHBOARD_DATABASE_URL` makes the tests use that server; its role must be allowed to create databases.
"""

import asyncio
import fcntl
import hashlib
import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg
import pytest

from switchboard.db import migrate, postmaster
from switchboard.db.embedded import Postgres

RUN = pytest.StashKey[tuple[Path, int]]()
PREFIX = "switchboard-tests-"
TEMPLATE = "switchboard_template_"
BUILD_LOCK = 0x7E57

T = TypeVar("T")


def pytest_configure(config: pytest.Config) -> None:
    """The controller makes the run's directory; its workers find it in the environment."""
    if hasattr(config, "workerinput"):
        return
    _clear_after_killed_runs()
    directory = Path(tempfile.mkdtemp(prefix=PREFIX))
    lock = os.open(directory / "run.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    fcntl.flock(lock, fcntl.LOCK_SH)
    config.stash[RUN] = (directory, lock)
    os.environ["SWITCHBOARD_TEST_RUN"] = str(directory)


def pytest_unconfigure(config: pytest.Config) -> None:
    if RUN in config.stash:
        directory, lock = config.stash[RUN]
        _remove(directory)
        os.close(lock)


def _clear_after_killed_runs() -> None:
    """A run that was killed cannot stop its server. Its lock is free then, so the next run does."""
    for directory in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            lock = os.open(directory / "run.lock", os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(directory)
        except OSError:
            continue
        finally:
            os.close(lock)


def _remove(directory: Path) -> None:
    cluster = directory / "postgres" / "cluster"
    if (pid := postmaster.living_postmaster(cluster)) is not None:
        os.kill(pid, signal.SIGQUIT)
    if cluster.exists():
        postmaster.sweep(cluster, cluster)
    shutil.rmtree(directory, ignore_errors=True)


def apart(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end on a loop and thread of its own, for the fixtures that outlive a test's loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def on_database(dsn: str, name: str) -> str:
    """The same server and role, another database."""
    return urlsplit(dsn)._replace(path=f"/{name}").geturl()


async def _as_admin(dsn: str, work: Callable[["asyncpg.Connection[asyncpg.Record]"], Awaitable[T]]) -> T:
    connection = await asyncpg.connect(dsn)
    try:
        return await work(connection)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """DSN of a server where this run may create and drop databases."""
    if given := os.environ.get("SWITCHBOARD_DATABASE_URL"):
        yield given
        return
    programs = os.environ.get("SWITCHBOARD_PG_BIN")
    directory = Path(os.environ["SWITCHBOARD_TEST_RUN"]) / "postgres"
    server = Postgres(directory, programs=Path(programs) if programs else None, durable=False)
    yield apart(server.start())
    apart(server.stop())


@pytest.fixture(scope="session")
def migrated_template(postgres_server: str) -> str:
    """Name of a database with today's schema, built once per server and set of migrations."""
    digest = hashlib.sha256()
    for path in sorted(migrate.FOLDER.glob("*.sql")):
        digest.update(path.name.encode() + path.read_bytes())
    name = TEMPLATE + digest.hexdigest()[:16]

    async def build(admin: "asyncpg.Connection[asyncpg.Record]") -> None:
        await admin.execute("SELECT pg_advisory_lock($1)", BUILD_LOCK)
        if await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            return
        fresh = f"{name}_new"
        await admin.execute(f"DROP DATABASE IF EXISTS {fresh} WITH (FORCE)")
        await admin.execute(f"CREATE DATABASE {fresh} TEMPLATE template0")
        await migrate.migrate(on_database(postgres_server, fresh))
        # Nothing connects any more, so that cloning never waits for somebody to leave.
        await admin.execute(f"ALTER DATABASE {fresh} ALLOW_CONNECTIONS false")
        await admin.execute(f"ALTER DATABASE {fresh} RENAME TO {name}")

    apart(_as_admin(postgres_server, build))
    return name


def fresh_database(server: str, template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    apart(_as_admin(server, lambda admin: admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")))
    yield on_database(server, name)
    apart(_as_admin(server, lambda admin: admin.execute(f"DROP DATABASE {name} WITH (FORCE)")))


@pytest.fixture
def database(postgres_server: str, migrated_template: str) -> Iterator[str]:
    """DSN of a database of this test alone, migrated and empty; dropped afterwards."""
    yield from fresh_database(postgres_server, migrated_template)


@pytest.fixture
def empty_database(postgres_server: str) -> Iterator[str]:
    """DSN of a database of this test alone without any schema, for tests of migrations."""
    yield from fresh_database(postgres_server, "template0")
