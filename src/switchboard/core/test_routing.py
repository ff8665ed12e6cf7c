"""Who gets it: nobody overfilled, the urgent first, the least loaded, whoever had it last."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from switchboard.core.routing import Free, Waiting, choose

START = datetime(2026, 1, 1, tzinfo=UTC)
TEAMS = [UUID(int=nr) for nr in range(1, 4)]
MOMENTS = st.integers(0, 600).map(lambda seconds: START + timedelta(seconds=seconds))


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Waiting], list[Free]]:
    agents = [
        Free(UUID(int=100 + nr), frozenset(draw(st.sets(st.sampled_from(TEAMS)))), draw(st.integers(0, 4)), draw(st.integers(1, 4)),
             draw(MOMENTS))
        for nr in range(draw(st.integers(0, 5)))
    ]  # fmt: skip
    last = st.none() | st.sampled_from([UUID(int=100 + nr) for nr in range(6)])
    queue = [
        Waiting(
            UUID(int=1000 + nr),
            draw(st.none() | st.sampled_from(TEAMS)),
            draw(st.integers(0, 3)),
            draw(MOMENTS),
            draw(last),
        )
        for nr in range(draw(st.integers(0, 12)))
    ]
    return queue, agents


def may(one: Waiting, agent: Free) -> bool:
    return one.team_id is None or one.team_id in agent.team_ids


@given(situations())
def test_nobody_gets_more_than_they_have_room_for(situation: tuple[list[Waiting], list[Free]]) -> None:
    queue, agents = situation
    given_ = Counter(agent for _, agent in choose(queue, agents))
    for agent in agents:
        assert given_[agent.agent_id] <= max(0, agent.capacity - agent.load)


@given(situations())
def test_each_is_given_once_to_somebody_of_its_team(situation: tuple[list[Waiting], list[Free]]) -> None:
    queue, agents = situation
    pairs = choose(queue, agents)
    known = {agent.agent_id: agent for agent in agents}
    assert len({one.conversation_id for one, _ in pairs}) == len(pairs)
    assert all(may(one, known[agent]) for one, agent in pairs)


@given(situations())
def test_the_urgent_and_then_the_longest_waiting_come_first(
    situation: tuple[list[Waiting], list[Free]],
) -> None:
    queue, agents = situation
    order = [(-one.priority, one.queued_at, one.conversation_id) for one, _ in choose(queue, agents)]
    assert order == sorted(order)


@given(situations())
def test_nobody_waits_while_somebody_able_has_room(situation: tuple[list[Waiting], list[Free]]) -> None:
    queue, agents = situation
    pairs = choose(queue, agents)
    given_ = Counter(agent for _, agent in pairs)
    served = {one.conversation_id for one, _ in pairs}
    free = [agent for agent in agents if agent.load + given_[agent.agent_id] < agent.capacity]
    assert not [
        one for one in queue if one.conversation_id not in served and any(may(one, agent) for agent in free)
    ]


@given(situations())
def test_each_goes_back_to_who_had_it_while_there_is_room_else_to_the_least_loaded(
    situation: tuple[list[Waiting], list[Free]],
) -> None:
    """Replays the pairs one by one with its own bookkeeping."""
    queue, agents = situation
    load = {agent.agent_id: agent.load for agent in agents}
    for one, chosen in choose(queue, agents):
        able = {
            agent.agent_id: agent
            for agent in agents
            if may(one, agent) and load[agent.agent_id] < agent.capacity
        }
        if one.last_agent_id in able:
            assert chosen == one.last_agent_id
        else:
            share = load[chosen] / able[chosen].capacity
            assert share == min(load[key] / agent.capacity for key, agent in able.items())
            ties = [agent.idle_since for key, agent in able.items() if load[key] / agent.capacity == share]
            assert able[chosen].idle_since == min(ties)
        load[chosen] += 1


@given(situations())
def test_arguments_stay_as_they_are_and_the_answer_hangs_on_them_alone(
    situation: tuple[list[Waiting], list[Free]],
) -> None:
    queue, agents = situation
    before = msgspec.json.encode([queue, agents])
    assert choose(queue, agents) == choose(list(reversed(queue)), list(reversed(agents)))
    assert msgspec.json.encode([queue, agents]) == before


def test_who_had_it_last_gets_it_though_another_is_idle() -> None:
    idle = Free(UUID(int=1), frozenset(), 0, 4, START)
    known = Free(UUID(int=2), frozenset(), 3, 4, START)
    first, second = (Waiting(UUID(int=10 + nr), None, 1, START, known.agent_id) for nr in range(2))
    assert choose([first, second], [idle, known]) == [(first, known.agent_id), (second, idle.agent_id)]
