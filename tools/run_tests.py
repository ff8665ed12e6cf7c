"""Everything that must be green: the checks, the front end's tests, pytest. The last line sums it up."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from tools import check

ROOT = Path(__file__).resolve().parent.parent
WORKERS = "2"
COUNTED = ("passed", "failed", "error", "errors", "skipped", "xfailed", "deselected")


def run_pytest() -> tuple[dict[str, int], int]:
    """Run it in view of the reader; return its own counts and exit code."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        WORKERS,
        "--dist",
        "loadgroup",
        "-q",
        "--durations",
        "10",
    ]
    counts: dict[str, int] = {}
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            counts = summary(line) or counts
    return counts, process.returncode


def summary(line: str) -> dict[str, int]:
    """Counts of pytest's last line, such as `= 3 failed, 210 passed, 1 skipped in 61.2s =`; else nothing."""
    if not re.search(r" in [\d.]+s", line):
        return {}
    found = re.findall(r"(\d+) (\w+)", line.partition(" in ")[0])
    return {word: int(number) for number, word in found if word in COUNTED}


def main() -> int:
    begun = time.monotonic()
    checks = [*check.python_checks(), *check.frontend_checks(), *check.frontend_checks("test")]
    results = check.run_all(checks)
    counts, code = run_pytest()
    passed = sum(results) + counts.get("passed", 0)
    failed = results.count(False) + counts.get("failed", 0) + counts.get("error", 0) + counts.get("errors", 0)
    if code != 0 and failed == 0:
        failed = 1  # pytest could not even collect, or was interrupted
    skipped = counts.get("skipped", 0)
    words = [f"{passed} passed", f"{failed} failed", *([f"{skipped} skipped"] if skipped else [])]
    sys.stdout.write(f"{', '.join(words)} in {time.monotonic() - begun:.0f}s\n")
    return 1 if failed else 0


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
