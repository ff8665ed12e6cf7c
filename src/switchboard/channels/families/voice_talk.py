"""For tests of voice adapters against the sandbox: Mei in front of her speaker, the skill behind our address, what is heard."""

import asyncio
import queue
from typing import Any

from switchboard.channels.api import Inbound, MessageReceived, Part, Text
from switchboard.channels.loopback import Door, Sandbox

SECONDS = 15


class Talk:
    """One skill of one platform. The door answers at once; how long the product waits for agents is proven elsewhere."""

    def __init__(self, sandbox: Sandbox, door: Door, kind: str, **given: Any) -> None:
        self.sandbox, self.door, self.kind = sandbox, door, kind
        account = sandbox.post(f"/sandbox/platforms/{kind}", name="灯具小店", webhook_url=door.url, **given)
        sandbox.post("/sandbox/customers", id="mei", name="林美")
        self.account: str = account["id"]
        self.settings: dict[str, Any] = account["settings"]
        door.loop = asyncio.get_running_loop()

    def change(self, **settings: Any) -> None:
        """Change how the platform behaves."""
        self.sandbox.post(f"/sandbox/platforms/{self.kind}", id=self.account, settings=settings)

    def play(self, **wish: Any) -> None:
        """Mei says or does something."""
        self.sandbox.post("/sandbox/play", platform=self.kind, account=self.account, customer="mei", **wish)

    async def heard(self, *says: str, **wish: Any) -> str:
        """Return what the speaker says to something, or why it says nothing; `says` is what agents have said by then."""
        before = len(self.spoken())
        parts: list[Part] = [Text(one) for one in says]
        self.door.says = parts
        self.play(**wish)
        for _ in range(SECONDS * 50):
            await asyncio.sleep(0.02)
            if len(self.spoken()) > before:
                self.door.says = []
                return str(self.spoken()[before]["text"])
        raise AssertionError(f"nothing is heard after {wish}")

    def spoken(self) -> list[dict[str, Any]]:
        """Return everything that the speaker has said."""
        answer = self.sandbox.control.get(f"/sandbox/chats/{self.kind}:{self.account}:mei/bubbles")
        found = answer.json()["bubbles"] if answer.is_success else []
        return [bubble for bubble in found if bubble["side"] == "business"]

    def session(self) -> dict[str, Any]:
        """Return the last answer as the platform got it."""
        raw: dict[str, Any] = self.spoken()[-1]["raw"]
        return raw

    async def facts(self) -> list[Inbound]:
        """Return what became of all requests up to now."""
        found: list[Inbound] = []
        while True:
            try:
                found += self.door.channel.parse(self.door.calls.get_nowait())
            except queue.Empty:
                return found

    async def told(self, **wish: Any) -> list[Inbound]:
        """Return what becomes of something to which nothing is said."""
        await self.facts()
        self.play(**wish)
        return await asyncio.to_thread(self.door.facts)

    async def said(self) -> list[MessageReceived]:
        """Return the messages among the facts."""
        return [fact for fact in await self.facts() if isinstance(fact, MessageReceived)]
