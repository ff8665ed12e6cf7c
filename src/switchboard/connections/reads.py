"""Connections and channels, as the pipeline and the administrator need them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from switchboard.connections.commands import SQL
from switchboard.core.errors import NotFound
from switchboard.db.pool import Tx


class ConnectionRow(msgspec.Struct, frozen=True):
    """One connection; `config_sealed` opens with the installation's key only."""

    workspace_id: UUID
    id: UUID
    kind: str
    name: str
    secret: str
    config_sealed: bytes
    revision: int
    status: str
    reason: str
    disabled_at: datetime | None
    created_at: datetime
    last_event_at: datetime | None


class ChannelRow(msgspec.Struct, frozen=True):
    """One number, bot, page or mailbox."""

    workspace_id: UUID
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
    fallback_channel_id: UUID | None


class NewsRow(msgspec.Struct, frozen=True):
    """One piece of news or trouble, with how often it came."""

    id: UUID
    at: datetime
    level: str
    code: str
    message: str
    count: int


class Vitals(msgspec.Struct, frozen=True):
    """How a connection does; `ended`, `failed` and `in_doubt` count the sends of 24 hours."""

    checked_at: datetime | None
    last_event_at: datetime | None
    queued: int
    oldest_queued_at: datetime | None
    ended: int
    failed: int
    in_doubt: int


class Hour(msgspec.Struct, frozen=True):
    """Messages that came and went in one hour."""

    hour: datetime
    inbound: int
    outbound: int


async def refused_lately(tx: Tx, connection: UUID) -> bool:
    """Whether webhooks are refused for their signature and none is accepted: somebody has changed the secret on one side."""
    return await tx.value(SQL.refused_lately, connection=connection) is not None


async def by_secret(tx: Tx, secret: str) -> ConnectionRow | None:
    """Find the connection behind a webhook address."""
    row = await tx.row(SQL.by_secret, secret=secret)
    return ConnectionRow(**row) if row else None


async def by_id(tx: Tx, connection: UUID, workspace: UUID | None = None) -> ConnectionRow | None:
    """Find a connection; without a workspace only the pipeline may ask."""
    if workspace is None:
        row = await tx.row(SQL.any_by_id, id=connection)
    else:
        row = await tx.row(SQL.by_id, workspace=workspace, id=connection)
    return ConnectionRow(**row) if row else None


async def all_of(tx: Tx, workspace: UUID) -> list[ConnectionRow]:
    """List a workspace's connections, oldest first."""
    return [ConnectionRow(**row) for row in await tx.rows(SQL.list_connections, workspace=workspace)]


async def channels_of(tx: Tx, connections: Sequence[UUID]) -> list[ChannelRow]:
    """List the channels of some connections."""
    return [ChannelRow(**row) for row in await tx.rows(SQL.channels_of, connections=list(connections))]


async def channels(tx: Tx, workspace: UUID) -> list[ChannelRow]:
    """List a workspace's channels."""
    return [ChannelRow(**row) for row in await tx.rows(SQL.list_channels, workspace=workspace)]


async def live(tx: Tx) -> dict[UUID, tuple[UUID, str, int, str]]:
    """Every connection that is switched on: id → (workspace, kind, revision, status)."""
    rows = await tx.rows(SQL.live_connections)
    return {row["id"]: (row["workspace_id"], row["kind"], row["revision"], row["status"]) for row in rows}


async def news(tx: Tx, workspace: UUID, connection: UUID) -> list[NewsRow]:
    """List a connection's latest news, newest first."""
    return [
        NewsRow(**row) for row in await tx.rows(SQL.events_of, workspace=workspace, connection=connection)
    ]


async def cursor(tx: Tx, connection: UUID, account: str) -> str:
    """Return how far an account has been polled, empty at first."""
    return str(await tx.value(SQL.cursor, connection=connection, account=account) or "")


async def leased(tx: Tx) -> dict[UUID, UUID]:
    """Return which connections are leased just now, and to whom."""
    return {row["connection_id"]: row["holder"] for row in await tx.rows(SQL.living_leases)}


async def of_channel(tx: Tx, channel: UUID) -> UUID | None:
    """Return the connection of a channel: for the pipeline."""
    found: UUID | None = await tx.value(SQL.of_channel, channel=channel)
    return found


async def by_account(tx: Tx, kind: str, account: str) -> UUID | None:
    """Return the connection of a kind that serves an account: for the pipeline."""
    found: UUID | None = await tx.value(SQL.by_account, kind=kind, account=account)
    return found


async def vitals(tx: Tx, workspace: UUID, connection: UUID) -> Vitals:
    """Return how a connection does; raises NotFound."""
    row = await tx.row(SQL.vitals, workspace=workspace, id=connection)
    if row is None:
        raise NotFound("There is no such connection.")
    return Vitals(**row)


async def hours(tx: Tx, workspace: UUID, connection: UUID) -> list[Hour]:
    """Return the traffic of the last 48 hours, oldest first."""
    return [Hour(**row) for row in await tx.rows(SQL.hours_of, workspace=workspace, id=connection)]
