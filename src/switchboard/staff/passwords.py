"""Passwords: argon2id in threads, two at a time, so that a crowd at the door can't take memory or processors
away.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from switchboard.core.errors import Invalid, TooMany

T = TypeVar("T")
SHORTEST = 8
LONGEST = 200
_CONCURRENT = 2
_MAX_WAITING = 40
_hasher = PasswordHasher()
_threads = ThreadPoolExecutor(_CONCURRENT, "argon2")
_waiting = 0
NOBODY = _hasher.hash("nobody has this password")
"""Verified against where there is no account, so that both answers take the same time."""


def check(password: str, field: str = "password") -> None:
    """Raise Invalid for a password too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Invalid(
            f"A password has {SHORTEST} to {LONGEST} characters.", field=field, code="weak_password"
        )


async def hashed(password: str) -> str:
    """Return what is kept of a password."""
    return await _in_thread(_hasher.hash, password)


async def matches(kept: str, password: str) -> bool:
    """Tell whether a password is the one kept; raises TooMany when too many are waiting already."""
    return await _in_thread(_verify, kept, password)


def outdated(kept: str) -> bool:
    """Tell whether a hash should be made anew with today's parameters."""
    return _hasher.check_needs_rehash(kept)


def _verify(kept: str, password: str) -> bool:
    try:
        return _hasher.verify(kept, password)
    except (Argon2Error, InvalidHashError):
        return False


async def _in_thread(work: Callable[..., T], *arguments: str) -> T:
    global _waiting
    if _waiting >= _MAX_WAITING:
        raise TooMany("Too many people are signing in just now.", after=2)
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads, work, *arguments)
    finally:
        _waiting -= 1
