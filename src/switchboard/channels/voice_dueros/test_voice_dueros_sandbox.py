"""DuerOS's adapter against the sandbox's speakers over real HTTP: certificates, talks in Chinese, promises, answers."""

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
    Refused,
    Reply,
    Text,
)
from switchboard.channels.families.voice import CHINESE
from switchboard.channels.families.voice_talk import Talk
from switchboard.channels.loopback import Door, LoopbackIo, Sandbox
from switchboard.channels.voice_dueros.channel import LONGEST, DuerosChannel, DuerosConfig

WIRE = {"voice_dueros": "the sandbox over HTTP"}


@pytest.fixture
async def talk(sandbox: Sandbox, door: Door, io: LoopbackIo) -> Talk:
    """A skill that is answered by our adapter."""
    made = Talk(sandbox, door, "voice_dueros")
    door.channel = DuerosChannel(
        DuerosConfig(skill_id=made.settings["skill_id"], greeting="灯具小店，您请讲。", name="灯具小店"), io
    )
    return made


async def test_the_skill_is_named_by_its_id(talk: Talk, io: LoopbackIo) -> None:
    """There is nothing else to try: Baidu is not asked."""
    (account,) = await talk.door.channel.probe()
    assert (account.external_id, account.name) == (talk.account, "灯具小店")
    with pytest.raises(Refused):
        await DuerosChannel(DuerosConfig(skill_id=" "), io).probe()


async def test_a_question_is_promised_an_answer_which_is_told_at_a_later_turn(talk: Talk) -> None:
    """Question in, promise out; the agent's answer when she asks; and a new question answered at once."""
    assert await talk.heard(action="launch") == "灯具小店，您请讲。"
    (opened,) = await talk.facts()
    assert isinstance(opened, ProfileReceived)
    assert await talk.heard(text="我的快递到哪了") == f"{CHINESE.promise} {CHINESE.waits}"
    (asked,) = await talk.said()
    assert (asked.account, asked.parts, asked.auto) == (talk.account, [Text("我的快递到哪了")], False)
    assert asked.sender.claims == opened.sender.claims == [Claim(f"voice:{talk.account}", asked.address)]
    assert await talk.heard(text="好的") == f"{CHINESE.nothing} {CHINESE.waits}"
    assert await talk.heard("今天送到。", text="有回复了吗") == "今天送到。"
    again = await talk.said()
    assert [(one.auto, type(one.parts[0])) for one in again] == [(True, Notice)] * 2
    assert len({one.dedupe_key for one in [asked, *again]}) == 3
    assert await talk.heard("中午。", text="几点能到？") == "中午。"
    assert talk.session()["response"]["expectSpeech"] is True
    assert [entry["text"] for entry in talk.sandbox.ledger()][-2:] == ["今天送到。", "中午。"]


async def test_what_the_skill_understands_by_itself(talk: Talk) -> None:
    """Help and leaving; yes and no mean something only after a promise; nothing said is not understood."""
    assert await talk.heard(text="帮助") == CHINESE.help
    assert await talk.heard(text="") == CHINESE.unclear
    assert await talk.said() == []
    assert await talk.heard(text="好的") == f"{CHINESE.promise} {CHINESE.waits}"  # as an answer to an agent
    (words,) = await talk.said()
    assert words.parts == [Text("好的")]
    assert await talk.heard(text="不用了") == CHINESE.goodbye
    assert talk.session()["response"]["shouldEndSession"] is True
    assert await talk.said() == []
    assert (await talk.heard(intent="opening_hours", text="")).startswith(CHINESE.promise)
    (wish,) = await talk.said()
    assert wish.parts == [Choice("opening_hours")]
    assert await talk.heard(text="退出") == CHINESE.goodbye


async def test_a_long_answer_is_told_in_turns(talk: Talk) -> None:
    """What is left travels in the session; nothing is lost between the turns."""
    whole = "".join(f"这是很长的回答中的第{nr}句话，一共有很多句。" for nr in range(120))
    heard = [await talk.heard(whole, text="请详细说明")]
    while "".join(heard) != whole:
        assert 0 < len(heard[-1]) <= LONGEST
        heard.append(await talk.heard(text="继续"))
        assert len(heard) < 5
    assert len(heard) > 1


async def test_the_end_of_a_talk_is_told(talk: Talk) -> None:
    """Nothing is said to it."""
    await talk.heard(action="launch")
    assert await talk.told(action="ended", reason="EXCEEDED_MAX_REPROMPTS") == []
    assert len(talk.spoken()) == 1


class Mute(DuerosChannel):
    """An adapter whose answers are none, as after a fault of ours."""

    def converse(self, request: RawRequest, parts: Sequence[Part]) -> Reply:
        """Say nothing that DuerOS understands."""
        del request, parts
        return Reply(body=b"no json")


async def test_an_answer_that_dueros_does_not_take_is_told(talk: Talk, io: LoopbackIo) -> None:
    """Amber, with Baidu's reason."""
    talk.door.channel = Mute(DuerosConfig(skill_id=talk.account), io)
    assert await talk.heard(text="你好") == "The answer is not JSON"
    (asked,), (trouble,) = [await asyncio.to_thread(talk.door.facts) for _ in range(2)]
    assert isinstance(asked, MessageReceived)
    assert isinstance(trouble, AccountChanged)
    assert (trouble.status, trouble.detail) == ("amber", "INVALID_RESPONSE: The answer is not JSON")


@pytest.mark.parametrize("flaw", ["body", "expired", "name", "host", "time"])
async def test_a_request_with_a_flaw_is_refused(talk: Talk, flaw: str) -> None:
    """Body changed after signing; certificate over, for another name, from elsewhere; an hour old."""
    talk.change(flaw=flaw)
    assert await talk.heard(text="你好") == "The skill answered HTTP 401"
    assert talk.door.refused >= 1
    talk.change(flaw="")
    assert (await talk.heard(text="你好")).startswith(CHINESE.promise)
    assert len(await talk.said()) == 1


async def test_requests_for_another_skill_and_unsigned_ones_are_refused(talk: Talk, io: LoopbackIo) -> None:
    """Baidu's certificate signs every skill's requests; a signature proves its own body only."""
    await talk.heard(text="hello")
    genuine = talk.door.calls.get(timeout=10)
    proof = {name: genuine.headers[name] for name in ("signaturecerturl", "signature")}
    async with httpx.AsyncClient(trust_env=False) as client:
        for body, headers, status in (
            (genuine.body, proof, 200),
            (genuine.body.replace(b"hello", b"jello"), proof, 401),
            (genuine.body, {**proof, "signature": ""}, 401),
            (genuine.body, {"signature": proof["signature"]}, 401),
            (genuine.body, {}, 401),
        ):
            assert (await client.post(talk.door.url, content=body, headers=headers)).status_code == status
    talk.door.channel = DuerosChannel(DuerosConfig(skill_id="another-skill"), io)
    assert await talk.heard(text="你好") == "The skill answered HTTP 401"
