"""What Douyin's JSON has of its own, beside the careful reading of all adapters."""

from typing import Any

import msgspec

from switchboard.channels.reading import Json, at
from switchboard.channels.reading import number as number_or_none

DEEPEST = 6


def obj(value: Any, *path: str) -> Json:
    """Return the object at a path, empty when there is none; an object may be written as a JSON text."""
    found = at(value, *path)
    if isinstance(found, str):
        try:
            found = msgspec.json.decode(found)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return {}
    return found if isinstance(found, dict) else {}


def number(value: Any, *path: str) -> float:
    """Return the finite number at a path, else 0; digits in text count (Douyin writes `"expires_in": "86400"`)."""
    return number_or_none(value, *path) or 0.0
