"""The signature of the pair, the same in both directions: `t=<unix seconds>,v1=<hex>`.

`v1` is HMAC-SHA256 over `<t>.<raw body>`. The time is signed too, so an old request can't be sent again;
several `v1` may stand in one header while a secret is being changed.
"""

import hmac
from collections.abc import Sequence
from datetime import datetime

from switchboard.channels.api import BadSignature

HEADER = "X-Switchboard-Signature"
TOLERANCE = 300
_MOST = 8


def sign(secrets: Sequence[str], timestamp: int, body: bytes) -> str:
    """Return the header's value, one `v1` for each secret."""
    return ",".join([f"t={timestamp}", *(f"v1={_mac(secret, timestamp, body)}" for secret in secrets)])


def check(header: str, secrets: Sequence[str], body: bytes, received_at: datetime) -> None:
    """Raise BadSignature unless one `v1` fits one secret and the time is within five minutes of arrival."""
    pairs = [piece.strip().partition("=") for piece in header.split(",")[: 2 * _MOST]]
    times = [value for name, _, value in pairs if name == "t"]
    given = [value.lower() for name, _, value in pairs if name == "v1"]
    if len(times) != 1 or not times[0].isascii() or not times[0].isdecimal() or len(times[0]) > 12:
        raise BadSignature("the signature names no time")
    timestamp = int(times[0])
    fits = [
        hmac.compare_digest(_mac(secret, timestamp, body).encode(), value.encode("utf-8", "replace"))
        for secret in secrets
        if secret
        for value in given
    ]
    if not any(fits):
        raise BadSignature("the signature doesn't fit the body")
    if abs(received_at.timestamp() - timestamp) > TOLERANCE:
        raise BadSignature("the signature is older or newer than five minutes")


def _mac(secret: str, timestamp: int, body: bytes) -> str:
    return hmac.digest(secret.encode(), f"{timestamp}.".encode() + body, "sha256").hex()
