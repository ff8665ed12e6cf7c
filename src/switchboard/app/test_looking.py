"""Who looks where, over processes that come and go."""

from uuid import UUID

from switchboard.app.looking import FORGET_SECONDS, Lookers

HERE = UUID("01900000-0000-7000-8000-000000000001")


def test_everybody_is_named_whatever_their_process() -> None:
    lookers = Lookers()
    assert lookers.heard(HERE, "a", {"1": "Ann"}) == {"1": "Ann"}
    assert lookers.heard(HERE, "b", {"2": "Bo"}) == {"1": "Ann", "2": "Bo"}
    assert lookers.heard(HERE, "a", {}) == {"2": "Bo"}
    assert lookers.heard(HERE, "b", {}) == {}


def test_agents_of_a_process_that_fell_silent_are_forgotten() -> None:
    lookers = Lookers()
    lookers.heard(HERE, "a", {"1": "Ann"}, now=0)
    assert lookers.heard(HERE, "b", {"2": "Bo"}, now=FORGET_SECONDS - 1) == {"1": "Ann", "2": "Bo"}
    assert lookers.heard(HERE, "b", {"2": "Bo"}, now=FORGET_SECONDS) == {"2": "Bo"}
