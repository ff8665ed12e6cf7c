"""A customer's app as a process of Node, driven over its standard input."""

import asyncio
import base64
import json
import os
import subprocess
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

APP = Path(__file__).with_name("app.mjs")
SECONDS = 20


class Phone:
    """One run of the app. `host` makes the tokens that the app asks its own server for."""

    def __init__(self, process: Process, host: Callable[[], str]) -> None:
        self._process = process
        self._host = host
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._nr = 0
        self._news = asyncio.Event()
        self.events: list[tuple[str, Any]] = []
        self.asked = 0

    async def call(self, name: str, *given: Any) -> Any:
        """Call the SDK; return what its promise brings."""
        self._nr += 1
        answer = self._waiting[self._nr] = asyncio.get_running_loop().create_future()
        self._write(self._nr, name, given)
        return await asyncio.wait_for(answer, SECONDS)

    def _write(self, nr: int, name: str, given: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"nr": nr, "call": name, "given": given}).encode() + b"\n")

    async def send_file(self, how: str, name: str, mime: str, content: bytes, **known: Any) -> Any:
        """Send a file by `sendImage`, `sendVoice`, `sendVideo` or `sendFile`."""
        given = {"name": name, "mime": mime, "base64": base64.b64encode(content).decode(), **known}
        return await self.call("send", how, given)

    def heard(self, name: str) -> list[Any]:
        """Return the details of all events of a name so far."""
        return [detail for event, detail in self.events if event == name]

    def told(self) -> list[str]:
        """Return the words of the messages that the app was told of, in order."""
        return [words(message["parts"]) for message in self.heard("message")]

    async def shows(self) -> list[tuple[str, str | None]]:
        """Return what stands on the screen: words, and how far the customer's own have come."""
        timeline = (await self.call("look"))["timeline"]
        return [(words(one["parts"]), one["delivery"]) for one in timeline]

    async def until(self, look: Callable[[], Any]) -> Any:
        """Wait until an event makes something true."""
        async with asyncio.timeout(SECONDS):
            while not (found := look()):
                self._news.clear()
                await self._news.wait()
        return found

    async def hears_of(self, count: int) -> None:
        """Wait until the app was told of so many messages."""
        await self.until(lambda: len(self.told()) >= count)

    async def until_shown(self, *wanted: tuple[str, str | None]) -> None:
        """Wait until exactly this stands on the screen."""
        async with asyncio.timeout(SECONDS):
            while True:
                self._news.clear()
                if await self.shows() == list(wanted):
                    return
                await self._news.wait()

    async def ready(self) -> None:
        """Start, and wait for a line."""
        before = self.heard("phase").count("ready")
        await self.call("start")
        await self.until(lambda: self.heard("phase").count("ready") > before)

    async def listen(self) -> None:
        """Hear what the app says, until it ends."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            said = json.loads(line)
            if "ask" in said:
                self.asked += 1
                self._write(0, "token", [self._host()])
            elif "event" in said:
                self.events.append((said["event"], said.get("detail")))
                self._news.set()
            elif (answer := self._waiting.pop(said["nr"], None)) is not None:
                if "error" in said:
                    answer.set_exception(AssertionError(said["error"]))
                else:
                    answer.set_result(said.get("value"))


def words(parts: list[dict[str, Any]]) -> str:
    """Return what a message says, a file as `[name]`."""
    return " ".join(part.get("text") or f"[{(part.get('file') or {}).get('name', '')}]" for part in parts)


@asynccontextmanager
async def phone(host: Callable[[], str], **options: Any) -> AsyncIterator[Phone]:
    """Run the app until the end of the block, then end it without a goodbye, as a phone does."""
    process = await asyncio.create_subprocess_exec(
        *node(), str(APP), json.dumps(options, default=str), stdin=PIPE, stdout=PIPE, limit=1 << 24
    )
    app = Phone(process, host)
    listening = asyncio.create_task(app.listen())
    try:
        yield app
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await listening


def node() -> list[str]:
    """Return the command of Node, with its WebSocket where that is still an option."""
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    new = int(version.strip().lstrip("v").split(".")[0]) >= 22
    return ["node"] if new else ["node", "--experimental-websocket"]


def has_node() -> bool:
    """Tell whether Node can be started."""
    try:
        return bool(node())
    except (OSError, subprocess.CalledProcessError):
        return False


def environment() -> dict[str, str]:
    """The machine's own, in which npm speaks plainly."""
    return {**os.environ, "FORCE_COLOR": "0", "NO_COLOR": "1"}
