"""Methods that put a message before a customer."""

import secrets
from collections.abc import Callable
from typing import Any

from switchboard.sandbox.bot import entities, objects, places
from switchboard.sandbox.bot.errors import BotError
from switchboard.sandbox.bot.places import Place
from switchboard.sandbox.faults import Fault
from switchboard.sandbox.state import Attachment, Media, TelegramBot, attachment
from switchboard.sandbox.web import Upload
from switchboard.sandbox.world import FetchFailed, World

Json = dict[str, Any]
Files = dict[str, Upload]
MB = 1024 * 1024
LINK_LIMIT = {"photo": 5 * MB}
UPLOAD_LIMIT = {"photo": 10 * MB}
TEXT_LIMIT, CAPTION_LIMIT = 4096, 1024
FIELD = {
    "sendPhoto": "photo",
    "sendVideo": "video",
    "sendAnimation": "animation",
    "sendDocument": "document",
    "sendAudio": "audio",
    "sendVoice": "voice",
    "sendVideoNote": "video_note",
    "sendSticker": "sticker",
}
DICE = {"🎲": 6, "🎯": 6, "🎳": 6, "🏀": 5, "⚽": 5, "🎰": 64}


def check_markup(markup: Any) -> Json | None:
    """Keyboards: callback data of 1 to 64 bytes, rows of buttons."""
    if markup is None:
        return None
    if not isinstance(markup, dict):
        raise BotError(400, "Bad Request: object expected as reply markup")
    for row in markup.get("inline_keyboard") or []:
        if not isinstance(row, list):
            raise BotError(400, "Bad Request: can't parse inline keyboard button: row must be an array")
        for key in row:
            if not key.get("text"):
                raise BotError(
                    400, "Bad Request: can't parse inline keyboard button: Text buttons are unallowed"
                )
            data = key.get("callback_data")
            if data is not None and not 1 <= len(str(data).encode()) <= 64:
                raise BotError(400, "Bad Request: BUTTON_DATA_INVALID")
            if len(key) < 2:
                raise BotError(400, "Bad Request: inline keyboard button must have exactly one action")
    return markup


class Sending:
    """Handlers by method name; each makes the content, `_send` does the rest."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def content(
        self, bot: TelegramBot, method: str, values: Json, files: Files
    ) -> tuple[Json, list[Attachment]]:
        """The message's own fields and its files."""
        if method in FIELD:
            return await self._file_content(bot, FIELD[method], values, files)
        makers: dict[str, Callable[[Json], Json]] = {
            "sendMessage": _text,
            "sendLocation": _location,
            "sendVenue": _venue,
            "sendContact": _contact,
            "sendPoll": _poll,
            "sendDice": _dice,
        }
        return makers[method](values), []

    async def _file_content(
        self, bot: TelegramBot, kind: str, values: Json, files: Files
    ) -> tuple[Json, list[Attachment]]:
        media = await self.file(bot, kind, values[kind], files)
        made: Json = {kind: objects.file_object(kind, media, values)}
        if kind == "animation":
            made["document"] = objects.file_object("document", media, values)
        made.update(caption(values))
        return made, [attachment(media, objects.SHOWN.get(kind, kind))]

    async def file(self, bot: TelegramBot, kind: str, value: Any, files: Files) -> Media:
        """An upload, `attach://name`, a link or a file_id."""
        if isinstance(value, str) and value.startswith("attach://"):
            value = files.get(value.removeprefix("attach://"), value)
        if isinstance(value, Upload):
            if len(value.content) > UPLOAD_LIMIT.get(kind, 50 * MB):
                raise BotError(413, "Request Entity Too Large")
            if not value.content:
                raise BotError(400, "Bad Request: file must be non-empty")
            return self._world.store.keep(
                account=bot.id,
                name=value.name,
                content_type=value.content_type,
                content=value.content,
                now=self._world.clock.now(),
            )
        if not isinstance(value, str):
            raise BotError(400, "Bad Request: wrong file identifier/HTTP URL specified")
        if value.startswith(("http://", "https://")):
            return await self._linked(bot, kind, value)
        media = self._world.state.media.get(value.removeprefix("AgACAgI").removesuffix("-s"))
        if media is None or media.account != bot.id:
            raise BotError(400, "Bad Request: wrong file identifier/HTTP URL specified")
        return media

    async def _linked(self, bot: TelegramBot, kind: str, url: str) -> Media:
        try:
            media = await self._world.fetch(url, bot.id)
        except FetchFailed as error:
            raise BotError(400, "Bad Request: failed to get HTTP URL content") from error
        if len(media.content) > LINK_LIMIT.get(kind, 20 * MB):
            raise BotError(400, "Bad Request: failed to get HTTP URL content")
        return media

    async def send(
        self, bot: TelegramBot, method: str, values: Json, files: Files, fault: Fault | None
    ) -> Json:
        """One message."""
        place = places.find(self._world, bot, values)
        places.admit(self._world, bot, place)
        made, shown = await self.content(bot, method, values, files)
        return self.place(bot, place, method, values, made, shown, fault)

    async def album(self, bot: TelegramBot, values: Json, files: Files, fault: Fault | None) -> list[Json]:
        """sendMediaGroup: 2 to 10 messages with one media_group_id."""
        place = places.find(self._world, bot, values)
        places.admit(self._world, bot, place)
        items = values["media"]
        if not isinstance(items, list) or not 2 <= len(items) <= 10:
            raise BotError(400, "Bad Request: group media must contain 2-10 items")
        group = secrets.token_hex(8)
        ready = []
        for item in items:
            kind = item.get("type", "")
            if kind not in {"photo", "video", "document", "audio"}:
                raise BotError(400, f"Bad Request: can't parse InputMedia: type {kind} can't be used here")
            ready.append(await self._file_content(bot, kind, {**item, kind: item.get("media")}, files))
        return [
            self.place(bot, place, "sendMediaGroup", values, {**made, "media_group_id": group}, shown, fault)
            for made, shown in ready
        ]

    def place(
        self,
        bot: TelegramBot,
        place: Place,
        method: str,
        values: Json,
        made: Json,
        shown: list[Attachment],
        fault: Fault | None,
    ) -> Json:
        """Put the message into the chat, the phone and the ledger; the Message."""
        world, chat = self._world, place.chat
        markup = check_markup(values.get("reply_markup"))
        message = self._frame(bot, place, values)
        message.update(made)
        if markup and "inline_keyboard" in markup:
            message["reply_markup"] = markup
        if values.get("protect_content"):
            message["has_protected_content"] = True
        bubble = objects.bubble_of(message, "business", shown)
        chat.next_id += 1
        world.note(
            message_id=f"{message['chat']['id']}:{message['message_id']}",
            platform="telegram",
            account=bot.id,
            to=str(message["chat"]["id"]),
            kind=bubble.kind,
            text=bubble.text,
            body=loggable(method, values),
            fault=fault,
        )
        if markup and "keyboard" in markup:
            chat.keyboard = objects.reply_keyboard(markup)
        elif markup and markup.get("remove_keyboard"):
            chat.keyboard = []
        world.show(chat, bubble)
        return message

    def _frame(self, bot: TelegramBot, place: Place, values: Json) -> Json:
        """Ids, sender, chat, date, quotation."""
        message: Json = {"message_id": place.chat.next_id}
        business = place.chat.business
        if business:
            one = places.connection_of(bot, business)
            message["from"] = objects.connection(one)["user"]
            message["sender_business_bot"] = objects.bot_user(bot)
            message["business_connection_id"] = business
        elif place.group and place.group.type == "channel":
            message["sender_chat"] = place.object
        else:
            message["from"] = objects.bot_user(bot)
        message.update(chat=place.object, date=int(self._world.clock.now()))
        reply = values.get("reply_parameters")
        if isinstance(reply, dict) and reply.get("message_id"):
            source = place.chat.find(str(reply["message_id"]))
            if source is None and not reply.get("allow_sending_without_reply"):
                raise BotError(400, "Bad Request: message to be replied not found")
            if source is not None:
                message["reply_to_message"] = objects.quoted(source)
        return message


