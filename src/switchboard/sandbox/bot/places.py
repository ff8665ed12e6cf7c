"""Where a method's `chat_id` points to, and whether the bot may write there."""

import math
from typing import Any

import msgspec

from switchboard.sandbox.bot import objects
from switchboard.sandbox.bot.errors import BotError
from switchboard.sandbox.state import Bubble, BusinessConnection, Chat, Customer, TelegramBot, TelegramGroup
from switchboard.sandbox.world import World

Json = dict[str, Any]
WINDOW_SECONDS = 24 * 3600


class Place(msgspec.Struct, frozen=True):
    """A chat with its Telegram object; either a person or a group."""

    chat: Chat
    object: Json
    customer: Customer | None = None
    group: TelegramGroup | None = None


def connection_of(bot: TelegramBot, connection_id: str) -> BusinessConnection:
    """The bot's business connection."""
    found = next((c for c in bot.connections if c.id == connection_id), None)
    if found is None:
        raise BotError(400, "Bad Request: business connection not found")
    return found


def group_of(bot: TelegramBot, chat_id: int | str) -> TelegramGroup | None:
    """A group by id or @username."""
    for group in bot.groups:
        if chat_id == group.id or (group.username and chat_id == "@" + group.username):
            return group
    return None


def find(world: World, bot: TelegramBot, values: Json) -> Place:
    """The chat that `chat_id` (and `business_connection_id`) name; 400 or 403 otherwise."""
    chat_id: int | str = values["chat_id"]
    group = group_of(bot, chat_id)
    if group is not None:
        if group.migrated_to:
            words = "Bad Request: group chat was upgraded to a supergroup chat"
            raise BotError(400, words, migrate_to_chat_id=group.migrated_to)
        return Place(
            world.store.chat("telegram", bot.id, str(group.id)), objects.group_chat(group), group=group
        )
    customer = world.store.customer_by_telegram(chat_id) if isinstance(chat_id, int) else None
    if customer is None:
        raise BotError(400, "Bad Request: chat not found")
    business = str(values.get("business_connection_id") or "")
    if business:
        connection_of(bot, business)
    key = ":".join(filter(None, ("telegram", bot.id, business, customer.id)))
    if key not in world.state.chats:
        if business:
            raise BotError(400, "Bad Request: BUSINESS_PEER_INVALID")
        raise BotError(403, "Forbidden: bot can't initiate conversation with a user")
    chat = world.store.chat("telegram", bot.id, customer.id, business)
    return Place(chat, objects.private_chat(customer), customer=customer)


def admit(world: World, bot: TelegramBot, place: Place) -> None:
    """403 when blocked, 400 outside a business chat's 24 hours, 429 when too fast."""
    chat = place.chat
    if chat.blocked:
        kind = place.group.type if place.group else ""
        words = f"bot was kicked from the {kind} chat" if kind else "bot was blocked by the user"
        raise BotError(403, f"Forbidden: {words}")
    if chat.business:
        one = connection_of(bot, chat.business)
        if not (one.is_enabled and one.can_reply):
            raise BotError(403, "Forbidden: bot has no right to reply on behalf of the business account")
        if world.clock.now() - chat.last_inbound_at > WINDOW_SECONDS:
            raise BotError(400, "Bad Request: BUSINESS_PEER_USAGE_MISSING")
    if bot.rates:
        wait = world.rate(f"tg:{bot.id}", 30, 30)
        wait = wait or (
            world.rate(f"tg:{chat.key}", 20 / 60, 20) if place.group else world.rate(f"tg:{chat.key}", 1, 3)
        )
        if wait:
            seconds = math.ceil(wait)
            raise BotError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


def message(place: Place, message_id: Any, words: str) -> Bubble:
    """A message of the chat that still exists; `words` say in an error what should have been done to it."""
    bubble = place.chat.find(str(message_id))
    if bubble is None or bubble.revoked:
        raise BotError(400, f"Bad Request: message {words} not found")
    return bubble
