"""Rules of the house that no other tool checks. Each message says what to do instead.

    python -m tools.house [--root DIR]

A line `rule path` in tools/house-exceptions.txt excuses one file from one rule. The list may only shrink: a
line that is no longer needed fails, and so does a list longer than its own first line allows.
"""

import argparse
import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

FILE_LINES, ADAPTER_LINES, FUNCTION_LINES = 400, 600, 50
SOURCE = "src/switchboard/"
SETTINGS_FILE = f"{SOURCE}app/config.py"
EXCEPTIONS = "tools/house-exceptions.txt"
# Floors that are no rooms, though they may keep SQL or tables of their own.
GROUND = {"app", "api", "blobs", "channels", "core", "db", "net", "sandbox", "secrecy", "static"}
READS_ACROSS = {"workspace", "analytics"}
OPENS_TRANSACTIONS = ("app", "api", "db", "flow.py")
VAGUE = {"util", "utils", "helper", "helpers", "common", "manager", "service", "base", "misc"}

SQL_TEXT = re.compile(
    r"^\s*(with\s+\w+\s+as|select\s.*\bfrom|insert\s+into|update\s+\w+\s+set|delete\s+from)\b",
    re.IGNORECASE | re.DOTALL,
)
QUERY_HEAD = re.compile(r"^-- name:\s*(\S*)\s*$", re.MULTILINE)
TABLE = re.compile(r"create\s+(?:unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?(\w+)", re.IGNORECASE)
WRITES = re.compile(
    r"\b(?:insert\s+into|update(?:\s+only)?|delete\s+from(?:\s+only)?|merge\s+into)\s+(\w+)", re.IGNORECASE
)
READS = re.compile(r"\b(?:from|join|using)\s+(?:only\s+)?(\w+)|,\s*(\w+)\s+(?:as\s+)?\w+\b", re.IGNORECASE)
BARE_IGNORE = re.compile(r"#\s*type:\s*ignore(?:\[[^\]]*\])?\s*$")
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work/(?:main|shared)|root/|home/[a-z]+/|Users/[A-Za-z]+/)")
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


class Fault(NamedTuple):
    """What is wrong where, and what to do about it."""

    rule: str
    path: str
    line: int
    advice: str


class File(NamedTuple):
    path: str
    text: str

    @property
    def floor(self) -> str:
        """First name below the package: a floor, a room or a module; empty for what lies elsewhere."""
        return self.path.removeprefix(SOURCE).split("/")[0] if self.path.startswith(SOURCE) else ""

    @property
    def is_test(self) -> bool:
        name = self.path.rpartition("/")[2]
        # The contract suite of the adapters is test code that installed packages inherit.
        if self.path.startswith(f"{SOURCE}channels/contract"):
            return True
        return name.startswith(("test_", "conftest")) or not self.path.startswith(
            ("src/", "tools/", "frontend/")
        )

    @property
    def adapter(self) -> str | None:
        found = re.match(rf"{SOURCE}channels/(\w+)/", self.path)
        return found[1] if found else None


def lengths(file: File) -> Iterator[Fault]:
    if not file.path.endswith((".py", ".ts", ".tsx")):
        return
    if Path(file.path).stem == "generated":
        return
    most = ADAPTER_LINES if file.adapter else FILE_LINES
    count = file.text.count("\n")
    if count > most:
        yield Fault(
            "length",
            file.path,
            count,
            f"has {count} lines, {most} are allowed: give one of its subjects its own file",
        )


def names(file: File) -> Iterator[Fault]:
    for part in Path(file.path).with_suffix("").parts:
        if part.lower() in VAGUE:
            yield Fault(
                "names",
                file.path,
                1,
                f"`{part}` says nothing: name it after what it holds",
            )


def machine_paths(file: File) -> Iterator[Fault]:
    for number, line in enumerate(file.text.splitlines(), 1):
        if MACHINE_PATH.search(line):
            yield Fault(
                "paths",
                file.path,
                number,
                "names a path of one machine: use a relative path, a setting or tmp_path",
            )


def ignores(file: File) -> Iterator[Fault]:
    if file.is_test:
        return
    for number, line in enumerate(file.text.splitlines(), 1):
        if BARE_IGNORE.search(line):
            yield Fault(
                "ignores",
                file.path,
                number,
                "write `# type: ignore[code]  # why`, or mend the type",
            )


def python(file: File) -> Iterator[Fault]:
    """Everything that needs the syntax tree."""
    tree = ast.parse(file.text, file.path)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _function(file, node)
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _definition(file, node)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from _type_checking(file, node)
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from _adapter_import(file, node)
        if not file.is_test and file.floor:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                yield from _literal(file, node, node.value)
            if isinstance(node, ast.Attribute | ast.Name):
                yield from _environment(file, node)
            if isinstance(node, ast.Call):
                yield from _call(file, node)


