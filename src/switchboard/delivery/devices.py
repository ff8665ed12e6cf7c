"""Phones whose app is closed: registered by the app, woken when somebody answers and no living app has got it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec

from switchboard.core.events import Event, MessageFiled
from switchboard.core.ids import new_id
from switchboard.db import jobs
from switchboard.db.log import Logged
from switchboard.db.pool import Tx
from switchboard.delivery.commands import SQL

KIND: Final = "push"
EACH: Final = 20
"""Devices of one person on one channel; the longest unused makes room."""
PATIENCE: Final = timedelta(seconds=2)
"""What an open app has to say that the message arrived, before the phone is woken."""

Service = Literal["apns", "fcm"]
Language = Literal["en", "zh"]
PushToken = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.:\-]{8,1000}\Z")]
"""APNs: hex digits; FCM: Google's own letters. Both become part of an address or a body, so nothing else may be in them."""


class Place(msgspec.Struct, frozen=True):
    """Whose device: a person of a channel."""

    workspace_id: UUID
    channel_id: UUID
    address: str


class Push(msgspec.Struct, frozen=True):
    """The payload of a job: which device is woken for which message."""

    device_id: UUID
    message_id: UUID


class Wanted(msgspec.Struct, frozen=True):
    """A device and what it is woken for, as they are now. `arrived`: an open app, or its owner elsewhere, has the message."""

    connection_id: UUID
    channel_id: UUID
    address: str
    service: Service
    token: str
    language: Language
    conversation_id: UUID
    filed_at: datetime
    arrived: bool
    recalled: bool


async def register(
    tx: Tx, place: Place, service: Service, token: PushToken, language: Language
) -> list[Event]:
    """Remember a device, as this person's alone: whoever had it before has handed it on."""
    await tx.run(
        SQL.register_device,
        workspace=place.workspace_id,
        id=new_id(),
        channel=place.channel_id,
        address=place.address,
        service=service,
        token=token,
        language=language,
    )
    await tx.run(
        SQL.trim_devices,
        workspace=place.workspace_id,
        channel=place.channel_id,
        address=place.address,
        each=EACH,
    )
    return []


async def unregister(tx: Tx, place: Place, token: str) -> list[Event]:
    """Forget a device of this person; another's stays."""
    await tx.run(
        SQL.unregister_device,
        workspace=place.workspace_id,
        channel=place.channel_id,
        address=place.address,
        token=token,
    )
    return []


async def want(tx: Tx, logged: Sequence[Logged]) -> None:
    """Follow the log: queue a push for every device of somebody who was answered."""
    filed = [one.event for one in logged if isinstance(one.event, MessageFiled)]
    told = [one for one in filed if one.direction == "out" and one.channel_id and not one.backfill]
    if not told:
        return
    rows = await tx.rows(
        SQL.devices_of_messages,
        workspaces=[one.workspace_id for one in told],
        messages=[one.message_id for one in told],
    )
    due = datetime.now(UTC) + PATIENCE
    await jobs.add(
        tx,
        [
            jobs.NewJob(row["workspace_id"], KIND, Push(row["device_id"], row["message_id"]), due)
            for row in rows
        ],
    )


async def wanted(tx: Tx, workspace: UUID, push: Push) -> Wanted | None:
    """Return what a push is about now; None when the device or the message is gone."""
    row = await tx.row(
        SQL.device_and_message, workspace=workspace, device=push.device_id, message=push.message_id
    )
    return None if row is None else Wanted(**row)


async def remove(tx: Tx, workspace: UUID, device: UUID, since: datetime) -> None:
    """Forget a device whose token has been dead since a moment, unless the app has registered it again after that."""
    await tx.run(SQL.remove_device, workspace=workspace, id=device, since=since)
