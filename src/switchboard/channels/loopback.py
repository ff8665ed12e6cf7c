"""For tests of adapters against the sandbox: its process, a webhook address of ours, and the way between them.

The fixtures `sandbox`, `door` and `io` are there for every adapter's tests (`channels/conftest.py`).
"""

import asyncio
import json
import queue
import subprocess
import sys
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import httpx

from switchboard.channels.api import (
    Acks,
    BadSignature,
    Challenges,
    Content,
    Converses,
    Http,
    Inbound,
    Part,
    Prepares,
    RawRequest,
    Reply,
    Stream,
)
from switchboard.channels.contract_io import KeptTokens
from switchboard.net import Guard, GuardedHttp


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
    """Our webhook address, as far as keeping what arrives; with `channel` set it verifies, answers challenges and acknowledges."""

    def __init__(self) -> None:
        self.calls: queue.Queue[RawRequest] = queue.Queue()
        self.refused = 0
        self.channel: Any = None
        """An adapter, whichever optional members it has."""
        self.loop: asyncio.AbstractEventLoop | None = None
        self.says: list[Part] = []
        """What agents have said since the last turn of a voice skill."""
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.say(door.take("GET", self.path, dict(self.headers.items()), b""))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                self.say(door.take("POST", self.path, dict(self.headers.items()), body))

            def say(self, reply: Reply) -> None:
                self.send_response(reply.status)
                self.send_header("content-type", reply.content_type)
                self.send_header("content-length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.root = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.url = f"{self.root}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def take(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        """Do what the product's door does with one request."""
        query = dict(parse_qsl(urlsplit(path).query, keep_blank_values=True))
        named = {name.lower(): value for name, value in headers.items()}
        request = RawRequest(method, f"{self.root}{path}", query, named, body, datetime.now(UTC))
        try:
            if self.channel is not None and method == "GET":
                return self.channel.challenge(request) if isinstance(self.channel, Challenges) else Reply(405)
            if isinstance(self.channel, Prepares):
                assert self.loop is not None, (
                    "door.loop: the test's loop, in which the adapter's HTTP client lives"
                )
                asyncio.run_coroutine_threadsafe(self.channel.prepare(request), self.loop).result(10)
            if self.channel is not None:
                self.channel.verify(request)
        except BadSignature:
            self.refused += 1
            return Reply(401, b"bad signature")
        self.calls.put(request)
        if isinstance(self.channel, Converses):
            return self.channel.converse(request, self.says)
        return self.channel.ack(request) if isinstance(self.channel, Acks) else Reply()

    def facts(self, seconds: float = 10) -> list[Inbound]:
        """Return what the next call says, as `channel` reads it; raises queue.Empty when none comes."""
        found: list[Inbound] = self.channel.parse(self.calls.get(timeout=seconds))
        return found

    def close(self) -> None:
        """Listen no more."""
        self.server.shutdown()
        self.server.server_close()


class LoopbackIo(KeptTokens):
    """The real HTTP client behind the real guard, with loopback allowed."""

    def __init__(self, url: str) -> None:
        super().__init__()
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

    def platform_url(self, name: str, default: str) -> str:  # noqa: ARG002 (the shape is the protocol's)
        """Lead every platform to the sandbox."""
        return self.url
