"""Text from outside, made safe to keep."""

import re

_BAD = re.compile("[\x00\ud800-\udfff]")


def scrub(text: str) -> str:
    """Replace what PostgreSQL and UTF-8 can't hold: NUL and lone surrogates become U+FFFD."""
    return _BAD.sub("\N{REPLACEMENT CHARACTER}", text)
