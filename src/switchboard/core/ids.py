"""Identifiers: UUIDv7 (RFC 9562) so that ids sort by the moment they were made."""

import random
import secrets
import time
import zlib
from datetime import datetime
from uuid import UUID

# Ids must differ, not be secret: a generator seeded once spares a system call for each of them.
_random = random.Random(secrets.randbits(256))
_last_ms = 0
_counter = 0


def new_id(at_ms: int | None = None) -> UUID:
    """Return a fresh UUIDv7; ids made by one process in one millisecond keep their order (12-bit counter)."""
    global _last_ms, _counter
    now = time.time_ns() // 1_000_000 if at_ms is None else at_ms
    if now > _last_ms or at_ms is not None:
        milliseconds, counter = now, _random.getrandbits(10)
        if at_ms is None:
            _last_ms, _counter = milliseconds, counter
    else:
        _counter += 1
        if _counter > 0xFFF:
            _last_ms, _counter = _last_ms + 1, 0
        milliseconds, counter = _last_ms, _counter
    value = (
        (milliseconds & 0xFFFF_FFFF_FFFF) << 80
        | 0x7 << 76
        | counter << 64
        | 0b10 << 62
        | _random.getrandbits(62)
    )
    return UUID(int=value)


def first_id(at: datetime) -> UUID:
    """Return an id below all those made at a moment or later."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def lane_of(connection: UUID, key: str) -> int:
    """Return the lane (0–1023) in which all facts of one sender on one connection keep their order."""
    return zlib.crc32(key.encode("utf-8", "surrogatepass"), zlib.crc32(connection.bytes)) & 1023


def send_key(message: UUID, piece: int) -> str:
    """Return the idempotency key of one piece of a message: `<message id>-<piece>`."""
    return f"{message}-{piece}"


def split_send_key(key: str) -> tuple[UUID, int] | None:
    """Return message and piece of one of our idempotency keys, None for anything else."""
    try:
        message, piece = UUID(key[:36]), int(key[37:] or 0)
    except ValueError:
        return None
    return (message, piece) if 0 <= piece < 1 << 15 else None


def new_secret() -> str:
    """Return 128 random bits as 32 hex digits, for webhook paths and the like."""
    return secrets.token_hex(16)
