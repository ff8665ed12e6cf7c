"""Business hours: when are we open, when next, and how much working time lies between two moments. Pure.

Hours are written on the wall clock of a zone. An opening is one stretch of real time, also where the clock is
set: a time that the clock skips counts as if it hadn't been set yet (RFC 5545's rule), a time that it shows
twice opens at the first and closes at the second. Moments go in as aware datetimes and come out in UTC.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

_CLOCK: Final = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")
_DAY_MINUTES: Final = 24 * 60
_HORIZON_DAYS: Final = 400
"""Hours that hold no opening within this are never open."""


class Span(msgspec.Struct, frozen=True):
    """One opening in minutes after midnight; an `end` beyond 1,440 (at most 2,880) is on the next day."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < _DAY_MINUTES or not self.start < self.end <= self.start + _DAY_MINUTES:
            raise ValueError("an opening starts within its day and lasts at most 24 hours")


class Hours(msgspec.Struct, frozen=True):
    """A calendar: `week` from Monday, seven entries; `days` replace single dates (none: closed; 调休)."""

    zone: str
    week: tuple[tuple[Span, ...], ...]
    days: Mapping[date, tuple[Span, ...]] = {}

    def __post_init__(self) -> None:
        ZoneInfo(self.zone)  # raises ZoneInfoNotFoundError or ValueError
        if len(self.week) != 7:
            raise ValueError("a week has seven days")


def always(zone: str = "UTC") -> Hours:
    """Return hours that never close."""
    return Hours(zone, ((Span(0, _DAY_MINUTES),),) * 7)


def span(opens: str, closes: str) -> Span:
    """Read `09:00` and `18:00`; a closing not after the opening is on the next day. Raises ValueError."""
    start, end = _minutes(opens), _minutes(closes)
    return Span(start, end if end > start else end + _DAY_MINUTES)


def _minutes(clock: str) -> int:
    match = _CLOCK.fullmatch(clock)
    if match is None or (match[1] == "24" and match[2] != "00"):
        raise ValueError(f"{clock!r} is not a time such as 09:00")
    return int(match[1]) * 60 + int(match[2])


def periods(hours: Hours, since: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield what is left of our openings from `since` on, in order and without overlap, until the horizon."""
    zone = ZoneInfo(hours.zone)
    since = _utc(since)
    today = since.astimezone(zone).date()
    last = since
    # Two days back: yesterday's openings may reach into today, further where a zone has skipped a day.
    for offset in range(-2, _HORIZON_DAYS):
        day = today + timedelta(days=offset)
        for start, end in sorted(_real(day, one, zone) for one in _spans(hours, day)):
            start = max(start, last)
            if start < end:
                last = end
                yield start, end


def open_at(hours: Hours, moment: datetime) -> bool:
    """Return whether we are open; the moment of closing is closed."""
    return next_open(hours, moment) == _utc(moment)  # in one zone, else a doubled wall time equals nothing


def next_open(hours: Hours, moment: datetime) -> datetime | None:
    """Return the moment itself when open then, else the next opening; None when none is near."""
    return next((start for start, _ in periods(hours, moment)), None)


def working_time(hours: Hours, begin: datetime, end: datetime) -> timedelta:
    """Return how long we were open between two moments at most a year apart; zero if `end` comes first."""
    begin, end = _utc(begin), _utc(end)
    total = timedelta()
    for start, stop in periods(hours, begin):
        if start >= end:
            break
        total += min(stop, end) - start
    return total


def add_working_time(hours: Hours, begin: datetime, amount: timedelta) -> datetime | None:
    """Return the moment by which we will have been open for `amount` since `begin`; None when beyond a year.

    This is a deadline: an amount of nothing is due at once, also when closed.
    """
    begin, left = _utc(begin), amount
    if left <= timedelta():
        return begin
    for start, stop in periods(hours, begin):
        if left <= stop - start:
            return start + left
        left -= stop - start
    return None


def _spans(hours: Hours, day: date) -> Sequence[Span]:
    return hours.days.get(day, hours.week[day.weekday()])


def _real(day: date, one: Span, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return an opening in UTC. Fold 0 is the later reading of a skipped time, fold 1 of a doubled one."""
    opens, closes = _wall(day, one.start), _wall(day, one.end)
    first = opens.replace(tzinfo=zone).astimezone(UTC)
    return first, max(closes.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))


def _wall(day: date, minutes: int) -> datetime:
    days, rest = divmod(minutes, _DAY_MINUTES)
    return datetime.combine(day + timedelta(days=days), time(rest // 60, rest % 60))


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment needs a zone")
    return moment.astimezone(UTC)
