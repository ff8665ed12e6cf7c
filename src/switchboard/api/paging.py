"""Cursors: opaque to clients, and what pages look like."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import msgspec
from litestar.params import QueryParameter

from switchboard.core.errors import Problem

T = TypeVar("T")
Cursor = Annotated[
    str | None, QueryParameter(description="Where to go on: `next` of the page before.", max_length=400)
]
Limit = Annotated[int, QueryParameter(description="How many at most.", ge=1, le=100)]
Keyset = tuple[datetime, UUID]
EARLIEST, LATEST = datetime(1970, 1, 1), datetime(2200, 1, 1)


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Part of a list; `next` is the cursor of the following part, null at the end."""

    items: list[T]
    next: str | None = None


def seal(value: Any) -> str | None:
    """Turn a place in a list into a cursor."""
    if value is None:
        return None
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).decode().rstrip("=")


def unseal(cursor: str | None, kind: type[T]) -> T | None:
    """Turn a cursor back into a place; raises Problem for anything that we did not make."""
    if not cursor:
        return None
    try:
        value = msgspec.json.decode(
            base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True), type=kind
        )
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise Problem("This cursor is none of ours.", code="bad_cursor", field="cursor") from None
    moment = value[0] if isinstance(value, tuple) else None
    if isinstance(moment, datetime):
        check_moment(moment, "cursor")
    return value


def check_moment(moment: datetime, field: str) -> datetime:
    """Return a moment with its zone that the database can hold; raises Problem."""
    if moment.tzinfo is None or not EARLIEST < moment.replace(tzinfo=None) < LATEST:
        raise Problem(
            "A time needs a zone and lies between 1970 and 2200.", code="invalid_input", field=field
        )
    return moment
