"""Telegram's contract, and what is peculiar to it."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from switchboard.channels.api import (
    Claim,
    EchoReceived,
    InDoubt,
    MessageReceived,
    Outbound,
    RawRequest,
    Reauthorise,
    Refused,
    Retry,
    Source,
    Text,
)
from switchboard.channels.contract import Answer, ChannelContract, ScriptedIo
from switchboard.channels.contract_case import HOOK_URL, RECEIVED_AT
from switchboard.channels.telegram.channel import TelegramChannel, TelegramConfig
from switchboard.channels.telegram.inbound import Context, facts_of
from switchboard.channels.telegram.payloads import Address, message_key, message_number
from switchboard.channels.telegram.richtext import with_links

BOT = "6100000001"
TOKEN = f"{BOT}:AAEexampleOfATokenForTestsOnly"
SECRET = "secret-of-the-webhook-for-tests"
LI = {"id": 711000001, "is_bot": False, "first_name": "Li"}
OWNER = {"id": 722000001, "is_bot": False, "first_name": "Tea"}
PRIVATE = {"id": 711000001, "type": "private", "first_name": "Li"}
TALK = {"id": -1001700000002, "type": "supergroup", "title": "Talk"}
SENT = Answer(json={"ok": True, "result": {"message_id": 900, "date": 1780300800, "chat": PRIVATE}})


def problem(code: int, description: str, **parameters: Any) -> Answer:
    """Return an error as the Bot API words it."""
    body = {"ok": False, "error_code": code, "description": description, "parameters": parameters}
    return Answer(status=code, json=body)


class TestTelegram(ChannelContract):
    """The whole contract; Telegram signs nothing, it repeats the secret token."""

    kind = "telegram"
    config: ClassVar[Mapping[str, Any]] = {"token": TOKEN, "webhook_secret": SECRET}
    rotated: ClassVar[Mapping[str, Any]] = {"webhook_secret": "another-secret-for-tests"}
    proof = "token"
    items = ("result.*",)
    answer = SENT
    situations: ClassVar[Mapping[str, Answer]] = {
        "slow_down": problem(429, "Too Many Requests: retry after 7", retry_after=7),
        "bad_request": problem(400, "Bad Request: message text is empty"),
        "unauthorised": problem(401, "Unauthorized"),
        "unavailable": Answer(status=502, text="<html>Bad Gateway</html>"),
    }
    errors = (
        (problem(403, "Forbidden: bot was blocked by the user"), Refused),
        (problem(400, "Bad Request: chat not found"), Refused),
        (problem(404, "Not Found"), Reauthorise),
        (problem(409, "Conflict: terminated by other getUpdates request"), Retry),
        (problem(500, "Internal Server Error"), Retry),
        (Answer(status=429, json={"ok": False}), Retry),
        (Answer(status=504, text="<html>Gateway Time-out</html>"), InDoubt),
    )
    media = Source("AgACAgUAAxk-file")
    samples = ("types/message_*.json",)

    def request(self, body: bytes, path: Path) -> RawRequest:
        """Samples are bare messages: put them into an update."""
        if path.parent.name == "types":
            body = b'{"update_id":%d,"message":%s}' % (int(path.stem.split("_")[1]), body)
        return RawRequest("POST", HOOK_URL, {}, {"content-type": "application/json"}, body, RECEIVED_AT)

    def sign(self, request: RawRequest, config: Mapping[str, Any]) -> Mapping[str, str]:
        """Return the header that carries the secret."""
        return {"x-telegram-bot-api-secret-token": config["webhook_secret"]}


def bot(*answers: Answer, **config: Any) -> tuple[TelegramChannel, ScriptedIo]:
    """Return a bot whose platform gives these answers."""
    io = ScriptedIo(answers or [SENT])
    settings = {"token": TOKEN, "webhook_secret": SECRET, **config}
    return TelegramChannel(msgspec.convert(settings, TelegramConfig), io), io


def one_fact(kind: str, body: Mapping[str, Any], groups: str = "") -> Any:
    """Return the first fact of an update."""
    return facts_of({"update_id": 1, kind: body}, Context(BOT, "1", frozenset(groups.split())))[0]


def said(chat: Mapping[str, Any], who: Mapping[str, Any], **content: Any) -> dict[str, Any]:
    """Return a message."""
    return {"message_id": 7, "date": 1780300800, "chat": chat, "from": who, **content}


def outbound(text: str = "hi") -> Outbound:
    """Return a plain text for Li."""
    return Outbound(BOT, "711000001", [Text(text)], "key-1")


def post(update: Any) -> RawRequest:
    """Return a webhook call."""
    return RawRequest("POST", HOOK_URL, {}, {}, json.dumps(update).encode(), RECEIVED_AT)


def test_without_a_secret_nothing_is_believed() -> None:
    """A connection that was never registered must not accept an empty header."""
    channel, _ = bot(webhook_secret="")
    TestTelegram().refuses(msgspec.structs.replace(post({}), headers={}), channel, "no header")
    empty = {"x-telegram-bot-api-secret-token": ""}
    TestTelegram().refuses(msgspec.structs.replace(post({}), headers=empty), channel, "an empty header")


def test_numbers_beyond_32_bits_stay_exact() -> None:
    """Chat and user ids have up to 52 bits."""
    far = {"id": 4503599627370495, "type": "private"}
    fact = one_fact("message", said(far, {**LI, "id": far["id"]}, text="x"))
    assert (fact.address, fact.external_id) == ("4503599627370495", "4503599627370495:7")


def test_links_keep_their_place_behind_emoji_and_han() -> None:
    """Offsets count UTF-16 units: an emoji is two of them."""
    text = "🍵🍵 见菜单 and site"
    entities = [
        {"type": "text_link", "offset": 13, "length": 4, "url": "https://b.example/"},
        {"type": "text_link", "offset": 6, "length": 2, "url": "https://a.example/"},
        {"type": "text_link", "offset": 500, "length": 2, "url": "https://c.example/"},
        {"type": "text_link", "offset": 0, "length": 1, "url": 5},
    ]
    assert with_links(text, entities) == "🍵🍵 见菜单 (https://a.example/) and site (https://b.example/)"


def test_business_chats_tell_customer_and_company_apart() -> None:
    """The chat is the customer's; whoever else writes in it is the company."""
    customer = one_fact("business_message", said(PRIVATE, LI, business_connection_id="Bq", text="?"))
    owner = one_fact("business_message", said(PRIVATE, OWNER, business_connection_id="Bq", text="!"))
    assert isinstance(customer, MessageReceived)
    assert isinstance(owner, EchoReceived)
    assert owner.customer.claims == customer.sender.claims == [Claim("telegram", "711000001")]
    assert owner.address == customer.address == "711000001?business=Bq"
    assert customer.external_id == "Bq:711000001:7"


