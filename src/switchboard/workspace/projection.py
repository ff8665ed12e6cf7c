"""Keeps inbox rows and counters behind the log."""

from collections.abc import Sequence
from uuid import UUID

from switchboard.core import events as e
from switchboard.db.log import Logged
from switchboard.db.pool import Tx
from switchboard.db.sql import load

SQL = load(__file__)
ABOUT_CONVERSATION = (
    e.ConversationOpened, e.ConversationResolved, e.ConversationChanged, e.MessageFiled, e.ConversationQueued,
    e.ConversationAssigned, e.WorkEnded,
)  # fmt: skip
ABOUT_CONTACT = (e.ContactChanged, e.ContactsMerged, e.ContactsUnmerged)
ABOUT = ABOUT_CONVERSATION + ABOUT_CONTACT


async def project(tx: Tx, logged: Sequence[Logged]) -> None:
    """Bring the rows up to date that these events touch: each once, however many events."""
    wanted = await touched(tx, logged)
    if wanted:
        await tx.run(
            SQL.project,
            workspaces=[key[0] for key in wanted],
            ids=[key[1] for key in wanted],
            positions=list(wanted.values()),
        )


async def touched(tx: Tx, logged: Sequence[Logged]) -> dict[tuple[UUID, UUID], int]:
    """Return the conversations whose rows these events touch, with the latest position."""
    found: dict[tuple[UUID, UUID], int] = {}
    people: dict[tuple[UUID, UUID], int] = {}
    for one in logged:
        event = one.event
        if isinstance(event, ABOUT_CONVERSATION):
            found[event.workspace_id, event.subject] = one.pos
        elif isinstance(event, ABOUT_CONTACT) and not (
            isinstance(event, e.ContactChanged) and event.what == "created"
        ):
            people[event.workspace_id, event.subject] = one.pos
    if people:
        rows = await tx.rows(
            SQL.conversations_of_contacts,
            workspaces=[key[0] for key in people],
            contacts=[key[1] for key in people],
        )
        for row in rows:
            found.setdefault((row["workspace_id"], row["id"]), logged[-1].pos)
    return dict(sorted(found.items()))
