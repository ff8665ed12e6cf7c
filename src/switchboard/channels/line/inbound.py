"""What LINE posts, as facts. Events we have no use for are told as news of the account, never dropped."""

import hashlib
import json
from datetime import UTC, datetime
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

Json = dict[str, Any]
LAST = 253402300799


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


def text(value: Any, name: str) -> str:
    """Return the text under a name, empty when there is none."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def number(value: Any, name: str) -> float:
    """Return the finite number under a name, else 0."""
    found = value.get(name) if isinstance(value, dict) else None
    if isinstance(found, bool) or not isinstance(found, int | float):
        return 0.0
    return float(found) if abs(found) < 1e15 else 0.0


def inner(value: Any, name: str) -> Json:
    """Return the object under a name, empty when there is none."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _key(event: Any) -> str:
    known = text(event, "webhookEventId")
    if known:
        return f"event:{known}"
    body = json.dumps(event, sort_keys=True, default=str, ensure_ascii=True)
    return f"hash:{hashlib.sha256(body.encode()).hexdigest()}"


def _at(event: Json) -> datetime | None:
    seconds = number(event, "timestamp") / 1000
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < LAST else None


def _fact(account: str, event: Any) -> Inbound:
    key = _key(event)
    kind = text(event, "type")
    if not kind:
        return Unreadable(
            account=account, dedupe_key=key, reason="an event without a type", body=str(event)[:2000]
        )
    source = inner(event, "source")
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
    if kind == "unsend" and (target := text(inner(event, "unsend"), "messageId")):
        return MessageRecalled(
            account=account, dedupe_key=key, occurred_at=_at(event), external_id=target, key=person
        )
    if kind in ("follow", "unfollow") and sender is not None:
        return ReachChanged(
            account=account,
            dedupe_key=key,
            occurred_at=_at(event),
            sender=sender,
            reachable=kind == "follow",
            reason="" if kind == "follow" else "blocked",
        )
    return AccountChanged(
        account=account,
        dedupe_key=key,
        occurred_at=_at(event),
        status="green",
        code=f"line_{kind[:40]}",
        data={"source": {name: value for name, value in source.items() if isinstance(value, str)}},
    )


def _message(account: str, event: Json, key: str, person: str, room: str) -> Inbound | None:
    message = inner(event, "message")
    external = text(message, "id")
    if not external:
        return None
    return _received(
        account, event, key, person, room, external, [_part(message)], text(message, "quotedMessageId")
    )


def _postback(account: str, event: Json, key: str, person: str, room: str) -> Inbound | None:
    postback = inner(event, "postback")
    data = text(postback, "data")
    if not data:
        return None
    params = ", ".join(str(value) for value in inner(postback, "params").values())
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
        occurred_at=_at(event),
        external_id=external,
        sender=Sender([Claim(f"line:{account}", person)]),
        address=room or person,
        slot=f"group:{room}" if room else "",
        parts=parts,
        reply_to=reply_to,
        reply_handle="" if standby else text(event, "replyToken"),
    )


def _source(message: Json) -> Source:
    provider = inner(message, "contentProvider")
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
