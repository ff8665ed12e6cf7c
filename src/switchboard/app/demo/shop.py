"""The demo's shop: a page of its own with the widget on it, under /demo-shop/zh/ and /demo-shop/en/."""

import mimetypes
from pathlib import Path

from switchboard.app.door import Receive, Scope, Send, answer
from switchboard.channels.api import Reply

ROOT = Path(__file__).parent.parent / "demo_site"
PREFIX = "/demo-shop/"
MARK = b"{{WIDGET_SCRIPT}}"


class Shop:
    """An ASGI application over the shop's few files, read once."""

    def __init__(self, script: str) -> None:
        self._pages: dict[str, tuple[bytes, str]] = {}
        for file in sorted(ROOT.rglob("*")):
            if file.is_file():
                kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
                kind += "; charset=utf-8" if kind.startswith("text/") else ""
                path = file.relative_to(ROOT).as_posix().removesuffix("index.html")
                self._pages[path] = file.read_bytes().replace(MARK, script.encode()), kind

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(PREFIX)
        if path in ("", "zh", "en"):
            location = f"{PREFIX}{path or 'zh'}/".encode()
            await send({"type": "http.response.start", "status": 307, "headers": [(b"location", location)]})
            await send({"type": "http.response.body", "body": b""})
        elif path in self._pages:
            body, kind = self._pages[path]
            await answer(send, Reply(200, body, kind))
        else:
            await answer(send, Reply(404, b"not found"))
