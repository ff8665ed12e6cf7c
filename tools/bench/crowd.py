"""A crowd of idle sockets, a process of its own: agents on the live stream, visitors on the widget.

python -m tools.bench.crowd     (tasks as JSON lines on stdin, outcomes on stdout)
"""

import asyncio
import itertools
import resource
import sys
import time

import msgspec
import uvloop

from tools.bench.wire import Lane, Socket, open_lane, open_socket

SOURCES = [f"127.0.0.{nr}" for nr in range(2, 10)]
"""Loopback addresses to connect from: each has ports of its own."""
AT_ONCE = 64
PING_SECONDS = 25
AFTERWARDS = 2
SUBSCRIBE = (
    b'{"type":"subscribe","views":[{"key":"all","filter":{},"sort":"last","limit":50}],"counters":true}'
)


class Agents(msgspec.Struct, tag="agents"):
    """Open a socket for each token and follow all open conversations."""

    port: int
    tokens: list[str]


class Visitors(msgspec.Struct, tag="visitors"):
    """Open sessions and sockets of the widget."""

    port: int
    site: str
    count: int


class Event(msgspec.Struct, tag="event"):
    """Post a webhook and note when each agent's socket has a frame that holds the mark."""

    port: int
    request: bytes
    mark: str
    seconds: float = 30


class Told(msgspec.Struct):
    """When the agents had the frame, in seconds since the webhook was posted; who had none is missing."""

    first: float = 0
    median: float = 0
    last: float = 0
    missing: int = 0
    frames: int = 0
    """Frames of any kind that all agents got within two seconds after that."""


class Opened(msgspec.Struct):
    """How many sockets are open, how long opening took."""

    count: int
    seconds: float
    lost: int = 0


class Crowd:
    """All the sockets of this process."""

    def __init__(self) -> None:
        self._agents: list[Socket] = []
        self._visitors: list[Socket] = []
        self._greeted = 0
        self._mark = b"\xff"
        self._told: dict[int, float] = {}
        self._frames = 0
        self._all_told = asyncio.Event()
        self._pinging: asyncio.Task[None] | None = None

    async def agents(self, task: Agents) -> Opened:
        """Connect every agent."""
        begun, greeted = time.perf_counter(), self._greeted
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(nr: int, token: str) -> None:
            async with gate:
                socket = await open_socket(
                    f"/api/v1/stream?token={token}", task.port, self._listener(nr), SOURCES[nr % len(SOURCES)]
                )
                socket.say(SUBSCRIBE)
                self._agents.append(socket)

        await asyncio.gather(*(one(nr, token) for nr, token in enumerate(task.tokens)))
        await self._until(greeted + len(task.tokens))
        self._pinging = self._pinging or asyncio.create_task(self._ping())
        return self._opened(self._agents, begun)

    def _listener(self, nr: int):  # type: ignore[no-untyped-def]  # a closure over the agent's number
        def heard(payload: bytes, now: float) -> None:
            self._frames += 1
            if b'"type":"snapshot"' in payload:
                self._greeted += 1
            elif self._mark in payload and nr not in self._told:
                self._told[nr] = now
                if len(self._told) == len(self._agents):
                    self._all_told.set()

        return heard

    async def visitors(self, task: Visitors) -> Opened:
        """Connect visitors, each with a session of their own."""
        begun, greeted = time.perf_counter(), self._greeted
        lanes = asyncio.Queue[Lane]()
        for _ in range(AT_ONCE // 4):
            lanes.put_nowait(await open_lane(task.port))
        numbers = itertools.count()
        opened: list[Socket] = []

        async def some() -> None:
            lane = lanes.get_nowait()
            while (nr := next(numbers)) < task.count:
                token = await _session(lane, task)
                source = SOURCES[nr % len(SOURCES)]
                socket = await open_socket(f"/widget/{task.site}/socket", task.port, self._greet, source)
                socket.say(b'{"type":"hello","token":"%s","after":0}' % token.encode())
                opened.append(socket)
            assert lane.transport is not None
            lane.transport.close()

        await asyncio.gather(*(some() for _ in range(AT_ONCE // 4)))
        self._visitors += opened
        await self._until(greeted + task.count)
        return self._opened(self._visitors, begun)

    def _greet(self, payload: bytes, _: float) -> None:
        self._greeted += b'"type":"ready"' in payload

    async def _until(self, wanted: int) -> None:
        async with asyncio.timeout(60):
            while self._greeted < wanted:  # noqa: ASYNC110  # thousands of sockets would set an event thousands of times
                await asyncio.sleep(0.02)

    def _opened(self, sockets: list[Socket], begun: float) -> Opened:
        lost = sum(bool(socket.closed) for socket in sockets)
        return Opened(len(sockets) - lost, time.perf_counter() - begun, lost)

    async def _ping(self) -> None:
        """Keep everybody connected, a few at a time."""
        while True:
            for nr, socket in enumerate([*self._agents, *self._visitors]):
                if not socket.closed:
                    socket.say(b'{"type":"ping"}')
                if nr % 100 == 99:
                    await asyncio.sleep(PING_SECONDS / 150)
            await asyncio.sleep(1)

    async def event(self, task: Event) -> Told:
        """Post, then wait until every agent has the frame."""
        if self._pinging is not None:  # a burst of pings at the same moment would measure us
            self._pinging.cancel()
            await asyncio.sleep(1)
        self._told, self._frames, self._mark = {}, 0, task.mark.encode()
        self._all_told.clear()
        lane = await open_lane(task.port)
        posted = time.perf_counter()
        status, _ = await lane.ask(task.request)
        assert status == 200, status
        try:
            async with asyncio.timeout(task.seconds if self._agents else 1):
                await self._all_told.wait()
        except TimeoutError:
            pass
        assert lane.transport is not None
        lane.transport.close()
        await asyncio.sleep(AFTERWARDS)
        self._pinging = asyncio.create_task(self._ping())
        times = sorted(at - posted for at in self._told.values()) or [task.seconds]
        missing = len(self._agents) - len(self._told)
        return Told(times[0], times[len(times) // 2], times[-1], missing, self._frames)


async def _session(lane: Lane, task: Visitors) -> str:
    body = b'{"language":"en","page":{"url":"http://shop.example/","title":"Shop"}}'
    status, answer = await lane.ask(
        b"POST /widget/%s/sessions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (task.site.encode(), task.port, len(body), body)
    )
    if status != 201:
        raise ConnectionError(f"no session: {status} {answer[:200]!r}")
    token: str = msgspec.json.decode(answer)["visitor_token"]
    return token


async def main() -> None:
    """Serve tasks until stdin ends."""
    decoder = msgspec.json.Decoder(Agents | Visitors | Event)
    crowd = Crowd()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.buffer.readline):
        task = decoder.decode(line)
        answer: Opened | Told
        if isinstance(task, Agents):
            answer = await crowd.agents(task)
        elif isinstance(task, Visitors):
            answer = await crowd.visitors(task)
        else:
            answer = await crowd.event(task)
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run(main())
