"""The `fields` of a read: names, arguments and fields below, as in `id,media.limit(1){id,caption}`."""

import re
from typing import Any

import msgspec

from switchboard.sandbox.inbox.errors import InboxError

Json = dict[str, Any]
NAME = re.compile(r"\w+")
ARGUMENT = re.compile(r"\.(\w+)\(([^)]*)\)")


class Field(msgspec.Struct, frozen=True):
    """One field; `below` is empty when all of an object's usual fields are wanted."""

    name: str
    arguments: dict[str, str]
    below: tuple["Field", ...]


def read(text: str) -> tuple[Field, ...]:
    """The fields of one request; InboxError when the braces do not fit."""
    found, end = _list(text, 0)
    if end != len(text):
        raise InboxError(
            2500, f"Syntax error \"Expected end of string instead of '{text[end]}'\" at character {end}"
        )
    return found


def _list(text: str, at: int) -> tuple[tuple[Field, ...], int]:
    found: list[Field] = []
    while match := NAME.match(text, at):
        at, arguments, below = match.end(), dict[str, str](), tuple[Field, ...]()
        while argument := ARGUMENT.match(text, at):
            arguments[argument[1]] = argument[2]
            at = argument.end()
        if text[at : at + 1] == "{":
            below, at = _list(text, at + 1)
            if text[at : at + 1] != "}":
                raise InboxError(2500, "Syntax error: a brace is not closed")
            at += 1
        found.append(Field(match[0], arguments, below))
        if text[at : at + 1] != ",":
            break
        at += 1
    return tuple(found), at


def pick(known: Json, wanted: tuple[Field, ...], usual: tuple[str, ...] = ("id", "name")) -> Json:
    """The wanted fields of an object, its id always; unknown names are left out, as for fields without a value."""
    names = wanted or tuple(Field(name, {}, ()) for name in usual)
    made: Json = {}
    for field in names:
        value = known.get(field.name)
        if value is None:
            continue
        made[field.name] = (
            pick(value, field.below, tuple(value)) if isinstance(value, dict) and field.below else value
        )
    if "id" in known:
        made["id"] = known["id"]
    return made
