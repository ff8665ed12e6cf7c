"""Markdown and type names for the generated references."""

import inspect
import types
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

_PLAIN = {
    "UUID": "uuid",
    "str": "text",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "datetime": "time",
    "NoneType": "null",
}


def rows(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table, with an empty line after it."""
    written = [f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *lines)]
    return "\n".join(written) + "\n"


def cell(text: str) -> str:
    """Return a text that can stand in a table."""
    return " ".join(text.split()).replace("|", "\\|")


def page(title: str, source: str, body: Sequence[str]) -> str:
    """Return a whole page; says where it comes from, so that nobody edits it."""
    text = "\n".join(
        [
            f"# {title}",
            "",
            f"*Generated from {source} by `python -m tools.references`. Don't edit.*",
            "",
            *body,
        ]
    )
    return text.rstrip("\n") + "\n"


def sentence(thing: Any) -> str:
    """Return a thing's docstring, its lines joined within paragraphs."""
    paragraphs = (inspect.getdoc(thing) or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def spell(hint: Any) -> str:
    """Return a type in plain words: `list of text`, `uuid or null`."""
    origin, inside = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return spell(inside[0])
    if origin in (Union, types.UnionType):
        named = list(dict.fromkeys(spell(one) for one in inside))
        return "part" if len(named) > 12 else " or ".join(named)
    if origin is Literal:
        return " or ".join(f"`{one}`" for one in inside)
    if origin is dict:
        return f"object of {spell(inside[1])}" if inside[1] is not Any else "object"
    if origin is tuple:
        return "pair of " + " and ".join(dict.fromkeys(spell(one) for one in inside))
    if origin is not None:
        return f"list of {spell(inside[0])}"
    if hint is Any:
        return "anything"
    name = str(getattr(hint, "__name__", hint))
    return _PLAIN.get(name, name)
