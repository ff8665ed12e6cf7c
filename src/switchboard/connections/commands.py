"""Connect, change, switch off; turn green and red; hold leases; save cursors."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from switchboard.core.errors import Conflict, NotFound
from switchboard.core.events import Arrived, ChannelChanged, Event, MessageFiled
from switchboard.core.facts import AccountChanged
from switchboard.core.ids import new_id, new_secret
from switchboard.core.text import scrub
from switchboard.db.log import Logged
from switchboard.db.pool import Tx, columns
from switchboard.db.sql import load

SQL = load(__file__)


class AccountFound(msgspec.Struct, frozen=True):
    """A number, bot, page or mailbox that becomes a channel."""

    external_id: str
    name: str


async def create(
    tx: Tx,
    workspace: UUID,
    connection: UUID,
    kind: str,
    name: str,
    sealed: bytes,
    accounts: Sequence[AccountFound],
    status: str,
) -> list[Event]:
    """Add a connection with a channel for every account; raises Conflict for one that another connection serves.

    An only account whose platform tells no name is called like the connection.
    """
    await refuse_twice(tx, workspace, kind, accounts)
    if len(accounts) == 1 and accounts[0].name in ("", accounts[0].external_id) and name:
        accounts = [msgspec.structs.replace(accounts[0], name=name)]
    await tx.run(SQL.create_connection, workspace=workspace, id=connection, kind=kind, name=name, secret=new_secret(),
                 config=sealed, status=status, reason="")  # fmt: skip
    return await save_channels(tx, workspace, connection, kind, accounts, status)


async def refuse_twice(
    tx: Tx, workspace: UUID, kind: str, accounts: Sequence[AccountFound], but: UUID | None = None
) -> None:
    """Raise Conflict for an account that another connection serves: two would answer every customer twice.

    One at a time for each kind of a workspace, so that two administrators can't both find it free.
    """
    await tx.run(SQL.lock_kind, workspace=workspace, kind=kind)
    taken = await tx.value(
        SQL.taken, workspace=workspace, kind=kind, externals=[one.external_id for one in accounts], but=but
    )
    if taken is not None:
        raise Conflict(f"{taken} is connected already.", code="already_connected", field="config")


async def save_channels(
    tx: Tx, workspace: UUID, connection: UUID, kind: str, accounts: Sequence[AccountFound], status: str
) -> list[Event]:
    """Add channels for accounts not known yet."""
    if accounts:
        await tx.run(
            SQL.save_channels,
            workspaces=[workspace for _ in accounts],
            ids=[new_id() for _ in accounts],
            connections=[connection for _ in accounts],
            kinds=[kind for _ in accounts],
            names=[scrub(one.name)[:200] for one in accounts],
            externals=[scrub(one.external_id)[:300] for one in accounts],
            statuses=[status for _ in accounts],
        )
    return [ChannelChanged(workspace_id=workspace, subject=connection, status=status)]


async def update(
    tx: Tx, workspace: UUID, connection: UUID, name: str | None, sealed: bytes | None, disabled: bool | None
) -> list[Event]:
    """Change name, credentials or switch; tokens of earlier credentials are forgotten."""
    if sealed is not None:
        await tx.run(SQL.forget_tokens, workspace=workspace, connection=connection)
    await tx.run(
        SQL.update_connection, workspace=workspace, id=connection, name=name, config=sealed, disabled=disabled
    )
    return [ChannelChanged(workspace_id=workspace, subject=connection, status="grey" if disabled else "")]


async def remove(tx: Tx, workspace: UUID, connection: UUID) -> list[Event]:
    """Switch a connection off for good."""
    await tx.rows(SQL.hold_channels, id=connection)
    if not await tx.run(SQL.remove_connection, workspace=workspace, id=connection):
        return []
    await tx.run(SQL.set_channel_statuses, id=connection, status="grey", reason="removed")
    return [ChannelChanged(workspace_id=workspace, subject=connection, status="grey")]


async def set_status(tx: Tx, connection: UUID, status: str, reason: str = "") -> list[Event]:
    """Turn a connection and its channels green, amber or red; no event when it is so already."""
    await tx.rows(SQL.hold_channels, id=connection)
    workspace = await tx.value(SQL.set_status, id=connection, status=status, reason=scrub(reason)[:500])
    if workspace is None:
        return []
    await tx.run(SQL.set_channel_statuses, id=connection, status=status, reason=scrub(reason)[:500])
    if status == "red":
        await raise_alarm(tx, workspace, connection, "red", reason)
    elif status == "green":
        await tx.run(SQL.end_alarms, workspace=workspace, connection=connection, codes=["red", "quality"])
    return [ChannelChanged(workspace_id=workspace, subject=connection, status=status)]


async def note_checked(tx: Tx, connection: UUID) -> None:
    """Remember that a connection's health was looked at just now."""
    await tx.run(SQL.note_checked, id=connection)


