"""Who signed a voice platform's request: its certificate, fetched from the one place that may hold it, checked and kept.

Fetching happens in `prepare`, judging in `verify`, which is pure: what it needs is in memory by then.
"""

import base64
import binascii
import contextlib
import posixpath
import re
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import certifi
import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from switchboard.channels.api import BadSignature, InDoubt, Io, Outcome, Retry

KEPT = 16
LOOK_AGAIN = timedelta(minutes=1)
LARGEST = 100_000
HASHES = {"sha256": hashes.SHA256(), "sha1": hashes.SHA1()}  # noqa: S303 (DuerOS has nothing better)
PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
PATH = re.compile(r"/[A-Za-z0-9._/-]+")


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Where a platform keeps its certificate and what must stand in it.

    `platform` names the address that an operator may replace (the sandbox). `any_case`: scheme and host may be written in
    capitals. `chained`: the file holds the chain up to a root that everybody trusts.
    """

    label: str
    platform: str
    host: str
    path: str
    name: str
    digest: Literal["sha256", "sha1"]
    any_case: bool = False
    chained: bool = True

    @property
    def root(self) -> str:
        """The platform's own address."""
        return f"https://{self.host}"

    def place(self, url: str) -> str:
        """Return the path of a certificate; BadSignature when the address can't be the platform's."""
        if not url.isascii() or not url.isprintable() or len(url) > 500:
            raise BadSignature(f"{self.label}: the certificate's address is none")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise BadSignature(f"{self.label}: the certificate's address is none") from None
        said, meant = url.split("/", 3)[:3], ["https:", "", self.host]
        if self.any_case:
            said = [one.lower() for one in said]
        if said not in (meant, [*meant[:2], f"{self.host}:443"]) or port not in (None, 443):
            raise BadSignature(f"{self.label}: the certificate is not on {self.host}")
        path = posixpath.normpath(parts.path) if PATH.fullmatch(parts.path) else ""
        if not path.startswith(self.path) or parts.query or parts.fragment:
            raise BadSignature(f"{self.label}: the certificate is not under {self.path}")
        return path


class Proven(msgspec.Struct, frozen=True):
    """A certificate that was checked, as long as it is valid."""

    key: rsa.RSAPublicKey
    begins: datetime
    ends: datetime
    address: str
    fetched: datetime

    def signed(self, signature: str, body: bytes, digest: str) -> bool:
        """Whether its owner signed the body."""
        try:
            mark = base64.b64decode(signature.encode(), validate=True)
            self.key.verify(mark, body, padding.PKCS1v15(), HASHES[digest])
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True


class Certificates:
    """One platform's certificates, by address. They are the platform's, whichever connection met them first."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._kept: dict[str, Proven] = {}

    async def fetch(self, io: Io, url: str, signature: str, body: bytes, at: datetime) -> None:
        """Have the certificate at an address that signed the body; raises BadSignature, Retry or InDoubt.

        A signature that doesn't fit may mean that the platform has put another certificate in the same place: it is looked at
        again, once a minute at most.
        """
        path = self._rules.place(url)
        address = f"{io.platform_url(self._rules.platform, self._rules.root)}{path}"
        kept = self._kept.get(path)
        if kept is not None and kept.address == address and kept.begins <= at <= kept.ends:
            fits = kept.signed(signature, body, self._rules.digest)
            if fits or at - kept.fetched < LOOK_AGAIN:
                return
        proven = await self._fetched(io, address, at)
        if path not in self._kept and len(self._kept) >= KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[path] = proven

    def prove(self, url: str, signature: str, body: bytes, at: datetime) -> None:
        """Raise BadSignature unless the certificate at an address signed the body and was valid then. Pure."""
        kept = self._kept.get(self._rules.place(url))
        if kept is None:
            raise BadSignature(f"{self._rules.label}: the certificate is not known")
        if not kept.begins <= at <= kept.ends:
            raise BadSignature(f"{self._rules.label}: the certificate is out of date")
        if not kept.signed(signature, body, self._rules.digest):
            raise BadSignature(f"{self._rules.label}: the signature does not fit the body")

    async def _fetched(self, io: Io, address: str, at: datetime) -> Proven:
        try:
            answer = await io.http.request("GET", address, timeout=3, max_bytes=LARGEST)
        except (Retry, InDoubt):
            raise
        except Outcome as error:
            raise BadSignature(f"{self._rules.label}: no certificate: {error}") from None
        if answer.status >= 500 or answer.status == 429:
            raise Retry(f"{self._rules.label}: no certificate now ({answer.status})")
        if answer.status != 200:
            raise BadSignature(f"{self._rules.label}: no certificate there ({answer.status})")
        chain = _chain(answer.body)
        # Whoever puts a stand-in in the platform's place vouches for what it sends.
        own = address.startswith(f"{self._rules.root}/")
        leaf = check(self._rules, chain, at, roots_everybody_trusts() if own else chain[-1:])
        key = _key(self._rules, leaf)
        return Proven(key, leaf.not_valid_before_utc, leaf.not_valid_after_utc, address, at)


def check(
    rules: Rules, chain: Sequence[x509.Certificate], at: datetime, roots: Sequence[x509.Certificate]
) -> x509.Certificate:
    """Return the first certificate of a chain once it is proven to be the platform's; raises BadSignature."""
    if not chain:
        raise BadSignature(f"{rules.label}: the file holds no certificate")
    leaf = chain[0]
    if not leaf.not_valid_before_utc <= at <= leaf.not_valid_after_utc:
        raise BadSignature(f"{rules.label}: the certificate is out of date")
    if rules.name not in _names(leaf):
        raise BadSignature(f"{rules.label}: the certificate is not for {rules.name}")
    if rules.chained:
        verifier = PolicyBuilder().store(Store(list(roots))).time(at.astimezone(UTC))
        try:
            verifier.build_server_verifier(x509.DNSName(rules.name)).verify(leaf, list(chain[1:]))
        except (VerificationError, ValueError) as error:
            raise BadSignature(
                f"{rules.label}: the certificate has no trusted root ({error})"[:300]
            ) from None
    return leaf


@cache
def roots_everybody_trusts() -> tuple[x509.Certificate, ...]:
    """Return the certificate authorities of the Mozilla list, but those that `cryptography` takes exception to."""
    found = []
    for block in PEM.findall(Path(certifi.where()).read_bytes()):
        with warnings.catch_warnings(), contextlib.suppress(ValueError, CryptographyDeprecationWarning):
            warnings.simplefilter("error", CryptographyDeprecationWarning)
            found.append(x509.load_pem_x509_certificate(block))
    return tuple(found)


def _chain(body: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(body)
    except (ValueError, CryptographyDeprecationWarning):
        return []


def _key(rules: Rules, leaf: x509.Certificate) -> rsa.RSAPublicKey:
    try:
        key = leaf.public_key()
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, rsa.RSAPublicKey):
        raise BadSignature(f"{rules.label}: the certificate holds no RSA key")
    return key


def _names(leaf: x509.Certificate) -> list[str]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return names.get_values_for_type(x509.DNSName)
