"""HTTP through the address guard: what came back, and which of the outcomes it was when nothing did.

httpx builds the requests (encoding, multipart, addresses); httpcore, the engine beneath it, carries them on
connections that our own network backend opens. httpx's client isn't used: it shares cookies, reads proxies
from the environment and follows redirects by rules of its own.
"""

import asyncio
import logging
import ssl
import time
import zlib
from collections.abc import AsyncIterable, Iterable, Mapping
from typing import Any, Final

import httpcore
import httpx
import msgspec

from switchboard import __version__
from switchboard.core.outcomes import InDoubt, Outcome, Refused, Response, Retry
from switchboard.net.guard import Guard
from switchboard.net.metrics import observe

CONNECT_SECONDS: Final = 5.0
MAX_REDIRECTS: Final = 3
# Below the 5 s after which common servers close: a request that meets a closing connection is in doubt.
KEEPALIVE_SECONDS: Final = 4.0
# HTTP/2 says before it closes (GOAWAY), and who speaks it wants connections to be kept.
HTTP2_KEEPALIVE_SECONDS: Final = 60.0
_SAFE: Final = frozenset({"GET", "HEAD"})
_BROKEN: Final = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_KEPT_ACROSS_ORIGINS: Final = frozenset(
    {"accept", "accept-language", "accept-encoding", "range", "user-agent"}
)

# Its debug lines quote headers.
logging.getLogger("httpcore").setLevel(logging.WARNING)


class _Plain(httpcore.AsyncNetworkStream):
    """A connection before TLS. The engine's own leaks its socket when a TLS handshake is cancelled."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._inner.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        try:
            return await self._inner.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            await self._inner.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections to checked addresses only; name resolution counts towards the time to connect."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        begin = time.monotonic()
        budget = CONNECT_SECONDS if timeout is None else timeout
        target = await self._guard.resolve(host, port, timeout=budget)
        left = max(0.1, budget - (time.monotonic() - begin))
        return _Plain(
            await self._inner.connect_tcp(target.address, port, left, local_address, socket_options)
        )

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Progress:
    """How far one request got; told by the engine's trace."""

    def __init__(self) -> None:
        self.sent = False

    async def trace(self, event: str, _: Mapping[str, Any]) -> None:
        if event in ("http11.send_request_headers.started", "http2.send_request_headers.started"):
            self.sent = True


class GuardedHttp:
    """Outbound HTTP for the whole house, in the shape of `channels.api.Http`. One per process; close it.

    With `http2` it speaks HTTP/2 only, to those who ask for it: many requests share a connection there, so that one
    platform's trouble with it is nobody else's.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        tls: ssl.SSLContext | None = None,
        connections: int = 500,
        http2: bool = False,
    ) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls or httpx.create_ssl_context(),
            max_connections=connections,
            max_keepalive_connections=connections // 2,
            keepalive_expiry=HTTP2_KEEPALIVE_SECONDS if http2 else KEEPALIVE_SECONDS,
            http1=not http2,
            http2=http2,
            network_backend=_GuardedBackend(guard),
        )

    async def aclose(self) -> None:
        """Close the pooled connections."""
        await self._pool.aclose()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        content: bytes | None = None,
        timeout: float = 20,
        max_bytes: int = 50_000_000,
    ) -> Response:
        """Send one request; `timeout` is for all of it, redirects and body included.

        Any answer is returned, whatever its status. Raises Retry when surely nothing was done, InDoubt when
        the request left and no whole answer came (Retry for GET and HEAD), Refused when the address isn't
        allowed or what a GET fetches is larger than `max_bytes`.
        """
        request = _build(method, url, headers, params, json, form, files, content)
        begin = time.monotonic()
        outcome = "cancelled"
        try:
            response = await self._follow(request, begin + timeout, max_bytes)
            outcome = f"{response.status // 100}xx"
            return response
        except Outcome as failure:
            outcome = type(failure).__name__.lower()
            raise
        finally:
            observe(request.url.host, outcome, time.monotonic() - begin)

    async def _follow(self, request: httpx.Request, deadline: float, max_bytes: int) -> Response:
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._once(request, deadline, max_bytes)
            further = _redirected(request, response)
            if further is None:
                return response
            request = further
        raise Refused(f"{request.url.host}: more than {MAX_REDIRECTS} redirects", code="redirect")

    async def _once(self, request: httpx.Request, deadline: float, max_bytes: int) -> Response:
        progress = _Progress()
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                return await self._exchange(request, progress, deadline, max_bytes)
        except Outcome:
            raise
        except httpcore.LocalProtocolError:  # its text would quote the header
            raise Refused(f"{request.url.host}: the request has an invalid header", code="request") from None
        except (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout) as error:
            raise Retry(f"{request.url.host}: {_why(error)}", code="connect") from None
        except (*_BROKEN, OSError) as error:  # TimeoutError among them
            raise _unanswered(request, progress, _why(error)) from None

    async def _exchange(
        self, request: httpx.Request, progress: _Progress, deadline: float, max_bytes: int
    ) -> Response:
        left = max(0.1, deadline - time.monotonic())
        wire = httpcore.Request(
            request.method,
            httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions={
                "trace": progress.trace,
                "timeout": {"connect": min(CONNECT_SECONDS, left), "read": left, "write": left, "pool": left},
            },
        )
        answer = await self._pool.handle_async_request(wire)
        try:
            headers = _lowered(answer.headers)
            body = await _read(answer, headers.get("content-encoding", ""), max_bytes)
        except _TooLarge:
            text = f"{request.url.host}: the answer is larger than {max_bytes} bytes"
            if request.method in _SAFE:
                raise Refused(text, code="size") from None
            raise InDoubt(text, code="size") from None
        except zlib.error:
            raise _unanswered(request, progress, "the answer can't be decompressed") from None
        finally:
            await answer.aclose()
        return Response(status=answer.status, headers=headers, body=body)


class _TooLarge(Exception):
    """The answer passed the caller's limit."""


