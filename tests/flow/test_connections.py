"""What becomes of a connection: what its loops may say of it, what is kept of its requests."""

import asyncio
from datetime import UTC, datetime

import msgspec

from switchboard.app.accept import Acceptor
from switchboard.app.runtime import Live, Runtime
from switchboard.channels.api import RawRequest
from switchboard.channels.registry import adapters
from switchboard.connections import commands as connections
from switchboard.connections import reads as connection_reads
from switchboard.core.events import Event
from switchboard.core.ids import new_id
from tests.flow.conftest import Pipe


async def test_a_removed_connection_stays_removed(pipe: Pipe) -> None:
    """A poll that was under way may still meet trouble, or success."""
    connection = pipe.connections["main"]
    async with pipe.db.transaction() as tx:
        await connections.remove(tx, pipe.workspace, connection)
        for status in ("amber", "red", "green"):
            assert await connections.set_status(tx, connection, status, "too late") == []
        row = await connection_reads.by_id(tx, connection)
    assert row is not None
    assert (row.status, row.reason) == ("grey", "removed")


async def test_a_colour_and_the_traffic_of_the_moment_wait_for_each_other(pipe: Pipe) -> None:
    """A message is noted while a notice of the platform colours its connection: one after the other, no deadlock."""
    connection, now = pipe.connections["main"], datetime.now(UTC)
    ids = [pipe.channels["main"]]

    async def paint() -> list[Event]:
        async with pipe.db.transaction() as tx:
            return await connections.set_status(tx, connection, "amber", "quality drops")

    async with pipe.db.transaction() as tx:
        await tx.run(connections.SQL.note_traffic, ids=ids, in_at=[now], out_at=[None])
        painting = asyncio.create_task(paint())
        await asyncio.sleep(0.3)
        await tx.run(connections.SQL.note_connection_traffic, ids=ids)
    assert len(await painting) == 1
    async with pipe.db.transaction() as tx:
        row = await connection_reads.by_id(tx, connection)
    assert row is not None
    assert (row.status, row.last_event_at) == ("amber", now)


async def test_an_only_account_without_a_name_is_called_like_its_connection(pipe: Pipe) -> None:
    nameless, named = connections.AccountFound("wx01", "wx01"), connections.AccountFound("wx02", "Shop")
    for accounts in ([nameless], [named], [connections.AccountFound("wx03", "wx03"), named]):
        async with pipe.db.transaction() as tx:
            kind = f"kind{len(accounts)}{accounts[0].external_id}"
            await connections.create(
                tx, pipe.workspace, new_id(), kind, "Our account", b"", accounts, "green"
            )
    rows = await pipe.sql("select kind, name from channel where kind like 'kind%' order by kind, name")
    assert [row["name"] for row in rows] == ["Our account", "Shop", "Shop", "wx03"]


async def test_what_proves_a_request_is_not_kept(pipe: Pipe, runtime: Runtime) -> None:
    headers = {
        "content-type": "application/json",
        "x-hub-signature-256": "sha256=0",
        "x-telegram-bot-api-secret-token": "the-secret",
        "x-forwarded-for": "192.0.2.1",
        "x-api-key": "a-key",
        "authorization": "Bearer x",
        "cookie": "c=1",
    }
    async with pipe.db.transaction() as tx:
        row = await connection_reads.by_id(tx, pipe.connections["main"])
    assert row is not None
    live = Live(row, adapters()["custom"], None, {"main": pipe.channels["main"]})  # type: ignore[arg-type]  # not asked
    request = RawRequest("POST", "http://localhost/hooks/x", {}, headers, b"{}", datetime.now(UTC))
    await Acceptor(runtime).take(live, request, [pipe.message("hello")])
    kept = msgspec.json.decode(await pipe.only("select headers::text from raw"))
    assert sorted(kept) == ["content-type", "x-hub-signature-256"]
