"""The embedded server as life treats it: cold, warm, shared, killed, as root and as nobody."""

import asyncio
import json
import os
import shutil
import signal
import stat
import sys
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import asyncpg
import pytest

from switchboard.db import postmaster
from switchboard.db.embedded import Postgres
from switchboard.db.postmaster import PostgresUnavailable

pytestmark = pytest.mark.timeout(90)

# A second process that starts the server, writes what it knows as one line and waits to be told to go.
STARTER = """
import asyncio, json, sys
from pathlib import Path
from switchboard.db import postmaster
from switchboard.db.embedded import Postgres

async def run():
    server = Postgres(Path(sys.argv[1]), durable=False)
    dsn = await server.start()
    print(json.dumps({"dsn": dsn, "pid": postmaster.living_postmaster(server.cluster)}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await server.stop()

asyncio.run(run())
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A private directory with a short path; what still runs in it afterwards is ended."""
    place = Path(tempfile.mkdtemp(prefix="pg-"))
    yield place
    for cluster in place.rglob("cluster"):
        if (pid := postmaster.living_postmaster(cluster)) is not None:
            os.kill(pid, signal.SIGQUIT)
        postmaster.sweep(cluster, cluster)
    shutil.rmtree(place)


async def ask(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_cold_then_warm(home: Path) -> None:
    server = Postgres(home / "postgres")
    dsn = await server.start()
    assert await ask(dsn, "SELECT current_user || current_setting('fsync')") == "switchboardon"
    await ask(dsn, "CREATE TABLE kept AS SELECT 1 AS one")
    await server.stop()
    assert postmaster.living_postmaster(server.cluster) is None

    dsn = await server.start()
    assert await ask(dsn, "SELECT one FROM kept") == 1
    await server.stop()


async def test_nobody_else_gets_in(home: Path) -> None:
    server = Postgres(home / "postgres", durable=False)
    dsn = await server.start()
    assert mode(home / "postgres") == 0o700
    assert mode(server.cluster) == 0o700
    assert mode(home / "postgres" / "password") == 0o600
    assert await ask(dsn, "SHOW listen_addresses") == ""
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(dsn, password="guess")
    assert await ask(dsn, "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> 'scram-sha-256'") == 0
    await server.stop()


async def test_text_sorts_by_code_point_whatever_the_machine(home: Path) -> None:
    server = Postgres(home / "postgres", durable=False)
    dsn = await server.start()
    assert await ask(dsn, "SELECT datlocprovider::text FROM pg_database WHERE datname = 'switchboard'") == "b"
    assert await ask(dsn, "SELECT lower('ÄÉ') || upper('ß你好')") == "äéß你好"
    await server.stop()


async def test_a_second_user_adopts_and_the_last_one_stops_it(home: Path) -> None:
    first, second = Postgres(home / "postgres", durable=False), Postgres(home / "postgres", durable=False)
    assert await first.start() == await second.start()
    pid = postmaster.living_postmaster(first.cluster)
    await first.stop()
    assert postmaster.living_postmaster(second.cluster) == pid
    await second.stop()
    assert postmaster.living_postmaster(second.cluster) is None


async def test_two_starters_at_once_get_one_server(home: Path) -> None:
    starters = [await spawn(home / "postgres") for _ in range(2)]
    known = [await first_line(starter) for starter in starters]
    assert known[0] == known[1]
    for starter in starters:
        await release(starter)
    assert postmaster.living_postmaster(home / "postgres" / "cluster") is None


async def test_kill_of_the_owner_leaves_a_server_to_adopt_and_to_stop(home: Path) -> None:
    owner = await spawn(home / "postgres")
    known = await first_line(owner)
    owner.kill()
    await owner.wait()
    server = Postgres(home / "postgres", durable=False)
    assert await server.start() == known["dsn"]
    assert postmaster.living_postmaster(server.cluster) == known["pid"]
    await server.stop()
    assert postmaster.living_postmaster(server.cluster) is None


@pytest.mark.parametrize("whole_tree", [False, True], ids=["postmaster", "all"])
async def test_kill_of_the_server_loses_nothing_committed(home: Path, whole_tree: bool) -> None:
    server = Postgres(home / "postgres")
    dsn = await server.start()
    await ask(dsn, "CREATE TABLE kept (n int)")
    await ask(dsn, "INSERT INTO kept VALUES (7)")
    busy = asyncio.create_task(ask(dsn, "SELECT pg_sleep(60)"))
    await asyncio.sleep(0.1)
    pid = postmaster.living_postmaster(server.cluster)
    assert pid is not None
    victims = [pid] if not whole_tree else [pid, *children(pid)]
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    dsn = await server.start()
    assert postmaster.living_postmaster(server.cluster) not in (None, pid)
    assert await ask(dsn, "SELECT n FROM kept") == 7
    with pytest.raises((asyncpg.PostgresError, OSError)):
        await busy
    await server.stop()


async def test_a_zombie_postmaster_is_dead(home: Path) -> None:
    """Whoever launched it may not reap it (think of a container without an init)."""
    launcher = await spawn(home / "postgres", program=UNREAPING)
    pid = (await first_line(launcher))["pid"]
    os.kill(pid, signal.SIGKILL)
    while state(pid) != "Z":  # noqa: ASYNC110 - the kernel tells nobody
        await asyncio.sleep(0.01)
    server = Postgres(home / "postgres", durable=False)
    begun = time.monotonic()
    dsn = await server.start()
    assert time.monotonic() - begun < 3
    assert await ask(dsn, "SELECT 1") == 1
    await server.stop()
    await release(launcher)


UNREAPING = """
import asyncio, sys
from pathlib import Path
from types import SimpleNamespace
from switchboard.db import embedded, postmaster

idle = SimpleNamespace(start=lambda: None)
embedded.threading = SimpleNamespace(Thread=lambda **_: idle)

async def run():
    server = embedded.Postgres(Path(sys.argv[1]), durable=False)
    await server.start()
    print('{"pid": %d}' % postmaster.living_postmaster(server.cluster), flush=True)

asyncio.run(run())
sys.stdin.readline()
"""


async def test_a_number_reused_by_a_stranger_does_not_block(home: Path) -> None:
    server = Postgres(home / "postgres", durable=False)
    await server.start()
    await server.stop()
    lock = server.cluster / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{server.cluster}\n0\n5432\n{server.cluster}\n\n0 0\nready   \n")
    dsn = await server.start()
    assert await ask(dsn, "SELECT 1") == 1
    await server.stop()


async def test_a_long_path_gets_a_short_socket(home: Path) -> None:
    server = Postgres(home / ("long" * 25) / "postgres", durable=False)
    dsn = await server.start()
    sockets = Path(dsn.partition("host=")[2])
    assert len(str(sockets)) < 60
    assert mode(sockets) == 0o700
    assert await ask(dsn, "SELECT 1") == 1
    await server.stop()
    sockets.rmdir()


async def test_a_half_made_cluster_is_made_again(home: Path) -> None:
    (home / "postgres" / "cluster.new" / "base").mkdir(parents=True)
    server = Postgres(home / "postgres", durable=False)
    assert await ask(await server.start(), "SELECT 1") == 1
    await server.stop()


async def test_wrong_programs_are_one_sentence(home: Path) -> None:
    with pytest.raises(PostgresUnavailable, match="set SWITCHBOARD_PG_BIN or SWITCHBOARD_DATABASE_URL"):
        await Postgres(home / "postgres", programs=home).start()


async def test_a_failing_server_tells_its_own_reason(home: Path) -> None:
    server = Postgres(home / "postgres", durable=False)
    await server.start()
    await server.stop()
    with (server.cluster / "postgresql.conf").open("a") as settings:
        settings.write("work_mem = 'plenty'\n")
    with pytest.raises(PostgresUnavailable, match=r"PostgreSQL did not start.*configuration file"):
        await server.start()


@pytest.mark.as_root
async def test_root_reaches_into_a_private_home_without_opening_it(home: Path) -> None:
    """Programs and data both lie behind a directory that only root may enter."""
    private = home / "private"
    private.mkdir(mode=0o700)
    installation = next(postmaster._wheel_directories()).parent
    package = private / installation.parent.name
    shutil.copytree(installation, package / installation.name, symlinks=True)
    libraries = installation.parent.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, private / libraries.name)
    programs = package / installation.name / "bin"
    server = Postgres(private / "data" / "postgres", programs=programs, durable=False)
    dsn = await server.start()
    pid = postmaster.living_postmaster(server.cluster)
    assert pid is not None
    assert account_of(pid) != 0
    assert await ask(dsn, "SELECT 1") == 1
    await server.stop()
    assert mode(private) == 0o700
    assert mode(home) == 0o700


@pytest.mark.as_root
async def test_a_normal_user(home: Path) -> None:
    os.chown(home, NOBODY, NOBODY)
    try:
        starter = await spawn(home / "postgres", account=NOBODY)
        known = await first_line(starter)
    except (PermissionError, json.JSONDecodeError):
        pytest.xfail("this environment lies in a private home, where no other account can run anything")
    assert account_of(known["pid"]) == NOBODY
    assert await ask(known["dsn"], "SELECT 1") == 1
    await release(starter)


NOBODY = 65534


async def spawn(directory: Path, *, program: str = STARTER, account: int | None = None) -> Process:
    words = [sys.executable, "-c", program, str(directory)]
    lent: dict[str, Any] = {"user": account, "group": account, "extra_groups": []} if account else {}
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*words, stdin=pipe, stdout=pipe, cwd="/", **lent)


async def first_line(process: Process) -> dict[str, Any]:
    assert process.stdout is not None
    return cast(dict[str, Any], json.loads(await asyncio.wait_for(process.stdout.readline(), 30)))


async def release(process: Process) -> None:
    await asyncio.wait_for(process.communicate(b"\n"), 30)
    assert process.returncode == 0


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def account_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