def _function(file: File, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Fault]:
    first = node.body[1] if ast.get_docstring(node, clean=False) and len(node.body) > 1 else node.body[0]
    count = (node.end_lineno or first.lineno) - first.lineno + 2
    if count > FUNCTION_LINES:
        advice = f"`{node.name}` has {count} lines of {FUNCTION_LINES} allowed: split it by its steps"
        yield Fault("function", file.path, node.lineno, advice)
    if file.floor == "core" and not file.is_test and isinstance(node, ast.AsyncFunctionDef):
        yield Fault(
            "core",
            file.path,
            node.lineno,
            "core is pure: decide here, and await in a room or in the ground floor",
        )


def _definition(file: File, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Fault]:
    vague = (
        VAGUE & {word.lower() for word in WORDS.findall(node.name)}
        if isinstance(node, ast.ClassDef)
        else VAGUE & {node.name}
    )
    for word in sorted(vague):
        yield Fault(
            "names",
            file.path,
            node.lineno,
            f"`{node.name}`: `{word}` says nothing, name what it does or holds",
        )


def _type_checking(file: File, node: ast.If) -> Iterator[Fault]:
    for inside in ast.walk(node):
        if isinstance(inside, ast.ImportFrom) and (inside.module or "").startswith("switchboard"):
            advice = (
                "imports ours under TYPE_CHECKING: that hides a cycle; move the shared type one floor down"
            )
            yield Fault("type-checking", file.path, inside.lineno, advice)


def _adapter_import(file: File, node: ast.Import | ast.ImportFrom) -> Iterator[Fault]:
    if file.adapter is None:
        return
    modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [name.name for name in node.names]
    for module in modules:
        found = re.match(r"switchboard\.channels\.(\w+)", module)
        folder = Path(SOURCE) / "channels" / found[1] if found else None
        if found and folder and (folder / "manifest.toml").is_file() and found[1] != file.adapter:
            advice = f"an adapter imports no adapter: move what {found[1]} shares into channels/ or core"
            yield Fault("adapters", file.path, node.lineno, advice)


def _literal(file: File, node: ast.Constant, text: str) -> Iterator[Fault]:
    if SQL_TEXT.match(text):
        yield Fault(
            "sql", file.path, node.lineno, "SQL lives in the room's queries.sql, with a name and one sentence"
        )


def _environment(file: File, node: ast.Attribute | ast.Name) -> Iterator[Fault]:
    named = ast.unparse(node) in ("os.environ", "os.getenv", "environ", "getenv")
    if named and file.path != SETTINGS_FILE:
        yield Fault(
            "environment",
            file.path,
            node.lineno,
            "only app/config.py reads the environment: take a setting as argument",
        )


def _call(file: File, node: ast.Call) -> Iterator[Fault]:
    called = ast.unparse(node.func)
    last = called.rpartition(".")[2]
    if file.floor == "core" and re.search(
        r"(datetime\.(now|utcnow)|date\.today|time\.(time|monotonic)(_ns)?)$", called
    ):
        yield Fault("core", file.path, node.lineno, f"{called}() in core: take the time as an argument")
    if (
        last in ("transaction", "commit", "rollback")
        and "." in called
        and file.floor not in OPENS_TRANSACTIONS
    ):
        advice = (
            f"{last}() below the flow: a verb works inside the transaction that flow, api or a worker opened"
        )
        yield Fault("transaction", file.path, node.lineno, advice)


# -- SQL


