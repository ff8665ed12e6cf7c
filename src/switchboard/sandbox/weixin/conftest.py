"""A callback address that keeps what arrives with its query, and a way for client libraries to the sandbox."""

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter

Query = dict[str, str]


class Callback:
    """Keeps (query, body) of each call; answers what it is told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[Query, bytes]] = []
        self.answers: list[Callable[[Query, bytes], tuple[int, bytes]]] = []
        """Makers of the next answers; then 200 and `success`."""
        self.echo: Callable[[Query], str] = lambda query: query["echostr"]
        callback = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"  # closes each connection, so that none outlives its test

            def do_GET(self) -> None:
                try:
                    self._answer(200, callback.echo(self._query()).encode())
                except Exception:  # noqa: BLE001 (whatever a library raises on a bad signature)
                    self._answer(403, b"no")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                make = callback.answers.pop(0) if callback.answers else lambda *_: (200, b"success")
                status, answer = make(self._query(), body)
                callback.calls.append((self._query(), body))
                self._answer(status, answer)

            def _query(self) -> Query:
                return dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))

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

    def wait(self, count: int, seconds: float = 5) -> list[tuple[Query, bytes]]:
        """The calls as soon as there are so many."""
        until = time.monotonic() + seconds
        while len(self.calls) < count and time.monotonic() < until:
            time.sleep(0.01)
        assert len(self.calls) >= count, f"{len(self.calls)} of {count} in {seconds} s"
        return self.calls


class Detour(HTTPAdapter):
    """Leads requests for Tencent's hosts to the sandbox; the libraries have their addresses built in."""

    def __init__(self, sandbox: str) -> None:
        self._sandbox = sandbox
        super().__init__()

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        parts = urlsplit(request.url)
        request.url = f"{self._sandbox}{parts.path}?{parts.query}"
        kwargs["proxies"] = {}
        return super().send(request, *args, **kwargs)


def detour(session: requests.Session, sandbox: str) -> None:
    """Make this session speak to the sandbox."""
    session.trust_env = False
    for host in ("https://api.weixin.qq.com", "https://qyapi.weixin.qq.com"):
        session.mount(host, Detour(sandbox))


@pytest.fixture
def callback() -> Iterator[Callback]:
    made = Callback()
    yield made
    made.close()
