"""The channel against the SMSC of the sandbox's own process, over TCP: what people do with their phones, and what goes wrong."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from switchboard.channels.api import (
    InDoubt,
    MessageReceived,
    Outbound,
    Reauthorise,
    ReceiptReceived,
    Refused,
    Retry,
    Text,
)
from switchboard.channels.loopback import LoopbackIo, Sandbox
from switchboard.channels.sms_smpp.channel import SmppChannel
from switchboard.channels.sms_smpp.test_sms_smpp import settings
from tests.sms.peers import Runner, running

WIRE = {"sms_smpp": "the sandbox's SMSC over TCP"}

ANN, OURS, CODE = "4915112345678", "+4670011223344", "12345"
EMOJI = "好" + "😀" * 90
"""At every border between parts lie the two halves of one."""
ESCAPES = "x" * 151 + "€[~]" * 25
"""The same with the extension table's two septets."""


class Phones:
    """The sandbox with one customer and one account, as the page works it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        sandbox.post("/sandbox/customers", id="ann", name="Ann Lee", phone=ANN)
        made = sandbox.post("/sandbox/platforms/sms_smpp", settings={"numbers": f"{OURS}, {CODE}, DESK"})
        self.account: str = made["id"]
        self.known: dict[str, Any] = made["settings"]

    def config(self, **changes: Any) -> Any:
        """What one types into the product."""
        given = {name: self.known[name] for name in ("host", "port", "system_id", "password", "numbers")}
        return settings(**{**given, "throttle_seconds": 1, **changes})

    def play(self, **wish: Any) -> None:
        """The customer does something."""
        self.sandbox.post("/sandbox/play", platform="sms_smpp", account=self.account, customer="ann", **wish)

    def fault(self, kind: str, **more: Any) -> None:
        """Arm a fault."""
        self.sandbox.post("/sandbox/faults", platform="sms_smpp", kind=kind, **more)

    def bubbles(self) -> list[dict[str, Any]]:
        """What the phone shows."""
        path = f"/sandbox/chats/sms_smpp:{self.account}:ann/bubbles"
        found: list[dict[str, Any]] = self.sandbox.control.get(path).json()["bubbles"]
        return found


@pytest.fixture
def phones(sandbox: Sandbox) -> Phones:
    return Phones(sandbox)


@pytest.fixture
def channel(phones: Phones, io: LoopbackIo) -> SmppChannel:
    return SmppChannel(phones.config(), io)


def to_ann(text: str, key: str = "m-0", account: str = OURS) -> Outbound:
    return Outbound(account, f"+{ANN}", [Text(text)], key)


def said(runner: Runner) -> list[str]:
    """What customers have said so far."""
    return [
        part.text
        for fact in runner.facts
        if isinstance(fact, MessageReceived)
        for part in fact.parts
        if isinstance(part, Text)
    ]


async def test_the_account_that_the_page_shows_can_be_bound(phones: Phones, channel: SmppChannel) -> None:
    assert [one.external_id for one in await channel.probe()] == [OURS, CODE, "DESK"]
    state = phones.sandbox.control.get("/sandbox/state").json()
    look = next(one for one in state["platforms"] if one["name"] == "sms_smpp")
    assert set(look["shown"]) <= set(phones.known)


@pytest.mark.parametrize("bind", ["transceiver", "separate"])
async def test_people_write_and_are_answered(phones: Phones, io: LoopbackIo, bind: str) -> None:
    """To each of our numbers, from it, over one connection or a pair; receipts come by themselves."""
    channel = SmppChannel(phones.config(bind=bind), io)
    runner = Runner(channel)
    async with running(runner):
        phones.play(text="Where is my order? [1234] €")
        phones.play(text="我的订单在哪里？😀", number=CODE)
        first, second = await runner.until(2)
        assert (first.account, first.address) == (OURS, f"+{ANN}")
        assert first.parts == [Text("Where is my order? [1234] €")]
        assert (second.account, second.parts) == (CODE, [Text("我的订单在哪里？😀")])
        sent = [
            (await channel.send(to_ann("on its way ^_^", "m-1"))).external_id,
            (await channel.send(to_ann("已发货", "m-2", account=CODE))).external_id,
            (await channel.send(to_ann("x€" * 200, "m-3", account="DESK"))).external_id,
        ]
        told = await runner.until(3, ReceiptReceived)
        assert {(one.external_id, one.status) for one in told} == {(one, "delivered") for one in sent}
    ledger = phones.sandbox.ledger()
    assert [(one["id"], one["text"]) for one in ledger] == list(
        zip(sent, ["on its way ^_^", "已发货", "x€" * 200], strict=True)
    )
    assert [one["body"]["source_addr"] for one in ledger] == [OURS[1:], CODE, "DESK"]
    theirs = [one for one in phones.bubbles() if one["side"] == "business"]
    assert [one["status"] for one in theirs] == ["delivered"] * 3


@pytest.mark.parametrize("order", ["reversed", "doubled", [1, 0, 1, 2, 0]])
async def test_long_messages_in_any_order_and_more_than_once(
    phones: Phones, channel: SmppChannel, order: Any
) -> None:
    """Each is told once, and a part that comes late once more starts nothing."""
    runner = Runner(channel)
    async with running(runner):
        for long in ("udh8", "udh16", "sar"):
            phones.play(text=ESCAPES, long=long, order=order)
            phones.play(text=EMOJI, long=long, order="doubled")
        phones.play(text="the end")
        await runner.until(7)
    assert Counter(said(runner)) == Counter({ESCAPES: 3, EMOJI: 3, "the end": 1})
    assert '"parts"' not in runner.cursors[phones.known["system_id"]]


async def test_long_answers_are_whole_on_the_phone(phones: Phones, io: LoopbackIo) -> None:
    wanted = []
    for long in ("udh", "sar", "payload"):
        channel = SmppChannel(phones.config(long_messages=long), io)
        for text in (ESCAPES, EMOJI):
            sent = await channel.send(to_ann(text, f"{long}-{text}"))
            wanted.append((sent.external_id, text))
    assert [(one["id"], one["text"]) for one in phones.sandbox.ledger()] == wanted


async def test_every_state_of_a_receipt(phones: Phones, channel: SmppChannel) -> None:
    """ENROUTE, ACCEPTD and UNKNOWN say nothing that would end the waiting."""
    runner = Runner(channel)
    wanted = [
        (1, "sent"),
        (2, "delivered"),
        (3, "failed"),
        (4, "failed"),
        (5, "failed"),
        (6, "sent"),
        (7, "sent"),
        (8, "failed"),
    ]
    async with running(runner):
        for count, (state, status) in enumerate(wanted, 1):
            phones.fault("status", code=state)
            sent = await channel.send(to_ann("hello", f"m-{state}"))
            receipt = (await runner.until(count, ReceiptReceived))[-1]
            assert (receipt.external_id, receipt.status) == (sent.external_id, status)
            assert bool(receipt.error and receipt.code) is (status == "failed")


async def test_a_phone_that_is_off_and_a_number_that_nobody_has(phones: Phones, channel: SmppChannel) -> None:
    phones.play(action="block")
    runner = Runner(channel)
    async with running(runner):
        await channel.send(to_ann("one"))
        await channel.send(Outbound(OURS, "+4915100000000", [Text("two")], "m-1"))
        off, nobody = await runner.until(2, ReceiptReceived)
    assert (off.status, nobody.status) == ("failed", "failed")
    assert phones.bubbles()[-1]["error"] == "The phone is off"


async def test_a_wrong_password_is_told_by_its_name(phones: Phones, io: LoopbackIo) -> None:
    """To the administrator who tries it, and as the reason why a running channel turns red."""
    channel = SmppChannel(phones.config(password="wrong"), io)
    for asked in (channel.probe(), Runner(channel).run()):
        with pytest.raises(Reauthorise, match=r"ESME_RINVPASWD.*Check system ID, password"):
            await asked
    with pytest.raises(Reauthorise, match="ESME_RINVSYSID"):
        await SmppChannel(phones.config(system_id="nobody"), io).probe()


async def test_an_armed_error_has_its_outcome_once(phones: Phones, channel: SmppChannel) -> None:
    wanted: list[tuple[int, type[Exception]]] = [
        (0x58, Retry),
        (0x14, Retry),
        (0x08, Retry),
        (0x0B, Refused),
        (0x45, Refused),
    ]
    for count, (code, outcome) in enumerate(wanted):
        phones.fault("error", code=code)
        with pytest.raises(outcome) as error:
            await channel.send(to_ann("hello", f"m-{code}"))
        assert getattr(error.value, "after", None) == (1 if code in (0x58, 0x14) else None)
        assert len(phones.sandbox.ledger()) == count
        await channel.send(to_ann("hello", f"m-{code}"))


async def test_throttling_by_the_account_s_own_rate(phones: Phones, channel: SmppChannel) -> None:
    """What is refused for it has not been delivered, so repeating it doubles nothing."""
    path = f"/sandbox/accounts/{phones.account}"
    phones.sandbox.control.patch(path, json={"settings": {**phones.known, "per_second": 5}})
    waiting = [to_ann(f"nr {number}", f"m-{number}") for number in range(12)]
    rounds = 0
    while waiting:
        ends = await asyncio.gather(*(channel.send(one) for one in waiting), return_exceptions=True)
        assert all(isinstance(end, Retry) and end.after == 1 for end in ends if isinstance(end, Exception))
        waiting = [one for one, end in zip(waiting, ends, strict=True) if isinstance(end, Exception)]
        rounds += 1
        await asyncio.sleep(1.05 if waiting else 0)
    assert 2 <= rounds <= 3
    assert Counter(one["text"] for one in phones.sandbox.ledger()) == Counter(f"nr {n}" for n in range(12))


async def test_a_number_that_is_not_ours_is_refused(phones: Phones, io: LoopbackIo) -> None:
    channel = SmppChannel(phones.config(numbers="+4670099999999"), io)
    with pytest.raises(Refused, match="ESME_RINVSRCADR"):
        await channel.send(to_ann("hello", account="+4670099999999"))


@pytest.mark.parametrize(("kind", "delivered"), [("drop_before", 0), ("drop_after", 1)])
async def test_a_line_that_is_cut_during_a_send_leaves_doubt(
    phones: Phones, channel: SmppChannel, kind: str, delivered: int
) -> None:
    """Nobody can tell from here whether it was taken."""
    phones.fault(kind)
    with pytest.raises(InDoubt):
        await channel.send(to_ann("hello"))
    assert len(phones.sandbox.ledger()) == delivered
    await channel.send(to_ann("on a new connection", "m-1"))


async def test_a_line_that_is_cut_again_and_again_loses_and_doubles_nothing(
    phones: Phones, channel: SmppChannel
) -> None:
    """Short and long ones, cut in the middle of what comes."""
    runner = Runner(channel)
    wanted = [f"nr {number}" if number % 3 else f"nr {number} " + "好" * 150 for number in range(30)]

    async def people() -> None:
        for number, text in enumerate(wanted):
            await asyncio.to_thread(phones.play, text=text)
            if number % 7 == 3:
                await asyncio.to_thread(phones.play, action="hang_up")

    writing = asyncio.create_task(people())
    async with asyncio.timeout(20):
        while len(said(runner)) < len(wanted):
            async with running(runner) as task:
                await asyncio.wait([task], timeout=0.5)
    await writing
    async with running(runner) as task:
        phones.play(text="the end")
        await runner.until(len(wanted) + 1)
    assert Counter(said(runner)) == Counter([*wanted, "the end"])


async def test_what_people_write_while_nobody_is_bound_waits(phones: Phones, channel: SmppChannel) -> None:
    phones.play(text="anybody there?")
    runner = Runner(channel)
    async with running(runner):
        await runner.until(1)
    assert said(runner) == ["anybody there?"]
