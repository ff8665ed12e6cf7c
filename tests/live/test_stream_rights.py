"""An open socket sees what its viewer may see now, not what they could see when it was opened."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from switchboard.app import stream as streams
from switchboard.app.config import Settings
from switchboard.app.hub import Client, Hub
from switchboard.app.runtime import Runtime
from switchboard.app.stream import Stream
from switchboard.core.commands import Assign
from switchboard.core.events import SettingsChanged
from switchboard.core.ids import new_id
from switchboard.db import log
from switchboard.workspace import live
from switchboard.workspace.rows import Viewer
from tests.flow.conftest import NOW, Pipe


@pytest.fixture
async def runtime(database: str, tmp_path: Path) -> AsyncIterator[Runtime]:
    made = Runtime(Settings(data=tmp_path), database)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def pipe(runtime: Runtime) -> Pipe:
    workspace = new_id()
    made = Pipe(runtime.db, workspace)
    await made.sql("insert into workspace (id, name, slug) values ($1, 'Test', $2)", workspace, workspace.hex)
    await made.connect("main")
    await made.hire("ann")
    return made


async def spread(runtime: Runtime, pipe: Pipe, hub: Hub) -> None:
    await pipe.follow()
    async with runtime.db.transaction() as tx:
        while await hub._step(tx):
            pass


def kinds(client: Client) -> list[str]:
    frames, client.waiting = client.waiting, []
    return [json.loads(one)["type"] for one in frames]


async def test_a_conversation_that_left_ones_sight_falls_silent(runtime: Runtime, pipe: Pipe) -> None:
    team, hub = new_id(), Hub(runtime)
    await pipe.sql("insert into team (workspace_id, id, name) values ($1, $2, 'B')", pipe.workspace, team)
    await pipe.receive(pipe.message("hello"))
    case = await pipe.case()
    client = Client(Viewer(pipe.workspace, pipe.agents["ann"], False), "Ann")
    client.subscribe(live.Subscription(conversations=frozenset({case})))
    hub.join(client)
    await spread(runtime, pipe, hub)
    assert "message" in kinds(client)
    where: dict[str, Any] = {"workspace_id": pipe.workspace, "conversation_id": case, "at": NOW}
    await pipe.run(Assign(**where, team_id=team))
    await pipe.receive(pipe.message("for the others only"))
    await spread(runtime, pipe, hub)
    assert kinds(client) == []
    await pipe.run(Assign(**where, agent_id=pipe.agents["ann"]))
    await pipe.receive(pipe.message("for Ann again"))
    await spread(runtime, pipe, hub)
    assert "message" in kinds(client)


class Socket:
    """Ann's end of one socket, and what her session says of her."""

    def __init__(self, runtime: Runtime, hub: Hub, viewer: Viewer) -> None:
        self.known: tuple[Viewer, str] | None = (viewer, "Ann")
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._first = True
        scope = {"type": "websocket", "path": "/api/v1/stream", "query_string": b"", "headers": []}
        stream = Stream(runtime, hub, self._identify)
        self.task = asyncio.create_task(stream(scope, self._receive, self._send))

    async def _identify(self, _scope: Any, _token: str) -> tuple[Viewer, str] | None:
        return self.known

    async def _receive(self) -> dict[str, Any]:
        if not self._first:
            await asyncio.sleep(3600)
        self._first = False
        return {"type": "websocket.connect"}

    async def _send(self, message: Any) -> None:
        if "text" in message:
            self.heard.put_nowait(json.loads(message["text"]))

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(5):
            return await self.heard.get()


async def changed(runtime: Runtime, pipe: Pipe, hub: Hub) -> None:
    """Log that something about Ann was changed, and let the hub hear of it."""
    event = SettingsChanged(workspace_id=pipe.workspace, subject=pipe.agents["ann"], what="agent")
    async with runtime.db.transaction() as tx:
        await log.append(tx, [event])
    await spread(runtime, pipe, hub)


async def test_who_changes_teams_is_told_to_begin_anew(runtime: Runtime, pipe: Pipe) -> None:
    hub = Hub(runtime)
    socket = Socket(runtime, hub, Viewer(pipe.workspace, pipe.agents["ann"], False))
    assert (await socket.next())["type"] == "hello"
    socket.known = (Viewer(pipe.workspace, pipe.agents["ann"], False, frozenset({new_id()})), "Ann")
    await changed(runtime, pipe, hub)
    assert [(await socket.next())["type"] for _ in range(2)] == ["changed", "resync"]
    socket.task.cancel()


async def test_the_socket_of_who_was_let_go_ends(runtime: Runtime, pipe: Pipe) -> None:
    hub = Hub(runtime)
    socket = Socket(runtime, hub, Viewer(pipe.workspace, pipe.agents["ann"], False))
    await socket.next()
    socket.known = None
    await changed(runtime, pipe, hub)
    async with asyncio.timeout(5):
        await socket.task
    assert hub.agents() == set()


async def test_the_socket_of_an_ended_session_ends(
    runtime: Runtime, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signing out is no event in the log: it is noticed by looking now and then."""
    monkeypatch.setattr(streams, "RECHECK_SECONDS", 0.1)
    socket = Socket(runtime, Hub(runtime), Viewer(pipe.workspace, pipe.agents["ann"], False))
    await socket.next()
    socket.known = None
    async with asyncio.timeout(5):
        await socket.task
