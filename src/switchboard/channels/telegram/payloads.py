"""The Bot API's objects, as far as we read them, and the strings we make of its ids.

Source: core.telegram.org/bots/api, version 10.1. Fields we don't use are ignored; a field of the wrong
type makes `msgspec.convert` raise ValidationError, which the readers turn into Unreadable or Unsupported.
"""

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import parse_qs, urlencode

import msgspec
from msgspec import Meta

LATEST = 253402300800  # the year 10000, in seconds

Id = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Seconds = Annotated[float, Meta(ge=0, le=10_000_000)]


def moment(value: object) -> datetime | None:
    """Return Unix seconds as a time; None for anything that isn't one between 1970 and 9999."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < LATEST:
        return None
    return datetime.fromtimestamp(value, UTC)


class User(msgspec.Struct, frozen=True):
    """A person or a bot."""

    id: Id
    first_name: str = ""
    last_name: str = ""
    username: str = ""
    language_code: str = ""
    is_bot: bool = False

    @property
    def name(self) -> str:
        """First and last name, else the user name."""
        return f"{self.first_name} {self.last_name}".strip() or self.username


class WebhookInfo(msgspec.Struct, frozen=True):
    """Where Telegram calls a bot, and what it last met there."""

    url: str = ""
    pending_update_count: int = 0
    last_error_message: str = ""


class Chat(msgspec.Struct, frozen=True):
    """A private chat, group, supergroup or channel. A private chat has the id of the person in it."""

    id: Id
    type: str = ""
    title: str = ""
    username: str = ""
    first_name: str = ""
    last_name: str = ""
    is_direct_messages: bool = False

    @property
    def name(self) -> str:
        """Title, else the person's name, else the user name."""
        return self.title or f"{self.first_name} {self.last_name}".strip() or self.username


class Topic(msgspec.Struct, frozen=True):
    """One person's thread in a channel's direct messages."""

    topic_id: Id
    user: User | None = None


