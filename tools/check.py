"""Run every rule of the house, all of them even when one fails; print one line each. Exit 1 if any failed."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools import setup

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
# What holds Python of ours; the list is explicit so that data and packages are never walked.
PYTHON_PATHS = ["src", "tests", "tools", "conftest.py", "hatch_build.py"]
OLDEST_POSTGRES = "15"


class Check:
    """A name for the reader and a command; `cwd` and `env` where the front end needs them."""

    def __init__(
        self, name: str, command: list[str], cwd: Path = ROOT, env: dict[str, str] | None = None
    ) -> None:
        self.name = name
        self.command = command
        self.cwd = cwd
        self.env = env


def python_checks() -> Iterator[Check]:
    paths = [path for path in PYTHON_PATHS if (ROOT / path).exists()]
    yield Check("format (ruff format .)", [str(BIN / "ruff"), "format", "--check", *paths])
    yield Check("lint (ruff check .)", [str(BIN / "ruff"), "check", *paths])
    yield Check("types (mypy)", [str(BIN / "mypy"), *paths])
    yield Check("imports (lint-imports)", [str(BIN / "lint-imports")])
    yield Check("house rules (tools/house.py)", [sys.executable, "-m", "tools.house"])
    migrations = sorted(str(path) for path in ROOT.glob("src/switchboard/db/migrations/*.sql"))
    yield Check("migrations (squawk)", [str(BIN / "squawk"), f"--pg-version={OLDEST_POSTGRES}", *migrations])
    if (ROOT / "tools" / "references.py").exists():
        yield Check("generated references", [sys.executable, "-m", "tools.references", "--check"])
    else:
        sys.stdout.write(
            "check: !!! tools/references.py does not exist: generated references are NOT CHECKED !!!\n"
        )


def frontend_checks(script: str = "check") -> Iterator[Check]:
    if not (setup.FRONTEND / "package.json").exists():
        sys.stdout.write(
            "check: !!! frontend/package.json does not exist: the front end is NOT CHECKED !!!\n"
        )
        return
    yield Check(
        f"front end (npm run {script})", ["npm", "run", script], setup.FRONTEND, setup.node_environment()
    )


def run(check: Check) -> bool:
    begun = time.monotonic()
    env = {**(check.env or os.environ), "FORCE_COLOR": "0"}
    done = subprocess.run(check.command, cwd=check.cwd, env=env, capture_output=True, text=True, check=False)
    passed = done.returncode == 0
    line = f"check: {'ok  ' if passed else 'FAIL'} {check.name} ({time.monotonic() - begun:.1f} s)\n"
    sys.stdout.write(line if passed else f"{line}{done.stdout}{done.stderr}\n")
    sys.stdout.flush()
    return passed


def run_all(checks: list[Check]) -> list[bool]:
    """Two at a time: a developer's machine stays usable, and two cores are busy."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, checks))


def main() -> int:
    results = run_all([*python_checks(), *frontend_checks()])
    sys.stdout.write(f"check: {sum(results)} passed, {len(results) - sum(results)} failed\n")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
