"""The envelope of Tencent's platforms: published vectors, every flipped byte, replays, and bodies made to hurt.

`Desk` plays the platform for the adapters' tests: it seals and signs by itself, apart from the code under test.
"""

import base64
import hashlib
import json
import os
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from switchboard.channels.api import BadPayload, BadSignature, RawRequest
from switchboard.channels.families.weixin import Gate, signature_of, text, unseal

SAMPLES = os.environ.get("SWITCHBOARD_SAMPLES", "")
AT = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
URL = "https://contact.example/hooks/0123456789abcdef"


class Desk(msgspec.Struct, frozen=True):
    """The platform's side of one account."""

    token: str
    key: str
    owner: str

    def seal(self, content: bytes, random: bytes = b"0123456789abcdef") -> str:
        """Encrypt as the platform does."""
        secret = base64.b64decode(self.key + "=")
        plain = random + struct.pack(">I", len(content)) + content + self.owner.encode()
        fill = 32 - len(plain) % 32
        encryptor = Cipher(algorithms.AES(secret), modes.CBC(secret[:16])).encryptor()
        return base64.b64encode(
            encryptor.update(plain + bytes([fill]) * fill) + encryptor.finalize()
        ).decode()

    def proof(self, *more: str, at: datetime = AT) -> dict[str, str]:
        """Return time, nonce and the signatures of a request, the second one when something is signed besides."""
        time_and_nonce = {"timestamp": str(int(at.timestamp())), "nonce": "1372623149"}
        pieces = [self.token, *time_and_nonce.values()]
        signed = {"signature": hashlib.sha1("".join(sorted(pieces)).encode()).hexdigest()}
        if more:
            signed["msg_signature"] = hashlib.sha1("".join(sorted([*pieces, *more])).encode()).hexdigest()
        return {**time_and_nonce, **signed}

    def envelope(self, content: bytes, form: str = "xml") -> tuple[bytes, str]:
        """Return the body that carries a sealed message, and the ciphertext in it."""
        sealed = self.seal(content)
        if form == "json":
            return json.dumps({"ToUserName": "gh_desk", "Encrypt": sealed}).encode(), sealed
        body = (
            f"<xml><ToUserName><![CDATA[gh_desk]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
        )
        return body.encode(), sealed

    def post(self, content: bytes, form: str = "xml", at: datetime = AT) -> RawRequest:
        """Return a whole safe-mode request."""
        body, sealed = self.envelope(content, form)
        return RawRequest("POST", URL, self.proof(sealed, at=at), {}, body, AT)


DESK = Desk("tokenofthetests", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "wx1234567890abcdef")
MESSAGE = b"<xml><MsgType>text</MsgType><Content>hello</Content></xml>"


def gate(desk: Desk = DESK, *, signed: bool = True) -> Gate:
    """The code under test."""
    return Gate(desk.token, desk.key, desk.owner, signed=signed)


def plain(body: bytes, at: datetime = AT) -> RawRequest:
    """A plain-mode request."""
    return RawRequest("POST", URL, DESK.proof(at=at), {}, body, AT)


def sample(path: str) -> Any:
    """A published file of JSON, by its path below the samples."""
    if not SAMPLES:
        pytest.skip("SWITCHBOARD_SAMPLES is not set: nothing published was tried")
    return json.loads((Path(SAMPLES) / path).read_bytes())


def vectors(kind: str) -> list[dict[str, Any]]:
    """The published vectors of a platform."""
    found: list[dict[str, Any]] = sample(f"{kind}/vectors/vectors.json")
    return found


def shape(value: Any, model: Any) -> list[str]:
    """Names of fields that the model, a published request, doesn't have; lists are compared by their first rows."""
    if isinstance(value, list) and isinstance(model, list):
        kinds = {str(row.get("type")): row for row in model if isinstance(row, dict)}
        return [
            name
            for row in value
            if isinstance(row, dict)
            for name in shape(row, kinds.get(str(row.get("type")), model[0]))
        ]
    if not isinstance(value, dict) or not isinstance(model, dict):
        return []
    return [
        found
        for name, inside in value.items()
        for found in ([name] if name not in model else shape(inside, model[name]))
    ]


def flipped(value: str) -> list[str]:
    """Every version of a base64 text with one character changed."""
    return [value[:at] + ("A" if value[at] != "A" else "B") + value[at + 1 :] for at in range(len(value))]


def test_a_safe_mode_message_is_proven_and_opened() -> None:
    """Both formats."""
    for form in ("xml", "json"):
        request = DESK.post(MESSAGE, form)
        gate().prove(request)
        assert gate().open(request.body) == {"MsgType": "text", "Content": "hello"}


def test_every_flipped_character_of_the_ciphertext_is_refused() -> None:
    """The signature covers all of it."""
    body, sealed = DESK.envelope(MESSAGE)
    for wrong in flipped(sealed):
        forged = body.replace(sealed.encode(), wrong.encode())
        with pytest.raises(BadSignature):
            gate().prove(RawRequest("POST", URL, DESK.proof(sealed), {}, forged, AT))


def test_a_well_signed_message_of_another_key_padding_or_account_is_refused() -> None:
    """Whoever knows the token alone can't write to us."""
    others = [
        msgspec.structs.replace(DESK, key="G" + DESK.key[1:]),
        msgspec.structs.replace(DESK, owner="wx0000000000000000"),
        msgspec.structs.replace(DESK, owner=""),
    ]
    for other in others:
        with pytest.raises(BadSignature):
            gate().prove(other.post(MESSAGE))
    for sealed in ("", "AAAA", "A" * 44, base64.b64encode(bytes(64)).decode(), "not base64!"):
        body = f"<xml><Encrypt>{sealed}</Encrypt></xml>".encode()
        with pytest.raises(BadSignature):
            gate().prove(RawRequest("POST", URL, DESK.proof(sealed), {}, body, AT))


