"""Kinds of input that several endpoints share."""

from typing import Annotated

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Email = Annotated[str, Meta(min_length=3, max_length=254)]
Password = Annotated[str, Meta(min_length=1, max_length=1000)]
Version = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Position = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Tag = Annotated[str, Meta(min_length=1, max_length=60)]


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a request says; unknown fields are refused, so that a misspelt one is noticed."""


def given(body: msgspec.Struct) -> dict[str, object]:
    """Return the fields that were given, whatever their value."""
    return {
        name: value for name in body.__struct_fields__ if (value := getattr(body, name)) is not msgspec.UNSET
    }
