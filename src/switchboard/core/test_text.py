"""Names as they are kept."""

import pytest

from switchboard.core.text import person


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("林  美\n", "林 美"),
        ("\u202e<img onerror=x>", "<img onerror=x>"),
        ("a\x00b", "a\ufffdb"),
        ("x" * 300, "x" * 200),
        ("👩‍👩‍👧 Ann", "👩‍👩‍👧 Ann"),
    ],
)
def test_names_turn_nothing_around(given: str, kept: str) -> None:
    assert person(given) == kept
