"""The door of files: plain ASGI; answers GET and HEAD for signed links, shows inline only what is safe."""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote
from uuid import UUID

from switchboard.blobs.content import is_inline
from switchboard.blobs.links import Signer
from switchboard.blobs.store import Blobs, StoredFile

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Lookup = Callable[[UUID, UUID], Awaitable[StoredFile | None]]
"""Workspace and file to its row; None when there is none."""

_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_CLOSED: Final = "default-src 'none'; sandbox"
# A browser wraps a picture or video opened by itself into a page of its own making, which needs these.
_SHOWN: Final = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox"
# Chromium doesn't show PDF in a sandbox; its viewer is one of its own.
_PDF: Final = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'"
_SAFE: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "cross-origin",  # the widget shows pictures on its host's pages
    "accept-ranges": "bytes",
}


class FileDoor:
    """An ASGI application for everything under `/files/`."""

    def __init__(self, signer: Signer, blobs: Blobs, lookup: Lookup) -> None:
        self._signer = signer
        self._blobs = blobs
        self._lookup = lookup

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["method"] not in ("GET", "HEAD"):
            await _say(send, 405, "Only GET and HEAD.", {"allow": "GET, HEAD"})
            return
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        checked = self._signer.check(scope["path"], query)
        if checked is None:
            await _say(send, 403, "This link is not valid, or not any more.")
            return
        workspace, file_id, left = checked
        row = await self._lookup(workspace, file_id)
        if row is None:
            await _say(send, 404, "This file is gone.")
            return
        await self._answer(scope, send, row, left)

    async def _answer(self, scope: Scope, send: Send, row: StoredFile, left: int) -> None:
        asked = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        headers = _headers(row, left)
        if _matches(asked.get("if-none-match", ""), headers["etag"]):
            await _start(send, 304, headers)
            await send({"type": "http.response.body", "body": b""})
            return
        part = _part(asked, row.size, headers["etag"])
        if part is None:
            await _say(send, 416, "There is no such part.", {"content-range": f"bytes */{row.size}"})
            return
        start, end, whole = part
        if not whole:
            headers["content-range"] = f"bytes {start}-{end - 1}/{row.size}"
        status = 200 if whole else 206
        headers["content-length"] = str(end - start)
        headers["content-type"] = _content_type(row.mime)
        if scope["method"] == "HEAD":
            await _start(send, status, headers)
            await send({"type": "http.response.body", "body": b""})
            return
        await self._stream(send, row, start, end, status, headers)

    async def _stream(
        self, send: Send, row: StoredFile, start: int, end: int, status: int, headers: dict[str, str]
    ) -> None:
        try:
            chunks = await self._blobs.open(row.path, start, end)
        except FileNotFoundError:
            await _say(send, 404, "This file is gone.")
            return
        await _start(send, status, headers)
        async for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def _content_type(mime: str) -> str:
    return mime + "; charset=utf-8" if mime.startswith("text/") and ";" not in mime else mime


def _headers(row: StoredFile, left: int) -> dict[str, str]:
    inline = is_inline(row.mime)
    ascii_name = (
        "".join(one if " " <= one <= "~" and one not in '"\\%' else "_" for one in row.name) or "file"
    )
    kind = "inline" if inline else "attachment"
    policy = _CLOSED if not inline else _PDF if row.mime == "application/pdf" else _SHOWN
    named = quote(row.name.encode("utf-8", "replace"), safe="")
    return {
        **_SAFE,
        "etag": f'"{row.sha256.hex()[:32]}"',
        "cache-control": f"private, max-age={left}, immutable",
        "content-disposition": f"{kind}; filename=\"{ascii_name}\"; filename*=UTF-8''{named}",
        "content-security-policy": policy,
    }


def _matches(asked: str, etag: str) -> bool:
    """Compare weakly, as If-None-Match wants (RFC 9110, 13.1.2)."""
    return any(one.strip().removeprefix("W/") in (etag, "*") for one in asked.split(","))


def _part(asked: dict[str, str], size: int, etag: str) -> tuple[int, int, bool] | None:
    """Return the bytes to send as [start, end) and whether that is all; None when the part lies outside.

    Several parts, other units, nonsense and a part of an older version get the whole (RFC 9110, 14.2).
    """
    match = _RANGE.fullmatch(asked.get("range", ""))
    if match is None or asked.get("if-range", etag) != etag or not (match[1] or match[2]):
        return 0, size, True
    if not match[1]:
        length = min(int(match[2]), size)
        return (size - length, size, False) if length else None
    start = int(match[1])
    end = min(int(match[2]) + 1, size) if match[2] else size
    if match[2] and int(match[2]) < start:
        return 0, size, True
    return (start, end, False) if start < size else None


async def _start(send: Send, status: int, headers: dict[str, str]) -> None:
    raw = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def _say(send: Send, status: int, text: str, headers: dict[str, str] | None = None) -> None:
    body = text.encode()
    told = {
        "content-type": "text/plain; charset=utf-8",
        "content-length": str(len(body)),
        "content-security-policy": _CLOSED,
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
        **(headers or {}),
    }
    await _start(send, status, told)
    await send({"type": "http.response.body", "body": body})
