"""Callbacks of the Chinese providers: what came within a moment goes out together, is repeated until the answer pleases."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import httpx
import msgspec

from switchboard.sandbox.state import PlatformAccount
from switchboard.sandbox.webhooks import Call
from switchboard.sandbox.world import World

Json = dict[str, Any]
GATHER_SECONDS = 0.05
MOST = 100
TIME_ZONE_SECONDS = 8 * 3600


def beijing(at: float) -> str:
    """Return a time as the providers write it: Beijing's, without a zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at + TIME_ZONE_SECONDS))


class Pushes:
    """The waiting callbacks of one platform.

    `is_good` judges an answer's JSON; `attempts` is how often a batch is sent before it is given up; `seconds` is how long the
    platform waits for the answer.
    """

    def __init__(
        self, world: World, platform: str, is_good: Callable[[Any], bool], *, attempts: int, seconds: float
    ) -> None:
        self._world = world
        self._platform = platform
        self._is_good = is_good
        self._attempts = attempts
        self._seconds = seconds
        self._waiting: dict[tuple[str, str], deque[Json]] = {}

    def put(
        self,
        account: PlatformAccount,
        stream: str,
        item: Json,
        address: Callable[[], str],
        *,
        together: bool = True,
    ) -> None:
        """Send an item to whatever `address` says then: in an array with its neighbours, or `together=False` alone."""
        key = (account.id, stream)
        queue = self._waiting.get(key)
        if queue is not None:
            if len(queue) < self._world.config.updates_limit:
                queue.append(item)
            return
        self._waiting[key] = deque([item])
        self._world.spawn(self._drain(key, address, together=together))

    async def _drain(self, key: tuple[str, str], address: Callable[[], str], *, together: bool) -> None:
        queue = self._waiting[key]
        while queue:
            if together:
                await asyncio.sleep(GATHER_SECONDS)
            items = [queue.popleft() for _ in range(min(len(queue), MOST if together else 1))]
            body = msgspec.json.encode(items if together else items[0])
            await self._deliver(self._world.calls.begin(self._platform, key[0], body), body, address)
        del self._waiting[key]

    async def _deliver(self, call: Call, body: bytes, address: Callable[[], str]) -> None:
        pause = self._world.config.retry_first_seconds
        while True:
            url = address()
            if not url:
                call.error = "no webhook address"
                break
            await self._post(call, url, body)
            if call.done or call.attempts >= self._attempts:
                break
            await asyncio.sleep(pause)
            pause = min(pause * 2, self._world.config.retry_longest_seconds)
        call.gave_up = not call.done

    async def _post(self, call: Call, url: str, body: bytes) -> None:
        call.attempts += 1
        headers = {"content-type": "application/json;charset=UTF-8"}
        try:
            answer = await self._world.client.post(url, content=body, headers=headers, timeout=self._seconds)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            call.status, call.error = 0, f"{type(error).__name__}: {error}"
            return
        call.status = answer.status_code
        call.done = answer.status_code == 200 and self._is_good(_read(answer))
        call.error = "" if call.done else f"Wrong answer to the callback: {answer.text[:200]}"


def _read(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None
