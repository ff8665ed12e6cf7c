"""Tmall Genie under the contract, and its oddities."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from switchboard.channels.api import Content, MessageReceived, Outbound, RawRequest, Refused, Sent, Text
from switchboard.channels.contract import ChannelContract, Request, ScriptedIo
from switchboard.channels.contract_case import HOOK_URL, RECEIVED_AT
from switchboard.channels.families.voice import CHINESE
from switchboard.channels.voice_tmall.channel import LATER, TmallChannel, TmallConfig

SKILL = "90001"
TOKEN = "token-of-the-skill-in-tests"
FIXTURES = Path(__file__).parent / "fixtures"


class TestTmall(ChannelContract):
    kind = "voice_tmall"
    config: ClassVar[Mapping[str, Any]] = {"skill_id": SKILL, "token": TOKEN}
    rotated: ClassVar[Mapping[str, Any]] = {"token": "token-of-the-skill-after-rotation"}
    proof = "token"
    wire = "none"

    def sign(self, request: RawRequest, config: Mapping[str, Any]) -> Mapping[str, str]:
        """The header that the console sends along."""
        del request
        return {"x-skill-token": str(config["token"])}

    async def deliver(
        self, message: Outbound, answers: Sequence[Any], files: Mapping[str, Content]
    ) -> tuple[Sent, list[Request]]:
        """Speak it: the golden sends show the answer to the person's next turn."""
        del answers, files
        return Sent(), [Request("ANSWER", "", json=turn("asked", message.parts))]


def posted(body: bytes) -> RawRequest:
    """A request of the platform's."""
    return RawRequest("POST", HOOK_URL, {}, {"x-skill-token": TOKEN}, body, RECEIVED_AT)


def skill(**config: str) -> TmallChannel:
    """The adapter."""
    settings = msgspec.convert({"skill_id": SKILL, "token": TOKEN, **config}, TmallConfig)
    return TmallChannel(settings, ScriptedIo([]))


def turn(name: str, parts: Sequence[Any] = (), **config: str) -> dict[str, Any]:
    """What a fixture is answered with."""
    reply = skill(**config).converse(posted((FIXTURES / f"{name}.json").read_bytes()), parts)
    assert (reply.status, reply.content_type) == (200, "application/json; charset=utf-8")
    found: dict[str, Any] = json.loads(reply.body)
    assert (found["returnCode"], found["returnValue"]["executeCode"]) == ("0", "SUCCESS")
    return found


def test_a_question_without_an_answer_is_promised_one() -> None:
    """And told how to ask for it: a bare yes means nothing to a skill without a memory."""
    value = turn("asked", promise="请稍等。")["returnValue"]
    assert value["reply"] == f"请稍等。 {LATER}"
    assert value["resultType"] == "ASK_INF"
    assert value["askedInfos"] == [{"parameterName": "question", "intentId": 70001}]


def test_what_an_agent_said_is_spoken_whatever_is_asked_next() -> None:
    """All of it: nothing can wait for another turn."""
    long = "这是一句话。" * 1000
    for name in ("asks_again", "asked", "opened", "help"):
        assert turn(name, [Text(long), Text("再见")])["returnValue"]["reply"] == f"{long}\n再见"


def test_opening_greets_and_leaving_ends() -> None:
    """The speaker listens on only where there is a slot to fill."""
    opened, left = turn("opened")["returnValue"], turn("leaves")["returnValue"]
    assert (opened["reply"], opened["resultType"], opened["askedInfos"]) == (CHINESE.greeting, "RESULT", [])
    assert (left["reply"], left["resultType"]) == (CHINESE.goodbye, "RESULT")
    assert turn("opened", greeting="欢迎光临")["returnValue"]["reply"] == "欢迎光临"


def test_the_consoles_test_is_answered_as_somebody_unproven() -> None:
    """It names no person; its session is all there is."""
    (fact,) = skill().parse(posted((FIXTURES / "console_test.json").read_bytes()))
    assert isinstance(fact, MessageReceived)
    assert (fact.sender.claims[0].value, fact.sender.claims[0].verified) == ("tmall-session-0001", False)


def test_another_skill_at_our_address_is_no_skill_of_ours() -> None:
    """Its questions are shown as of an unknown account, not mixed with ours."""
    body = json.loads((FIXTURES / "asked.json").read_bytes())
    (fact,) = skill().parse(posted(json.dumps({**body, "skillId": 5}).encode()))
    assert fact.account == "5"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"sessionId": []}'])
def test_what_can_not_be_read_is_answered_all_the_same(body: bytes) -> None:
    """The person hears something."""
    found = json.loads(skill().converse(posted(body), []).body)
    assert found["returnValue"]["reply"] == CHINESE.unclear


async def test_nothing_is_ever_sent_by_itself_and_settings_are_looked_at() -> None:
    """A short token could be guessed."""
    with pytest.raises(Refused):
        await skill().send(Outbound(SKILL, "u", [Text("hello")], "m:0"))
    assert [one.external_id for one in await skill().probe()] == [SKILL]
    for wrong in ({"skill_id": "lamp"}, {"skill_id": ""}, {"token": "short"}):
        with pytest.raises(Refused):
            await skill(**wrong).probe()