def _build(
    method: str,
    url: str,
    headers: Mapping[str, str] | None,
    params: Mapping[str, str] | None,
    json: Any,
    form: Mapping[str, str] | None,
    files: Mapping[str, tuple[str, bytes, str]] | None,
    content: bytes | None,
) -> httpx.Request:
    """Return the request ready to be sent; raises Refused for an address or header that can't be written."""
    own = {"accept": "*/*", "accept-encoding": "gzip", "user-agent": f"Switchboard/{__version__}"}
    if json is not None:
        own["content-type"] = "application/json"
        content = msgspec.json.encode(json)
    try:
        address = httpx.URL(url)
        if params:
            address = address.copy_merge_params(params)
        merged = httpx.Headers(own)
        merged.update(headers)
        request = httpx.Request(
            method.upper(), address, headers=merged, content=content, data=form, files=files
        )
    except (httpx.InvalidURL, ValueError):  # UnicodeError among them; the texts quote what they refuse
        raise Refused("The address or a header of this request can't be written.", code="request") from None
    if address.scheme not in ("http", "https") or not address.host or address.userinfo:
        raise Refused("Only plain http and https addresses can be called.", code="request")
    return request


def _redirected(request: httpx.Request, response: Response) -> httpx.Request | None:
    """Return the request that a redirect asks for; None when the answer is final.

    Headers that may hold credentials stay with their origin. A body is sent again only to the same origin and
    only for 307 and 308; any other redirect of a POST is an answer for the caller to read.
    """
    target = response.headers.get("location", "")
    if response.status not in _REDIRECTS or not target:
        return None
    try:
        address = request.url.join(target)
    except (httpx.InvalidURL, ValueError):
        raise Refused(f"{request.url.host}: redirect to an unreadable address", code="redirect") from None
    old = request.url
    same = (address.scheme, address.host, address.port) == (old.scheme, old.host, old.port)
    if request.method not in _SAFE and not (same and response.status in (307, 308)):
        return None
    if address.scheme not in ("http", "https") or address.userinfo or not address.host:
        raise Refused(f"{request.url.host}: redirect to an address that can't be used", code="redirect")
    if request.url.scheme == "https" and address.scheme != "https":
        raise Refused(f"{request.url.host}: redirect from https to http", code="redirect")
    kept = {name: value for name, value in request.headers.items() if same or name in _KEPT_ACROSS_ORIGINS}
    if request.method in _SAFE:
        return httpx.Request(request.method, address, headers=kept)
    return httpx.Request(request.method, address, headers=kept, stream=request.stream)


def _unanswered(request: httpx.Request, progress: _Progress, why: str) -> Outcome:
    text = f"{request.url.host}: {why}"
    if progress.sent and request.method not in _SAFE:
        return InDoubt(text, code="no_answer")
    return Retry(text, code="no_answer")


def _why(error: BaseException) -> str:
    """Return our own words for the engine's error; its own text may quote what was sent."""
    match error:
        case httpcore.PoolTimeout():
            return "no connection was free"
        case httpcore.ConnectTimeout():
            return "no connection in time"
        case httpcore.ConnectError():
            if isinstance(error.__context__, ssl.SSLCertVerificationError):
                return "the TLS certificate isn't valid for this host"
            return (
                "TLS failed" if isinstance(error.__context__, ssl.SSLError) else "the connection was refused"
            )
        case TimeoutError() | httpcore.TimeoutException():
            return "no answer in time"
        case httpcore.ProtocolError():
            return "the connection was closed or the answer isn't HTTP"
        case _:
            return "the connection broke"


def _lowered(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers by lower-case name; repeated ones are joined by a comma (RFC 9110, 5.3)."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


async def _read(answer: httpcore.Response, encoding: str, max_bytes: int) -> bytes:
    """Return the decoded body; raises _TooLarge past the limit, zlib.error for what we can't decode."""
    stream = answer.stream
    assert isinstance(stream, AsyncIterable)
    coding = encoding.strip().lower()
    if coding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise zlib.error("not asked for")
    inflate = zlib.decompressobj(wbits=47) if coding not in ("", "identity") else None
    body = bytearray()
    async for chunk in stream:
        body += inflate.decompress(chunk, max_bytes + 1 - len(body)) if inflate else chunk
        if len(body) > max_bytes:
            raise _TooLarge
    return bytes(body)
