"""What voice skills share: certificates and their authorities (made here), what is said when."""

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from switchboard.channels.api import BadSignature, InDoubt, Retry, Text
from switchboard.channels.contract import Answer, ScriptedIo
from switchboard.channels.families.voice import (
    CHINESE,
    ENGLISH,
    Kind,
    Said,
    Turn,
    answer,
    chinese,
    written_time,
)
from switchboard.channels.families.voice_certificates import (
    KEPT,
    Certificates,
    Rules,
    check,
    roots_everybody_trusts,
)

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
RULES = Rules(
    label="Test", platform="test_certificates", host="certificates.example", path="/keys/", name="signer.example",
    digest="sha256",
)  # fmt: skip
URL = "https://certificates.example/keys/signer.pem"


@cache
def key_of(whom: str) -> rsa.RSAPrivateKey:
    """A key for everybody who needs one: making them takes long."""
    del whom
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Authority:
    """A certificate authority with one in between, and what it signs for a host name."""

    def __init__(self, name: str = "signer.example", *, years: tuple[int, int] = (2020, 2040)) -> None:
        self.key = key_of("signer")
        begins, ends = (datetime(year, 1, 1, tzinfo=UTC) for year in years)
        span = (datetime(2015, 1, 1, tzinfo=UTC), datetime(2045, 1, 1, tzinfo=UTC))
        self.root = self._made("Root", "Root", key_of("root"), key_of("root"), span, ca=True)
        self.between = self._made("Between", "Root", key_of("between"), key_of("root"), span, ca=True)
        self.leaf = self._made(name, "Between", self.key, key_of("between"), (begins, ends), ca=False)

    @staticmethod
    def _made(
        whose: str, by: str, key: rsa.RSAPrivateKey, signer: rsa.RSAPrivateKey, span: tuple[datetime, datetime], *, ca: bool
    ) -> x509.Certificate:  # fmt: skip
        named, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (whose, by))
        usage = x509.KeyUsage(
            digital_signature=not ca, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=ca, crl_sign=ca, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        builder = (
            x509.CertificateBuilder()
            .subject_name(named)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(span[0])
            .not_valid_after(span[1])
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
            )
        )
        if not ca:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(whose)]), critical=False
            ).add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        return builder.sign(signer, hashes.SHA256())

    def chain(self) -> list[x509.Certificate]:
        """Leaf first, root last."""
        return [self.leaf, self.between, self.root]

    def file(self, *certificates: x509.Certificate) -> bytes:
        """The chain as platforms keep it."""
        return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates or self.chain())

    def signature(self, body: bytes, digest: hashes.HashAlgorithm | None = None) -> str:
        """What the platform writes into its header."""
        made = self.key.sign(body, padding.PKCS1v15(), digest or hashes.SHA256())
        return base64.b64encode(made).decode()


class ReplacedIo(ScriptedIo):
    """A world in which an operator has put a stand-in in the platform's place."""

    def platform_url(self, name: str, default: str) -> str:
        """Return the stand-in's address."""
        del name, default
        return "https://stand-in.example"


AUTHORITY = Authority()
PROOF = (AUTHORITY.signature(b"body"), b"body")


def served(file: bytes = b"", **answer: Any) -> ReplacedIo:
    """A stand-in that serves a certificate file."""
    return ReplacedIo([Answer(data=file or AUTHORITY.file(), **answer)])


# -- where a certificate may be ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [URL, "https://certificates.example:443/keys/signer.pem", "https://certificates.example/keys/../keys/signer.pem"],
)  # fmt: skip
def test_the_platforms_own_place_is_known_in_all_its_spellings(url: str) -> None:
    """Port 443 may be said, detours are straightened."""
    assert RULES.place(url) == "/keys/signer.pem"


