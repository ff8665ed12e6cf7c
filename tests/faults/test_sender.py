"""The sender against a real partner on loopback: what overlaps is not forgotten."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from switchboard.app.config import Settings
from switchboard.app.runtime import Runtime
from switchboard.app.sender import Sender
from switchboard.core.facts import Claim
from switchboard.core.facts import Sender as Person
from switchboard.core.ids import new_id
from tests.flow.conftest import Pipe

SLOW_SECONDS = 0.6


@asynccontextmanager
async def partner() -> AsyncIterator[str]:
    """A partner's system that answers each message with an id of its own, and takes its time over Slow's."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].split("\r\n")[0])
        message = json.loads(await reader.readexactly(length))["messages"][0]
        if message["to"] == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        answer = json.dumps({"ids": [f"x-{message['id']}"]}).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(answer) + answer
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def running(database: str, data: Path, place: str) -> AsyncIterator[Runtime]:
    runtime = Runtime(Settings(data=data, outbound_allow=(place,)), database)
    await runtime.open()
    try:
        yield runtime
    finally:
        await runtime.close()


@pytest.mark.timeout(60)
async def test_an_outcome_is_kept_though_another_was_recorded_meanwhile(
    database: str, tmp_path: Path
) -> None:
    """A quick send ends and is recorded while a slow one is under way; the slow one counts all the same."""
    async with partner() as place, running(database, tmp_path, place) as runtime:
        pipe = Pipe(runtime.db, new_id())
        await pipe.sql("insert into workspace (id, name, slug) values ($1, 'Test', 'test')", pipe.workspace)
        await pipe.connect("main")
        await _credentials(runtime, pipe, place)
        for person in ("slow", "quick"):
            await pipe.receive(
                pipe.message("hi", person, sender=Person([Claim("custom:main", person)], name=person))
            )
        for row in await pipe.sql("select id from conversation"):
            await pipe.reply(row["id"])
        sender = asyncio.create_task(Sender(runtime, pipe.connections["main"]).run())
        try:
            assert await _outcomes(pipe) == {"slow": "sent", "quick": "sent"}
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)


@pytest.mark.timeout(60)
async def test_a_sender_that_is_stopped_leaves_nothing_running(database: str, tmp_path: Path) -> None:
    """Every change of a channel's settings stops its sender."""
    async with partner() as place, running(database, tmp_path, place) as runtime:
        pipe = Pipe(runtime.db, new_id())
        await pipe.sql("insert into workspace (id, name, slug) values ($1, 'Test', 'test')", pipe.workspace)
        await pipe.connect("main")
        await _credentials(runtime, pipe, place)
        before = asyncio.all_tasks()
        sender = asyncio.create_task(Sender(runtime, pipe.connections["main"]).run())
        async with asyncio.timeout(20):
            # The sender, and the two things it waits for.
            while len(asyncio.all_tasks() - before) < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == before


async def _credentials(runtime: Runtime, pipe: Pipe, place: str) -> None:
    connection: UUID = pipe.connections["main"]
    config = {"system_id": "main", "signing_secret": "s" * 32, "send_url": f"http://{place}/in"}
    sealed = runtime.sealer.seal(msgspec.json.encode(config), workspace=pipe.workspace, purpose="connection")
    await pipe.sql(
        "update connection set config_sealed = $2, status = 'green' where id = $1", connection, sealed
    )


async def _outcomes(pipe: Pipe) -> dict[str, str]:
    """How both sends ended, or how they stand when patience does."""
    deadline = time.monotonic() + 10
    while True:
        rows = await pipe.sql("select address, status from outbound")
        found = {row["address"]: row["status"] for row in rows}
        if set(found.values()) <= {"sent"} or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.1)
