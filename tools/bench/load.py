"""The load generator, a process of its own: posts webhooks and watches them come out of an agent's socket.

    python -m tools.bench.load     (tasks as JSON lines on stdin, outcomes on stdout)

Requests are built and signed before the clock starts. A message counts as shown when the inbox row of its
sender, sent to an agent who follows all open conversations, counts at least as many unread messages as had
been sent up to it: nobody reads during a run, so a row that says 7 shows the sender's first seven. That
every id really is there, once and in a timeline without gaps, is asked of the database afterwards.
"""

import asyncio
import random
import resource
import sys
import time
from collections import defaultdict, deque

import msgspec
import uvloop

from tools.bench.webhooks import Batch, batches, customer
from tools.bench.wire import Lane, Socket, open_lane, open_socket

SUBSCRIBE = (
    b'{"type":"subscribe","views":[{"key":"all","filter":{},"sort":"last","limit":50}],"counters":true}'
)


class Prepare(msgspec.Struct, tag="prepare"):
    """Build the requests of one round and open the sockets."""

    port: int
    tokens: list[str]
    """Agents who listen; the first one's frames are read at once, the others' are kept and counted."""
    messages: int
    senders: int
    first_sender: int
    run: str
    hook: str
    number: str
    secret: str
    connections: int = 32
    seed: int = 1


class Fire(msgspec.Struct, tag="fire"):
    """Send them: as fast as answers come, or (messages a second) at times drawn beforehand."""

    rate: float = 0
    seconds: float = 60


class Outcome(msgspec.Struct):
    """What one round gave; times in seconds since its first request."""

    sent: int = 0
    requests: int = 0
    accepted_at: float = 0
    """When the last request was answered."""
    shown_at: float = 0
    """When the last message was shown."""
    missing: int = 0
    """Messages not shown when time was over."""
    refused: int = 0
    resyncs: int = 0
    frames: int = 0
    acknowledged: list[float] = []
    """From the time a request was due to its 200."""
    shown: list[float] = []
    """From the time a message's request was due to its frame on the agent's socket."""
    cpu: float = 0
    """The generator's own CPU time."""
    ids: list[str] = []


class _Person(msgspec.Struct):
    name: str


class _Row(msgspec.Struct):
    contact: _Person
    unread: int


class _Data(msgspec.Struct):
    row: _Row | None = None


class _Frame(msgspec.Struct):
    type: str
    data: _Data


_frames = msgspec.json.Decoder(_Frame)


