"""The custom channel against the sandbox's partner system over real HTTP."""

import asyncio
import json
import queue
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import httpx
import pytest

from switchboard.channels.api import (
    Claim,
    Content,
    Http,
    Image,
    InDoubt,
    MessageReceived,
    Outbound,
    Part,
    RawRequest,
    Reauthorise,
    ReceiptReceived,
    Refused,
    Retry,
    Text,
)
from switchboard.channels.custom.channel import CustomChannel, CustomConfig
from switchboard.net import Guard, GuardedHttp, Stream

SECRET = "a-signing-secret-for-tests"


class Sandbox:
    """The stand-in for the platform in a process of its own, and its control API."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "switchboard.sandbox", "--receipt-delay-seconds", "0.01"],
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        self.url: str = json.loads(self.process.stdout.readline())["url"]
        self.control = httpx.Client(base_url=self.url, trust_env=False, timeout=20)

    def post(self, path: str, **body: Any) -> Any:
        """Call the control API."""
        answer = self.control.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def ledger(self) -> list[dict[str, Any]]:
        """Return what customers have received."""
        items: list[dict[str, Any]] = self.control.get("/sandbox/ledger").json()["items"]
        return items

    def close(self) -> None:
        """End the process."""
        self.control.close()
        self.process.terminate()
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


class Door:
    """Our webhook address, as far as keeping what arrives."""

    def __init__(self) -> None:
        self.calls: queue.Queue[RawRequest] = queue.Queue()
        calls = self.calls

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                calls.put(RawRequest("POST", self.path, {}, headers, body, datetime.now(UTC)))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        self.server.shutdown()
        self.server.server_close()


class LoopbackIo:
    """The real HTTP client behind the real guard, with loopback allowed."""

    def __init__(self, url: str) -> None:
        self.guard = Guard(["127.0.0.0/8"])
        self.wire = GuardedHttp(self.guard)
        self.http: Http = self.wire
        self.url = url
        self.files: dict[UUID, Content] = {}

    async def resolve(self, host: str, port: int) -> Stream:
        """Check an address."""
        return await self.guard.resolve(host, port)

    async def file(self, file_id: UUID) -> Content:
        """Return a stored file."""
        return self.files[file_id]

    def platform_url(self, name: str, default: str) -> str:
        """Lead every platform to the sandbox."""
        return self.url


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox that ends with the test."""
    running = Sandbox()
    yield running
    running.close()


@pytest.fixture
def door() -> Iterator[Door]:
    """A webhook address that ends with the test."""
    listening = Door()
    yield listening
    listening.close()


@pytest.fixture
async def io(sandbox: Sandbox) -> AsyncIterator[LoopbackIo]:
    """The way to the sandbox."""
    made = LoopbackIo(sandbox.url)
    yield made
    await made.wire.aclose()
    made.guard.close()


@pytest.fixture
def channel(sandbox: Sandbox, door: Door, io: LoopbackIo) -> CustomChannel:
    """A partner system whose customer is Ann."""
    link = sandbox.post("/sandbox/custom", id="shop", secret=SECRET, webhook_url=door.url)
    sandbox.post(
        "/sandbox/customers", id="ann", name="Ann Lee", phone="4915112345678", email="ann@example.com"
    )
    config = CustomConfig(system_id="shop", signing_secret=SECRET, send_url=link["send_url"])
    return CustomChannel(config, io)


def play(sandbox: Sandbox, **wish: Any) -> None:
    """Ann writes."""
    sandbox.post("/sandbox/play", platform="custom", account="shop", customer="ann", **wish)


def answer(*parts: Part) -> Outbound:
    """Return a message to Ann."""
    return Outbound("shop", "ann", parts, "key-1")


async def test_messages_files_and_receipts_go_both_ways(
    sandbox: Sandbox, door: Door, channel: CustomChannel
) -> None:
    """Signed by the partner, believed by us, and the other way round."""
    assert [account.external_id for account in await channel.probe()] == ["shop"]
    key = sandbox.control.post(
        "/sandbox/media?name=a.png", content=b"PNG", headers={"content-type": "image/png"}
    )
    play(sandbox, text="look 👀", type="image", file=key.json()["key"])
    request = await asyncio.to_thread(door.calls.get, True, 10)
    channel.verify(request)
    (fact,) = channel.parse(request)
    assert isinstance(fact, MessageReceived)
    assert fact.sender.claims[0] == Claim("custom:shop", "ann")
    assert Claim("phone", "+4915112345678", verified=False) in fact.sender.claims
    words, picture = fact.parts
    assert words == Text("look 👀")
    assert isinstance(picture, Image)
    assert picture.source is not None
    assert (await channel.fetch_media("shop", picture.source)).data == b"PNG"
    sent = await channel.send(answer(Text("nice")))
    (entry,) = sandbox.ledger()
    assert (entry["id"], entry["text"], entry["to"]) == (sent.external_id, "nice", "ann")
    receipt = await asyncio.to_thread(door.calls.get, True, 10)
    channel.verify(receipt)
    (arrived,) = channel.parse(receipt)
    assert isinstance(arrived, ReceiptReceived)
    assert (arrived.external_id, arrived.status) == (sent.external_id, "delivered")


async def test_an_answer_names_what_it_answers(sandbox: Sandbox, door: Door, channel: CustomChannel) -> None:
    """On the phone "reply" is offered here too."""
    play(sandbox, text="and this one?", reply_to="m-1", location={"latitude": 31.2, "longitude": 121.4})
    (fact,) = channel.parse(await asyncio.to_thread(door.calls.get, True, 10))
    assert isinstance(fact, MessageReceived)
    assert fact.reply_to == "m-1"
    assert [type(part).__name__ for part in fact.parts] == ["Text", "Location"]


async def test_failures_are_told_apart_on_the_wire(
    sandbox: Sandbox, channel: CustomChannel, io: LoopbackIo
) -> None:
    """A busy partner, a silent one, a person it doesn't know, a secret that doesn't fit."""
    wanted: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"kind": "error", "code": 503}, Retry),
        ({"kind": "http", "code": 429}, Retry),
        ({"kind": "drop_after"}, InDoubt),
    ]
    for fault, outcome in wanted:
        sandbox.post("/sandbox/faults", platform="custom", **fault)
        with pytest.raises(outcome):
            await channel.send(answer(Text("x")))
    with pytest.raises(Refused, match="no such customer"):
        await channel.send(Outbound("shop", "nobody", [Text("x")], "key-2"))
    url = f"{sandbox.url}/custom/shop/messages"
    wrong = CustomChannel(CustomConfig(system_id="shop", signing_secret="not-that-secret", send_url=url), io)
    with pytest.raises(Reauthorise):
        await wrong.probe()


async def test_a_private_address_is_refused_by_the_guard(sandbox: Sandbox, io: LoopbackIo) -> None:
    """Tenants name the address for answers, so it must not lead inside."""
    io.http = GuardedHttp(Guard())
    url = f"{sandbox.url}/custom/shop/messages"
    with pytest.raises(Refused, match="private"):
        await CustomChannel(CustomConfig(system_id="shop", signing_secret=SECRET, send_url=url), io).probe()
