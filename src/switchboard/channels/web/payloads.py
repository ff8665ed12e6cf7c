"""What the widget's socket hands over: one visitor and what happened, as JSON.

`{"visitor": {…}, "events": [{"type": "message", …}, …]}`. The visitor is filled in by the socket from its own
session; the events are what the browser said, so everything in them is a stranger's word.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

Id = Annotated[str, Meta(min_length=1, max_length=200)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Short = Annotated[str, Meta(max_length=1000)]


def moment(value: object) -> datetime | None:
    """Return an ISO 8601 time in UTC; None for what is no time between 1970 and 9999."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if found.year >= 1970 else None


class Visitor(msgspec.Struct, frozen=True):
    """Who is at the other end. `user_id` is there only when the host page's proof was right."""

    id: Id
    name: Short | None = None
    email: Short | None = None
    phone: Short | None = None
    language: Short | None = None
    user_id: Id | None = None


class Page(msgspec.Struct, frozen=True, omit_defaults=True):
    """The page on which the visitor is."""

    url: Annotated[str, Meta(max_length=4000)] | None = None
    title: Short | None = None
    referrer: Annotated[str, Meta(max_length=4000)] | None = None


class Words(msgspec.Struct, frozen=True, tag_field="type", tag="text"):
    """What was typed."""

    text: Annotated[str, Meta(max_length=100_000)]


class _Upload(msgspec.Struct, frozen=True, tag_field="type", kw_only=True):
    """A file that the visitor has uploaded before; the socket has checked that it is theirs."""

    file_id: UUID
    name: Short | None = None
    mime: Short | None = None
    caption: Annotated[str, Meta(max_length=100_000)] | None = None
    size: Count = 0
    width: Count = 0
    height: Count = 0
    duration: Annotated[float, Meta(ge=0, le=86_400)] = 0


class ImageUpload(_Upload, frozen=True, tag="image"):
    """A picture."""


class AudioUpload(_Upload, frozen=True, tag="audio"):
    """Sound; `voice` when it was recorded on the spot."""

    voice: bool = False


class VideoUpload(_Upload, frozen=True, tag="video"):
    """Moving pictures."""


class FileUpload(_Upload, frozen=True, tag="file"):
    """Any other file."""


class Place(msgspec.Struct, frozen=True, tag_field="type", tag="location"):
    """Where the browser says that it is."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]


class Pressed(msgspec.Struct, frozen=True, tag_field="type", tag="choice"):
    """A button of ours."""

    id: Id
    title: Short | None = None


class Filled(msgspec.Struct, frozen=True, tag_field="type", tag="form"):
    """The pre-chat or offline form."""

    values: dict[Annotated[str, Meta(max_length=100)], str | bool | Count | None]


Said = Words | ImageUpload | AudioUpload | VideoUpload | FileUpload | Place | Pressed | Filled


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message; the same `client_id` comes again when the acknowledgement was lost."""

    client_id: Id
    parts: list[Any]
    at: Any = None
    reply_to: Short | None = None
    page: Page | None = None


class Receipt(msgspec.Struct, frozen=True):
    """Messages of ours that the browser has got or shown."""

    ids: Annotated[list[Id], Meta(max_length=1000)]
    status: Literal["delivered", "read"]
    at: Any = None


class Profile(msgspec.Struct, frozen=True):
    """What the visitor told of themself."""

    name: Short | None = None
    email: Short | None = None
    phone: Short | None = None
    at: Any = None


class Typing(msgspec.Struct, frozen=True):
    """The visitor is typing. Without a time two such events couldn't be told apart."""

    at: Annotated[str, Meta(min_length=1, max_length=40)]
