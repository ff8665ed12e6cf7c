"""Careful reading of Douyin's JSON: a field of the wrong type reads as absent and costs nothing else."""

import hashlib
import json
import math
from datetime import UTC, datetime
from typing import Any

import msgspec

Json = dict[str, Any]

LAST_SECOND = 253402300799
# Douyin writes milliseconds in messages and seconds in comments; no second of ours is so far away.
MILLISECONDS = 100_000_000_000
DEEPEST = 6


def text(value: Any, *path: str) -> str:
    """Return the text at a path, empty when there is none; whole numbers count, since ids come as either."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def obj(value: Any, *path: str) -> Json:
    """Return the object at a path, empty when there is none; an object may be written as a JSON text."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def rows(value: Any, *path: str) -> list[Json]:
    """Return the objects of the list at a path, empty when there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def number(value: Any, *path: str) -> float:
    """Return the finite number at a path, else 0; digits in text count (Douyin writes `"expires_in": "86400"`)."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return 0.0
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return 0.0
    return found if math.isfinite(found) else 0.0


def moment(value: Any, *path: str) -> datetime | None:
    """Return the time at a path (Unix seconds or milliseconds), None when it isn't one."""
    found = number(value, *path)
    seconds = found / 1000 if found >= MILLISECONDS else found
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds <= LAST_SECOND else None


def plain(value: Json) -> Json:
    """Return an object fit to be kept as it is: finite numbers of sensible size, no abyss of nesting."""
    kept = _plain(value, DEEPEST)
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
