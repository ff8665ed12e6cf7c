"""Short messages over SMPP through the whole product: phones of the sandbox, its SMSC, the queue, an agent at the desk."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from switchboard.channels.loopback import Sandbox
from tests.serve.test_serve import PASSWORD, run, serving, until

OURS, CODE = "+4670011223344", "12345"
LONG = "我的订单在哪里？😀" * 20


class House:
    """The product's desk with one account at the SMSC connected."""

    def __init__(self, desk: httpx.AsyncClient, sandbox: Sandbox, account: dict[str, Any]) -> None:
        self.desk, self.sandbox = desk, sandbox
        self.account: str = account["id"]
        self.known: dict[str, Any] = account["settings"]
        self.connection = ""

    async def connect(self, **changes: Any) -> httpx.Response:
        """Type the account's settings into the product."""
        names = ("host", "port", "system_id", "password", "numbers")
        config = {name: self.known[name] for name in names} | {"enquire_seconds": 1} | changes
        return await self.desk.post(
            "/connections", json={"kind": "sms_smpp", "name": "SMS", "config": config}
        )

    def play(self, **wish: Any) -> None:
        """A customer does something."""
        self.sandbox.post("/sandbox/play", platform="sms_smpp", account=self.account, **wish)

    def change(self, **settings: Any) -> None:
        """Change what the SMSC knows of the account."""
        self.sandbox.post("/sandbox/platforms/sms_smpp", id=self.account, settings=settings)

    async def state(self, status: str) -> dict[str, Any]:
        """Wait until the connection has a colour."""

        async def look() -> Any:
            found = (await self.desk.get(f"/connections/{self.connection}")).json()
            return found if found["status"] == status else None

        found: dict[str, Any] = await until(look)
        return found

    async def messages(self, conversation: str) -> list[dict[str, Any]]:
        """Return a conversation's messages, the oldest first."""
        answer = await self.desk.get(f"/conversations/{conversation}/messages", params={"limit": 100})
        return sorted(answer.json()["items"], key=lambda one: one["position"])

    async def heard(self, count: int) -> dict[str, list[str]]:
        """Wait for so many messages of customers; return what each conversation's said."""

        async def look() -> Any:
            rows = (await self.desk.get("/conversations", params={"limit": 50})).json()["items"]
            said = {
                row["id"]: [
                    one["parts"][0]["text"]
                    for one in await self.messages(row["id"])
                    if one["direction"] == "in"
                ]
                for row in rows
            }
            return said if sum(map(len, said.values())) >= count else None

        found: dict[str, list[str]] = await until(look)
        return found

    async def answer(self, conversation: str, words: str) -> str:
        """Answer as an agent; return the message's id."""
        body = {"parts": [{"type": "text", "text": words}]}
        written = await self.desk.post(f"/conversations/{conversation}/messages", json=body)
        assert written.status_code == 201, written.text
        ident: str = written.json()["id"]
        return ident

    async def ends(self, conversation: str, message: str, status: str) -> dict[str, Any]:
        """Wait until a message of ours has a status."""

        async def look() -> Any:
            (found,) = [one for one in await self.messages(conversation) if one["id"] == message]
            return found if found["status"] == status else None

        found: dict[str, Any] = await until(look)
        return found


