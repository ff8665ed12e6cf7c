"""The life of a conversation, as any sequence of what may happen to it."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from switchboard.core.conversation import (
    MOVES,
    OLDEST,
    STATUSES,
    clamp,
    joined_status,
    may_move,
    on_inbound,
    on_reply,
)

STATUS = st.sampled_from(STATUSES)
MOMENT = st.datetimes(datetime(2001, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis wants naive bounds


@given(STATUS)
def test_a_customer_who_writes_is_always_before_somebodys_eyes(status: str) -> None:
    assert on_inbound(status) in ("new", "open")
    assert (on_inbound(status) == "new") == (status == "new")


@given(STATUS)
def test_an_answer_wakes_what_sleeps_and_leaves_what_waits_for_the_customer(status: str) -> None:
    assert on_reply(status) in ("open", "pending")
    assert (on_reply(status) == "pending") == (status == "pending")


@given(st.lists(st.one_of(st.just("inbound"), st.just("reply"), STATUS), max_size=30))
def test_any_life_stays_within_the_moves(steps: list[str]) -> None:
    """`new` is never come back to; resolved is left only for open."""
    status, answered = "new", False
    for step in steps:
        before = status
        if step == "inbound":
            status = on_inbound(status)
        elif step == "reply":
            status = on_reply(status)
        elif may_move(status, step):
            status = step
        assert status in STATUSES
        assert status == before or status in MOVES[before]
        answered = answered or status != "new"
        assert not (answered and status == "new")


@given(STATUS, STATUS)
def test_moves_are_told_by_the_table_and_staying_always_may(status: str, to: str) -> None:
    assert may_move(status, status)
    assert may_move(status, to) == (to == status or to in MOVES[status])
    assert not may_move(status, "somewhere else")


@given(STATUS, STATUS)
def test_joining_never_puts_to_sleep_what_needs_us(source: str, target: str) -> None:
    if "resolved" not in (source, target) and {source, target} & {"new", "open"}:
        assert joined_status(source, target) in ("new", "open")


@given(st.none() | MOMENT, MOMENT)
def test_the_customers_time_lies_within_the_month_before_it_was_received(
    said: datetime | None, received: datetime
) -> None:
    found = clamp(said, received)
    assert received - OLDEST <= found <= received
    if said is not None and received - OLDEST <= said <= received:
        assert found == said
    assert clamp(None, received) == received
    assert clamp(received + timedelta(days=1), received) == received