async def raise_alarm(tx: Tx, workspace: UUID, connection: UUID, code: str, detail: str) -> None:
    """Tell the administrators, unless they are told already."""
    await tx.run(SQL.raise_alarm, workspace=workspace, id=new_id(), connection=connection, channel=None, code=code,
                 detail=scrub(detail)[:500], data={})  # fmt: skip


async def note(tx: Tx, workspace: UUID, connection: UUID, level: str, code: str, message: str) -> None:
    """Remember a connection's news or trouble; the same again only counts up."""
    await tx.run(SQL.note_event, workspace=workspace, id=new_id(), connection=connection, level=level, code=scrub(code)[:100],
                 message=scrub(message)[:1000])  # fmt: skip


async def edit_channel(tx: Tx, workspace: UUID, channel: UUID, changes: dict[str, Any]) -> list[Event]:
    """Rename a channel, or give it a team."""
    row = await tx.row(SQL.edit_channel, workspace=workspace, id=channel, name=changes.get("name"), auto_reply=changes.get("auto_reply"),
                       set_team="team_id" in changes, team=changes.get("team_id"),
                       set_fallback="fallback_channel_id" in changes, fallback=changes.get("fallback_channel_id"))  # fmt: skip
    return (
        [ChannelChanged(workspace_id=workspace, subject=row["connection_id"], status=row["status"])]
        if row
        else []
    )


async def take_leases(tx: Tx, holder: UUID, wanted: Sequence[tuple[UUID, UUID]], seconds: int) -> set[UUID]:
    """Take or renew leases of (workspace, connection) pairs where they are free or ours; return those held."""
    rows = await tx.rows(
        SQL.take_leases,
        holder=holder,
        seconds=seconds,
        workspaces=[workspace for workspace, _ in wanted],
        connections=[connection for _, connection in wanted],
    )
    return {row["connection_id"] for row in rows}


async def drop_leases(tx: Tx, holder: UUID, connections: Sequence[UUID]) -> None:
    """Give leases back."""
    await tx.run(SQL.drop_leases, holder=holder, connections=list(connections))


async def save_cursor(tx: Tx, workspace: UUID, connection: UUID, account: str, cursor: str) -> None:
    """Save how far an account has been polled; call it in the transaction that stores the facts."""
    await tx.run(
        SQL.save_cursor, workspace=workspace, connection=connection, account=account, cursor=scrub(cursor)
    )


async def news(tx: Tx, arrived: Sequence[Arrived]) -> list[Event]:
    """Take note of what platforms tell of our accounts; trouble turns the connection amber or red (rare: one by one)."""
    events: list[Event] = []
    for one in arrived:
        assert isinstance(one.fact, AccountChanged)
        level = {"green": "info", "amber": "warning"}.get(one.fact.status, "error")
        await note(tx, one.workspace_id, one.connection_id, level, one.fact.code, one.fact.detail)
        if one.fact.status == "amber":
            await raise_alarm(
                tx, one.workspace_id, one.connection_id, "quality", one.fact.detail or one.fact.code
            )
        if one.fact.status in ("amber", "red"):
            events += await set_status(
                tx, one.connection_id, one.fact.status, one.fact.detail or one.fact.code
            )
    return events


async def note_traffic(tx: Tx, logged: Sequence[Logged]) -> None:
    """Follow the log: remember when channels were last used, for the administrator's page."""
    used: dict[UUID, list[datetime | None]] = {}
    hours: list[tuple[UUID, UUID, datetime, int, int]] = []
    for one in logged:
        event = one.event
        if isinstance(event, MessageFiled) and event.channel_id is not None and not event.backfill:
            inbound = event.direction == "in"
            used.setdefault(event.channel_id, [None, None])[0 if inbound else 1] = one.at
            hours.append((event.workspace_id, event.channel_id, one.at, int(inbound), int(not inbound)))
    if used:
        ids = sorted(used)
        await tx.run(
            SQL.note_traffic,
            ids=ids,
            in_at=[used[key][0] for key in ids],
            out_at=[used[key][1] for key in ids],
        )
        await tx.run(SQL.note_connection_traffic, ids=ids)
        names = ("workspaces", "channels", "at", "inbound", "outbound")
        await tx.run(SQL.count_hours, **columns(names, hours))
        await tx.run(SQL.end_silences, channels=[key for key in ids if used[key][0] is not None])


async def rotate(tx: Tx, workspace: UUID, connection: UUID) -> list[Event]:
    """Give a connection a new webhook address; raises NotFound."""
    if not await tx.run(SQL.rotate_secret, workspace=workspace, id=connection, secret=new_secret()):
        raise NotFound("There is no such connection.")
    return [ChannelChanged(workspace_id=workspace, subject=connection, status="")]
