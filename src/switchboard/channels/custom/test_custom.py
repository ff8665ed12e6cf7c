"""The custom channel's contract, its signature's corners, its schemas, its documentation's examples."""

import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import jsonschema_rs
import msgspec
import pytest

from switchboard.channels.api import (
    BadSignature,
    Claim,
    Content,
    MessageReceived,
    Outbound,
    RawRequest,
    Reauthorise,
    Refused,
    Retry,
    Sent,
    Source,
    Text,
)
from switchboard.channels.contract import Answer, ChannelContract, Request, ScriptedIo
from switchboard.channels.contract_case import HOOK_URL, RECEIVED_AT, REWRITE
from switchboard.channels.custom.channel import CustomChannel, CustomConfig
from switchboard.channels.custom.inbound import Partner, facts_of
from switchboard.channels.custom.payloads import Incoming, Outgoing, moment
from switchboard.channels.custom.signature import check, sign

FOLDER = Path(__file__).parent
PAGE = FOLDER.parents[3] / "docs" / "reference" / "custom-channel.md"
SECRET = "a-signing-secret-for-tests"
NOW = int(RECEIVED_AT.timestamp())
SETTINGS = {"system_id": "shop-app", "signing_secret": SECRET, "send_url": "https://partner.example/inbox"}
SCHEMAS = {"inbound.schema.json": Incoming, "outbound.schema.json": Outgoing}


def mac(secret: str, timestamp: int, body: bytes) -> str:
    """Compute the signature apart from the adapter."""
    return hmac.new(secret.encode(), str(timestamp).encode() + b"." + body, hashlib.sha256).hexdigest()


GOOD = mac(SECRET, NOW, b"{}")


class TestCustom(ChannelContract):
    """The whole contract."""

    kind = "custom"
    config: ClassVar[Mapping[str, Any]] = SETTINGS
    rotated: ClassVar[Mapping[str, Any]] = {"signing_secret": "another-secret-for-tests"}
    items = ("messages.*", "receipts.*", "edits.*", "recalls.*")
    answer = Answer(json={"ids": ["theirs-1"]})
    errors = (
        (Answer(status=403, json={"error": {"message": "bad signature"}}), Reauthorise),
        (Answer(status=404, json={"error": {"message": "no such user", "code": "no_user"}}), Refused),
        (Answer(status=410, text="gone"), Refused),
        (Answer(status=302, text="moved"), Refused),
        (Answer(status=408, text=""), Retry),
        (Answer(status=500, json={"error": "x"}), Retry),
        (Answer(status=504, text="<html>"), Retry),
    )
    media = Source(url="https://files.partner.example/a/1.jpg")

    def sign(self, request: RawRequest, config: Mapping[str, Any]) -> Mapping[str, str]:
        """Sign as the documentation says."""
        at = int(request.received_at.timestamp())
        return {"x-switchboard-signature": f"t={at},v1={mac(config['signing_secret'], at, request.body)}"}

    async def deliver(
        self, message: Outbound, answers: Sequence[Answer], files: Mapping[str, Content]
    ) -> tuple[Sent, list[Request]]:
        """Send at a known time: it is part of the signature."""
        io = ScriptedIo(answers, files)
        sent = await custom(io).send(message)
        return sent, io.scripted.requests


def custom(io: ScriptedIo | None = None, **changes: Any) -> CustomChannel:
    """Return the adapter at a known time."""
    config = msgspec.convert({**SETTINGS, **changes}, CustomConfig)
    return CustomChannel(config, io or ScriptedIo([Answer(json={"ids": []})]), now=lambda: NOW)


def signed(header: str, body: bytes = b"{}") -> RawRequest:
    """Return a request with this signature."""
    return RawRequest("POST", HOOK_URL, {}, {"x-switchboard-signature": header}, body, RECEIVED_AT)


# -- signature ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "accepted"), [(0, True), (299, True), (-299, True), (301, False), (-301, False)]
)
def test_a_request_is_good_for_five_minutes(seconds: int, accepted: bool) -> None:
    """Later it is a replay; a clock that runs ahead is forgiven as much."""
    header = f"t={NOW},v1={mac(SECRET, NOW, b'{}')}"
    request = msgspec.structs.replace(signed(header), received_at=RECEIVED_AT + timedelta(seconds=seconds))
    if accepted:
        custom().verify(request)
    else:
        with pytest.raises(BadSignature):
            custom().verify(request)


