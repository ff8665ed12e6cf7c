"""The database page: tables and views from the migrations, and which room writes each."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tools.house import SOURCE, WRITES, bare
from tools.reference_text import cell, page, rows

ROOT = Path(__file__).resolve().parent.parent
_TABLE = re.compile(
    r"((?:^--[^\n]*\n)*)^create\s+(?:unlogged\s+)?table\s+(\w+)\s*\((.*?)^\)[^;\n]*;",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
_COLUMN = re.compile(
    r"alter\s+table\s+(\w+)\s+add\s+column\s+(?:if\s+not\s+exists\s+)?(\w+)\s+([^;]+);", re.IGNORECASE
)
_DROPPED = re.compile(r"alter\s+table\s+(\w+)\s+drop\s+column\s+(?:if\s+exists\s+)?(\w+)", re.IGNORECASE)
_GONE = re.compile(r"drop\s+table\s+(?:if\s+exists\s+)?(\w+)", re.IGNORECASE)
_VIEW = re.compile(r"create\s+(?:or\s+replace\s+)?view\s+(\w+)\b.*?\bas\s+(.*?);", re.IGNORECASE | re.DOTALL)
_INDEX = re.compile(
    r"create\s+(?P<unique>unique\s+)?index\s+(?:concurrently\s+)?(?:if\s+not\s+exists\s+)?(?P<name>\w+)\s+"
    r"on\s+(?P<table>\w+)\s*(?P<what>[^;]+);"
    r"|drop\s+index\s+(?:concurrently\s+)?(?:if\s+exists\s+)?(?P<gone>\w+)",
    re.IGNORECASE,
)
_KEYS = ("primary", "unique", "foreign", "check", "constraint", "exclude")


class Table(msgspec.Struct):
    """A table as the migrations leave it."""

    name: str
    remark: str
    columns: dict[str, str]
    keys: list[str]
    indexes: list[str] = []


def apart(body: str) -> Iterator[str]:
    """Yield the items of a definition: what commas outside brackets divide."""
    depth, item = 0, ""
    for letter in body:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            yield " ".join(item.split())
            item = ""
        else:
            item += letter
    yield " ".join(item.split())


def read_indexes(migrations: str) -> list[tuple[str, str, str]]:
    """Return (table, index, what it says) for the indexes that are there after all migrations."""
    found: dict[str, tuple[str, str]] = {}
    for match in _INDEX.finditer(migrations):
        if match["gone"]:
            found.pop(match["gone"], None)
        else:
            said = f"{' (unique)' if match['unique'] else ''}: {' '.join(match['what'].split())}"
            found[match["name"]] = (match["table"], said)
    return [(table, index, said) for index, (table, said) in found.items()]


def read_tables(migrations: str) -> dict[str, Table]:
    """Return every table there is after all migrations."""
    found: dict[str, Table] = {}
    for comment, name, body in _TABLE.findall(migrations):
        lines = [
            line.removeprefix("--").strip()
            for line in comment.splitlines()
            if not line.rstrip().endswith("---")
        ]
        items = [item for item in apart(re.sub(r"--[^\n]*", "", body)) if item]
        columns = dict(
            (item.partition(" ")[::2]) for item in items if item.split("(")[0].split()[0] not in _KEYS
        )
        keys = [item for item in items if item.split("(")[0].split()[0] in _KEYS]
        found[name] = Table(name, " ".join(lines), columns, keys)
    for name, column, kind in _COLUMN.findall(migrations):
        found[name].columns[column] = " ".join(kind.split())
    for name, column in _DROPPED.findall(migrations):
        found[name].columns.pop(column, None)
    for name, index, said in read_indexes(migrations):
        if name in found:
            found[name].indexes.append(f"`{index}`{said}")
    for name in _GONE.findall(migrations):
        found.pop(name, None)
    return found


def read_writers(tables: set[str]) -> dict[str, str]:
    """Return which room's queries.sql writes each table."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / SOURCE).glob("*/queries.sql")):
        for table in sorted(tables & set(WRITES.findall(bare(path.read_text("utf-8")).lower()))):
            found.setdefault(table, path.parent.name)
    return found


def describe(table: Table) -> str:
    """Return a table's section."""
    lines = [f"### {table.name}", ""]
    if table.remark:
        lines += [table.remark, ""]
    lines.append(
        rows(("column", "definition"), [(f"`{name}`", cell(kind)) for name, kind in table.columns.items()])
    )
    lines += [f"- {key}" for key in table.keys] + [f"- index {index}" for index in table.indexes]
    return "\n".join([*lines, ""])


def database_page() -> str:
    """Tables by the room that owns them, and the views that rooms publish."""
    folder = ROOT / SOURCE / "db" / "migrations"
    migrations = "\n".join(path.read_text("utf-8") for path in sorted(folder.glob("*.sql")))
    tables = read_tables(migrations)
    writers = read_writers(set(tables))
    owned: dict[str, list[Table]] = {}
    for table in tables.values():
        owned.setdefault(writers.get(table.name, "(nobody yet)"), []).append(table)
    body = [
        "One room writes a table; the others read the views it publishes. `workspace_id` stands in every row",
        "of a tenant's data, and row-level security keeps the API to one workspace. Rooms without tables are",
        "not listed.",
        "",
        rows(
            ("room", "tables"),
            [
                (room, ", ".join(f"[`{one.name}`](#{one.name})" for one in owned[room]))
                for room in sorted(owned)
            ],
        ),
    ]
    for room in sorted(owned):
        body += [f"## {room}", "", *(describe(one) for one in owned[room])]
    last = {name: " ".join(text.split()) for name, text in _VIEW.findall(migrations)}
    views = [(f"`{name}`", cell(text)) for name, text in last.items()]
    body += ["## Views", "", rows(("view", "what it shows"), views)]
    return page("Database", "src/switchboard/db/migrations and the rooms' queries.sql", body)
