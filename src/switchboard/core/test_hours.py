"""Business hours: examples on days when the clock is set, and properties over zones that do odd things."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchboard.core.hours import (
    Hours,
    Span,
    add_working_time,
    always,
    next_open,
    open_at,
    periods,
    span,
    working_time,
)

NINE_TO_SIX = (span("09:00", "18:00"),)
OFFICE = Hours("Asia/Shanghai", (NINE_TO_SIX,) * 5 + ((), ()))
# Setting the clock by an hour, by half an hour, skipping a whole day, at midnight, far from UTC.
ZONES = [
    "UTC",
    "Asia/Shanghai",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Santiago",
    "Pacific/Kiritimati",
    "Asia/Kathmandu",
]
EARLIEST = datetime(2011, 11, 1, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(), timedelta(days=5600)).map(lambda since: EARLIEST + since)
SPANS = st.builds(
    lambda start, length: Span(start, start + length), st.integers(0, 1439), st.integers(1, 1440)
)
DAY = st.lists(SPANS, max_size=3).map(tuple)
LENGTHS = st.timedeltas(timedelta(), timedelta(days=20))
HOURS = st.builds(
    Hours,
    st.sampled_from(ZONES),
    st.tuples(*[DAY] * 7),
    st.dictionaries(st.dates(date(2025, 1, 1), date(2026, 12, 31)), DAY, max_size=5),
)


def at(text: str, zone: str = "Asia/Shanghai", fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "is_open", "opens"),
    [
        ("2026-03-04T09:00", True, "2026-03-04T09:00"),
        ("2026-03-04T17:59:59.999999", True, "2026-03-04T17:59:59.999999"),
        ("2026-03-04T18:00", False, "2026-03-05T09:00"),
        ("2026-03-04T08:59:59", False, "2026-03-04T09:00"),
        ("2026-03-06T18:00", False, "2026-03-09T09:00"),
        ("2026-03-07T12:00", False, "2026-03-09T09:00"),
    ],
)
def test_an_office_week(moment: str, is_open: bool, opens: str) -> None:
    assert open_at(OFFICE, at(moment)) is is_open
    assert next_open(OFFICE, at(moment)) == at(opens)


def test_holidays_and_make_up_days() -> None:
    """National Day closes a Thursday; the Saturday after the week off is worked."""
    days = {date(2026, 10, 1): (), date(2026, 10, 10): NINE_TO_SIX}
    hours = Hours(OFFICE.zone, OFFICE.week, days)
    assert not open_at(hours, at("2026-10-01T10:00"))
    assert next_open(hours, at("2026-09-30T18:00")) == at("2026-10-02T09:00")
    assert open_at(hours, at("2026-10-10T10:00"))


def test_a_night_shift_reaches_into_the_next_day() -> None:
    hours = Hours("Asia/Shanghai", ((), (), (span("22:00", "06:00"),), (), (), (), ()))
    assert open_at(hours, at("2026-03-05T05:59"))
    assert not open_at(hours, at("2026-03-05T06:00"))
    assert not open_at(hours, at("2026-03-04T05:00"))


def test_openings_may_be_written_in_any_order() -> None:
    hours = Hours("UTC", ((span("14:00", "18:00"), span("08:00", "12:00"), span("11:00", "13:00")),) * 7)
    assert open_at(hours, at("2026-03-05T09:00", "UTC"))
    assert working_time(hours, at("2026-03-05T00:00", "UTC"), at("2026-03-06T00:00", "UTC")) == timedelta(
        hours=9
    )


def test_a_day_that_never_was() -> None:
    """Samoa went from the 29th to the 31st of December 2011; that night's shift ends on the 31st."""
    night = Hours("Pacific/Apia", ((span("22:00", "06:00"),),) * 7)
    assert open_at(night, at("2011-12-31T05:59", "Pacific/Apia"))
    assert not open_at(night, at("2011-12-31T06:00", "Pacific/Apia"))


def test_the_clock_goes_forward() -> None:
    """In Berlin 2026-03-29 has no 02:00 to 03:00: the night shift is shorter, 02:30 is at 03:30."""
    night = Hours("Europe/Berlin", ((span("22:00", "06:00"),),) * 7)
    begin, end = at("2026-03-28T22:00", "Europe/Berlin"), at("2026-03-29T06:00", "Europe/Berlin")
    assert working_time(night, begin, end) == timedelta(hours=7)
    early = Hours("Europe/Berlin", ((span("02:30", "06:00"),),) * 7)
    assert next_open(early, at("2026-03-29T00:00", "Europe/Berlin")) == at(
        "2026-03-29T03:30", "Europe/Berlin"
    )
    gone = Hours("Europe/Berlin", ((span("02:00", "03:00"),),) * 7)
    assert next_open(gone, at("2026-03-29T00:00", "Europe/Berlin")) == at("2026-03-30T02:00", "Europe/Berlin")


