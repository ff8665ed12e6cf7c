"""What Weibo posts, as facts: one message or event a request."""

from datetime import datetime

import msgspec

from switchboard.channels.api import (
    AccountChanged,
    Audio,
    Choice,
    Claim,
    Image,
    Inbound,
    Location,
    MessageReceived,
    Notice,
    Part,
    ProfileReceived,
    ReachChanged,
    Sender,
    Source,
    Text,
    Unreadable,
    Unsupported,
)
from switchboard.channels.reading import Json, digest, number, obj, text
from switchboard.channels.weibo.payloads import message_of, moment, plain


class _Place(msgspec.Struct, frozen=True):
    """Where a message stands."""

    message: Json
    account: str
    person: str
    at: datetime | None
    ident: str

    @property
    def data(self) -> Json:
        """What comes beside the words."""
        return obj(self.message, "data")

    @property
    def sender(self) -> Sender:
        """Who wrote: Weibo tells the true user id, the same for every account."""
        return Sender([Claim("weibo", self.person)])

    def received(self, part: Part, opens: str, *, auto: bool = False) -> MessageReceived:
        """Tell that somebody wrote or did something that may be answered."""
        return MessageReceived(
            account=self.account,
            dedupe_key=f"message:{self.ident}",
            occurred_at=self.at,
            external_id=self.ident,
            sender=self.sender,
            address=self.person,
            parts=[part],
            opens=opens,
            auto=auto,
        )


def facts_of(body: bytes) -> list[Inbound]:
    """Return the facts of one request; raises BadPayload for what is no message."""
    message = message_of(body)
    account, person = text(message, "receiver_id"), text(message, "sender_id")
    said = digest(
        account, person, text(message, "created_at"), text(message, "type"), text(message, "text"),
        plain(obj(message, "data")),
    )  # fmt: skip
    given = text(message, "id")
    place = _Place(
        message, account, person, moment(message, "created_at"), f"{given}:{said}" if given else said
    )
    if not account or not person:
        return [
            Unreadable(
                account=account,
                dedupe_key=f"unreadable:{place.ident}",
                reason="a message without sender or receiver",
                body=repr(message)[:2000],
            )
        ]
    kind = text(message, "type").lower()
    if kind == "event":
        return _event(place)
    if kind == "mention":
        return [_mention(place)]
    return [place.received(_part(place, kind), "message")]


def _part(place: _Place, kind: str) -> Part:
    words, file = text(place.message, "text"), text(place.data, "tovfid") or text(place.data, "vfid")
    latitude, longitude = number(place.data, "latitude"), number(place.data, "longitude")
    match kind:
        case "text" if words:
            return Text(words)
        case "image" if file:
            return Image(source=Source(ref=file))
        case "voice" if file:
            return Audio(source=Source(ref=file), voice=True)
        case "position" if latitude is not None and longitude is not None:
            if abs(latitude) <= 90 and abs(longitude) <= 180:
                return Location(latitude, longitude, text(place.data, "label") or words)
    return Unsupported(kind[:100], words[:500])


def _mention(place: _Place) -> MessageReceived:
    """Somebody named the account in a post or a comment: may be answered once, in private."""
    where = {name: value for name, value in plain(place.data).items() if value}
    words = text(place.message, "text")
    part: Part = Text(words) if words else Unsupported("mention")
    found = place.received(part, "mention")
    return msgspec.structs.replace(
        found, parts=[part, Notice("weibo.mention", "Mentioned the account on Weibo", where)]
    )


def _event(place: _Place) -> list[Inbound]:
    what, key = text(place.data, "subtype").lower(), text(place.data, "key")
    match what:
        case "follow" | "unfollow":
            return [_reach(place, reachable=what == "follow")]
        case "subscribe" | "unsubscribe":
            # Of broadcasts: says nothing of whether the person may be answered.
            profile = {"weibo_subscribed": what == "subscribe"}
            sender = msgspec.structs.replace(place.sender, profile=profile)
            return [
                ProfileReceived(
                    account=place.account,
                    dedupe_key=f"profile:{place.ident}",
                    occurred_at=place.at,
                    sender=sender,
                )
            ]
        case "click" if key:
            return [place.received(Choice(key[:400]), "click")]
        case "scan" | "scan_follow":
            came: list[Inbound] = [_reach(place, reachable=True)] if what == "scan_follow" else []
            notice = Notice("weibo.scan", "Scanned a QR code", plain(place.data))
            return [*came, place.received(notice, "scan", auto=True)]
    return [
        AccountChanged(
            account=place.account,
            dedupe_key=f"news:{place.ident}",
            occurred_at=place.at,
            status="green",
            code=f"weibo_{what or 'event'}"[:100],
            data={"sender": place.person, **plain(place.data)},
        )
    ]


def _reach(place: _Place, *, reachable: bool) -> ReachChanged:
    """Whoever unfollows can't be answered any more."""
    return ReachChanged(
        account=place.account,
        dedupe_key=f"reach:{place.ident}",
        occurred_at=place.at,
        sender=place.sender,
        reachable=reachable,
        reason="" if reachable else "unfollowed",
    )
