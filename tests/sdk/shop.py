"""A company with an app: a real server, the key and secret of its app, and an agent at the desk."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

SWITCHBOARD = (sys.executable, "-c", "from switchboard.app.cli import main; main()")
PASSWORD = "correct horse battery"
EMAIL, NAME = "ann@example.com", "Ann Archer"
SECONDS = 20


class Shop:
    """One workspace served by one process on a database of its own."""

    def __init__(self, data: Path, dsn: str, **settings: str) -> None:
        self._data = data
        self._dsn = dsn
        self._settings = settings
        self._server: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.site = ""
        self.secret = ""
        self._bearer = ""

    def open(self) -> None:
        """Found the workspace, serve it, connect the app."""
        words = ["create", "--workspace", "Tents", "--email", EMAIL, "--name", NAME, "--locale", "en"]
        subprocess.run([*SWITCHBOARD, *words], env=self._environment(), check=True, timeout=60)
        self._serve()
        with httpx.Client(base_url=f"{self.url}/api/v1", trust_env=False, timeout=SECONDS) as client:
            self._bearer = client.post("/sessions", json={"email": EMAIL, "password": PASSWORD}).json()[
                "token"
            ]
        self.site, self.secret = self.connect("https://tents.example")

    def connect(self, origin: str, **more: str) -> tuple[str, str]:
        """Connect a site with its apps; return the site key and the identity secret."""
        config = {"name": "Tents", "allowed_origins": [origin], **more}
        made = httpx.post(
            f"{self.url}/api/v1/connections", json={"kind": "web", "name": "Tents", "config": config},
            headers={"Authorization": f"Bearer {self._bearer}"}, trust_env=False, timeout=SECONDS,
        )  # fmt: skip
        assert made.status_code == 201, made.text
        return made.json()["channels"][0]["external_id"], made.json()["generated"]["host_secret"]

    def _serve(self) -> None:
        with (self._data / "serve.log").open("ab") as log:
            command = [*SWITCHBOARD, "serve", "--port", "0"]
            self._server = subprocess.Popen(
                command, env=self._environment(), stdout=subprocess.PIPE, stderr=log
            )
        assert self._server.stdout is not None
        line = self._server.stdout.readline().decode()
        assert "is ready at http://" in line, line + (self._data / "serve.log").read_text()[-3000:]
        self.url = line.rsplit(" ", 1)[1].strip()

    def close(self) -> None:
        """End the server in order."""
        if self._server is not None:
            assert self._server.stdout is not None
            self._server.stdout.close()
            self._server.terminate()
            self._server.wait(30)

    def _environment(self) -> dict[str, str]:
        given = {key: value for key, value in os.environ.items() if not key.startswith("SWITCHBOARD_")}
        return given | {
            "SWITCHBOARD_DATA": str(self._data),
            "SWITCHBOARD_DATABASE_URL": self._dsn,
            "SWITCHBOARD_PASSWORD": PASSWORD,
            **self._settings,
        }

    @asynccontextmanager
    async def agent(self) -> AsyncIterator["Agent"]:
        """Ann, at the desk until the end of the block."""
        stream = f"{self.url.replace('http', 'ws')}/api/v1/stream?token={self._bearer}"
        headers = {"Authorization": f"Bearer {self._bearer}"}
        async with (
            httpx.AsyncClient(
                base_url=f"{self.url}/api/v1", trust_env=False, headers=headers, timeout=SECONDS
            ) as client,
            connect(stream, proxy=None) as live,
        ):
            yield Agent(client, live, self.url)


class Agent:
    """What an agent does, by the API and the live stream."""

    def __init__(self, client: httpx.AsyncClient, live: ClientConnection, url: str) -> None:
        self._client = client
        self._live = live
        self._url = url

    async def case(self, customer: str) -> str:
        """Return a customer's conversation, once it is there."""
        async with asyncio.timeout(SECONDS):
            while True:
                items = (await self._client.get("/conversations")).json()["items"]
                for one in items:
                    if one["contact"]["name"] == customer:
                        return str(one["id"])
                await asyncio.sleep(0.05)

    async def messages(self, case: str, count: int, direction: str = "in") -> list[dict[str, Any]]:
        """Return one side's messages in order, once there are so many."""
        async with asyncio.timeout(SECONDS):
            while True:
                answer = await self._client.get(f"/conversations/{case}/messages")
                items = [one for one in answer.json()["items"] if one["direction"] == direction]
                if len(items) >= count:
                    return sorted(items, key=lambda one: one["position"])
                await asyncio.sleep(0.05)

    async def read(self, file: dict[str, Any]) -> bytes:
        """Download a file of a message."""
        return (await self._client.get(f"{self._url}{file['url']}")).raise_for_status().content

    async def answer(self, case: str, text: str) -> str:
        """Say something; return the message's id."""
        parts = [{"type": "text", "text": text}]
        made = await self._client.post(f"/conversations/{case}/messages", json={"parts": parts})
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    async def seen(self, case: str, status: str) -> None:
        """Wait until the newest answer has a status."""
        async with asyncio.timeout(SECONDS):
            while True:
                if (await self.messages(case, 1, "out"))[-1]["status"] == status:
                    return
                await asyncio.sleep(0.05)

    async def watch(self, case: str) -> None:
        """Open a conversation on the screen."""
        await self._live.send(json.dumps({"type": "subscribe", "conversations": [case]}))

    async def type(self, case: str) -> None:
        """Press a key."""
        await self._live.send(json.dumps({"type": "typing", "conversation_id": case}))

    async def hears(self, kind: str) -> dict[str, Any]:
        """Return the data of the next frame of a type."""
        async with asyncio.timeout(SECONDS):
            while True:
                frame = json.loads(await self._live.recv())
                if frame["type"] == kind:
                    return dict(frame["data"])
