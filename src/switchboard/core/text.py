"""Text from outside, made safe to keep."""

import hashlib
import re

_BAD = re.compile("[\x00\ud800-\udfff]")
LONGEST_KEY = 512


def scrub(text: str) -> str:
    """Replace what PostgreSQL and UTF-8 can't hold: NUL and lone surrogates become U+FFFD."""
    return _BAD.sub("\N{REPLACEMENT CHARACTER}", text)


def bounded(text: str) -> str:
    """Return a platform's id as it is kept: scrubbed, and at most 512 characters by which it still differs from others."""
    clean = scrub(text)
    if len(clean) <= LONGEST_KEY:
        return clean
    digest = hashlib.sha256(clean.encode()).hexdigest()
    return f"{clean[: LONGEST_KEY - len(digest) - 1]}#{digest}"
