"""Telegram's public client libraries against the sandbox, over real HTTP."""

from typing import Any

import aiogram
import pytest
import telegram
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramForbiddenError, TelegramRetryAfter
from aiogram.types import BufferedInputFile, InputMediaDocument
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, RetryAfter

from switchboard.sandbox.conftest import Hook, Running

LIBRARIES = {"telegram": "python-telegram-bot and aiogram"}

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000002000000030806000000b9eade810000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


@pytest.fixture(autouse=True)
def _durations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")  # else the library warns that its own default will change


@pytest.fixture
def bot(sandbox: Running) -> dict[str, Any]:
    made = sandbox.post(
        "/sandbox/telegram/bots", token="4200:abcdefghijklmnopqrstuvwxyz0123456789", username="shop_bot"
    )
    sandbox.post("/sandbox/customers", id="ann", name="Ann Lee", telegram_id=5001, phone="4915112345678")
    return made


def ptb(sandbox: Running, token: str) -> telegram.Bot:
    return telegram.Bot(token, base_url=sandbox.url + "/bot", base_file_url=sandbox.url + "/file/bot")


async def test_python_telegram_bot_talks_both_ways(sandbox: Running, bot: dict[str, Any]) -> None:
    async with ptb(sandbox, bot["token"]) as client:
        assert (await client.get_me()).username == "shop_bot"
        sandbox.play(bot, "ann", text="/start now")
        photo = sandbox.upload("cat.png", PNG, "image/png")
        sandbox.play(bot, "ann", type="image", file=photo, text="look")
        updates = await client.get_updates(timeout=5)
        first, second = updates[0].message, updates[1].message
        assert first is not None
        assert first.text == "/start now"
        assert first.from_user is not None
        assert first.from_user.full_name == "Ann Lee"
        assert second is not None
        assert second.caption == "look"
        assert (second.photo[-1].width, second.photo[-1].height) == (2, 3)
        file = await client.get_file(second.photo[-1].file_id)
        assert bytes(await file.download_as_bytearray()) == PNG
        assert await client.get_updates(offset=updates[-1].update_id + 1) == ()


async def test_python_telegram_bot_buttons_and_edits(sandbox: Running, bot: dict[str, Any]) -> None:
    [asked] = sandbox.play(bot, "ann", text="hi")
    async with ptb(sandbox, bot["token"]) as client:
        markup = telegram.InlineKeyboardMarkup([[telegram.InlineKeyboardButton("Yes", callback_data="y:1")]])
        sent = await client.send_message(
            5001,
            "<b>Hi</b> 😀 there",
            parse_mode="HTML",
            reply_markup=markup,
            reply_to_message_id=int(asked),
        )
        assert sent.text == "Hi 😀 there"
        assert sent.entities[0].type == "bold"
        assert sent.reply_to_message is not None
        assert sent.reply_to_message.message_id == int(asked)
        sandbox.play(bot, "ann", type="press", reply_to=str(sent.message_id), button="0.0")
        query = (await client.get_updates(timeout=5))[-1].callback_query
        assert query is not None
        assert query.data == "y:1"
        assert await query.answer("thanks")
        edited = await client.edit_message_text("Bye", 5001, sent.message_id)
        assert isinstance(edited, telegram.Message)
        assert edited.edit_date is not None
        assert await client.delete_message(5001, sent.message_id)


