"""How mails of one conversation find each other: Message-IDs made of our keys, References, plus addresses."""

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256

_PLAIN_KEY = re.compile(r"[A-Za-z0-9-]{8,64}")
_OURS = re.compile(r"<sw\.([A-Za-z0-9-]{8,64})@([^<>\s]+)>")
_TOKEN = re.compile(r"[^@+]+\+([A-Za-z0-9-]{8,64})@")
MAX_REFERENCES = 30


def message_id(key: str, address: str) -> str:
    """Return the Message-ID of the mail sent under an idempotency key: the same on every attempt."""
    name = key if _PLAIN_KEY.fullmatch(key) else sha256(key.encode("utf-8", "replace")).hexdigest()[:40]
    return f"<sw.{name}@{address.rpartition('@')[2].lower()}>"


def key_of(identifier: str, address: str) -> str:
    """Return the idempotency key inside a Message-ID of ours, empty for anybody else's."""
    found = _OURS.fullmatch(identifier)
    return found[1] if found and found[2].lower() == address.rpartition("@")[2].lower() else ""


def plus_address(address: str, key: str) -> str:
    """Return our address with a token naming the mail sent under this key; else the address itself."""
    token = _OURS.fullmatch(message_id(key, address))
    local, at, domain = address.partition("@")
    return f"{local}+{token[1]}{at}{domain}" if token and "+" not in local else address


def named_by_token(recipients: Iterable[str], address: str) -> str:
    """Return the Message-ID of the mail of ours that a plus address among the recipients names, or empty."""
    local, _, domain = address.lower().partition("@")
    for recipient in recipients:
        found = _TOKEN.match(recipient)
        if found and recipient.lower() == f"{local}+{found[1].lower()}@{domain}":
            return message_id(found[1], address)
    return ""


def references(thread: Sequence[str], answered: str) -> list[str]:
    """Return ancestors for a References header, oldest first, the answered one last, the middle left out."""
    ids = [identifier for identifier in dict.fromkeys(thread) if identifier != answered]
    ids += [answered] if answered else []
    return ids if len(ids) <= MAX_REFERENCES else [ids[0], *ids[1 - MAX_REFERENCES :]]
