"""The widget's contract, and what strangers may and may not say through it."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from switchboard.channels.api import (
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


@pytest.mark.parametrize(
    ("user", "secret", "believed"),
    [
        ("customer-42", HOST_SECRET, True),
        ("customer-43", HOST_SECRET, False),
        ("customer-42", "x", False),
        ("", "", False),
    ],
)
def test_a_member_needs_the_host_pages_proof(user: str, secret: str, believed: bool) -> None:
    """HMAC-SHA256 of the user id, in hex, made on the host's server."""
    proof = hmac.new(secret.encode(), b"customer-42", hashlib.sha256).hexdigest()
    assert web().vouches(user, proof) is believed
    assert web().vouches(user, proof.upper()) is believed
    assert not web().vouches(user, proof[:-1])
    assert not web(host_secret="").vouches("customer-42", hmac.new(b"", b"customer-42", "sha256").hexdigest())


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