def test_the_phone_of_a_shared_contact_counts_only_when_it_is_ones_own() -> None:
    """Telegram itself fills in whose number it is; anybody may share somebody else's."""
    own = one_fact(
        "message", said(PRIVATE, LI, contact={"phone_number": "+86 138-0013-8000", "user_id": LI["id"]})
    )
    other = one_fact("message", said(PRIVATE, LI, contact={"phone_number": "+8613800138000", "user_id": 5}))
    assert own.sender.claims == [Claim("telegram", "711000001"), Claim("phone", "+8613800138000")]
    assert other.sender.claims == [Claim("telegram", "711000001")]


def test_replies_further_down_a_comment_thread_need_the_group_to_be_named() -> None:
    """Telegram doesn't say of a deep reply that its root is a post."""
    deep = said(TALK, LI, text="and me", message_thread_id=300, reply_to_message=said(TALK, LI, text="x"))
    assert one_fact("message", deep).slot == "group:-1001700000002"
    named = one_fact("message", deep, groups="-1001700000002")
    assert (named.slot, named.address) == ("post:-1001700000002:300", "-1001700000002?reply=300")


def test_addresses_survive_writing_and_reading() -> None:
    """A business connection's id may hold any sign."""
    for address in (
        Address("-100"),
        Address("7", business="B&q=1/+ %"),
        Address("7", thread="3"),
        Address(""),
    ):
        assert Address.read(str(address)) == address
    assert message_number(message_key(7, 12, "a:b"), "7") == 12
    assert message_number("8:12", "7") == 0
    assert message_number("callback:1", "7") == 0
    assert message_number("", "") == 0


