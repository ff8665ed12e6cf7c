"""The widget's contract, and what strangers may and may not say through it."""

import base64
import hashlib
import hmac
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from switchboard.channels.api import (
    Audio,
    BadSignature,
    Claim,
    MessageReceived,
    Outbound,
    ProfileReceived,
    RawRequest,
    Sent,
    Text,
    Unreadable,
)
from switchboard.channels.contract import Answer, ChannelContract, ScriptedIo
from switchboard.channels.contract_case import HOOK_URL, RECEIVED_AT
from switchboard.channels.web.channel import WebChannel, WebConfig
from switchboard.channels.web.host import BadProof, Person
from switchboard.channels.web.inbound import MOST_PARTS, facts_of

DOOR_KEY = "door-key-for-tests"
HOST_SECRET = "host-secret-for-tests"
SETTINGS: Mapping[str, Any] = {"site_key": "site-key-1", "door_key": DOOR_KEY, "host_secret": HOST_SECRET}


class TestWeb(ChannelContract):
    """The whole contract; nothing leaves the house."""

    kind = "web"
    config: ClassVar[Mapping[str, Any]] = SETTINGS
    wire = "none"
    proof = "token"

    def request(self, body: bytes, path: Path) -> RawRequest:
        """As the widget's socket builds it."""
        return RawRequest("POST", HOOK_URL, {}, {"content-type": "application/json"}, body, RECEIVED_AT)


def web(**changes: Any) -> WebChannel:
    """Return a widget."""
    return WebChannel(msgspec.convert({**SETTINGS, **changes}, WebConfig), ScriptedIo([Answer()]))


def knock(key: str | None) -> RawRequest:
    """Return a request that brings this key."""
    headers = {} if key is None else {"x-switchboard-door": key}
    return RawRequest("POST", HOOK_URL, {}, headers, b'{"visitor":{"id":"v"},"events":[]}', RECEIVED_AT)


@pytest.mark.parametrize("key", [None, "", DOOR_KEY[:-1], DOOR_KEY + "0", DOOR_KEY.upper(), "é", "x" * 5000])
def test_only_the_socket_is_believed(key: str | None) -> None:
    """The webhook address of a widget is nobody's way in."""
    web().verify(knock(DOOR_KEY))
    with pytest.raises(BadSignature):
        web().verify(knock(key))


def test_without_a_door_key_nobody_is_believed() -> None:
    """An empty header must not fit an empty key."""
    for key in (None, "", DOOR_KEY):
        with pytest.raises(BadSignature):
            web(door_key="").verify(knock(key))


NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
GOOD: Mapping[str, Any] = {
    "sub": "customer-42",
    "exp": NOON.timestamp() + 600,
    "name": "Li",
    "email": "li@example.com",
}