@pytest.mark.parametrize(
    "url",
    [
        "", "signer.pem", "http://certificates.example/keys/signer.pem", "https://elsewhere.example/keys/signer.pem",
        "https://certificates.example:563/keys/signer.pem", "https://certificates.example/KEYS/signer.pem",
        "https://certificates.example/other/signer.pem", "https://certificates.example/keys/../other/signer.pem",
        "https://certificates.example.evil.example/keys/signer.pem", "https://certificates.example@evil.example/keys/s.pem",
        "https://evil.example\\@certificates.example/keys/s.pem", "https://certificates.example/keys/%2e%2e/other/s.pem",
        "https://certificates.example/keys/signer.pem?x=1", "https://certificates.example/keys/signer.pem#x",
        "https://certificates.example:x/keys/s.pem", "https://certificates.example/keys/s.pem\n", "https://[/keys/s.pem",
        "https://certificates.example/keys/" + "s" * 600, "HTTPS://CERTIFICATES.EXAMPLE/keys/signer.pem",
        "https://certificates.example//keys/signer.pem", "https://user:x@certificates.example/keys/signer.pem", "é",
    ],
)  # fmt: skip
async def test_any_other_place_is_refused_before_it_is_asked(url: str) -> None:
    """Nobody may make us fetch what they like, nor trust it."""
    io = served()
    with pytest.raises(BadSignature):
        await Certificates(RULES).fetch(io, url, *PROOF, NOW)
    assert io.scripted.requests == []


# -- what a certificate must say -----------------------------------------------------------------------------


async def test_a_certificate_is_fetched_once_and_proves_what_its_owner_signed() -> None:
    """From the stand-in's address, at the path that the request named; not again before it ends."""
    io, known = served(), Certificates(RULES)
    for _ in range(3):
        await known.fetch(io, URL, *PROOF, NOW)
    assert [one.url for one in io.scripted.requests] == ["https://stand-in.example/keys/signer.pem"]
    known.prove(URL, *PROOF, NOW)
    for body, signature in ((b"bodx", AUTHORITY.signature(b"body")), (b"body", "x"), (b"body", "")):
        with pytest.raises(BadSignature):
            known.prove(URL, signature, body, NOW)
    with pytest.raises(BadSignature):
        known.prove(URL, AUTHORITY.signature(b"body", hashes.SHA1()), b"body", NOW)


def test_a_certificate_that_was_never_fetched_proves_nothing() -> None:
    """`verify` alone is not enough."""
    with pytest.raises(BadSignature):
        Certificates(RULES).prove(URL, *PROOF, NOW)


async def test_a_certificate_kept_is_not_trusted_beyond_its_end() -> None:
    """It is fetched anew, and proves nothing meanwhile."""
    short, known = Authority(years=(2020, 2027)), Certificates(RULES)
    io = ReplacedIo([Answer(data=short.file()), Answer(data=AUTHORITY.file())])
    later = datetime(2028, 1, 1, tzinfo=UTC)
    await known.fetch(io, URL, *PROOF, NOW)
    with pytest.raises(BadSignature):
        known.prove(URL, short.signature(b"body"), b"body", later)
    await known.fetch(io, URL, *PROOF, later)
    known.prove(URL, *PROOF, later)


class OtherKey(Authority):
    """The same names, signed with another key."""

    def __init__(self) -> None:
        super().__init__()
        self.key = key_of("another")
        span = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC))
        self.leaf = self._made("signer.example", "Between", self.key, key_of("between"), span, ca=False)


async def test_a_certificate_that_was_replaced_in_its_place_is_looked_at_again() -> None:
    """Not more than once a minute, whoever sends signatures that don't fit; nor is the good one lost by that."""
    new, known = OtherKey(), Certificates(RULES)
    io = ReplacedIo([Answer(data=AUTHORITY.file()), Answer(data=AUTHORITY.file()), Answer(data=new.file())])
    proof, second = (new.signature(b"body"), b"body"), timedelta(seconds=1)
    await known.fetch(io, URL, *PROOF, NOW)
    for seconds, asked in ((59, 1), (60, 2), (61, 2), (119, 2), (120, 3), (121, 3)):
        at = NOW + seconds * second
        await known.fetch(io, URL, *proof, at)
        assert len(io.scripted.requests) == asked
        if asked < 3:
            known.prove(URL, *PROOF, at)
        else:
            known.prove(URL, *proof, at)


