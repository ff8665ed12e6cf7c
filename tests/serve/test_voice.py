"""Voice skills through the whole product: a speaker asks, an agent answers at the desk, the speaker says it, at once or next time."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from switchboard.channels.families.voice import CHINESE, ENGLISH, Words
from switchboard.channels.loopback import Sandbox
from tests.serve.test_serve import PASSWORD, run, serving, until

PATIENCE = 15


class Speech(msgspec.Struct, frozen=True):
    """What is said to one platform's speaker: how the skill is connected, a question, and how one asks again."""

    fields: dict[str, str]
    words: Words
    question: str
    again: str
    deadline: float


SPEAKERS = {
    "voice_alexa": Speech({"skill_id": "{skill_id}"}, ENGLISH, "where is my parcel", "yes", 8),
    "voice_dueros": Speech({"skill_id": "{skill_id}"}, CHINESE, "我的快递到哪了", "好的", 3),
    "voice_tmall": Speech(
        {"skill_id": "{skill_id}", "token": "{header_value}"}, CHINESE, "我的快递到哪了", "有回复了吗", 3
    ),
}


class House:
    """The product with one skill connected, its desk, and the customer's speaker."""

    def __init__(self, desk: httpx.AsyncClient, sandbox: Sandbox, kind: str) -> None:
        self.desk, self.sandbox, self.kind = desk, sandbox, kind
        self.account = ""

    async def connect(self, fields: dict[str, str]) -> None:
        """Make a skill at the platform and connect it."""
        account = self.sandbox.post(f"/sandbox/platforms/{self.kind}", name="Shop")
        self.account = account["id"]
        config = {field: said.format(**account["settings"]) for field, said in fields.items()}
        made = await self.desk.post(
            "/connections", json={"kind": self.kind, "name": self.kind, "config": config}
        )
        assert made.status_code == 201, made.text
        assert made.json()["channels"][0]["external_id"] == self.account
        self.change(webhook_url=made.json()["webhook_url"])

    def change(self, **more: Any) -> None:
        """Change how the platform behaves."""
        self.sandbox.post(f"/sandbox/platforms/{self.kind}", id=self.account, **more)

    def spoken(self) -> list[str]:
        """Return what the speaker has said, or why it said nothing."""
        answer = self.sandbox.control.get(f"/sandbox/chats/{self.kind}:{self.account}:mei/bubbles")
        bubbles = answer.json()["bubbles"] if answer.is_success else []
        return [bubble["text"] for bubble in bubbles if bubble["side"] == "business"]

    async def heard(self, **wish: Any) -> str:
        """Say or do something and return the answer; the sandbox keeps the platform's deadline."""
        before, late = len(self.spoken()), time.monotonic() + PATIENCE
        self.sandbox.post("/sandbox/play", platform=self.kind, account=self.account, customer="mei", **wish)
        while time.monotonic() < late:
            if said := self.spoken()[before:]:
                return said[0]
            await asyncio.sleep(0.05)
        raise AssertionError(f"nothing is heard after {wish}")

    async def conversations(self) -> list[dict[str, Any]]:
        """Return what the desk shows of this kind."""
        items = (await self.desk.get("/conversations", params={"limit": 50})).json()["items"]
        return [one for one in items if one["kind"] == self.kind]

    async def messages(self, conversation: str) -> list[dict[str, Any]]:
        """Return its messages, the oldest first."""
        items = (await self.desk.get(f"/conversations/{conversation}/messages")).json()["items"]
        return sorted(items, key=lambda one: one["position"])

    async def answer(self, conversation: str, words: str) -> str:
        """Answer as an agent; return the message's id."""
        body = {"parts": [{"type": "text", "text": words}]}
        written = await self.desk.post(f"/conversations/{conversation}/messages", json=body)
        assert written.status_code == 201, written.text
        ident: str = written.json()["id"]
        return ident

    async def status(self, conversation: str, message: str) -> str:
        """Return how a message of ours fares."""
        (found,) = [one for one in await self.messages(conversation) if one["id"] == message]
        return str(found["status"])

    async def sent(self, conversation: str, message: str) -> None:
        """Wait until it is written down that the answer has left; raises AssertionError where it never is."""

        async def gone() -> bool:
            return await self.status(conversation, message) == "sent"

        assert await until(gone)


