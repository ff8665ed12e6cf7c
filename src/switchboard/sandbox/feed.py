"""What changed, told to every open phone page as server-sent events."""

import asyncio
from collections.abc import AsyncIterator

import msgspec

QUEUE_LIMIT = 1_000
PING_SECONDS = 15.0


class Feed:
    """A page that cannot keep up is told to load everything again."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[bytes]] = set()

    def publish(self, kind: str, **data: object) -> None:
        """Tell every page; costs nothing while none is open."""
        if not self._listeners:
            return
        frame = b"data: " + msgspec.json.encode({"type": kind, **data}) + b"\n\n"
        for queue in self._listeners:
            if queue.full():
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(b'data: {"type":"reload"}\n\n')
            else:
                queue.put_nowait(frame)

    async def listen(self) -> AsyncIterator[bytes]:
        """Frames for one page until it goes away."""
        queue: asyncio.Queue[bytes] = asyncio.Queue(QUEUE_LIMIT)
        self._listeners.add(queue)
        try:
            yield b'data: {"type":"hello"}\n\n'
            while True:
                try:
                    yield await asyncio.wait_for(queue.get(), PING_SECONDS)
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            self._listeners.discard(queue)
