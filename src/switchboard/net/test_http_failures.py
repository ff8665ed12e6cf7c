"""GuardedHttp where servers, networks and callers misbehave."""

import asyncio
import gc
import gzip
import logging
import time
import tracemalloc

import pytest

from switchboard.core.outcomes import InDoubt, Refused, Retry
from switchboard.net.guard import Guard
from switchboard.net.http import GuardedHttp
from switchboard.net.test_http import Handler, answers, going_out, hear, ok, serving

TOKEN = "s3cr3t-t0ken-in-the-path"


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await hear(reader)
    await asyncio.sleep(5)


async def drops_at_once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def drops_before_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await hear(reader)


async def drops_in_the_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await hear(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")


async def talks_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await hear(reader)
    writer.write(b"220 mail.example ESMTP\r\n")


async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await hear(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(50):
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.1)


BAD = [silent, drops_at_once, drops_before_headers, drops_in_the_body, talks_nonsense, drips]


@pytest.mark.parametrize("handler", BAD, ids=lambda handler: handler.__name__)
async def test_an_answer_that_never_came_is_in_doubt(handler: Handler) -> None:
    async with serving(handler) as port, going_out(port) as http:
        begin = time.monotonic()
        with pytest.raises(InDoubt) as doubt:
            await http.request("POST", f"http://a.example:{port}/{TOKEN}", content=b"x", timeout=0.5)
        assert time.monotonic() - begin < 2
    assert TOKEN not in str(doubt.value)
    assert "a.example" in str(doubt.value)


@pytest.mark.parametrize("handler", BAD, ids=lambda handler: handler.__name__)
async def test_asking_again_is_safe(handler: Handler) -> None:
    async with serving(handler) as port, going_out(port) as http:
        with pytest.raises(Retry):
            await http.request("GET", f"http://a.example:{port}/", timeout=0.5)


async def test_nothing_listens() -> None:
    async with serving(silent) as port:
        pass
    async with going_out(port) as http:
        with pytest.raises(Retry, match="refused"):
            await http.request("POST", f"http://a.example:{port}/", content=b"x")


async def test_a_closed_kept_connection_is_not_used_again() -> None:
    """Otherwise every send after a pause would be in doubt."""
    async with serving(answers(ok(b"x"))) as port, going_out(port) as http:
        for _ in range(3):
            await http.request("POST", f"http://a.example:{port}/", content=b"x")
            await asyncio.sleep(0.05)


async def test_tls_that_fails_is_surely_not_delivered() -> None:
    async def greets(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")

    async with serving(greets) as port, going_out(port) as http:
        with pytest.raises(Retry, match="TLS failed"):
            await http.request("POST", f"https://a.example:{port}/", content=b"x", timeout=5)
    async with serving(silent) as port, going_out(port) as http:
        with pytest.raises(Retry, match="in time"):
            await http.request("POST", f"https://a.example:{port}/", content=b"x", timeout=0.2)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await http.request("POST", f"https://a.example:{port}/", content=b"x", timeout=5)
    gc.collect()  # a socket left open would be told here


async def test_a_huge_answer_is_cut_off() -> None:
    sent = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await hear(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while sent < 50_000_000:
            writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            await writer.drain()
            sent += 65536

    async with serving(handler) as port, going_out(port) as http:
        with pytest.raises(Refused, match="larger than 100000 bytes"):
            await http.request("GET", f"http://a.example:{port}/", max_bytes=100_000)
        with pytest.raises(InDoubt, match="larger than 100000 bytes"):
            await http.request("POST", f"http://a.example:{port}/", max_bytes=100_000)
    assert sent < 20_000_000


async def test_inflates_within_the_limit() -> None:
    small, bomb = gzip.compress(b"x" * 1000), gzip.compress(b"\0" * 30_000_000)
    async with serving(answers(ok(small, "Content-Encoding: gzip"))) as port, going_out(port) as http:
        assert (await http.request("GET", f"http://a.example:{port}/")).body == b"x" * 1000
    async with serving(answers(ok(bomb, "Content-Encoding: gzip"))) as port, going_out(port) as http:
        tracemalloc.start()
        with pytest.raises(Refused, match="larger"):
            await http.request("GET", f"http://a.example:{port}/", max_bytes=1_000_000)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 8_000_000
    async with serving(answers(ok(b"?", "Content-Encoding: br"))) as port, going_out(port) as http:
        with pytest.raises(InDoubt):
            await http.request("POST", f"http://a.example:{port}/")


async def test_exactly_the_limit_is_fine() -> None:
    async with serving(answers(ok(b"x" * 1000))) as port, going_out(port) as http:
        assert len((await http.request("GET", f"http://a.example:{port}/", max_bytes=1000)).body) == 1000


@pytest.mark.parametrize(
    ("url", "header"),
    [
        ("ftp://a.example/", ""),
        ("file:///etc/passwd", ""),
        ("http://user:pass@a.example/", ""),
        ("http:///x", ""),
        ("http://a.example:99999/", ""),
        ("http://a.example/", f"{TOKEN}\r\nX: y"),
        ("http://a.example/", f"{TOKEN}–"),
    ],
)
async def test_what_cannot_be_written_is_refused(
    url: str, header: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(silent) as port, going_out(port) as http:
        if header:
            url = f"http://a.example:{port}/"
        with pytest.raises(Refused) as refusal, caplog.at_level(logging.DEBUG):
            await http.request("POST", url, headers={"X-Key": header} if header else None)
    assert refusal.value.code != "address"  # found out before the guard had to
    assert TOKEN not in str(refusal.value) + caplog.text


async def test_logs_hold_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(answers(ok(b"", "X-Token: " + TOKEN))) as port, going_out(port) as http:
        await http.request("POST", f"http://a.example:{port}/{TOKEN}", headers={"Authorization": TOKEN})
    assert TOKEN not in caplog.text


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(silent) as proxy, serving(answers(ok(b"direct"))) as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy}")
        async with going_out(port) as http:
            assert (await http.request("GET", f"http://a.example:{port}/", timeout=2)).body == b"direct"


async def test_a_caller_that_gives_up_frees_the_connection() -> None:
    async with serving(silent) as port:
        guard = Guard([f"127.0.0.1:{port}"])
        http = GuardedHttp(guard, connections=1)
        for _ in range(2):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await http.request("POST", f"http://127.0.0.1:{port}/", timeout=5)
        with pytest.raises(InDoubt):
            await http.request("POST", f"http://127.0.0.1:{port}/", timeout=0.2)
        await http.aclose()
