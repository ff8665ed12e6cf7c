"""A small ASGI router.

The platforms' paths (`/bot<token>/<method>`, `/v23.0/<id>/messages`) do not split at slashes the way a web
framework's parameters do, and a fault must be able to cut the connection: so routes are regular expressions.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from multipart import (  # type: ignore[import-untyped]  # publishes no types
    MultipartError,
    MultipartParser,
    parse_options_header,
)

JSON_TYPE = "application/json; charset=utf-8"

Json = dict[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY_LIMIT = 110 * 1024 * 1024  # the largest document that WhatsApp takes is 100 MB


class Upload(msgspec.Struct, frozen=True):
    """One file of a multipart form."""

    name: str
    content_type: str
    content: bytes


class Refused(Exception):
    """A request to the sandbox's own API that cannot be served; the text is meant for a person."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class NotMine(Exception):
    """Raised by a handler before it has done anything: another with the same path may serve the request."""


class Request:
    """What arrived; the body is already read."""

    def __init__(self, scope: Scope, body: bytes) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: dict[str, str] = {
            k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]
        }
        self.query: dict[str, str] = dict(
            parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        )
        self.scheme: str = scope.get("scheme", "http")
        self.body = body

    @property
    def origin(self) -> str:
        """The address under which this client reached us, for links in answers."""
        host = self.headers.get("host", "127.0.0.1")
        return f"{self.scheme}://{host}"

    @property
    def bearer(self) -> str:
        """The access token, from the header or, as the Graph API allows, from the query."""
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if kind.lower() == "bearer" else self.query.get("access_token", "")

    def json(self) -> Json:
        """The body as a JSON object; Refused(400) when it is something else."""
        try:
            return msgspec.json.decode(self.body or b"{}", type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refused(400, f"the body is not a JSON object: {error}") from error

    def form(self) -> tuple[Json, dict[str, Upload]]:
        """Fields and files of a JSON, urlencoded or multipart body, the query's fields below them."""
        fields: Json = dict(self.query)
        files: dict[str, Upload] = {}
        kind, options = parse_options_header(self.headers.get("content-type", ""))
        if kind == "application/json":
            fields.update(self.json())
        elif kind == "multipart/form-data":
            self._read_multipart(options.get("boundary", ""), fields, files)
        elif self.body:
            fields.update(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))
        return fields, files

    def _read_multipart(self, boundary: str, fields: Json, files: dict[str, Upload]) -> None:
        try:
            parser = MultipartParser(
                BytesIO(self.body), boundary, spool_limit=BODY_LIMIT, memory_limit=BODY_LIMIT, disk_limit=0
            )
            for part in parser.parts():
                if part.filename:
                    files[part.name] = Upload(part.filename, part.content_type, part.raw)
                else:
                    fields[part.name] = part.value
        except (MultipartError, ValueError) as error:
            raise Refused(400, f"the multipart body cannot be read: {error}") from error


class Response:
    """An answer; `body` may also be a stream of chunks. `cut` closes the connection without any answer."""

    def __init__(
        self,
        body: bytes | AsyncIterator[bytes] = b"",
        *,
        status: int = 200,
        content_type: str = JSON_TYPE,
        headers: dict[str, str] | None = None,
        cut: bool = False,
    ) -> None:
        self.body = body
        self.status = status
        self.headers = {"content-type": content_type, **(headers or {})}
        self.cut = cut


def json_response(value: object, status: int = 200) -> Response:
    """`value` as JSON."""
    return Response(msgspec.json.encode(value), status=status)


Handler = Callable[..., Awaitable[Response]]


class Router:
    """Handlers by method and path; the named groups of the pattern become keyword arguments."""

    def __init__(self) -> None:
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []

    def add(self, method: str, pattern: str, handler: Handler) -> None:
        """`method` may be `*`; `{name}` in the pattern stands for one path segment."""
        expression = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
        self._routes.append((method, re.compile(expression), handler))

    def find(self, method: str, path: str) -> Iterator[tuple[Handler, dict[str, str]]]:
        """The handlers that take this request, in the order in which they were added."""
        for wanted, pattern, handler in self._routes:
            match = pattern.fullmatch(path)
            if match and wanted in {"*", method}:
                yield handler, match.groupdict()


async def read_body(receive: Receive) -> bytes | None:
    """The whole body, or nothing when it is larger than BODY_LIMIT."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(chunks)
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > BODY_LIMIT:
            return None
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


async def write(response: Response, send: Send) -> None:
    """Send the response, or cut the connection where it says so."""
    if response.cut:
        await _cut(send)
        return
    body = response.body
    headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in response.headers.items()]
    if isinstance(body, bytes):
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        return
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    async for chunk in body:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _cut(send: Send) -> None:
    """Close the socket. ASGI has no word for it, so uvicorn's transport is taken from behind its `send`;
    under another server the answer breaks off in the middle, which leaves the client in the same doubt."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"64")]})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})
    raise ConnectionAbortedError("the answer was cut, as asked")
