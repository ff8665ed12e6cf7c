"""Text from outside, made safe to keep."""

import hashlib
import re
from typing import Any

_BAD = re.compile("[\x00\ud800-\udfff]")
_HIDDEN = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
LONGEST_KEY = 512


def scrub(text: str) -> str:
    """Replace what PostgreSQL and UTF-8 can't hold: NUL and lone surrogates become U+FFFD."""
    if text.isascii() and "\0" not in text:  # nearly all ids, kinds and addresses
        return text
    return _BAD.sub("\N{REPLACEMENT CHARACTER}", text)


def scrub_deep(value: Any) -> Any:
    """Scrub every text inside builtin containers; a number that JSON can't carry becomes text."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, int) and abs(value) >= 1 << 63:
        return str(value)[:400]
    if isinstance(value, dict):
        return {scrub(key): scrub_deep(item) for key, item in value.items()}
    if isinstance(value, list):
        return [scrub_deep(item) for item in value]
    return value


def person(name: str) -> str:
    """Return a name as it is kept: without characters that turn the writing around or hide, at most 200 long."""
    clean = scrub(name)
    return " ".join((clean if clean.isalnum() else _HIDDEN.sub("", clean)).split())[:200]


def bounded(text: str) -> str:
    """Return a platform's id as it is kept: scrubbed, and at most 512 characters by which it still differs from others."""
    clean = scrub(text)
    if len(clean) <= LONGEST_KEY:
        return clean
    digest = hashlib.sha256(clean.encode()).hexdigest()
    return f"{clean[: LONGEST_KEY - len(digest) - 1]}#{digest}"