def signed(claims: Mapping[str, Any], secret: str = HOST_SECRET, alg: str = "HS256") -> str:
    """Return a token as a company's server makes it, by hand: header, claims, HMAC (RFC 7515, appendix A.1)."""

    def part(value: object) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    head = part({"alg": alg, "typ": "JWT"}) + b"." + part(dict(claims))
    mac = hmac.new(secret.encode(), head, hashlib.sha256 if alg == "HS256" else hashlib.sha512).digest()
    return (head + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


@pytest.mark.parametrize(
    ("user", "secret", "believed"),
    [
        ("customer-42", HOST_SECRET, True),
        ("customer-43", HOST_SECRET, False),
        ("customer-42", "x", False),
        ("customer-42", "", False),
    ],
)
def test_a_member_needs_the_host_pages_proof(user: str, secret: str, believed: bool) -> None:
    """HMAC-SHA256 of the user id, in hex, made on the host's server."""
    proof = hmac.new(secret.encode(), b"customer-42", hashlib.sha256).hexdigest()
    for written in (proof, proof.upper()):
        if believed:
            assert web().vouched({"id": user, "hmac": written, "name": "Li"}, NOON) == Person(user, "Li")
        else:
            with pytest.raises(BadProof):
                web().vouched({"id": user, "hmac": written}, NOON)
    with pytest.raises(BadProof):
        web().vouched({"id": user, "hmac": proof[:-1]}, NOON)
    with pytest.raises(BadProof):
        web(host_secret="").vouched(
            {"id": user, "hmac": hmac.new(b"", b"customer-42", "sha256").hexdigest()}, NOON
        )


@pytest.mark.parametrize("user", [None, {}, {"id": ""}, {"name": "Li"}, "customer-42", 5, [], {"token": ""}])
def test_who_claims_nothing_is_an_unknown_visitor(user: object) -> None:
    """A name alone is no identity, and needs no proof."""
    assert web().vouched(user, NOON) == Person()


def test_a_host_token_names_the_user() -> None:
    """As the company's own server signs it for its app."""
    person = web().vouched({"token": signed(GOOD)}, NOON)
    assert person == Person("customer-42", "Li", "li@example.com")
    for audience in ("site-key-1", ["other", "site-key-1"]):
        assert web().vouched({"token": signed({**GOOD, "aud": audience})}, NOON) == person


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOON.timestamp()},
        {"exp": NOON.timestamp() + 2 * 86_400},
        {"exp": None},
        {"exp": True},
        {"exp": "tomorrow"},
        {"exp": math.nan},
        {"exp": math.inf},
        {"iat": 10**400},
        {"nbf": math.nan},
        {"nbf": NOON.timestamp() + 300},
        {"iat": NOON.timestamp() + 300},
        {"aud": "another-site"},
        {"sub": ""},
        {"sub": 42},
        {"sub": None},
        {"sub": "x" * 201},
        {"sub": "a\x00b"},
        {"sub": "a\ud800"},
    ],
)
def test_a_host_token_must_be_short_lived_ours_and_name_somebody(claims: dict[str, Any]) -> None:
    """Each rule by itself."""
    with pytest.raises(BadProof):
        web().vouched({"token": signed({**GOOD, **claims})}, NOON)


def test_a_forged_host_token_is_refused() -> None:
    """Another secret, another algorithm, none at all, a changed claim, and what is no token."""
    good = signed(GOOD)
    head, claims, mac = good.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    forged = [
        signed(GOOD, "another secret"), signed(GOOD, alg="HS512"), f"{none}.{claims}.", f"{none}.{claims}.{mac}",
        f"{head}.{signed({**GOOD, 'sub': 'boss'}).split('.')[1]}.{mac}", f"{head}.{claims}", "x", "..", "é" * 50, "x" * 9000,
    ]  # fmt: skip
    for token in [*forged, 5, ["x"], {"a": 1}]:
        with pytest.raises(BadProof):
            web().vouched({"token": token}, NOON)
    deep = base64.urlsafe_b64encode(b"[" * 3000).rstrip(b"=").decode()
    over = hmac.new(HOST_SECRET.encode(), f"{head}.{deep}".encode(), hashlib.sha256).digest()
    with pytest.raises(BadProof):
        web().vouched(
            {"token": f"{head}.{deep}.{base64.urlsafe_b64encode(over).rstrip(b'=').decode()}"}, NOON
        )
    odd = web().vouched({"token": signed({**GOOD, "name": "\ud800"})}, NOON)
    assert odd.name.encode() == b"?"
    with pytest.raises(BadProof):
        web(host_secret="").vouched({"token": signed(GOOD, "")}, NOON)


def test_a_voice_note_says_that_it_is_one() -> None:
    """Agents see a player for speech; a file stays a file."""
    file = "0190c0de-0000-7000-8000-000000000001"
    (part,) = message({}, {"type": "audio", "file_id": file, "voice": True, "duration": 4.5}).parts
    assert isinstance(part, Audio)
    assert (part.voice, part.duration) == (True, 4.5)
    (part,) = message({}, {"type": "audio", "file_id": file}).parts
    assert isinstance(part, Audio)
    assert not part.voice


def message(visitor: dict[str, Any], *parts: Any) -> MessageReceived:
    """Return the fact of a visitor's message."""
    event = {"type": "message", "client_id": "c-1", "parts": list(parts)}
    who: dict[str, Any] = {"id": "v-1", **visitor}
    (fact,) = facts_of({"visitor": who, "events": [event]}, "site-key-1")
    assert isinstance(fact, MessageReceived)
    return fact


