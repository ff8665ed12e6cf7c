"""Every query is understood by the migrated schema, alone and composed with every fragment that goes with it."""

import re
from pathlib import Path

import asyncpg
import pytest

import switchboard
from switchboard.db.filters import compose
from switchboard.db.pool import Database
from switchboard.db.sql import Queries, parse

ROOT = Path(switchboard.__file__).parent
FILES = sorted(ROOT.rglob("queries.sql"))
FRAGMENTS = ("where_", "order_")


def _queries(path: Path) -> Queries:
    return parse(path.read_text("utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
async def test_every_query_prepares(db: Database, path: Path) -> None:
    async with db.connection() as connection:
        for query in _queries(path):
            if query.name.startswith(FRAGMENTS):
                continue
            text = re.sub(r"/\*order\*/", "1", query.text)
            try:
                await connection.prepare(text)
            except asyncpg.PostgresError as error:
                pytest.fail(f"{query.name}: {error}")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_every_query_has_one_sentence_and_a_name_of_its_own(path: Path) -> None:
    text = path.read_text("utf-8")
    names = re.findall(r"^-- name: (\w+)", text, re.MULTILINE)
    assert len(names) == len(set(names))
    assert len(names) == len(list(_queries(path))), "a query without its sentence is not loaded"
    for query in _queries(path):
        assert query.sentence.endswith((".", ";", ",")) or query.sentence[-1].isalpha()


def _used(path: Path) -> list[str]:
    """The queries that the room's code asks for by name."""
    return re.findall(r"\bSQL\.(\w+)", "".join(one.read_text("utf-8") for one in path.parent.rglob("*.py")))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_the_code_asks_only_for_queries_that_exist(path: Path) -> None:
    known = {query.name for query in _queries(path)}
    assert set(_used(path)) <= known


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_every_query_is_asked_for(path: Path) -> None:
    code = "".join(one.read_text("utf-8") for one in path.parent.rglob("*.py"))
    named = set(_used(path)) | set(re.findall(r'"(\w+)"', code))  # composed ones are named by a string
    whole = {query.name for query in _queries(path) if not query.name.startswith(FRAGMENTS)}
    assert whole <= named, "delete it, or call it"


async def test_composed_filters_prepare(db: Database) -> None:
    """Each fragment is understood with at least one base query; others lack its tables."""
    async with db.connection() as connection:
        for path in FILES:
            queries = _queries(path)
            bases = [query for query in queries if "/*where*/" in query.text]
            for fragment in (query for query in queries if query.name.startswith(FRAGMENTS)):
                kind, _, name = fragment.name.partition("_")
                fitted = 0
                for base in bases:
                    conditions, order = ((name,), "") if kind == "where" else ((), name)
                    if kind == "order" and "/*order*/" not in base.text:
                        continue
                    text = compose(queries, base.name, conditions, order).text
                    try:
                        await connection.prepare(text.replace("/*order*/", "1").replace("/*where*/", ""))
                        fitted += 1
                    except asyncpg.SyntaxOrAccessError as error:
                        if isinstance(error, asyncpg.PostgresSyntaxError):
                            raise
                assert fitted, f"{fragment.name} fits no query of {path.parent.name}"