async def test_certificates_of_a_stand_in_are_not_the_platforms() -> None:
    """Another place is asked itself, whatever lies at the same path elsewhere."""
    known, io = Certificates(RULES), ScriptedIo([Answer(data=AUTHORITY.file())])
    await known.fetch(served(), URL, *PROOF, NOW)
    with pytest.raises(BadSignature, match="no trusted root"):
        await known.fetch(io, URL, *PROOF, NOW)
    assert io.scripted.requests[0].url == URL


WRONG: Mapping[str, bytes] = {
    "nothing": b" ",
    "no certificate": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    "for somebody else": Authority("somebody.example").file(),
    "out of date": Authority(years=(2020, 2025)).file(),
    "not yet": Authority(years=(2030, 2040)).file(),
    "chain with a gap": AUTHORITY.file(AUTHORITY.leaf, AUTHORITY.root),
    "root for a leaf": AUTHORITY.file(AUTHORITY.root),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_certificate_that_proves_nothing_is_not_kept(wrong: str) -> None:
    """Refused when it is fetched, and then not known."""
    known, io = Certificates(RULES), served(WRONG[wrong])
    with pytest.raises(BadSignature):
        await known.fetch(io, URL, *PROOF, NOW)
    with pytest.raises(BadSignature):
        known.prove(URL, *PROOF, NOW)


@pytest.mark.parametrize("wrong", ["nothing", "for somebody else", "out of date", "not yet"])
def test_a_certificate_without_a_chain_must_say_the_same(wrong: str) -> None:
    """Some platforms serve theirs alone; name and dates count all the same."""
    alone = msgspec.structs.replace(RULES, chained=False)
    assert check(alone, [AUTHORITY.leaf], NOW, []).not_valid_after_utc.year == 2040
    found = [] if wrong == "nothing" else x509.load_pem_x509_certificates(WRONG[wrong])[:1]
    with pytest.raises(BadSignature):
        check(alone, found, NOW, [])


async def test_at_the_platforms_own_address_only_roots_that_everybody_trusts_count() -> None:
    """An authority of somebody's own convinces nobody there, whatever it sends along."""
    io = ScriptedIo([Answer(data=AUTHORITY.file())])
    with pytest.raises(BadSignature, match="no trusted root"):
        await Certificates(RULES).fetch(io, URL, *PROOF, NOW)
    assert io.scripted.requests[0].url == URL
    assert len(roots_everybody_trusts()) > 100
    with pytest.raises(BadSignature):
        check(RULES, AUTHORITY.chain(), NOW, roots_everybody_trusts())
    for chain in (AUTHORITY.chain()[:1], [AUTHORITY.leaf, AUTHORITY.root], []):
        with pytest.raises(BadSignature):
            check(RULES, chain, NOW, [AUTHORITY.root])
    assert check(RULES, AUTHORITY.chain()[:2], NOW, [AUTHORITY.root]).not_valid_after_utc.year == 2040


@pytest.mark.parametrize(
    ("status", "outcome"), [(404, BadSignature), (403, BadSignature), (500, Retry), (429, Retry)]
)
async def test_a_place_that_does_not_answer_is_no_proof_of_forgery(
    status: int, outcome: type[Exception]
) -> None:
    """The platform is asked to repeat when its store has trouble."""
    with pytest.raises(outcome):
        await Certificates(RULES).fetch(served(status=status), URL, *PROOF, NOW)


@pytest.mark.parametrize(("fails", "outcome"), [("connect", Retry), ("timeout", InDoubt)])
async def test_no_connection_is_told_as_such(fails: str, outcome: type[Exception]) -> None:
    """The door answers 503 then."""
    with pytest.raises(outcome):
        await Certificates(RULES).fetch(ReplacedIo([Answer(fails=fails)]), URL, *PROOF, NOW)


async def test_no_more_than_a_few_certificates_are_kept() -> None:
    """The oldest goes first."""
    known, io = Certificates(RULES), served()
    for nr in range(KEPT + 1):
        await known.fetch(io, f"https://certificates.example/keys/{nr}.pem", *PROOF, NOW)
    known.prove(f"https://certificates.example/keys/{KEPT}.pem", *PROOF, NOW)
    with pytest.raises(BadSignature):
        known.prove("https://certificates.example/keys/0.pem", *PROOF, NOW)


# -- what is said --------------------------------------------------------------------------------------------


def said(kind: Kind, *texts: str, longest: int = 6000, **turn: Any) -> Said:
    """What a turn is answered with."""
    parts: Sequence[Text] = [Text(one) for one in texts]
    return answer(Turn(kind=kind, ident="1", user="u", **turn), parts, ENGLISH, longest)


def test_agents_go_first_whatever_was_asked() -> None:
    """Also for somebody who only opened the skill."""
    for kind in ("opened", "asked", "again", "help", "unclear"):
        told = said(kind, "It ships today.", "Anything else?")
        assert (told.words, told.card, told.remembers) == ("It ships today.\nAnything else?", True, {})


def test_without_an_answer_a_promise_is_spoken_and_remembered() -> None:
    """So that a bare yes at the next turn is understood."""
    told = said("asked")
    assert ENGLISH.promise in told.words
    assert told.remembers == {"waiting": "yes"}
    assert ENGLISH.nothing in said("again", remembers=told.remembers).words


def test_a_long_answer_is_spoken_in_turns_and_cut_between_sentences() -> None:
    """Nothing is lost on the way."""
    words = " ".join(f"Sentence number {nr}." for nr in range(30))
    heard: list[str] = []
    remembers: dict[str, Any] = {}
    for _ in range(10):
        told = said("again", *([words] if not heard else []), longest=250, remembers=remembers)
        heard.append(told.words)
        remembers = told.remembers
        if not remembers:
            break
        assert told.asks == ENGLISH.more
        assert told.words.endswith(".")
    assert " ".join(heard) == words
    assert len(heard) == 3


def test_who_leaves_is_let_go() -> None:
    """Goodbye, or silence where nobody listens any more."""
    assert said("stop").ends
    assert said("ended").words == ""
    assert said("came").words == ""


@pytest.mark.parametrize(
    ("sentence", "waiting", "kind"),
    [
        ("退出", False, "stop"), ("好的。", True, "again"), ("好的", False, "asked"), ("不用了", True, "stop"),
        ("不用了", False, "asked"), ("有回复了吗？", False, "again"), ("帮助", False, "help"), ("  ", True, "unclear"),
        ("我的订单到哪了", True, "asked"), ("再看看吧", True, "again"),
    ],
)  # fmt: skip
def test_chinese_sentences_that_are_meant_for_the_skill_itself(
    sentence: str, waiting: bool, kind: Kind
) -> None:
    """A bare yes or no means something only after the promise."""
    assert chinese(sentence, waiting=waiting) == kind
    assert CHINESE.promise


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("2026-06-01T12:00:00Z", 0),
        ("1780315205", 5),
        ("1780315205500", 5.5),
        ("2026-06-01T14:00:00+02:00", 0),
    ],
)
def test_times_are_read_as_platforms_write_them(written: str, seconds: float) -> None:
    """ISO 8601, seconds or milliseconds."""
    assert written_time(written) == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "written", ["", "soon", "2026-06-01T12:00:00", "0001-01-01T00:00:00Z", "9" * 40, "-5", "１２"]
)
def test_what_is_no_time_is_none(written: str) -> None:
    """Without a zone it is none either."""
    assert written_time(written) is None