def bare(sql: str) -> str:
    """Without comments and literals, which may hold words that look like SQL."""
    return re.sub(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", " ", sql, flags=re.DOTALL)


def queries(file: File) -> Iterator[Fault]:
    heads = list(QUERY_HEAD.finditer(file.text))
    for head in heads:
        line = file.text.count("\n", 0, head.start()) + 1
        after = file.text[head.end() + 1 :].split("\n", 1)[0]
        if not re.fullmatch(r"[a-z][a-z0-9_]*", head[1]):
            yield Fault("queries", file.path, line, "name the query: `-- name: verb_and_noun`")
        if not re.match(r"-- \S.*\.$", after) and not re.match(r"-- \S.*[.…]?$", after):
            yield Fault(
                "queries", file.path, line, f"say in one sentence below its name what `{head[1]}` is for"
            )
    opening = file.text[: heads[0].start()] if heads else file.text
    if bare(opening).strip():
        yield Fault("queries", file.path, 1, "a statement without `-- name:` above it: name it")


def tables(files: list[File]) -> Iterator[Fault]:
    """One room writes a table; others read its views."""
    known = {
        name.lower()
        for file in files
        if "/migrations/" in file.path
        for name in TABLE.findall(bare(file.text))
    }
    written: dict[str, dict[str, str]] = {}
    read: list[tuple[str, str, str]] = []
    for file in files:
        if not file.floor or not file.path.endswith(".sql") or "/migrations/" in file.path:
            continue
        text = bare(file.text).lower()
        for table in known & set(WRITES.findall(text)):
            written.setdefault(table, {})[file.floor] = file.path
        read += [(word, file.floor, file.path) for word in known & {a or b for a, b in READS.findall(text)}]
    for table, rooms in sorted(written.items()):
        for room, path in sorted(rooms.items())[1:]:
            first = min(rooms)
            advice = (
                f"`{table}` is written by {first} and {room}: one room writes a table; send a command to it"
            )
            yield Fault("one-writer", path, 1, advice)
    for table, room, path in sorted(read):
        owners = set(written.get(table, {})) - GROUND
        if owners and room not in owners and room not in READS_ACROSS and room not in GROUND:
            owner = min(owners)
            advice = f"reads `{table}` of {owner}: read a view {owner}_v_… that {owner} publishes"
            yield Fault("views", path, 1, advice)


# -- locks


def locks(file: File) -> Iterator[Fault]:
    advice = "a lock names a host: make it with `make lock` (or npm with the repository's .npmrc) again"
    if file.path.endswith("package-lock.json"):
        found = [
            text
            for key, text in _strings(json.loads(file.text))
            if key != "funding" and "://" in unquote(text)
        ]
    else:
        found = [line for line in file.text.splitlines() if "://" in unquote(line)]
    if found:
        yield Fault("locks", file.path, 1, f"{advice} ({len(found)} places)")


def _strings(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a JSON document; what lies inside `funding` (pages of sponsors) keeps that key."""
    if isinstance(value, dict):
        for name, inside in value.items():
            yield from _strings(inside, key if key == "funding" else name)
    elif isinstance(value, list):
        for inside in value:
            yield from _strings(inside, key)
    elif isinstance(value, str):
        yield key, value


# -- all together


def inspect(files: list[File]) -> list[Fault]:
    faults: list[Fault] = []
    for file in files:
        faults += [*lengths(file), *names(file), *machine_paths(file)]
        if file.path.endswith(".py"):
            faults += [*ignores(file), *python(file)]
        if file.path.endswith("queries.sql"):
            faults += queries(file)
        if file.path.endswith((".lock", "package-lock.json", "pylock.toml")):
            faults += locks(file)
    return [*faults, *tables(files)]


def excuse(faults: list[Fault], listed: str) -> list[Fault]:
    """Take out what the list excuses; complain about lines without use and about a list that grew."""
    lines = listed.splitlines()
    allowed = [line for line in lines if line.strip() and not line.startswith("#")]
    limit = re.match(r"# at most (\d+)$", lines[0]) if lines else None
    left = [fault for fault in faults if f"{fault.rule} {fault.path}" not in allowed]
    used = {f"{fault.rule} {fault.path}" for fault in faults}
    useless = [line for line in allowed if line not in used]
    left += [
        Fault("exceptions", EXCEPTIONS, 1, f"`{line}` excuses nothing: remove it, lower the first line")
        for line in useless
    ]
    if limit is None or len(allowed) != int(limit[1]):
        left.append(
            Fault(
                "exceptions",
                EXCEPTIONS,
                1,
                f"the first line must be `# at most {len(allowed)}`, and only ever lower",
            )
        )
    return left


def collect(root: Path) -> list[File]:
    """Every text file that git knows or would add."""
    asked = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(asked, cwd=root, capture_output=True, text=True, check=True).stdout.split("\0")
    return [file for name in sorted(set(filter(None, listed))) if (file := _read(root, name)) is not None]


def _read(root: Path, name: str) -> File | None:
    try:
        return File(name, (root / name).read_text("utf-8"))
    except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
        return None


def main() -> int:
    options = argparse.ArgumentParser(description="Check the rules of the house.")
    options.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    root: Path = options.parse_args().root
    exceptions = root / EXCEPTIONS
    faults = excuse(inspect(collect(root)), exceptions.read_text() if exceptions.exists() else "")
    for fault in sorted(faults):
        sys.stdout.write(f"{fault.path}:{fault.line}: [{fault.rule}] {fault.advice}\n")
    sys.stdout.write(f"house: {len(faults)} to mend\n" if faults else "house: in order\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
