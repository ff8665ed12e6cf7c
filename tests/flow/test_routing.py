"""Who gets it, when: races, returned work, transfer, and a load that is always the count of assigned work."""

import asyncio
import contextlib
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from switchboard.app.housekeeping import Housekeeping
from switchboard.app.lanes import Router
from switchboard.app.runtime import Runtime
from switchboard.core.commands import Actor, Assign, ChangeStatus, EditConversation, SetPresence, Take
from switchboard.core.errors import Conflict, Invalid, Problem
from switchboard.core.events import ConversationAssigned, Event
from switchboard.core.ids import new_id
from switchboard.db import log
from switchboard.db.pool import TRANSIENT
from switchboard.routing import commands as routing
from tests.flow.conftest import NOW, Pipe, timedelta


async def route(pipe: Pipe, at: datetime = NOW) -> list[Event]:
    async with pipe.db.transaction() as tx:
        events = await routing.route(tx, pipe.workspace, at)
        await log.append(tx, events)
        return events


async def cases(pipe: Pipe, count: int, prefix: str = "p") -> list[UUID]:
    """So many people write, one after the other."""
    for nr in range(count):
        await pipe.receive(pipe.message("x", f"{prefix}{nr}"))
    return [row["id"] for row in await pipe.sql("select c.id from conversation c order by c.opened_at, c.id")]


async def stubborn(pipe: Pipe, *commands: Any) -> None:
    """As the API does: trouble of the database is tried again, a problem is the person's."""
    while True:
        try:
            with contextlib.suppress(Problem):
                await pipe.run(*commands)
        except TRANSIENT:
            continue
        return


async def check_load(pipe: Pipe) -> None:
    rows = await pipe.sql(
        "select p.agent_id, p.load, count(w.conversation_id) as work from presence p "
        "left join work w on w.assignee_id = p.agent_id and w.state = 'assigned' group by 1, 2"
    )
    assert all(row["load"] == row["work"] for row in rows), [tuple(row) for row in rows]


async def test_waiting_work_goes_to_whoever_has_room_and_the_rest_waits(pipe: Pipe) -> None:
    await cases(pipe, 5)
    ann, bob = await pipe.hire("ann", "online", 2), await pipe.hire("bob", "online", 1)
    await pipe.hire("busy", "busy"), await pipe.hire("away", "offline")
    events = await route(pipe)
    given_ = [one.agent_id for one in events if isinstance(one, ConversationAssigned)]
    assert (given_.count(ann), given_.count(bob), len(given_)) == (2, 1, 3)
    assert await pipe.only("select count(*) from work where state = 'queued'") == 2
    assert await route(pipe) == []
    await check_load(pipe)


async def test_the_urgent_goes_first_after_its_priority_was_raised(pipe: Pipe) -> None:
    first, second = await cases(pipe, 2)
    await pipe.run(EditConversation(workspace_id=pipe.workspace, conversation_id=second, priority=3))
    await pipe.hire("ann", "online", 1)
    assert [one.subject for one in await route(pipe)] == [second]
    assert await pipe.only("select state from work where conversation_id = $1", first) == "queued"


async def test_a_teams_work_goes_to_its_members(pipe: Pipe) -> None:
    team = new_id()
    await pipe.sql(
        "insert into team (workspace_id, id, name) values ($1, $2, 'Billing')", pipe.workspace, team
    )
    await pipe.sql("update channel set team_id = $1", team)
    await cases(pipe, 1)
    await pipe.hire("ann", "online")
    assert await route(pipe) == []
    bob = await pipe.hire("bob", "online")
    await pipe.sql(
        "insert into team_member (workspace_id, team_id, agent_id) values ($1, $2, $3)",
        pipe.workspace,
        team,
        bob,
    )
    ((given_),) = await route(pipe)
    assert isinstance(given_, ConversationAssigned)
    assert given_.agent_id == bob


