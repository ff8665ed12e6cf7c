"""The hub goes on whatever one event does to it."""

import asyncio
from pathlib import Path
from typing import Any

from switchboard.app.config import Settings
from switchboard.app.hub import Client, Hub
from switchboard.app.runtime import Runtime
from switchboard.core.ids import new_id
from switchboard.db.log import Logged
from switchboard.db.pool import Tx
from switchboard.workspace.rows import Viewer
from tests.flow.conftest import Pipe


async def test_what_cannot_be_told_holds_nobody_up(database: str, tmp_path: Path) -> None:
    """Everybody takes a new snapshot instead, and what follows comes as ever."""
    runtime = Runtime(Settings(data=tmp_path), database)
    await runtime.open()
    pipe, hub = Pipe(runtime.db, new_id()), Hub(runtime)
    await pipe.sql("insert into workspace (id, name, slug) values ($1, 'Test', 'x')", pipe.workspace)
    await pipe.connect("main")
    client, told = Client(Viewer(pipe.workspace, new_id(), True), "Bo"), asyncio.Event()
    hub.join(client)
    broken = True

    async def watch(_tx: Tx, _logged: list[Logged]) -> Any:
        if broken:
            raise ValueError("a row from another version")
        told.set()

    hub.watch(watch)
    running = asyncio.create_task(hub.run())
    await asyncio.sleep(0.1)
    await pipe.receive(pipe.message("hello"))
    await pipe.follow()
    async with asyncio.timeout(10):
        await client.ready.wait()
        assert client.lagging
        broken = False
        await pipe.receive(pipe.message("again"))
        await pipe.follow()
        await told.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await runtime.close()
