"""Outgoing webhooks: in order per chat, many chats at once, repeated with growing pauses, bounded."""

import asyncio
import hashlib
import hmac
import itertools
import time
from collections import deque
from collections.abc import Callable

import httpx
import msgspec

from switchboard.sandbox.config import Config

LOG_LIMIT = 2_000
LOGGED_BODY_BYTES = 8_192


class Call(msgspec.Struct, kw_only=True):
    """One webhook and how it went; `status` 0 = no answer at all."""

    id: int
    platform: str
    account: str
    body: str
    at: float
    attempts: int = 0
    status: int = 0
    error: str = ""
    done: bool = False
    gave_up: bool = False


class Target(msgspec.Struct, frozen=True):
    """Where a call goes right now."""

    url: str
    headers: dict[str, str]


def hex_signature(secret: str, message: bytes) -> str:
    """HMAC-SHA256 in hex."""
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


class Item(msgspec.Struct, kw_only=True):
    """A call that waits. `settled` hears of every attempt; the call says whether it was the last one."""

    body: bytes
    call: Call
    target: Callable[[bytes], Target | None]
    settled: Callable[[Call], None] | None


class Outbox:
    """The waiting calls of one account."""

    def __init__(
        self, config: Config, client: httpx.AsyncClient, log: "CallLog", connections: int = 40
    ) -> None:
        self._config = config
        self._client = client
        self._log = log
        self._slots = asyncio.Semaphore(connections)
        self._lanes: dict[str, deque[Item]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.waiting = 0
        self.dropped = 0

    def put(
        self,
        lane: str,
        body: bytes,
        target: Callable[[bytes], Target | None],
        *,
        platform: str,
        account: str,
        settled: Callable[[Call], None] | None = None,
    ) -> None:
        """Send `body` after everything that waits in the same lane."""
        if self.waiting >= self._config.updates_limit:
            self.dropped += 1
            return
        call = self._log.begin(platform, account, body)
        item = Item(body=body, call=call, target=target, settled=settled)
        self.waiting += 1
        queue = self._lanes.get(lane)
        if queue is not None:
            queue.append(item)
            return
        self._lanes[lane] = deque([item])
        task = asyncio.create_task(self._drain(lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def clear(self) -> None:
        """Forget what waits."""
        for task in self._tasks:
            task.cancel()
        self._lanes.clear()
        self.waiting = 0

    async def _drain(self, lane: str) -> None:
        queue = self._lanes[lane]
        while queue:
            await self._deliver(queue[0])
            queue.popleft()
            self.waiting -= 1
        del self._lanes[lane]

    async def _deliver(self, item: Item) -> None:
        pause = self._config.retry_first_seconds
        call = item.call
        while call.attempts < self._config.retry_attempts:
            target = item.target(item.body)
            if target is None:
                call.error = "no webhook address"
                break
            async with self._slots:
                await self._post(item, target)
            if call.done:
                break
            if item.settled:
                item.settled(call)
            await asyncio.sleep(pause)
            pause = min(pause * 2, self._config.retry_longest_seconds)
        call.gave_up = not call.done
        if item.settled:
            item.settled(call)

    async def _post(self, item: Item, target: Target) -> None:
        call = item.call
        call.attempts += 1
        try:
            answer = await self._client.post(target.url, content=item.body, headers=target.headers)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            call.status, call.error = 0, f"{type(error).__name__}: {error}"
            return
        call.status = answer.status_code
        call.done = answer.is_success
        call.error = "" if call.done else f"Wrong response from the webhook: {answer.status_code}"


class CallLog:
    """The latest calls, for people and tests."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=LOG_LIMIT)
        self._ids = itertools.count(1)

    def begin(self, platform: str, account: str, body: bytes) -> Call:
        """Note a call that is about to be made."""
        shown = body[:LOGGED_BODY_BYTES].decode("utf-8", "replace")
        call = Call(id=next(self._ids), platform=platform, account=account, body=shown, at=time.time())
        self._calls.append(call)
        return call

    def latest(self, limit: int) -> list[Call]:
        """Newest last."""
        return list(self._calls)[-limit:]
