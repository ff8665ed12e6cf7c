"""What travels over the pair, both ways. The JSON Schemas beside this file are made from these Structs."""

from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Id = Annotated[str, Meta(min_length=1, max_length=200)]
Degrees = Annotated[float, Meta(ge=-180, le=180)]
Moment = str | int
"""ISO 8601, or Unix seconds."""


def moment(value: Moment | None) -> datetime | None:
    """Return a time in UTC (also where none is said); None for what is no time between 1970 and 9999."""
    try:
        if isinstance(value, int):
            return datetime.fromtimestamp(value, UTC) if 0 < value < 253402300800 else None
        if not value:
            return None
        found = datetime.fromisoformat(value)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if found.year >= 1970 else None


# -- in ----------------------------------------------------------------------------------------


class Person(msgspec.Struct, frozen=True):
    """Who wrote. `id` is the person's id in your system; `phone` in the form +8613800138000."""

    id: Id
    name: str | None = None
    phone: str | None = None
    email: str | None = None
    language: str | None = None


class Attachment(msgspec.Struct, frozen=True):
    """A file that we fetch. `type` is a MIME type, or one of image, audio, video, file."""

    url: Annotated[str, Meta(pattern="^https?://[^ ]+$", max_length=4000)]
    type: str | None = None
    name: str | None = None


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """WGS 84 degrees."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Degrees
    name: str | None = None
    address: str | None = None


class Pressed(msgspec.Struct, frozen=True):
    """Which button of a `choices` part was pressed."""

    id: Id
    title: str | None = None


class Message(msgspec.Struct, frozen=True, rename={"from_": "from"}, kw_only=True):
    """One message of a customer. The same `id` again is ignored. `room` makes it a group conversation."""

    id: Id
    from_: Person
    text: str | None = None
    attachments: Annotated[list[Attachment], Meta(max_length=50)] | None = None
    location: Place | None = None
    choice: Pressed | None = None
    reply_to: str | None = None
    sent_at: Moment | None = None
    room: Id | None = None
    room_name: str | None = None


class Receipt(msgspec.Struct, frozen=True):
    """How far a message of ours got. `id` is the one you answered with, else ours; `key` is always ours."""

    id: Id
    status: Literal["sent", "delivered", "read", "failed"]
    at: Moment | None = None
    code: str | None = None
    error: str | None = None
    key: str | None = None


class Edit(msgspec.Struct, frozen=True):
    """A message that now reads differently: all of its content, as it is now."""

    id: Id
    text: str | None = None
    attachments: Annotated[list[Attachment], Meta(max_length=50)] | None = None
    location: Place | None = None
    at: Moment | None = None


class Recall(msgspec.Struct, frozen=True):
    """A message that its sender took back."""

    id: Id
    at: Moment | None = None


class Incoming(msgspec.Struct, frozen=True):
    """What your system posts to us. Unknown fields are ignored; every list may be missing."""

    messages: list[Message] = []
    receipts: list[Receipt] = []
    edits: list[Edit] = []
    recalls: list[Recall] = []


# -- out ---------------------------------------------------------------------------------------


class TextPart(msgspec.Struct, frozen=True, tag_field="type", tag="text"):
    """Words."""

    text: str


class _FilePart(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", kw_only=True):
    name: str
    mime: str
    size: int
    caption: str = ""
    url: str = ""
    data: Annotated[str, Meta(description="Base64; only where this installation has no public address.")] = ""


class ImagePart(_FilePart, frozen=True, omit_defaults=True, tag="image"):
    """A picture. `url` is signed and expires: fetch it soon. `size` in bytes."""


class AudioPart(_FilePart, frozen=True, omit_defaults=True, tag="audio"):
    """Sound."""


class VideoPart(_FilePart, frozen=True, omit_defaults=True, tag="video"):
    """Moving pictures."""


class FilePart(_FilePart, frozen=True, omit_defaults=True, tag="file"):
    """Any other file."""


class PlacePart(Place, frozen=True, omit_defaults=True, tag_field="type", tag="location"):
    """A place."""


class ContactPart(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="contact"):
    """A business card."""

    name: str = ""
    phones: list[str] = []
    emails: list[str] = []
    organisation: str = ""


class ButtonOut(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something to press: post its `id` back as `choice`; with `url` it opens an address instead."""

    id: str
    title: str
    description: str = ""
    url: str = ""


class ChoicesPart(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="choices"):
    """A text with things to choose from; `style` is buttons or list, `button` opens the list."""

    text: str
    buttons: list[ButtonOut]
    style: str = "buttons"
    button: str = ""


PartOut = TextPart | ImagePart | AudioPart | VideoPart | FilePart | PlacePart | ContactPart | ChoicesPart


class MessageOut(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message of an agent. `id` is ours and the same when we try again: store it once.

    `to` is the person's id, or the room's where `room` is there. `reply_to` is your id of the message.
    """

    id: str
    to: str
    parts: list[PartOut]
    room: str = ""
    reply_to: str = ""


class Outgoing(msgspec.Struct, frozen=True):
    """What we post to your address; no messages at all is only a test of the connection."""

    messages: list[MessageOut]
