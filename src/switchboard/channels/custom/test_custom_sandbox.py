"""The custom channel against the sandbox's partner system over real HTTP."""

import asyncio
from typing import Any

import pytest

from switchboard.channels.api import (
    Claim,
    Image,
    InDoubt,
    MessageReceived,
    Outbound,
    Part,
    Reauthorise,
    ReceiptReceived,
    Refused,
    Retry,
    Text,
)
from switchboard.channels.custom.channel import CustomChannel, CustomConfig
from switchboard.channels.loopback import Door, LoopbackIo, Sandbox
from switchboard.net import Guard, GuardedHttp

WIRE = {"custom": "the sandbox over HTTP"}

SECRET = "a-signing-secret-for-tests"


@pytest.fixture
def channel(sandbox: Sandbox, door: Door, io: LoopbackIo) -> CustomChannel:
    """A partner system whose customer is Ann."""
    link = sandbox.post("/sandbox/custom", id="shop", secret=SECRET, webhook_url=door.url)
    sandbox.post(
        "/sandbox/customers", id="ann", name="Ann Lee", phone="4915112345678", email="ann@example.com"
    )
    config = CustomConfig(system_id="shop", signing_secret=SECRET, send_url=link["send_url"])
    return CustomChannel(config, io)


def play(sandbox: Sandbox, **wish: Any) -> None:
    """Ann writes."""
    sandbox.post("/sandbox/play", platform="custom", account="shop", customer="ann", **wish)


def answer(*parts: Part) -> Outbound:
    """Return a message to Ann."""
    return Outbound("shop", "ann", parts, "key-1")


async def test_messages_files_and_receipts_go_both_ways(
    sandbox: Sandbox, door: Door, channel: CustomChannel
) -> None:
    """Signed by the partner, believed by us, and the other way round."""
    assert [account.external_id for account in await channel.probe()] == ["shop"]
    key = sandbox.control.post(
        "/sandbox/media?name=a.png", content=b"PNG", headers={"content-type": "image/png"}
    )
    play(sandbox, text="look 👀", type="image", file=key.json()["key"])
    request = await asyncio.to_thread(door.calls.get, True, 10)
    channel.verify(request)
    (fact,) = channel.parse(request)
    assert isinstance(fact, MessageReceived)
    assert fact.sender.claims[0] == Claim("custom:shop", "ann")
    assert Claim("phone", "+4915112345678", verified=False) in fact.sender.claims
    words, picture = fact.parts
    assert words == Text("look 👀")
    assert isinstance(picture, Image)
    assert picture.source is not None
    assert (await channel.fetch_media("shop", picture.source)).data == b"PNG"
    sent = await channel.send(answer(Text("nice")))
    (entry,) = sandbox.ledger()
    assert (entry["id"], entry["text"], entry["to"]) == (sent.external_id, "nice", "ann")
    receipt = await asyncio.to_thread(door.calls.get, True, 10)
    channel.verify(receipt)
    (arrived,) = channel.parse(receipt)
    assert isinstance(arrived, ReceiptReceived)
    assert (arrived.external_id, arrived.status) == (sent.external_id, "delivered")


async def test_an_answer_names_what_it_answers(sandbox: Sandbox, door: Door, channel: CustomChannel) -> None:
    """On the phone "reply" is offered here too."""
    play(sandbox, text="and this one?", reply_to="m-1", location={"latitude": 31.2, "longitude": 121.4})
    (fact,) = channel.parse(await asyncio.to_thread(door.calls.get, True, 10))
    assert isinstance(fact, MessageReceived)
    assert fact.reply_to == "m-1"
    assert [type(part).__name__ for part in fact.parts] == ["Text", "Location"]


async def test_failures_are_told_apart_on_the_wire(
    sandbox: Sandbox, channel: CustomChannel, io: LoopbackIo
) -> None:
    """A busy partner, a silent one, a person it doesn't know, a secret that doesn't fit."""
    wanted: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"kind": "error", "code": 503}, Retry),
        ({"kind": "http", "code": 429}, Retry),
        ({"kind": "drop_after"}, InDoubt),
    ]
    for fault, outcome in wanted:
        sandbox.post("/sandbox/faults", platform="custom", **fault)
        with pytest.raises(outcome):
            await channel.send(answer(Text("x")))
    with pytest.raises(Refused, match="no such customer"):
        await channel.send(Outbound("shop", "nobody", [Text("x")], "key-2"))
    url = f"{sandbox.url}/custom/shop/messages"
    wrong = CustomChannel(CustomConfig(system_id="shop", signing_secret="not-that-secret", send_url=url), io)
    with pytest.raises(Reauthorise):
        await wrong.probe()


async def test_a_private_address_is_refused_by_the_guard(sandbox: Sandbox, io: LoopbackIo) -> None:
    """Tenants name the address for answers, so it must not lead inside."""
    io.http = GuardedHttp(Guard())
    url = f"{sandbox.url}/custom/shop/messages"
    with pytest.raises(Refused, match="private"):
        await CustomChannel(CustomConfig(system_id="shop", signing_secret=SECRET, send_url=url), io).probe()
