"""The network between a phone and the server, which a test can break."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class Line:
    """Passes TCP on. `down`: nobody gets through; `deaf`: what the server says no longer arrives."""

    def __init__(self, target: str) -> None:
        self.url = ""
        self.down = False
        self.deaf = False
        self._target = urlsplit(target)
        self._open: set[asyncio.StreamWriter] = set()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on until either side leaves."""
        if self.down:
            # Only when something was asked: Node's WebSocket does not notice an earlier end.
            await reader.read(1)
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection(self._target.hostname, self._target.port)
        mine = {writer, back}
        self._open |= mine
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass(reader, back, spoken=False))
                both.create_task(self._pass(there, writer, spoken=True))
        except* OSError:
            pass
        finally:
            self._open -= mine
            for one in mine:
                one.transport.abort()

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, spoken: bool) -> None:
        while data := await source.read(65536):
            if not (spoken and self.deaf):
                sink.write(data)
                await sink.drain()
        sink.transport.abort()

    def cut(self) -> None:
        """Break what is open, and let nobody through until `mend`."""
        self.down = True
        for one in self._open:
            one.transport.abort()

    def mend(self) -> None:
        """Let everybody through again, and everything."""
        self.down = self.deaf = False


@asynccontextmanager
async def line_to(target: str) -> AsyncIterator[Line]:
    """A line on a free port, until the end of the block."""
    line = Line(target)
    server = await asyncio.start_server(line.connected, "127.0.0.1", 0)
    line.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield line
    finally:
        server.close()
        line.cut()
        await asyncio.sleep(0)
