"""DuerOS under the contract, and its oddities."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes

from switchboard.channels.api import BadSignature, Content, Outbound, RawRequest, Refused, Sent, Text
from switchboard.channels.contract import Answer, ChannelContract, Request, ScriptedIo
from switchboard.channels.contract_case import HOOK_URL, RECEIVED_AT
from switchboard.channels.families.test_voice import Authority
from switchboard.channels.families.voice import CHINESE
from switchboard.channels.voice_dueros.channel import LONGEST, DuerosChannel, DuerosConfig

SKILL = "5f0d0000-skill-of-the-tests"
OTHER = "5f0d0000-skill-of-other-tests"
CERTIFICATE = "https://duer.bdstatic.com/saiya/flow/dueros-api.baidu.com.cer.txt"
BAIDU = Authority("dueros-api.baidu.com")
FIXTURES = Path(__file__).parent / "fixtures"


def posted(body: bytes, url: str = CERTIFICATE) -> RawRequest:
    """A request as Baidu signs it: SHA-1, still."""
    headers = {"signaturecerturl": url, "signature": BAIDU.signature(body, hashes.SHA1())}
    return RawRequest("POST", HOOK_URL, {}, headers, body, RECEIVED_AT)


def skill(io: ScriptedIo | None = None, **config: str) -> DuerosChannel:
    """The adapter. Baidu serves its certificate without a chain."""
    settings = msgspec.convert({"skill_id": SKILL, **config}, DuerosConfig)
    return DuerosChannel(settings, io or ScriptedIo([Answer(data=BAIDU.file(BAIDU.leaf))]))


@pytest.fixture(autouse=True)
def known_certificate() -> None:
    """Baidu's certificate has been met before."""
    asyncio.run(skill().prepare(posted(b"")))


class TestDueros(ChannelContract):
    kind = "voice_dueros"
    config: ClassVar[Mapping[str, Any]] = {"skill_id": SKILL}
    rotated: ClassVar[Mapping[str, Any]] = {"skill_id": OTHER}
    wire = "none"

    def signed(self, request: RawRequest, config: Mapping[str, Any]) -> RawRequest:
        """Baidu signs for all skills alike; the body says for which."""
        body = request.body.replace(SKILL.encode(), str(config["skill_id"]).encode())
        return msgspec.structs.replace(posted(body), url=request.url)

    async def deliver(
        self, message: Outbound, answers: Sequence[Answer], files: Mapping[str, Content]
    ) -> tuple[Sent, list[Request]]:
        """Speak it: the golden sends show the answer to the person's next turn."""
        del answers, files
        asked = posted((FIXTURES / "asked.json").read_bytes())
        return Sent(), [Request("ANSWER", "", json=json.loads(skill().converse(asked, message.parts).body))]


def turn(name: str, parts: Sequence[Text] = (), **config: str) -> dict[str, Any]:
    """What a fixture is answered with."""
    reply = skill(None, **config).converse(posted((FIXTURES / f"{name}.json").read_bytes()), parts)
    assert (reply.status, reply.content_type) == (200, "application/json; charset=utf-8")
    found: dict[str, Any] = json.loads(reply.body)
    assert found["version"] == "2.0"
    return found


def speech(found: Mapping[str, Any]) -> str:
    """The words of an answer."""
    return str(found["response"].get("outputSpeech", {}).get("text", ""))


# -- who is asking -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "fits"), [(179, True), (-179, True), (180, False), (-180, False), (10**7, False)]
)
def test_a_request_is_good_for_less_than_180_seconds(seconds: int, fits: bool) -> None:
    """A recorded one is worthless afterwards."""
    request = posted((FIXTURES / "asked.json").read_bytes())
    request = msgspec.structs.replace(request, received_at=RECEIVED_AT + timedelta(seconds=seconds))
    if fits:
        skill().verify(request)
        return
    with pytest.raises(BadSignature):
        skill().verify(request)


@pytest.mark.parametrize("body", [b"no json", b"[]", b"{}", b'{"request":{"timestamp":"soon"}}'])
def test_what_is_signed_but_says_no_time_is_refused(body: bytes) -> None:
    """Whatever else it says."""
    with pytest.raises(BadSignature):
        skill().verify(posted(body))


