"""Broken versions of a good payload, made by rule and always the same ones."""

import copy
import json
from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]

DROP = object()


def nodes(document: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every place of a JSON document and what stands there, the document itself first."""
    yield path, document
    if isinstance(document, dict):
        for key, value in document.items():
            yield from nodes(value, (*path, key))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from nodes(value, (*path, index))


def replacements(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield what may stand in a value's place by mistake or malice, each with a name for the message."""
    nested: Any = value
    for _ in range(200):
        nested = [nested]
    yield from (
        ("dropped", DROP),
        ("null", None),
        ("true", True),
        ("zero", 0),
        ("negative", -1),
        ("fraction", 0.5),
        ("huge number", 10**30),
        ("huge float", 1e308),
        ("infinity", float("inf")),
        ("year 10000 in seconds", 253402300800),
        ("year 10000 in text", "253402300800"),
        ("beyond 64 bits", str(2**64)),
        ("negative in text", "-62135596801"),
        ("empty text", ""),
        ("lone surrogate", "x\ud83d"),
        ("NUL", "a\x00b"),
        ("huge text", "x" * 20_000),
        ("empty list", []),
        ("empty object", {}),
        ("list of it", [value]),
        ("twice in a list", [value, value]),
        ("deep list", nested),
        ("object around it", {"a": value}),
        ("list of nulls", [None, None]),
    )


def changed(document: Any, path: Path, value: Any) -> Any:
    """Return a copy of the document with another value (or none: DROP) at a place."""
    if not path:
        return value
    root = copy.deepcopy(document)
    place = root
    for step in path[:-1]:
        place = place[step]
    if value is DROP:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return root


def json_mutants(document: Any) -> Iterator[tuple[Path, str, bytes]]:
    """Yield (place, name of the mutation, body) for every place of the document and every replacement."""
    for path, value in list(nodes(document)):
        for name, other in replacements(value):
            if other is DROP and not path:
                continue
            yield path, name, json.dumps(changed(document, path, other)).encode()


def text_mutants(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield (name, body) for mails, XML and the like: cut, dropped, doubled and spoilt lines, stray bytes."""
    lines = body.splitlines(keepends=True)
    for index, line in enumerate(lines[:120]):
        before, after = b"".join(lines[:index]), b"".join(lines[index + 1 :])
        name, colon, _ = line.partition(b":")
        yield f"line {index + 1} dropped", before + after
        yield f"line {index + 1} doubled", before + line + line + after
        yield (
            f"line {index + 1} spoilt",
            before + name + colon + b" =?x-none?Q?=ff=?= \xff\x00\x80\r\n" + after,
        )
        yield f"line {index + 1} huge", before + name + colon + b" " + b"9" * 20_000 + b"\r\n" + after
    for step in range(0, len(body), max(1, len(body) // 40)):
        yield f"cut at byte {step}", body[:step]
        yield f"NUL at byte {step}", body[:step] + b"\x00" + body[step:]
        yield f"0xff at byte {step}", body[:step] + b"\xff" + body[step + 1 :]


def hostile_bodies() -> Iterator[tuple[str, bytes]]:
    """Yield bodies that no platform sends."""
    yield from (
        ("nothing", b""),
        ("null", b"null"),
        ("a number", b"0"),
        ("a text", b'"x"'),
        ("a list", b"[]"),
        ("an empty object", b"{}"),
        ("cut JSON", b'{"a":'),
        ("not UTF-8", b"\xff\xfe\x00"),
        ("spaces", b" " * 1000),
        ("UTF-16", '{"object": 1}'.encode("utf-16")),
        ("deep list", b"[" * 100_000),
        ("deep object", b'{"a":' * 100_000),
        ("digits", b"9" * 100_000),
        ("lists", b"[[],[],[]]"),
        ("NaN", b"NaN"),
        ("XML", b"<xml><a>1</a></xml>"),
        ("entities", b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'),
        ("a form", b"a=1&b=2"),
        ("headers only", b"From: x\r\n\r\n"),
        ("a NUL", b"\x00"),
    )
