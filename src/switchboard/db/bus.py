"""Hints between loops and processes: NOTIFY sent after commit, coalesced, ids only; may be lost, so every loop also polls.

A topic is a word (`facts`, `log`, …). `say` carries small passing news (typing, looking) to all processes, never kept.
"""

import asyncio
import contextlib
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import msgspec
import structlog

CHANNEL = "switchboard"
GATHER = 0.002
MAX_PAYLOAD = 7000
log = structlog.get_logger()


class _Frame(msgspec.Struct, omit_defaults=True):
    """One NOTIFY: who sent it, topics to wake, news to pass on."""

    origin: str
    topics: list[str] = []
    news: list[Any] = []


class Bus:
    """Wakes waiting loops of this process at once and those of others through PostgreSQL."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._origin = uuid.uuid4().hex[:12]
        self._waiting: dict[str, list[asyncio.Event]] = defaultdict(list)
        self._hearers: list[Callable[[dict[str, Any]], None]] = []
        self._topics: set[str] = set()
        self._news: list[dict[str, Any]] = []
        self._dirty = asyncio.Event()
        self._decoder = msgspec.json.Decoder(_Frame)

    def listener(self, *topics: str) -> asyncio.Event:
        """Return an event that is set whenever one of the topics is hinted; the owner clears it."""
        event = asyncio.Event()
        for topic in topics:
            self._waiting[topic].append(event)
        return event

    def hear(self, hearer: Callable[[dict[str, Any]], None]) -> None:
        """Call somebody with every piece of news, our own included."""
        self._hearers.append(hearer)

    def deafen(self, hearer: Callable[[dict[str, Any]], None]) -> None:
        """Stop calling somebody."""
        if hearer in self._hearers:
            self._hearers.remove(hearer)

    def hint(self, *topics: str) -> None:
        """Wake who waits for these topics, here and elsewhere. Call it after commit."""
        for topic in topics:
            for event in self._waiting[topic]:
                event.set()
        self._topics.update(topics)
        self._dirty.set()

    def say(self, news: dict[str, Any]) -> None:
        """Pass on small passing news (ids only)."""
        for hearer in self._hearers:
            hearer(news)
        if len(self._news) < 200:
            self._news.append(news)
            self._dirty.set()

    async def run(self) -> None:
        """Keep one direct connection: listen, and send what gathers. Never returns; reconnects by itself."""
        while True:
            try:
                connection = await asyncpg.connect(
                    self._dsn, timeout=10, server_settings={"application_name": "switchboard-bus"}
                )
                try:
                    await connection.add_listener(CHANNEL, self._on_notify)
                    for events in self._waiting.values():
                        for event in events:
                            event.set()
                    await self._send(connection)
                finally:
                    with contextlib.suppress(Exception):
                        await connection.close(timeout=1)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                log.warning("bus_lost", error=str(error))
                await asyncio.sleep(0.3)

    async def _send(self, connection: Any) -> None:
        while not connection.is_closed():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await self._dirty.wait()
            self._dirty.clear()
            if not self._topics and not self._news:
                await connection.execute("select 1")
                continue
            await asyncio.sleep(GATHER)
            topics, self._topics = sorted(self._topics), set()
            news, self._news = self._news, []
            for frame in _frames(self._origin, topics, news):
                await connection.execute("select pg_notify($1, $2)", CHANNEL, frame)

    def _on_notify(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        try:
            frame = self._decoder.decode(str(payload))
        except msgspec.DecodeError:
            return
        if frame.origin == self._origin:
            return
        for topic in frame.topics:
            for event in self._waiting[topic]:
                event.set()
        for news in frame.news:
            for hearer in self._hearers:
                hearer(news)


def _frames(origin: str, topics: list[str], news: list[Any]) -> Iterator[str]:
    """Yield topics and news in as many notifications as PostgreSQL's limit asks for; halved until they fit."""
    frame = msgspec.json.encode(_Frame(origin, topics, news))
    if len(frame) <= MAX_PAYLOAD:
        yield frame.decode()
    elif news:
        half = len(news) // 2
        yield from _frames(origin, topics, news[:half])
        if half:  # one piece of news that fits into no notification is left out
            yield from _frames(origin, [], news[half:])


async def wait(event: asyncio.Event, seconds: float = 1.0) -> None:
    """Wait for a hint, at most so long; then clear it."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    event.clear()
