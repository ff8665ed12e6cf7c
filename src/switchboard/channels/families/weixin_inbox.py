"""What Official Accounts and mini-programs post, as facts. One message or event a delivery; both kinds name their fields alike.

Documented at developers.weixin.qq.com: receiving standard messages, event pushes, customer service messages of mini-programs.
News that no agent needs to see becomes AccountChanged; nothing is dropped.
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
    Choice,
    Claim,
    Image,
    Inbound,
    Link,
    Location,
    MessageReceived,
    Notice,
    Part,
    ProfileReceived,
    ReachChanged,
    ReceiptReceived,
    Sender,
    Source,
    Text,
    Unsupported,
    Video,
)
from switchboard.channels.families.weixin import bounded, degrees, moment, rows, scalars, text
from switchboard.channels.reading import Json, obj

UNION = "wechat:unionid"
ENVELOPE = ("ToUserName", "FromUserName", "CreateTime", "MsgType", "Event")
AMBER = {
    "verify_expired": "The account's verification has run out: WeChat takes away its permissions.",
    "annual_renew": "The account's verification runs out soon and has to be renewed.",
    "qualification_verify_fail": "WeChat refused the account's qualification.",
    "naming_verify_fail": "WeChat refused the account's name.",
}
VOICES = {"amr": "audio/amr", "speex": "audio/speex", "mp3": "audio/mpeg"}
SCENE = "qrscene_"


class Place(msgspec.Struct, frozen=True):
    """Whose delivery it is, and what it says."""

    app_id: str
    said: Json

    @property
    def person(self) -> str:
        return text(self.said, "FromUserName")

    @property
    def sender(self) -> Sender:
        return Sender([Claim(f"wechat:{self.app_id}", self.person)])

    @property
    def key(self) -> str:
        """Tell this delivery from others: a repeated one says the same."""
        if ident := text(self.said, "MsgId"):
            return bounded(f"message:{ident}")
        told = [text(self.said, name) for name in ("CreateTime", "Event", "EventKey", "MsgID")]
        if self.person and all(told[:2]):
            return bounded(f"event:{self.person}:{':'.join(told)}")
        body = json.dumps(self.said, sort_keys=True, default=str)
        return f"hash:{hashlib.sha256(body.encode()).hexdigest()}"


def facts_of(app_id: str, said: Json) -> list[Inbound]:
    """Return the facts of one delivery; raises BadPayload when it names no kind or no person."""
    place = Place(app_id, said)
    kind = text(said, "MsgType")
    if not kind:
        raise BadPayload("the message has no MsgType")
    if kind.endswith("event"):
        return EVENTS.get(text(said, "Event").lower(), _news)(place) if place.person else _news(place)
    if not place.person:
        raise BadPayload("the message names no sender")
    return [_received(place, _parts(said, kind))]


def mini_program_page(title: str, app_id: str, path: str, cover: Source) -> list[Part]:
    """Return a shared page of a mini-program: nothing but WeChat can open it, so it is told, with its cover."""
    data = {"title": title or path, "app_id": app_id, "path": path}
    told: Part = Notice("wechat.mini_program_card", f"Mini-program page: {title or path}", data)
    return [told, Image(source=cover)] if cover.ref or cover.url else [told]


# -- messages --------------------------------------------------------------------------------------------------------


def _received(place: Place, parts: list[Part], opens: str = "message", suffix: str = "") -> MessageReceived:
    key = f"{place.key}{suffix}"
    return MessageReceived(
        account=place.app_id,
        dedupe_key=key,
        occurred_at=moment(place.said, "CreateTime"),
        external_id=bounded(text(place.said, "MsgId")) or key,
        sender=place.sender,
        address=place.person,
        parts=parts,
        opens=opens,
    )


def _source(said: Json) -> Source:
    url = text(said, "PicUrl")
    return Source(text(said, "MediaId"), url if url.startswith(("https://", "http://")) else "")


def _parts(said: Json, kind: str) -> list[Part]:
    source = _source(said)
    match kind:
        case "text" if menu := text(said, "bizmsgmenuid"):
            return [Choice(menu, text(said, "Content"))]
        case "text" if text(said, "Content"):
            return [Text(text(said, "Content"))]
        case "image" if source.ref or source.url:
            return [Image(source=source)]
        case "voice" if source.ref:
            mime = VOICES.get(text(said, "Format").lower(), "")
            return [Audio(source=source, mime=mime, voice=True, caption=text(said, "Recognition")[:2000])]
        case "video" | "shortvideo" if source.ref:
            return [Video(source=source)]
        case "location" if (place := _location(said, "Location_X", "Location_Y")) is not None:
            return [msgspec.structs.replace(place, name=text(said, "Label"))]
        case "link" if text(said, "Url"):
            return [Link(text(said, "Url"), text(said, "Title"), text(said, "Description"))]
        case "miniprogrampage" if text(said, "PagePath"):
            thumb = text(said, "ThumbUrl")
            cover = Source(text(said, "ThumbMediaId"), thumb if thumb.startswith("http") else "")
            return mini_program_page(text(said, "Title"), text(said, "AppId"), text(said, "PagePath"), cover)
        case _:
            return [Unsupported(kind[:100], text(said, "Title")[:300])]


def _location(said: Json, north: str, east: str) -> Location | None:
    latitude, longitude = degrees(said, north, 90), degrees(said, east, 180)
    if latitude is None or longitude is None:
        return None
    return Location(latitude, longitude)


# -- events ----------------------------------------------------------------------------------------------------------


def _news(place: Place) -> list[Inbound]:
    event = (text(place.said, "Event") or text(place.said, "MsgType")).lower()
    words = AMBER.get(event, "")
    return [
        AccountChanged(
            account=place.app_id,
            dedupe_key=place.key,
            occurred_at=moment(place.said, "CreateTime"),
            status="amber" if words else "green",
            code=f"wechat_{event[:60]}",
            detail=" ".join(filter(None, [words, text(place.said, "FailReason")[:300]])),
            data={"openid": place.person, **scalars(place.said, *ENVELOPE)},
        )
    ]


def _reach(place: Place, *, reachable: bool) -> ReachChanged:
    return ReachChanged(
        account=place.app_id,
        dedupe_key=f"{place.key}:reach",
        occurred_at=moment(place.said, "CreateTime"),
        sender=place.sender,
        reachable=reachable,
        reason="" if reachable else "unsubscribed",
    )


def _subscribed(place: Place) -> list[Inbound]:
    """Somebody follows us; after a QR code of ours, `EventKey` is its scene."""
    key = text(place.said, "EventKey")
    scene = key.removeprefix(SCENE)
    data = {"scene" if key.startswith(SCENE) else "key": scene} if key else {}
    notice = Notice("wechat.followed", "Followed the account", data)
    return [_reach(place, reachable=True), _received(place, [notice], "follow")]


def _unsubscribed(place: Place) -> list[Inbound]:
    return [_reach(place, reachable=False)]


def _scanned(place: Place) -> list[Inbound]:
    scene = text(place.said, "EventKey")
    notice = Notice("wechat.scanned", f"Scanned a QR code: {scene}"[:300], {"scene": scene})
    return [_received(place, [notice], "scan")]


def _clicked(place: Place) -> list[Inbound]:
    key = text(place.said, "EventKey")
    return [_received(place, [Choice(key) if key else Unsupported("CLICK")], "menu_click")]


def _scanned_by_menu(place: Place) -> list[Inbound]:
    """A menu entry opened the camera; both kinds of it allow answers."""
    result = text(place.said, "ScanCodeInfo", "ScanResult")
    data = {"key": text(place.said, "EventKey"), **scalars(obj(place.said, "ScanCodeInfo"))}
    return [_received(place, [Notice("wechat.scan_result", result[:1000], data)], "menu_click")]


def _sent_by_menu(place: Place) -> list[Inbound]:
    """A menu entry let somebody choose pictures or a place, which come as messages of their own."""
    data = {"key": text(place.said, "EventKey")}
    data |= scalars(obj(place.said, "SendLocationInfo")) | scalars(obj(place.said, "SendPicsInfo"))
    return [_received(place, [Notice("wechat.menu_entry", "Used a menu entry", data)], "")]


def _told_about(place: Place, name: str, value: str) -> list[Inbound]:
    """Keep the latest of what people do all the time: no agent should be bothered with each."""
    sender = msgspec.structs.replace(place.sender, profile={name: value[:500]})
    at = moment(place.said, "CreateTime")
    return [ProfileReceived(account=place.app_id, dedupe_key=place.key, occurred_at=at, sender=sender)]


def _viewed(place: Place) -> list[Inbound]:
    return _told_about(place, "wechat_page", text(place.said, "EventKey"))


def _located(place: Place) -> list[Inbound]:
    where = _location(place.said, "Latitude", "Longitude")
    return (
        _told_about(place, "wechat_location", f"{where.latitude},{where.longitude}")
        if where
        else _news(place)
    )


def _entered(place: Place) -> list[Inbound]:
    """Somebody opened a mini-program's customer service; `SessionFrom` is what the button says of the page."""
    origin = text(place.said, "SessionFrom")[:1000]
    notice = Notice("wechat.entered", "Opened the chat")
    if origin:
        notice = Notice("wechat.entered_from", f"Opened the chat from {origin}", {"session_from": origin})
    return [_received(place, [notice], "enter")]


