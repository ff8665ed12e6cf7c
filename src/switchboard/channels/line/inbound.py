"""What LINE posts, as facts. Events we have no use for are told as news of the account, never dropped."""

from typing import Any

from switchboard.channels.api import (
    AccountChanged,
    Audio,
    BadPayload,
    Choice,
    Claim,
    File,
    Image,
    Inbound,
    Location,
    MessageRecalled,
    MessageReceived,
    Part,
    ReachChanged,
    Sender,
    Source,
    Sticker,
    Text,
    Unreadable,
    Unsupported,
    Video,
)
from switchboard.channels.reading import Json, digest, moment, obj, text
from switchboard.channels.reading import number as number_of


def facts_of(envelope: Any) -> list[Inbound]:
    """Return the facts of one delivery, each key once; raises BadPayload for what isn't LINE's envelope."""
    if not isinstance(envelope, dict) or not isinstance(envelope.get("events"), list):
        raise BadPayload("the body has no list of events")
    account = text(envelope, "destination")
    if not account:
        raise BadPayload("the body names no destination")
    found: dict[str, Inbound] = {}
    for event in envelope["events"]:
        fact = _fact(account, event)
        found.setdefault(fact.dedupe_key, fact)
    return list(found.values())


def number(value: Any, name: str) -> float:
    """Return the number under a name, 0 for none and for one of absurd size."""
    found = number_of(value, name)
    return found if found is not None and abs(found) < 1e15 else 0.0


def _key(event: Any) -> str:
    known = text(event, "webhookEventId")
    if known:
        return f"event:{known}"
    return f"hash:{digest(event)}"


def _fact(account: str, event: Any) -> Inbound:
    key = _key(event)
    kind = text(event, "type")
    if not kind:
        return Unreadable(
            account=account, dedupe_key=key, reason="an event without a type", body=str(event)[:2000]
        )
    source = obj(event, "source")
    person = text(source, "userId")
    room = text(source, "groupId") or text(source, "roomId")
    if person and kind in ("message", "postback"):
        found = (
            _message(account, event, key, person, room)
            if kind == "message"
            else _postback(account, event, key, person, room)
        )
        if found is not None:
            return found
        return Unreadable(
            account=account, dedupe_key=key, reason=f"a broken {kind} event", body=str(event)[:2000]
        )
    sender = Sender([Claim(f"line:{account}", person)]) if person else None
    if kind == "unsend" and (target := text(obj(event, "unsend"), "messageId")):
        return MessageRecalled(
            account=account,
            dedupe_key=key,
            occurred_at=moment(event, "timestamp"),
            external_id=target,
            key=person,
        )
    if kind in ("follow", "unfollow") and sender is not None:
        return ReachChanged(
            account=account,
            dedupe_key=key,
            occurred_at=moment(event, "timestamp"),
            sender=sender,
            reachable=kind == "follow",
            reason="" if kind == "follow" else "blocked",
        )
    return AccountChanged(
        account=account,
        dedupe_key=key,
        occurred_at=moment(event, "timestamp"),
        status="green",
        code=f"line_{kind[:40]}",
        data={"source": {name: value for name, value in source.items() if isinstance(value, str)}},
    )


def _message(account: str, event: Json, key: str, person: str, room: str) -> Inbound | None:
    message = obj(event, "message")
    external = text(message, "id")
    if not external:
        return None
    return _received(
        account, event, key, person, room, external, [_part(message)], text(message, "quotedMessageId")
    )


def _postback(account: str, event: Json, key: str, person: str, room: str) -> Inbound | None:
    postback = obj(event, "postback")
    data = text(postback, "data")
    if not data:
        return None
    params = ", ".join(str(value) for value in obj(postback, "params").values())
    return _received(account, event, key, person, room, key, [Choice(data, description=params[:500])], "")


def _received(
    account: str,
    event: Json,
    key: str,
    person: str,
    room: str,
    external: str,
    parts: list[Part],
    reply_to: str,
) -> MessageReceived:
    standby = text(event, "mode") == "standby"
    return MessageReceived(
        account=account,
        dedupe_key=key,
        occurred_at=moment(event, "timestamp"),
        external_id=external,
        sender=Sender([Claim(f"line:{account}", person)]),
        address=room or person,
        slot=f"group:{room}" if room else "",
        parts=parts,
        reply_to=reply_to,
        reply_handle="" if standby else text(event, "replyToken"),
    )


def _source(message: Json) -> Source:
    provider = obj(message, "contentProvider")
    if text(provider, "type") == "external" and (url := text(provider, "originalContentUrl")):
        return Source(url=url)
    return Source(ref=text(message, "id"))


def _part(message: Json) -> Part:
    match text(message, "type"):
        case "text":
            return Text(text(message, "text"))
        case "image":
            return Image(source=_source(message))
        case "video":
            return Video(source=_source(message), duration=max(0.0, number(message, "duration") / 1000))
        case "audio":
            return Audio(
                source=_source(message), duration=max(0.0, number(message, "duration") / 1000), voice=True
            )
        case "file":
            return File(
                source=_source(message),
                name=text(message, "fileName"),
                size=max(0, int(number(message, "fileSize"))),
            )
        case "sticker" if text(message, "stickerId").isdecimal():
            key = f"{text(message, 'packageId')}:{text(message, 'stickerId')}"
            return Sticker(source=Source(ref=key), caption=text(message, "text"), key=key)
        case "location" if (
            abs(number(message, "latitude")) <= 90 and abs(number(message, "longitude")) <= 180
        ):
            return Location(
                number(message, "latitude"),
                number(message, "longitude"),
                text(message, "title"),
                text(message, "address"),
            )
        case kind:
            return Unsupported(kind or "message")