class Round:
    """One round: its requests, its listeners, what was shown so far."""

    def __init__(self, task: Prepare) -> None:
        self._task = task
        address = f"127.0.0.1:{task.port}"
        self._batches, ids = batches(
            task.messages,
            senders=task.senders,
            first=task.first_sender,
            run=task.run,
            address=address,
            hook=task.hook,
            number=task.number,
            secret=task.secret,
            seed=task.seed,
        )
        self.outcome = Outcome(sent=task.messages, requests=len(self._batches), ids=sorted(ids))
        self._due: dict[str, list[float]] = defaultdict(list)
        self._shown: dict[str, int] = defaultdict(int)
        self._count = 0
        self._done = asyncio.Event()
        self._sockets: list[Socket] = []
        self._lanes: list[Lane] = []
        self._ready = 0
        self._begun = 0.0

    async def open(self) -> None:
        """Connect everything and wait for the snapshots."""
        for nr, token in enumerate(self._task.tokens):
            heard = self._hear if nr == 0 else self._keep
            socket = await open_socket(f"/api/v1/stream?token={token}", self._task.port, heard)
            socket.say(SUBSCRIBE)
            self._sockets.append(socket)
        async with asyncio.timeout(20):
            while self._ready < len(self._sockets):  # noqa: ASYNC110  # once a round, before the clock starts
                await asyncio.sleep(0.01)
        self._lanes = [await open_lane(self._task.port) for _ in range(self._task.connections)]

    def _keep(self, payload: bytes, _: float) -> None:
        self.outcome.frames += 1
        self._ready += b'"type":"snapshot"' in payload
        self.outcome.resyncs += b'"type":"resync"' in payload

    def _hear(self, payload: bytes, now: float) -> None:
        self._keep(payload, now)
        if b'"type":"conversation"' not in payload[:60]:
            return
        row = _frames.decode(payload).data.row
        if row is None or row.contact.name not in self._due:
            return
        due, before = self._due[row.contact.name], self._shown[row.contact.name]
        upto = min(row.unread, len(due))
        if upto > before:
            self.outcome.shown += [now - moment for moment in due[before:upto]]
            self._shown[row.contact.name] = upto
            self._count += upto - before
            if self._count == self._task.messages:
                self.outcome.shown_at = now - self._begun
                self._done.set()

    async def fire(self, task: Fire) -> Outcome:
        """Send everything, wait until all is shown or time is over."""
        before = _cpu()
        self._begun = time.perf_counter()
        try:
            async with asyncio.timeout(task.seconds):
                await (self._paced(task.rate) if task.rate else self._flat_out())
                self.outcome.accepted_at = time.perf_counter() - self._begun
                await self._done.wait()
        except TimeoutError:
            self.outcome.missing = self._task.messages - self._count
        self.outcome.cpu = _cpu() - before
        for transport in [one.transport for one in self._sockets] + [one.transport for one in self._lanes]:
            if transport is not None:
                transport.close()
        return self.outcome

    def _note(self, batch: Batch, due: float) -> None:
        for person in batch.senders:
            self._due[customer(person)].append(due)

    def _answered(self, status: int, due: float) -> None:
        self.outcome.acknowledged.append(time.perf_counter() - due)
        self.outcome.refused += status != 200

    async def _flat_out(self) -> None:
        """Every connection sends its next request when the last one was answered."""
        waiting = iter(self._batches)
        finished = asyncio.Event()
        left = len(self._batches)

        def turn(lane: Lane) -> None:
            batch = next(waiting, None)
            if batch is None:
                return
            due = time.perf_counter()
            self._note(batch, due)

            def answered(status: int, _: bytes) -> None:
                nonlocal left
                self._answered(status, due)
                left -= 1
                if left == 0:
                    finished.set()
                elif status:
                    turn(lane)

            lane.send(batch.request, answered)

        for lane in self._lanes:
            turn(lane)
        await finished.wait()

    async def _paced(self, rate: float) -> None:
        """Requests at times that no answer changes; without a free connection one waits, its clock runs."""
        dice = random.Random(7)
        free, late = deque(self._lanes), deque[tuple[Batch, float]]()
        left, finished = len(self._batches), asyncio.Event()

        def go(batch: Batch, due: float) -> None:
            if not free:
                late.append((batch, due))
                return
            lane = free.popleft()

            def answered(status: int, _: bytes) -> None:
                nonlocal left
                self._answered(status, due)
                free.append(lane)
                left -= 1
                if left == 0:
                    finished.set()
                elif late:
                    go(*late.popleft())

            lane.send(batch.request, answered)

        mean = self._task.messages / len(self._batches) / rate
        due = time.perf_counter()
        for batch in self._batches:
            due += dice.expovariate(1 / mean)
            self._note(batch, due)
            if (pause := due - time.perf_counter()) > 0:
                await asyncio.sleep(pause)
            go(batch, due)
        await finished.wait()


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def main() -> None:
    """Serve tasks until stdin ends."""
    decoder = msgspec.json.Decoder(Prepare | Fire)
    current: Round | None = None
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.buffer.readline):
        task = decoder.decode(line)
        if isinstance(task, Prepare):
            current = Round(task)
            await current.open()
            answer = b"true"
        else:
            assert current is not None
            answer = msgspec.json.encode(await current.fire(task))
        sys.stdout.buffer.write(answer + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    uvloop.run(main())
