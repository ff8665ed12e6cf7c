"""What sync_msg hands over, as facts: customers' messages, what colleagues wrote in WeCom, and events.

Documented at developer.work.weixin.qq.com, customer service, receiving messages and events. Messages that we sent through
the API are never in it.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import msgspec

from switchboard.channels.api import (
    AccountChanged,
    Audio,
    BadPayload,
    Button,
    Choice,
    Choices,
    Claim,
    ContactCard,
    EchoReceived,
    File,
    Image,
    Inbound,
    Link,
    Location,
    MessageRecalled,
    MessageReceived,
    Notice,
    Part,
    Product,
    ProfileReceived,
    ReceiptReceived,
    Sender,
    Source,
    Text,
    Unreadable,
    Unsupported,
    Video,
)
from switchboard.channels.families.weixin import bounded, degrees, moment, rows, scalars, text
from switchboard.channels.families.weixin_inbox import mini_program_page
from switchboard.channels.reading import Json, obj

SERVICER = "5"
IDS = ("event_type", "open_kfid", "external_userid", "welcome_code", "msg_code")
FAILURES = {
    "1": "The customer service account has been deleted.",
    "2": "The app has been closed.",
    "4": "The customer wrote more than 48 hours ago.",
    "5": "The session is closed.",
    "6": "More than five messages since the customer wrote.",
    "7": "The account is bound to no Channels account.",
    "8": "The company is not verified.",
    "9": "The account is bound to no Channels account, and the company is not verified.",
    "10": "The customer refuses messages.",
    "11": "Nobody of the company has signed in to the WeCom app.",
}
CHANNELS = {
    "1": "the home page",
    "2": "the live broadcast's products",
    "3": "the showcase",
    "4": "a product's page of the shop",
    "5": "an order's page of the shop",
}
"""Where in Channels (视频号) somebody was, by scene."""
OF_A_SHOP = ("4", "5")
ENDED = "3"
MERGED_LINES = 100


class Place(msgspec.Struct, frozen=True):
    """One item of msg_list and where it belongs."""

    corp_id: str
    account: str
    item: Json
    backfill: bool

    @property
    def event(self) -> Json:
        return obj(self.item, "event")

    @property
    def person(self) -> str:
        return text(self.item, "external_userid") or text(self.event, "external_userid")

    @property
    def sender(self) -> Sender:
        return Sender([Claim(f"wecom:{self.corp_id}", self.person)])

    @property
    def ident(self) -> str:
        return bounded(text(self.item, "msgid"))

    @property
    def key(self) -> str:
        return f"message:{self.ident}" if self.ident else _digest(self.item)


def facts_of_messages(corp_id: str, answer: Any, account: str, *, backfill: bool = False) -> list[Inbound]:
    """Return the facts of one answer to sync_msg, each key once; raises BadPayload when it has no list."""
    items = answer.get("msg_list") if isinstance(answer, dict) else None
    if not isinstance(items, list):
        raise BadPayload("the answer has no list of messages")
    found: dict[str, Inbound] = {}
    for item in items:
        fact = _fact(corp_id, item, account, backfill=backfill)
        found.setdefault(fact.dedupe_key, fact)
    return list(found.values())


def _digest(item: Any) -> str:
    body = json.dumps(item, sort_keys=True, default=str)
    return f"hash:{hashlib.sha256(body.encode()).hexdigest()}"


def _fact(corp_id: str, item: Any, account: str, *, backfill: bool) -> Inbound:
    named = text(item, "open_kfid") or text(item, "event", "open_kfid")
    place = Place(corp_id, bounded(named) or account, item if isinstance(item, dict) else {}, backfill)
    kind = text(item, "msgtype")
    if kind == "event" and place.event:
        act = EVENTS.get(text(place.event, "event_type"))
        return (act(place) if act is not None and place.person else None) or _news(place)
    if not kind or kind == "event" or not place.person:
        reason = "a message without kind or customer"
        return Unreadable(
            account=place.account, dedupe_key=_digest(item), reason=reason, body=str(item)[:2000]
        )
    parts = _parts(kind, obj(item, kind))
    if text(item, "origin") == SERVICER:
        return EchoReceived(
            account=place.account,
            dedupe_key=place.key,
            occurred_at=moment(item, "send_time"),
            external_id=place.ident or place.key,
            customer=place.sender,
            address=place.person,
            parts=parts,
        )
    return _received(place, parts, "message", forwarded=kind == "merged_msg")


def _received(
    place: Place,
    parts: list[Part],
    opens: str,
    *,
    handle: str = "",
    forwarded: bool = False,
    auto: bool = False,
) -> MessageReceived:
    return MessageReceived(
        account=place.account,
        dedupe_key=place.key,
        occurred_at=moment(place.item, "send_time"),
        external_id=place.ident or place.key,
        sender=place.sender,
        address=place.person,
        parts=parts,
        opens=opens,
        reply_handle=handle,
        forwarded=forwarded,
        auto=auto,
        backfill=place.backfill,
    )


# -- messages --------------------------------------------------------------------------------------------------------


def _parts(kind: str, said: Json) -> list[Part]:
    source = Source(text(said, "media_id"))
    match kind:
        case "text" if menu := text(said, "menu_id"):
            return [Choice(menu, text(said, "content"))]
        case "text" if text(said, "content"):
            return [Text(text(said, "content"))]
        case "image" if source.ref:
            return [Image(source=source)]
        case "voice" if source.ref:
            return [Audio(source=source, mime="audio/amr", voice=True)]
        case "video" if source.ref:
            return [Video(source=source)]
        case "file" if source.ref:
            return [File(source=source)]
        case "location":
            latitude, longitude = degrees(said, "latitude", 90), degrees(said, "longitude", 180)
            if latitude is not None and longitude is not None:
                return [Location(latitude, longitude, text(said, "name"), text(said, "address"))]
        case "link" if text(said, "url"):
            return [Link(text(said, "url"), text(said, "title"), text(said, "desc"))]
        case "business_card" if text(said, "userid"):
            return [ContactCard(text(said, "userid"))]
        case "miniprogram" if text(said, "pagepath"):
            cover = Source(text(said, "thumb_media_id"))
            return mini_program_page(text(said, "title"), text(said, "appid"), text(said, "pagepath"), cover)
        case "msgmenu" if text(said, "head_content") or rows(said, "list"):
            return [_menu(said)]
        case "merged_msg" if text(said, "title") or rows(said, "item"):
            return [Text(_merged(said))]
        case _ if kind.startswith("channels") and said:
            return _of_channels(kind, said)
        case _:
            pass
    return [Unsupported(kind[:100], (text(said, "title") or text(said, "name"))[:300])]


def _menu(said: Json) -> Choices:
    """Return a menu that a colleague sent."""
    buttons, lines = [], [text(said, "head_content")]
    for row in rows(said, "list"):
        entry = obj(row, text(row, "type"))
        if text(row, "type") == "click":
            buttons.append(Button(text(entry, "id"), text(entry, "content")))
        elif text(row, "type") == "view":
            url = text(entry, "url")
            buttons.append(Button(url, text(entry, "content"), url=url))
        else:
            lines.append(text(entry, "content"))
    return Choices("\n".join(filter(None, [*lines, text(said, "tail_content")])), buttons)


def _merged(said: Json) -> str:
    """Return a forwarded piece of another chat as lines; each item holds its content as JSON in a text."""
    lines = [text(said, "title")]
    for one in rows(said, "item")[:MERGED_LINES]:
        kind, content = text(one, "msgtype"), text(one, "msg_content")
        try:
            inside = msgspec.json.decode(content)
        except (msgspec.DecodeError, RecursionError):
            inside = None
        words = text(inside, kind, "content") or text(inside, kind, "title") or f"[{kind or '?'}]"
        lines.append(f"{text(one, 'sender_name')}: {words}"[:2000])
    return "\n".join(filter(None, lines))


def _of_channels(kind: str, said: Json) -> list[Part]:
    """Return what came from Channels (视频号): a product, an order, a video or live broadcast."""
    data = scalars(said)
    if kind == "channels_shop_product":
        notice = Notice("wecom.channels_product", text(said, "shop_nickname"), data)
        return [Product(text(said, "product_id"), title=text(said, "title")), notice]
    if kind == "channels_shop_order":
        names = ("product_titles", "price_wording", "state", "order_id")
        words = " · ".join(filter(None, (text(said, name) for name in names)))
        return [Notice("wecom.channels_order", words, data)]
    words = " · ".join(filter(None, [text(said, "nickname"), text(said, "title")]))
    return [Notice("wecom.channels", words or kind[:100], data)]


# -- events ----------------------------------------------------------------------------------------------------------


def _news(place: Place) -> Inbound:
    return AccountChanged(
        account=place.account,
        dedupe_key=place.key,
        occurred_at=moment(place.item, "send_time"),
        status="green",
        code=f"wecom_{text(place.event, 'event_type')[:60]}",
        data=scalars(place.event, *IDS),
    )


def _entered(place: Place) -> Inbound:
    """Somebody opened the chat: by which link or scene, from which Channels account; the code allows one welcome."""
    data = scalars(place.event, *IDS)
    channels = scalars(obj(place.event, "wechat_channels"))
    data |= {f"channels_{name}": value for name, value in channels.items()}
    code = text(place.event, "welcome_code")
    return _received(place, [_way_in(data)], "enter" if code else "", handle=code)


def _way_in(data: dict[str, str]) -> Notice:
    """Return words for the way somebody came; each code has its own in the reader's language."""
    scene = data.get("channels_scene", "")
    names = [data.get("channels_nickname", ""), data.get("channels_shop_nickname", "")]
    whose = next(filter(None, reversed(names) if scene in OF_A_SHOP else names), "")
    if scene or whose:
        named = f"_{scene}" if scene in CHANNELS and whose else ""
        where = " ".join(filter(None, ["Channels", whose]))
        spot = f", {CHANNELS[scene]}" if scene in CHANNELS else ""
        return Notice(
            f"wecom.entered_channels{named}",
            f"Opened the chat from {where}{spot}",
            {**data, "channel": whose},
        )
    if data.get("scene"):
        return Notice("wecom.entered_by", f"Opened the chat by {data['scene']}", data)
    return Notice("wecom.entered", "Opened the chat", data)


