"""Visitors' tokens: made and signed here; a visitor's id is the token's digest, so nothing is kept and nobody can guess one.

`core.mark` is an unknown visitor's, `core.mark.user` that of somebody whom the host's server vouched for: `user` is the digest
of their id there, and makes the visitor. So one visitor never becomes two people, whatever tokens a page mixes up.
"""

import hashlib
import hmac
import secrets


class VisitorTokens:
    """Makes and checks the tokens of all sites of this installation."""

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.sha256(b"visitor" + key).digest()

    def make(self, site: str, user_id: str = "") -> str:
        """Return a new token: 256 random bits, our mark over them, and whose it is when the host's server said so."""
        core = secrets.token_urlsafe(32)
        user = self._digest(site, user_id) if user_id else ""
        return f"{core}.{self._mark(site, core, user)}" + (f".{user}" if user else "")

    def visitor(self, site: str, token: str) -> str | None:
        """Return whose token this is; None when we did not make it for this site."""
        core, user = self._open(site, token)
        if core is None:
            return None
        return hashlib.sha256(
            f"{site}:user:{user}".encode() if user else f"{site}:{core}".encode()
        ).hexdigest()[:40]

    def is_of(self, site: str, token: str, user_id: str) -> bool:
        """Tell whether a token is good and this user's; without a user, whether it is an unknown visitor's."""
        core, user = self._open(site, token)
        return core is not None and user == (self._digest(site, user_id) if user_id else "")

    def _open(self, site: str, token: str) -> tuple[str | None, str]:
        core, _, rest = token.partition(".")
        mark, _, user = rest.partition(".")
        good = len(core) >= 40 and hmac.compare_digest(mark.encode(), self._mark(site, core, user).encode())
        return (core, user) if good else (None, "")

    def _digest(self, site: str, user_id: str) -> str:
        return hmac.new(
            self._key, f"{site}:user:{user_id}".encode("utf-8", "replace"), hashlib.sha256
        ).hexdigest()[:32]

    def _mark(self, site: str, core: str, user: str) -> str:
        said = f"{site}:{core}:{user}".encode("utf-8", "replace")
        return hmac.new(self._key, said, hashlib.sha256).hexdigest()[:32]
