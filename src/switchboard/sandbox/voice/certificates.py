"""The certificates with which voice platforms sign their requests, made by an authority of the sandbox's own.

What is served at a path is a chain in PEM, leaf first, root last. Besides the good one there are flawed ones, each for one
thing that a skill has to notice.
"""

import base64
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

FLAWS = ("expired", "name", "chain")
"""Out of date; for another name; signed by somebody who isn't in the chain."""
DAY = timedelta(days=1)


class Signer:
    """A private key and the chain that speaks for it."""

    def __init__(self, key: rsa.RSAPrivateKey, chain: bytes) -> None:
        self._key = key
        self.chain = chain

    def sign(self, body: bytes, digest: hashes.HashAlgorithm) -> str:
        """Return the signature in base64."""
        return base64.b64encode(self._key.sign(body, padding.PKCS1v15(), digest)).decode()


@cache
def authority(name: str = "Sandbox Voice Root") -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    """Return the root, made when it is first needed."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    builder = _builder(name, name, key.public_key(), datetime.now(UTC) - DAY, 365)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    return key, builder.sign(key, hashes.SHA256())


@cache
def signer(dns_name: str, flaw: str = "") -> Signer:
    """Return who signs for a platform; `flaw` names what is wrong with the certificate."""
    root_key, root = authority()
    issuer_key = authority("A Stranger")[0] if flaw == "chain" else root_key
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    begins = datetime.now(UTC) - (60 * DAY if flaw == "expired" else DAY)
    name = f"not-{dns_name}" if flaw == "name" else dns_name
    builder = _builder(name, "Sandbox Voice Root", key.public_key(), begins, 30)
    leaf = (
        builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False
        )
        .sign(issuer_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return Signer(key, leaf.public_bytes(pem) + root.public_bytes(pem))


def _builder(
    subject: str, issuer: str, key: rsa.RSAPublicKey, begins: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + days * DAY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=not signs_certificates,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
