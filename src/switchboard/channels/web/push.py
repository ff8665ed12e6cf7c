"""What Apple's and Google's push services have in common: the note, the keys, what a service says of a token."""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from switchboard.channels.api import Http, Io, Response, Retry

MAX_BYTES: Final = 4096
"""Of a payload, at both services."""
LIVES: Final = 86_400
"""Seconds that a service tries to reach a phone that is switched off."""
SHOWN: Final = 300
"""Characters of a message that a notification quotes."""
_NEW: Final = {"en": "New message", "zh": "新消息"}
_KINDS: Final = {
    "image": {"en": "Picture", "zh": "图片"},
    "audio": {"en": "Voice message", "zh": "语音消息"},
    "video": {"en": "Video", "zh": "视频"},
    "file": {"en": "File", "zh": "文件"},
    "sticker": {"en": "Sticker", "zh": "表情"},
    "location": {"en": "Location", "zh": "位置"},
}
_WORDS: Final = ("text", "caption", "title", "name")
_ARMOUR: Final = re.compile(r"-----(BEGIN|END) [A-Z ]*PRIVATE KEY-----")


class PushIo(Io, Protocol):
    """The outside world, with an HTTP/2 client besides: Apple speaks nothing else."""

    http2: Http


class Note(msgspec.Struct, frozen=True):
    """What appears on the phone. `key` stays the same over retries; notes of one conversation replace one another."""

    key: UUID
    title: str
    text: str
    badge: int
    conversation_id: UUID
    message_id: UUID


class GoneToken(Exception):
    """The app is no longer on this phone, at the latest since a moment (None: not told)."""

    def __init__(self, since: datetime | None = None) -> None:
        super().__init__()
        self.since = since


def in_words(parts: Sequence[Mapping[str, Any]], language: str, *, quote: bool) -> str:
    """Return what a notification says of a message in the phone's language; its own words only with `quote`."""
    if not quote:
        return _NEW[language]
    for part in parts:
        kind = _KINDS.get(str(part.get("type")), {}).get(language, "")
        words = next(
            (one for one in (part.get(name) for name in _WORDS) if isinstance(one, str) and one.strip()), ""
        )
        found = f"[{kind}] {words}".strip() if kind else words
        if found:
            found = " ".join(found.split())
            return found if len(found) <= SHOWN else f"{found[: SHOWN - 1]}…"
    return _NEW[language]


def key_bytes(text: str) -> bytes:
    """Return the DER of a PEM private key, also of one whose line breaks a form has swallowed; raises ValueError."""
    try:
        return base64.b64decode("".join(_ARMOUR.sub("", text).split()), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("The private key is not in PEM format.") from None


@lru_cache(64)
def apple_key(text: str) -> ECKey:
    """Return the signing key of a .p8 file; raises ValueError."""
    try:
        key = ECKey.import_key(_pem(key_bytes(text)))
    except (JoseError, ValueError, TypeError):
        raise ValueError("This is not the content of Apple's .p8 file.") from None
    if key.curve_name != "P-256" or not key.is_private:
        raise ValueError("This is not the content of Apple's .p8 file.")
    return key


@lru_cache(64)
def google_key(text: str) -> RSAKey:
    """Return the signing key of a service account; raises ValueError."""
    try:
        key = RSAKey.import_key(_pem(key_bytes(text)))
    except (JoseError, ValueError, TypeError):
        raise ValueError("The private_key of this service account can't be read.") from None
    return key


def _pem(der: bytes) -> bytes:
    return b"-----BEGIN PRIVATE KEY-----\n" + base64.encodebytes(der) + b"-----END PRIVATE KEY-----\n"


def named(service: str, *parts: str) -> str:
    """Return the name under which a service's token is kept: another key has another token."""
    return f"{service}:{hashlib.sha256(repr(parts).encode()).hexdigest()[:16]}"


def fitting(note: Note, build: Any) -> dict[str, Any]:
    """Return the payload that `build` makes of title and text, the text cut until it fits the services' 4 KB."""
    text = note.text
    while True:
        payload: dict[str, Any] = build(note.title, text)
        spare = MAX_BYTES - len(msgspec.json.encode(payload))
        if spare >= 0 or not text:
            return payload
        # One character takes at most six bytes in JSON; cutting less than needed only means another round.
        text = text[: max(0, len(text) - max(1, -spare // 6) - 1)].rstrip() + ("…" if len(text) > 2 else "")


def later(answer: Response, words: str) -> Retry:
    """Return the failure of a service that is busy, with its own wish when to come back."""
    return Retry(words, code=str(answer.status), after=_seconds(answer.headers))


def _seconds(headers: Mapping[str, str]) -> float | None:
    told = headers.get("retry-after", "")
    return min(3600.0, float(told)) if told.isdecimal() and len(told) < 9 else None
