"""Signatures and encryption of Tencent's callbacks.

AES-256-CBC with the first half of the key as vector. The plain text is 16 random bytes, the length of the content
(4 bytes, big endian), the content, and the id of the receiver: app id or corp id. It is padded to blocks of 32.
"""

import base64
import binascii
import hashlib
import secrets
import struct

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

BLOCK = 32


class Unreadable(Exception):
    """A text that was not encrypted for this receiver."""


def signature(*words: str) -> str:
    """SHA-1 over the sorted words: token, timestamp, nonce and, where there is one, the encrypted text."""
    return hashlib.sha1("".join(sorted(words)).encode()).hexdigest()  # noqa: S324 (the platform's choice)


def encrypt(encoding_aes_key: str, content: bytes, receiver: str) -> str:
    """Base64 of the encrypted content."""
    key = _key(encoding_aes_key)
    plain = secrets.token_bytes(16) + struct.pack(">I", len(content)) + content + receiver.encode()
    rest = BLOCK - len(plain) % BLOCK
    sealing = Cipher(AES(key), CBC(key[:16])).encryptor()
    return base64.b64encode(sealing.update(plain + bytes([rest]) * rest) + sealing.finalize()).decode()


def decrypt(encoding_aes_key: str, sealed: str, receiver: str) -> bytes:
    """The content; Unreadable where anything is wrong with it."""
    key = _key(encoding_aes_key)
    try:
        cipher = base64.b64decode(sealed, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unreadable("not base64") from error
    if not cipher or len(cipher) % 16:
        raise Unreadable("not whole blocks")
    opening = Cipher(AES(key), CBC(key[:16])).decryptor()
    plain = opening.update(cipher) + opening.finalize()
    rest = plain[-1]
    if not 1 <= rest <= BLOCK or plain[-rest:] != bytes([rest]) * rest:
        raise Unreadable("padding")
    plain = plain[:-rest]
    if len(plain) < 20:
        raise Unreadable("too short")
    (length,) = struct.unpack(">I", plain[16:20])
    content, meant = plain[20 : 20 + length], plain[20 + length :]
    if len(content) != length or meant.decode("utf-8", "replace") != receiver:
        raise Unreadable("meant for another receiver")
    return content


def new_key() -> str:
    """An EncodingAESKey: 43 letters and digits that stand for 32 bytes."""
    while True:
        made = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        if made.isalnum():
            return made


def _key(encoding_aes_key: str) -> bytes:
    try:
        key = base64.b64decode(encoding_aes_key + "=")
    except (binascii.Error, ValueError) as error:
        raise Unreadable("the EncodingAESKey is not base64") from error
    if len(key) != 32:
        raise Unreadable("the EncodingAESKey is not 43 letters")
    return key