def test_a_lying_length_is_refused() -> None:
    """The number before the content says more than there is."""
    secret = base64.b64decode(DESK.key + "=")
    padded = b"0123456789abcdef" + struct.pack(">I", 2**31) + MESSAGE
    fill = 32 - len(padded) % 32
    encryptor = Cipher(algorithms.AES(secret), modes.CBC(secret[:16])).encryptor()
    sealed = base64.b64encode(encryptor.update(padded + bytes([fill]) * fill) + encryptor.finalize()).decode()
    with pytest.raises(BadSignature):
        unseal(sealed, DESK.key, DESK.owner)


def test_a_key_that_is_set_does_not_let_plain_messages_in() -> None:
    """Else plain mode would be a way round the encryption."""
    with pytest.raises(BadSignature):
        gate().prove(plain(MESSAGE))
    Gate(DESK.token, "", DESK.owner).prove(plain(MESSAGE))


def test_a_replay_is_refused_after_five_minutes() -> None:
    """Both modes, both directions of the clock."""
    for minutes, good in ((4, True), (-4, True), (6, False), (-6, False), (60 * 24 * 365, False)):
        at = AT - timedelta(minutes=minutes)
        for one, request in (
            (gate(), DESK.post(MESSAGE, at=at)),
            (Gate(DESK.token, "", DESK.owner), plain(MESSAGE, at)),
        ):
            if good:
                one.prove(request)
            else:
                with pytest.raises(BadSignature):
                    one.prove(request)


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><xml><MsgType>&b;</MsgType></xml>',
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><xml><MsgType>&a;</MsgType></xml>',
        b'<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd"><xml><MsgType>text</MsgType></xml>',
        b"<a>" * 5000 + b"</a>" * 5000,
        b"<xml>" + b"<a/>" * 60_000 + b"</xml>",
        b"<xml><a>" + b"x" * 300_000 + b"</a></xml>",
        b"<xml><MsgType>text</MsgType>",
        b"<xml>text</xml>",
        b"<?xml version='1.0' encoding='no-such'?><xml><a>1</a></xml>",
        b"<xml><a>\xff\xfe</a></xml>",
        b"{" * 1000,
        b"[1]",
        b"",
    ],
)
def test_bodies_made_to_hurt_are_refused_quickly(body: bytes) -> None:
    """Entities, depth, numbers, size: refused before anything grows."""
    begun = time.perf_counter()
    with pytest.raises(BadPayload):
        Gate(DESK.token, "", DESK.owner).open(body)
    with pytest.raises(BadSignature):
        gate(signed=False).prove(RawRequest("POST", URL, DESK.proof("x"), {}, body, AT))
    assert time.perf_counter() - begun < 0.5


def test_repeated_elements_become_lists_and_cdata_keeps_its_words() -> None:
    """The shape that readers rely on."""
    body = b"<xml><A><I>1</I><I>2</I></A><B><![CDATA[<b> & c]]></B><C/></xml>"
    assert Gate(DESK.token, "", DESK.owner).open(body) == {"A": {"I": ["1", "2"]}, "B": "<b> & c", "C": ""}


def test_the_published_vectors_of_official_accounts() -> None:
    """What can be checked with the files at hand; a flipped character of each is refused."""
    for vector in vectors("wechat_oa"):
        if "expected_encrypt" in vector:
            sealed = vector["expected_encrypt"]
            assert unseal(sealed, vector["encoding_aes_key"], vector["app_id"]).decode() == vector["plain"]
            desk = Desk(vector["token"], vector["encoding_aes_key"], vector["app_id"])
            assert desk.seal(vector["plain"].encode(), vector["random16"].encode()) == sealed
            # A block that is changed spoils the next one too: padding, length or AppID at the end give it away,
            # unless only words are touched. Those are what the signature is for.
            for wrong in flipped(sealed)[-64:]:
                with pytest.raises(BadSignature):
                    unseal(wrong, vector["encoding_aes_key"], vector["app_id"])
            continue
        file = Path(SAMPLES) / "wechat_oa" / "vectors" / vector["encrypted_file"]
        if not file.exists():
            continue
        sealed = text(Gate("", "", "").open(file.read_bytes()), "Encrypt")
        pieces = (vector["token"], vector["timestamp"], vector["nonce"])
        assert signature_of(*pieces, sealed) == vector["msg_signature"]
        opened = unseal(sealed, vector["encoding_aes_key"], vector["app_id"]).decode()
        assert vector["expect_contains"] in opened
        assert all(signature_of(*pieces, wrong) != vector["msg_signature"] for wrong in flipped(sealed))


def test_the_published_vector_of_wecom() -> None:
    """The echo is encrypted; every flipped character is refused."""
    for vector in vectors("wecom"):
        one = Gate(vector["token"], vector["encoding_aes_key"], vector["corp_id"], signed=False)
        at = datetime.fromtimestamp(int(vector["timestamp"]), UTC)
        query = {name: vector[name] for name in ("timestamp", "nonce", "echostr", "msg_signature")}
        assert one.greet(RawRequest("GET", URL, query, {}, b"", at)).body.decode() == vector["expected_reply"]
        for name in ("echostr", "msg_signature"):
            for wrong in flipped(vector[name]):
                with pytest.raises(BadSignature):
                    one.greet(RawRequest("GET", URL, {**query, name: wrong}, {}, b"", at))
