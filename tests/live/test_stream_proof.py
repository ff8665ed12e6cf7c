"""The proof of the live screens: a snapshot plus the changes that follow equals a fresh snapshot.

Every verb an agent has, by every kind of viewer, over every kind of view; the triples are written down as JSON so that the
front end's reducer can be held to the same truth (`frontend/apps/workspace/src/sync/live/proof.json`).
"""

import json
import os
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from switchboard.app.config import Settings
from switchboard.app.hub import Client, Hub
from switchboard.app.runtime import Runtime
from switchboard.core.commands import (
    Actor,
    Assign,
    ChangeStatus,
    EditConversation,
    MarkRead,
    SetPresence,
    Take,
    WriteMessage,
)
from switchboard.core.errors import Problem
from switchboard.core.ids import new_id
from switchboard.core.parts import Text
from switchboard.workspace import live, reads
from switchboard.workspace.rows import Conversation, View, Viewer
from tests.flow.conftest import NOW, Pipe

TRIPLES = Path(__file__).parents[2] / "frontend/apps/workspace/src/sync/live/proof.json"
OPEN = ("new", "open", "pending")


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
    await made.sql(
        "insert into workspace (id, name, slug) values ($1, 'Test', $2)", workspace, str(workspace)
    )
    await made.connect("main")
    for name in ("ann", "bo"):
        await made.hire(name, "online", capacity=50)
    await made.sql("insert into team (workspace_id, id, name) values ($1, $2, 'After-sale')", workspace, TEAM)
    await made.sql("insert into team_member values ($1, $2, $3)", workspace, TEAM, made.agents["ann"])
    return made


TEAM = UUID("01900000-0000-7000-8000-000000000001")


def everybody(pipe: Pipe) -> dict[str, Client]:
    """A supervisor, an agent of the team, an agent of none; each with every kind of view."""
    viewers = {
        "supervisor": Viewer(pipe.workspace, pipe.agents["bo"], True),
        "ann": Viewer(pipe.workspace, pipe.agents["ann"], False, frozenset({TEAM})),
        "bo": Viewer(pipe.workspace, pipe.agents["bo"], False),
    }
    clients: dict[str, Client] = {}
    for name, viewer in viewers.items():
        views = {
            "all": View(OPEN), "mine": View(OPEN, assignee="me"), "queue": View(OPEN, assignee="none"), "team": View(OPEN, team=TEAM),
            "resolved": View(("resolved",)), "everything": View((*OPEN, "snoozed", "resolved")), "vip": View(OPEN, tag="vip"),
            "waiting": View(OPEN, sort="waiting"), "channel": View(OPEN, channel=pipe.channels["main"]), "kind": View(OPEN, kind="custom"),
        }  # fmt: skip
        client = Client(viewer, name)
        resolved = tuple((key, live.resolve(view, viewer)) for key, view in views.items())
        client.subscription = live.Subscription(resolved)
        clients[name] = client
    return clients


async def snapshot(runtime: Runtime, client: Client) -> dict[str, dict[UUID, Conversation]]:
    found = {}
    async with runtime.db.transaction() as tx:
        for key, view in client.subscription.views:
            items, _ = await reads.inbox(tx, client.viewer, view, runtime.link, None, 1000)
            found[key] = {row.id: row for row in items}
    return found


def changes(client: Client) -> list[dict[str, Any]]:
    """What the hub queued for a client since the last time, as its socket would get it."""
    frames, client.waiting = client.waiting, []
    return [json.loads(one) for one in frames]


def fold(
    state: dict[str, dict[UUID, Conversation]], frames: list[dict[str, Any]]
) -> dict[str, dict[UUID, Conversation]]:
    for one in frames:
        data = one["data"]
        if one["type"] == "conversation":
            data = data | {"row": msgspec.convert(data["row"], Conversation)}
        elif one["type"] == "gone":
            data = data | {"id": UUID(data["id"])}
        state = live.apply(state, one["type"], data)
    return state