def loggable(method: str, values: Json) -> Json:
    """Parameters for the ledger: files by name and size."""
    shown = {
        k: {"name": v.name, "size": len(v.content)} if isinstance(v, Upload) else v for k, v in values.items()
    }
    return {"method": method, **shown}


def caption(values: Json) -> Json:
    """The caption's fields."""
    text, found = entities.parse(
        str(values.get("caption") or ""), str(values.get("parse_mode") or ""), values.get("caption_entities")
    )
    if entities.utf16_length(text) > CAPTION_LIMIT:
        raise BotError(400, "Bad Request: message caption is too long")
    return {**({"caption": text} if text else {}), **({"caption_entities": found} if text and found else {})}


def _text(values: Json) -> Json:
    text, found = entities.parse(values["text"], str(values.get("parse_mode") or ""), values.get("entities"))
    if not text.strip():
        raise BotError(400, "Bad Request: message text is empty")
    if entities.utf16_length(text) > TEXT_LIMIT:
        raise BotError(400, "Bad Request: message is too long")
    return {"text": text, **({"entities": found} if found else {})}


def _location(values: Json) -> Json:
    if abs(values["latitude"]) > 90 or abs(values["longitude"]) > 180:
        raise BotError(400, "Bad Request: wrong latitude or longitude specified")
    names = (
        "latitude",
        "longitude",
        "horizontal_accuracy",
        "live_period",
        "heading",
        "proximity_alert_radius",
    )
    return {"location": {n: values[n] for n in names if n in values}}


def _venue(values: Json) -> Json:
    place = _location({k: values[k] for k in ("latitude", "longitude")})
    return {**place, "venue": {**place, "title": values["title"], "address": values["address"]}}


def _contact(values: Json) -> Json:
    names = ("phone_number", "first_name", "last_name", "vcard")
    return {"contact": {n: values[n] for n in names if n in values}}


def _poll(values: Json) -> Json:
    options = values["options"]
    options = [{"text": o} if isinstance(o, str) else o for o in options]
    if not 1 <= len(options) <= 12:
        raise BotError(400, "Bad Request: poll must have 1-12 answer options")
    rows = [{"persistent_id": str(i), "text": o["text"], "voter_count": 0} for i, o in enumerate(options)]
    return {
        "poll": {
            "id": secrets.token_hex(8),
            "question": values["question"],
            "options": rows,
            "total_voter_count": 0,
            "is_closed": bool(values.get("is_closed")),
            "is_anonymous": bool(values.get("is_anonymous", True)),
            "type": values.get("type") or "regular",
            "allows_revoting": True,
            "members_only": False,
            "allows_multiple_answers": bool(values.get("allows_multiple_answers")),
        }
    }


def _dice(values: Json) -> Json:
    emoji = values.get("emoji") or "🎲"
    if emoji not in DICE:
        raise BotError(400, "Bad Request: wrong dice emoji")
    return {"dice": {"emoji": emoji, "value": secrets.randbelow(DICE[emoji]) + 1}}