async def test_a_reopened_case_goes_back_to_who_had_it(pipe: Pipe) -> None:
    await pipe.hire("ann", "online", 9)
    bob = await pipe.hire("bob", "online", 9)
    (conversation,) = await cases(pipe, 1)
    await pipe.run(Assign(workspace_id=pipe.workspace, conversation_id=conversation, agent_id=bob, at=NOW))
    await pipe.run(
        ChangeStatus(workspace_id=pipe.workspace, conversation_id=conversation, status="resolved", at=NOW)
    )
    await check_load(pipe)
    await pipe.receive(pipe.message("again", "p0"))
    (event,) = await route(pipe)
    assert isinstance(event, ConversationAssigned)
    assert event.agent_id == bob


async def test_two_routers_at_once_give_each_conversation_once(pipe: Pipe) -> None:
    await cases(pipe, 12)
    for nr in range(4):
        await pipe.hire(f"a{nr}", "online", 2)
    async with pipe.db.transaction() as tx:
        assert len(await routing.route(tx, pipe.workspace, NOW, limit=2)) == 2
        assert await route(pipe) == [], "one router at a time"
    await asyncio.gather(*(route(pipe) for _ in range(4)))
    await route(pipe)
    rows = await pipe.sql("select load from presence")
    assert [row["load"] for row in rows] == [2] * 4
    assert await pipe.only("select count(*) from work where state = 'assigned'") == 8
    await check_load(pipe)


async def test_taking_while_the_router_works_leaves_one_holder(pipe: Pipe) -> None:
    """Agents press Take on everything while routers drain the queue; nobody deadlocks, each case has one holder."""
    agents = [await pipe.hire(f"a{nr}", "online", 4) for nr in range(3)]
    conversations = await cases(pipe, 10)
    async with asyncio.timeout(20):
        await asyncio.gather(
            *(stubborn(pipe, Take(workspace_id=pipe.workspace, conversation_id=one, agent_id=agent, at=NOW))
              for one in conversations for agent in agents),
            *(route(pipe) for _ in range(6)),
        )  # fmt: skip
    await check_load(pipe)
    assigned = await pipe.sql(
        "select data->>'agent_id' as agent, subject from event where type = 'conversation_assigned'"
    )
    assert len(assigned) == len(conversations), "each was given exactly once"


async def test_the_router_and_takers_never_wait_for_each_other_in_a_circle(pipe: Pipe) -> None:
    """A taker holds the work and goes on to the presence while the router works: no deadlock error on either side."""
    ann = await pipe.hire("ann", "online", 4)
    first, _ = await cases(pipe, 2)
    async with pipe.db.transaction() as tx:
        await tx.rows(routing.SQL.hold_work, workspace=pipe.workspace, conversations=[first])
        async with asyncio.timeout(5):
            events = await route(pipe)
        assert [one.subject for one in events] != [first]
        await tx.run(routing.SQL.burden, workspace=pipe.workspace, agent=ann, at=NOW)


async def test_one_of_two_who_take_at_once_is_told_who_was_first(pipe: Pipe) -> None:
    ann, bob = await pipe.hire("ann"), await pipe.hire("bob")
    (conversation,) = await cases(pipe, 1)
    takes = [
        pipe.run(Take(workspace_id=pipe.workspace, conversation_id=conversation, agent_id=who, at=NOW))
        for who in (ann, bob)
    ]
    answers = await asyncio.gather(*takes, return_exceptions=True)
    assert sorted(isinstance(one, Conflict) for one in answers) == [False, True]
    await check_load(pipe)


async def test_taking_one_s_own_again_changes_nothing(pipe: Pipe) -> None:
    ann = await pipe.hire("ann")
    (conversation,) = await cases(pipe, 1)
    take = Take(workspace_id=pipe.workspace, conversation_id=conversation, agent_id=ann, at=NOW)
    assert await pipe.run(take)
    assert await pipe.run(take) == []
    await check_load(pipe)