async def random_verb(pipe: Pipe, dice: random.Random, nr: int) -> None:
    """Do one thing that an agent or a customer may do; what may not be done just now is skipped."""
    rows = await pipe.sql("select id, last_position from conversation order by opened_at, id")
    agent = dice.choice(list(pipe.agents.values()))
    by = Actor("agent", agent)
    at = NOW + timedelta(seconds=nr)
    if not rows or dice.random() < 0.25:
        await pipe.receive(pipe.message(f"message {nr}", person=f"person-{dice.randrange(4)}"), at=at)
        return
    row = dice.choice(rows)
    where: dict[str, Any] = {"workspace_id": pipe.workspace, "conversation_id": row["id"], "by": by}
    command = dice.choice(
        [
            WriteMessage(**where, message_id=new_id(), parts=[Text("answer")], at=at),
            WriteMessage(**where, message_id=new_id(), parts=[Text("note")], at=at, note=True),
            Take(**where, agent_id=agent, at=at),
            Assign(**where, at=at, agent_id=agent),
            Assign(**where, at=at, team_id=TEAM),
            Assign(**where, at=at),
            ChangeStatus(**where, status="resolved", at=at),
            ChangeStatus(**where, status="open", at=at),
            ChangeStatus(**where, status="pending", at=at),
            ChangeStatus(**where, status="snoozed", at=at, until=at + timedelta(hours=1)),
            EditConversation(**where, tags=dice.choice([["vip"], []]), priority=dice.randrange(4)),
            MarkRead(**where, position=row["last_position"]),
            SetPresence(
                workspace_id=pipe.workspace, agent_id=agent, status="offline", at=at, return_work=True
            ),
            SetPresence(workspace_id=pipe.workspace, agent_id=agent, status="online", at=at),
        ]
    )
    try:
        await pipe.run(command)
    except Problem:
        pass


async def test_snapshot_plus_changes_is_a_fresh_snapshot(runtime: Runtime, pipe: Pipe) -> None:
    dice = random.Random(20261120)
    hub = Hub(runtime)
    clients = everybody(pipe)
    for client in clients.values():
        hub.join(client)
    states = {name: await snapshot(runtime, client) for name, client in clients.items()}
    triples: list[dict[str, Any]] = []
    for nr in range(300):
        before = states
        await random_verb(pipe, dice, nr)
        await pipe.follow()
        async with runtime.db.transaction() as tx:
            while await hub._step(tx):
                pass
        for name, client in clients.items():
            frames = changes(client)
            states = {**states, name: fold(states[name], frames)}
            fresh = await snapshot(runtime, client)
            assert ids(states[name]) == ids(fresh), (nr, name)
            assert states[name] == fresh, (nr, name)
            if nr % 50 == 0 and frames:
                triples.append(
                    {"viewer": name, "before": plain(before[name]), "frames": frames, "after": plain(fresh)}
                )
    assert len(triples) >= 8
    if os.environ.get("SWITCHBOARD_REWRITE"):
        TRIPLES.write_text(json.dumps(triples, ensure_ascii=False, separators=(",", ":")), "utf-8")


def ids(state: dict[str, dict[UUID, Conversation]]) -> dict[str, set[UUID]]:
    return {key: set(rows) for key, rows in state.items()}


def plain(state: dict[str, dict[UUID, Conversation]]) -> dict[str, list[Any]]:
    return {key: msgspec.to_builtins(list(rows.values())) for key, rows in state.items()}


async def test_a_client_that_was_away_misses_nothing(runtime: Runtime, pipe: Pipe) -> None:
    """It comes back with its cursor: what it had, plus what it is sent, is a fresh snapshot."""
    dice = random.Random(7)
    hub = Hub(runtime)
    (client,) = [one for name, one in everybody(pipe).items() if name == "ann"]
    for nr in range(30):
        await random_verb(pipe, dice, nr)
    await pipe.follow()
    async with runtime.db.transaction() as tx:
        while await hub._step(tx):
            pass
    state, cursor = await snapshot(runtime, client), hub.position
    for nr in range(30, 90):
        await random_verb(pipe, dice, nr)
    await pipe.follow()
    async with runtime.db.transaction() as tx:
        while await hub._step(tx):
            pass
        hub.join(client)
        assert await hub.resume(tx, client, cursor)
    assert fold(state, changes(client)) == await snapshot(runtime, client)


async def test_a_cursor_from_nowhere_is_refused(runtime: Runtime, pipe: Pipe) -> None:
    hub = Hub(runtime)
    client = everybody(pipe)["ann"]
    async with runtime.db.transaction() as tx:
        assert not await hub.resume(tx, client, 123_456)


async def test_a_slow_client_is_told_to_resynchronise(runtime: Runtime, pipe: Pipe) -> None:
    client = everybody(pipe)["ann"]
    for _ in range(3000):
        client.put(b"{}")
    assert client.lagging
    assert client.waiting == []
