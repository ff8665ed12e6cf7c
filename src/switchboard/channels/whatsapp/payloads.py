"""What stands for a person or a count in Graph's JSON."""

import re
from datetime import datetime
from typing import Any

from switchboard.channels.api import Claim
from switchboard.channels.reading import MILLISECONDS, number
from switchboard.channels.reading import moment as moment_of

# Space of business-scoped user ids: `CC.` and letters or digits, one per person and business portfolio.
BSUID = "whatsapp:bsuid"
# Whatever else the platform puts where a phone number or a BSUID belongs.
OTHER = "whatsapp"
PHONE = re.compile(r"\+?([0-9]{5,20})")
USER_ID = re.compile(r"\b[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}\b")
DEEPEST = 8
"""How deep what is kept as it came may be nested."""


def listed(value: Any, name: str) -> list[Any]:
    """Return all of the list under a name, with what is no object: what we don't understand must not go unnoticed."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def moment(value: Any, name: str = "timestamp") -> datetime | None:
    """Return the time under a name; Graph writes seconds here, so milliseconds are none."""
    seconds = number(value, name)
    return moment_of(seconds) if seconds is not None and seconds < MILLISECONDS else None


def whole(value: Any, name: str, default: int) -> int:
    """Return a count of sensible size."""
    found = number(value, name)
    return int(found) if found is not None and 0 <= found <= 1_000_000_000 else default


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
