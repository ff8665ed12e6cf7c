"""What Douyin posts, as facts: one event a request, its `content` an object or a JSON text.

The names of events are Douyin's: it is the authorised account that receives (`im_receive_msg`) or sends (`im_send_msg`).
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec

from switchboard.channels.api import (
    AccountChanged,
    BadPayload,
    Claim,
    EchoReceived,
    Form,
    Image,
    Inbound,
    MessageRecalled,
    MessageReceived,
    Part,
    ProfileReceived,
    Sender,
    Source,
    Sticker,
    Template,
    Text,
    Unreadable,
    Unsupported,
    Video,
    decode,
)
from switchboard.channels.douyin.payloads import DEEPEST, number, obj
from switchboard.channels.reading import Json, digest, moment, plain, rows, text

CHECK = "verify_webhook"
MESSAGES = {"im_receive_msg", "im_send_msg", "im_group_receive_msg", "im_group_send_msg"}
COMMENT = "item_comment_reply"
WITHDRAWN = {"unauthorize", "contract_unauthorize"}
IN_APP = "Douyin shows this in its own app only"


class Place(msgspec.Struct, frozen=True):
    """Where an event stands: the app, its own accounts, the envelope, what is inside."""

    client_key: str
    ours: Collection[str]
    event: str
    envelope: Json
    content: Json

    @property
    def author(self) -> str:
        """The open id of whoever acts."""
        return text(self.envelope, "from_user_id")

    @property
    def other(self) -> str:
        """The open id of the other side."""
        return text(self.envelope, "to_user_id")

    @property
    def by_us(self) -> bool:
        """Whether an account of ours acts; a message between two of our accounts is told to each by its own event."""
        if self.event in MESSAGES:
            return "send" in self.event
        return self.author in self.ours

    @property
    def account(self) -> str:
        """Our account in this event."""
        return self.author if self.by_us else self.other

    @property
    def at(self) -> datetime | None:
        """When it happened, as Douyin says."""
        return moment(self.content, "create_time")

    @property
    def key(self) -> str:
        """The fingerprint of an event without an id."""
        return digest(self.event, self.author, self.other, self.content)

    def person(self, open_id: str) -> Sender:
        """Return a person, with name and picture where the event brings them along."""
        space = f"douyin:{self.client_key}"
        for info in rows(self.content, "user_infos"):
            if text(info, "open_id") == open_id:
                picture = text(info, "avatar")
                return Sender(
                    [Claim(space, open_id)],
                    name=text(info, "nick_name"),
                    avatar=Source(url=picture) if picture.startswith("https://") else None,
                )
        return Sender([Claim(space, open_id)])


def facts_of(body: bytes, client_key: str, ours: Collection[str]) -> list[Inbound]:
    """Return the facts of one event; the check of the webhook address holds none."""
    envelope = decode(body)
    if not isinstance(envelope, dict):
        raise BadPayload("the body is not an event")
    event = text(envelope, "event")
    if not event:
        raise BadPayload("the body names no event")
    if event == CHECK:
        return []
    place = Place(client_key, ours, event, envelope, obj(envelope, "content"))
    try:
        return [_fact(place)]
    except RecursionError:
        raise BadPayload("the event is nested too deeply") from None


def challenge_of(body: bytes) -> int | str | None:
    """Return the number that Douyin wants to hear again when it checks the webhook address."""
    try:
        envelope = decode(body)
    except BadPayload:
        return None
    found = obj(envelope, "content").get("challenge") if text(envelope, "event") == CHECK else None
    return found if isinstance(found, int | str) and not isinstance(found, bool) else None


def _fact(place: Place) -> Inbound:
    if place.event in MESSAGES:
        return _message(place)
    if place.event == COMMENT:
        return _comment(place)
    if place.event == "im_recall_msg":
        return _recall(place)
    if place.event == "im_enter_direct_msg":
        return _entered(place)
    return _news(place)


# -- messages ------------------------------------------------------------------------------------------------


def _message(place: Place) -> Inbound:
    ident = text(place.content, "server_message_id")
    conversation = text(place.content, "conversation_short_id")
    group = text(place.content, "group_id") or conversation if "group" in place.event else ""
    customer = place.other if place.by_us else place.author
    if not ident or not (group or customer):
        return _incomplete(place, "a message without its id or its sender")
    slot, parts = (f"group:{group}" if group else ""), [_part(place.content, conversation, ident)]
    if place.by_us:
        return EchoReceived(
            account=place.account,
            dedupe_key=f"echo:{ident}",
            occurred_at=place.at,
            external_id=ident,
            customer=place.person(customer or group),
            address=group or customer,
            parts=parts,
            slot=slot,
        )
    if not customer:
        return _incomplete(place, "a message without its sender")
    return MessageReceived(
        account=place.account,
        dedupe_key=f"message:{ident}",
        occurred_at=place.at,
        external_id=ident,
        sender=place.person(customer),
        address=group or customer,
        parts=parts,
        slot=slot,
        opens="" if group else "message",
        reply_handle="" if group else handle(conversation, ident),
    )


def handle(conversation: str, message: str) -> str:
    """Return what an answer has to name: the conversation, and the message that allows it for 24 hours."""
    return f"{conversation} {message}" if conversation and " " not in conversation else ""


def _part(content: Json, conversation: str, ident: str) -> Part:
    kind, url = text(content, "message_type"), text(content, "resource_url")
    there = Source(url=url) if url.startswith("https://") else None
    if kind.startswith("user_local_") and conversation:
        there = Source(ref=f"{conversation} {ident}")
    width, height = (_side(content, f"resource_{name}") for name in ("width", "height"))
    match kind:
        case "text" if isinstance(content.get("text"), str):
            return Text(text(content, "text"))
        case "image" | "user_local_image" if there is not None:
            return Image(source=there, width=width, height=height)
        case "video" | "user_local_video" if there is not None:
            return Video(source=there, width=width, height=height)
        case "emoji" if there is not None:
            return Sticker(source=there, width=width, height=height)
        case "video":
            item = text(content, "item_id")
            return Unsupported("video", f"{IN_APP} ({item})" if item else IN_APP)
        case "retain_consult_card":
            return _consult_card(content)
        case "text" | "":
            return Unsupported(kind or "message")
        case _:
            return Unsupported(kind[:100], IN_APP)


def _side(content: Json, name: str) -> int:
    """Return a picture's side in pixels."""
    found = number(content, name)
    return int(found) if 0 < found < 100_000 else 0