@pytest.mark.parametrize(
    ("url", "fits"),
    [
        (CERTIFICATE, True),
        ("https://duer.bdstatic.com:443/saiya/flow/dueros-api.baidu.com.cer.txt", True),
        ("http://duer.bdstatic.com/saiya/flow/dueros-api.baidu.com.cer.txt", False),
        ("https://DUER.bdstatic.com/saiya/flow/dueros-api.baidu.com.cer.txt", False),
        ("https://duer.bdstatic.com.example/saiya/flow/x.txt", False),
        ("https://duer.bdstatic.com/saiya/other/x.txt", False),
        ("https://duer.bdstatic.com/SAIYA/flow/x.txt", False),
        ("https://duer.bdstatic.com:8443/saiya/flow/x.txt", False),
    ],
)
async def test_only_baidus_place_for_certificates_is_asked(url: str, fits: bool) -> None:
    """Host and path must be written exactly so."""
    request = posted((FIXTURES / "asked.json").read_bytes(), url)
    if fits:
        await skill().prepare(request)
        skill().verify(request)
        return
    io = ScriptedIo([Answer(data=BAIDU.file())])
    with pytest.raises(BadSignature):
        await skill(io).prepare(request)
    with pytest.raises(BadSignature):
        skill(io).verify(request)
    assert io.scripted.requests == []


async def test_a_certificate_for_another_name_is_not_baidus() -> None:
    """Wherever it lies."""
    url = "https://duer.bdstatic.com/saiya/flow/other.txt"
    io = ScriptedIo([Answer(data=Authority("www.baidu.com").file())])
    with pytest.raises(BadSignature):
        await skill(io).prepare(posted(b"{}", url))


# -- the talk ------------------------------------------------------------------------------------------------


def test_opening_the_skill_greets_and_listens() -> None:
    """In the administrator's words where there are some."""
    found = turn("opened")
    assert speech(found) == CHINESE.greeting
    assert (found["response"]["shouldEndSession"], found["response"]["expectSpeech"]) == (False, True)
    assert speech(turn("opened", greeting="欢迎光临灯具小店")) == "欢迎光临灯具小店"


def test_a_question_without_an_answer_is_promised_one_and_the_session_remembers() -> None:
    """What stands in the session comes back with the next turn."""
    found = turn("asked", promise="请稍等。")
    assert speech(found) == f"请稍等。 {CHINESE.waits}"
    assert found["session"]["attributes"] == {"waiting": "yes"}


def test_what_an_agent_said_meanwhile_is_spoken_at_the_next_turn() -> None:
    """On the screen as well; and then nothing is owed."""
    for name in ("yes_after_the_promise", "asks_again", "opened"):
        found = turn(name, [Text("明天送达。")])
        assert speech(found) == "明天送达。"
        assert found["response"]["card"] == {"type": "txt", "content": "明天送达。"}
        assert found["session"]["attributes"] == {}


def test_leaving_ends_the_session() -> None:
    """By a word of farewell, or by a no after the promise."""
    for name in ("leaves", "no_after_the_promise"):
        found = turn(name)
        assert (speech(found), found["response"]["shouldEndSession"]) == (CHINESE.goodbye, True)
        assert "expectSpeech" not in found["response"]


@pytest.mark.parametrize("name", ["ended", "ended_by_our_error", "player_event"])
def test_where_nobody_listens_nothing_is_said(name: str) -> None:
    """The session is over, or the player speaks."""
    assert turn(name)["response"] == {"shouldEndSession": True}


def test_a_long_answer_stays_within_what_dueros_takes() -> None:
    """24 kB for the whole answer; the rest is spoken at the next turn."""
    long = turn("asked", [Text("这是一句很长的话。" * 900)])
    assert len(json.dumps(long, ensure_ascii=False).encode()) < 24_000
    assert len(speech(long)) <= LONGEST
    assert long["session"]["attributes"]["rest"]
    assert speech(long).endswith("。")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"request": 1}'])
def test_what_can_not_be_read_is_answered_all_the_same(body: bytes) -> None:
    """The person hears something."""
    assert speech(json.loads(skill().converse(posted(body), []).body)) == CHINESE.unclear


async def test_nothing_is_ever_sent_by_itself() -> None:
    """And a skill without an id is told when it is entered."""
    with pytest.raises(Refused):
        await skill().send(Outbound(SKILL, "u", [Text("hello")], "m:0"))
    assert [one.external_id for one in await skill().probe()] == [SKILL]
    with pytest.raises(Refused):
        await skill(None, skill_id=" ").probe()
