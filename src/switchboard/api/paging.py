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
Keysets = tuple[Keyset | None, Keyset | None]
EARLIEST, LATEST = 1970, 2200


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Part of a list; `next` is the cursor of the following part, null at the end."""

    items: list[T]
    next: str | None = None


def seal(value: Any) -> str | None:
    """Turn a place in a list into a cursor."""
    if value is None:
        return None
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).decode().rstrip("=")


def unseal_id(cursor: str | None) -> UUID | None:
    """Return the id in a cursor; raises Problem for a cursor that we did not make."""
    found: UUID | None = _unseal(cursor, UUID)
    return found


def unseal_keyset(cursor: str | None) -> Keyset | None:
    """Return the moment and id in a cursor; raises Problem for a cursor that we did not make."""
    found: Keyset | None = _unseal(cursor, Keyset)
    return check_keyset(found)


def unseal_keysets(cursor: str | None) -> Keysets | None:
    """Return the two places in a cursor over two lists; raises Problem for a cursor that we did not make."""
    found: Keysets | None = _unseal(cursor, Keysets)
    for one in found or ():
        check_keyset(one)
    return found


def check_keyset(place: Keyset | None) -> Keyset | None:
    """Return a place whose moment the database can hold; raises Problem."""
    if place is not None:
        check_moment(place[0], "cursor")
    return place


def _unseal(cursor: str | None, kind: Any) -> Any:
    if not cursor:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        return msgspec.json.decode(text, type=kind)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise Problem("This cursor is none of ours.", code="bad_cursor", field="cursor") from None


def check_moment(moment: datetime, field: str) -> datetime:
    """Return a moment with its zone that the database can hold; raises Problem."""
    if moment.tzinfo is None or not EARLIEST < moment.year < LATEST:
        raise Problem(
            "A time needs a zone and lies between 1970 and 2200.", code="invalid_input", field=field
        )
    return moment
