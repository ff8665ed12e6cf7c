"""The envelope of Tencent's message platforms (Official Account, mini-program, WeCom): signatures, encryption, XML and JSON.

In safe mode the signature covers the ciphertext; in plain mode only time stamp and nonce, so a plain body proves no more
than that its sender once saw a signed address. Rules: developers.weixin.qq.com, message push; the numbers of a body are
bounded here, since anybody may post one.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from switchboard.channels.api import BadPayload, BadSignature, RawRequest, Reply, decode
from switchboard.channels.reading import Json

FRESH_SECONDS = 300
"""A time stamp further off than this is a replay (or a clock that needs setting)."""
LARGEST_BODY = 256_000
DEEPEST = 12
MOST_ELEMENTS = 2_000
BLOCK = 32
RANDOM = 16
LAST = 253402300799
LONGEST_ID = 200


# -- proof -----------------------------------------------------------------------------------------------------------


def signature_of(*pieces: str) -> str:
    """Return the hex SHA-1 of the pieces in alphabetical order."""
    joined = "".join(sorted(pieces)).encode("utf-8", "replace")
    return hashlib.sha1(joined, usedforsecurity=False).hexdigest()


def unseal(sealed: str, key: str, owner: str) -> bytes:
    """Return what a ciphertext holds: AES-256-CBC, padded to 32 bytes, 16 random bytes, length, content, owner's id.

    `key` is the console's EncodingAESKey (43 characters). Raises BadSignature for another key, padding or owner.
    """
    try:
        secret = base64.b64decode(f"{key}=")
        cipher = base64.b64decode(sealed, validate=True)
        decryptor = Cipher(algorithms.AES256(secret), modes.CBC(secret[:16])).decryptor()
        unpadder = PKCS7(BLOCK * 8).unpadder()
        plain = unpadder.update(decryptor.update(cipher) + decryptor.finalize()) + unpadder.finalize()
        (length,) = struct.unpack_from(">I", plain, RANDOM)
    except (ValueError, binascii.Error, struct.error):
        raise BadSignature("the message can't be decrypted with this EncodingAESKey") from None
    begin = RANDOM + 4
    content, given = plain[begin : begin + length], plain[begin + length :]
    if not hmac.compare_digest(given, owner.encode()):
        raise BadSignature("the message is meant for another account")
    return content


class Gate:
    """Judges what arrives for one account, by its Token and EncodingAESKey (empty: plain mode) of the console.

    `owner` is the AppID or CorpID that ciphertexts end with. `signed` tells whether the platform signs time and nonce
    apart from the ciphertext (WeCom doesn't).
    """

    def __init__(self, token: str, key: str, owner: str, *, signed: bool = True) -> None:
        self._token = token
        self._key = key
        self._owner = owner
        self._signed = signed

    def prove(self, request: RawRequest) -> None:
        """Raise BadSignature unless the request is the platform's, and new."""
        self._fresh(request)
        if self._signed:
            self._compare(request, "signature")
        if self._key:
            try:
                sealed = text(_document(request.body), "Encrypt")
            except BadPayload as bad:
                raise BadSignature(str(bad)) from None
            if not sealed:
                raise BadSignature("the message is not encrypted, though an EncodingAESKey is set")
            self._compare(request, "msg_signature", sealed)
            unseal(sealed, self._key, self._owner)

    def greet(self, request: RawRequest) -> Reply:
        """Answer the console's trial of the address: the echo, decrypted where the platform encrypts it."""
        echo = request.query.get("echostr", "")
        self._fresh(request)
        if not echo:
            raise BadSignature("there is nothing to echo")
        if self._signed:
            self._compare(request, "signature")
            return Reply(body=echo.encode("utf-8", "replace"))
        # A plus sign that was not escaped arrives as a space.
        sealed = echo.replace(" ", "+")
        self._compare(request, "msg_signature", sealed)
        return Reply(body=unseal(sealed, self._key, self._owner))

    def open(self, body: bytes) -> Json:
        """Return the message of a body that was proven; raises BadPayload."""
        if not self._key:
            return _document(body)
        sealed = text(_document(body), "Encrypt")
        try:
            return _document(unseal(sealed, self._key, self._owner))
        except BadSignature as bad:
            raise BadPayload(str(bad)) from None

    def _fresh(self, request: RawRequest) -> None:
        at = moment(request.query, "timestamp")
        if at is None or abs((request.received_at - at).total_seconds()) > FRESH_SECONDS:
            raise BadSignature("the time stamp is missing or more than five minutes off")

    def _compare(self, request: RawRequest, name: str, *more: str) -> None:
        query = request.query
        want = signature_of(self._token, query.get("timestamp", ""), query.get("nonce", ""), *more)
        if not hmac.compare_digest(want.encode(), query.get(name, "").encode("utf-8", "replace")):
            raise BadSignature(f"{name} does not fit")


# -- bodies ----------------------------------------------------------------------------------------------------------


class _Tree:
    """Builds dicts out of XML: a name that comes again becomes a list, an element without children its text."""

    def __init__(self) -> None:
        self.root: Any = None
        self._count = 0
        self._open: list[tuple[str, Json, list[str]]] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        del attributes
        self._count += 1
        if len(self._open) >= DEEPEST or self._count > MOST_ELEMENTS:
            raise BadPayload("the XML is nested too deeply, or has too many elements")
        self._open.append((tag, {}, []))

    def data(self, piece: str) -> None:
        if self._open:
            self._open[-1][2].append(piece)

    def end(self, tag: str) -> None:
        _, inside, words = self._open.pop()
        value: Any = inside or "".join(words)
        if not self._open:
            self.root = value
            return
        into = self._open[-1][1]
        if tag not in into:
            into[tag] = value
        elif isinstance(into[tag], list):
            into[tag].append(value)
        else:
            into[tag] = [into[tag], value]

    def close(self) -> Any:
        return self.root


def _document(body: bytes) -> Json:
    """Return a JSON or XML object; raises BadPayload. No entities, no document types, bounded size and depth."""
    if len(body) > LARGEST_BODY:
        raise BadPayload("the body is too large")
    found: Any
    if body.lstrip()[:1] == b"<":
        parser = DefusedXMLParser(target=_Tree(), forbid_dtd=True)
        try:
            parser.feed(body)
            found = parser.close()
        except DefusedXmlException:
            raise BadPayload("the XML declares entities or a document type") from None
        except (ParseError, ValueError, LookupError) as error:
            raise BadPayload(f"the body is not XML: {str(error)[:200]}") from None
    else:
        found = decode(body)
    if not isinstance(found, dict):
        raise BadPayload("the body holds no fields")
    return found


# -- fields ----------------------------------------------------------------------------------------------------------


def text(value: Any, *path: str) -> str:
    """Return the text (or whole number as text) at a path, empty when there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**40 else ""
    return ""


def rows(value: Any, name: str) -> list[Json]:
    """Return the objects under a name: one that stands alone is a list of one."""
    found = value.get(name) if isinstance(value, dict) else None
    listed = found if isinstance(found, list) else [found]
    return [one for one in listed if isinstance(one, dict)]


def scalars(value: Json, *without: str) -> dict[str, str]:
    """Return the short fields of an object, to be shown beside a piece of news."""
    found = {name[:100]: text(value, name)[:500] for name in value if name not in without}
    return dict([item for item in found.items() if item[1]][:20])


def moment(value: Any, name: str) -> datetime | None:
    """Return a time given as Unix seconds, None when it is no sensible one."""
    digits = text(value, name).strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 12):
        return None
    seconds = int(digits)
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < LAST else None


def degrees(value: Any, name: str, most: float) -> float | None:
    """Return degrees within ±`most`, however they are written."""
    given = value.get(name) if isinstance(value, dict) else None
    if isinstance(given, bool) or not isinstance(given, int | float | str) or len(str(given)) > 40:
        return None
    try:
        found = float(given)
    except ValueError:
        return None
    return found if abs(found) <= most else None


def bounded(name: str) -> str:
    """Return an id or key of ours that stays short: what is longer is told by its digest."""
    if len(name) <= LONGEST_ID:
        return name
    return f"{name[:40]}#{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:32]}"
