"""Administration of connections and their channels."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET, Meta, UnsetType

from switchboard.api.auth import WithDesk, may
from switchboard.api.bodies import Body, Name, given
from switchboard.api.connects import Kind, Tested
from switchboard.api.desk import Desk
from switchboard.api.paging import Page
from switchboard.connections import commands as connections
from switchboard.connections import reads as connection_reads
from switchboard.connections.reads import ChannelRow, ConnectionRow, NewsRow
from switchboard.core.errors import Invalid, NotFound
from switchboard.core.ids import new_id
from switchboard.db.pool import Tx
from switchboard.staff import reads as staff
from switchboard.staff.permission import Permission

UNREADABLE = "The stored credentials can't be opened with the keys of this installation; enter them again."
KindName = Annotated[str, Meta(min_length=1, max_length=40)]
Config = Annotated[dict[str, Any], Meta(max_length=100)]
Force = Annotated[
    bool, QueryParameter(description="Save even if the platform does not accept the credentials yet.")
]


class NewConnection(Body, frozen=True, kw_only=True):
    """A kind of channel, a name for people, and what the kind's `config_schema` asks for."""

    kind: KindName
    name: Name
    config: Config


class Trial(Body, frozen=True, kw_only=True):
    """Credentials to try without saving them."""

    kind: KindName
    config: Config


class ConnectionChange(Body, frozen=True, kw_only=True):
    """What changes; of `config`, secrets that are null or left out stay as they are."""

    name: Name | UnsetType = UNSET
    config: Config | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET


class ChannelChange(Body, frozen=True, kw_only=True):
    """What changes; without a team, conversations of the channel are everybody's.

    `auto_reply` answers whoever opens a conversation by the channel; empty: nobody.
    `fallback_channel_id` carries what this channel refuses or can't send while red, to customers who wrote by it before.
    """

    name: Name | UnsetType = UNSET
    team_id: UUID | UnsetType | None = UNSET
    auto_reply: Annotated[str, msgspec.Meta(max_length=2000)] | UnsetType = UNSET
    fallback_channel_id: UUID | UnsetType | None = UNSET


class Channel(msgspec.Struct, frozen=True, omit_defaults=True):
    """One number, bot, page, mailbox or site. `widget_script` is the line for the site's pages (kind web)."""

    id: UUID
    connection_id: UUID
    kind: str
    name: str
    external_id: str
    status: str
    reason: str
    team_id: UUID | None
    last_in_at: datetime | None
    last_out_at: datetime | None
    auto_reply: str
    fallback_channel_id: UUID | None = None
    widget_script: str | UnsetType = UNSET


class Connection(msgspec.Struct, frozen=True, omit_defaults=True):
    """Credentials of an app or account, with the channels they serve.

    Secrets in `config` are null, with `<field>_set` beside them. `generated` stands only in the answer that
    creates a connection: secrets made here, told this once so that they can be copied to the other side.
    """

    id: UUID
    kind: str
    name: str
    status: str
    reason: str
    disabled: bool
    webhook_url: str | None
    channels: list[Channel]
    created_at: datetime
    last_event_at: datetime | None
    config: dict[str, Any]
    generated: dict[str, str] | UnsetType = UNSET


def _is_removed(row: ConnectionRow) -> bool:
    return row.reason == "removed" and row.disabled_at is not None


def _channel(row: ChannelRow, script: str = "") -> Channel:
    return Channel(
        row.id, row.connection_id, row.kind, row.name, row.external_id, row.status, row.reason, row.team_id,
        row.last_in_at, row.last_out_at, row.auto_reply, row.fallback_channel_id, script or UNSET,
    )  # fmt: skip


def _connection(
    desk: Desk, row: ConnectionRow, channels: list[ChannelRow], generated: dict[str, str] | None = None
) -> Connection:
    connector = desk.context.connector
    config = connector.shown_config(row)
    status, reason = (row.status, row.reason) if config is not None else ("red", UNREADABLE)
    script = connector.widget_script(row) if config is not None else ""
    return Connection(
        row.id, row.kind, row.name, "grey" if row.disabled_at else status, reason,
        row.disabled_at is not None, connector.webhook_url(row) or None,
        [_channel(one, script) for one in channels if one.connection_id == row.id],
        row.created_at, row.last_event_at, config or {}, generated or UNSET,
    )  # fmt: skip


async def row_of(tx: Tx, desk: Desk, connection: UUID) -> ConnectionRow:
    row = await connection_reads.by_id(tx, connection, desk.workspace)
    if row is None or _is_removed(row):
        raise NotFound("There is no such connection.")
    return row


async def row_now(desk: Desk, connection: UUID) -> ConnectionRow:
    """Read a connection in a transaction of its own: what comes next may take a platform long."""
    async with desk.context.api_db.transaction(desk.workspace) as tx:
        return await row_of(tx, desk, connection)


