"""Tmall Genie's adapter against the sandbox's speakers over real HTTP: the token, talks in Chinese, promises, answers."""

import httpx
import pytest

from switchboard.channels.api import Choice, Claim, Notice, ProfileReceived, Refused, Text
from switchboard.channels.families.voice import CHINESE
from switchboard.channels.families.voice_talk import Talk
from switchboard.channels.loopback import Door, LoopbackIo, Sandbox
from switchboard.channels.voice_tmall.channel import LATER, TmallChannel, TmallConfig

WIRE = {"voice_tmall": "the sandbox over HTTP"}
PROMISE = f"{CHINESE.promise} {LATER}"


@pytest.fixture
async def talk(sandbox: Sandbox, door: Door, io: LoopbackIo) -> Talk:
    """A skill that is answered by our adapter."""
    made = Talk(sandbox, door, "voice_tmall")
    door.channel = TmallChannel(
        TmallConfig(skill_id=made.settings["skill_id"], token=made.settings["header_value"], name="灯具小店"),
        io,
    )
    return made


async def test_the_skill_is_named_by_its_id_and_the_token_must_be_long(talk: Talk, io: LoopbackIo) -> None:
    """There is nothing else to try: the platform is not asked."""
    (account,) = await talk.door.channel.probe()
    assert (account.external_id, account.name) == (talk.account, "灯具小店")
    for skill_id, token, words in (("x", "t" * 16, "number"), ("123", "short", "16 characters")):
        with pytest.raises(Refused, match=words):
            await TmallChannel(TmallConfig(skill_id=skill_id, token=token), io).probe()


async def test_a_question_is_promised_an_answer_which_is_told_at_a_later_turn(talk: Talk) -> None:
    """Question in, promise out; the agent's answer when she asks; and a new question answered at once."""
    assert await talk.heard(action="launch") == CHINESE.greeting
    (opened,) = await talk.facts()
    assert isinstance(opened, ProfileReceived)
    assert await talk.heard(text="我的快递到哪了") == PROMISE
    (asked,) = await talk.said()
    assert (asked.account, asked.parts, asked.auto) == (talk.account, [Text("我的快递到哪了")], False)
    assert asked.sender.claims == opened.sender.claims == [Claim(f"voice:{talk.account}", asked.address)]
    assert await talk.heard(text="有回复了吗") == f"{CHINESE.nothing} {LATER}"
    assert await talk.heard("今天送到。", text="有回复了吗") == "今天送到。"
    again = await talk.said()
    assert [(one.auto, type(one.parts[0])) for one in again] == [(True, Notice)] * 2
    assert len({one.dedupe_key for one in [asked, *again]}) == 3
    assert await talk.heard("中午。", text="几点能到？") == "中午。"
    assert [entry["text"] for entry in talk.sandbox.ledger()][-2:] == ["今天送到。", "中午。"]


async def test_the_speaker_listens_on_where_there_is_something_to_say(talk: Talk) -> None:
    """After a question it names the slot; after the end of the talk it doesn't."""
    await talk.heard(text="我的快递到哪了")
    value = talk.session()["returnValue"]
    slot = {"parameterName": "question", "intentId": int(talk.settings["intent_id"])}
    assert (value["resultType"], value["askedInfos"]) == ("ASK_INF", [slot])
    assert talk.spoken()[-1]["footer"] == "🎤"
    assert await talk.heard(text="退出", intent="exit") == CHINESE.goodbye
    assert talk.session()["returnValue"]["resultType"] == "RESULT"


async def test_what_the_skill_understands_by_itself(talk: Talk) -> None:
    """Help; a bare yes is an answer to an agent, because nothing is remembered; other intents reach agents by name."""
    assert await talk.heard(text="帮助") == CHINESE.help
    assert await talk.said() == []
    assert await talk.heard(text="好的") == PROMISE
    (words,) = await talk.said()
    assert words.parts == [Text("好的")]
    assert await talk.heard(text="营业时间", intent="opening_hours") == PROMISE
    (wish,) = await talk.said()
    assert wish.parts in ([Text("营业时间")], [Choice("opening_hours")])


async def test_a_long_answer_is_told_in_one_breath(talk: Talk) -> None:
    """There is no session to keep the rest in, so all of it is said."""
    whole = "这是一个很长的回答。" * 400
    assert await talk.heard(whole, text="请详细说明") == whole


async def test_requests_without_the_token_are_refused(talk: Talk) -> None:
    """It is all that proves one: the platform signs nothing."""
    talk.change(flaw="header")
    assert await talk.heard(text="你好") == "The skill answered HTTP 401"
    assert talk.door.refused >= 1
    talk.change(flaw="")
    assert await talk.heard(text="你好") == PROMISE
    await talk.heard(text="hello")
    genuine = [talk.door.calls.get(timeout=10) for _ in range(2)][-1]
    token = talk.settings["header_value"]
    async with httpx.AsyncClient(trust_env=False) as client:
        for headers, status in (
            ({"x-skill-token": token}, 200),
            ({"x-skill-token": token[:-1]}, 401),
            ({"x-skill-token": ""}, 401),
            ({}, 401),
        ):
            answer = await client.post(talk.door.url, content=genuine.body, headers=headers)
            assert answer.status_code == status
