"""Alexa under the contract, and its oddities."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from switchboard.channels.api import (
    BadSignature,
    Content,
    MessageReceived,
    Outbound,
    RawRequest,
    Refused,
    Sent,
    Text,
)
from switchboard.channels.contract import Answer, ChannelContract, Request, ScriptedIo
from switchboard.channels.contract_case import HOOK_URL, RECEIVED_AT
from switchboard.channels.families.test_voice import Authority, ReplacedIo
from switchboard.channels.families.voice import CHINESE, ENGLISH
from switchboard.channels.voice_alexa.channel import AlexaChannel, AlexaConfig

SKILL = "amzn1.ask.skill.00000000-0000-4000-8000-000000000001"
OTHER = "amzn1.ask.skill.00000000-0000-4000-8000-000000000002"
CERTIFICATE = "https://s3.amazonaws.com/echo.api/echo-api-cert-test.pem"
AMAZON = Authority("echo-api.amazon.com")
FIXTURES = Path(__file__).parent / "fixtures"


def posted(body: bytes, url: str = CERTIFICATE) -> RawRequest:
    """A request as Amazon signs it."""
    headers = {"signaturecertchainurl": url, "signature-256": AMAZON.signature(body)}
    return RawRequest("POST", HOOK_URL, {}, headers, body, RECEIVED_AT)


def skill(io: ScriptedIo | None = None, **config: str) -> AlexaChannel:
    """The adapter; by default Amazon's store is a stand-in's."""
    settings = msgspec.convert({"skill_id": SKILL, **config}, AlexaConfig)
    return AlexaChannel(settings, io or ReplacedIo([Answer(data=AMAZON.file())]))


@pytest.fixture(autouse=True)
def known_certificate() -> None:
    """Amazon's certificate has been met before."""
    asyncio.run(skill().prepare(posted(b"")))


class TestAlexa(ChannelContract):
    kind = "voice_alexa"
    config: ClassVar[Mapping[str, Any]] = {"skill_id": SKILL, "name": "Lamp shop"}
    rotated: ClassVar[Mapping[str, Any]] = {"skill_id": OTHER}
    wire = "none"

    def signed(self, request: RawRequest, config: Mapping[str, Any]) -> RawRequest:
        """Amazon signs for all skills alike; the body says for which."""
        body = request.body.replace(SKILL.encode(), str(config["skill_id"]).encode())
        return msgspec.structs.replace(posted(body), url=request.url)

    async def deliver(
        self, message: Outbound, answers: Sequence[Answer], files: Mapping[str, Content]
    ) -> tuple[Sent, list[Request]]:
        """Speak it: the golden sends show the answer to the person's next turn."""
        del answers, files
        asked = posted((FIXTURES / "asked.json").read_bytes())
        reply = skill(name="Lamp shop").converse(asked, message.parts)
        return Sent(), [Request("ANSWER", "", json=json.loads(reply.body))]


def turn(name: str, parts: Sequence[Text] = (), **config: str) -> dict[str, Any]:
    """What a fixture is answered with."""
    reply = skill(None, **config).converse(posted((FIXTURES / f"{name}.json").read_bytes()), parts)
    assert (reply.status, reply.content_type) == (200, "application/json; charset=utf-8")
    found: dict[str, Any] = json.loads(reply.body)
    assert found["version"] == "1.0"
    return found


def speech(found: Mapping[str, Any]) -> str:
    """The words of an answer."""
    return str(found["response"].get("outputSpeech", {}).get("text", ""))


# -- who is asking -------------------------------------------------------------------------------------------


def body_of(**request: Any) -> bytes:
    """A launch, changed."""
    envelope = json.loads((FIXTURES / "opened.json").read_bytes())
    envelope["request"].update(request)
    return json.dumps(envelope).encode()


@pytest.mark.parametrize(("seconds", "fits"), [(149, True), (-149, True), (151, False), (-151, False)])
def test_a_request_is_good_for_150_seconds(seconds: int, fits: bool) -> None:
    """A recorded one is worthless afterwards, however well it is signed."""
    request = msgspec.structs.replace(posted(body_of()), received_at=RECEIVED_AT + timedelta(seconds=seconds))
    if fits:
        skill().verify(request)
        return
    with pytest.raises(BadSignature):
        skill().verify(request)


def test_events_about_the_skill_are_good_for_an_hour() -> None:
    """Amazon sends them again that long."""
    body = (FIXTURES / "skill_disabled.json").read_bytes()
    for minutes, fits in ((59, True), (61, False)):
        request = msgspec.structs.replace(posted(body), received_at=RECEIVED_AT + timedelta(minutes=minutes))
        if fits:
            skill().verify(request)
        else:
            with pytest.raises(BadSignature):
                skill().verify(request)


@pytest.mark.parametrize(
    "body", [body_of(timestamp=None), body_of(timestamp="soon"), b"no json", b"[]", b"{}"]
)
def test_what_is_signed_but_says_no_time_is_refused(body: bytes) -> None:
    """Whatever else it says."""
    with pytest.raises(BadSignature):
        skill().verify(posted(body))


