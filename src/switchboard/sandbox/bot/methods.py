"""Every other method: who am I, edit, delete, react, look up, business accounts."""

import secrets
from collections.abc import Callable
from typing import Any

from switchboard.sandbox.bot import entities, objects, places
from switchboard.sandbox.bot.errors import BotError
from switchboard.sandbox.bot.places import Place
from switchboard.sandbox.bot.sending import CAPTION_LIMIT, TEXT_LIMIT, Files, Sending, caption, check_markup
from switchboard.sandbox.bot.updates import Updates
from switchboard.sandbox.faults import Fault
from switchboard.sandbox.state import Bubble, TelegramBot, attachment
from switchboard.sandbox.world import World

Json = dict[str, Any]
MB = 1024 * 1024
DOWNLOAD_LIMIT = 20 * MB
LINK_SECONDS = 3600
ACTIONS = {
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
}


class Methods:
    """`call` finds the handler by the method's name."""

    def __init__(self, world: World, updates: Updates, sending: Sending) -> None:
        self._world = world
        self._updates = updates
        self._sending = sending
        self.links: dict[str, float] = {}
        """Download paths that were given out, and until when they work."""

    async def call(
        self, bot: TelegramBot, method: str, values: Json, files: Files, fault: Fault | None
    ) -> Any:
        """The `result` of a method."""
        if method == "sendMediaGroup":
            return await self._sending.album(bot, values, files, fault)
        if method.startswith("send") and method != "sendChatAction":
            return await self._sending.send(bot, method, values, files, fault)
        if method == "getUpdates":
            return await self._updates.get_updates(bot, values)
        if method == "editMessageMedia":
            return await self.edit_media(bot, values, files)
        if method in {"forwardMessage", "copyMessage"}:
            return self.carry(bot, method, values, fault)
        table: dict[str, Callable[[], Any]] = {
            "getMe": lambda: self.get_me(bot),
            "setWebhook": lambda: self._updates.set_webhook(bot, values),
            "deleteWebhook": lambda: self._updates.set_webhook(bot, {**values, "url": ""}),
            "getWebhookInfo": lambda: self._updates.webhook_info(bot),
            "sendChatAction": lambda: self.chat_action(bot, values),
            "editMessageText": lambda: self.edit_text(bot, values),
            "editMessageCaption": lambda: self.edit_caption(bot, values),
            "editMessageReplyMarkup": lambda: self.edit_markup(bot, values),
            "deleteMessage": lambda: self.delete(bot, values, [values["message_id"]], strict=True),
            "deleteMessages": lambda: self.delete(bot, values, values["message_ids"], strict=False),
            "answerCallbackQuery": lambda: self.answer_callback(values),
            "setMessageReaction": lambda: self.react(bot, values),
            "getFile": lambda: self.get_file(bot, values),
            "getChat": lambda: self.get_chat(bot, values),
            "getChatMember": lambda: self.get_member(bot, values),
            "getChatMemberCount": lambda: self.member_count(bot, values),
            "getUserProfilePhotos": lambda: {"total_count": 0, "photos": []},
            "getBusinessConnection": lambda: objects.connection(
                places.connection_of(bot, values["business_connection_id"])
            ),
            "readBusinessMessage": lambda: self.read_business(bot, values),
            "deleteBusinessMessages": lambda: self.delete_business(bot, values),
            "getMyCommands": list,
        }
        return table[method]() if method in table else True

    def get_me(self, bot: TelegramBot) -> Json:
        """The bot with its abilities."""
        abilities = {
            "can_join_groups": True,
            "can_read_all_group_messages": True,
            "supports_inline_queries": False,
            "can_connect_to_business": True,
            "has_main_web_app": False,
        }
        return {**objects.bot_user(bot), **abilities}

    def chat_action(self, bot: TelegramBot, values: Json) -> bool:
        """Show the customer that something is being prepared."""
        if values["action"] not in ACTIONS:
            raise BotError(400, "Bad Request: wrong parameter action in request")
        place = places.find(self._world, bot, values)
        places.admit(self._world, bot, place)
        self._world.typing(place.chat)
        return True

    def _edited(self, bot: TelegramBot, values: Json) -> tuple[Place, Bubble]:
        if values.get("inline_message_id"):
            raise BotError(400, "Bad Request: MESSAGE_ID_INVALID")
        if "chat_id" not in values or "message_id" not in values:
            raise BotError(400, "Bad Request: message identifier is not specified")
        place = places.find(self._world, bot, values)
        bubble = places.message(place, values["message_id"], "to edit")
        if bubble.side != "business":
            raise BotError(400, "Bad Request: message can't be edited")
        return place, bubble

    def _redraw(self, place: Place, bubble: Bubble, change: Json, markup: Json | None) -> Json:
        """Apply an edit; Telegram refuses one that changes nothing."""
        fresh = {**{k: v for k, v in bubble.raw.items() if k not in {"reply_markup", "edit_date"}}, **change}
        if markup:
            fresh["reply_markup"] = markup
        if fresh == {k: v for k, v in bubble.raw.items() if k != "edit_date"}:
            raise BotError(
                400,
                "Bad Request: message is not modified: specified new message content and reply markup are "
                "exactly the same as a current content and reply markup of the message",
            )
        fresh["edit_date"] = int(self._world.clock.now())
        shown = objects.bubble_of(fresh, "business", bubble.attachments)
        bubble.text, bubble.buttons, bubble.raw = shown.text, shown.buttons, fresh
        bubble.edited = True
        self._world.changed(place.chat, bubble)
        return fresh

    def edit_text(self, bot: TelegramBot, values: Json) -> Json:
        """editMessageText."""
        place, bubble = self._edited(bot, values)
        if "text" not in bubble.raw:
            raise BotError(400, "Bad Request: there is no text in the message to edit")
        text, found = entities.parse(
            str(values.get("text") or ""), str(values.get("parse_mode") or ""), values.get("entities")
        )
        if not text.strip():
            raise BotError(400, "Bad Request: message text is empty")
        if entities.utf16_length(text) > TEXT_LIMIT:
            raise BotError(400, "Bad Request: message is too long")
        change: Json = {"text": text, **({"entities": found} if found else {})}
        return self._redraw(place, bubble, change, check_markup(values.get("reply_markup")))

    def edit_caption(self, bot: TelegramBot, values: Json) -> Json:
        """editMessageCaption."""
        place, bubble = self._edited(bot, values)
        if not any(k in bubble.raw for k in objects.FILE_KINDS):
            raise BotError(400, "Bad Request: there is no caption in the message to edit")
        change = caption(values) or {"caption": ""}
        assert len(change["caption"]) <= CAPTION_LIMIT
        return self._redraw(place, bubble, change, check_markup(values.get("reply_markup")))

    def edit_markup(self, bot: TelegramBot, values: Json) -> Json:
        """editMessageReplyMarkup."""
        place, bubble = self._edited(bot, values)
        return self._redraw(place, bubble, {}, check_markup(values.get("reply_markup")))

    async def edit_media(self, bot: TelegramBot, values: Json, files: Files) -> Json:
        """editMessageMedia."""
        place, bubble = self._edited(bot, values)
        item = values["media"]
        kind = str(item.get("type", ""))
        if kind not in {"photo", "video", "animation", "document", "audio"}:
            raise BotError(400, "Bad Request: can't parse InputMedia")
        media = await self._sending.file(bot, kind, item.get("media"), files)
        for old in (*objects.FILE_KINDS, "caption", "caption_entities", "text", "entities"):
            bubble.raw.pop(old, None)
        bubble.attachments = [attachment(media, objects.SHOWN.get(kind, kind))]
        change = {kind: objects.file_object(kind, media, item), **caption(item)}
        return self._redraw(place, bubble, change, check_markup(values.get("reply_markup")))

    def delete(self, bot: TelegramBot, values: Json, ids: Any, *, strict: bool) -> bool:
        """deleteMessage, deleteMessages: up to 48 hours back."""
        place = places.find(self._world, bot, values)
        if not isinstance(ids, list) or not 1 <= len(ids) <= 100:
            raise BotError(400, "Bad Request: message identifiers are not specified")
        for message_id in ids:
            bubble = place.chat.find(str(message_id))
            if bubble is None or bubble.revoked:
                if strict:
                    raise BotError(400, "Bad Request: message to delete not found")
                continue
            if self._world.clock.now() - bubble.at > 48 * 3600 and strict:
                raise BotError(400, "Bad Request: message can't be deleted")
            bubble.revoked = True
            self._world.changed(place.chat, bubble)
        return True

    def carry(self, bot: TelegramBot, method: str, values: Json, fault: Fault | None) -> Json:
        """forwardMessage, copyMessage."""
        source = places.find(self._world, bot, {"chat_id": values["from_chat_id"]})
        bubble = places.message(source, values["message_id"], "to forward" if method[0] == "f" else "to copy")
        place = places.find(self._world, bot, values)
        places.admit(self._world, bot, place)
        skipped = {
            "message_id",
            "from",
            "chat",
            "date",
            "reply_to_message",
            "sender_chat",
            "reply_markup",
            "edit_date",
        }
        made = {k: v for k, v in bubble.raw.items() if k not in skipped}
        if method == "forwardMessage":
            origin: Json = {"type": "user", "date": int(bubble.at), "sender_user": bubble.raw.get("from")}
            if origin["sender_user"] is None:
                chat = bubble.raw["sender_chat"]
                origin = {
                    "type": "channel",
                    "date": int(bubble.at),
                    "chat": chat,
                    "message_id": int(bubble.id),
                }
            made["forward_origin"] = origin
        elif "caption" in values:
            made.update(caption(values))
        message = self._sending.place(bot, place, method, values, made, bubble.attachments, fault)
        return message if method == "forwardMessage" else {"message_id": message["message_id"]}

    def answer_callback(self, values: Json) -> bool:
        """Show a notice on the phone that pressed the button."""
        chat_key, _, _ = values["callback_query_id"].rpartition("/")
        chat = self._world.state.chats.get(chat_key.replace("~", ":"))
        if chat is None:
            raise BotError(
                400, "Bad Request: query is too old and response timeout expired or query ID is invalid"
            )
        self._world.feed.publish(
            "notice", chat=chat.key, text=values.get("text", ""), alert=bool(values.get("show_alert"))
        )
        return True

    def react(self, bot: TelegramBot, values: Json) -> bool:
        """setMessageReaction."""
        place = places.find(self._world, bot, values)
        bubble = places.message(place, values["message_id"], "to react")
        wanted = values.get("reaction") or []
        if len(wanted) > 1:
            raise BotError(400, "Bad Request: REACTIONS_TOO_MANY")
        bubble.reactions.pop("business", None)
        if wanted:
            bubble.reactions["business"] = str(wanted[0].get("emoji", "⭐"))
        self._world.changed(place.chat, bubble)
        return True

    def get_file(self, bot: TelegramBot, values: Json) -> Json:
        """A download path that works for an hour."""
        media = self._world.state.media.get(values["file_id"].removeprefix("AgACAgI").removesuffix("-s"))
        if media is None or media.account != bot.id:
            raise BotError(400, "Bad Request: invalid file_id")
        if len(media.content) > DOWNLOAD_LIMIT:
            raise BotError(400, "Bad Request: file is too big")
        extension = media.name.rpartition(".")[2] if "." in media.name else "bin"
        path = f"files/{media.key}.{extension}"
        self.links[path] = self._world.clock.now() + LINK_SECONDS
        if len(self.links) > 10_000:
            del self.links[next(iter(self.links))]
        return {
            "file_id": values["file_id"],
            "file_unique_id": objects.unique_id(media),
            "file_size": len(media.content),
            "file_path": path,
        }

    def get_chat(self, bot: TelegramBot, values: Json) -> Json:
        """ChatFullInfo."""
        place = places.find(self._world, bot, values)
        gifts = dict.fromkeys(
            (
                "unlimited_gifts",
                "limited_gifts",
                "unique_gifts",
                "premium_subscription",
                "gifts_from_channels",
            ),
            False,
        )
        return {**place.object, "accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": gifts}

    def get_member(self, bot: TelegramBot, values: Json) -> Json:
        """ChatMember."""
        place = places.find(self._world, bot, values)
        customer = self._world.store.customer_by_telegram(values["user_id"])
        if str(values["user_id"]) == bot.id:
            return {"status": "member", "user": objects.bot_user(bot)}
        inside = customer and (
            place.customer is customer or (place.group and customer.id in place.group.members)
        )
        if customer is None:
            raise BotError(400, "Bad Request: PARTICIPANT_ID_INVALID")
        return {"status": "member" if inside else "left", "user": objects.user(customer)}

    def member_count(self, bot: TelegramBot, values: Json) -> int:
        """People in a chat, the bot among them."""
        place = places.find(self._world, bot, values)
        return len(place.group.members) + 1 if place.group else 2

    def read_business(self, bot: TelegramBot, values: Json) -> bool:
        """Mark a customer's message as read for the business account."""
        place = places.find(self._world, bot, values)
        if self._world.clock.now() - place.chat.last_inbound_at > places.WINDOW_SECONDS:
            raise BotError(400, "Bad Request: BUSINESS_PEER_USAGE_MISSING")
        bubble = places.message(place, values["message_id"], "to read")
        bubble.status = "read"
        self._world.changed(place.chat, bubble)
        return True

    def delete_business(self, bot: TelegramBot, values: Json) -> bool:
        """Take messages back on behalf of the business account."""
        one = places.connection_of(bot, values["business_connection_id"])
        for chat in list(self._world.state.chats.values()):
            if chat.account == bot.id and chat.business == one.id:
                for bubble in chat.bubbles:
                    if bubble.side == "business" and int(bubble.id) in values["message_ids"]:
                        bubble.revoked = True
                        self._world.changed(chat, bubble)
        return True


def callback_id(chat_key: str) -> str:
    """An id by which answerCallbackQuery finds the phone again."""
    return f"{chat_key.replace(':', '~')}/{secrets.token_hex(6)}"
