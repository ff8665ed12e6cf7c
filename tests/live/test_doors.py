"""Whatever strangers send to the plain doors: an answer, never an exception, never more than the limits."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from switchboard.app.accept import Acceptor
from switchboard.app.config import Settings
from switchboard.app.door import Door
from switchboard.app.hub import Hub
from switchboard.app.runtime import Runtime
from switchboard.app.stream import Stream
from switchboard.app.widget import Widget
from switchboard.channels.custom.channel import CustomConfig
from switchboard.channels.web.channel import WebConfig
from switchboard.core.ids import new_id
from switchboard.workspace.rows import Viewer
from tests.flow.conftest import Pipe

KEY = "0123456789abcdef"
MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
WORDS = st.text(max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
HEADERS = st.lists(st.tuples(st.binary(max_size=30).map(bytes.lower), st.binary(max_size=60)), max_size=6)


@pytest.fixture
async def runtime(database: str, tmp_path: Path) -> AsyncIterator[Runtime]:
    made = Runtime(Settings(data=tmp_path, max_body=2000), database)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def pipe(runtime: Runtime) -> Pipe:
    made = Pipe(runtime.db, new_id())
    await made.sql(
        "insert into workspace (id, name, slug) values ($1, 'Test', $2)", made.workspace, made.workspace.hex
    )
    for name, kind, config in (
        (
            "main",
            "custom",
            CustomConfig(system_id="main", send_url="https://x.example", signing_secret="s" * 32),
        ),
        (KEY, "web", WebConfig(site_key=KEY)),
    ):
        await made.connect(name, kind=kind)
        sealed = runtime.sealer.seal(
            msgspec.json.encode(config), workspace=made.workspace, purpose="connection"
        )
        await made.sql(
            "update connection set config_sealed = $1 where id = $2", sealed, made.connections[name]
        )
    return made


async def knock(app: Any, scope: dict[str, Any], chunks: list[bytes]) -> int:
    """Make one request; return the answer's status."""
    sent: list[Any] = []
    waiting = [*chunks] or [b""]

    async def receive() -> dict[str, Any]:
        if not waiting:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": "http", "query_string": b"", "headers": [], **scope}, receive, send)
    return int(sent[0]["status"])


async def talk(app: Any, scope: dict[str, Any], frames: list[dict[str, Any]]) -> list[Any]:
    """Open a socket, say some frames, go; return what was sent."""
    sent: list[Any] = []
    waiting = [{"type": "websocket.connect"}, *({"type": "websocket.receive", **one} for one in frames)]

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        return waiting.pop(0) if waiting else {"type": "websocket.disconnect", "code": 1000}

    async def send(message: Any) -> None:
        sent.append(message)

    await asyncio.wait_for(
        app({"type": "websocket", "query_string": b"", "headers": [], **scope}, receive, send), 20
    )
    return sent


@MANY
@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "X"]),
    headers=HEADERS,
    query=st.binary(max_size=80),
    chunks=st.lists(st.binary(max_size=900), max_size=4),
)
async def test_the_webhook_door(
    runtime: Runtime,
    pipe: Pipe,
    method: str,
    headers: list[tuple[bytes, bytes]],
    query: bytes,
    chunks: list[bytes],
) -> None:
    door = Door(runtime, Acceptor(runtime))
    (row,) = await pipe.sql("select secret from connection where kind = 'custom'")
    scope = {"method": method, "headers": headers, "query_string": query, "path": f"/hooks/{row['secret']}"}
    assert await knock(door, scope, chunks) in (200, 401, 404, 405, 413)
    assert await pipe.sql("select 1 from raw") == [], "nothing of a stranger's is kept"
    if method not in ("GET", "HEAD", "POST"):
        assert await knock(door, scope, chunks) in (405, 413)
    for secret in ("x" * 32, "x" * 31 + "\x00", "\ud800" * 16):
        assert await knock(door, scope | {"path": f"/hooks/{secret}"}, chunks) == 404


@MANY
@given(
    path=st.text(max_size=40),
    method=st.sampled_from(["GET", "POST", "OPTIONS", "PUT"]),
    headers=HEADERS,
    body=JSON,
)
async def test_the_widgets_doors(
    runtime: Runtime, pipe: Pipe, path: str, method: str, headers: list[tuple[bytes, bytes]], body: Any
) -> None:
    widget = Widget(runtime, Acceptor(runtime), Hub(runtime))
    for rest in (path, "config", "sessions", "files"):
        scope = {"method": method, "headers": headers, "path": f"/widget/{KEY}/{rest}"}
        status = await knock(widget.http, scope, [msgspec.json.encode(body)])
        assert status in (200, 201, 204, 400, 401, 403, 404, 413, 415, 429)
    for key in (f"{KEY}\x00", "\ud800", "", "x" * 5000):
        assert await knock(widget.http, {"method": method, "path": f"/widget/{key}/config"}, []) == 404
    device = {"service": "apns", "token": "0123456789abcdef\n", "language": "en"}
    bearer = (b"authorization", f"Bearer {widget.tokens.make(KEY)}".encode())
    scope = {"method": "POST", "headers": [bearer], "path": f"/widget/{KEY}/devices"}
    assert await knock(widget.http, scope, [msgspec.json.encode(device)]) == 400


@MANY
@given(
    frames=st.lists(st.one_of(JSON.map(msgspec.json.encode), st.binary(max_size=200)), max_size=6),
    token=st.booleans(),
)
async def test_the_widgets_socket(runtime: Runtime, pipe: Pipe, frames: list[bytes], token: bool) -> None:
    widget = Widget(runtime, Acceptor(runtime), Hub(runtime))
    hello = msgspec.json.encode({"type": "hello", "token": widget.tokens.make(KEY), "after": 0})
    said = [{"bytes": one} for one in ([hello] if token else []) + frames]
    sent = await talk(widget.socket, {"path": f"/widget/{KEY}/socket"}, said)
    assert sent[0]["type"] == "websocket.accept"


@MANY
@given(
    frames=st.lists(st.one_of(JSON.map(msgspec.json.encode), st.binary(max_size=200)), max_size=6),
    query=st.binary(max_size=60),
)
async def test_the_agents_socket(runtime: Runtime, pipe: Pipe, frames: list[bytes], query: bytes) -> None:
    viewer = Viewer(pipe.workspace, new_id(), True)

    async def identify(_: Any, __: str) -> tuple[Viewer, str]:
        return viewer, "Ann"

    subscribe = msgspec.json.encode(
        {
            "type": "subscribe",
            "views": [{"key": "all", "filter": {"assignee": "nonsense"}}],
            "conversations": [new_id()],
            "counters": True,
        }
    )
    stream = Stream(runtime, Hub(runtime), identify)
    sent = await talk(
        stream,
        {"path": "/api/v1/stream", "query_string": query},
        [{"bytes": one} for one in (*frames, subscribe)],
    )
    assert sent[0]["type"] == "websocket.accept"
    assert all(one["type"] in ("websocket.accept", "websocket.send", "websocket.close") for one in sent)
