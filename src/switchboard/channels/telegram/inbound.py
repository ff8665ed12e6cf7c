"""Updates into facts: who wrote, where an answer goes, which conversation it is."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from switchboard.channels.api import (
    AccountChanged,
    Choice,
    Claim,
    EchoReceived,
    IdentityChanged,
    Inbound,
    MessageEdited,
    MessageRecalled,
    MessageReceived,
    Notice,
    Part,
    ReachChanged,
    Reacted,
    Sender,
    Unreadable,
    Unsupported,
)
from switchboard.channels.telegram.content import parts_of
from switchboard.channels.telegram.payloads import (
    Address,
    BusinessConnection,
    Callback,
    Chat,
    Contact,
    Deleted,
    Head,
    MemberUpdate,
    ReactionUpdate,
    User,
    message_key,
    moment,
)

SPACE = "telegram"
GONE = frozenset({"kicked", "left"})


class Context(msgspec.Struct, frozen=True):
    """What an update doesn't say: the bot, the update's number, the groups that hold comments on posts."""

    account: str
    update: str
    comment_groups: frozenset[str] = frozenset()

    def key(self, what: str) -> str:
        """Return a dedupe key for news that has no id of its own."""
        return f"{what}:{self.update}"


class Place(msgspec.Struct, frozen=True):
    """Where a message stands. `customer` is whom we talk with; `ours` when the company itself wrote."""

    address: Address
    customer: Sender
    slot: str = ""
    room_name: str = ""
    ours: bool = False
    auto: bool = False

    @property
    def lane(self) -> str:
        """The key under which facts of this place keep their order."""
        return self.slot or self.customer.claims[0].value


def person(user: User) -> Sender:
    """Return a user as a sender."""
    return Sender([Claim(SPACE, str(user.id))], user.name, user.username, user.language_code)


def chat_sender(chat: Chat) -> Sender:
    """Return a chat as a sender: the person of a private chat, or a group that speaks as itself."""
    return Sender([Claim(SPACE, str(chat.id))], chat.name, chat.username)


def place_of(head: Head, message: Mapping[str, Any], context: Context) -> Place:
    """Return where a message stands; raises ValidationError when nobody can be found who wrote it."""
    chat = head.chat
    author = chat_sender(head.sender_chat) if head.sender_chat else person(head.from_) if head.from_ else None
    if head.business_connection_id:
        # Chats of a business account are private: whoever isn't the chat's own person is the company.
        ours = bool(head.sender_business_bot) or (head.from_ is not None and head.from_.id != chat.id)
        customer = author if author and not ours else chat_sender(chat)
        return Place(Address(str(chat.id), business=head.business_connection_id), customer, ours=ours)
    if chat.type == "private":
        thread = str(head.message_thread_id) if head.is_topic_message else ""
        return Place(Address(str(chat.id), thread=thread), author or chat_sender(chat))
    if head.direct_messages_topic:
        topic = head.direct_messages_topic
        customer = person(topic.user) if topic.user else author or chat_sender(chat)
        ours = author is not None and author.claims[0] != customer.claims[0]
        return Place(
            Address(str(chat.id), topic=str(topic.topic_id)), customer, room_name=chat.name, ours=ours
        )
    if chat.type == "channel":
        return Place(
            Address(str(chat.id)), author or chat_sender(chat), f"post:{chat.id}", chat.name, auto=True
        )
    return _in_group(head, message, context, author or chat_sender(chat))


def _in_group(head: Head, message: Mapping[str, Any], context: Context, author: Sender) -> Place:
    """Tell apart a group, a forum topic in it, and the comments under a channel's post.

    The copy of a post in the discussion group is the root of its comments. Only direct comments show it;
    further down Telegram names the root but not that it is a post, so the configuration names those groups.
    """
    chat, thread = head.chat, head.message_thread_id
    robot = bool(head.from_ and head.from_.is_bot and not head.sender_chat)
    if head.is_topic_message and thread:
        address = Address(str(chat.id), thread=str(thread))
        return Place(address, author, f"group:{chat.id}:{thread}", chat.name, auto=robot)
    above = message.get("reply_to_message")
    comment = isinstance(above, dict) and above.get("is_automatic_forward") is True
    discussed = comment or str(chat.id) in context.comment_groups
    root = head.message_id if head.is_automatic_forward else thread if discussed else 0
    if root:
        address = Address(str(chat.id), reply=str(root))
        auto = robot or head.is_automatic_forward
        return Place(address, author, f"post:{chat.id}:{root}", chat.name, auto=auto)
    return Place(Address(str(chat.id)), author, f"group:{chat.id}", chat.name, auto=robot)


def _answered(head: Head, message: Mapping[str, Any]) -> str:
    above = message.get("reply_to_message")
    number = above.get("message_id") if isinstance(above, dict) else None
    if isinstance(number, bool) or not isinstance(number, int):
        return ""
    return message_key(head.chat.id, number, head.business_connection_id)


def _referral(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return what led here: the payload of a deep link (`/start …`), and whose words were forwarded."""
    found: dict[str, Any] = {}
    text, origin = message.get("text"), message.get("forward_origin")
    if isinstance(text, str) and text.startswith("/start ") and text[7:].strip():
        found["start"] = text[7:].strip()[:64]
    if isinstance(origin, dict):
        for name in ("sender_user", "sender_chat", "chat"):
            if isinstance(origin.get(name), dict):
                whole = " ".join(
                    value
                    for key in ("title", "first_name", "last_name")
                    if isinstance(value := origin[name].get(key), str)
                )
                found["forwarded_from"] = whole
        if isinstance(origin.get("sender_user_name"), str):
            found["forwarded_from"] = origin["sender_user_name"]
    return found


