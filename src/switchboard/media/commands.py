"""Ask for media to be fetched."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from switchboard.core.events import Event, MediaWanted, Step
from switchboard.db import jobs
from switchboard.db.pool import Tx

KIND = "fetch_media"


class FetchMedia(msgspec.Struct, frozen=True):
    """The payload of a job: whose media, by which channel, and the raw body it may lie in."""

    message_id: UUID
    channel_id: UUID
    raw_id: UUID | None = None


async def want(tx: Tx, events: Sequence[MediaWanted]) -> list[Event | Step]:
    """Queue one job per message."""
    await jobs.add(
        tx,
        [
            jobs.NewJob(one.workspace_id, KIND, FetchMedia(one.message_id, one.channel_id, one.raw_id))
            for one in events
        ],
    )
    return []
