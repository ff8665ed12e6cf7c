"""The product as an operator starts it: a real process, real HTTP, real sockets on loopback."""

import asyncio
import hashlib
import hmac
import json
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

COMMAND = (sys.executable, "-c", "from switchboard.app.cli import main; main()")
PASSWORD = "correct horse battery"
SECONDS = 20


def environment(data: Path, **more: str) -> dict[str, str]:
    """What a process starts with: nothing of the machine's own settings."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("SWITCHBOARD_")}
    return {**kept, "SWITCHBOARD_DATA": str(data), **more}


async def run(data: Path, *arguments: str, **more: str) -> tuple[int, str]:
    """Run a command to its end; return its code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *arguments, env=environment(data, **more), stdout=PIPE, stderr=PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, (out + err).decode()


@asynccontextmanager
async def serving(data: Path, *arguments: str, **more: str) -> AsyncIterator[tuple[Process, str]]:
    """Serve on a free port until the end of the block; gives the process and its address."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "serve", "--port", "0", *arguments, env=environment(data, **more), stdout=PIPE
    )
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
        assert "is ready at http://" in line, line
        yield process, line.rsplit(" ", 1)[1].strip()
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.wait(), 30)


async def until(look: Callable[[], Awaitable[Any]]) -> Any:
    """Look again and again until there is something."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if found := await look():
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen in time")


@asynccontextmanager
async def partner() -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """The other end of a custom channel: takes our posts and answers with ids of its own."""
    posts: list[dict[str, Any]] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(next(x for x in head.split("\r\n") if x.startswith("content-length:")).split(":")[1])
        body = json.loads(await reader.readexactly(length))
        posts.extend(body["messages"])
        answer = json.dumps({"ids": [f"p{len(posts)}"]}).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(answer)}\r\nconnection: close\r\n\r\n"
        writer.write(head.encode() + answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", posts


def signed(secret: str, body: bytes) -> dict[str, str]:
    moment = str(int(time.time()))
    mac = hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"X-Switchboard-Signature": f"t={moment},v1={mac}", "Content-Type": "application/json"}


async def test_a_customer_writes_and_gets_an_answer(tmp_path: Path) -> None:
    code, said = await run(
        tmp_path, "create", "--workspace", "Acme", "--email", "ann@example.com", "--name", "Ann",
        SWITCHBOARD_PASSWORD=PASSWORD,
    )  # fmt: skip
    assert code == 0, said
    async with (
        partner() as (place, posts),
        serving(tmp_path, SWITCHBOARD_OUTBOUND_ALLOW=place) as (_, url),
        httpx.AsyncClient(base_url=f"{url}/api/v1", trust_env=False) as client,
    ):
        signed_in = await client.post("/sessions", json={"email": "ann@example.com", "password": PASSWORD})
        assert signed_in.status_code == 201, signed_in.text
        token = signed_in.json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        config = {"system_id": "shop", "send_url": f"http://{place}/in"}
        made = await client.post("/connections", json={"kind": "custom", "name": "Shop", "config": config})
        assert made.status_code == 201, made.text
        assert made.json()["channels"][0]["external_id"] == "shop"
        await _converse(client, url, token, made.json(), posts)


async def _converse(
    client: httpx.AsyncClient, url: str, token: str, connection: dict[str, Any], posts: list[dict[str, Any]]
) -> None:
    body = json.dumps(
        {"messages": [{"id": "1", "from": {"id": "bob", "name": "Bob"}, "text": "Hello?"}]}
    ).encode()
    hook, secret = connection["webhook_url"], connection["generated"]["signing_secret"]
    stream = f"{url.replace('http', 'ws')}/api/v1/stream?token={token}"
    async with connect(stream, proxy=None) as live:
        views = [{"key": "all", "filter": {}}]
        await live.send(json.dumps({"type": "subscribe", "views": views}))
        assert (await _frame(live, "snapshot"))["items"] == []
        forged = await client.post(hook, content=body, headers=signed("wrong", body))
        assert forged.status_code == 401
        accepted = await client.post(hook, content=body, headers=signed(secret, body))
        assert accepted.status_code == 200, accepted.text
        row = (await _frame(live, "conversation"))["row"]
        assert (row["contact"]["name"], row["preview"]) == ("Bob", "Hello?")
    listed = (await client.get("/conversations")).json()["items"]
    assert [one["id"] for one in listed] == [row["id"]]
    path = f"/conversations/{row['id']}/messages"
    answer = await client.post(path, json={"parts": [{"type": "text", "text": "Good day!"}]})
    assert answer.status_code == 201, answer.text

    async def arrived() -> Any:
        return posts

    assert (await until(arrived))[0]["parts"] == [{"type": "text", "text": "Good day!"}]
    assert posts[0]["to"] == "bob"

    async def sent() -> Any:
        items = (await client.get(path)).json()["items"]
        return [one["status"] for one in items if one["direction"] == "out"] == ["sent"]

    assert await until(sent)


async def _frame(live: Any, kind: str) -> Any:
    """Read on until a frame of a type comes; return its data."""
    async with asyncio.timeout(SECONDS):
        while True:
            frame = json.loads(await live.recv())
            if frame["type"] == kind:
                return frame["data"]


async def test_it_ends_in_order_and_starts_again(tmp_path: Path) -> None:
    async with serving(tmp_path) as (process, url):
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"{url}/ready")).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0
    assert not (tmp_path / "postgres" / "cluster" / "postmaster.pid").exists()
    async with serving(tmp_path), httpx.AsyncClient(trust_env=False) as _:
        pass


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"SWITCHBOARD_DATABASE_URL": "postgresql://u:pa55word@127.0.0.1:1/x"}, "127.0.0.1:1 can't be used"),
        ({"SWITCHBOARD_DATABASE_URL": "nonsense"}, "check SWITCHBOARD_DATABASE_URL"),
        ({"SWITCHBOARD_PORT": "http"}, "SWITCHBOARD_PORT must be a whole number"),
        ({"SWITCHBOARD_OUTBOUND_ALLOW": "everything"}, "SWITCHBOARD_OUTBOUND_ALLOW"),
        ({"SWITCHBOARD_SECRET_KEY": "short"}, "SWITCHBOARD_SECRET_KEY"),
        ({"SWITCHBOARD_BASE_URLS": "telegram"}, "SWITCHBOARD_BASE_URLS"),
        ({"SWITCHBOARD_PUBLIC_URL": "desk.example"}, "SWITCHBOARD_PUBLIC_URL"),
    ],
)
async def test_a_wrong_setting_is_one_sentence(
    tmp_path: Path, settings: dict[str, str], sentence: str
) -> None:
    port = () if "SWITCHBOARD_PORT" in settings else ("--port", "0")
    code, said = await run(tmp_path, "serve", *port, **settings)
    assert code == 1
    assert sentence in said
    assert "pa55word" not in said
    assert len(said.strip().splitlines()) == 1, said


async def test_a_busy_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, said = await run(tmp_path, "serve", "--port", port)
    assert code == 1
    assert port in said
    assert "--port" in said
    assert len(said.strip().splitlines()) == 1, said
