"""Queue, assign, take, transfer, give back. Load is counted by conditional updates, so nobody is overfilled by a race."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from switchboard.core.commands import Actor, Assign, EditConversation, SetCapacity, SetPresence, Take
from switchboard.core.errors import Conflict, Invalid
from switchboard.core.events import (
    ConversationAssigned,
    ConversationOpened,
    ConversationQueued,
    ConversationResolved,
    Event,
    MessageFiled,
    PresenceChanged,
    Step,
    WorkEnded,
)
from switchboard.core.ids import new_id
from switchboard.core.routing import Free, Waiting, choose
from switchboard.db.pool import Tx
from switchboard.db.sql import load

SQL = load(__file__)


async def enqueue(tx: Tx, opened: Sequence[ConversationOpened]) -> list[Event | Step]:
    """Queue what was opened; what a person opened is theirs at once."""
    now = await tx.value(SQL.moment)
    events: list[Event | Step] = []
    for one in opened:
        if one.assignee_id is not None:
            events += await _give(
                tx, one.workspace_id, one.subject, one.assignee_id, now, Actor("agent", one.assignee_id)
            )
    queued = [one for one in opened if one.assignee_id is None]
    if queued:
        rows = await tx.rows(
            SQL.enqueue,
            workspaces=[one.workspace_id for one in queued],
            conversations=[one.subject for one in queued],
            channels=[one.channel_id for one in queued],
            priorities=[one.priority for one in queued],
            at=[now for _ in queued],
        )
        reasons = {one.subject: "reopened" if one.reopened else "opened" for one in queued}
        events += [
            ConversationQueued(workspace_id=row["workspace_id"], subject=row["conversation_id"], team_id=row["team_id"],
                               reason=reasons[row["conversation_id"]])
            for row in rows
        ]  # fmt: skip
    return events


async def route(tx: Tx, workspace: UUID, at: datetime, limit: int = 200) -> list[Event]:
    """Drain a workspace's queues as far as there is room. Another router at work means nothing to do.

    Locks are taken as everywhere here: work by id, then presences by id.
    """
    if not await tx.value(SQL.lock_router, workspace=workspace):
        return []
    agents = [
        Free(row["agent_id"], frozenset(row["team_ids"]), row["load"], row["capacity"], row["idle_since"])
        for row in await tx.rows(SQL.free_agents, workspace=workspace)
    ]
    if not agents:
        return []
    queue = [Waiting(*row) for row in await tx.rows(SQL.waiting, workspace=workspace, limit=limit)]
    pairs = choose(queue, agents)
    rows = await tx.rows(
        SQL.hold_queued, workspace=workspace, conversations=[one.conversation_id for one, _ in pairs]
    )
    held = {row["conversation_id"] for row in rows}
    given = await _seat(
        tx, workspace, [(one, agent) for one, agent in pairs if one.conversation_id in held], at
    )
    return [
        ConversationAssigned(workspace_id=workspace, subject=one.conversation_id, agent_id=agent)
        for one, agent in given
    ]


async def _seat(
    tx: Tx, workspace: UUID, pairs: Sequence[tuple[Waiting, UUID]], at: datetime
) -> list[tuple[Waiting, UUID]]:
    """Give conversations to agents as far as there still is room for them: four statements, however many."""
    room = {
        row["agent_id"]: row["capacity"] - row["load"]
        for row in await tx.rows(
            SQL.lock_presences, workspace=workspace, agents=sorted({agent for _, agent in pairs})
        )
        if row["status"] == "online"
    }
    given: list[tuple[Waiting, UUID]] = []
    for one, agent in pairs:
        if room.get(agent, 0) > 0:
            room[agent] -= 1
            given.append((one, agent))
    if given:
        counts = Counter(agent for _, agent in given)
        conversations = [one.conversation_id for one, _ in given]
        agents = [agent for _, agent in given]
        await tx.run(
            SQL.add_load, workspace=workspace, agents=list(counts), counts=list(counts.values()), at=at
        )
        await tx.run(
            SQL.assign_queued, workspace=workspace, conversations=conversations, agents=agents, at=at
        )
        await tx.run(SQL.record_routed, workspace=workspace, ids=[new_id() for _ in given], conversations=conversations,
                     agents=agents, teams=[one.team_id for one, _ in given], at=at)  # fmt: skip
    return given


async def workspaces_with_queue(tx: Tx) -> list[UUID]:
    """Return the workspaces where anybody waits."""
    return [row["workspace_id"] for row in await tx.rows(SQL.workspaces_with_queue)]


async def hold(tx: Tx, commands: Sequence[Take | Assign]) -> list[Event | Step]:
    """Lock the work concerned, so that the version looked at next is the one that is changed."""
    for workspace in sorted({one.workspace_id for one in commands}):
        ids = [one.conversation_id for one in commands if one.workspace_id == workspace]
        await tx.rows(SQL.hold_work, workspace=workspace, conversations=ids)
    return []


async def prioritise(tx: Tx, commands: Sequence[EditConversation]) -> list[Event | Step]:
    """Let work wait as its conversation's priority says (rare: one by one)."""
    for one in commands:
        if one.priority is not None:
            await tx.run(
                SQL.prioritise,
                workspace=one.workspace_id,
                conversation=one.conversation_id,
                priority=one.priority,
            )
    return []


