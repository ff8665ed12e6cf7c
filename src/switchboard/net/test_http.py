"""GuardedHttp against real servers on loopback, good and bad."""

import asyncio
import contextlib
import datetime
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import ip_address
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from switchboard.core.outcomes import Refused, Retry
from switchboard.net.guard import BLOCKED, Guard
from switchboard.net.http import GuardedHttp

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Heard(msgspec.Struct):
    """One request as a server saw it."""

    line: str
    headers: dict[str, str]
    body: bytes


async def hear(reader: asyncio.StreamReader) -> Heard:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rows = head.strip().split("\r\n")
    headers = {name.lower(): value for name, value in (row.split(": ", 1) for row in rows)}
    return Heard(line, headers, await reader.readexactly(int(headers.get("content-length", 0))))


@contextlib.asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Run a server on a free port; every connection is closed when its handler is done."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handler(reader, writer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)


@contextlib.asynccontextmanager
async def going_out(*ports: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[GuardedHttp]:
    """A client for which every name is loopback, allowed on the given ports only."""
    guard = Guard([f"127.0.0.1:{port}" for port in ports], resolver=lambda host, port: ["127.0.0.1"])
    http = GuardedHttp(guard, tls=tls)
    try:
        yield http
    finally:
        await http.aclose()
        guard.close()


def answers(raw: bytes, heard: list[Heard] | None = None) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await hear(reader)
        if heard is not None:
            heard.append(request)
        writer.write(raw)

    return handler


def ok(body: bytes, *headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


async def test_sends_json_and_reads_the_answer() -> None:
    heard: list[Heard] = []
    raw = b'HTTP/1.1 403 No\r\nContent-Length: 11\r\nX-Code: a\r\nX-Code: b\r\n\r\n{"ok":true}'
    async with serving(answers(raw, heard)) as port, going_out(port) as http:
        url = f"http://shop.example:{port}/bot/send?a=1"
        response = await http.request(
            "post", url, json={"text": "你好"}, params={"b": "2 3"}, headers={"X-Key": "k"}
        )
    assert (response.status, response.json()) == (403, {"ok": True})
    assert response.headers["x-code"] == "a, b"
    assert heard[0].line == "POST /bot/send?a=1&b=2+3 HTTP/1.1"
    assert heard[0].headers["host"] == f"shop.example:{port}"
    assert heard[0].headers["content-type"] == "application/json"
    assert heard[0].headers["x-key"] == "k"
    assert heard[0].body == '{"text":"你好"}'.encode()


async def test_sends_forms_and_files() -> None:
    heard: list[Heard] = []
    async with serving(answers(ok(b""), heard)) as port, going_out(port) as http:
        await http.request("POST", f"http://a.example:{port}/", form={"to": "x y"})
        picture = ("猫.png", b"\x89PNG", "image/png")
        await http.request("POST", f"http://a.example:{port}/", form={"to": "x"}, files={"photo": picture})
    assert heard[0].body == b"to=x+y"
    assert heard[1].headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'name="photo"' in heard[1].body
    assert b"Content-Type: image/png\r\n\r\n\x89PNG" in heard[1].body


async def test_keeps_connections() -> None:
    connections = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            await hear(reader)
            writer.write(ok(b"x", "Set-Cookie: a=1"))

    async with serving(handler) as port, going_out(port) as http:
        for _ in range(3):
            await http.request("GET", f"http://a.example:{port}/")
    assert connections == 1


async def test_no_cookie_of_one_customer_reaches_another() -> None:
    heard: list[Heard] = []
    async with serving(answers(ok(b"", "Set-Cookie: a=1"), heard)) as port, going_out(port) as http:
        await http.request("GET", f"http://a.example:{port}/")
        await http.request("GET", f"http://a.example:{port}/")
    assert "cookie" not in heard[1].headers


async def test_connects_to_the_address_that_was_checked() -> None:
    """A name that first points outside and then inside (DNS rebinding) is asked for once."""
    asked = 0

    def rebinding(host: str, port: int) -> list[str]:
        nonlocal asked
        asked += 1
        return ["192.0.2.1"] if asked == 1 else ["127.0.0.1"]

    async with serving(answers(ok(b"inside"))) as port:
        http = GuardedHttp(Guard(["192.0.2.0/24"], resolver=rebinding))
        with pytest.raises(Retry):  # nothing listens there, and the second answer is never used
            await http.request("GET", f"http://rebind.example:{port}/", timeout=0.3)
        assert asked == 1
        with pytest.raises(Refused) as refusal:
            await http.request("GET", f"http://rebind.example:{port}/", timeout=2)
        await http.aclose()
    assert str(refusal.value) == BLOCKED


async def test_private_targets_all_read_the_same() -> None:
    texts = set()
    http = GuardedHttp(Guard())
    for url in (
        "http://127.0.0.1:1/",
        "http://[::ffff:10.0.0.1]/",
        "http://localhost/x",
        "http://169.254.169.254/a",
    ):
        with pytest.raises(Refused) as refusal:
            await http.request("POST", url)
        texts.add(str(refusal.value))
    await http.aclose()
    assert texts == {BLOCKED}


def redirect(status: int, target: str) -> bytes:
    return f"HTTP/1.1 {status} Go\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()


async def test_a_redirect_is_checked_again() -> None:
    async with (
        serving(answers(ok(b"secret"))) as inside,
        serving(answers(redirect(302, f"http://127.0.0.1:{inside}/"))) as port,
        going_out(port) as http,
    ):
        with pytest.raises(Refused) as refusal:
            await http.request("GET", f"http://a.example:{port}/")
    assert str(refusal.value) == BLOCKED


async def test_credentials_stay_with_their_origin() -> None:
    heard: list[Heard] = []
    headers = {"Authorization": "Bearer x", "X-Viber-Auth-Token": "y", "Range": "bytes=0-3"}
    async with (
        serving(answers(ok(b"file"), heard)) as other,
        serving(answers(redirect(302, f"http://cdn.example:{other}/f"), heard)) as port,
        going_out(port, other) as http,
    ):
        response = await http.request("GET", f"http://a.example:{port}/", headers=headers)
    assert response.body == b"file"
    assert heard[0].headers["authorization"] == "Bearer x"
    assert heard[1].headers["host"] == f"cdn.example:{other}"
    assert heard[1].headers["range"] == "bytes=0-3"
    assert not {"authorization", "x-viber-auth-token"} & heard[1].headers.keys()


async def test_redirects_end() -> None:
    heard: list[Heard] = []
    async with serving(answers(redirect(302, "/again"), heard)) as port, going_out(port) as http:
        with pytest.raises(Refused, match="more than 3 redirects"):
            await http.request("GET", f"http://a.example:{port}/")
    assert len(heard) == 4


async def test_a_post_is_repeated_only_at_its_own_origin() -> None:
    heard: list[Heard] = []
    async with (
        serving(answers(ok(b""), heard)) as other,
        serving(answers(redirect(307, f"http://b.example:{other}/"), heard)) as port,
        going_out(port, other) as http,
    ):
        response = await http.request("POST", f"http://a.example:{port}/", content=b"order")
    assert (response.status, len(heard)) == (307, 1)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await hear(reader)
        heard.append(request)
        writer.write(redirect(308, "/new") if request.line.startswith("POST / ") else ok(b"done"))

    async with serving(handler) as port, going_out(port) as http:
        response = await http.request("POST", f"http://a.example:{port}/", content=b"order")
    assert response.body == b"done"
    assert heard[-1].body == b"order"


def certificate(folder: Path, name: str) -> Path:
    """Write a self-signed certificate and its key into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(pem)
    )
    return path


async def test_tls_asks_for_the_name_not_the_address(tmp_path: Path) -> None:
    pem = certificate(tmp_path, "shop.example")
    names: list[str | None] = []
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    server.sni_callback = lambda _socket, name, _context: names.append(name)
    heard: list[Heard] = []
    trusting = ssl.create_default_context(cafile=pem)
    async with (
        serving(answers(ok(b"safe"), heard), tls=server) as port,
        going_out(port, tls=trusting) as http,
    ):
        assert (await http.request("GET", f"https://shop.example:{port}/")).body == b"safe"
        with pytest.raises(Retry, match="certificate"):
            await http.request("POST", f"https://other.example:{port}/")
    assert names[0] == "shop.example"
    assert heard[0].headers["host"] == f"shop.example:{port}"
