"""Reading the envelope of what arrived: JSON as platforms really write it. Adapters take both names from `channels.api`."""

import json
from typing import Any

import msgspec


class BadPayload(Exception):
    """The envelope can't be read. Stored as unreadable, acknowledged, shown, replayable. The text says what was wrong."""


def decode(body: bytes) -> Any:
    """Return a JSON body; raises BadPayload.

    Platforms cut texts in the middle of an emoji, and one half of a pair must not cost the whole envelope: lone
    surrogates come back as U+FFFD, numbers of absurd length as text.
    """
    try:
        return msgspec.json.decode(body)
    except RecursionError:
        raise BadPayload("the JSON is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        return _mended(
            json.loads(body, parse_int=lambda digits: int(digits) if len(digits) < 400 else digits)
        )
    except (ValueError, RecursionError) as error:
        raise BadPayload(f"the body is not JSON: {error}") from None


def _mended(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [_mended(item) for item in value]
        case dict():
            return {_mended(key): _mended(item) for key, item in value.items()}
        case _:
            return value