async def take(tx: Tx, commands: Sequence[Take]) -> list[Event | Step]:
    """Give waiting work to who asks; Conflict when another has it."""
    events: list[Event | Step] = []
    for one in commands:
        row = await tx.row(SQL.lock_work, workspace=one.workspace_id, conversation=one.conversation_id)
        if row is not None and row["state"] == "assigned" and row["assignee_id"] == one.agent_id:
            continue
        if row is not None and row["state"] == "assigned":
            raise Conflict(
                "Somebody else has this conversation already.", code="taken", conversation=one.conversation_id
            )
        if row is None or row["state"] == "done":
            raise Conflict(
                "This conversation is resolved; reopen it first.",
                code="resolved",
                conversation=one.conversation_id,
            )
        events += await _give(tx, one.workspace_id, one.conversation_id, one.agent_id, one.at, one.by)
    return events


async def assign(tx: Tx, commands: Sequence[Assign]) -> list[Event | Step]:
    """Give work to an agent (whatever their load), to a team's queue, or back to the common queue."""
    events: list[Event | Step] = []
    for one in commands:
        workspace = one.workspace_id
        if one.agent_id is not None and not await tx.value(
            SQL.agent_exists, workspace=workspace, agent=one.agent_id
        ):
            raise Invalid("There is no such agent.", field="agent_id")
        if one.team_id is not None and not await tx.value(
            SQL.team_exists, workspace=workspace, team=one.team_id
        ):
            raise Invalid("There is no such team.", field="team_id")
        row = await tx.row(SQL.lock_work, workspace=workspace, conversation=one.conversation_id)
        if row is None or row["state"] == "done":
            raise Conflict(
                "This conversation is resolved; reopen it first.",
                code="resolved",
                conversation=one.conversation_id,
            )
        if one.agent_id is not None:
            events += await _give(
                tx, workspace, one.conversation_id, one.agent_id, one.at, one.by, one.note, one.team_id
            )
        else:
            await _back(tx, workspace, row, one.team_id, one.at)
            await _record(tx, workspace, one.conversation_id, None, one.team_id, one.by, one.note, one.at)
            events.append(ConversationQueued(workspace_id=workspace, subject=one.conversation_id, team_id=one.team_id,
                                             reason="transferred", previous_id=row["assignee_id"]))  # fmt: skip
    return events


async def adopt(tx: Tx, filed: Sequence[MessageFiled]) -> list[Event | Step]:
    """Who answers a conversation that waits has it from then on."""
    events: list[Event | Step] = []
    for one in filed:
        if one.direction != "out" or one.author_kind != "agent" or one.author_id is None:
            continue
        row = await tx.row(SQL.lock_work, workspace=one.workspace_id, conversation=one.subject)
        if row is None or row["state"] != "assigned":
            now = await tx.value(SQL.moment)
            events += await _give(
                tx, one.workspace_id, one.subject, one.author_id, now, Actor("agent", one.author_id)
            )
    return events


async def finish(tx: Tx, resolved: Sequence[ConversationResolved]) -> list[Event | Step]:
    """End the work of resolved conversations; their agents have room again."""
    now = await tx.value(SQL.moment)
    events: list[Event | Step] = []
    for one in resolved:
        row = await tx.row(SQL.lock_work, workspace=one.workspace_id, conversation=one.subject)
        if row is None or row["state"] == "done":
            continue
        holder = row["assignee_id"] if row["state"] == "assigned" else None
        if holder is not None:
            await tx.run(SQL.release, workspace=one.workspace_id, agent=holder, at=now)
        await tx.run(SQL.set_work, workspace=one.workspace_id, conversation=one.subject, state="done", team=row["team_id"],
                     agent=row["assignee_id"], at=now)  # fmt: skip
        events.append(WorkEnded(workspace_id=one.workspace_id, subject=one.subject, agent_id=holder))
    return events


