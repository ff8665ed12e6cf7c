"""A running sandbox and a stand-in for the product's webhook address, both on loopback."""

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import uvicorn

from switchboard.sandbox.app import Sandbox
from switchboard.sandbox.config import Config

FAST = Config(
    retry_first_seconds=0.02, retry_longest_seconds=0.1, retry_attempts=8, receipt_delay_seconds=0.01
)


class Running:
    """A sandbox in a thread, and a client for its control API."""

    def __init__(self, config: Config) -> None:
        self.app = Sandbox(config)
        self._server = uvicorn.Server(
            uvicorn.Config(
                self.app,
                host="127.0.0.1",
                port=0,
                log_level="error",
                timeout_graceful_shutdown=1,
                lifespan="on",
            )
        )
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        until = time.monotonic() + 10
        while not self._server.started and time.monotonic() < until:
            time.sleep(0.01)
        assert self._server.started
        self.http = httpx.Client(base_url=self.url, trust_env=False, timeout=20)

    def _run(self) -> None:
        asyncio.run(self._server.serve([self._socket]))

    def close(self) -> None:
        self.http.close()
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self.http.post(path, json=body)
        assert answer.status_code in {200, 201}, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def get(self, path: str) -> dict[str, Any]:
        answer = self.http.get(path)
        assert answer.status_code == 200, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def play(self, account: dict[str, Any], customer: str, **wish: Any) -> list[str]:
        body = {"platform": account["platform"], "account": account["id"], "customer": customer, **wish}
        ids: list[str] = self.post("/sandbox/play", **body)["ids"]
        return ids

    def upload(self, name: str, content: bytes, kind: str) -> str:
        answer = self.http.post(
            f"/sandbox/media?name={name}", content=content, headers={"content-type": kind}
        )
        key: str = answer.json()["key"]
        return key

    def ledger(self, since: int = 0) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.get(f"/sandbox/ledger?since={since}")["items"]
        return items

    def bubbles(self, account: dict[str, Any], peer: str, business: str = "") -> list[dict[str, Any]]:
        key = ":".join(filter(None, (account["platform"], account["id"], business, peer)))
        found: list[dict[str, Any]] = self.get(f"/sandbox/chats/{key}/bubbles")["bubbles"]
        return found


class Hook:
    """The product's webhook address: keeps what arrives, answers what it is told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        """Statuses of the next answers; then 200."""
        self.body = b"{}"
        """What is answered to a POST; some platforms read it."""
        self.paths: list[str] = []
        """Of the calls, with their queries."""
        hook = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"  # closes each connection, so that none outlives its test

            def do_GET(self) -> None:
                query = parse_qs(urlsplit(self.path).query)
                right = query.get("hub.verify_token") == ["right"]
                self._answer(
                    200 if right else 403, query.get("hub.challenge", [""])[0].encode() if right else b"no"
                )

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                hook.paths.append(self.path)
                status = hook.answers.pop(0) if hook.answers else 200
                hook.calls.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self._answer(status, hook.body)

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.calls]

    def wait(
        self, good: Callable[[list[dict[str, Any]]], object], seconds: float = 5
    ) -> list[dict[str, Any]]:
        """Bodies as soon as they satisfy `good`."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if good(self.bodies()):
                return self.bodies()
            time.sleep(0.01)
        raise AssertionError(f"not seen in {seconds} s: {self.bodies()}")


@pytest.fixture
def sandbox() -> Iterator[Running]:
    running = Running(FAST)
    yield running
    running.close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.close()


@pytest.fixture
def process() -> Iterator[dict[str, Any]]:
    """`python -m switchboard.sandbox` with its ready line."""
    child = subprocess.Popen(
        [sys.executable, "-m", "switchboard.sandbox", "--port", "0", "--seed"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    ready: dict[str, Any] = json.loads(child.stdout.readline())
    yield ready
    child.terminate()
    child.wait(10)
    child.stdout.close()