async def test_python_telegram_bot_sends_every_kind(sandbox: Running, bot: dict[str, Any]) -> None:
    [asked] = sandbox.play(bot, "ann", text="hi")
    async with ptb(sandbox, bot["token"]) as client:
        document = await client.send_document(5001, PNG, filename="a.png", caption="file")
        assert document.document is not None
        assert document.document.file_name == "a.png"
        again = await client.send_document(5001, document.document.file_id)
        assert again.document is not None
        assert again.document.file_unique_id == document.document.file_unique_id
        album = await client.send_media_group(
            5001, [telegram.InputMediaPhoto(PNG), telegram.InputMediaPhoto(PNG)]
        )
        assert len({m.media_group_id for m in album}) == 1
        for one in (
            await client.send_location(5001, 31.2, 121.4),
            await client.send_venue(5001, 1, 2, "Shop", "Road 1"),
            await client.send_contact(5001, "+1555", "Ann"),
            await client.send_poll(5001, "Ok?", ["a", "b"]),
            await client.send_dice(5001),
            await client.forward_message(5001, 5001, int(asked)),
            await client.send_voice(5001, b"OggS"),
            await client.send_sticker(5001, PNG),
            await client.send_video(5001, b"mp4"),
            await client.send_animation(5001, b"gif"),
            await client.send_audio(5001, b"mp3"),
            await client.send_video_note(5001, b"mp4"),
        ):
            assert one.chat.id == 5001
        assert (await client.copy_message(5001, 5001, int(asked))).message_id > 0
        assert await client.set_message_reaction(5001, int(asked), "👍")
        assert await client.send_chat_action(5001, "typing")
        assert (await client.get_chat(5001)).first_name == "Ann"
        assert (await client.get_chat_member(5001, 5001)).status == "member"
        assert (await client.get_user_profile_photos(5001)).total_count == 0
    kinds = [e["kind"] for e in sandbox.ledger()]
    assert kinds[:2] == ["document", "document"]
    assert len(kinds) == 17


async def test_webhook_is_set_called_and_in_the_way_of_polling(
    sandbox: Running, bot: dict[str, Any], hook: Hook
) -> None:
    async with ptb(sandbox, bot["token"]) as client:
        sandbox.play(bot, "ann", text="before")
        await client.set_webhook(
            hook.url, secret_token="s3cret", allowed_updates=["message", "message_reaction"]
        )
        sandbox.play(bot, "ann", text="after")
        hook.answers[:] = [500]
        calls = hook.wait(lambda bodies: len({b["update_id"] for b in bodies}) == 2)
        assert {b["message"]["text"] for b in calls} == {"before", "after"}
        assert all(h["x-telegram-bot-api-secret-token"] == "s3cret" for h, _ in hook.calls)
        with pytest.raises(Conflict):
            await client.get_updates()
        sandbox.play(bot, "ann", type="reaction", target="1", emoji="🔥")
        hook.wait(lambda bodies: any("message_reaction" in b for b in bodies))
        sandbox.play(bot, "ann", type="edit", target="1", text="not wanted: allowed_updates leaves edits out")
        await client.delete_webhook()
        assert (await client.get_webhook_info()).url == ""
        assert not any("edited_message" in b for b in hook.bodies())


async def test_errors_as_clients_know_them(sandbox: Running, bot: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken):
        async with ptb(sandbox, "4200:wrong"):
            pass
    async with ptb(sandbox, bot["token"]) as client:
        with pytest.raises(BadRequest, match="Chat not found"):
            await client.send_message(999, "x")
        with pytest.raises(Forbidden, match="initiate"):
            await client.send_message(5001, "x")
        sandbox.play(bot, "ann", text="hi")
        sandbox.post("/sandbox/faults", kind="error", code=429, platform="telegram")
        with pytest.raises(RetryAfter):
            await client.send_message(5001, "x")
        with pytest.raises(BadRequest, match="too long"):
            await client.send_message(5001, "x" * 4097)
        keys = telegram.InlineKeyboardMarkup([[telegram.InlineKeyboardButton("a", callback_data="x" * 65)]])
        with pytest.raises(BadRequest, match="Button_data_invalid"):
            await client.send_message(5001, "x", reply_markup=keys)
        sandbox.play(bot, "ann", action="block")
        with pytest.raises(Forbidden, match="blocked"):
            await client.send_message(5001, "x")
        group = sandbox.post(f"/sandbox/telegram/bots/{bot['id']}/groups", type="group", migrated_to=-1001234)
        with pytest.raises(telegram.error.ChatMigrated) as moved:
            await client.send_message(group["id"], "x")
        assert moved.value.new_chat_id == -1001234
    assert sandbox.ledger() == []