def test_only_the_visitor_and_the_member_are_verified() -> None:
    """What somebody types into a form proves nothing."""
    fact = message(
        {"user_id": "customer-42", "email": "Li@Example.com", "phone": "+8613800138000"},
        {"type": "text", "text": "x"},
    )
    assert fact.sender.claims == [
        Claim("web:site-key-1", "v-1"),
        Claim("member:site-key-1", "customer-42"),
        Claim("email", "li@example.com", verified=False),
        Claim("phone", "+8613800138000", verified=False),
    ]
    assert (fact.address, fact.external_id, fact.dedupe_key) == ("v-1", "v-1:c-1", "message:v-1:c-1")


@pytest.mark.parametrize("at", [None, 5, {"a": 1}, "soon", "9999-12-31T23:59:59-12:00"])
def test_a_browsers_clock_cannot_spoil_a_message(at: Any) -> None:
    """The words count; a time that is none is left out."""
    event = {"type": "message", "client_id": "c-1", "parts": [{"type": "text", "text": "x"}], "at": at}
    (fact,) = facts_of({"visitor": {"id": "v-1"}, "events": [event]}, "site-key-1")
    assert isinstance(fact, MessageReceived)
    assert (fact.parts, fact.occurred_at) == ([Text("x")], None)


def test_a_proven_member_is_told_with_the_profile() -> None:
    """Signing in on the host page is news of the person, before they write anything."""
    person = {"id": "v-1", "user_id": "customer-42", "name": "Li"}
    (fact,) = facts_of({"visitor": person, "events": [{"type": "profile", "email": "li@example.com"}]}, "s")
    assert isinstance(fact, ProfileReceived)
    assert fact.sender.name == "Li"
    assert fact.sender.claims == [
        Claim("web:s", "v-1"),
        Claim("member:s", "customer-42"),
        Claim("email", "li@example.com", verified=False),
    ]
    (stranger,) = facts_of({"visitor": {"id": "v-1"}, "events": [{"type": "profile", "name": "Li"}]}, "s")
    assert stranger.dedupe_key != fact.dedupe_key


def test_two_visitors_may_use_the_same_client_id() -> None:
    """It is made by the browser, so it is unique only with the visitor."""
    one = message({"id": "a"}, {"type": "text", "text": "x"})
    two = message({"id": "b"}, {"type": "text", "text": "x"})
    assert one.dedupe_key != two.dedupe_key


def test_a_browser_cannot_name_sources_or_states() -> None:
    """Else it could have us fetch an address, or show a file as something that it isn't."""
    file = "0190c0de-0000-7000-8000-000000000001"
    sly = {
        "type": "image",
        "file_id": file,
        "source": {"url": "http://10.0.0.1/"},
        "state": "failed",
        "error": "x",
    }
    (part,) = message({}, sly).parts
    assert json.loads(msgspec.json.encode(part)) == {"type": "image", "file_id": file}
    (words,) = message(
        {}, {"type": "text", "text": "x", "html_file": file, "html": {"ref": "1"}, "quoted": "y"}
    ).parts
    assert words == Text("x")


def test_a_flood_of_parts_is_cut_and_said() -> None:
    """One message is one message."""
    parts = message({}, *({"type": "text", "text": str(number)} for number in range(200))).parts
    assert len(parts) == MOST_PARTS + 1
    assert "200" in msgspec.json.encode(parts[-1]).decode()


def test_a_read_mark_without_ids_is_shown_not_lost() -> None:
    """The socket turns positions into ids; should it ever forget to, that can be seen."""
    (fact,) = facts_of({"visitor": {"id": "v"}, "events": [{"type": "read", "position": 7}]}, "s")
    assert isinstance(fact, Unreadable)


async def test_sending_needs_no_wire() -> None:
    """The visitor's socket follows the log, where the message stands already."""
    assert await web().send(Outbound("site-key-1", "v-1", [Text("x")], "key-1")) == Sent("key-1")
    (account,) = await web(name="Tea shop").probe()
    assert (account.external_id, account.name) == ("site-key-1", "Tea shop")
