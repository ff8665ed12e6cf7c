"""Signed links: who holds one may fetch that file until it expires."""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote
from uuid import UUID

LIFETIME_SECONDS: Final = 12 * 3600
PREFIX: Final = "/files/"


class Signer:
    """Makes and checks links of the form `/files/<id>/<name>?w=<workspace>&e=<expiry>&s=<signature>`.

    The expiry is rounded up to a multiple of the lifetime, so that a link stays the same, and a browser's
    cache useful, for that long; it is good for one to two lifetimes. `base` is for absolute links.
    """

    def __init__(
        self,
        key: bytes,
        *,
        base: str = "",
        lifetime: int = LIFETIME_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if len(key) < 32:
            raise ValueError("a signing key needs 32 bytes")
        self._key = key
        self._base = base.rstrip("/")
        self._lifetime = lifetime
        self._clock = clock

    def link(self, workspace: UUID, file_id: UUID, name: str) -> str:
        """Return the link of a file."""
        expiry = (int(self._clock()) // self._lifetime + 2) * self._lifetime
        # A surrogate can't be sent; a slash would end the name.
        written = name.encode("utf-8", "replace").decode().replace("/", "_") or "file"
        signature = self._signature(workspace, file_id, written, expiry)
        return (
            f"{self._base}{PREFIX}{file_id}/{quote(written, safe='')}?w={workspace}&e={expiry}&s={signature}"
        )

    def check(self, path: str, query: Mapping[str, str]) -> tuple[UUID, UUID, int] | None:
        """Return workspace, file and seconds left of a link by its decoded path; None when it isn't good."""
        file_text, _, name = path.removeprefix(PREFIX).partition("/")
        try:
            workspace, file_id, expiry = UUID(query["w"]), UUID(file_text), int(query["e"])
        except (KeyError, ValueError):
            return None
        given = query.get("s", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, self._signature(workspace, file_id, name, expiry).encode()):
            return None
        left = expiry - int(self._clock())
        return (workspace, file_id, left) if left > 0 else None

    def _signature(self, workspace: UUID, file_id: UUID, name: str, expiry: int) -> str:
        # The name comes last: nothing in it can be taken for another field.
        signed = f"file\n{workspace}\n{file_id}\n{expiry}\n{name}".encode("utf-8", "replace")
        digest = hmac.new(self._key, signed, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
