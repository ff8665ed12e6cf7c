"""The demo, started twice on an outside database: what it says is there, and its channels speak."""

import asyncio
import re
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from switchboard.app.demo.stand_ins import STAND_INS
from tests.serve.test_serve import COMMAND, environment, run, until

ACCOUNTS = {
    "whatsapp": "155510000000002",
    "telegram": "7000000001",
    "custom": "shanye-app",
    "email": "service@shanye.example",
}
SEEDED = """
    select count(distinct contact_id) from identity
    where space in ('phone', 'telegram', 'email', 'email?') or space like 'custom:%' or space like 'web:%'
"""
"""Whom the channels with a history know; who is who on the others is found out bit by bit."""
MAINLAND = ("mei", "wei")
"""Numbers that alone can answer a mainland provider's messages."""
VOICE = {kind for kind in STAND_INS if kind.startswith("voice_")}
TEXTED = ACCOUNTS | {kind: one.account for kind, one in STAND_INS.items() if kind not in VOICE}


class Demo:
    """A running demo: its desk as the administrator, and the customers' phones."""

    def __init__(self, said: str, desk: httpx.AsyncClient, phones: httpx.AsyncClient) -> None:
        self.said = said
        self.desk = desk
        self.phones = phones

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.desk.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def conversation(self, words: str) -> dict[str, Any] | None:
        """The conversation whose last message begins with these words."""
        items: list[dict[str, Any]] = (await self.get("/conversations", limit=50))["items"]
        return next((one for one in items if one["preview"] == words), None)

    async def converse(self, platform: str, customer: str, words: str) -> None:
        """Somebody writes from their phone, is answered at the desk, and reads it on the phone."""
        wish = {
            "platform": platform,
            "account": TEXTED[platform],
            "customer": customer,
            "text": words,
            "subject": "?",
        }
        played = await self.phones.post("/sandbox/play", json=wish)
        assert played.status_code == 201, played.text
        row = await until(lambda: self.conversation(words))
        assert row["kind"] == platform
        # Who is known from another channel is recognised a moment later, and the two conversations become one.
        await until(lambda: self.written(words, f"Re {words}"))
        chat = f"/sandbox/chats/{played.json()['chat']}/bubbles"

        async def read() -> bool:
            bubbles = (await self.phones.get(chat)).json()["bubbles"]
            return any(one["side"] == "business" and f"Re {words}" in one["text"] for one in bubbles)

        await until(read)

    async def written(self, words: str, answer: str) -> bool:
        """Answer the conversation whose last message begins with these words; false when it was joined to another just now."""
        row = await self.conversation(words)
        if row is None:
            return False
        body = {"parts": [{"type": "text", "text": answer}]}
        return (await self.desk.post(f"/conversations/{row['id']}/messages", json=body)).status_code == 201

    async def answer(self, conversation: str, words: str) -> str:
        """Answer and return how it went."""
        path = f"/conversations/{conversation}/messages"
        written = await self.desk.post(path, json={"parts": [{"type": "text", "text": words}]})
        assert written.status_code == 201, written.text

        async def status() -> str | None:
            items = (await self.get(path, limit=5))["items"]
            mine = next(one for one in items if one["id"] == written.json()["id"])
            return (
                None
                if mine["status"] in ("queued", "sending")
                else f"{mine['status']} {mine['error'] or ''}".strip()
            )

        found: str = await until(status)
        return found


async def _listen(process: Process) -> str:
    """What the demo says until it is ready."""
    assert process.stdout is not None
    said = ""
    while "Ctrl-C 停止" not in said:
        line = await process.stdout.readline()
        assert line, said
        said += line.decode()
    return said


@asynccontextmanager
async def running(data: Path, dsn: str) -> AsyncIterator[Demo]:
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "demo", "--port", "0", "--contacts", "120",
        env=environment(data, SWITCHBOARD_DATABASE_URL=dsn), stdout=PIPE,
    )  # fmt: skip
    try:
        said = await asyncio.wait_for(_listen(process), 60)
        url, sandbox = (re.search(f"{word}.*?(http://\\S+)", said) for word in ("Workspace", "沙盒"))
        assert url
        assert sandbox
        async with (
            httpx.AsyncClient(base_url=f"{url[1]}/api/v1", trust_env=False) as desk,
            httpx.AsyncClient(base_url=sandbox[1], trust_env=False) as phones,
        ):
            who = re.search(r"(admin@\S+)\s+(\S+)", said)
            assert who
            signed_in = await desk.post("/sessions", json={"email": who[1], "password": who[2]})
            assert signed_in.status_code == 201, signed_in.text
            desk.headers["Authorization"] = f"Bearer {signed_in.json()['token']}"
            yield Demo(said, desk, phones)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.wait(), 30)