async def _whole(tx: Tx, desk: Desk, connection: UUID, generated: dict[str, str] | None = None) -> Connection:
    row = await row_of(tx, desk, connection)
    return _connection(desk, row, await connection_reads.channels_of(tx, [connection]), generated)


@get("/kinds", opt=may(Permission.CONNECTIONS_READ), operation_id="listKinds")
async def list_kinds(desk: WithDesk) -> list[Kind]:
    """List every kind of channel there is an adapter for, with its form and its guide."""
    return desk.context.connector.kinds()


@get("/connections", opt=may(Permission.CONNECTIONS_MANAGE), operation_id="listConnections")
async def list_connections(desk: WithDesk) -> Page[Connection]:
    """List the connections, oldest first."""
    tx = await desk.begin()
    rows = [row for row in await connection_reads.all_of(tx, desk.workspace) if not _is_removed(row)]
    channels = await connection_reads.channels_of(tx, [row.id for row in rows])
    return Page([_connection(desk, row, channels) for row in rows])


@post("/connections", opt=may(Permission.CONNECTIONS_MANAGE), operation_id="createConnection")
async def create_connection(
    data: JSONBody[NewConnection], desk: WithDesk, force: Force = False
) -> Connection:
    """Connect an account after its platform has accepted the credentials."""
    connector = desk.context.connector
    prepared = await connector.prepare(desk.workspace, data.kind, data.config, force=force)
    tx = await desk.begin()
    connection = new_id()
    await desk.carry(
        tx, connections.create, desk.workspace, connection, data.kind, data.name.strip(), prepared.sealed,
        prepared.tested.accounts, prepared.status,
    )  # fmt: skip
    await _settle(tx, desk, connection, prepared.tested)
    await desk.audit(tx, "connection.created", connection, kind=data.kind, name=data.name)
    if prepared.tested.ok:
        desk.afterwards(partial(connector.register, desk.workspace, connection))
    return await _whole(tx, desk, connection, prepared.generated)


async def _settle(tx: Tx, desk: Desk, connection: UUID, tested: Tested) -> None:
    """Give a connection the status that a test found."""
    if tested.ok:
        await desk.carry(tx, connections.set_status, connection, "green")
        return
    await desk.carry(tx, connections.set_status, connection, "red", tested.message)
    await connections.note(tx, desk.workspace, connection, "error", "test_failed", tested.message)


@post(
    "/connections/{connection_id:uuid}/rotate",
    opt=may(Permission.CONNECTIONS_MANAGE),
    status_code=200,
    operation_id="rotateConnection",
)
async def rotate_connection(connection_id: FromPath[UUID], desk: WithDesk) -> Connection:
    """Give a connection a new webhook address; platforms that let us are told, others must be told by hand."""
    tx = await desk.begin()
    await row_of(tx, desk, connection_id)
    await desk.carry(tx, connections.rotate, desk.workspace, connection_id)
    await desk.audit(tx, "connection.rotated", connection_id)
    desk.afterwards(partial(desk.context.connector.register, desk.workspace, connection_id))
    return await _whole(tx, desk, connection_id)


@post(
    "/connections/test",
    opt=may(Permission.CONNECTIONS_MANAGE),
    status_code=200,
    operation_id="tryCredentials",
)
async def try_credentials(data: JSONBody[Trial], desk: WithDesk) -> Tested:
    """Try credentials without saving them."""
    return await desk.context.connector.test(desk.workspace, data.kind, data.config)


@get(
    "/connections/{connection_id:uuid}", opt=may(Permission.CONNECTIONS_MANAGE), operation_id="readConnection"
)
async def read_connection(connection_id: FromPath[UUID], desk: WithDesk) -> Connection:
    """Return one connection."""
    return await _whole(await desk.begin(), desk, connection_id)


@patch(
    "/connections/{connection_id:uuid}",
    opt=may(Permission.CONNECTIONS_MANAGE),
    operation_id="changeConnection",
)
async def change_connection(
    connection_id: FromPath[UUID], data: JSONBody[ConnectionChange], desk: WithDesk, force: Force = False
) -> Connection:
    """Rename a connection, change its credentials, or switch it off and on."""
    row, prepared = await row_now(desk, connection_id), None
    connector = desk.context.connector
    if data.config is not UNSET:
        prepared = await connector.prepare_change(row, data.config, force=force)
    tx = await desk.begin()
    name = data.name.strip() if data.name is not UNSET else None
    disabled = data.disabled if data.disabled is not UNSET else None
    sealed = prepared.sealed if prepared is not None else None
    await desk.carry(tx, connections.update, desk.workspace, connection_id, name, sealed, disabled)
    if prepared is not None:
        await connections.refuse_twice(
            tx, desk.workspace, row.kind, prepared.tested.accounts, but=connection_id
        )
        await desk.carry(
            tx,
            connections.save_channels,
            desk.workspace,
            connection_id,
            row.kind,
            prepared.tested.accounts,
            prepared.status,
        )
        await _settle(tx, desk, connection_id, prepared.tested)
        if prepared.tested.ok:
            desk.afterwards(partial(connector.register, desk.workspace, connection_id))
    await desk.audit(tx, "connection.changed", connection_id, fields=sorted(given(data)))
    return await _whole(tx, desk, connection_id)