@pytest.mark.parametrize(
    ("url", "fits"),
    [
        ("https://s3.amazonaws.com/echo.api/echo-api-cert.pem", True),
        ("https://s3.amazonaws.com:443/echo.api/echo-api-cert.pem", True),
        ("https://s3.amazonaws.com/echo.api/../echo.api/echo-api-cert.pem", True),
        ("HTTPS://S3.AMAZONAWS.COM/echo.api/echo-api-cert.pem", True),
        ("http://s3.amazonaws.com/echo.api/echo-api-cert.pem", False),
        ("https://notamazon.com/echo.api/echo-api-cert.pem", False),
        ("https://s3.amazonaws.com/EcHo.aPi/echo-api-cert.pem", False),
        ("https://s3.amazonaws.com/invalid.path/echo-api-cert.pem", False),
        ("https://s3.amazonaws.com:563/echo.api/echo-api-cert.pem", False),
        ("https://s3.amazonaws.com/echo.api/../invalid.path/cert.pem", False),
    ],
)
async def test_only_amazons_place_for_certificates_is_asked(url: str, fits: bool) -> None:
    """The cases of Amazon's documentation."""
    io = ReplacedIo([Answer(data=AMAZON.file())])
    request = posted(body_of(), url)
    if not fits:
        with pytest.raises(BadSignature):
            await skill(io).prepare(request)
        with pytest.raises(BadSignature):
            skill(io).verify(request)
        assert io.scripted.requests == []
        return
    await skill(io).prepare(request)
    skill(io).verify(request)


async def test_an_authority_nobody_trusts_does_not_sign_for_amazon() -> None:
    """Without a stand-in, the chain has to end at a root of everybody's."""
    io = ScriptedIo([Answer(data=AMAZON.file())])
    request = posted(body_of(), "https://s3.amazonaws.com/echo.api/forged.pem")
    with pytest.raises(BadSignature):
        await skill(io).prepare(request)
    assert [one.url for one in io.scripted.requests] == ["https://s3.amazonaws.com/echo.api/forged.pem"]
    with pytest.raises(BadSignature):
        skill(io).verify(request)


# -- the talk ------------------------------------------------------------------------------------------------


def test_opening_the_skill_greets_and_listens() -> None:
    """In the administrator's words where there are some."""
    found = turn("opened")
    assert speech(found) == ENGLISH.greeting
    assert found["response"]["shouldEndSession"] is False
    assert found["response"]["reprompt"]["outputSpeech"]["text"] == ENGLISH.help
    assert speech(turn("opened", greeting="Moin!")) == "Moin!"


def test_a_question_without_an_answer_is_promised_one_and_the_session_remembers() -> None:
    """What stands in the session comes back with the next turn."""
    found = turn("asked", promise="Hold on.")
    assert speech(found) == f"Hold on. {ENGLISH.waits}"
    assert found["sessionAttributes"] == {"waiting": "yes"}
    assert found["response"]["shouldEndSession"] is False


def test_what_an_agent_said_meanwhile_is_spoken_at_the_next_turn() -> None:
    """On the card as well; and then nothing is owed."""
    for name in ("yes_after_the_promise", "asks_again", "opened", "help"):
        found = turn(name, [Text("It arrives tomorrow.")])
        assert speech(found) == "It arrives tomorrow."
        assert found["response"]["card"]["content"] == "It arrives tomorrow."
        assert found["sessionAttributes"] == {}


def test_yes_and_no_mean_something_only_after_the_promise() -> None:
    """Yes asks again, no says goodbye."""
    assert speech(turn("yes_after_the_promise")).startswith(ENGLISH.nothing)
    assert speech(turn("yes_out_of_the_blue")) == ENGLISH.unclear
    assert turn("no_after_the_promise")["response"]["shouldEndSession"] is True
    facts = skill().parse(posted((FIXTURES / "yes_after_the_promise.json").read_bytes()))
    assert [type(fact) for fact in facts] == [MessageReceived]


@pytest.mark.parametrize("name", ["ended", "ended_by_our_error", "skill_enabled", "request_of_tomorrow"])
def test_where_nobody_listens_nothing_is_said(name: str) -> None:
    """Amazon takes no words there."""
    assert turn(name)["response"] == {}


def test_a_question_about_our_abilities_is_answered_with_no() -> None:
    """Alexa may ask skills that nobody opened; they are not for that."""
    assert turn("can_you")["response"] == {"canFulfillIntent": {"canFulfill": "NO"}}


def test_chinese_is_spoken_to_who_speaks_it() -> None:
    """By the locale of the request; other languages have the administrator's words, or English."""
    body = body_of(locale="zh-CN")
    assert CHINESE.greeting in skill().converse(posted(body), []).body.decode()
    assert speech(turn("asked_in_german")).startswith(ENGLISH.promise)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"request": 1}'])
def test_what_can_not_be_read_is_answered_all_the_same(body: bytes) -> None:
    """The person hears something, and the session ends."""
    found = json.loads(skill().converse(posted(body), []).body)
    assert speech(found) == ENGLISH.unclear
    assert found["response"]["shouldEndSession"] is True


async def test_nothing_is_ever_sent_by_itself() -> None:
    """And an id of another kind is told when it is entered."""
    with pytest.raises(Refused):
        await skill().send(Outbound(SKILL, "u", [Text("hello")], "m:0"))
    assert [one.external_id for one in await skill().probe()] == [SKILL]
    for wrong in ("", "amzn1.ask.skill.", "lamp shop"):
        with pytest.raises(Refused):
            await skill(skill_id=wrong).probe()