async def _counts(dsn: str) -> dict[str, int]:
    connection = await asyncpg.connect(dsn)
    try:
        tables = ("workspace", "connection", "channel", "agent")
        counts = {table: await connection.fetchval(f"select count(*) from {table}") for table in tables}
        counts["contact"] = await connection.fetchval(SEEDED)
        return counts
    finally:
        await connection.close()


async def test_the_demo_is_lived_in_and_starts_again(tmp_path: Path, database: str) -> None:
    async with running(tmp_path, database) as demo:
        connections = (await demo.get("/connections"))["items"]
        assert {one["kind"]: one["status"] for one in connections} == dict.fromkeys(
            [*ACCOUNTS, *STAND_INS, "web"], "green"
        )
        await _look_around(demo)
        for platform in TEXTED:
            await demo.converse(platform, _somebody(platform, 0), f"first by {platform}")
    before = await _counts(database)
    # A mail whose sender nothing vouches for makes a contact of its own, and joins nobody's.
    assert before.pop("contact") == 121
    async with running(tmp_path, database) as demo:
        # The port is another one now, so this passes only if every platform was told.
        assert "Writing three months" not in demo.said
        for platform in TEXTED:
            await demo.converse(platform, _somebody(platform, 1), f"second by {platform}")
        await _a_second_one_is_refused(tmp_path, database)
        await demo.converse("whatsapp", "tom", "the phones are still there")
    after = await _counts(database)
    assert after.pop("contact") == 122
    assert after == before


def _somebody(platform: str, which: int) -> str:
    return (MAINLAND if platform in ("sms_aliyun", "sms_tencent") else ("aisha", "tom"))[which]


async def _a_second_one_is_refused(data: Path, dsn: str) -> None:
    code, said = await run(data, "demo", "--port", "0", SWITCHBOARD_DATABASE_URL=dsn)
    assert (code, said.count("\n")) == (1, 1), said
    assert "already" in said


async def _look_around(demo: Demo) -> None:
    async def everybody_came() -> bool:
        items = (await demo.get("/conversations", limit=100))["items"]
        written = {(one["kind"], one["preview"]) for one in items}
        return all(
            any(kind == one and (not wish.get("text") or wish["text"] == said) for one, said in written)
            for kind, stand_in in STAND_INS.items()
            for wish in stand_in.first[-1:]
        )

    await until(everybody_came)
    views = (await demo.get("/counters"))["views"]
    items = (await demo.get("/conversations", limit=100))["items"]
    assert len(items) == views["all_open"]
    waiting = [one for one in items if one["status"] == "new"]
    assert len(waiting) == views["unassigned"]
    assert len([one for one in waiting if one["kind"] not in STAND_INS]) == 7
    # Nobody who waits is out of reach: each has a phone in the sandbox with an open window, or asks a skill again.
    for one in waiting:
        if one["kind"] in VOICE:
            continue
        assert await demo.answer(one["id"], "Good day!") in ("sent", "delivered", "read"), one
    found = (await demo.get("/search", q="睡袋"))["messages"]
    assert found
    resolved = (await demo.get("/conversations", status="resolved", limit=100))["items"]
    pictures = [one for one in resolved if one["tags"] and one["tags"][0] in ("投诉", "complaint")]
    messages = (await demo.get(f"/conversations/{pictures[0]['id']}/messages"))["items"]
    image = next(part for one in messages for part in one["parts"] if part["type"] == "image")
    base = str(demo.desk.base_url).removesuffix("/api/v1/")
    shown = await demo.phones.get(base + image["file"]["url"])
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    for language in ("zh", "en"):
        page = await demo.phones.get(f"{base}/demo-shop/{language}/")
        assert page.status_code == 200
        assert f'src="{base}/widget.js" data-channel=' in page.text
