"""Opaque secrets: 256 random bits with a prefix that says what they are; only their SHA-256 is kept."""

import hashlib
import secrets

SESSION = "sbs_"
KEY = "sbk_"
INVITATION = "sbi_"


def make(prefix: str) -> str:
    """Return a new token."""
    return prefix + secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
