"""HTTP and WebSocket clients that cost next to nothing.

The load generator shares the machine with what it measures, so its own time is taken from the product.
These speak just what is needed against a server of ours on loopback: answers with a length, unfragmented
text frames. Anything else raises.
"""

import asyncio
import base64
import os
import time
from collections.abc import Callable
from typing import cast

Answered = Callable[[int, bytes], None]
PONG = b"\x8a\x80\x00\x00\x00\x00"


class Lane(asyncio.Protocol):
    """One keep-alive HTTP connection, one request at a time."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._answered: Answered | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one only in behaviour

    def connection_lost(self, exc: Exception | None) -> None:
        answered, self._answered = self._answered, None
        if answered is not None:
            answered(0, repr(exc).encode())

    def send(self, request: bytes, answered: Answered) -> None:
        """Write a request; `answered` gets the status (0: connection lost) and the body."""
        assert self.transport is not None
        assert self._answered is None
        self._answered = answered
        self.transport.write(request)

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Write a request and wait for its answer."""
        done: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self.send(request, lambda status, body: done.set_result((status, body)))
        return await done

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[:end]).lower()
        place = head.find(b"content-length:")
        if place < 0:
            raise ValueError(f"an answer without a length: {head[:200]!r}")
        length = int(head[place + 15 :].split(b"\r\n", 1)[0])
        if len(self._buffer) < end + 4 + length:
            return
        body = bytes(self._buffer[end + 4 : end + 4 + length])
        del self._buffer[: end + 4 + length]
        answered, self._answered = self._answered, None
        if answered is not None:
            answered(int(head[9:12]), body)


class Socket(asyncio.Protocol):
    """One WebSocket; `heard` gets every text frame's bytes with the time they came."""

    def __init__(self, path: str, host: str, heard: Callable[[bytes, float], None]) -> None:
        self._path, self._host, self._heard = path, host, heard
        self._buffer = bytearray()
        self._open = False
        self.transport: asyncio.Transport | None = None
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one only in behaviour
        key = base64.b64encode(os.urandom(16)).decode()
        self.transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = self.closed or repr(exc)
        if not self.opened.done():
            self.opened.set_exception(ConnectionError(f"refused: {bytes(self._buffer[:200])!r} {exc!r}"))

    def say(self, text: bytes) -> None:
        """Send a text frame (masked with zeros, which leaves it as it is)."""
        assert self.transport is not None
        size = len(text)
        head = bytes([0x81, 0x80 | size]) if size < 126 else b"\x81\xfe" + size.to_bytes(2, "big")
        self.transport.write(head + b"\0\0\0\0" + text)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self._buffer += data
        if not self._open:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if not self._buffer.startswith(b"HTTP/1.1 101"):
                assert self.transport is not None
                self.transport.close()
                return
            del self._buffer[: end + 4]
            self._open = True
            self.opened.set_result(None)
        while (frame := self._frame()) is not None:
            self._take(*frame, now)

    def _frame(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1], 2
        if size == 126:
            size, start = int.from_bytes(buffer[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(buffer[2:10], "big"), 10
        if len(buffer) < start + size:
            return None
        frame = buffer[0], bytes(buffer[start : start + size])
        del buffer[: start + size]
        return frame

    def _take(self, head: int, payload: bytes, now: float) -> None:
        if head == 0x81:
            self._heard(payload, now)
        elif head == 0x89:
            assert self.transport is not None
            self.transport.write(
                PONG if not payload else bytes([0x8A, 0x80 | len(payload), 0, 0, 0, 0]) + payload
            )
        elif head == 0x88:
            self.closed = repr(payload)
        else:
            raise ValueError(f"a frame that none of ours is: {head:#x}")


async def open_lane(port: int, host: str = "127.0.0.1") -> Lane:
    """Connect a lane."""
    _, lane = await asyncio.get_running_loop().create_connection(Lane, host, port)
    return lane


async def open_socket(
    path: str, port: int, heard: Callable[[bytes, float], None], source: str = "127.0.0.1"
) -> Socket:
    """Connect a WebSocket from one of the loopback addresses; raises ConnectionError when it is refused."""
    _, socket = await asyncio.get_running_loop().create_connection(
        lambda: Socket(path, f"127.0.0.1:{port}", heard), "127.0.0.1", port, local_addr=(source, 0)
    )
    async with asyncio.timeout(30):
        await socket.opened
    return socket