def test_while_a_secret_changes_both_are_accepted_and_used() -> None:
    """Either side may change first."""
    old, new = SECRET, "the-new-secret-for-tests"
    theirs = f"t={NOW},v1={mac(old, NOW, b'{}')},v1={mac(new, NOW, b'{}')}"
    custom(signing_secret=new).verify(signed(theirs))
    custom(signing_secret=old).verify(signed(theirs))
    channel = custom(signing_secret=new, previous_secret=old)
    channel.verify(signed(f"t={NOW},v1={mac(old, NOW, b'{}')}"))
    ours = sign([new, old], NOW, b"{}")
    assert ours == f"t={NOW},v1={mac(new, NOW, b'{}')},v1={mac(old, NOW, b'{}')}"


@pytest.mark.parametrize(
    "header",
    [
        "", "t=,v1=", f"v1={GOOD}", f"t={NOW}", f"t={NOW},t={NOW},v1={GOOD}", f"t=-{NOW},v1={GOOD}",
        f"t={'9' * 30},v1=x", "t=١,v1=x", f"t={NOW},v1=é", "," * 10_000,
        f"t={NOW}," + "v1=0," * 50 + f"v1={GOOD}",
    ],
)  # fmt: skip
def test_a_header_of_another_form_is_refused(header: str) -> None:
    """Without a crash, and without comparing more signatures than anybody needs."""
    with pytest.raises(BadSignature):
        custom().verify(signed(header))


def test_without_a_secret_nothing_is_believed() -> None:
    """An empty secret signs as well as any other, so it must not count."""
    with pytest.raises(BadSignature):
        custom(signing_secret="").verify(signed(f"t={NOW},v1={mac('', NOW, b'{}')}"))
    with pytest.raises(BadSignature):
        check(f"t={NOW},v1={mac('', NOW, b'')}", [""], b"", RECEIVED_AT)


# -- who it is ---------------------------------------------------------------------------------


@pytest.mark.parametrize("trusted", [False, True])
def test_phones_and_addresses_are_claimed_unless_the_partner_vouches(trusted: bool) -> None:
    """Only verified identities join conversations."""
    person = {"id": "u", "phone": "0086 (138) 0013-8000", "email": " Li@Example.com "}
    (fact,) = facts_of({"messages": [{"id": "1", "from": person, "text": "x"}]}, Partner("shop-app", trusted))
    assert isinstance(fact, MessageReceived)
    assert fact.sender.claims == [
        Claim("custom:shop-app", "u"),
        Claim("phone", "+8613800138000", trusted),
        Claim("email", "li@example.com", trusted),
    ]


@pytest.mark.parametrize(
    "value", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00", "soon", "", -5, 10**18, None]
)
def test_a_time_that_is_none_is_left_out(value: Any) -> None:
    """Times come from other people's clocks."""
    assert moment(value) is None


# -- out ---------------------------------------------------------------------------------------


async def test_what_is_posted_carries_a_signature_that_the_partner_can_check() -> None:
    """Over the very bytes that are sent."""
    io = ScriptedIo([Answer(json={"ids": ["theirs-1"]})])
    sent = await custom(io).send(Outbound("shop-app", "u-1", [Text("你好")], "key-1"))
    (request,) = io.scripted.requests
    assert request.headers["x-switchboard-signature"] == f"t={NOW},v1={mac(SECRET, NOW, request.content)}"
    assert json.loads(request.content) == {
        "messages": [{"id": "key-1", "to": "u-1", "parts": [{"type": "text", "text": "你好"}]}]
    }
    assert sent == Sent("theirs-1")


async def test_a_channel_without_an_address_only_listens() -> None:
    """It still can be tested and connected."""
    io = ScriptedIo([Answer()])
    channel = custom(io, send_url="", name="Shop app")
    (account,) = await channel.probe()
    assert (account.external_id, account.name, io.scripted.requests) == ("shop-app", "Shop app", [])
    with pytest.raises(Refused):
        await channel.send(Outbound("shop-app", "u-1", [Text("x")], "k"))


