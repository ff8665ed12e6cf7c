"""The sandbox as a child process: started, asked, ended. Its accounts survive in the demo's own directory."""

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from switchboard.app.config import Settings

START_SECONDS = 30
READY = "ready.json"


class DemoError(Exception):
    """The demo can't start; the text is one sentence for the operator."""


class Endpoint(msgspec.Struct, frozen=True):
    """The address of a server that speaks no HTTP."""

    host: str
    port: int


class Ready(msgspec.Struct, frozen=True):
    """Where the sandbox listens, as it says itself."""

    url: str
    smtp: Endpoint
    pop3: Endpoint
    smpp: Endpoint
    pid: int = 0

    @property
    def targets(self) -> tuple[str, ...]:
        """Return what the address guard has to let pass."""
        others = (self.smtp, self.pop3, self.smpp)
        return (urlsplit(self.url).netloc, *(f"{one.host}:{one.port}" for one in others))


class Platforms:
    """The sandbox's control API."""

    def __init__(self, ready: Ready) -> None:
        self.ready = ready
        self._http = httpx.AsyncClient(base_url=ready.url, trust_env=False, timeout=20)

    async def post(self, path: str, **fields: Any) -> dict[str, Any]:
        """Ask for something; raises DemoError with the sandbox's words."""
        answer = await self._http.post(f"/sandbox/{path}", json=fields)
        if answer.status_code not in (200, 201):
            raise DemoError(f"The sandbox refuses {path}: {answer.text[:300]}")
        made: dict[str, Any] = answer.json()
        return made

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()


@asynccontextmanager
async def platforms(settings: Settings) -> AsyncIterator[Platforms]:
    """Run the sandbox for the length of the block, on the ports of the last time where they are free."""
    directory = settings.data / "demo"
    for one in (settings.data, directory):
        one.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(directory):
        last = _last(directory)
        await _end_orphan(last)
        process, ready = await _start(directory, settings.host, last)
        (directory / READY).write_bytes(msgspec.json.encode(ready))
        made = Platforms(ready)
        try:
            yield made
        finally:
            await made.close()
            await _end(process)


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Keep a second demo off this directory: it would take the sandbox, and with it every phone, from the first."""
    with (directory / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DemoError(
                f"A demo is running in {directory.parent} already; stop it, or set SWITCHBOARD_DATA to another directory."
            ) from None
        yield


async def _start(directory: Path, host: str, last: Ready | None) -> tuple[Process, Ready]:
    ports = [(0, 0, 0, 0)]
    if last is not None:
        ports.insert(0, (urlsplit(last.url).port or 0, last.smtp.port, last.pop3.port, last.smpp.port))
    for http, smtp, pop3, smpp in ports:
        with (directory / "sandbox.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "switchboard.sandbox", "--host", host, "--port", str(http),
                "--smtp-port", str(smtp), "--pop3-port", str(pop3), "--smpp-port", str(smpp),
                "--state-file", str(directory / "sandbox.json"),
                stdin=DEVNULL, stdout=PIPE, stderr=log, start_new_session=True,
            )  # fmt: skip
        assert process.stdout is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), START_SECONDS)
            ready = msgspec.json.decode(line, type=Ready)
        except (TimeoutError, msgspec.DecodeError):
            await _end(process)
            continue
        except BaseException:
            await _end(process)
            raise
        # What listens everywhere is reached here on loopback.
        url = ready.url.replace("//0.0.0.0:", "//127.0.0.1:")
        return process, msgspec.structs.replace(ready, url=url, pid=process.pid)
    raise DemoError(f"The sandbox does not start; its log is {directory / 'sandbox.log'}.")


async def _end(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 5)
        except TimeoutError:
            process.kill()
            await process.wait()


def _last(directory: Path) -> Ready | None:
    try:
        return msgspec.json.decode((directory / READY).read_bytes(), type=Ready)
    except (OSError, msgspec.DecodeError):
        return None


async def _end_orphan(last: Ready | None) -> None:
    """End the sandbox of a demo that was killed: it would keep ports and accounts to itself."""
    if last is None or last.pid <= 0:
        return
    place = Path(f"/proc/{last.pid}/cmdline")
    with contextlib.suppress(OSError, TimeoutError):
        if b"switchboard.sandbox" in await asyncio.to_thread(place.read_bytes):
            os.kill(last.pid, signal.SIGTERM)
            async with asyncio.timeout(5):
                while await asyncio.to_thread(place.exists):  # noqa: ASYNC110 - no child of ours
                    await asyncio.sleep(0.05)