@asynccontextmanager
async def house(data: Path, sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """The product, with the sandbox in the place of Amazon's and Baidu's stores of certificates."""
    code, said = await run(
        data, "create", "--workspace", "Acme", "--email", "ann@example.com", "--name", "Ann",
        SWITCHBOARD_PASSWORD=PASSWORD,
    )  # fmt: skip
    assert code == 0, said
    stores = ",".join(f"{maker}_certificates={sandbox.url}" for maker in ("alexa", "dueros"))
    async with (
        serving(
            data, SWITCHBOARD_OUTBOUND_ALLOW=urlsplit(sandbox.url).netloc, SWITCHBOARD_BASE_URLS=stores
        ) as (_, url),
        httpx.AsyncClient(base_url=f"{url}/api/v1", trust_env=False) as desk,
    ):
        signed_in = await desk.post("/sessions", json={"email": "ann@example.com", "password": PASSWORD})
        assert signed_in.status_code == 201, signed_in.text
        desk.headers["Authorization"] = f"Bearer {signed_in.json()['token']}"
        yield desk


async def test_what_a_speaker_is_asked_is_answered_by_agents(tmp_path: Path) -> None:
    sandbox = Sandbox()
    try:
        sandbox.post("/sandbox/customers", id="mei", name="Mei")
        async with house(tmp_path, sandbox) as desk:
            for kind, speech in SPEAKERS.items():
                there = House(desk, sandbox, kind)
                await there.connect(speech.fields)
                conversation = await _promised(there, speech)
                await _told_later(there, speech, conversation)
                await _in_time(there, speech, conversation)
                await _forged(there, conversation)
    finally:
        sandbox.close()


async def _promised(there: House, speech: Speech) -> str:
    """Nobody answers: the question waits in the queue, and the speaker promises an answer before the deadline."""
    assert await there.heard(action="launch") == speech.words.greeting
    assert await there.conversations() == []
    began = time.monotonic()
    assert (await there.heard(text=speech.question)).startswith(speech.words.promise)
    assert time.monotonic() - began < speech.deadline + 1

    async def row() -> Any:
        return await there.conversations()

    (found,) = await until(row)
    assert found["preview"] == speech.question
    return str(found["id"])


async def _told_later(there: House, speech: Speech, conversation: str) -> None:
    """What an agent answers waits until the person speaks again, in the order in which it was said."""
    messages = [await there.answer(conversation, words) for words in ("Answer one.", "Answer two.")]
    await asyncio.sleep(0.5)
    for message in messages:
        assert await there.status(conversation, message) == "queued"
    assert await there.heard(text=speech.again) == "Answer one.\nAnswer two."
    for message in messages:
        await there.sent(conversation, message)
    (again,) = [one for one in await there.messages(conversation) if one["direction"] == "in"][1:]
    assert again["parts"][0]["type"] == "notice"
    late = await there.answer(conversation, "One thing more.")
    assert await there.heard(action="launch") == "One thing more.", "who opens the skill hears what waits"
    await there.sent(conversation, late)
    assert (await there.heard(text=speech.question)).startswith(speech.words.promise)


async def _in_time(there: House, speech: Speech, conversation: str) -> None:
    """An agent who is quick is heard in the same breath. A slow machine may miss a deadline; the answer is then not lost."""
    for number in range(5):
        question, reply = f"{speech.question} {number}", f"Answer to {number}."

        async def asked(question: str = question) -> bool:
            return any(one["preview"] == question for one in await there.conversations())

        heard = asyncio.create_task(there.heard(text=question))
        await until(asked)
        await there.answer(conversation, reply)
        if await heard == reply:
            return
        assert await there.heard(text=speech.again) == reply
    raise AssertionError("no answer was heard in the same breath")


async def _forged(there: House, conversation: str) -> None:
    """A request that isn't the platform's leaves no trace."""
    before = len(await there.messages(conversation))
    there.change(settings={"flaw": "body"})
    assert await there.heard(text="forged") == "The skill answered HTTP 401"
    there.change(settings={"flaw": ""})
    assert len(await there.messages(conversation)) == before
