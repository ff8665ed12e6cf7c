"""How an attempt to reach the outside world ends: an answer, or one of four failures that delivery knows."""

from collections.abc import Mapping
from typing import Any

import msgspec


class Outcome(Exception):
    """A send that didn't plainly succeed. `code` is the platform's; the text is fit to show: no secrets."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class Retry(Outcome):
    """Surely not delivered; try again after `after` seconds (None: back off as usual)."""

    def __init__(self, message: str, *, code: str = "", after: float | None = None) -> None:
        super().__init__(message, code=code)
        self.after = after


class Refused(Outcome):
    """The platform won't deliver this message, now or later. `unreachable`: nor any other to this person."""

    def __init__(self, message: str, *, code: str = "", unreachable: bool = False) -> None:
        super().__init__(message, code=code)
        self.unreachable = unreachable


class Reauthorise(Outcome):
    """The credentials no longer work: the connection turns red until an administrator acts."""


class InDoubt(Outcome):
    """Bytes left, no answer came: it may or may not have been delivered.

    `repeatable` False: not even on an idempotent channel may it be sent again by itself (the request carried no key).
    """

    def __init__(self, message: str, *, code: str = "", repeatable: bool = True) -> None:
        super().__init__(message, code=code)
        self.repeatable = repeatable


class Response(msgspec.Struct, frozen=True):
    """An HTTP answer, body read (bounded). Header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the decoded body; raises Retry when it isn't JSON: a gateway spoke, not the platform."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Retry(f"answer is not JSON (HTTP {self.status})", code=str(self.status)) from None
