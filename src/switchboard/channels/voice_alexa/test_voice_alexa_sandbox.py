"""Alexa's adapter against the sandbox's speakers over real HTTP: certificates fetched and checked, talks, promises, answers."""

import asyncio
from collections.abc import Sequence

import httpx
import pytest

from switchboard.channels.api import (
    AccountChanged,
    Choice,
    Claim,
    MessageReceived,
    Notice,
    Part,
    ProfileReceived,
    RawRequest,
    ReachChanged,
    Refused,
    Reply,
    Text,
)
from switchboard.channels.families.voice import ENGLISH
from switchboard.channels.families.voice_talk import Talk
from switchboard.channels.loopback import Door, LoopbackIo, Sandbox
from switchboard.channels.voice_alexa.channel import AlexaChannel, AlexaConfig

WIRE = {"voice_alexa": "the sandbox over HTTP"}


@pytest.fixture
async def talk(sandbox: Sandbox, door: Door, io: LoopbackIo) -> Talk:
    """A skill that is answered by our adapter."""
    made = Talk(sandbox, door, "voice_alexa")
    door.channel = AlexaChannel(AlexaConfig(skill_id=made.settings["skill_id"], name="Lamp shop"), io)
    return made


async def test_the_skill_is_named_by_its_id(talk: Talk, io: LoopbackIo) -> None:
    """There is nothing else to try: Amazon is not asked."""
    (account,) = await talk.door.channel.probe()
    assert (account.external_id, account.name) == (talk.account, "Lamp shop")
    for wrong in ("", "amzn1.ask.skill.", "amzn1.account.X"):
        with pytest.raises(Refused, match=r"amzn1\.ask\.skill\."):
            await AlexaChannel(AlexaConfig(skill_id=wrong), io).probe()


async def test_a_question_is_promised_an_answer_which_is_told_at_a_later_turn(talk: Talk) -> None:
    """Question in, promise out; the agent's answer when she says yes; and a new question answered at once."""
    assert await talk.heard(action="launch") == ENGLISH.greeting
    (opened,) = await talk.facts()
    assert isinstance(opened, ProfileReceived)
    promise = await talk.heard(text="where is my parcel")
    assert promise == f"{ENGLISH.promise} {ENGLISH.waits}"
    (asked,) = await talk.said()
    assert (asked.account, asked.parts, asked.auto) == (talk.account, [Text("where is my parcel")], False)
    assert asked.sender.claims == opened.sender.claims == [Claim(f"voice:{talk.account}", asked.address)]
    assert asked.sender.language == "en-US"
    assert await talk.heard(text="yes") == f"{ENGLISH.nothing} {ENGLISH.waits}"
    assert await talk.heard("It arrives today.", text="yes") == "It arrives today."
    again = await talk.said()
    assert [(one.auto, type(one.parts[0])) for one in again] == [(True, Notice)] * 2
    assert len({one.dedupe_key for one in [asked, *again]}) == 3
    assert talk.session()["response"]["card"]["title"] == "Lamp shop"
    assert await talk.heard("At noon.", text="when exactly") == "At noon."
    assert await talk.heard("By truck.", intent="AnswerIntent") == "By truck."
    assert [entry["text"] for entry in talk.sandbox.ledger()][-3:] == [
        "It arrives today.",
        "At noon.",
        "By truck.",
    ]


async def test_what_the_skill_understands_by_itself(talk: Talk) -> None:
    """Help, nonsense, no, stop; a bare yes means nothing before a promise; other intents reach agents by name."""
    assert await talk.heard(text="help") == ENGLISH.help
    assert await talk.heard(intent="AMAZON.FallbackIntent", text="…") == ENGLISH.unclear
    assert await talk.heard(text="yes") == ENGLISH.unclear
    assert await talk.said() == []
    assert (await talk.heard(intent="OpeningHours", text="opening hours")).startswith(ENGLISH.promise)
    (wish,) = await talk.said()
    assert wish.parts == [Choice("OpeningHours")]
    assert await talk.heard(text="no") == ENGLISH.goodbye
    assert talk.session()["response"]["shouldEndSession"] is True
    assert await talk.heard(text="yes") == ENGLISH.unclear  # a new talk: the promise is forgotten
    assert await talk.heard(text="stop") == ENGLISH.goodbye


