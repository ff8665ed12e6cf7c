"""What all ways to send short messages share: how numbers are written, and who a number is.

A network or provider vouches for the number of who wrote, so such a claim is verified.
"""

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from switchboard.channels.api import (
    BadPayload,
    Claim,
    Outbound,
    Part,
    Refused,
    Sender,
    Template,
    Text,
    decode,
)

_NOISE = re.compile(r"[\s().\-/\u00a0\u2010-\u2015]")
_NUMBER = re.compile(r"\+?[0-9]{7,15}")
_HAN = re.compile(r"[\u3400-\u9fff]")
SHORTEST = 7
"""Fewer digits are a short code: a service within one network, nobody's telephone."""


def number(text: str, country: str = "") -> str:
    """Return a telephone number as `+` and digits; empty when it is none (a short code, a name).

    Without `+` or `00` in front it counts as international already, unless it begins with a trunk 0 and `country` (a
    calling code, digits only) says whose number it is.
    """
    bare = _NOISE.sub("", text)[:40]
    if not _NUMBER.fullmatch(bare) or not bare.isascii():
        return ""
    if bare.startswith("+"):
        digits = bare[1:]
    elif bare.startswith("00"):
        digits = bare[2:]
    elif bare.startswith("0"):
        digits = country + bare[1:] if country else ""
    else:
        digits = bare
    return f"+{digits}" if SHORTEST <= len(digits) <= 15 and not digits.startswith("0") else ""


def of_country(text: str, country: str) -> str:
    """Return a number that a platform gives without its country code (13800000000), empty when it is none."""
    bare = _NOISE.sub("", text)[:40]
    if bare.startswith(("+", "00")):
        return number(bare)
    return number(f"+{country}{bare.removeprefix('0')}") if bare.isascii() and bare.isdigit() else ""


def sender(text: str, country: str = "") -> Sender:
    """Return who wrote: a telephone number, or a short code or name, which any sender may choose for itself."""
    known = number(text, country)
    return Sender([Claim("phone", known)]) if known else unnumbered(text)


def unnumbered(text: str) -> Sender:
    """Return a sender who writes under a short code or a name; nobody vouches for that."""
    return Sender([Claim("sms", text[:40] or "unknown", verified=False)])


def recipient(message: Outbound) -> str:
    """Return the number to write to; raises Refused for what no short message reaches."""
    known = number(message.to)
    if not known:
        raise Refused(
            f"{message.to!r:.60} is not a telephone number that can be written to.",
            code="bad_number",
            unreachable=True,
        )
    return known


def words(part: Part) -> str:
    """Return a part as plain text; raises Refused for what a short message can't say."""
    match part:
        case Text(text=said) | Template(text=said) if said:
            return said
        case _:
            raise Refused("A short message can't carry this kind of content.", code="unfit")


def language_of(said: str) -> str:
    """Return the language that a template's text is written in; Chinese providers keep none beside it."""
    return "zh_CN" if _HAN.search(said) else "en"


# -- callbacks of the Chinese providers: JSON arrays, not signed, their times those of Beijing ---------------

_BEIJING = timezone(timedelta(hours=8))
_OUT_ID = re.compile(r"([0-9a-f-]{36}-[0-9]{1,5})(?:\.([0-9]{1,3}))?")


def items(body: bytes) -> list[Any]:
    """Return what one callback carries: an array's items, or the one object; raises BadPayload for anything else."""
    document = decode(body)
    if isinstance(document, dict):
        return [document]
    if not isinstance(document, list):
        raise BadPayload("neither a list nor an object")
    return document


def text(item: dict[str, Any], name: str) -> str:
    """Return the text or whole number under a name as text, empty when there is none."""
    found = item.get(name)
    if isinstance(found, int) and not isinstance(found, bool) and abs(found) < 10**18:
        return str(found)
    return found if isinstance(found, str) else ""


def digest(item: Any) -> str:
    """Return a key for an item without an id: the same for the same content."""
    plain = json.dumps(item, sort_keys=True, default=str, ensure_ascii=True)
    return hashlib.sha256(plain.encode()).hexdigest()


def beijing(written: str) -> datetime | None:
    """Return the moment that a text like `2026-06-01 12:00:00` names, None when it names none."""
    try:
        return datetime.fromisoformat(written[:19]).replace(tzinfo=_BEIJING).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def out_id(key: str, account: int) -> str:
    """Return what a provider shall give back with its reports: our key, and which of the connection's accounts sent."""
    return f"{key}.{account}"


def of_out_id(written: str) -> tuple[str, int]:
    """Return key and account of what we gave along; an empty key and 0 for anything else."""
    found = _OUT_ID.fullmatch(written)
    return (found[1], int(found[2] or 0)) if found else ("", 0)
