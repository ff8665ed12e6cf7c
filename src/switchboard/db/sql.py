"""Loads `queries.sql` files: every statement has a name and one sentence, parameters are written `:name`.

-- name: find_identities
-- Which of these identifiers we know, with their contacts locked.
select …
"""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

_HEAD = re.compile(r"^-- name: (\w+)\s*\n-- (.+)$", re.MULTILINE)
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")


class Query(msgspec.Struct, frozen=True):
    """One prepared-to-be statement; `parameters` in the order of their `$n`."""

    name: str
    sentence: str
    text: str
    parameters: tuple[str, ...]
    source: str

    def arguments(self, values: dict[str, object]) -> list[object]:
        """Return the values in order; a missing or surplus name is a programming error (KeyError)."""
        if len(values) != len(self.parameters):
            raise KeyError(f"{self.name} takes {self.parameters}, got {tuple(values)}")
        return [values[name] for name in self.parameters]


class Queries:
    """The statements of one file, as attributes."""

    def __init__(self, found: dict[str, Query]) -> None:
        self._found = found

    def __getattr__(self, name: str) -> Query:
        try:
            return self._found[name]
        except KeyError:
            raise AttributeError(f"no query named {name}") from None

    def __iter__(self) -> Iterator[Query]:
        return iter(self._found.values())


def parse(text: str) -> Queries:
    """Split a file's text into queries."""
    heads = list(_HEAD.finditer(text))
    found: dict[str, Query] = {}
    for index, head in enumerate(heads):
        end = heads[index + 1].start() if index + 1 < len(heads) else len(text)
        body = text[head.end() : end].strip().rstrip(";")
        names: list[str] = []

        def number(match: re.Match[str], names: list[str] = names) -> str:
            if match[1] not in names:
                names.append(match[1])
            return f"${names.index(match[1]) + 1}"

        found[head[1]] = Query(head[1], head[2], _PARAMETER.sub(number, body), tuple(names), body)
    return Queries(found)


def load(module_file: str) -> Queries:
    """Return the queries of the `queries.sql` beside a module: `SQL = load(__file__)`."""
    return parse(Path(module_file).with_name("queries.sql").read_text("utf-8"))