async def test_rate_limit_counts_real_messages(sandbox: Running, bot: dict[str, Any]) -> None:
    sandbox.play(bot, "ann", text="hi")
    sandbox.http.patch(f"/sandbox/accounts/{bot['id']}", json={"rates": True})
    async with ptb(sandbox, bot["token"]) as client:
        for number in range(3):
            await client.send_message(5001, str(number))
        with pytest.raises(RetryAfter):
            await client.send_message(5001, "too fast")
    assert len(sandbox.ledger()) == 3


async def test_business_chat_closes_after_a_day(sandbox: Running, bot: dict[str, Any]) -> None:
    one = sandbox.post(f"/sandbox/telegram/bots/{bot['id']}/connections", owner_name="Boss")
    sandbox.play(bot, "ann", text="to the boss", business_connection_id=one["id"])
    async with ptb(sandbox, bot["token"]) as client:
        updates = await client.get_updates(timeout=5)
        assert updates[0].business_connection is not None
        message = updates[1].business_message
        assert message is not None
        assert message.business_connection_id == one["id"]
        sent = await client.send_message(5001, "answer", business_connection_id=one["id"])
        assert sent.sender_business_bot is not None
        assert sent.sender_business_bot.id == 4200
        assert await client.read_business_message(one["id"], 5001, message.message_id)
        assert (await client.get_business_connection(one["id"])).user.first_name == "Boss"
        sandbox.post("/sandbox/clock", shift_seconds=25 * 3600)
        with pytest.raises(BadRequest, match="peer_usage_missing"):
            await client.send_message(5001, "late", business_connection_id=one["id"])


async def test_aiogram_sends_files_and_hears_groups(sandbox: Running, bot: dict[str, Any]) -> None:
    group = sandbox.post(f"/sandbox/telegram/bots/{bot['id']}/groups", title="Fans", members=["ann"])
    channel = sandbox.post(f"/sandbox/telegram/bots/{bot['id']}/groups", type="channel", title="News")
    session = AiohttpSession(api=TelegramAPIServer.from_base(sandbox.url))
    async with aiogram.Bot(bot["token"], session=session) as client:
        sandbox.play(bot, "ann", text="in the group", group=group["id"])
        sandbox.post(
            "/sandbox/play", platform="telegram", account=bot["id"], group=channel["id"], text="news"
        )
        updates = await client.get_updates(timeout=5)
        assert updates[0].message is not None
        assert updates[0].message.chat.type == "supergroup"
        assert updates[1].channel_post is not None
        assert updates[1].channel_post.text == "news"
        album = await client.send_media_group(
            group["id"],
            [
                InputMediaDocument(media=BufferedInputFile(b"a", "a.txt")),
                InputMediaDocument(media=BufferedInputFile(b"b", "b.txt")),
            ],
        )
        assert [m.document.file_name for m in album if m.document] == ["a.txt", "b.txt"]
        sandbox.play(bot, "ann", text="hi")
        sandbox.post("/sandbox/faults", kind="error", code=429)
        with pytest.raises(TelegramRetryAfter):
            await client.send_message(5001, "x")
        sandbox.post("/sandbox/faults", kind="error", code=403)
        with pytest.raises(TelegramForbiddenError):
            await client.send_message(5001, "x")
        keyboard = aiogram.types.ReplyKeyboardMarkup(
            keyboard=[[aiogram.types.KeyboardButton(text="My number", request_contact=True)]]
        )
        await client.send_message(5001, "Your number?", reply_markup=keyboard)
        sandbox.play(bot, "ann", type="press", button="My number")
        contact = (await client.get_updates(offset=updates[-1].update_id + 2, timeout=5))[-1].message
        assert contact is not None
        assert contact.contact is not None
        assert contact.contact.user_id == 5001
