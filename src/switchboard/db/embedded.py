"""The embedded PostgreSQL: started when needed, shared by every process that names the same directory.

    server = Postgres(data / "postgres")
    dsn = await server.start()      # cold about 0.6 s, warm under 0.2 s, adopted at once when it already runs
    ...
    await server.stop()             # the last user shuts it down

The directory (0700) holds `cluster/` (PostgreSQL's data and its socket), `password` (0600), `server.log` and
two lock files. Use of the server is a shared `flock`, which the kernel gives back when a process dies, so a
killed user is never counted. Nothing listens on TCP.
"""

import asyncio
import fcntl
import os
import secrets
import shutil
import subprocess
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import asyncpg

from switchboard.db import postmaster
from switchboard.db.postmaster import Account, PostgresUnavailable, Programs

__all__ = ["Postgres", "PostgresUnavailable"]

USER = "switchboard"
DATABASE = "switchboard"
LOG_LIMIT = 10_000_000

SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "256MB",
    "max_connections": "300",
    # A worker that dies frees its locks within seconds, even when it was waiting inside a query.
    "client_connection_check_interval": "2s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
}
# For tests only: what a crash of the machine would lose is thrown away anyway.
UNSAFE_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


class Postgres:
    """One server in one directory.

    `programs` names a directory with `postgres` and `initdb` (default: the wheel's, else the system's);
    `durable=False` turns fsync off and is for tests.
    """

    def __init__(self, directory: Path, *, programs: Path | None = None, durable: bool = True) -> None:
        self.directory = directory.absolute()
        self.cluster = self.directory / "cluster"
        self.log = self.directory / "server.log"
        self._configured = programs
        self._durable = durable
        self._use: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self, *, timeout: float = 300.0) -> str:
        """Return the DSN of a server that answers; start, adopt or create it. A recovery may take long.

        Raises PostgresUnavailable with a sentence for the operator.
        """
        self._process = None
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            async with self._lock("start.lock"):
                account = postmaster.choose_account(self.cluster)
                if postmaster.living_postmaster(self.cluster) is None:
                    await asyncio.to_thread(self._create_and_launch, account)
                sockets = postmaster.socket_directory(self.cluster, account)
                dsn = self._dsn(sockets)
                await self._until_ready(dsn, account, timeout)
                self._take_share()
        except PermissionError as error:
            raise PostgresUnavailable(
                f"No access to {error.filename or self.directory}: it belongs to another account; "
                "start Switchboard as that account or choose another SWITCHBOARD_DATA."
            ) from error
        return dsn

    async def stop(self, *, timeout: float = 60.0) -> None:
        """Give the server back; the last user of all processes shuts it down. Harmless when not started."""
        if self._use is None:
            return
        async with self._lock("start.lock"):
            os.close(self._use)
            self._use = None
            if not self._last_user():
                return
            deadline = time.monotonic() + timeout
            pid = postmaster.living_postmaster(self.cluster)
            if pid is not None:
                os.kill(pid, 2)  # SIGINT: roll back what is open, checkpoint, leave
            while postmaster.living_postmaster(self.cluster) is not None:
                if time.monotonic() > deadline:
                    raise PostgresUnavailable(f"PostgreSQL does not stop; its log is {self.log}.")
                await asyncio.sleep(0.005)

    # -- one starter at a time, many users

    @asynccontextmanager
    async def _lock(self, name: str) -> AsyncIterator[None]:
        handle = os.open(self.directory / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    await asyncio.sleep(0.01)
            yield
        finally:
            os.close(handle)

    def _take_share(self) -> None:
        if self._use is None:
            self._use = os.open(self.directory / "users.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._use, fcntl.LOCK_SH)

    def _last_user(self) -> bool:
        """True when no process uses the server; the caller holds the start lock, so none can begin to."""
        handle = os.open(self.directory / "users.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(handle)
        return True

    # -- create and launch

    def _create_and_launch(self, account: Account) -> None:
        programs = postmaster.choose_programs(self._configured, self.cluster)
        programs = postmaster.make_reachable(programs, account)
        if not self.cluster.exists():
            self._initialise(programs, account)
        postmaster.sweep(self.cluster, postmaster.socket_directory(self.cluster, account))
        self._launch(programs, account)

    def _initialise(self, programs: Programs, account: Account) -> None:
        """Make the cluster under another name first: a crash half-way leaves nothing that looks whole."""
        fresh = self.directory / "cluster.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        os.chown(fresh, account.uid, account.gid)
        password = secrets.token_urlsafe(24)
        handle = os.open(
            self.directory / "password", os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600
        )
        try:
            os.write(handle, password.encode() + b"\n")
            os.fsync(handle)
            # The lent account, unable to walk there, opens the file through this handle; then ours again.
            os.fchown(handle, account.uid, account.gid)
            result = subprocess.run(
                [
                    programs.directory / "initdb",
                    *_initdb_arguments(programs, fresh, account, handle, self._durable),
                ],
                cwd=fresh,
                env=_environment(),
                capture_output=True,
                text=True,
                check=False,
                pass_fds=(handle,),
                **postmaster.lend(account),  # type: ignore[call-overload]  # the stubs want each keyword apart
            )
            os.fchown(handle, os.geteuid(), os.getegid())
        finally:
            os.close(handle)
        if result.returncode != 0:
            raise PostgresUnavailable(f"initdb failed in {fresh}: {' '.join(result.stderr.split())[-500:]}")
        fresh.rename(self.cluster)
        parent = os.open(self.directory, os.O_RDONLY)
        os.fsync(parent)
        os.close(parent)

    def _launch(self, programs: Programs, account: Account) -> None:
        sockets = postmaster.socket_directory(self.cluster, account)
        home = _home(self.cluster, account)
        settings = SETTINGS | ({} if self._durable else UNSAFE_SETTINGS)
        settings["unix_socket_directories"] = home if sockets == self.cluster else str(sockets)
        arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.rename(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [programs.directory / "postgres", "-D", home, *arguments],
                cwd=self.cluster,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal is ours to handle
                **postmaster.lend(account),  # type: ignore[call-overload]  # the stubs want each keyword apart
            )
        # Somebody must reap it, or a killed postmaster would stay as a zombie for as long as we live.
        threading.Thread(target=self._process.wait, name="postmaster", daemon=True).start()

    # -- connect

    def _dsn(self, sockets: Path) -> str:
        try:
            password = (self.directory / "password").read_text().strip()
        except FileNotFoundError as error:
            raise PostgresUnavailable(
                f"{self.directory / 'password'} is missing and is the only key to {self.cluster}: restore it."
            ) from error
        return f"postgresql://{USER}:{quote(password)}@/{DATABASE}?host={quote(str(sockets), safe='/')}"

    async def _until_ready(self, dsn: str, account: Account, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while True:
            try:
                await self._probe(dsn)
                return
            except (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError):
                pass
            alive = postmaster.living_postmaster(self.cluster) is not None
            ours = self._process is not None and self._process.poll() is None
            if not alive and not ours:
                if self._process is not None:
                    raise PostgresUnavailable(f"PostgreSQL did not start: {_last_words(self.log)}")
                # The one that we meant to adopt went away meanwhile.
                await asyncio.to_thread(self._create_and_launch, account)
            if time.monotonic() > deadline:
                raise PostgresUnavailable(
                    f"PostgreSQL does not answer after {timeout:.0f} s; its log is {self.log}."
                )
            await asyncio.sleep(0.005)

    async def _probe(self, dsn: str) -> None:
        """Log in; make our database on the first visit."""
        try:
            connection = await asyncpg.connect(dsn, timeout=10)
        except asyncpg.InvalidCatalogNameError:
            connection = await asyncpg.connect(dsn, database="postgres", timeout=10)
            try:
                await connection.execute(f"CREATE DATABASE {DATABASE}")
            finally:
                await connection.close()
            return
        except asyncpg.InvalidPasswordError as error:
            raise PostgresUnavailable(
                f"The password in {self.directory / 'password'} is not the server's."
            ) from error
        await connection.close()


def _home(cluster: Path, account: Account) -> str:
    """How the server names its own directory.

    A lent account may be unable to walk to it through a private home. The server starts inside, so on Linux
    this name always leads there, whatever stands above.
    """
    return "/proc/self/cwd" if account.lent and postmaster.LINUX else str(cluster)


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8" if postmaster.LINUX else "C", "TZ": "UTC"}


def _initdb_arguments(
    programs: Programs, cluster: Path, account: Account, password: int, durable: bool
) -> list[str]:
    arguments = [
        "-D", _home(cluster, account), "-U", USER, "-E", "UTF8", "--auth=scram-sha-256",
        f"--pwfile=/dev/fd/{password}",
    ]  # fmt: skip
    # Sort order and case rules must not depend on the machine's C library where the version allows it.
    if programs.major >= 17:
        arguments += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    arguments.append("--locale=C.UTF-8" if postmaster.LINUX else "--locale=C")
    return arguments if durable else [*arguments, "--no-sync"]


def _last_words(log: Path) -> str:
    lines = [
        line for line in log.read_text(errors="replace").splitlines() if "FATAL" in line or "HINT" in line
    ]
    return " ".join(lines[-2:])[-500:] or f"its log is {log}"