def test_the_clock_goes_back() -> None:
    """In New York 01:00 to 02:00 comes twice on 2026-11-01: we open at the first and close at the second."""
    zone = "America/New_York"
    hours = Hours(zone, ((span("01:30", "01:45"),),) * 7)
    (opening,) = [
        one for one in periods(hours, at("2026-11-01T00:00", zone)) if one[0] < at("2026-11-02T00:00", zone)
    ]
    assert opening == (at("2026-11-01T01:30", zone), at("2026-11-01T01:45", zone, fold=1))
    assert opening[1] - opening[0] == timedelta(minutes=75)
    assert open_at(hours, datetime(2026, 11, 1, 1, 35, tzinfo=ZoneInfo(zone), fold=1))
    assert working_time(
        always(zone), at("2026-11-01T00:00", zone), at("2026-11-02T00:00", zone)
    ) == timedelta(hours=25)


def test_deadlines_rest_outside_hours() -> None:
    friday = at("2026-03-06T17:30")
    assert add_working_time(OFFICE, friday, timedelta(hours=1)) == at("2026-03-09T09:30")
    assert add_working_time(OFFICE, friday, timedelta(minutes=30)) == at("2026-03-06T18:00")
    assert add_working_time(OFFICE, at("2026-03-07T12:00"), timedelta()) == at("2026-03-07T12:00")


def test_hours_that_never_open() -> None:
    never = Hours("UTC", ((),) * 7)
    assert next_open(never, datetime(2026, 1, 1, tzinfo=UTC)) is None
    assert add_working_time(never, datetime(2026, 1, 1, tzinfo=UTC), timedelta(1)) is None


@pytest.mark.parametrize(
    ("opens", "closes"), [("9:00", "18:00"), ("25:00", "26:00"), ("24:01", "02:00"), ("", "")]
)
def test_times_that_are_none(opens: str, closes: str) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        span(opens, closes)


def test_shapes_that_are_none() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        Hours("Mars/Olympus", ((),) * 7)
    with pytest.raises(ValueError, match="seven"):
        Hours("UTC", ((),) * 6)
    with pytest.raises(ValueError, match="zone"):
        open_at(OFFICE, datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test
    assert span("00:00", "24:00") == span("00:00", "00:00")


@given(HOURS, MOMENTS)
@settings(max_examples=150)
def test_next_open_is_open_and_nothing_before_it(hours: Hours, moment: datetime) -> None:
    opens = next_open(hours, moment)
    assert open_at(hours, moment) is (opens == moment)
    if opens is None:
        return
    assert opens >= moment
    assert open_at(hours, opens)
    if opens > moment:
        gap = (opens - moment) / 7
        assert not any(open_at(hours, moment + gap * step) for step in range(7))
        assert not open_at(hours, opens - timedelta(microseconds=1))


@given(HOURS, MOMENTS, st.integers(-5, 5))
@settings(max_examples=150)
def test_agrees_with_the_clock_on_the_wall(hours: Hours, moment: datetime, shift: int) -> None:
    """Away from nights on which the clock is set, open means: the wall clock stands within an opening."""
    zone = ZoneInfo(hours.zone)
    offsets = {(moment + timedelta(days=days)).astimezone(zone).utcoffset() for days in range(-3, 4)}
    if len(offsets) > 1:
        return
    wall = moment.astimezone(zone)
    expected = False
    for back in (0, 1):
        day = wall.date() - timedelta(days=back)
        minute = wall.hour * 60 + wall.minute + back * 1440
        spans = hours.days.get(day, hours.week[day.weekday()])
        expected = expected or any(one.start <= minute < one.end for one in spans)
    assert open_at(hours, moment) is expected


@given(
    HOURS,
    MOMENTS,
    st.timedeltas(timedelta(), timedelta(days=20)),
    st.timedeltas(timedelta(), timedelta(days=20)),
)
@settings(max_examples=150)
def test_working_time_adds_up(hours: Hours, begin: datetime, first: timedelta, second: timedelta) -> None:
    middle, end = begin + first, begin + first + second
    whole = working_time(hours, begin, end)
    assert whole == working_time(hours, begin, middle) + working_time(hours, middle, end)
    assert timedelta() <= whole <= end - begin
    assert working_time(always(hours.zone), begin, end) == end - begin


@given(HOURS, MOMENTS, st.timedeltas(timedelta(seconds=1), timedelta(hours=80)))
@settings(max_examples=150)
def test_a_deadline_holds_its_working_time(hours: Hours, begin: datetime, amount: timedelta) -> None:
    due = add_working_time(hours, begin, amount)
    if due is not None:
        assert working_time(hours, begin, due) == amount
        assert working_time(hours, begin, due - timedelta(microseconds=1)) < amount


def test_is_kept_as_json() -> None:
    hours = Hours("Asia/Shanghai", OFFICE.week, {date(2026, 10, 1): ()})
    assert msgspec.json.decode(msgspec.json.encode(hours), type=Hours) == hours
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"start": 600, "end": 500}', type=Span)
