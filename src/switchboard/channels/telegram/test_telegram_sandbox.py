"""Telegram's adapter against the sandbox over real HTTP: both intakes, files, failures."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from switchboard.channels.api import (
    AccountChanged,
    Audio,
    Button,
    Choice,
    Choices,
    Claim,
    Content,
    EchoReceived,
    File,
    Image,
    Inbound,
    InDoubt,
    Location,
    MessageEdited,
    MessageReceived,
    Outbound,
    Part,
    ReachChanged,
    Reauthorise,
    Refused,
    Retry,
    Source,
    Text,
)
from switchboard.channels.loopback import Door, LoopbackIo, Sandbox
from switchboard.channels.telegram.channel import TelegramChannel, TelegramConfig

WIRE = {"telegram": "the sandbox over HTTP"}

TOKEN = "4200:abcdefghijklmnopqrstuvwxyz0123456789"
SECRET = "secret-of-the-webhook"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000002000000030806000000b9eade81"
    "0000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
FILE = UUID(int=7)


class Line:
    """A bot, its customer Ann, and the facts that come of what she does."""

    def __init__(self, sandbox: Sandbox, door: Door, io: LoopbackIo, intake: str) -> None:
        self.sandbox, self.door, self.io, self.intake = sandbox, door, io, intake
        self.bot = sandbox.post("/sandbox/telegram/bots", token=TOKEN, username="shop_bot", name="Shop")
        sandbox.post("/sandbox/customers", id="ann", name="Ann Lee", telegram_id=5001, phone="4915112345678")
        config = TelegramConfig(
            token=TOKEN, webhook_secret=SECRET, intake="poll" if intake == "poll" else "webhook"
        )
        self.channel = TelegramChannel(config, io)
        self.cursor = ""

    def play(self, **wish: Any) -> None:
        """Ann does something."""
        self.sandbox.post("/sandbox/play", platform="telegram", account="4200", customer="ann", **wish)

    async def facts(self) -> list[Inbound]:
        """Return what the next webhook call or poll brings."""
        if self.intake == "poll":
            polled = await self.channel.poll("4200", self.cursor)
            self.cursor = polled.cursor
            return list(polled.facts)
        request = await asyncio.to_thread(self.door.calls.get, True, 10)
        self.channel.verify(request)
        return self.channel.parse(request)

    async def said(self, **wish: Any) -> MessageReceived:
        """Ann writes; return the fact."""
        self.play(**wish)
        (fact,) = await self.facts()
        assert isinstance(fact, MessageReceived), fact
        return fact


@pytest.fixture(params=["webhook", "poll"])
async def line(request: pytest.FixtureRequest, sandbox: Sandbox, door: Door, io: LoopbackIo) -> Line:
    """The same conversation by both intakes."""
    made = Line(sandbox, door, io, request.param)
    await made.channel.register(door.url)
    return made


def to_ann(*parts: Part, **more: Any) -> Outbound:
    """Return a message to Ann."""
    return Outbound("4200", more.pop("to", "5001"), parts, "key", **more)


async def test_a_conversation_goes_both_ways(line: Line) -> None:
    """Text, answer with buttons, press, edit, photo, block."""
    (account,) = await line.channel.probe()
    assert (account.external_id, account.name) == ("4200", "Shop (@shop_bot)")
    first = await line.said(text="你好 😀")
    assert (first.parts, first.sender.claims) == ([Text("你好 😀")], [Claim("telegram", "5001")])
    choices = Choices("Which tea?", [Button("tea:green", "Green")])
    sent = await line.channel.send(to_ann(choices, to=first.address, reply_to=first.external_id))
    assert sent.external_id.startswith("5001:")
    pressed = await line.said(type="press", reply_to=sent.external_id.partition(":")[2], button="0.0")
    assert pressed.parts == [Choice("tea:green", "Green")]
    assert pressed.reply_to == sent.external_id
    line.play(type="edit", target=first.external_id.partition(":")[2], text="你好！")
    (edited,) = await line.facts()
    assert isinstance(edited, MessageEdited)
    assert (edited.external_id, edited.parts) == (first.external_id, [Text("你好！")])
    key = line.sandbox.control.post(
        "/sandbox/media?name=a.png", content=PNG, headers={"content-type": "image/png"}
    )
    photo = await line.said(type="image", file=key.json()["key"], text="look")
    (part,) = photo.parts
    assert isinstance(part, Image)
    assert part.caption == "look"
    assert part.source is not None
    assert (await line.channel.fetch_media("4200", part.source)).data == PNG
    line.play(action="block")
    (gone,) = await line.facts()
    assert isinstance(gone, ReachChanged)
    assert not gone.reachable
    with pytest.raises(Refused) as refused:
        await line.channel.send(to_ann(Text("hello?")))
    assert refused.value.unreachable


@pytest.mark.parametrize("line", ["webhook"], indirect=True)
async def test_trouble_with_the_webhook_is_noticed(line: Line) -> None:
    """Another address, none at all, and one that doesn't take what Telegram brings."""
    ours = line.door.url
    assert await line.channel.check(ours) == []
    assert [news.code for news in await line.channel.check(f"{ours}/other")] == ["webhook_elsewhere"]
    await line.channel.register("http://127.0.0.1:9/nobody")
    line.play(text="hello?")
    found: list[AccountChanged] = []
    for _ in range(50):
        if found := await line.channel.check("http://127.0.0.1:9/nobody"):
            break
        await asyncio.sleep(0.1)
    assert [(news.status, news.code) for news in found] == [("amber", "webhook_trouble")]