def _receipt(place: Place, ident: str, *, arrived: bool, code: str) -> ReceiptReceived:
    status = "delivered" if arrived else "failed"
    return ReceiptReceived(
        account=place.app_id,
        dedupe_key=bounded(f"receipt:{ident}:{status}"),
        occurred_at=moment(place.said, "CreateTime"),
        external_id=ident,
        status=status,
        key=place.person,
        code="" if arrived else code[:100],
        error="" if arrived else f"WeChat: {code}"[:300],
    )


def _template_sent(place: Place) -> list[Inbound]:
    ident, status = text(place.said, "MsgID"), text(place.said, "Status")
    if not ident or not status:
        return _news(place)
    return [_receipt(place, ident, arrived=status == "success", code=status)]


def _notification_sent(place: Place) -> list[Inbound]:
    """Subscribed notifications: XML wraps the list in an object of the event's name, JSON does not."""
    holder: Any = obj(place.said, "SubscribeMsgSentEvent") or place.said
    found: dict[str, Inbound] = {}
    for one in rows(holder, "List"):
        ident, code = text(one, "MsgID"), text(one, "ErrorCode")
        if ident and code:
            words = f"{text(one, 'ErrorStatus')} ({code})"
            receipt = _receipt(place, ident, arrived=code == "0", code=words)
            found.setdefault(receipt.dedupe_key, receipt)
    return list(found.values()) or _news(place)


EVENTS: dict[str, Callable[[Place], list[Inbound]]] = {
    "subscribe": _subscribed,
    "unsubscribe": _unsubscribed,
    "scan": _scanned,
    "click": _clicked,
    "scancode_push": _scanned_by_menu,
    "scancode_waitmsg": _scanned_by_menu,
    "pic_sysphoto": _sent_by_menu,
    "pic_photo_or_album": _sent_by_menu,
    "pic_weixin": _sent_by_menu,
    "location_select": _sent_by_menu,
    "view": _viewed,
    "view_miniprogram": _viewed,
    "location": _located,
    "templatesendjobfinish": _template_sent,
    "subscribe_msg_sent_event": _notification_sent,
    "user_enter_tempsession": _entered,
}
