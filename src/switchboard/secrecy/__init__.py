"""Secrets at rest: credentials are encrypted before they are stored. Owns no tables.

Format of a sealed value: one byte version (1), four bytes key id, twelve bytes nonce, then AES-256-GCM's
ciphertext and tag. Workspace and purpose are authenticated, so that a value copied to another row doesn't
open there. Nonces are random: a key is good for 2**32 values, far more than an installation has credentials.
"""

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["BadKey", "CannotOpen", "Sealer", "create_once", "keys_from_file", "keys_from_text"]

_VERSION: Final = b"\x01"
_KEY_BYTES: Final = 32
_ID_BYTES: Final = 4
_NONCE_BYTES: Final = 12
_HEAD_BYTES: Final = len(_VERSION) + _ID_BYTES + _NONCE_BYTES


class BadKey(ValueError):
    """A key of the settings or the key file can't be used. The text never quotes it."""


class CannotOpen(Exception):
    """A sealed value doesn't open: its key is gone, it was changed, or it belongs elsewhere."""


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"switchboard key id" + key).digest()[:_ID_BYTES]


class Sealer:
    """Seals with the first key, opens with any. To rotate: put a new key first, reseal, drop the old one."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != _KEY_BYTES for key in keys):
            raise BadKey(f"at least one key of {_KEY_BYTES} bytes is needed")
        self._first = _key_id(keys[0])
        self._ciphers = {_key_id(key): AESGCM(key) for key in keys}

    def seal(self, plain: bytes, *, workspace: UUID, purpose: str) -> bytes:
        """Return `plain` encrypted for this workspace and purpose (say, `connection`); 33 bytes longer."""
        nonce = os.urandom(_NONCE_BYTES)
        head = _VERSION + self._first
        return (
            head + nonce + self._ciphers[self._first].encrypt(nonce, plain, _bound(head, workspace, purpose))
        )

    def open(self, sealed: bytes, *, workspace: UUID, purpose: str) -> bytes:
        """Return what was sealed; raises CannotOpen."""
        if sealed[:1] != _VERSION or len(sealed) < _HEAD_BYTES:
            raise CannotOpen("this is not a sealed value")
        head, nonce = sealed[: _HEAD_BYTES - _NONCE_BYTES], sealed[_HEAD_BYTES - _NONCE_BYTES : _HEAD_BYTES]
        cipher = self._ciphers.get(head[1:])
        if cipher is None:
            raise CannotOpen("the key that sealed this value is not among the keys of this installation")
        try:
            return cipher.decrypt(nonce, sealed[_HEAD_BYTES:], _bound(head, workspace, purpose))
        except InvalidTag:
            raise CannotOpen("this value was changed or belongs elsewhere") from None

    def is_current(self, sealed: bytes) -> bool:
        """Return whether the first key sealed this; if not, a rotation should seal it again."""
        return sealed[:1] == _VERSION and sealed[1 : 1 + _ID_BYTES] == self._first


def _bound(head: bytes, workspace: UUID, purpose: str) -> bytes:
    return head + workspace.bytes + purpose.encode()


def keys_from_text(text: str) -> list[bytes]:
    """Read keys written in base64 (either alphabet), separated by white space or commas; raises BadKey."""
    return _decoded(text.replace(",", " ").split())


def keys_from_file(path: Path) -> list[bytes]:
    """Read the key file, one key a line, the current one first; make it with a fresh key if there is none.

    The file is created with mode 0600, whole or not at all, and flushed to disk: a key that is lost after it
    sealed something can't be had again. Two processes that start at once agree on one file. Raises BadKey.
    """
    if not path.exists():
        create_once(path, base64.b64encode(secrets.token_bytes(_KEY_BYTES)) + b"\n")
    lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    return _decoded(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def create_once(path: Path, content: bytes) -> None:
    """Make a file that only we may read, whole or not at all; one that another process made first stays."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # unlike a rename, this leaves a file that another process made first
        except FileExistsError:
            return
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _decoded(texts: Iterable[str]) -> list[bytes]:
    keys = []
    for number, text in enumerate(texts, start=1):
        try:
            key = base64.b64decode(
                text.translate({ord("-"): "+", ord("_"): "/"}) + "=" * (-len(text) % 4), validate=True
            )
        except (binascii.Error, ValueError):
            raise BadKey(f"key {number} is not base64") from None
        if len(key) != _KEY_BYTES:
            raise BadKey(f"key {number} has {len(key)} bytes, not {_KEY_BYTES}")
        keys.append(key)
    if not keys:
        raise BadKey("no key is given")
    return keys
