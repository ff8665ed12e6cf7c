"""Reply windows as the platforms count them."""

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from switchboard.core.windows import Standing, ends, standing

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Rule(msgspec.Struct, frozen=True):
    """A window of some platform."""

    opened_by: str
    hours: float
    messages: int = 0


WECHAT = [Rule("message", 48, 5), Rule("menu_click", 1 / 60, 3)]


def ago(**span: float) -> datetime:
    """Return a moment before now."""
    return NOW - timedelta(**span)


def test_a_day_to_answer_in() -> None:
    """WhatsApp's rule: 24 hours, as often as one likes."""
    rules = [Rule("message", 24)]
    assert standing(rules, {"message": ago(hours=23)}, [], NOW) == Standing(NOW + timedelta(hours=1), None)
    assert standing(rules, {"message": ago(hours=24)}, [], NOW) == Standing(None, 0)
    assert standing(rules, {}, [], NOW) == Standing(None, 0)
    assert ends(rules, {"message": NOW}) == NOW + timedelta(hours=24)
    assert ends(rules, {}) is None


def test_the_window_that_ends_first_is_used_up_first() -> None:
    """A menu click's minute allows three more, and they don't cost the 48 hours' five."""
    opened = {"message": ago(hours=1), "menu_click": ago(seconds=30)}
    assert standing(WECHAT, opened, [], NOW).left == 8
    assert standing(WECHAT, opened, [ago(seconds=20)] * 2, NOW).left == 6
    assert standing(WECHAT, opened, [ago(minutes=30)] * 5, NOW).left == 3
    later = NOW + timedelta(minutes=2)
    assert standing(WECHAT, opened, [ago(seconds=20)] * 3, later) == Standing(
        ago(hours=1) + timedelta(hours=48), 5
    )


@given(st.lists(st.integers(0, 7200), max_size=20), st.integers(0, 7200), st.integers(0, 7200))
def test_more_answers_never_allow_more(sends: list[int], click: int, extra: int) -> None:
    """Each answer leaves as much or less, never less than nothing."""
    opened = {"message": ago(hours=2), "menu_click": ago(seconds=click)}
    sent = [ago(seconds=one) for one in sends]
    before = standing(WECHAT, opened, sent, NOW).left
    after = standing(WECHAT, opened, [*sent, ago(seconds=extra)], NOW).left
    assert before is not None
    assert after is not None
    assert 0 <= after <= before