async def test_a_long_answer_is_told_in_turns(talk: Talk) -> None:
    """Alexa takes 8000 characters at a time; nothing is lost between the turns."""
    sentences = [f"Sentence number {nr} of a long answer." for nr in range(250)]
    first = await talk.heard(" ".join(sentences), text="tell me everything")
    assert 3000 < len(first) <= 6000
    second = await talk.heard(text="yes")
    assert f"{first} {second}" == " ".join(sentences)


async def test_ends_of_talks_and_of_the_skill_are_told(talk: Talk) -> None:
    """Nothing is said to them; whoever disables the skill can't be reached any more."""
    await talk.heard(action="launch")
    assert await talk.told(action="ended", reason="EXCEEDED_MAX_REPROMPTS") == []
    (came,) = await talk.told(action="launch")
    assert isinstance(came, ProfileReceived)
    for action, reachable in (("disable", False), ("enable", True)):
        (reach,) = await talk.told(action=action)
        assert isinstance(reach, ReachChanged)
        assert (reach.reachable, reach.sender.claims) == (reachable, came.sender.claims)
    assert len(talk.spoken()) == 2


class Mute(AlexaChannel):
    """An adapter whose answers are none, as after a fault of ours."""

    def converse(self, request: RawRequest, parts: Sequence[Part]) -> Reply:
        """Say nothing that Alexa understands."""
        del request, parts
        return Reply(body=b"no json")


async def test_an_answer_that_alexa_does_not_take_is_told(talk: Talk, io: LoopbackIo) -> None:
    """Amber, with Amazon's reason."""
    talk.door.channel = Mute(AlexaConfig(skill_id=talk.account), io)
    assert await talk.heard(text="hello") == "The answer is not JSON"
    (asked,), (trouble,) = [await asyncio.to_thread(talk.door.facts) for _ in range(2)]
    assert isinstance(asked, MessageReceived)
    assert isinstance(trouble, AccountChanged)
    assert (trouble.status, trouble.detail) == ("amber", "INVALID_RESPONSE: The answer is not JSON")


@pytest.mark.parametrize("flaw", ["body", "expired", "name", "chain", "host", "time"])
async def test_a_request_with_a_flaw_is_refused(talk: Talk, flaw: str) -> None:
    """Body changed after signing; certificate over, for another name, by a stranger, from elsewhere; two hours old."""
    talk.change(flaw=flaw)
    assert await talk.heard(text="hello") == "The skill answered HTTP 401"
    assert talk.door.refused >= 1
    talk.change(flaw="")
    assert (await talk.heard(text="hello")).startswith(ENGLISH.promise)
    assert len(await talk.said()) == 1


async def test_requests_for_another_skill_and_unsigned_ones_are_refused(talk: Talk, io: LoopbackIo) -> None:
    """Amazon's certificate signs every skill's requests; a signature proves its own body only."""
    await talk.heard(text="hello")
    genuine = talk.door.calls.get(timeout=10)
    names = ("signaturecertchainurl", "signature-256")
    proof = {name: genuine.headers[name] for name in names}
    async with httpx.AsyncClient(trust_env=False) as client:
        for body, headers, status in (
            (genuine.body, proof, 200),
            (genuine.body.replace(b"hello", b"jello"), proof, 401),
            (genuine.body, {**proof, "signature-256": ""}, 401),
            (genuine.body, {"signature-256": proof["signature-256"]}, 401),
            (genuine.body, {}, 401),
        ):
            assert (await client.post(talk.door.url, content=body, headers=headers)).status_code == status
    talk.door.channel = AlexaChannel(AlexaConfig(skill_id="amzn1.ask.skill.another"), io)
    assert await talk.heard(text="hello") == "The skill answered HTTP 401"
