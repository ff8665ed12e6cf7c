"""Both sides of short messages: the stand-in SMSC, an Io that leads to it on loopback, and what the product does with a session."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from switchboard.channels.api import Content, Inbound, MessageReceived, Polled, Retry
from switchboard.channels.contract_io import KeptTokens
from switchboard.channels.sms_smpp.channel import SmppChannel
from switchboard.net.guard import Stream
from switchboard.sandbox.smsc import Settings, Smsc

__all__ = ["LoopbackIo", "Runner", "Settings", "Smsc", "eventually", "running"]


class LoopbackIo(KeptTokens):
    """Leads every name to one port of 127.0.0.1."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port
        self.http: Any = None

    async def resolve(self, host: str, port: int) -> Stream:
        """Return loopback, whatever the name."""
        del port
        return Stream(host, self.port, "127.0.0.1")

    async def file(self, file_id: object) -> Content:
        """Short messages have no files."""
        raise AssertionError(f"a short message has no file {file_id}")

    def platform_url(self, name: str, default: str) -> str:
        """Return the default: there are no base addresses."""
        return f"{default}{name}"


class Runner:
    """What the product does with a session: stores a batch, then asks for the next; cursors outlive it."""

    def __init__(self, channel: SmppChannel) -> None:
        self.channel = channel
        self.cursors: dict[str, str] = {}
        self.facts: list[Inbound] = []
        self.batches = 0
        self.storing = asyncio.Event()
        self.storing.set()
        self.news = asyncio.Event()

    async def load(self, account: str) -> str:
        return self.cursors.get(account, "")

    async def run(self) -> None:
        """One session, until it ends."""
        async with contextlib.aclosing(self.channel.session(self.load)) as session:
            async for account, polled in session:
                await self.store(account, polled)

    async def store(self, account: str, polled: Polled) -> None:
        await self.storing.wait()
        self.cursors[account] = polled.cursor
        self.facts += polled.facts
        self.batches += 1
        self.news.set()

    async def until(self, count: int, kind: type = MessageReceived) -> list[Any]:
        """Wait for so many facts of a kind."""
        async with asyncio.timeout(5):
            while len(found := [fact for fact in self.facts if isinstance(fact, kind)]) < count:
                self.news.clear()
                await self.news.wait()
        return found


@contextlib.asynccontextmanager
async def running(runner: Runner) -> AsyncIterator[asyncio.Task[None]]:
    """Hold a session meanwhile."""
    before = runner.batches
    task = asyncio.create_task(runner.run())
    try:
        await eventually(lambda: runner.batches > before or task.done())
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Retry):
            await task


async def eventually(check: Any) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(5):
        while not check():  # noqa: ASYNC110 - a test looks on from outside
            await asyncio.sleep(0.01)