def _consult_card(content: Json) -> Part:
    """Read a card that asks for contact details: filled in by the customer, or as it was sent."""
    filled = {text(row, "label"): text(row, "value") for row in rows(content, "card_data")}
    values = {label: value for label, value in filled.items() if label}
    if values:
        return Form(values)
    return Template("retain_consult_card", "", [text(content, "card_id")], "留资卡片")


def _recall(place: Place) -> Inbound:
    ident = text(place.content, "server_message_id")
    if not ident:
        return _incomplete(place, "a recall without the id of the message")
    return MessageRecalled(
        account=place.account,
        dedupe_key=f"recall:{ident}",
        occurred_at=place.at,
        external_id=ident,
        key=place.other if place.by_us else place.author,
    )


def _entered(place: Place) -> Inbound:
    """Somebody opened the chat: who it is and where from. Nothing was said, so nobody has to answer."""
    if not place.author:
        return _incomplete(place, "nobody entered")
    sender = place.person(place.author)
    entry = {
        "scene": number(place.content, "scene_type") or None,
        "video": text(place.content, "objectId"),
        "query": text(place.content, "query"),
        "path": text(place.content, "path"),
        "extra": text(place.content, "data-im-extra"),
        "ad": plain(obj(place.content, "ad_info"), DEEPEST),
    }
    told = {name: value for name, value in entry.items() if value}
    return ProfileReceived(
        account=place.account,
        dedupe_key=f"entered:{text(place.content, 'server_message_id') or place.key}",
        occurred_at=place.at,
        sender=msgspec.structs.replace(sender, profile={"douyin_entry": told} if told else {}),
    )


# -- comments ------------------------------------------------------------------------------------------------


def _comment(place: Place) -> Inbound:
    content = place.content
    ident, item = text(content, "comment_id"), text(content, "reply_to_item_id")
    writer = text(content, "comment_user_id")
    if not ident or not item or not (place.author or writer):
        return _incomplete(place, "a comment without its id, its video or its writer")
    words = content.get("content")
    parts: list[Part] = (
        [Text(words)] if isinstance(words, str) and words else [Unsupported("comment", IN_APP)]
    )
    parent = text(content, "reply_to_comment_id")
    # `comment_user_id` is not always the open id that private messages know.
    sender = (
        place.person(place.author)
        if place.author
        else Sender([Claim(f"douyin:{place.client_key}:comments", writer)])
    )
    if place.by_us:
        return EchoReceived(
            account=place.account,
            dedupe_key=f"echo:{ident}",
            occurred_at=place.at,
            external_id=ident,
            customer=sender,
            address=item,
            parts=parts,
            slot=f"post:{item}",
            reply_to=parent,
        )
    return MessageReceived(
        account=place.account,
        dedupe_key=f"message:{ident}",
        occurred_at=place.at,
        external_id=ident,
        sender=sender,
        address=item,
        parts=parts,
        slot=f"post:{item}",
        reply_to=parent,
        opens="",
    )


# -- the rest ------------------------------------------------------------------------------------------------


def _incomplete(place: Place, reason: str) -> Inbound:
    """Tell an event whose ids are there but empty (the console's test push) from one that is broken."""
    names = ("server_message_id", "comment_id", "from_user_id", "to_user_id", "reply_to_item_id")
    given = [source[name] for source in (place.envelope, place.content) for name in names if name in source]
    if given and all(isinstance(one, str) for one in given):
        return _news(place)
    return Unreadable(
        account=place.account,
        dedupe_key=f"unreadable:{place.key}",
        reason=reason,
        body=repr(place.envelope)[:2000],
    )


def _news(place: Place) -> Inbound:
    """Tell what is no conversation: authorisations, likes, members of groups, whatever comes next."""
    withdrawn = place.event in WITHDRAWN
    account = place.author if withdrawn or place.author in place.ours else place.other
    status = ("red" if account in place.ours else "amber") if withdrawn else "green"
    data: dict[str, Any] = {"from": place.author, "content": plain(place.content, DEEPEST)}
    return AccountChanged(
        account=account,
        dedupe_key=f"news:{place.key}",
        occurred_at=place.at,
        status=status,
        code=f"douyin_{place.event}"[:100],
        detail="The account took back what this app may do for it." if withdrawn else "",
        data=data,
    )