def _with_phone(sender: Sender, message: Mapping[str, Any]) -> Sender:
    """Add a shared phone number when Telegram says that it is the sender's own."""
    try:
        contact = msgspec.convert(message.get("contact"), Contact)
    except msgspec.ValidationError:
        return sender
    digits = "".join(sign for sign in contact.phone_number if sign.isascii() and sign.isdigit())
    if str(contact.user_id) != sender.claims[0].value or not 7 <= len(digits) <= 15:
        return sender
    return msgspec.structs.replace(sender, claims=[*sender.claims, Claim("phone", f"+{digits}")])


def _message(item: Any, context: Context) -> list[Inbound]:
    head = msgspec.convert(item, Head)
    place, parts = place_of(head, item, context), parts_of(item)
    external = message_key(head.chat.id, head.message_id, head.business_connection_id)
    said: dict[str, Any] = {
        "account": context.account,
        "dedupe_key": f"message:{external}",
        "occurred_at": moment(head.date),
        "external_id": external,
        "address": str(place.address),
        "parts": parts,
        "slot": place.slot,
        "reply_to": _answered(head, item),
    }
    if place.ours:
        return [EchoReceived(customer=place.customer, **said)]
    received = MessageReceived(
        sender=_with_phone(place.customer, item),
        room_name=place.room_name,
        auto=place.auto or all(isinstance(part, Notice) for part in parts),
        forwarded="forward_origin" in item and not head.is_automatic_forward,
        referral=_referral(item),
        **said,
    )
    return [received, *_moved(head, item, context)]


def _moved(head: Head, message: Mapping[str, Any], context: Context) -> list[Inbound]:
    """Tell that a group has got a new id, once: the new supergroup says so too."""
    new = message.get("migrate_to_chat_id")
    if isinstance(new, bool) or not isinstance(new, int):
        return []
    previous, current = Claim(SPACE, str(head.chat.id)), Claim(SPACE, str(new))
    key = f"moved:{previous.value}:{current.value}"
    return [IdentityChanged(account=context.account, dedupe_key=key, previous=previous, current=[current])]


def _edited(item: Any, context: Context) -> list[Inbound]:
    head = msgspec.convert(item, Head)
    place = place_of(head, item, context)
    external = message_key(head.chat.id, head.message_id, head.business_connection_id)
    return [
        MessageEdited(
            account=context.account,
            dedupe_key=context.key(f"edit:{external}"),
            occurred_at=moment(head.edit_date) or moment(head.date),
            external_id=external,
            parts=parts_of(item),
            key=place.lane,
        )
    ]


def _guest(item: Any, context: Context) -> list[Inbound]:
    """A mention in a chat that the bot isn't in: shown, though nothing can be sent there later."""
    (fact,) = _message(item, context)[:1]
    if not isinstance(fact, MessageReceived):
        return [fact]
    note = Unsupported("guest_message", "the bot isn't in this chat, so it can't answer there")
    return [msgspec.structs.replace(fact, parts=[*fact.parts, note])]


def _deleted(item: Any, context: Context) -> list[Inbound]:
    gone = msgspec.convert(item, Deleted)
    keys = [
        message_key(gone.chat.id, number, gone.business_connection_id)
        for number in dict.fromkeys(gone.message_ids)
    ]
    return [
        MessageRecalled(
            account=context.account, dedupe_key=f"recall:{key}", external_id=key, key=str(gone.chat.id)
        )
        for key in keys
    ]


def _callback(item: Any, context: Context) -> list[Inbound]:
    callback = msgspec.convert(item, Callback)
    below = callback.message or {}
    sender, address, slot, room, answered = (
        person(callback.from_),
        Address(str(callback.from_.id)),
        "",
        "",
        "",
    )
    if below:
        head = msgspec.convert(below, Head)
        place = place_of(head, below, context)
        address, slot, room = place.address, place.slot, place.room_name
        answered = message_key(head.chat.id, head.message_id, head.business_connection_id)
    part: Part = Choice(callback.data, _label(below, callback.data))
    if not callback.data:
        part = Unsupported("callback_query", callback.game_short_name or "a button without data")
    return [
        MessageReceived(
            account=context.account,
            dedupe_key=f"callback:{callback.id}",
            external_id=f"callback:{callback.id}",
            sender=sender,
            address=str(address),
            parts=[part],
            slot=slot,
            room_name=room,
            reply_to=answered,
        )
    ]


