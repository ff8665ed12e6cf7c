"""What the sandbox knows: customers, accounts, chats, files. Structs that a JSON file can keep."""

import hashlib
import secrets
from typing import Any, Literal

import msgspec

Side = Literal["customer", "business"]
COLORS = ("#c2553f", "#3f7cc2", "#2f8f6b", "#8a5fc0", "#b9812b", "#3b8f9c", "#b24f83", "#5d6b7a")


class Customer(msgspec.Struct, kw_only=True):
    """A person with a phone; the same person uses every platform."""

    id: str
    name: str
    color: str
    phone: str
    """Digits with country code, as WhatsApp's wa_id."""
    user_id: str
    """WhatsApp's business-scoped user id, `CC.` and digits."""
    telegram_id: int
    email: str
    username: str = ""
    language: str = "en"
    hides_phone: bool = False
    """WhatsApp gives no wa_id for this person, only the user_id."""
    handles: dict[str, str] = {}
    """Their ids on the other platforms, by the space in which an id means something (a page, an app, a provider)."""


class Button(msgspec.Struct, kw_only=True):
    """Something that can be pressed under a message. `row` and `description` belong to list rows."""

    id: str
    title: str
    kind: Literal["reply", "row", "url", "callback", "keyboard", "contact", "location", "template", "flow"]
    description: str = ""
    url: str = ""


class Attachment(msgspec.Struct, kw_only=True):
    """A file in a chat; `key` is its name in the media store."""

    key: str
    kind: str
    content_type: str
    name: str
    size: int


class Bubble(msgspec.Struct, kw_only=True):
    """One message as the phone shows it."""

    id: str
    side: Side
    kind: str
    at: float
    text: str = ""
    title: str = ""
    footer: str = ""
    attachments: list[Attachment] = []
    location: dict[str, Any] | None = None
    cards: list[dict[str, Any]] = []
    buttons: list[Button] = []
    reply_to: str = ""
    reactions: dict[str, str] = {}
    """Emoji by side."""
    status: str = ""
    """business: sent, delivered, read, failed; customer: read once the product marked it."""
    error: str = ""
    edited: bool = False
    revoked: bool = False
    author: str = ""
    """Customer id of the writer, in groups."""
    raw: dict[str, Any] = {}
    """The platform's own object."""


class Chat(msgspec.Struct, kw_only=True):
    """What one account and one customer (or group) said to each other."""

    key: str
    platform: str
    account: str
    peer: str
    """Customer id, or group id for Telegram groups and channels."""
    bubbles: list[Bubble] = []
    last_inbound_at: float = 0.0
    last_at: float = 0.0
    blocked: bool = False
    keyboard: list[list[Button]] = []
    typing_until: float = 0.0
    unread: int = 0
    title: str = ""
    """Of a room of its own (a group, a post with its comments); empty: the customer's private chat."""
    business: str = ""
    """Telegram business connection id, when the chat runs over one."""
    next_id: int = 1

    def find(self, bubble_id: str) -> Bubble | None:
        """A message by the platform's id."""
        return next((b for b in reversed(self.bubbles) if b.id == bubble_id), None)


class WhatsAppNumber(msgspec.Struct, kw_only=True):
    """One business number of the Cloud API."""

    id: str
    waba_id: str
    app_id: str
    display_phone_number: str
    verified_name: str
    token: str
    app_secret: str
    verify_token: str
    webhook_url: str = ""
    quality_rating: str = "GREEN"
    status: str = "CONNECTED"
    receipts: Literal["read", "delivered", "sent", "none"] = "delivered"
    """How far statuses go by themselves; the customer's page or `/read` does the rest."""
    window: Literal["refuse", "fail", "off"] = "refuse"
    """Outside 24 h: answer 131047, or accept and report `failed`, or do not care."""
    rates: bool = False
    per_second: float = 80.0
    recipients: list[str] = []
    """A test number's allowed recipients; empty = everybody."""
    subscribed: bool = True
    override: str = ""
    """The callback address of this account alone, set when its app subscribed."""


class TelegramGroup(msgspec.Struct, kw_only=True):
    """A group, supergroup or channel in which the bot is."""

    id: int
    type: Literal["group", "supergroup", "channel"]
    title: str
    username: str = ""
    members: list[str] = []
    migrated_to: int = 0


class BusinessConnection(msgspec.Struct, kw_only=True):
    """A person's own Telegram account that answers through the bot."""

    id: str
    owner_id: int
    owner_name: str
    date: int
    is_enabled: bool = True
    can_reply: bool = True


class TelegramBot(msgspec.Struct, kw_only=True):
    """One bot."""

    id: str
    token: str
    username: str
    name: str
    webhook_url: str = ""
    secret_token: str = ""
    allowed_updates: list[str] = []
    max_connections: int = 40
    pending: dict[int, dict[str, Any]] = {}
    next_update: int = 1
    last_error: str = ""
    last_error_at: float = 0.0
    groups: list[TelegramGroup] = []
    connections: list[BusinessConnection] = []
    rates: bool = False


class CustomLink(msgspec.Struct, kw_only=True):
    """A partner's system that speaks the custom channel's contract."""

    id: str
    name: str
    secret: str
    webhook_url: str = ""


class PlatformAccount(msgspec.Struct, kw_only=True):
    """One page, official account, app or number of a platform that `platforms.py` names."""

    id: str
    platform: str
    name: str
    webhook_url: str = ""
    settings: dict[str, Any] = {}
    """Tokens, secrets and switches, in the platform's words."""
    kept: dict[str, Any] = {}
    """What the platform remembers: menus, profiles, posts, cursors, tokens it gave out."""


class Mail(msgspec.Struct, kw_only=True):
    """One message in a mailbox; `uid` never changes and is never used again."""

    uid: str
    raw: bytes


class Mailbox(msgspec.Struct, kw_only=True):
    """One address of the company's."""

    id: str
    address: str
    password: str
    name: str = ""
    mails: list[Mail] = []
    next_uid: int = 1


class Media(msgspec.Struct, kw_only=True):
    """A file. `account` owns it; `created_at` is on the sandbox's clock; `expires_at` 0 = never."""

    key: str
    account: str
    name: str
    content_type: str
    content: bytes
    created_at: float
    expires_at: float = 0.0

    @property
    def sha256(self) -> bytes:
        """Digest of the content."""
        return hashlib.sha256(self.content).digest()


class State(msgspec.Struct, kw_only=True):
    """Everything that is kept over a restart."""

    customers: dict[str, Customer] = {}
    numbers: dict[str, WhatsAppNumber] = {}
    bots: dict[str, TelegramBot] = {}
    links: dict[str, CustomLink] = {}
    mailboxes: dict[str, Mailbox] = {}
    accounts: dict[str, PlatformAccount] = {}
    chats: dict[str, Chat] = {}
    media: dict[str, Media] = {}
    counter: int = 1


def digits(count: int) -> str:
    """A random number of `count` digits that does not begin with 0."""
    return str(10 ** (count - 1) + secrets.randbelow(9 * 10 ** (count - 1)))


def attachment(media: Media, kind: str) -> Attachment:
    """How a chat refers to a stored file."""
    return Attachment(
        key=media.key, kind=kind, content_type=media.content_type, name=media.name, size=len(media.content)
    )
