"""The built front end: the agents' page for every address it routes itself, and the widget's script."""

import mimetypes
from pathlib import Path

from switchboard.app.config import Settings
from switchboard.app.door import Receive, Scope, Send

ROOT = Path(__file__).parent.parent / "static"
_KINDS = mimetypes.MimeTypes()
CSP = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'; font-src 'self' data:; connect-src 'self' ws: wss:; "
    "frame-src 'self' blob: data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)


def is_built(root: Path = ROOT) -> bool:
    """Tell whether the front end is there to be served."""
    return (root / "workspace" / "index.html").is_file()


NOT_BUILT = "The front end is not built: run `make setup`. 前端尚未构建：请运行 make setup。".encode()


class Pages:
    """Serves files under `static/workspace`; unknown addresses get index.html: the page routes by itself."""

    def __init__(self, settings: Settings, root: Path = ROOT) -> None:
        self._settings = settings
        self._root = root
        self._cache: dict[Path, tuple[float, bytes]] = {}

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        path = scope["path"]
        if scope["method"] not in ("GET", "HEAD"):
            await self._send(send, 405, b"Only GET and HEAD.", "text/plain", "no-store")
            return
        if path == "/widget.js":
            await self._file(send, self._root / "widget" / "widget.js", "public, max-age=300", frame=True)
            return
        file = self._inside(path)
        if file is not None:
            lasting = (
                "public, max-age=31536000, immutable"
                if path.startswith("/assets/")
                else "public, max-age=300"
            )
            await self._file(send, file, lasting)
        elif path.startswith("/assets/"):
            await self._send(send, 404, b"not found", "text/plain", "no-store")
        else:
            await self._file(send, self._root / "workspace" / "index.html", "no-cache")

    def _inside(self, path: str) -> Path | None:
        base = (self._root / "workspace").resolve()
        try:
            found = (base / path.lstrip("/")).resolve()
            return found if found.is_relative_to(base) and found.is_file() else None
        except (OSError, ValueError):  # too long a name, or one with a NUL: there is no such file
            return None

    async def _file(self, send: Send, file: Path, cache: str, frame: bool = False) -> None:
        try:
            changed = file.stat().st_mtime  # noqa: ASYNC240 - small local files, read once
            known = self._cache.get(file)
            if known is None or known[0] != changed:
                known = changed, file.read_bytes()  # noqa: ASYNC240 - as above
                self._cache[file] = known
        except OSError:
            await self._send(send, 503, NOT_BUILT, "text/plain; charset=utf-8", "no-store")
            return
        kind = _KINDS.guess_type(file.name)[0] or "application/octet-stream"
        if kind.startswith("text/") or kind == "application/javascript":
            kind += "; charset=utf-8"
        await self._send(send, 200, known[1], kind, cache, frame)

    async def _send(
        self, send: Send, status: int, body: bytes, kind: str, cache: str, frame: bool = False
    ) -> None:
        headers = [
            (b"content-type", kind.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", cache.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"strict-origin-when-cross-origin"),
        ]
        if frame:
            headers += [
                (b"cross-origin-resource-policy", b"cross-origin"),
                (b"access-control-allow-origin", b"*"),
            ]
        else:
            headers.append((b"content-security-policy", CSP.encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