class Head(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """Everything of a message but its content."""

    message_id: Id
    chat: Chat
    date: int = 0
    edit_date: int = 0
    from_: User | None = None
    sender_chat: Chat | None = None
    sender_business_bot: User | None = None
    business_connection_id: str = ""
    message_thread_id: Id = 0
    is_topic_message: bool = False
    is_automatic_forward: bool = False
    direct_messages_topic: Topic | None = None
    author_signature: str = ""


class Attachment(msgspec.Struct, frozen=True):
    """Any file: photo size, video, voice, document, sticker… Lengths in seconds, sizes in bytes."""

    file_id: Annotated[str, Meta(min_length=1)]
    file_name: str = ""
    mime_type: str = ""
    file_size: Count = 0
    width: Count = 0
    height: Count = 0
    length: Count = 0
    duration: Seconds = 0
    title: str = ""
    performer: str = ""
    emoji: str = ""
    is_animated: bool = False
    is_video: bool = False


class LivePhoto(msgspec.Struct, frozen=True):
    """A still and the short film around it; the film's fields stand beside `photo`."""

    photo: list[Attachment] = []


class Point(msgspec.Struct, frozen=True):
    """WGS 84 degrees."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]


class Venue(msgspec.Struct, frozen=True):
    """A named place."""

    location: Point
    title: str = ""
    address: str = ""


class Contact(msgspec.Struct, frozen=True):
    """A shared contact; Telegram fills `user_id` in when the number belongs to one of its users."""

    phone_number: str
    first_name: str = ""
    last_name: str = ""
    user_id: Id = 0


class Dice(msgspec.Struct, frozen=True):
    """A random value thrown by Telegram's servers."""

    emoji: str
    value: int


class Option(msgspec.Struct, frozen=True):
    """One answer of a poll."""

    text: str


class Poll(msgspec.Struct, frozen=True):
    """A question with answers to choose from."""

    question: str
    options: list[Option] = []


class Task(msgspec.Struct, frozen=True):
    """One line of a checklist."""

    text: str
    completion_date: int = 0


class Checklist(msgspec.Struct, frozen=True):
    """A list of tasks."""

    title: str
    tasks: list[Task] = []


class Story(msgspec.Struct, frozen=True):
    """A story; only its address is told."""

    chat: Chat
    id: Id


class PaidMedia(msgspec.Struct, frozen=True):
    """Media behind a price in Telegram Stars."""

    star_count: Count
    paid_media: list[dict[str, Any]]


class Money(msgspec.Struct, frozen=True):
    """An invoice or a payment; `total_amount` in the currency's smallest unit."""

    currency: str
    total_amount: Count
    title: str = ""
    invoice_payload: str = ""
    telegram_payment_charge_id: str = ""


class WebAppData(msgspec.Struct, frozen=True):
    """What a web app opened from a keyboard button sent back."""

    data: str
    button_text: str = ""


class Entity(msgspec.Struct, frozen=True):
    """A stretch of a text, in UTF-16 units, and what it is."""

    type: str
    offset: Count
    length: Count
    url: str = ""


class Member(msgspec.Struct, frozen=True):
    """Somebody's standing in a chat."""

    status: str


class MemberUpdate(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """The bot itself was added, removed, blocked or let in again."""

    chat: Chat
    from_: User
    new_chat_member: Member
    date: int = 0


class Reaction(msgspec.Struct, frozen=True):
    """One reaction: an emoji, a custom emoji (whose picture we don't have) or a paid star."""

    type: str
    emoji: str = ""

    @property
    def sign(self) -> str:
        """What stands for it on a screen."""
        return self.emoji or ("⭐" if self.type == "paid" else "🔸")


class ReactionUpdate(msgspec.Struct, frozen=True):
    """Somebody's reactions to one message, all of them, as they are now."""

    chat: Chat
    message_id: Id
    new_reaction: list[Reaction]
    user: User | None = None
    actor_chat: Chat | None = None
    date: int = 0


class Callback(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """A pressed button. `message` may be inaccessible: then it is only chat, id and date 0."""

    id: Annotated[str, Meta(min_length=1)]
    from_: User
    message: dict[str, Any] | None = None
    data: str = ""
    game_short_name: str = ""


class BusinessConnection(msgspec.Struct, frozen=True):
    """The bot may, or may no longer, speak for a person's business account."""

    id: Annotated[str, Meta(min_length=1)]
    user: User
    is_enabled: bool
    date: int = 0
    rights: dict[str, Any] = {}


class Deleted(msgspec.Struct, frozen=True):
    """Messages taken back in a chat of a business account."""

    business_connection_id: str
    chat: Chat
    message_ids: list[Id]


class Address(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a message goes; written `<chat>`, or `<chat>?business=…&thread=…&topic=…&reply=…`.

    `thread` is a forum topic, `topic` one person's thread in a channel's direct messages, `reply` the message
    under which everything goes that answers nothing else (the post whose comments these are).
    """

    chat: str
    business: str = ""
    thread: str = ""
    topic: str = ""
    reply: str = ""

    def __str__(self) -> str:
        """Return the written form."""
        fields = msgspec.structs.asdict(self)
        options = {name: value for name, value in fields.items() if value and name != "chat"}
        return f"{self.chat}?{urlencode(options)}" if options else self.chat

    @classmethod
    def read(cls, text: str) -> "Address":
        """Return what was written; options we don't know are ignored."""
        chat, _, query = text.partition("?")
        options = {name: values[-1] for name, values in parse_qs(query).items()}
        known = {name: options[name] for name in ("business", "thread", "topic", "reply") if name in options}
        return cls(chat, **known)


def message_key(chat: int, message: int, business: str = "") -> str:
    """Return our id of a message: Telegram numbers them per chat, and a business account's apart."""
    return f"{business}:{chat}:{message}" if business else f"{chat}:{message}"


def message_number(key: str, chat: str) -> int:
    """Return Telegram's number of the message that our id names; 0 when it isn't one of this chat."""
    *_, owner, number = ("", "", *key.split(":"))
    plain = number.isascii() and number.isdecimal() and len(number) < 19
    return int(number) if plain and owner == chat else 0
