"""Who gets it: a pure choice over queues and agents."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec


class Waiting(msgspec.Struct, frozen=True):
    """One conversation in a queue; higher `priority` first, then who waits longest."""

    conversation_id: UUID
    team_id: UUID | None
    priority: int
    queued_at: datetime
    last_agent_id: UUID | None = None


class Free(msgspec.Struct):
    """One agent who is online; `load` counts open work against `capacity`."""

    agent_id: UUID
    team_ids: frozenset[UUID]
    load: int
    capacity: int
    idle_since: datetime


def choose(queue: Sequence[Waiting], agents: Sequence[Free]) -> list[tuple[Waiting, UUID]]:
    """Pair waiting conversations with agents: in queue order, each to the least loaded who may take it.

    The agent who had the conversation last gets it again while there is room; ties go to whom has been idle longest.
    Nobody is filled beyond capacity. Arguments are left as they are.
    """
    load = {agent.agent_id: agent.load for agent in agents}
    pairs: list[tuple[Waiting, UUID]] = []
    for one in sorted(queue, key=lambda item: (-item.priority, item.queued_at, item.conversation_id)):
        able = [
            agent
            for agent in agents
            if load[agent.agent_id] < agent.capacity
            and (one.team_id is None or one.team_id in agent.team_ids)
        ]
        if not able:
            continue
        best = min(
            able,
            key=lambda agent: (
                agent.agent_id != one.last_agent_id,
                load[agent.agent_id] / agent.capacity,
                agent.idle_since,
                agent.agent_id,
            ),
        )
        load[best.agent_id] += 1
        pairs.append((one, best.agent_id))
    return pairs
