"""The site widget's doors: what one visitor may take of us."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from switchboard.app import visitor, visitor_doors
from switchboard.app.accept import Acceptor
from switchboard.app.config import Settings
from switchboard.app.hub import Hub
from switchboard.app.runtime import Runtime
from switchboard.app.visitor import Visitor
from switchboard.app.widget import Widget
from switchboard.channels.web.channel import WebConfig
from switchboard.core.ids import new_id
from tests.flow.conftest import Pipe

KEY = "0123456789abcdef"


@pytest.fixture
async def runtime(database: str, tmp_path: Path) -> AsyncIterator[Runtime]:
    made = Runtime(Settings(data=tmp_path), database)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def site(runtime: Runtime) -> Widget:
    """The widget's doors, with one site."""
    pipe = Pipe(runtime.db, new_id())
    values = pipe.workspace, pipe.workspace.hex
    await pipe.sql("insert into workspace (id, name, slug) values ($1, 'Test', $2)", *values)
    await pipe.connect(KEY, kind="web")
    config = msgspec.json.encode(WebConfig(site_key=KEY, max_file_bytes=600))
    sealed = runtime.sealer.seal(config, workspace=pipe.workspace, purpose="connection")
    await pipe.sql("update connection set config_sealed = $1", sealed)
    return Widget(runtime, Acceptor(runtime), Hub(runtime))


async def upload(site: Widget, token: str, size: int, ready: asyncio.Barrier) -> int:
    """Upload a file; its last bytes leave when all others have begun too. Returns the answer's status."""
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    chunks = [head + b"x" * (size // 2), b"x" * (size - size // 2) + b"\r\n--b--\r\n"]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        chunk = chunks.pop(0)
        if not chunks:
            await ready.wait()
        return {"type": "http.request", "body": chunk, "more_body": bool(chunks)}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [
        (b"content-type", b"multipart/form-data; boundary=b"),
        (b"authorization", f"Bearer {token}".encode()),
    ]
    scope = {"type": "http", "method": "POST", "path": f"/widget/{KEY}/files", "headers": headers}
    await site.http(scope, receive, send)
    return int(sent[0]["status"])


async def test_uploads_at_the_same_moment_share_the_visitors_quota(
    site: Widget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitor_doors, "UPLOADS_EACH", 1000)
    token = site.tokens.make(KEY)
    together = asyncio.Barrier(2)
    answers = await asyncio.gather(*(upload(site, token, 600, together) for _ in range(2)))
    assert sorted(answers) == [201, 413]
    alone = asyncio.Barrier(1)
    assert await upload(site, token, 600, alone) == 413
    assert await upload(site, token, 300, alone) == 201
    assert await upload(site, site.tokens.make(KEY), 600, alone) == 201


async def test_who_is_too_slow_is_cut_off(runtime: Runtime) -> None:
    """Rather than left with a hole in the conversation: whoever comes back gets a fresh page."""
    heard: list[Any] = []
    begun, stuck = asyncio.Event(), asyncio.Event()

    async def send(message: Any) -> None:
        heard.append(message)
        begun.set()
        await stuck.wait()

    slow = Visitor(runtime, new_id(), new_id(), "v", send)
    writer = asyncio.create_task(slow.write())
    await slow.greet(None, online=False)
    await begun.wait()
    for _ in range(visitor.MAX_WAITING + 1):
        slow.put({"type": "pong"})
    stuck.set()
    async with asyncio.timeout(5):
        await writer
    assert heard[-1] == {"type": "websocket.close", "code": 4408, "reason": "too slow"}
    assert len(heard) == 2