def test_a_pressed_button_is_answered_in_the_acknowledgement() -> None:
    """Telegram runs the one method call that the body names; everything else gets an empty 200."""
    channel, _ = bot()
    reply = channel.ack(post({"update_id": 1, "callback_query": {"id": "44", "from": LI}}))
    assert json.loads(reply.body) == {"method": "answerCallbackQuery", "callback_query_id": "44"}
    assert reply.content_type == "application/json"
    update: Any
    for update in (
        {"update_id": 1, "message": {}},
        [],
        {"callback_query": {"id": 4}},
        {"callback_query": None},
    ):
        assert channel.ack(post(update)).body == b""


async def test_polling_confirms_by_asking_for_the_next() -> None:
    """The cursor is the next update's number; buttons are answered; a broken update is no obstacle."""
    updates = [
        {"update_id": 41, "message": said(PRIVATE, LI, text="a")},
        {"update_id": 42, "message": {"broken": True}},
        {"no number": 1},
        {"update_id": 43, "callback_query": {"id": "44", "from": LI, "data": "d", "chat_instance": "1"}},
    ]
    channel, io = bot(
        Answer(json={"ok": True, "result": updates}), Answer(json={"ok": True, "result": True}), intake="poll"
    )
    polled = await channel.poll(BOT, "41")
    assert [str(fact.__struct_config__.tag) for fact in polled.facts] == [
        "message",
        "unreadable",
        "unreadable",
        "message",
    ]
    assert (polled.cursor, polled.more) == ("44", False)
    asked, answered = io.scripted.requests
    assert asked.url.endswith("/getUpdates")
    assert asked.json["offset"] == 41
    assert "message_reaction" in asked.json["allowed_updates"]
    assert answered.json == {"callback_query_id": "44"}
    replayed = channel.parse(msgspec.structs.replace(post({}), body=polled.raw))
    assert replayed == polled.facts


async def test_polling_takes_the_webhook_away_when_it_is_in_the_way() -> None:
    """getUpdates answers 409 while a webhook is set."""
    conflict = problem(409, "Conflict: can't use getUpdates method while webhook is active")
    channel, io = bot(conflict, Answer(json={"ok": True, "result": True}), intake="poll")
    with pytest.raises(Retry):
        await channel.poll(BOT, "")
    assert [request.url.rsplit("/", 1)[1] for request in io.scripted.requests] == [
        "getUpdates",
        "deleteWebhook",
    ]


async def test_polling_is_silent_where_the_webhook_is_the_intake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking would take the webhook's updates away; coming back at once would make its caller spin."""
    channel, io = bot()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(channel.poll(BOT, "5"), 0.05)
    assert (channel.polling, io.scripted.requests) == (False, [])
    monkeypatch.setattr("switchboard.channels.telegram.channel.POLL_SECONDS", 0)
    polled = await channel.poll(BOT, "5")
    assert (list(polled.facts), polled.cursor, io.scripted.requests) == ([], "5", [])


async def test_a_poll_without_an_answer_is_tried_again() -> None:
    """It asks for the same updates once more; nothing is in doubt."""
    channel, _ = bot(Answer(fails="timeout"), intake="poll")
    with pytest.raises(Retry):
        await channel.poll(BOT, "")


async def test_registering_names_reactions_and_the_secret() -> None:
    """Reactions come only when asked for by name."""
    channel, io = bot(Answer(json={"ok": True, "result": True}))
    await channel.register("https://contact.example/hooks/1")
    (request,) = io.scripted.requests
    assert request.url == f"https://api.telegram.org/bot{TOKEN}/setWebhook"
    assert request.json["url"] == "https://contact.example/hooks/1"
    assert request.json["secret_token"] == SECRET
    assert {"message_reaction", "business_message", "my_chat_member"} <= set(request.json["allowed_updates"])
    polling, io = bot(Answer(json={"ok": True, "result": True}), intake="poll")
    await polling.register("https://contact.example/hooks/1")
    assert io.scripted.requests[0].url.endswith("/deleteWebhook")


