"""A whole installation as real processes: two web, two worker, one PostgreSQL, the sandbox beside them."""

import asyncio
import json
import os
import random
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec

from switchboard import flow
from switchboard.db import postmaster
from switchboard.db.embedded import Postgres
from switchboard.db.pool import Database
from switchboard.staff import passwords, people

PASSWORD = "a fault is a gift"
EVERYTHING = "everything"
POSTMASTER = "postmaster"
WEBS = ("web-a", "web-b")
WORKERS = ("worker-a", "worker-b")
PATIENCE = 60.0


class Program:
    """One process of the product, brought back after every end as an operator's supervisor would."""

    def __init__(self, name: str, words: list[str], env: dict[str, str], log: Path) -> None:
        self.name = name
        self.ended_by_itself: list[int] = []
        self._words = words
        self._env = env
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False
        self._keeper: asyncio.Task[None] | None = None
        self.pause = 0.0

    def start(self) -> None:
        """Start it and keep it running."""
        self._launch()
        self._keeper = asyncio.create_task(self._keep())

    def kill(self) -> int | None:
        """SIGKILL; returns the process id, None when there is none just now."""
        if self._process is None or self._process.poll() is not None:
            return None
        self._killed = True
        self._process.kill()
        return self._process.pid

    async def stop(self) -> None:
        """End it in order and for good."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                await asyncio.to_thread(self._process.wait, 20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                await asyncio.to_thread(self._process.wait)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def _launch(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._words, env=self._env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(0.05)
            assert self._process is not None
            code = self._process.poll()
            if code is None:
                continue
            if self._killed:
                self._killed = False
                await asyncio.sleep(self.pause)
            else:
                self.ended_by_itself.append(code)
                await asyncio.sleep(0.3)
            self._launch()


class Installation:
    """Where everything listens, and the hands to break it with."""

    def __init__(self, data: Path, dice: random.Random) -> None:
        self.data = data
        self.dice = dice
        self.ports = {name: free_port(dice) for name in (*WEBS, *WORKERS)}
        self.programs: dict[str, Program] = {}
        self.server = Postgres(data / "postgres")
        self.dsn = ""
        self.sandbox_url = ""
        self.workspace = UUID(int=0)
        self._sandbox: subprocess.Popen[str] | None = None

    @property
    def webs(self) -> list[str]:
        return [f"http://127.0.0.1:{self.ports[name]}" for name in WEBS]

    async def open(self) -> None:
        """Found the workspace, start everything, and wait until every process answers."""
        self.data.mkdir(parents=True, exist_ok=True)
        self.dsn = await self.server.start()
        self.sandbox_url = await asyncio.to_thread(self._start_sandbox)
        await self._create_workspace()
        for name in (*WEBS, *WORKERS):
            role = name.partition("-")[0]
            words = [
                str(Path(sys.executable).with_name("switchboard")), "serve", "--roles", role,
                "--port", str(self.ports[name]),
            ]  # fmt: skip
            self.programs[name] = Program(name, words, self._environment(), self.data / f"{name}.log")
            self.programs[name].start()
        await self.until_ready()

    async def close(self) -> None:
        """Stop everything in order."""
        for program in self.programs.values():
            await program.stop()
        if self._sandbox is not None:
            self._sandbox.terminate()
            await asyncio.to_thread(self._sandbox.wait)
            assert self._sandbox.stdout is not None
            self._sandbox.stdout.close()
        await self.server.stop()

    def kill(self, target: str) -> list[int]:
        """SIGKILL a target; everything at once in random order. Returns the process ids that were hit."""
        names = [*self.programs, POSTMASTER] if target == EVERYTHING else [target]
        self.dice.shuffle(names)
        hit: list[int] = []
        for name in names:
            if name == POSTMASTER:
                pid = postmaster.living_postmaster(self.server.cluster)
                if pid is not None:
                    os.kill(pid, 9)
            else:
                self.programs[name].pause = self.dice.uniform(0, 1.5)
                pid = self.programs[name].kill()
            if pid is not None:
                hit.append(pid)
        return hit

    async def until_ready(self) -> None:
        """Wait until every process reaches the database; raises with the log when one does not."""
        if late := await self.late(PATIENCE):
            raise RuntimeError(f"{late[0]} does not answer: {self.log_of(late[0])[-3000:]}")

    async def late(self, patience: float) -> list[str]:
        """Wait until every process reaches the database; returns those that do not in time."""
        deadline = time.monotonic() + patience
        left = list(self.ports)
        async with httpx.AsyncClient(trust_env=False, timeout=3) as client:
            while left and time.monotonic() < deadline:
                left = [
                    name
                    for name in left
                    if not await _answers(client, f"http://127.0.0.1:{self.ports[name]}/ready")
                ]
                await asyncio.sleep(0.1 if left else 0)
        return left

    def log_of(self, name: str) -> str:
        """What a process wrote."""
        path = self.data / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """The database as its owner sees it."""
        connection = await asyncpg.connect(self.dsn, timeout=10)
        try:
            yield connection
        finally:
            await connection.close()

    async def hire(self, name: str, role: str = "agent") -> UUID:
        """Let somebody work here; their address is name@example.com."""
        hashed = await passwords.hashed(PASSWORD)
        db = Database(self.dsn, size=1)
        await db.open()
        try:
            async with db.transaction() as tx:
                account = await people.create_account(tx, f"{name}@example.com", hashed)
                assert account is not None
                agent, _ = await flow.carry(tx, people.hire, self.workspace, account, name.title(), role)
                return agent
        finally:
            await db.close()

    async def sandbox(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the sandbox's control API."""
        async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
            answer = await client.request(method, self.sandbox_url + path, json=body)
            answer.raise_for_status()
            return answer.json()

    def _environment(self) -> dict[str, str]:
        given = {key: value for key, value in os.environ.items() if not key.startswith("SWITCHBOARD_")}
        sandbox = self.sandbox_url.removeprefix("http://")
        return given | {
            "SWITCHBOARD_DATA": str(self.data),
            "SWITCHBOARD_PUBLIC_URL": self.webs[0],
            "SWITCHBOARD_OUTBOUND_ALLOW": sandbox,
            "SWITCHBOARD_BASE_URLS": f"whatsapp={self.sandbox_url}",
            "SWITCHBOARD_POOL": "6",
            "PYTHONUNBUFFERED": "1",
        }

    def _start_sandbox(self) -> str:
        """A platform never gives up soon: short pauses, many attempts."""
        words = [
            sys.executable, "-m", "switchboard.sandbox", "--retry-first-seconds", "0.2",
            "--retry-longest-seconds", "1",
            "--retry-attempts", "500", "--webhook-timeout-seconds", "5", "--receipt-delay-seconds", "0.1",
        ]  # fmt: skip
        with (self.data / "sandbox.log").open("ab") as log:
            self._sandbox = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self._sandbox.stdout is not None
        return str(json.loads(self._sandbox.stdout.readline())["url"])

    async def _create_workspace(self) -> None:
        words = [
            str(Path(sys.executable).with_name("switchboard")), "create", "--workspace", "Faults",
            "--email", "chief@example.com", "--name", "Chief", "--locale", "en",
        ]  # fmt: skip
        env = self._environment() | {"SWITCHBOARD_PASSWORD": PASSWORD}
        made = await asyncio.to_thread(
            subprocess.run, words, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert made.returncode == 0, made.stderr
        async with self.connection() as connection:
            self.workspace = await connection.fetchval("select id from workspace")


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == 200
    except httpx.HTTPError:
        return False


def free_port(dice: random.Random) -> int:
    """A port below those that the system hands out, so that nobody takes it while its process is dead."""
    while True:
        port = dice.randrange(20_000, 30_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Link(msgspec.Struct, frozen=True):
    """One connected account: where its webhooks go and what they are signed with."""

    kind: str
    account: str
    path: str
    secret: str
    business: str = ""


async def connect(house: Installation, chief: httpx.AsyncClient) -> tuple[Link, Link]:
    """Connect a WhatsApp number and a partner's system of the sandbox, by REST."""
    number = await house.sandbox(
        "POST", "/sandbox/whatsapp/numbers", {"window": "off", "receipts": "delivered"}
    )
    config = {
        "waba_id": number["waba_id"], "access_token": number["token"], "app_secret": number["app_secret"],
        "verify_token": number["verify_token"],
    }  # fmt: skip
    whatsapp = await _connect(chief, "whatsapp", config)
    secret = secrets.token_hex(16)
    partner = await house.sandbox("POST", "/sandbox/custom", {"id": "partner", "secret": secret})
    config = {"system_id": "partner", "signing_secret": secret, "send_url": partner["send_url"]}
    custom = await _connect(chief, "custom", config)
    await house.sandbox("PATCH", "/sandbox/accounts/partner", {"webhook_url": custom})
    return (
        Link("whatsapp", number["id"], _path(whatsapp), number["app_secret"], number["waba_id"]),
        Link("custom", "partner", _path(custom), secret),
    )


async def _connect(chief: httpx.AsyncClient, kind: str, config: dict[str, Any]) -> str:
    body = {"kind": kind, "name": kind.title(), "config": config}
    answer = await chief.post("/api/v1/connections", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == "green", answer.text
    return str(answer.json()["webhook_url"])


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


async def sign_in(url: str, name: str) -> httpx.AsyncClient:
    """A client of one web process that carries the person's token."""
    client = httpx.AsyncClient(base_url=url, trust_env=False, timeout=10)
    body = {"email": f"{name}@example.com", "password": PASSWORD}
    answer = await client.post("/api/v1/sessions", json=body)
    assert answer.status_code == 201, answer.text
    client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    return client
