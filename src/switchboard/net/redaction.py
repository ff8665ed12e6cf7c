"""Takes secrets out of texts that others wrote (platforms like to quote the token they refuse)."""

import re
from collections.abc import Iterable
from typing import Final

_GONE: Final = "[…]"
_URL: Final = re.compile(
    r"\b([a-z][a-z0-9+.-]{1,20}://)(?:[^\s/@\"'<>]*@)?([^\s/?#\"'<>]+)([^\s\"'<>]*)", re.IGNORECASE
)
_SCHEME: Final = re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/:=|-]{8,}", re.IGNORECASE)
_BOT: Final = re.compile(r"\b\d{6,12}:[A-Za-z0-9_-]{30,}")  # the form of Telegram's tokens
_WORD: Final = r"(?:token|secret|passwo?r?d|pwd|api[_-]?key|signature|authorization|credential)"
_NAME: Final = rf"([\w-]{{0,40}}{_WORD}[\w-]{{0,40}})"
_ASSIGNED: Final = re.compile(_NAME + r"(\"?'?\s*[:=]\s*[\"']|\s*=\s*)(?!\[…\])[^\s\"'&,;}]+", re.IGNORECASE)
# After a plain colon prose may follow ("access token: session has expired"): only what looks opaque goes.
_TOLD: Final = re.compile(_NAME + r"(:\s*)(?=[^\s\"'&,;}]*\d)[^\s\"'&,;}]{8,}", re.IGNORECASE)


def _bare(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}" + (f"/{_GONE}" if found[3].strip("/") else "")


def redact(text: str, secrets: Iterable[str] = (), *, limit: int = 500) -> str:
    """Return `text` without the given secrets, addresses' paths and apparent credentials, cut to `limit`."""
    for secret in sorted((one for one in secrets if len(one) >= 4), key=len, reverse=True):
        text = text.replace(secret, _GONE)
    text = text[: 4 * limit]  # the patterns need not look at more than can be shown
    text = _URL.sub(_bare, text)
    text = _SCHEME.sub(rf"\1 {_GONE}", text)
    text = _BOT.sub(_GONE, text)
    text = _ASSIGNED.sub(rf"\1\2{_GONE}", text)
    text = _TOLD.sub(rf"\1\2{_GONE}", text)
    return text if len(text) <= limit else text[: limit - 1] + "…"