async def test_the_partners_own_words_are_shown() -> None:
    """And its code kept."""
    io = ScriptedIo(
        [Answer(status=422, json={"error": {"code": "closed", "message": f"The shop is closed {SECRET}"}})]
    )
    with pytest.raises(Refused) as refused:
        await custom(io).send(Outbound("shop-app", "u-1", [Text("x")], "k"))
    assert (str(refused.value), refused.value.code) == ("The shop is closed …", "closed")


async def test_an_attachment_is_fetched_from_where_the_partner_says() -> None:
    """Name from the address, type from the answer."""
    io = ScriptedIo([Answer(data=b"%PDF", headers={"content-type": "application/pdf; x=1"})])
    content = await custom(io).fetch_media(
        "shop-app", Source(url="https://files.partner.example/%E5%8F%91%E7%A5%A8.pdf?s=1")
    )
    assert (content.name, content.mime, content.data) == ("发票.pdf", "application/pdf", b"%PDF")


# -- schemas and documentation -----------------------------------------------------------------


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_published_schema_is_the_one_that_is_read(name: str) -> None:
    """SWITCHBOARD_REWRITE=1 writes it anew."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(SCHEMAS[name])}
    if REWRITE:
        (FOLDER / name).write_bytes(msgspec.json.format(msgspec.json.encode(schema), indent=2) + b"\n")
    assert json.loads((FOLDER / name).read_bytes()) == schema


def test_fixtures_and_sends_fit_the_schemas() -> None:
    """A partner may generate code from them."""
    incoming = jsonschema_rs.validator_for(json.loads((FOLDER / "inbound.schema.json").read_bytes()))
    outgoing = jsonschema_rs.validator_for(json.loads((FOLDER / "outbound.schema.json").read_bytes()))
    for path in FOLDER.glob("fixtures/*.json"):
        if not path.name.endswith(".expected.json"):
            assert incoming.is_valid(json.loads(path.read_bytes())) == (path.stem != "unreadable_item"), (
                path.name
            )
    case = TestCustom()
    for path, golden in case.goldens():
        for request in golden.requests or []:
            assert outgoing.is_valid(json.loads(request.content)), path.name


def examples(language: str) -> list[str]:
    """Return the code blocks of the documentation in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def test_the_documented_python_signs_and_verifies() -> None:
    """The page's code runs as it stands there."""
    (code,) = examples("python")
    page: dict[str, Any] = {"__name__": "example"}
    exec(compile(code, PAGE.name, "exec"), page)
    body = b'{"messages": []}'
    custom().verify(signed(page["sign"](SECRET, body, NOW), body))
    ours = sign([SECRET, "the-old-secret-for-tests"], NOW, body)
    assert page["verify"]([SECRET], ours, body, NOW + 100)
    assert not page["verify"]([SECRET], ours, body, NOW + 301)
    assert not page["verify"]([SECRET], ours, body + b" ", NOW)
    assert not page["verify"](["another"], ours, body, NOW)


@pytest.mark.skipif(
    shutil.which("node") is None, reason="node is not installed: the JavaScript example was not run"
)
def test_the_documented_javascript_signs_and_verifies(tmp_path: Path) -> None:
    """The page's code runs as it stands there."""
    (code,) = examples("javascript")
    body = '{"messages":[{"text":"你好"}]}'.encode()
    ours = sign([SECRET], NOW, body)
    late = NOW + 301
    calls = (
        f"const body = Buffer.from({json.dumps(body.decode())});\n"
        f"console.log(JSON.stringify([sign({SECRET!r}, body, {NOW}),"
        f"verify([{SECRET!r}], {ours!r}, body, {NOW + 100}), verify([{SECRET!r}], {ours!r}, body, {late}),"
        f"verify(['another'], {ours!r}, body, {NOW})]));\n"
    )
    script = tmp_path / "example.mjs"
    script.write_text(code + calls, "utf-8")
    environment = {"PATH": os.environ["PATH"]}
    run = subprocess.run(["node", str(script)], capture_output=True, timeout=30, check=True, env=environment)
    header, *verdicts = json.loads(run.stdout)
    custom().verify(signed(header, body))
    assert verdicts == [True, False, False]
