"""Renew requirements/*.lock from pyproject.toml.

Pass names of packages to upgrade only those, or --upgrade for all.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = ROOT / ".venv" / "bin" / "uv"
COMPILE = [str(UV), "pip", "compile", "-q", "--universal", "--generate-hashes", "--python-version", "3.11"]
# Name of the lock, group of pyproject.toml, and whether the project's own requirements belong to it.
LOCKS = (("run", "build", True), ("dev", "dev", True), ("node", "node", False))


def main(names: list[str]) -> int:
    upgrade = ["--upgrade"] if "--upgrade" in names else [f"--upgrade-package={name}" for name in names]
    for name, group, with_project in LOCKS:
        target = f"requirements/{name}.lock"
        # No index option here: the header repeats the command, and a lock must not name a registry.
        # One set of versions for all: what dev runs is what is shipped.
        consistent = ["--constraint", "requirements/run.lock"] if name == "dev" else []
        source = ["pyproject.toml"] if with_project else []
        subprocess.run(
            [*COMPILE, *upgrade, *source, "--group", group, *consistent, "-o", target], cwd=ROOT, check=True
        )
        if "://" in (ROOT / target).read_text():
            sys.stderr.write(
                f"{target} names a host: remove index options from uv's configuration and run again.\n"
            )
            return 1
        sys.stdout.write(f"lock: {target}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
