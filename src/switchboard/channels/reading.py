"""Careful reading of platforms' JSON: a field of the wrong type reads as absent and costs nothing else.

A path leads through objects by name. Adapters whose platform writes things otherwise have functions of their own beside these.
"""

import hashlib
import json
import math
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

LAST_SECOND = 253402300799
"""Of the year 9999."""
MILLISECONDS = 100_000_000_000
"""No second of ours is so far away: a greater number counts milliseconds."""


def at(value: Any, *path: str) -> Any:
    """Return what stands at a path, None where there is nothing."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def text(value: Any, *path: str) -> str:
    """Return the text at a path, empty when there is none; whole numbers count, since ids come as either."""
    found = at(value, *path)
    if isinstance(found, str):
        return found
    return str(found) if isinstance(found, int) and not isinstance(found, bool) else ""


def obj(value: Any, *path: str) -> Json:
    """Return the object at a path, empty when there is none."""
    found = at(value, *path)
    return found if isinstance(found, dict) else {}


def rows(value: Any, *path: str) -> list[Json]:
    """Return the objects of the list at a path, empty when there is none."""
    found = at(value, *path)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def number(value: Any, *path: str) -> float | None:
    """Return the finite number at a path; digits in text count."""
    found = at(value, *path)
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    try:
        result = float(found)
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def moment(value: Any, *path: str) -> datetime | None:
    """Return the time at a path (Unix seconds or milliseconds), None when it isn't one."""
    found = number(value, *path)
    if found is None or found <= 0:
        return None
    seconds = found / 1000 if found >= MILLISECONDS else found
    return datetime.fromtimestamp(seconds, UTC) if seconds <= LAST_SECOND else None


def plain(value: Json, deepest: int) -> Json:
    """Return an object fit to be kept as it is: finite numbers of sensible size, nothing nested deeper than told."""
    kept = _plain(value, deepest)
    return kept if isinstance(kept, dict) else {}


def _plain(value: Any, depth: int) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < 2**63 else str(value)[:400]
    if isinstance(value, dict):
        return {str(key): _plain(item, depth - 1) for key, item in value.items()} if depth else None
    if isinstance(value, list):
        return [_plain(item, depth - 1) for item in value] if depth else None
    return value


def digest(*values: Any) -> str:
    """Return a stable fingerprint of what has no id of its own."""
    try:
        written = json.dumps(values, sort_keys=True, default=str)
    except RecursionError:
        written = "too deep"
    return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def mark(credential: str) -> str:
    """Return a short fingerprint of a credential, for the names that tokens are kept under.

    A token which the credential before had opened, and which arrives late, then never answers to the new one's name.
    """
    return digest(credential)[:8]
