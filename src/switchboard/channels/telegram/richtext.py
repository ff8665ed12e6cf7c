"""Formatted text as plain text: words stay, hidden addresses are written out, structure becomes lines."""

from typing import Any

import msgspec

from switchboard.channels.telegram.payloads import Entity

DEEPEST = 24  # rich text nests; nobody nests this far on purpose

# The fields of a rich text or block that hold words or further blocks, in reading order.
_ORDER = ("summary", "text", "expression", "blocks", "items", "cells", "caption", "credit")
_INLINE = frozenset({"text", "expression", "credit"})


def with_links(text: str, entities: object) -> str:
    """Return the text with the address written behind each stretch that hides one."""
    if not isinstance(entities, list):
        return text
    units = text.encode("utf-16-le", "surrogatepass")
    written: list[tuple[int, str]] = []
    for raw in entities[:1000]:
        try:
            entity = msgspec.convert(raw, Entity)
        except msgspec.ValidationError:
            continue
        start, end = 2 * entity.offset, 2 * (entity.offset + entity.length)
        if entity.type != "text_link" or not entity.url or end > len(units):
            continue
        if units[start:end].decode("utf-16-le", "replace").strip() != entity.url:
            written.append((end, f" ({entity.url})"))
    pieces, done = [], 0
    for end, address in sorted(written):
        pieces += [units[done:end].decode("utf-16-le", "replace"), address]
        done = end
    return "".join([*pieces, units[done:].decode("utf-16-le", "replace")]) if pieces else text


def inline(value: object, depth: int = 0) -> str:
    """Return the words of a RichText: a string, a list of RichText, or an object with a type."""
    if depth > DEEPEST:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(inline(item, depth + 1) for item in value)
    if not isinstance(value, dict):
        return ""
    shown = inline(value.get("text") or value.get("alternative_text") or value.get("expression"), depth + 1)
    url = value.get("url")
    return f"{shown} ({url})" if isinstance(url, str) and url and url != shown.strip() else shown


def lines(value: object, depth: int = 0) -> list[str]:
    """Return the lines of a rich message's blocks, lists and tables."""
    if depth > DEEPEST:
        return []
    if isinstance(value, list):
        return [line for item in value for line in lines(item, depth + 1)]
    if not isinstance(value, dict):
        return []
    found: list[str] = []
    for name in _ORDER:
        inner: Any = value.get(name)
        if inner is None:
            continue
        if name == "cells" and isinstance(inner, list):
            found += [_row(row) for row in inner]
        elif name in _INLINE or not _holds_blocks(inner):
            found.append(inline(inner))
        else:
            found += lines(inner, depth + 1)
    found = [line for line in found if line.strip()]
    label = value.get("label")
    return [f"{label} {found[0]}", *found[1:]] if isinstance(label, str) and found else found


def _holds_blocks(value: object) -> bool:
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, dict) and ("type" in first or "blocks" in first or "text" in first)


def _row(row: object) -> str:
    cells = row if isinstance(row, list) else [row]
    return " | ".join(inline(cell) for cell in cells)


def blocks(value: object, depth: int = 0) -> list[dict[str, Any]]:
    """Return every object of a rich message, outermost first (to find the media in it)."""
    if depth > DEEPEST:
        return []
    if isinstance(value, list):
        return [found for item in value for found in blocks(item, depth + 1)]
    if not isinstance(value, dict):
        return []
    return [value, *blocks(value.get("blocks"), depth + 1), *blocks(value.get("items"), depth + 1)]
