"""The story is the same for the same moment, and could have happened."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from switchboard.app.demo import story, talk
from switchboard.app.demo.accounts import regulars
from switchboard.app.demo.company import AGENTS, TEAMS
from switchboard.app.demo.story import Story, Teller

# Half past midnight at the shop: what the evening's customers asked is answered in the morning.
NOW = datetime(2026, 11, 20, 16, 30, tzinfo=UTC)
CREW = {key: [nr for nr, one in enumerate(AGENTS) if one.team == key] for key in TEAMS}


def told() -> Story:
    talks = [talk.load("zh"), talk.load("en")]
    return Teller(talks, CREW, NOW).tell(400, regulars())


@pytest.fixture(scope="module")
def one() -> Story:
    return told()


def test_the_same_moment_gives_the_same_story(one: Story) -> None:
    assert told() == one


def test_nothing_is_said_in_the_future_or_out_of_order(one: Story) -> None:
    for case in one.cases:
        times = [said.at for said in case.said]
        assert times == sorted(times)
        assert NOW - timedelta(days=story.DAYS + 3) < times[0]
        assert times[-1] < NOW


def test_the_sandboxs_people_can_begin_anew(one: Story) -> None:
    theirs = [case for case in one.cases if case.customer < len(regulars())]
    assert {case.customer for case in theirs} == set(range(len(regulars())))
    assert max(case.said[-1].at for case in theirs) < NOW - timedelta(days=4)


def test_a_customer_has_one_case_at_a_time(one: Story) -> None:
    ends: dict[int, datetime] = {}
    for case in one.cases:
        assert ends.get(case.customer, case.said[0].at) <= case.said[0].at
        ends[case.customer] = case.said[-1].at


def test_what_is_not_over_looks_so(one: Story) -> None:
    states = Counter(case.state for case in one.cases)
    assert (states["queued"], states["assigned"]) == (story.WAITING, story.IN_HAND)
    for case in one.cases:
        assert case.agent in CREW[case.team]
        if case.state == "queued":
            assert {said.turn.who for said in case.said} == {"c"}
            assert case.said[-1].at > NOW - timedelta(minutes=40)
        elif case.state in ("pending", "snoozed"):
            assert case.said[-1].turn.who == "a"


def test_people_write_by_addresses_of_their_own(one: Story) -> None:
    known = Counter((channel, address) for who in one.customers for channel, address in who.addresses.items())
    assert max(known.values()) == 1
    assert all(case.channel in one.customers[case.customer].addresses for case in one.cases)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_gap_is_filled(language: str) -> None:
    spoken = talk.load(language)
    for dialogue in spoken.dialogue:
        assert dialogue.team in TEAMS
        for seed in range(20):
            for turn in talk.spoken(spoken, dialogue, Random(seed)):
                assert turn.who in "can"
                assert turn.text
                assert not set("{}<>|") & set(turn.text), turn.text