def _label(message: Mapping[str, Any], data: str) -> str:
    """Return what stood on the button with this data."""
    markup = message.get("reply_markup")
    rows = markup.get("inline_keyboard") if isinstance(markup, dict) else None
    for row in rows if isinstance(rows, list) else []:
        for button in row if isinstance(row, list) else []:
            if (
                isinstance(button, dict)
                and button.get("callback_data") == data
                and isinstance(button.get("text"), str)
            ):
                return str(button["text"])
    return ""


def _reaction(item: Any, context: Context) -> list[Inbound]:
    change = msgspec.convert(item, ReactionUpdate)
    sender = person(change.user) if change.user else chat_sender(change.actor_chat or change.chat)
    key = message_key(change.chat.id, change.message_id)
    return [
        Reacted(
            account=context.account,
            dedupe_key=context.key(f"reaction:{key}:{sender.claims[0].value}"),
            occurred_at=moment(change.date),
            external_id=key,
            sender=sender,
            emoji="".join(reaction.sign for reaction in change.new_reaction[:20]),
        )
    ]


def _member(item: Any, context: Context) -> list[Inbound]:
    """The bot was blocked or let in again by a person, or added to or removed from a group or channel."""
    change = msgspec.convert(item, MemberUpdate)
    inside = change.new_chat_member.status not in GONE
    occurred, chat = moment(change.date), change.chat
    if chat.type == "private":
        return [
            ReachChanged(
                account=context.account,
                dedupe_key=context.key(f"reach:{chat.id}"),
                occurred_at=occurred,
                sender=person(change.from_),
                reachable=inside,
                reason="" if inside else "blocked",
            )
        ]
    words = f"{change.from_.name}: {chat.name} ({chat.type}), {change.new_chat_member.status}"
    return [
        AccountChanged(
            account=context.account,
            dedupe_key=context.key(f"member:{chat.id}"),
            occurred_at=occurred,
            status="green",
            code="chat_joined" if inside else "chat_left",
            detail=words,
            data={"chat_id": str(chat.id), "status": change.new_chat_member.status},
        )
    ]


def _business(item: Any, context: Context) -> list[Inbound]:
    connection = msgspec.convert(item, BusinessConnection)
    can_reply = connection.rights.get("can_reply") is True
    status = "green" if connection.is_enabled and can_reply else "amber"
    code = "business_connected" if connection.is_enabled else "business_disconnected"
    detail = (
        connection.user.name
        if can_reply or not connection.is_enabled
        else f"{connection.user.name}: may not answer"
    )
    return [
        AccountChanged(
            account=context.account,
            dedupe_key=context.key(f"business:{connection.id}"),
            occurred_at=moment(connection.date),
            status=status,
            code=code,
            detail=detail,
            data={
                "connection_id": connection.id,
                "user_id": str(connection.user.id),
                "rights": sorted(name for name, value in connection.rights.items() if value is True),
            },
        )
    ]


_KINDS: dict[str, Callable[[Any, Context], list[Inbound]]] = {
    "message": _message,
    "edited_message": _edited,
    "channel_post": _message,
    "edited_channel_post": _edited,
    "business_connection": _business,
    "business_message": _message,
    "edited_business_message": _edited,
    "deleted_business_messages": _deleted,
    "guest_message": _guest,
    "callback_query": _callback,
    "message_reaction": _reaction,
    "my_chat_member": _member,
}

# What we ask Telegram for: reactions must be named, and a guest message could not be answered.
SUBSCRIBED = [name for name in _KINDS if name != "guest_message"]


def facts_of(update: Mapping[str, Any], context: Context) -> list[Inbound]:
    """Return the facts of one update; what can't be read becomes Unreadable, never an error."""
    for kind, read in _KINDS.items():
        if kind in update:
            try:
                return read(update[kind], context)
            except (msgspec.ValidationError, ValueError) as error:
                return [unreadable(update, context, f"{kind}: {error}")]
    kinds = ", ".join(sorted(str(name) for name in update if name != "update_id")) or "nothing"
    return [unreadable(update, context, f"this version doesn't read: {kinds}")]


def unreadable(update: Any, context: Context, reason: str) -> Unreadable:
    """Return an update that stays unread, with the beginning of its body for the administrator."""
    body = msgspec.json.encode(update)[:4000].decode("utf-8", "replace")
    return Unreadable(
        account=context.account, dedupe_key=context.key("update"), reason=reason[:500], body=body
    )
