"""Reply windows: what a customer did lets us write freely for a time, and on some platforms only so often.

A rule says for how many hours, and for how many answers (0: any), one kind of act allows them. Answers are counted
against the open window that ends first, as the platforms do.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import msgspec


class Rule(Protocol):
    """A window as a manifest describes it."""

    @property
    def opened_by(self) -> str: ...
    @property
    def hours(self) -> float: ...
    @property
    def messages(self) -> int: ...


class Standing(msgspec.Struct, frozen=True):
    """How things stand: the end of the last window with room (None: none is open), and how many answers are left (None: any)."""

    until: datetime | None
    left: int | None


class _Open(msgspec.Struct):
    begin: datetime
    end: datetime
    left: int | None


def standing(
    rules: Sequence[Rule], opened: Mapping[str, datetime], sent: Iterable[datetime], now: datetime
) -> Standing:
    """Return what is still allowed: `opened` tells when each window was last opened, `sent` when we wrote."""
    windows = _windows(rules, opened)
    for at in sorted(sent):
        room = [one for one in windows if one.begin <= at < one.end and one.left != 0]
        first = min(room, key=lambda one: one.end, default=None)
        if first is not None and first.left is not None:
            first.left -= 1
    room = [one for one in windows if one.begin <= now < one.end and one.left != 0]
    if not room:
        return Standing(None, 0)
    counts = [one.left for one in room if one.left is not None]
    return Standing(max(one.end for one in room), None if len(counts) < len(room) else sum(counts))


def ends(rules: Sequence[Rule], opened: Mapping[str, datetime]) -> datetime | None:
    """Return when the last window closes, whatever was sent; None when none was ever opened."""
    return max((one.end for one in _windows(rules, opened)), default=None)


def _windows(rules: Sequence[Rule], opened: Mapping[str, datetime]) -> list[_Open]:
    return [
        _Open(
            opened[rule.opened_by],
            opened[rule.opened_by] + timedelta(hours=rule.hours),
            rule.messages or None,
        )
        for rule in rules
        if rule.opened_by in opened
    ]
