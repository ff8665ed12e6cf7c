"""What a Telegram user does, as the updates that the bot receives."""

import secrets
from typing import Any

from switchboard.sandbox.bot import objects
from switchboard.sandbox.bot.methods import callback_id
from switchboard.sandbox.bot.places import connection_of
from switchboard.sandbox.bot.updates import Updates
from switchboard.sandbox.state import (
    Bubble,
    Chat,
    Customer,
    Media,
    TelegramBot,
    TelegramGroup,
    attachment,
)
from switchboard.sandbox.web import Refused
from switchboard.sandbox.world import World

Json = dict[str, Any]
FIELD = {"image": "photo"}
FILES = {"image", "photo", "video", "animation", "audio", "voice", "document", "sticker", "video_note"}


class Player:
    """Plays customers for one process."""

    def __init__(self, world: World, updates: Updates) -> None:
        self._world = world
        self._updates = updates

    def chat(self, bot: TelegramBot, customer: Customer | None, wish: Json) -> Chat:
        """Private, business or group chat of a wish."""
        if wish.get("group"):
            return self._world.store.chat("telegram", bot.id, str(self.group(bot, wish).id))
        if customer is None:
            raise Refused(404, "customer: there is no such customer")
        business = str(wish.get("business_connection_id") or "")
        if business:
            connection_of(bot, business)
        return self._world.store.chat("telegram", bot.id, customer.id, business)

    def group(self, bot: TelegramBot, wish: Json) -> TelegramGroup:
        """The group that the wish names."""
        found = next((g for g in bot.groups if str(g.id) == str(wish["group"])), None)
        if found is None:
            raise Refused(404, "group: the bot is in no such group")
        return found

    def play(self, bot: TelegramBot, customer: Customer | None, wish: Json) -> list[Bubble]:
        """Everything that is a message, an edit, a reaction, a press or a deletion."""
        chat = self.chat(bot, customer, wish)
        kind = str(wish.get("type") or "text")
        if kind == "edit":
            return [self._edit(bot, chat, wish)]
        if kind == "revoke":
            return [self._revoke(bot, chat, wish)]
        if kind == "reaction":
            return [self._react(bot, customer, chat, wish)]
        if kind == "press":
            return self._press(bot, customer, chat, wish)
        if isinstance(wish.get("files"), list):
            group = secrets.token_hex(8)
            return [
                self._say(
                    bot,
                    customer,
                    chat,
                    {**wish, "file": f, "text": wish.get("text", "") if i == 0 else ""},
                    group,
                )
                for i, f in enumerate(wish["files"])
            ]
        return [self._say(bot, customer, chat, wish)]

    def _say(
        self, bot: TelegramBot, customer: Customer | None, chat: Chat, wish: Json, album: str = ""
    ) -> Bubble:
        content, files = self._content(bot, customer, wish)
        message = self._frame(bot, customer, chat, wish)
        message.update(content)
        if album:
            message["media_group_id"] = album
        message.update(wish.get("raw") or {})
        bubble = objects.bubble_of(message, "customer", files, customer.id if customer else "")
        chat.next_id += 1
        self._world.show(chat, bubble)
        self._push(bot, chat, message, edited=False)
        return bubble

    def _frame(self, bot: TelegramBot, customer: Customer | None, chat: Chat, wish: Json) -> Json:
        now = int(wish.get("at") or self._world.clock.now())
        message: Json = {"message_id": chat.next_id}
        group = self.group(bot, wish) if wish.get("group") else None
        if group and group.type == "channel":
            message["sender_chat"] = objects.group_chat(group)
        elif wish.get("as_owner") and chat.business:
            message["from"] = objects.connection(connection_of(bot, chat.business))["user"]
        elif customer:
            message["from"] = objects.user(customer)
        message["chat"] = objects.group_chat(group) if group else self._private(chat)
        message["date"] = now
        if chat.business:
            message["business_connection_id"] = chat.business
        source = chat.find(str(wish.get("reply_to") or ""))
        if source is not None:
            message["reply_to_message"] = objects.quoted(source)
        if wish.get("forwarded"):
            message["forward_origin"] = {"type": "hidden_user", "sender_user_name": "Somebody", "date": now}
        return message

    def _private(self, chat: Chat) -> Json:
        return objects.private_chat(self._world.state.customers[chat.peer])

    def _content(self, bot: TelegramBot, customer: Customer | None, wish: Json) -> tuple[Json, list[Any]]:
        kind = str(wish.get("type") or "text")
        text = str(wish.get("text") or "")
        if kind in FILES:
            return self._file(bot, kind, wish, text)
        if kind == "location":
            place = wish.get("location") or {"latitude": 31.2304, "longitude": 121.4737}
            point = {"latitude": place["latitude"], "longitude": place["longitude"]}
            if place.get("name"):
                venue = {"location": point, "title": place["name"], "address": place.get("address", "")}
                return {"location": point, "venue": venue}, []
            return {"location": point}, []
        if kind == "contact" and customer:
            card = wish.get("contact") or {
                "phone_number": "+" + customer.phone,
                "first_name": customer.name,
                "user_id": customer.telegram_id,
            }
            return {"contact": card}, []
        if kind == "dice":
            return {"dice": {"emoji": "🎲", "value": secrets.randbelow(6) + 1}}, []
        if kind == "text":
            found = objects.command_entities(text)
            return {"text": text, **({"entities": found} if found else {})}, []
        if kind == "unsupported":
            return {"story": {"chat": {"id": -1001, "type": "channel", "title": "Stories"}, "id": 7}}, []
        raise Refused(400, f"Telegram has no message type {kind}")

    def _file(self, bot: TelegramBot, kind: str, wish: Json, text: str) -> tuple[Json, list[Any]]:
        source: Media | None = self._world.state.media.get(str(wish.get("file") or ""))
        if source is None:
            raise Refused(400, "file: give the key that POST /sandbox/media answered")
        media = self._world.store.keep(
            account=bot.id,
            name=source.name,
            content_type=source.content_type,
            content=source.content,
            now=self._world.clock.now(),
        )
        field = FIELD.get(kind, kind)
        made: Json = {field: objects.file_object(field, media, wish)}
        if text:
            made["caption"] = text
        return made, [attachment(media, objects.SHOWN.get(field, field))]

    def _push(self, bot: TelegramBot, chat: Chat, message: Json, *, edited: bool) -> None:
        kind = "business_message" if chat.business else "message"
        if message["chat"]["type"] == "channel":
            kind = "channel_post"
        self._updates.push(bot, f"edited_{kind}" if edited else kind, message, chat.key)

    def _target(self, chat: Chat, wish: Json) -> Bubble:
        bubble = chat.find(str(wish.get("target") or ""))
        if bubble is None:
            raise Refused(404, "target: there is no such message in this chat")
        return bubble

    def _edit(self, bot: TelegramBot, chat: Chat, wish: Json) -> Bubble:
        bubble = self._target(chat, wish)
        field = "text" if "text" in bubble.raw else "caption"
        bubble.text, bubble.edited = str(wish.get("text") or ""), True
        bubble.raw = {**bubble.raw, field: bubble.text, "edit_date": int(self._world.clock.now())}
        self._world.changed(chat, bubble)
        self._push(bot, chat, bubble.raw, edited=True)
        return bubble

    def _revoke(self, bot: TelegramBot, chat: Chat, wish: Json) -> Bubble:
        """Bots hear of deleted messages in business chats only."""
        bubble = self._target(chat, wish)
        bubble.revoked = True
        self._world.changed(chat, bubble)
        if chat.business:
            content = {
                "business_connection_id": chat.business,
                "chat": self._private(chat),
                "message_ids": [int(bubble.id)],
            }
            self._updates.push(bot, "deleted_business_messages", content, chat.key)
        return bubble

    def _react(self, bot: TelegramBot, customer: Customer | None, chat: Chat, wish: Json) -> Bubble:
        bubble = self._target(chat, wish)
        old, new = bubble.reactions.get("customer", ""), str(wish.get("emoji") or "")
        bubble.reactions.pop("customer", None)
        if new:
            bubble.reactions["customer"] = new
        self._world.changed(chat, bubble)
        content: Json = {"chat": bubble.raw["chat"], "message_id": int(bubble.id)}
        if customer:
            content["user"] = objects.user(customer)
        content["date"] = int(self._world.clock.now())
        content["old_reaction"] = [{"type": "emoji", "emoji": old}] if old else []
        content["new_reaction"] = [{"type": "emoji", "emoji": new}] if new else []
        self._updates.push(bot, "message_reaction", content, chat.key)
        return bubble

    def _press(self, bot: TelegramBot, customer: Customer | None, chat: Chat, wish: Json) -> list[Bubble]:
        if not wish.get("reply_to"):
            return [self._press_keyboard(bot, customer, chat, wish)]
        bubble = chat.find(str(wish["reply_to"]))
        row, _, column = str(wish.get("button") or "").partition(".")
        try:
            key = bubble.raw["reply_markup"]["inline_keyboard"][int(row)][int(column)] if bubble else None
        except (KeyError, IndexError, ValueError):
            key = None
        if bubble is None or key is None or customer is None:
            raise Refused(404, "that message has no such button")
        if "callback_data" not in key:
            return []
        content = {
            "id": callback_id(chat.key),
            "from": objects.user(customer),
            "message": bubble.raw,
            "chat_instance": str(abs(hash(chat.key))),
            "data": key["callback_data"],
        }
        self._updates.push(bot, "callback_query", content, chat.key)
        return []

    def _press_keyboard(self, bot: TelegramBot, customer: Customer | None, chat: Chat, wish: Json) -> Bubble:
        buttons = [b for row in chat.keyboard for b in row]
        button = next((b for b in buttons if b.id == wish.get("button")), None)
        if button is None:
            raise Refused(404, "the keyboard has no such button")
        kind = button.kind if button.kind in {"contact", "location"} else "text"
        return self._say(bot, customer, chat, {**wish, "type": kind, "text": button.title})

    def membership(self, bot: TelegramBot, customer: Customer, *, blocked: bool) -> None:
        """The customer stopped or restarted the bot: `my_chat_member`."""
        chat = self._world.store.chat("telegram", bot.id, customer.id)
        chat.blocked = blocked
        now = int(self._world.clock.now())
        member = {"status": "member", "user": objects.bot_user(bot)}
        kicked = {"status": "kicked", "user": objects.bot_user(bot), "until_date": 0}
        content = {
            "chat": objects.private_chat(customer),
            "from": objects.user(customer),
            "date": now,
            "old_chat_member": member if blocked else kicked,
            "new_chat_member": kicked if blocked else member,
        }
        self._updates.push(bot, "my_chat_member", content, chat.key)
        self._world.feed.publish("chat", chat=chat.key)

    def connected(self, bot: TelegramBot, connection_id: str) -> None:
        """Tell the bot about a business connection."""
        one = connection_of(bot, connection_id)
        self._updates.push(bot, "business_connection", objects.connection(one), f"business:{one.id}")
