"""Asking platforms who somebody is, and under which post a comment stands: once, when a first conversation begins."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from switchboard.channels.registry import adapters
from switchboard.contacts.commands import SQL, same_person, told
from switchboard.core.commands import DescribeContact
from switchboard.core.events import ContactChanged, ConversationOpened, Event, Step
from switchboard.core.text import bounded, person
from switchboard.db import jobs
from switchboard.db.log import Logged
from switchboard.db.pool import Tx

KIND = "look_up"
ROOM = "room:"


class LookUp(msgspec.Struct, frozen=True):
    """The payload of a job: whose identity, by which channel. `space` and `value` are the identity's."""

    contact_id: UUID
    channel_id: UUID
    space: str
    value: str


async def want(tx: Tx, logged: Sequence[Logged]) -> None:
    """Follow the log: queue a look-up for everybody new whose platform can tell who they are."""
    opened = [one.event for one in logged if isinstance(one.event, ConversationOpened)]
    if not opened:
        return
    rows = await tx.rows(
        SQL.never_looked_up,
        workspaces=[one.workspace_id for one in opened],
        conversations=[one.subject for one in opened],
        kinds=[
            kind
            for kind, one in adapters().items()
            if {"fetch_profile", "fetch_post"} & set(one.manifest.does)
        ],
    )
    wanted = [row for row in rows if _answerable(row["kind"], row["space"], row["value"])]
    await jobs.add(
        tx,
        [
            jobs.NewJob(
                row["workspace_id"],
                KIND,
                LookUp(row["contact_id"], row["channel_id"], row["space"], row["value"]),
            )
            for row in wanted
        ],
    )


def _answerable(kind: str, space: str, value: str) -> bool:
    does = adapters()[kind].manifest.does
    if space.startswith(ROOM):
        return value.startswith("post:") and "fetch_post" in does
    return "fetch_profile" in does


async def describe(tx: Tx, commands: Sequence[DescribeContact]) -> list[Event | Step]:
    """Write down what a platform told (rare: some statements each); a name that a person gave stays.

    An identifier that somebody else has already is the platform's word that the two are one person: they are merged.
    """
    events: list[Event | Step] = []
    for one in commands:
        changed = await tx.run(
            SQL.describe_contact,
            workspace=one.workspace_id,
            id=one.contact_id,
            name=person(one.name),
            unnamed=one.unnamed,
            language=one.language[:20],
            avatar=one.avatar_file,
            attributes=told(one.attributes),
        )
        if not changed:
            continue  # part of another contact by now, who is looked up as well
        events.append(ContactChanged(workspace_id=one.workspace_id, subject=one.contact_id, what="edited"))
        if one.identities:
            spaces, values = zip(*[(space, bounded(value)) for space, value in one.identities], strict=True)
            named = {
                "workspace": one.workspace_id,
                "contact": one.contact_id,
                "spaces": spaces,
                "keys": values,
            }
            await tx.run(SQL.add_told_identities, **named)
            others = {row["contact_id"] for row in await tx.rows(SQL.told_of_others, **named)}
            kept, *merged = sorted({one.contact_id, *others})
            events += [same_person(one.workspace_id, kept, other, datetime.now(UTC)) for other in merged]
    return events
