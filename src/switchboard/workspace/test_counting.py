"""Counts shared by a class of viewers are those one would get by looking at every row alone."""

from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from switchboard.workspace.counting import NOBODY, counters, tally
from switchboard.workspace.rows import Viewer

IDS = [UUID(int=nr) for nr in range(1, 5)]
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "status": st.sampled_from(["new", "open", "pending", "snoozed"]),
            "team_id": st.sampled_from([NOBODY, *IDS]),
            "assignee_id": st.sampled_from([NOBODY, *IDS]),
            "channel_id": st.sampled_from([NOBODY, *IDS]),
            "n": st.integers(1, 9),
        }
    )
)


def plainly(rows: list[dict[str, Any]], viewer: Viewer) -> dict[str, int]:
    """The same by looking at each row for this viewer alone."""
    views = dict.fromkeys(("mine", "unassigned", "all_open", "snoozed"), 0)
    for row in rows:
        assignee = None if row["assignee_id"] == NOBODY else row["assignee_id"]
        team = None if row["team_id"] == NOBODY else row["team_id"]
        if not viewer.sees(assignee, team):
            continue
        if row["status"] == "snoozed":
            views["snoozed"] += row["n"]
            continue
        views["all_open"] += row["n"]
        views["mine"] += row["n"] if assignee == viewer.agent_id else 0
        views["unassigned"] += row["n"] if assignee is None else 0
    return views


@given(
    rows=ROWS, everything=st.booleans(), teams=st.frozensets(st.sampled_from(IDS)), agent=st.sampled_from(IDS)
)
def test_shared_sums_are_each_viewers_own(
    rows: list[dict[str, Any]], everything: bool, teams: frozenset[UUID], agent: UUID
) -> None:
    viewer = Viewer(UUID(int=99), agent, everything, teams)
    found = tally(rows)
    counters(found, Viewer(UUID(int=99), IDS[0], everything, teams))
    seen = counters(found, viewer)
    assert seen.views == plainly(rows, viewer)
    assert sum(seen.by_channel.values()) <= seen.views["all_open"]