@pytest.mark.parametrize("line", ["webhook"], indirect=True)
async def test_every_kind_of_send_arrives(line: Line) -> None:
    """As multipart uploads where there is a file."""
    line.io.files[FILE] = Content("a.png", "image/png", PNG)
    await line.said(text="hi")
    parts: list[Part] = [
        Text("words"),
        Image(file_id=FILE, mime="image/png", caption="图"),
        File(file_id=FILE, name="a.png"),
        Audio(file_id=FILE, mime="audio/ogg", voice=True),
        Location(31.2, 121.4, "Shop", "Road 1"),
    ]
    for part in parts:
        await line.channel.send(to_ann(part))
    entries = line.sandbox.ledger()
    assert len(entries) == len(parts)
    assert [entry["to"] for entry in entries] == ["5001"] * len(parts)
    assert [entry["text"] for entry in entries][:2] == ["words", "图"]


@pytest.mark.parametrize("line", ["webhook"], indirect=True)
async def test_a_business_chat_keeps_owner_and_customer_apart(line: Line) -> None:
    """The customer's message, our answer in the owner's name, the owner's own words."""
    made = line.sandbox.post("/sandbox/telegram/bots/4200/connections", owner_id=900, owner_name="Owner")
    (connected,) = await line.facts()
    assert connected.dedupe_key.startswith(f"business:{made['id']}")
    question = await line.said(text="any left?", business_connection_id=made["id"])
    assert question.address == f"5001?business={made['id']}"
    sent = await line.channel.send(to_ann(Text("yes"), to=question.address, reply_to=question.external_id))
    assert sent.external_id.startswith(f"{made['id']}:5001:")
    line.play(text="I, the owner", business_connection_id=made["id"], as_owner=True)
    facts = await line.facts()
    while not (isinstance(facts[0], EchoReceived) and facts[0].parts == [Text("I, the owner")]):
        assert isinstance(facts[0], EchoReceived)  # our own answer may come back first
        facts = await line.facts()
    assert facts[0].customer.claims == [Claim("telegram", "5001")]


@pytest.mark.parametrize("line", ["webhook"], indirect=True)
async def test_failures_are_told_apart_on_the_wire(line: Line) -> None:
    """Rate limit, gateway, an answer that never comes, a token that is no longer good."""
    await line.said(text="hi")
    wanted: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"kind": "error", "code": 429}, Retry),
        ({"kind": "http", "code": 502}, Retry),
        ({"kind": "drop_after"}, InDoubt),
        ({"kind": "error", "code": 401}, Reauthorise),
    ]
    for fault, outcome in wanted:
        line.sandbox.post("/sandbox/faults", platform="telegram", **fault)
        with pytest.raises(outcome) as failed:
            await line.channel.send(to_ann(Text("x")))
        assert "abcdefghijklmnop" not in str(failed.value)
    with pytest.raises(Refused):
        await line.channel.fetch_media("4200", Source("no such file"))
    unknown = TelegramChannel(TelegramConfig(token="4201:abcdefghijklmnopqrstuvwxyz0123456789"), line.io)
    with pytest.raises(Reauthorise):
        await unknown.probe()
