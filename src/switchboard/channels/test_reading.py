"""Whatever JSON holds, reading it costs nothing but the field."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.channels.reading import at, digest, moment, number, obj, plain, rows, text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)


@given(VALUES)
def test_nothing_raises_and_each_answer_is_of_its_kind(value: Any) -> None:
    for path in ((), ("a",), ("a", "b")):
        assert isinstance(text(value, *path), str)
        assert isinstance(obj(value, *path), dict)
        assert all(isinstance(row, dict) for row in rows(value, *path))
        found = moment(value, *path)
        assert found is None or 1970 <= found.year <= 9999
    kept = plain({"a": value}, 3)
    json.dumps(kept, allow_nan=False)
    assert digest(value) == digest(value)


@pytest.mark.parametrize(
    ("value", "said", "counted"),
    [("7", "7", 7.0), (7, "7", 7.0), (7.5, "", 7.5), (True, "", None), ("x", "x", None), ("inf", "inf", None),
     (None, "", None), (10**400, str(10**400), None)],
    ids=str,
)  # fmt: skip
def test_what_counts_as_text_and_as_number(value: Any, said: str, counted: float | None) -> None:
    """Ids come as either; a truth is neither, nor is a number that no column holds."""
    assert (text({"a": value}, "a"), number({"a": value}, "a")) == (said, counted)


def test_milliseconds_are_known_by_their_size() -> None:
    assert moment("1780000000") == moment(1780000000000)
    assert moment(0) is None
    assert moment(10**18) is None


def test_what_is_kept_ends_at_its_depth() -> None:
    assert plain({"a": {"b": {"c": 1}}, "n": float("nan"), "big": 2**70}, 2) == {
        "a": {"b": None}, "n": None, "big": str(2**70),
    }  # fmt: skip
    assert at({"a": [1]}, "a", "b") is None
