"""A platform that only says that something waits: the nudge leads to a poll of that account, with what the platform gave along."""

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from switchboard.app.accept import Acceptor
from switchboard.app.config import Settings
from switchboard.app.leases import Leases
from switchboard.app.runtime import Live, Runtime
from switchboard.channels.api import RawRequest
from switchboard.channels.wecom.channel import WecomConfig
from switchboard.connections import commands as connections
from switchboard.core.facts import Nudge
from tests.flow.conftest import NOW, Pipe

FIRST, SECOND = "wk-first", "wk-second"


class Wecom:
    """Hands out one message for each call that has not got it yet, and writes down what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.trouble = 0
        wecom = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.say({"errcode": 0, "access_token": "t", "expires_in": 7200})

            def do_POST(self) -> None:
                wanted = json.loads(self.rfile.read(int(self.headers["content-length"])))
                wecom.asked.append(wanted)
                if wecom.trouble:
                    wecom.trouble -= 1
                    self.say({"errcode": -1, "errmsg": "system busy"})
                    return
                self.say(wecom.answer(wanted))

            def say(self, answer: dict[str, Any]) -> None:
                body = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """A message for each new cursor."""
        number = int(wanted.get("cursor") or 0) + 1
        message = {
            "msgid": f"{wanted['open_kfid']}-{number}", "open_kfid": wanted["open_kfid"], "external_userid": "wm-ann",
            "send_time": 1780000000 + number, "origin": 3, "msgtype": "text", "text": {"content": str(number)},
        }  # fmt: skip
        return {"errcode": 0, "next_cursor": str(number), "has_more": 0, "msg_list": [message]}

    def polls(self) -> list[tuple[str, str, str]]:
        """Account, cursor and token of each call."""
        return [(one["open_kfid"], one.get("cursor", ""), one.get("token", "")) for one in self.asked]

    def close(self) -> None:
        """Listen no more."""
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def wecom() -> Iterator[Wecom]:
    made = Wecom()
    yield made
    made.close()


@pytest.fixture
async def runtime(database: str, tmp_path: Path, wecom: Wecom) -> AsyncIterator[Runtime]:
    """An installation that finds WeCom on loopback."""
    settings = Settings(
        data=tmp_path / "data", outbound_allow=("127.0.0.0/8",), pool=6, base_urls={"wecom": wecom.url}
    )
    made = Runtime(settings, database)
    await made.open()
    yield made
    await made.close()


async def connect(pipe: Pipe, runtime: Runtime) -> Live:
    """One connection with two accounts."""
    await pipe.connect(FIRST, "wecom")
    connection = pipe.connections[FIRST]
    await pipe.connect(SECOND, "wecom")
    await pipe.sql("update channel set connection_id = $1 where external_id = $2", connection, SECOND)
    await pipe.sql("delete from channel where connection_id <> $1", connection)
    await pipe.sql("delete from connection where id <> $1", connection)
    config = WecomConfig(
        corp_id="ww-tests", app_secret="s" * 20, token="t" * 20, encoding_aes_key="A" * 43
    )  # fmt: skip
    sealed = runtime.sealer.seal(msgspec.json.encode(config), workspace=pipe.workspace, purpose="connection")
    await pipe.sql("update connection set config_sealed = $1, revision = revision + 1", sealed)
    live = await runtime.connections.by_id(connection)
    assert live is not None
    return live


@contextlib.asynccontextmanager
async def held(runtime: Runtime) -> AsyncIterator[None]:
    task = asyncio.create_task(Leases(runtime).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(wecom: Wecom, polls: int, seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while len(wecom.asked) < polls:  # noqa: ASYNC110 - the platform says nothing by itself
            await asyncio.sleep(0.02)


async def nudge(runtime: Runtime, live: Live, account: str, hint: str) -> None:
    request = RawRequest("POST", "/hooks/x", {}, {}, b"", NOW)
    await Acceptor(runtime).take(live, request, [Nudge(account=account, dedupe_key=hint, hint=hint)])


async def test_a_nudge_polls_its_account_at_once_with_what_it_was_given(
    pipe: Pipe, runtime: Runtime, wecom: Wecom
) -> None:
    """At first all accounts are looked at; then only the one that is named, from where it was left, its neighbour stays alone."""
    live = await connect(pipe, runtime)
    async with held(runtime):
        await until(wecom, 2)
        await asyncio.sleep(0.1)
        await nudge(runtime, live, SECOND, "ENC-1")
        await until(wecom, 3)
        await asyncio.sleep(0.2)
        await nudge(runtime, live, SECOND, "ENC-2")
        await until(wecom, 4)
        await asyncio.sleep(0.2)
    assert sorted(wecom.polls()[:2]) == [(FIRST, "", ""), (SECOND, "", "")]
    assert wecom.polls()[2:] == [(SECOND, "1", "ENC-1"), (SECOND, "2", "ENC-2")]
    await pipe.process()
    texts = await pipe.sql("select parts->0->>'text' as text, backfill from message order by text")
    assert [(row["text"], row["backfill"]) for row in texts] == [
        ("1", True), ("1", True), ("2", False), ("3", False),
    ]  # fmt: skip


async def test_a_nudge_is_not_forgotten_when_its_poll_fails(
    pipe: Pipe, runtime: Runtime, wecom: Wecom
) -> None:
    """The next try still shows the platform's token."""
    live = await connect(pipe, runtime)
    async with held(runtime):
        await until(wecom, 2)
        await asyncio.sleep(0.1)
        wecom.trouble = 1
        await nudge(runtime, live, FIRST, "ENC-1")
        await until(wecom, 4)
    assert wecom.polls()[2:4] == [(FIRST, "1", "ENC-1"), (FIRST, "1", "ENC-1")]


async def test_fetching_ends_its_own_trouble_and_no_other(pipe: Pipe, runtime: Runtime, wecom: Wecom) -> None:
    """WeCom takes an account away and the administrator is told: that the other one is read as ever puts nothing right."""

    async def polled(hint: str) -> str:
        await runtime.connections._refresh()  # as the process does by itself, every two seconds
        before = len(wecom.asked)
        await nudge(runtime, live, FIRST, hint)
        await until(wecom, before + 1)
        await asyncio.sleep(0.2)
        found: str = await pipe.only("select status from connection")
        return found

    live = await connect(pipe, runtime)
    async with held(runtime):
        await until(wecom, 2)
        await asyncio.sleep(0.2)
        assert await pipe.only("select status from connection") == "green"
        async with pipe.db.transaction() as tx:
            await connections.set_status(tx, live.row.id, "amber", "an account was taken away")
        assert await polled("ENC-1") == "amber"
        wecom.trouble = 1
        assert await polled("ENC-2") == "amber"
        await runtime.connections._refresh()
        await until(wecom, 5)
        await asyncio.sleep(0.2)
        assert await pipe.only("select status from connection") == "green"
