"""How connections do: vitals and checklist of one, test messages, alarms of all."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from switchboard.api.auth import WithDesk, may
from switchboard.api.bodies import Body
from switchboard.api.channels import row_now, row_of
from switchboard.api.connects import TestSent
from switchboard.api.paging import Page
from switchboard.connections import alarms
from switchboard.connections import reads as connection_reads
from switchboard.connections.alarms import Alarm
from switchboard.connections.reads import Hour
from switchboard.ingest import reads as ingest
from switchboard.staff.permission import Permission


class Check(msgspec.Struct, frozen=True):
    """One line of the checklist; screens translate `code`: credentials, address, events, received, sent, queue."""

    code: str
    done: bool
    detail: str = ""


class Health(msgspec.Struct, frozen=True):
    """A connection's vitals. Counts of sends are of the last 24 hours; `hours` are the last 48 hours' traffic."""

    status: str
    reason: str
    checked_at: datetime | None
    last_event_at: datetime | None
    last_in_at: datetime | None
    last_out_at: datetime | None
    queued: int
    oldest_queued_at: datetime | None
    ended: int
    failed: int
    in_doubt: int
    parked: int
    waiting: int
    hours: list[Hour]
    checklist: list[Check]


class TestMessage(Body, frozen=True, kw_only=True):
    """To whom a test message goes: an address as the platform knows it (number, user id), by one of the channels."""

    channel_id: UUID
    address: Annotated[str, Meta(min_length=1, max_length=300)]
    text: Annotated[str, Meta(min_length=1, max_length=1000)]


class Seen(Body, frozen=True, kw_only=True):
    """Alarms that were looked at."""

    ids: Annotated[list[UUID], Meta(min_length=1, max_length=100)]


@get(
    "/connections/{connection_id:uuid}/health",
    opt=may(Permission.CONNECTIONS_MANAGE),
    operation_id="readHealth",
)
async def read_health(connection_id: FromPath[UUID], desk: WithDesk) -> Health:
    """Tell how a connection does and what is still missing before it works."""
    tx = await desk.begin()
    row = await row_of(tx, desk, connection_id)
    vitals = await connection_reads.vitals(tx, desk.workspace, connection_id)
    hours = await connection_reads.hours(tx, desk.workspace, connection_id)
    channels = await connection_reads.channels_of(tx, [connection_id])
    waiting, parked = await ingest.backlog(tx, desk.workspace, connection_id)
    last_in = max((one.last_in_at for one in channels if one.last_in_at), default=None)
    last_out = max((one.last_out_at for one in channels if one.last_out_at), default=None)
    connector = desk.context.connector
    checklist = [
        Check("credentials", row.status not in ("red", "grey"), row.reason if row.status == "red" else "")
    ]
    if address := connector.webhook_url(row):
        checklist.append(Check("address", connector.is_public(), address))
        checklist.append(Check("events", vitals.last_event_at is not None))
    checklist += [
        Check("received", last_in is not None),
        Check("sent", last_out is not None),
        Check("queue", vitals.failed == 0 and parked == 0),
    ]
    return Health(
        row.status, row.reason, vitals.checked_at, vitals.last_event_at, last_in, last_out, vitals.queued, vitals.oldest_queued_at,
        vitals.ended, vitals.failed, vitals.in_doubt, parked, waiting, hours, checklist,
    )  # fmt: skip


@post(
    "/connections/{connection_id:uuid}/test-message",
    opt=may(Permission.CONNECTIONS_MANAGE),
    status_code=200,
    operation_id="sendTestMessage",
)
async def send_test_message(
    connection_id: FromPath[UUID], data: JSONBody[TestMessage], desk: WithDesk
) -> TestSent:
    """Hand one text to the platform now, outside of any conversation, and tell what it said."""
    row = await row_now(desk, connection_id)
    sent = await desk.context.connector.send_test(
        row, data.channel_id, data.address.strip(), data.text.strip()
    )
    tx = await desk.begin()
    await desk.audit(tx, "connection.test_message", connection_id, ok=sent.ok)
    return sent


@get("/alarms", opt=may(Permission.CONNECTIONS_MANAGE), operation_id="listAlarms")
async def list_alarms(desk: WithDesk) -> Page[Alarm]:
    """List what an administrator should look at: red connections, quality marks, unusual silences."""
    tx = await desk.begin()
    return Page(await alarms.open_alarms(tx, desk.workspace))


@post("/alarms/seen", opt=may(Permission.CONNECTIONS_MANAGE), status_code=204, operation_id="seeAlarms")
async def see_alarms(data: JSONBody[Seen], desk: WithDesk) -> None:
    """Put alarms away; they come again only when the trouble does."""
    tx = await desk.begin()
    await alarms.put_away(tx, desk.workspace, data.ids, desk.principal.id)


HANDLERS = [read_health, send_test_message, list_alarms, see_alarms]
