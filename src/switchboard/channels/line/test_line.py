"""LINE under the contract, and its oddities."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

import msgspec
import pytest

from switchboard.channels.api import (
    Content,
    Image,
    InDoubt,
    Outbound,
    Outcome,
    RawRequest,
    Reauthorise,
    Refused,
    Retry,
    Source,
    Text,
)
from switchboard.channels.contract import Answer, ChannelContract, ScriptedIo
from switchboard.channels.line.channel import LineChannel, LineConfig

FILE = UUID(int=7)
SENT = Answer(json={"sentMessages": [{"id": "461230966842064897", "quoteToken": "q"}]})


def said(status: int, message: str, **headers: str) -> Answer:
    """An error as LINE words it."""
    return Answer(status=status, json={"message": message}, headers=headers)


class TestLine(ChannelContract):
    kind = "line"
    config: ClassVar[Mapping[str, Any]] = {
        "channel_secret": "channel-secret-of-the-tests",
        "access_token": "access-token-of-the-tests",
    }
    rotated: ClassVar[Mapping[str, Any]] = {"channel_secret": "channel-secret-after-rotation"}
    items = ("events.*",)
    answer = SENT
    situations: ClassVar[Mapping[str, Answer]] = {
        "unavailable": said(503, "Service unavailable"),
        "slow_down": said(429, "The API rate limit has been exceeded", **{"retry-after": "7"}),
        "bad_request": said(400, "The request body has 1 error(s)"),
        "unauthorised": said(401, "Authentication failed"),
    }
    errors: ClassVar[Sequence[tuple[Answer, type[Outcome]]]] = [
        (said(429, "You have reached your monthly limit."), Refused),
        (said(403, "Access to this API is not available for your account"), Reauthorise),
        (said(404, "Not found"), Refused),
        (said(500, "Internal server error"), Retry),
    ]
    media = Source(ref="500000000000000003")
    samples = ("webhook/*.json",)

    def sign(self, request: RawRequest, config: Mapping[str, Any]) -> Mapping[str, str]:
        """LINE's proof: base64 of HMAC-SHA256 over the body."""
        mac = hmac.new(str(config["channel_secret"]).encode(), request.body, hashlib.sha256).digest()
        return {"x-line-signature": base64.b64encode(mac).decode()}


def channel(*answers: Answer) -> tuple[LineChannel, ScriptedIo]:
    """The adapter before a scripted LINE."""
    io = ScriptedIo(answers)
    return LineChannel(msgspec.convert(TestLine.config, LineConfig), io), io


def to_ann(handle: str = "") -> Outbound:
    """A text for Ann."""
    return Outbound("Ubot", "Uann", [Text("hello")], "m1:0", handle=handle)


async def test_a_reply_in_doubt_is_not_repeated_and_a_push_may_be() -> None:
    """The reply carries no retry key."""
    line, _ = channel(Answer(fails="timeout"))
    with pytest.raises(InDoubt) as doubt:
        await line.send(to_ann("token"))
    assert not doubt.value.repeatable
    with pytest.raises(InDoubt) as doubt:
        await line.send(to_ann())
    assert doubt.value.repeatable


async def test_a_reply_that_line_broke_on_is_in_doubt() -> None:
    """A 500 after the bytes left says nothing about the customer's screen."""
    line, _ = channel(said(500, "Internal server error"))
    with pytest.raises(InDoubt) as doubt:
        await line.send(to_ann("token"))
    assert not doubt.value.repeatable


async def test_the_retry_key_stays_the_same_over_attempts_and_differs_between_messages() -> None:
    """LINE takes it for 24 hours."""
    line, io = channel(SENT)
    await line.send(to_ann())
    await line.send(to_ann())
    await line.send(Outbound("Ubot", "Uann", [Text("hello")], "m2:0"))
    keys = [one.headers["x-line-retry-key"] for one in io.scripted.requests]
    assert keys[0] == keys[1] != keys[2]


async def test_the_webhook_is_looked_after() -> None:
    """Another address, switched off, all well."""
    ours = "https://desk.example/hooks/s"
    for found, codes in (
        ({"endpoint": "https://other.example", "active": True}, ["webhook_elsewhere"]),
        ({"endpoint": ours, "active": False}, ["webhook_off"]),
        ({"endpoint": ours, "active": True}, []),
    ):
        line, _ = channel(Answer(json=found))
        assert [one.code for one in await line.check(ours)] == codes


async def test_media_still_being_prepared_is_asked_for_again() -> None:
    """202 until LINE has transcoded it."""
    line, _ = channel(Answer(status=202))
    with pytest.raises(Retry):
        await line.fetch_media("Ubot", Source(ref="1"))


async def test_files_want_an_address_that_line_can_reach() -> None:
    """LINE loads pictures by itself, over https only."""
    line, io = channel(SENT)
    picture = Outbound("Ubot", "Uann", [Image(file_id=FILE)], "m1:0")
    io.files[str(FILE)] = Content("a.png", "image/png", b"png", url="http://desk.example/files/a.png")
    with pytest.raises(Refused) as refused:
        await line.send(picture)
    assert refused.value.code == "no_public_address"
    io.files[str(FILE)] = Content("a.png", "image/png", b"png", url="https://desk.example/files/a.png")
    await line.send(picture)
    (sent,) = io.scripted.requests
    assert sent.json["messages"][0]["originalContentUrl"] == "https://desk.example/files/a.png"


def test_the_console_test_has_no_events() -> None:
    """Verify in the console sends an empty list and wants 200."""
    line, _ = channel(SENT)
    request = TestLine().request(b'{"destination": "Ubot", "events": []}', TestLine().fixtures()[0])
    assert line.parse(request) == []
