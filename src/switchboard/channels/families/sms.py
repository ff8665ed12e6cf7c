"""What all ways to send short messages share: how numbers are written, and who a number is.

A network or provider vouches for the number of who wrote, so such a claim is verified.
"""

import re

from switchboard.channels.api import Claim, Outbound, Part, Refused, Sender, Template, Text

_NOISE = re.compile(r"[\s().\-/\u00a0\u2010-\u2015]")
_NUMBER = re.compile(r"\+?[0-9]{7,15}")
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
