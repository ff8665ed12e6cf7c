"""The live stream as pure values: which frames a change makes, for whom. Rows are encoded once per class of viewers."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec

from switchboard.workspace.rows import Conversation, View, Viewer


class Subscription(msgspec.Struct, frozen=True):
    """What one client follows: its views by key, the conversations it has open, whether it wants counters."""

    views: tuple[tuple[str, View], ...] = ()
    conversations: frozenset[UUID] = frozenset()
    counters: bool = False


class Change(msgspec.Struct, frozen=True):
    """One conversation's row as it is now, and who had it before or got it in between."""

    row: Conversation
    previous_assignees: frozenset[UUID | None] = frozenset()


def resolve(view: View, viewer: Viewer) -> View:
    """Write a viewer's id where the view says `me`."""
    return msgspec.structs.replace(view, assignee=str(viewer.agent_id)) if view.assignee == "me" else view


def audience(viewer: Viewer, subscription: Subscription) -> tuple[Any, ...]:
    """Return the key of the class of clients that get the very same conversation frames."""
    sight: tuple[Any, ...] = ("all",) if viewer.everything else ("some", viewer.agent_id, viewer.team_ids)
    return viewer.workspace_id, sight, subscription.views


def frames(
    viewer: Viewer, subscription: Subscription, change: Change
) -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield the frames by which a client of this class learns of a change: its row in the views that hold it, gone from others."""
    holding = keys(viewer, subscription, change.row)
    if holding:
        yield "conversation", {"keys": holding, "row": change.row}
    for key, view in subscription.views:
        if key not in holding and concerns(view, change):
            yield "gone", {"key": key, "id": change.row.id}


def keys(viewer: Viewer, subscription: Subscription, row: Conversation) -> list[str]:
    """Return the views of a subscription that hold a row its viewer may see."""
    visible = viewer.sees(row.assignee_id, row.team_id)
    return [key for key, view in subscription.views if visible and view.holds(row)]


def concerns(view: View, change: Change) -> bool:
    """Tell whether a row may have been in a view before. One person's view: only if the row is theirs, or just was."""
    if view.assignee in ("", "none"):
        return True
    return str(change.row.assignee_id) == view.assignee or any(
        str(one) == view.assignee for one in change.previous_assignees
    )


def apply(
    state: dict[str, dict[UUID, Conversation]], kind: str, data: dict[str, Any]
) -> dict[str, dict[UUID, Conversation]]:
    """Apply one frame to a client's views: the reference for the front end's reducer, and for the proof in the tests."""
    if kind == "snapshot":
        return {**state, data["key"]: {row.id: row for row in data["items"]}}
    if kind == "conversation":
        row = data["row"]
        return {key: {**rows, row.id: row} if key in data["keys"] else rows for key, rows in state.items()}
    if kind == "gone":
        return {
            key: {one: row for one, row in rows.items() if one != data["id"]} if key == data["key"] else rows
            for key, rows in state.items()
        }
    return state