async def test_an_assignment_that_lost_to_the_router_is_refused(pipe: Pipe) -> None:
    """The version was right when the request began; the router committed before the work was locked."""
    ann, bob = await pipe.hire("ann", "online"), await pipe.hire("bob")
    (conversation,) = await cases(pipe, 1)
    version = await pipe.only(
        "select c.version + w.version from conversation c join work w on w.conversation_id = c.id"
    )
    assign = Assign(
        workspace_id=pipe.workspace,
        conversation_id=conversation,
        agent_id=bob,
        at=NOW,
        expected_version=version,
    )
    async with pipe.db.transaction() as tx:
        events = await routing.route(tx, pipe.workspace, NOW)
        assert len(events) == 1
        late = asyncio.create_task(pipe.run(assign))
        await asyncio.sleep(0.15)
        assert not late.done()
    with pytest.raises(Conflict):
        await late
    assert await pipe.only("select assignee_id from work") == ann


async def test_transfer_with_a_note_moves_load_and_keeps_the_note(pipe: Pipe) -> None:
    ann, bob = await pipe.hire("ann"), await pipe.hire("bob")
    (conversation,) = await cases(pipe, 1)
    base: dict[str, Any] = {
        "workspace_id": pipe.workspace,
        "conversation_id": conversation,
        "at": NOW,
        "by": Actor("agent", ann),
    }
    await pipe.run(Assign(**base, agent_id=ann))
    await pipe.run(Assign(**base, agent_id=bob, note="she prefers mail"))
    rows = await pipe.sql("select agent_id, by_id, note from assignment order by id")
    assert [tuple(row) for row in rows] == [(ann, ann, ""), (bob, ann, "she prefers mail")]
    await check_load(pipe)
    await pipe.run(Assign(**base))
    assert await pipe.only("select state from work") == "queued"
    await check_load(pipe)
    wrongs: list[dict[str, Any]] = [{"agent_id": new_id()}, {"team_id": new_id()}]
    for wrong in wrongs:
        with pytest.raises(Invalid):
            await pipe.run(Assign(**base, **wrong))


async def test_who_answers_what_waits_has_it(pipe: Pipe) -> None:
    ann = await pipe.hire("ann")
    (conversation,) = await cases(pipe, 1)
    await pipe.reply(conversation, by=Actor("bot"))
    assert await pipe.only("select state from work") == "queued"
    await pipe.reply(conversation, by=Actor("agent", ann), note=True)
    assert await pipe.only("select state from work") == "queued"
    await pipe.reply(conversation, by=Actor("agent", ann))
    assert await pipe.only("select assignee_id from work") == ann
    bob = await pipe.hire("bob")
    await pipe.reply(conversation, by=Actor("agent", bob))
    assert await pipe.only("select assignee_id from work") == ann, "a colleague's help is no transfer"
    await check_load(pipe)


async def test_a_vanished_agents_work_goes_back_to_the_queue(pipe: Pipe, runtime: Runtime) -> None:
    await pipe.hire("ann", "online")
    await cases(pipe, 3)
    assert len(await route(pipe)) == 3
    await pipe.sql("update presence set seen_at = now() - interval '2 minutes'")
    house = Housekeeping(runtime)
    await house._attempt(house._vanished)
    assert await pipe.only("select status from presence") == "offline"
    assert await pipe.only("select count(*) from work where state = 'queued'") == 3
    assert await pipe.only("select count(*) from event where data->>'reason' = 'returned'") == 3
    await check_load(pipe)


async def test_work_that_is_given_while_its_agent_goes_away_goes_back_too(pipe: Pipe) -> None:
    """The router has given something and commits while the agent's presence is being changed."""
    ann = await pipe.hire("ann", "online")
    await cases(pipe, 2)
    async with pipe.db.transaction() as tx:
        assert len(await routing.route(tx, pipe.workspace, NOW)) == 2
        leave = SetPresence(
            workspace_id=pipe.workspace, agent_id=ann, status="offline", at=NOW, return_work=True
        )
        leaving = asyncio.create_task(pipe.run(leave))
        await asyncio.sleep(0.15)
    await leaving
    assert await pipe.only("select count(*) from work where state = 'queued'") == 2
    await check_load(pipe)