@delete(
    "/connections/{connection_id:uuid}",
    opt=may(Permission.CONNECTIONS_MANAGE),
    operation_id="removeConnection",
)
async def remove_connection(connection_id: FromPath[UUID], desk: WithDesk) -> None:
    """Switch a connection off for good; its conversations stay."""
    tx = await desk.begin()
    row = await row_of(tx, desk, connection_id)
    await desk.carry(tx, connections.remove, desk.workspace, connection_id)
    await desk.audit(tx, "connection.removed", connection_id, kind=row.kind, name=row.name)


@post(
    "/connections/{connection_id:uuid}/test", opt=may(Permission.CONNECTIONS_MANAGE), status_code=200,
    operation_id="testConnection",
)  # fmt: skip
async def test_connection(connection_id: FromPath[UUID], desk: WithDesk) -> Tested:
    """Try saved credentials; the connection turns green or red by it, and its address is registered anew."""
    row = await row_now(desk, connection_id)
    tested = await desk.context.connector.test_saved(row)
    tx = await desk.begin()
    if row.disabled_at is None:
        if tested.ok:
            await desk.carry(
                tx, connections.save_channels, desk.workspace, row.id, row.kind, tested.accounts, "green"
            )
            desk.afterwards(partial(desk.context.connector.register, desk.workspace, row.id))
        await _settle(tx, desk, row.id, tested)
    return tested


@get(
    "/connections/{connection_id:uuid}/events",
    opt=may(Permission.CONNECTIONS_MANAGE),
    operation_id="listConnectionEvents",
)
async def list_events(connection_id: FromPath[UUID], desk: WithDesk) -> Page[NewsRow]:
    """List a connection's latest news and troubles, newest first; the same trouble again only counts up."""
    tx = await desk.begin()
    await row_of(tx, desk, connection_id)
    return Page(await connection_reads.news(tx, desk.workspace, connection_id))


@get("/channels", opt=may(Permission.CONNECTIONS_READ), operation_id="listChannels")
async def list_channels(desk: WithDesk) -> Page[Channel]:
    """List the channels, oldest first; a removed connection's stay: conversations speak of them."""
    tx = await desk.begin()
    rows = await connection_reads.channels(tx, desk.workspace)
    if not desk.principal.may(Permission.CONNECTIONS_MANAGE):
        return Page([_channel(row) for row in rows])
    connector = desk.context.connector
    by_id = {row.id: row for row in await connection_reads.all_of(tx, desk.workspace) if row.kind == "web"}
    scripts = {key: connector.widget_script(row) for key, row in by_id.items() if not _is_removed(row)}
    return Page([_channel(row, scripts.get(row.connection_id, "")) for row in rows])


@patch("/channels/{channel_id:uuid}", opt=may(Permission.CONNECTIONS_MANAGE), operation_id="changeChannel")
async def change_channel(
    channel_id: FromPath[UUID], data: JSONBody[ChannelChange], desk: WithDesk
) -> Channel:
    """Rename a channel, or let its new conversations belong to a team."""
    changes = given(data)
    tx = await desk.begin()
    if isinstance(data.team_id, UUID) and await staff.team(tx, desk.workspace, data.team_id) is None:
        raise Invalid("There is no such team.", field="team_id")
    if isinstance(data.name, str):
        changes["name"] = data.name.strip()
    if isinstance(data.fallback_channel_id, UUID):
        others = {one.id for one in await connection_reads.channels(tx, desk.workspace)} - {channel_id}
        if data.fallback_channel_id not in others:
            raise Invalid("There is no such other channel.", field="fallback_channel_id")
    await desk.carry(tx, connections.edit_channel, desk.workspace, channel_id, changes)
    row = next(
        (one for one in await connection_reads.channels(tx, desk.workspace) if one.id == channel_id), None
    )
    if row is None:
        raise NotFound("There is no such channel.")
    await desk.audit(tx, "channel.changed", channel_id, fields=sorted(changes))
    return _channel(row)


HANDLERS = [
    list_kinds, list_connections, create_connection, try_credentials, read_connection, change_connection,
    remove_connection, rotate_connection, test_connection, list_events, list_channels, change_channel,
]  # fmt: skip
