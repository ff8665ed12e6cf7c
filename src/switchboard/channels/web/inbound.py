"""A visitor's events into facts."""

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from switchboard.channels.api import (
    Audio,
    BadPayload,
    Choice,
    Claim,
    File,
    Form,
    Image,
    Inbound,
    Location,
    MessageReceived,
    Part,
    ProfileReceived,
    ReceiptReceived,
    Sender,
    Text,
    Typed,
    Unreadable,
    Unsupported,
    Video,
)
from switchboard.channels.web.payloads import (
    AudioUpload,
    FileUpload,
    Filled,
    ImageUpload,
    Message,
    Place,
    Pressed,
    Profile,
    Receipt,
    Said,
    Typing,
    VideoUpload,
    Visitor,
    Words,
    moment,
)

MOST_PARTS = 50


class Speaker(msgspec.Struct, frozen=True):
    """The visitor of a request and the site on which they are."""

    site: str
    visitor: Visitor

    @property
    def own(self) -> Claim:
        """The identity that the messages belong to: an unguessable token stands behind it."""
        return Claim(f"web:{self.site}", self.visitor.id)

    @property
    def sender(self) -> Sender:
        """The visitor with everything known of them; what they typed themselves is only claimed."""
        visitor = self.visitor
        member = [Claim(f"member:{self.site}", visitor.user_id)] if visitor.user_id else []
        claims = [self.own, *member, *_claimed(visitor.email, visitor.phone)]
        return Sender(claims, visitor.name or "", language=visitor.language or "")


def facts_of(body: object, site: str) -> list[Inbound]:
    """Return the facts of a request; an event that can't be read spoils only itself."""
    if not isinstance(body, dict) or not isinstance(body.get("events"), list):
        raise BadPayload("the body must have a visitor and a list of events")
    try:
        speaker = Speaker(site, msgspec.convert(body.get("visitor"), Visitor))
    except msgspec.ValidationError as error:
        raise BadPayload(f"visitor: {error}") from None
    return [fact for event in body["events"] for fact in _facts(event, speaker)]


def _facts(event: Any, speaker: Speaker) -> list[Inbound]:
    kind = event.get("type") if isinstance(event, dict) else None
    read = _EVENTS.get(kind) if isinstance(kind, str) else None
    try:
        if read:
            return read(event, speaker)
        reason = f"no event of the type {kind!r}"
    except msgspec.ValidationError as error:
        reason = f"{kind}: {error}"
    written = msgspec.json.encode(event)
    digest = hashlib.sha256(written).hexdigest()[:32]
    return [
        Unreadable(
            account=speaker.site,
            dedupe_key=f"unreadable:{speaker.visitor.id}:{digest}",
            reason=reason[:500],
            body=written[:4000].decode("utf-8", "replace"),
        )
    ]


def _message(event: Any, speaker: Speaker) -> list[Inbound]:
    message = msgspec.convert(event, Message)
    external = f"{speaker.visitor.id}:{message.client_id}"
    page = msgspec.to_builtins(message.page) if message.page else {}
    parts = [_part(part) for part in message.parts[:MOST_PARTS]]
    if len(message.parts) > MOST_PARTS:
        parts.append(Unsupported("parts", f"only the first {MOST_PARTS} of {len(message.parts)} are kept"))
    return [
        MessageReceived(
            account=speaker.site,
            dedupe_key=f"message:{external}",
            occurred_at=moment(message.at),
            external_id=external,
            sender=speaker.sender,
            address=speaker.visitor.id,
            parts=parts or [Unsupported("empty message", "it has no parts")],
            reply_to=message.reply_to or "",
            referral={"page": page} if page else {},
        )
    ]


def _part(value: Any) -> Part:
    """Return a part made anew: a browser may name files and words, never sources, states or templates."""
    try:
        said = msgspec.convert(value, Said)
    except msgspec.ValidationError as error:
        kind = value.get("type") if isinstance(value, dict) else ""
        return Unsupported(kind[:60] if isinstance(kind, str) and kind else "part", str(error)[:300])
    match said:
        case Words(text=text):
            return Text(text)
        case Place():
            return Location(said.latitude, said.longitude)
        case Pressed():
            return Choice(said.id, said.title or "")
        case Filled(values=values):
            return Form({name: value for name, value in values.items() if value is not None})
        case AudioUpload(voice=voice):
            return msgspec.structs.replace(_medium(said), voice=voice)
        case _:
            return _medium(said)


def _medium(upload: ImageUpload | AudioUpload | VideoUpload | FileUpload) -> Part:
    return _MEDIA[type(upload)](
        file_id=upload.file_id,
        name=upload.name or "",
        mime=upload.mime or "",
        size=upload.size,
        caption=upload.caption or "",
        width=upload.width,
        height=upload.height,
        duration=upload.duration,
    )


_MEDIA: dict[type[Any], type[Image | Audio | Video | File]] = {
    ImageUpload: Image,
    AudioUpload: Audio,
    VideoUpload: Video,
    FileUpload: File,
}


def _receipt(event: Any, speaker: Speaker) -> list[Inbound]:
    receipt = msgspec.convert(event, Receipt)
    return [
        ReceiptReceived(
            account=speaker.site,
            dedupe_key=f"status:{number}:{receipt.status}",
            occurred_at=moment(receipt.at),
            external_id=number,
            status=receipt.status,
            key=speaker.visitor.id,
        )
        for number in dict.fromkeys(receipt.ids)
    ]


def _profile(event: Any, speaker: Speaker) -> list[Inbound]:
    """The visitor told who they are, or the host page proved it."""
    profile = msgspec.convert(event, Profile)
    sender = speaker.sender
    told = [claim for claim in _claimed(profile.email, profile.phone) if claim not in sender.claims]
    known = msgspec.structs.replace(sender, claims=[*sender.claims, *told], name=profile.name or sender.name)
    digest = hashlib.sha256(msgspec.json.encode([known, str(profile.at)])).hexdigest()[:16]
    return [
        ProfileReceived(
            account=speaker.site,
            dedupe_key=f"profile:{speaker.visitor.id}:{digest}",
            occurred_at=moment(profile.at),
            sender=known,
        )
    ]


def _typing(event: Any, speaker: Speaker) -> list[Inbound]:
    typing = msgspec.convert(event, Typing)
    key = f"typing:{speaker.visitor.id}:{typing.at}"
    return [Typed(account=speaker.site, dedupe_key=key, occurred_at=moment(typing.at), sender=speaker.sender)]


_EVENTS: dict[str, Callable[[Any, Speaker], list[Inbound]]] = {
    "message": _message,
    "receipt": _receipt,
    "profile": _profile,
    "typing": _typing,
}


def _claimed(email: str | None, phone: str | None) -> list[Claim]:
    """Return what a visitor typed as claims, where it looks like an address or an international number."""
    found: list[Claim] = []
    address = (email or "").strip().lower()
    if 3 <= len(address) <= 254 and address.count("@") == 1 and address[0] != "@" and address[-1] != "@":
        found.append(Claim("email", address, verified=False))
    compact = "".join(sign for sign in phone or "" if sign not in " -().\u00a0")
    compact = f"+{compact[2:]}" if compact.startswith("00") else compact
    digits = compact.removeprefix("+")
    if compact.startswith("+") and digits.isascii() and digits.isdecimal() and 7 <= len(digits) <= 15:
        found.append(Claim("phone", compact, verified=False))
    return found
