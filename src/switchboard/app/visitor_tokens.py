"""Visitors' tokens: made and signed here; a visitor's id is the token's digest, so nothing is kept and nobody can guess one."""

import hashlib
import hmac
import secrets


class VisitorTokens:
    """Makes and checks the tokens of all sites of this installation."""

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.sha256(b"visitor" + key).digest()

    def make(self, site: str) -> str:
        """Return a new visitor's token: 256 random bits and our mark over them."""
        core = secrets.token_urlsafe(32)
        return f"{core}.{self._mark(site, core)}"

    def visitor(self, site: str, token: str) -> str | None:
        """Return whose token this is; None when we did not make it for this site."""
        core, _, mark = token.partition(".")
        if len(core) < 40 or not hmac.compare_digest(mark.encode(), self._mark(site, core).encode()):
            return None
        return hashlib.sha256(f"{site}:{core}".encode()).hexdigest()[:40]

    def _mark(self, site: str, core: str) -> str:
        return hmac.new(self._key, f"{site}:{core}".encode(), hashlib.sha256).hexdigest()[:32]