async def test_resolved_work_makes_room_and_can_be_taken_by_nobody(pipe: Pipe) -> None:
    ann = await pipe.hire("ann", "online", 1)
    first, second = await cases(pipe, 2)
    await route(pipe)
    done = await pipe.only("select conversation_id from work where state = 'assigned'")
    await pipe.run(ChangeStatus(workspace_id=pipe.workspace, conversation_id=done, status="resolved", at=NOW))
    assert len(await route(pipe)) == 1
    for command in (Take, Assign):
        with pytest.raises(Conflict, match="resolved"):
            await pipe.run(command(workspace_id=pipe.workspace, conversation_id=done, agent_id=ann, at=NOW))
    assert {first, second} == {
        row["conversation_id"] for row in await pipe.sql("select conversation_id from work")
    }
    await check_load(pipe)


async def test_the_routers_loop_routes_every_workspace(pipe: Pipe, runtime: Runtime) -> None:
    await pipe.hire("ann", "online")
    await cases(pipe, 2)
    assert await Router(runtime).step() is False
    assert await pipe.only("select count(*) from work where state = 'assigned'") == 2
    assert await pipe.only("select count(*) from event where type = 'conversation_assigned'") == 2


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["route", "take", "assign", "queue", "resolve", "open", "reply", "come", "leave", "message", "vanish"]),
        st.integers(0, 3), st.integers(0, 2),
    ),
    max_size=25,
)  # fmt: skip


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_the_load_is_always_the_count_of_assigned_work(
    pipe: Pipe, steps: list[tuple[str, int, int]]
) -> None:
    """Any sequence of verbs by anybody on anything, two at a time, on a growing history."""
    if not pipe.agents:
        for name, capacity in (("ann", 1), ("bob", 2), ("cat", 6)):
            await pipe.hire(name, "online", capacity)
        await cases(pipe, 4)
    conversations = [row["id"] for row in await pipe.sql("select id from conversation order by id limit 4")]
    agents = list(pipe.agents.values())
    for left, right in zip(steps[::2], steps[1::2], strict=False):
        async with asyncio.timeout(20):
            await asyncio.gather(
                *(_step(pipe, what, conversations[one], one, agents[who]) for what, one, who in (left, right))
            )
        await check_load(pipe)
    assert await pipe.sql("select 1 from presence where load < 0") == []
    assert await pipe.sql("select 1 from work w join conversation c on c.id = w.conversation_id "
                          "where (c.status = 'resolved') <> (w.state = 'done')") == []  # fmt: skip


async def _step(pipe: Pipe, what: str, conversation: UUID, nr: int, agent: UUID) -> None:
    base: dict[str, Any] = {"workspace_id": pipe.workspace, "at": NOW}
    match what:
        case "route":
            await route(pipe)
        case "message":
            await stubborn_receive(pipe, nr)
        case "reply":
            with contextlib.suppress(Problem, *TRANSIENT):
                await pipe.reply(conversation, by=Actor("agent", agent))
        case "take":
            await stubborn(pipe, Take(**base, conversation_id=conversation, agent_id=agent))
        case "assign":
            await stubborn(pipe, Assign(**base, conversation_id=conversation, agent_id=agent))
        case "queue":
            await stubborn(pipe, Assign(**base, conversation_id=conversation))
        case "resolve" | "open":
            status = "resolved" if what == "resolve" else "open"
            await stubborn(pipe, ChangeStatus(**base, conversation_id=conversation, status=status))
        case _:
            status = "online" if what == "come" else "offline"
            await stubborn(
                pipe, SetPresence(**base, agent_id=agent, status=status, return_work=what == "vanish")
            )


async def stubborn_receive(pipe: Pipe, nr: int) -> None:
    await pipe.accept(pipe.message("x", f"p{nr}"), at=NOW + timedelta(minutes=1))
    while True:
        try:
            await pipe.process()
        except TRANSIENT:
            continue
        return