async def test_probing_names_the_bot() -> None:
    """The account is the bot's id."""
    me = {"id": int(BOT), "is_bot": True, "first_name": "Tea desk", "username": "teadesk_demo_bot"}
    channel, _ = bot(Answer(json={"ok": True, "result": me}))
    (account,) = await channel.probe()
    assert (account.external_id, account.name) == (BOT, "Tea desk (@teadesk_demo_bot)")


async def test_files_are_fetched_in_two_steps() -> None:
    """getFile tells the path, the file server has the bytes."""
    found = Answer(json={"ok": True, "result": {"file_id": "x", "file_path": "photos/file 7.jpg"}})
    channel, io = bot(found, Answer(data=b"\xff\xd8", headers={"content-type": "application/octet-stream"}))
    content = await channel.fetch_media(BOT, Source("x"))
    assert (content.name, content.mime, content.data) == ("file 7.jpg", "image/jpeg", b"\xff\xd8")
    assert io.scripted.requests[1].url == f"https://api.telegram.org/file/bot{TOKEN}/photos/file%207.jpg"


async def test_profiles_have_name_and_picture() -> None:
    """The picture is a reference for fetch_media."""
    chat = {
        "id": 711000001,
        "type": "private",
        "first_name": "Li",
        "last_name": "Wei",
        "photo": {"big_file_id": "big"},
    }
    channel, _ = bot(Answer(json={"ok": True, "result": chat}))
    profile = await channel.fetch_profile(BOT, Claim("telegram", "711000001"))
    assert (profile.name, profile.avatar) == ("Li Wei", Source("big"))


async def test_reading_is_told_in_business_chats_only() -> None:
    """Bots have no read marks of their own."""
    yes = Answer(json={"ok": True, "result": True})
    channel, io = bot(yes)
    await channel.mark_read(BOT, "711000001", "711000001:5", typing=False)
    assert io.scripted.requests == []
    await channel.mark_read(BOT, "711000001?business=Bq", "Bq:711000001:5", typing=True)
    read, typing = io.scripted.requests
    assert read.json == {"business_connection_id": "Bq", "chat_id": 711000001, "message_id": 5}
    assert typing.json == {"business_connection_id": "Bq", "chat_id": 711000001, "action": "typing"}


@pytest.mark.parametrize(
    ("answer", "unreachable"),
    [
        (problem(403, "Forbidden: bot was blocked by the user"), True),
        (problem(403, "Forbidden: not enough rights to send text messages to the chat"), False),
        (problem(400, "Bad Request: chat not found"), True),
        (problem(400, "Bad Request: message is too long"), False),
    ],
)
async def test_a_person_who_blocked_the_bot_is_out_of_reach(answer: Answer, unreachable: bool) -> None:
    """Nothing else will reach them either; a message that is merely wrong says nothing of the person."""
    channel, _ = bot(answer)
    with pytest.raises(Refused) as refused:
        await channel.send(outbound())
    assert refused.value.unreachable is unreachable


async def test_an_answer_in_a_moved_group_answers_nothing_there() -> None:
    """The supergroup numbers its messages anew: the old number would name another message."""
    channel, io = bot(problem(400, "x", migrate_to_chat_id=-1001), SENT)
    await channel.send(Outbound(BOT, "-42", [Text("x")], "k", reply_to="-42:7"))
    before, after = io.scripted.requests
    assert before.json["reply_parameters"]["message_id"] == 7
    assert after.json == {"chat_id": -1001, "text": "x"}


async def test_a_group_that_moves_again_and_again_is_left_for_later() -> None:
    """One step after it within a send, no loop."""
    channel, io = bot(problem(400, "x", migrate_to_chat_id=-1), problem(400, "x", migrate_to_chat_id=-2))
    with pytest.raises(Retry):
        await channel.send(outbound())
    assert len(io.scripted.requests) == 2


@pytest.mark.parametrize("to", ["", "abc", "--5", "@", "@a b", "9" * 30, "٣"])
async def test_what_is_no_address_is_refused_before_anything_leaves(to: str) -> None:
    """Nothing goes out."""
    channel, io = bot()
    with pytest.raises(Refused):
        await channel.send(Outbound(BOT, to, [Text("x")], "k"))
    assert io.scripted.requests == []