@asynccontextmanager
async def house(data: Path, sandbox: Sandbox) -> AsyncIterator[House]:
    code, said = await run(
        data, "create", "--workspace", "Acme", "--email", "ann@example.com", "--name", "Ann",
        SWITCHBOARD_PASSWORD=PASSWORD,
    )  # fmt: skip
    assert code == 0, said
    account = sandbox.post("/sandbox/platforms/sms_smpp", settings={"numbers": f"{OURS}, {CODE}"})
    place = f"{account['settings']['host']}:{account['settings']['port']}"
    async with (
        serving(data, SWITCHBOARD_OUTBOUND_ALLOW=place) as (_, url),
        httpx.AsyncClient(base_url=f"{url}/api/v1", trust_env=False) as desk,
    ):
        signed_in = await desk.post("/sessions", json={"email": "ann@example.com", "password": PASSWORD})
        assert signed_in.status_code == 201, signed_in.text
        desk.headers["Authorization"] = f"Bearer {signed_in.json()['token']}"
        yield House(desk, sandbox, account)


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[House]:
    sandbox = Sandbox()
    try:
        for name, phone in (("mei", "8613800000001"), ("tom", "4915100000004")):
            sandbox.post("/sandbox/customers", id=name, name=name.title(), phone=phone)
        async with house(tmp_path, sandbox) as made:
            yield made
    finally:
        sandbox.close()


async def test_from_phones_to_the_desk_and_back(there: House) -> None:
    """One story, because starting the product takes longest."""
    refused = await there.connect(password="wrong")
    assert refused.status_code == 422
    assert "ESME_RINVPASWD" in refused.text
    made = await there.connect()
    assert made.status_code == 201, made.text
    there.connection = made.json()["id"]
    assert [one["external_id"] for one in made.json()["channels"]] == [OURS, CODE]
    await there.state("green")
    mei = await _talk(there)
    await _cut(there, mei)
    await _locked_out(there, mei)


async def _talk(there: House) -> str:
    """Two people write to two numbers; each is answered from the number they wrote to, and receipts move on by themselves."""
    there.play(customer="mei", text=LONG, order="doubled")
    there.play(customer="tom", text="Where is it? [€]", number=CODE)
    said = await there.heard(2)
    by_text = {texts[0]: conversation for conversation, texts in said.items()}
    assert set(by_text) == {LONG, "Where is it? [€]"}
    mei, tom = by_text[LONG], by_text["Where is it? [€]"]
    await there.ends(mei, await there.answer(mei, LONG), "delivered")
    await there.ends(tom, await there.answer(tom, "On its way ^_^"), "delivered")
    there.play(customer="tom", action="block")
    failed = await there.ends(tom, await there.answer(tom, "Hello?"), "failed")
    assert "could not be reached" in failed["error"]["message"]
    told = [(one["to"], one["body"]["source_addr"], one["text"]) for one in there.sandbox.ledger()]
    assert told == [
        ("8613800000001", OURS[1:], LONG),
        ("4915100000004", CODE, "On its way ^_^"),
        ("4915100000004", CODE, "Hello?"),
    ]
    return mei


async def _cut(there: House, conversation: str) -> None:
    """The line is cut in the middle of what people write and of what waits for an answer: nothing is lost or doubled."""
    wanted = [f"nr {number}" + ("好" * 100 if number % 4 == 0 else "") for number in range(24)]
    for number, text in enumerate(wanted):
        await asyncio.to_thread(there.play, customer="mei", text=text)
        if number % 8 == 5:
            await asyncio.to_thread(there.play, customer="mei", action="hang_up")
    said = await there.heard(len(wanted) + 2)
    assert Counter(said[conversation]) == Counter([LONG, *wanted])
    there.play(customer="mei", action="hang_up")
    answers = [f"answer {number}" for number in range(6)]
    written = [await there.answer(conversation, words) for words in answers]
    for message in written:
        await there.ends(conversation, message, "delivered")
    assert [one["text"] for one in there.sandbox.ledger()][3:] == answers


async def _locked_out(there: House, conversation: str) -> None:
    """A password that is no longer accepted turns the channel red with its reason; it comes back by itself when it is."""
    there.change(password="changed")
    there.play(customer="mei", action="hang_up")
    red = await there.state("red")
    assert "ESME_RINVPASWD" in str(red)
    assert there.known["password"] not in str(red)
    there.change(password=there.known["password"])
    await there.state("green")
    await there.ends(conversation, await there.answer(conversation, "Here again"), "delivered")