async def set_presence(tx: Tx, commands: Sequence[SetPresence]) -> list[Event | Step]:
    """Say how available agents are; with `return_work`, what they had in hand goes back to its queue."""
    events: list[Event | Step] = []
    for one in commands:
        if one.return_work:
            await tx.rows(SQL.work_of, workspace=one.workspace_id, agent=one.agent_id)
        await tx.run(
            SQL.set_presence, workspace=one.workspace_id, agent=one.agent_id, status=one.status, at=one.at
        )
        events.append(PresenceChanged(workspace_id=one.workspace_id, subject=one.agent_id, status=one.status))
        if one.return_work:
            for row in await tx.rows(SQL.work_left, workspace=one.workspace_id, agent=one.agent_id):
                await _back(
                    tx,
                    one.workspace_id,
                    {**row, "state": "assigned", "assignee_id": one.agent_id},
                    row["team_id"],
                    one.at,
                )
                events.append(ConversationQueued(workspace_id=one.workspace_id, subject=row["conversation_id"],
                                                 team_id=row["team_id"], reason="returned", previous_id=one.agent_id))  # fmt: skip
    return events


async def set_capacity(tx: Tx, commands: Sequence[SetCapacity]) -> list[Event | Step]:
    """Say how many conversations agents answer at once; whoever waits may be given to them now."""
    events: list[Event | Step] = []
    for one in commands:
        await tx.run(SQL.set_capacity, workspace=one.workspace_id, agent=one.agent_id, capacity=one.capacity)
        events.append(PresenceChanged(workspace_id=one.workspace_id, subject=one.agent_id, status=""))
    return events


async def _give(
    tx: Tx,
    workspace: UUID,
    conversation: UUID,
    agent: UUID,
    at: datetime,
    by: Actor,
    note: str = "",
    team: UUID | None = None,
) -> list[Event | Step]:
    row = await tx.row(SQL.lock_work, workspace=workspace, conversation=conversation)
    previous = row["assignee_id"] if row is not None and row["state"] == "assigned" else None
    team = team if team is not None else row["team_id"] if row is not None else None
    if previous != agent:
        for who in sorted({agent} | ({previous} if previous is not None else set())):
            await tx.run(SQL.burden if who == agent else SQL.release, workspace=workspace, agent=who, at=at)
    await tx.run(
        SQL.set_work,
        workspace=workspace,
        conversation=conversation,
        state="assigned",
        team=team,
        agent=agent,
        at=at,
    )
    await _record(tx, workspace, conversation, agent, team, by, note, at)
    return [
        ConversationAssigned(
            workspace_id=workspace, subject=conversation, agent_id=agent, previous_id=previous, by_id=by.id
        )
    ]


async def _back(tx: Tx, workspace: UUID, row: Any, team: UUID | None, at: datetime) -> None:
    if row["state"] == "assigned" and row["assignee_id"] is not None:
        await tx.run(SQL.release, workspace=workspace, agent=row["assignee_id"], at=at)
    await tx.run(
        SQL.set_work,
        workspace=workspace,
        conversation=row["conversation_id"],
        state="queued",
        team=team,
        agent=None,
        at=at,
    )


async def _record(
    tx: Tx,
    workspace: UUID,
    conversation: UUID,
    agent: UUID | None,
    team: UUID | None,
    by: Actor,
    note: str,
    at: datetime,
) -> None:
    await tx.run(
        SQL.record_assignment, workspace=workspace, id=new_id(), conversation=conversation, agent=agent, team=team,
        by_kind=by.kind, by=by.id, note=note[:2000], at=at,
    )  # fmt: skip


async def vanished(tx: Tx, before: datetime) -> list[tuple[UUID, UUID]]:
    """Return (workspace, agent) pairs that should be here and whose screens were last seen before."""
    return [(row["workspace_id"], row["agent_id"]) for row in await tx.rows(SQL.vanished, before=before)]


async def heartbeat(tx: Tx, agents: Sequence[tuple[UUID, UUID]]) -> None:
    """Note whose screens are open."""
    await tx.run(SQL.heartbeat, workspaces=[one[0] for one in agents], agents=[one[1] for one in agents])
