"""The processes of a benchmark: the product, the load generators, and what the system says they cost."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec

PROGRAM = Path(sys.executable).with_name("switchboard")
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
T = TypeVar("T")


class Failed(Exception):
    """A benchmark can't be run here; the text is one sentence that says why."""


class Served:
    """One process of the product, serving on loopback."""

    def __init__(self, environment: dict[str, str], log: Path, *arguments: str) -> None:
        self.port = free_port()
        self.log = log
        self.begun = time.perf_counter()
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [PROGRAM, *(arguments or ("serve",)), "--port", str(self.port)],
                env=os.environ | environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def until(self, path: str, seconds: float = 60) -> float:
        """Wait until an address answers 200; return the seconds since the process was started."""
        async with httpx.AsyncClient(base_url=self.url, timeout=10, trust_env=False) as client:
            while time.perf_counter() - self.begun < seconds:
                if self._process.poll() is not None:
                    raise Failed(f"The product ended with {self._process.returncode}: {self.last_words()}")
                try:
                    if (await client.get(path)).status_code == 200:
                        return time.perf_counter() - self.begun
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.02)
        raise Failed(f"{path} did not answer within {seconds:.0f} s: {self.last_words()}")

    def last_words(self) -> str:
        """Return the end of what it wrote."""
        return " ".join(self.log.read_text("utf-8", "replace").split())[-600:]

    def stop(self, seconds: float = 20) -> None:
        """End it as an operator would; by force, its children too, when that takes long."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait(5)


class Generator:
    """A process of ours that makes load: one JSON line in, one JSON line out."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> "Generator":
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self._module,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            limit=64_000_000,
        )
        return self

    async def ask(self, question: Any, answer: type[T], seconds: float = 120) -> T:
        """Send one task and wait for its outcome."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(question) + b"\n")
        try:
            async with asyncio.timeout(seconds):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise Failed(f"{self._module} did not finish within {seconds:.0f} s.") from None
        if not line:
            raise Failed(f"{self._module} ended before it answered.")
        return msgspec.json.decode(line, type=answer)

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(10):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


def free_port() -> int:
    """Return a port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def cpu_seconds(*pids: int) -> float:
    """Return the CPU time that processes have used, theirs and the system's on their behalf."""
    total = 0.0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:  # a backend may end at any time
            continue
        total += (int(fields[11]) + int(fields[12])) / _TICK
    return total


def children(pid: int) -> list[int]:
    """Return the processes that a process started."""
    listed = [Path(f"/proc/{pid}/task/{task.name}/children") for task in Path(f"/proc/{pid}/task").iterdir()]
    return [int(one) for path in listed for one in path.read_text().split()]


def resident_bytes(pid: int) -> int:
    """Return a process's resident memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


def busy_seconds() -> float:
    """Return the CPU time that all processes of the machine have used."""
    fields = [int(one) for one in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / _TICK
