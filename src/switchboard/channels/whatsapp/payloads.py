"""Careful reading of Graph's JSON: a field of the wrong type reads as absent and costs nothing else."""

import hashlib
import json
import math
import re
from datetime import UTC, datetime
from typing import Any

from switchboard.channels.api import Claim

Json = dict[str, Any]

# Space of business-scoped user ids: `CC.` and letters or digits, one per person and business portfolio.
BSUID = "whatsapp:bsuid"
# Whatever else the platform puts where a phone number or a BSUID belongs.
OTHER = "whatsapp"
PHONE = re.compile(r"\+?([0-9]{5,20})")
USER_ID = re.compile(r"\b[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}\b")
LAST_SECOND = 253402300799


def text(value: Any, *path: str) -> str:
    """Return the text at a path, empty when there is none; whole numbers count, since ids come as either."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def obj(value: Any, *path: str) -> Json:
    """Return the object at a path, empty when there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def rows(value: Any, name: str) -> list[Any]:
    """Return the list under a name, empty when there is none."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def number(value: Any, name: str) -> float | None:
    """Return the finite number under a name; digits in text count."""
    found = value.get(name) if isinstance(value, dict) else None
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    try:
        result = float(found)
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def whole(value: Any, name: str, default: int) -> int:
    """Return a count of sensible size."""
    found = number(value, name)
    return int(found) if found is not None and 0 <= found <= 1_000_000_000 else default


def moment(value: Any, name: str = "timestamp") -> datetime | None:
    """Return the time under a name (Unix seconds, in text or as a number), None when it isn't one."""
    seconds = number(value, name)
    if seconds is None or not 0 < seconds <= LAST_SECOND:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def plain(value: Json) -> Json:
    """Return an object fit to be kept as it is: finite numbers of sensible size, no abyss of nesting."""
    kept = _plain(value, 8)
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
    written = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(written.encode()).hexdigest()[:32]


def phone(value: str) -> str:
    """Return a phone number in E.164, empty when it isn't one; WhatsApp ids are phone numbers without the
    plus.
    """
    found = PHONE.fullmatch(value)
    return f"+{found[1]}" if found else ""


def claims(number_: str, user_id: str) -> list[Claim]:
    """Return a person's identities, phone number first; both are vouched for by the platform."""
    found = []
    if number_:
        e164 = phone(number_)
        found.append(Claim("phone", e164) if e164 else Claim(OTHER, number_))
    if user_id:
        found.append(Claim(BSUID, user_id))
    return found
