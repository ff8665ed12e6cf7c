"""Adds the counters up for viewers: what a whole class of them shares once, what is one viewer's own cheaply. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from switchboard.workspace.rows import Counters, Viewer

NOBODY = UUID(int=0)
Sight = tuple[bool, frozenset[UUID]]


class Tally(msgspec.Struct):
    """One workspace's counter rows, ready to be added up; sums of a class of viewers are kept."""

    rows: list[tuple[str, UUID | None, UUID | None, UUID | None, int]]
    by_agent: dict[UUID | None, list[int]]
    shared: dict[Sight, Counters]


def tally(rows: Sequence[Any]) -> Tally:
    """Take in rows of (status, team_id, assignee_id, channel_id, n); the zero id means none."""
    found = [
        (
            row["status"],
            *(
                None if row[name] == NOBODY else row[name]
                for name in ("team_id", "assignee_id", "channel_id")
            ),
            row["n"],
        )
        for row in rows
    ]
    by_agent: dict[UUID | None, list[int]] = defaultdict(list)
    for nr, row in enumerate(found):
        by_agent[row[2]].append(nr)
    return Tally(found, by_agent, {})


def counters(tally: Tally, viewer: Viewer) -> Counters:
    """Return what a viewer may see of the counts: with their teams', and with their own wherever they are."""
    sight = viewer.everything, viewer.team_ids
    shared = tally.shared.get(sight)
    if shared is None:
        shared = tally.shared[sight] = _sum(
            [row for row in tally.rows if _team_seen(viewer, row[1])], viewer.everything
        )
    own = [tally.rows[nr] for nr in tally.by_agent.get(viewer.agent_id, ())]
    mine = sum(row[4] for row in own if row[0] != "snoozed")
    hidden = _sum([row for row in own if not _team_seen(viewer, row[1])], viewer.everything)
    views = {key: shared.views[key] + hidden.views[key] for key in shared.views} | {"mine": mine}
    if viewer.everything:
        return Counters(views, shared.by_team, shared.by_channel, shared.by_agent)
    return Counters(
        views, _added(shared.by_team, hidden.by_team), _added(shared.by_channel, hidden.by_channel), {str(viewer.agent_id): mine}
    )  # fmt: skip


def _team_seen(viewer: Viewer, team: UUID | None) -> bool:
    return viewer.everything or team is None or team in viewer.team_ids


def _sum(rows: Sequence[tuple[str, UUID | None, UUID | None, UUID | None, int]], agents: bool) -> Counters:
    views = dict.fromkeys(("mine", "unassigned", "all_open", "snoozed"), 0)
    by_team: dict[str, int] = defaultdict(int)
    by_channel: dict[str, int] = defaultdict(int)
    by_agent: dict[str, int] = defaultdict(int)
    for status, team, assignee, channel, n in rows:
        if status == "snoozed":
            views["snoozed"] += n
            continue
        views["all_open"] += n
        views["unassigned"] += n if assignee is None else 0
        if team is not None:
            by_team[str(team)] += n
        if channel is not None:
            by_channel[str(channel)] += n
        if agents and assignee is not None:
            by_agent[str(assignee)] += n
    return Counters(views, dict(by_team), dict(by_channel), dict(by_agent))


def _added(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in one | other} if other else one