def _failed(place: Place) -> Inbound | None:
    ident, code = text(place.event, "fail_msgid"), text(place.event, "fail_type")
    if not ident:
        return None
    return ReceiptReceived(
        account=place.account,
        dedupe_key=bounded(f"receipt:{ident}:failed"),
        occurred_at=moment(place.item, "send_time"),
        external_id=ident,
        status="failed",
        key=place.person,
        code=code[:20],
        error=FAILURES.get(code, "WeCom could not deliver the message."),
    )


def _recalled(place: Place) -> Inbound | None:
    ident = text(place.event, "recall_msgid")
    if not ident:
        return None
    return MessageRecalled(
        account=place.account,
        dedupe_key=bounded(f"recall:{ident}"),
        occurred_at=moment(place.item, "send_time"),
        external_id=bounded(ident),
        key=place.person,
    )


def _session(place: Place) -> Inbound:
    """A colleague in WeCom took or passed the session on: agents must see it, for until it ends they can't write.

    The end of a session is no message: it must not open a case again.
    """
    if text(place.event, "change_type") == ENDED:
        sender = msgspec.structs.replace(place.sender, profile={"wecom_session": "ended"})
        at = moment(place.item, "send_time")
        return ProfileReceived(account=place.account, dedupe_key=place.key, occurred_at=at, sender=sender)
    servicer, data = text(place.event, "new_servicer_userid")[:100], scalars(place.event, *IDS)
    notice = Notice("wecom.session_moved", "Answered in WeCom", data)
    if servicer:
        notice = Notice("wecom.session_taken", f"{servicer} answers in WeCom", data)
    return _received(place, [notice], "", auto=True)


EVENTS: dict[str, Callable[[Place], Inbound | None]] = {
    "enter_session": _entered,
    "msg_send_fail": _failed,
    "user_recall_msg": _recalled,
    "servicer_recall_msg": _recalled,
    "session_status_change": _session,
}
