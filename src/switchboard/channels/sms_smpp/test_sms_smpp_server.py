"""The channel against an SMSC over real TCP on loopback: both ways, reconnecting, throttled, in parts."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from switchboard.channels.api import (
    InDoubt,
    Outbound,
    Reauthorise,
    ReceiptReceived,
    Refused,
    Retry,
    Text,
)
from switchboard.channels.sms_smpp.channel import SmppChannel
from switchboard.channels.sms_smpp.test_sms_smpp import CONFIG, settings
from switchboard.channels.sms_smpp.trunk import trunk
from tests.sms.peers import LoopbackIo, Runner, Settings, Smsc, eventually, running

OURS, ANN, BOB = "+4670011223344", "46700000001", "46700000002"
ACCOUNTS = {"desk": CONFIG["password"]}


@pytest.fixture
async def smsc() -> AsyncGenerator[Smsc, None]:
    made = Smsc(Settings(accounts=ACCOUNTS))
    yield made
    await made.stop()


async def channel_to(smsc: Smsc, **changes: Any) -> SmppChannel:
    port = await smsc.start()
    return SmppChannel(settings(**{"throttle_seconds": 1, **changes}), LoopbackIo(port))


def to_ann(text: str, key: str = "m-0") -> Outbound:
    return Outbound(OURS, f"+{ANN}", [Text(text)], key)


# -- in ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("long", ["udh8", "udh16", "sar", "payload"])
@pytest.mark.parametrize("text", ["Where is my order? [1234] €", "我的订单 1234 在哪里？😀" * 9, "x€" * 200])
async def test_what_customers_write_comes_whole(smsc: Smsc, long: str, text: str) -> None:
    runner = Runner(await channel_to(smsc))
    async with running(runner):
        smsc.writes("desk", ANN, OURS[1:], text, long=long)
        (one,) = await runner.until(1)
        assert (one.parts, one.account, one.address) == ([Text(text)], OURS, f"+{ANN}")
        await eventually(lambda: not smsc.waiting("desk"))


async def test_nothing_is_confirmed_before_it_is_stored(smsc: Smsc) -> None:
    """The SMSC keeps what it has until the product has it."""
    runner = Runner(await channel_to(smsc))
    async with running(runner):
        runner.storing.clear()
        smsc.writes("desk", ANN, OURS[1:], "hello")
        await asyncio.sleep(0.2)
        assert smsc.waiting("desk") == 1
        runner.storing.set()
        await runner.until(1)
        await eventually(lambda: not smsc.waiting("desk"))


async def test_a_session_that_dies_while_storing_gets_the_message_again(smsc: Smsc) -> None:
    runner = Runner(await channel_to(smsc))
    async with running(runner):
        runner.storing.clear()
        smsc.writes("desk", ANN, OURS[1:], "hello")
        await asyncio.sleep(0.1)
    assert not await _texts(runner)
    runner.storing.set()
    async with running(runner):
        assert await _texts(runner, 1) == ["hello"]


async def test_a_confirmation_that_was_lost_does_not_double_a_message(smsc: Smsc) -> None:
    """Stored, the line cut before the answer: delivered again, not told again."""
    runner = Runner(await channel_to(smsc))
    async with running(runner) as task:
        runner.storing.clear()
        smsc.writes("desk", ANN, OURS[1:], "hello")
        await asyncio.sleep(0.1)
        smsc.hang_up()
        runner.storing.set()
        with pytest.raises(Retry):
            await task
    async with running(runner):
        await eventually(lambda: not smsc.waiting("desk"))
        smsc.writes("desk", ANN, OURS[1:], "hello")
        smsc.writes("desk", ANN, OURS[1:], "the end")
        await eventually(lambda: not smsc.waiting("desk"))
        assert await _texts(runner, 3) == ["hello", "hello", "the end"]


async def test_parts_come_in_any_order_and_over_two_connections(smsc: Smsc) -> None:
    runner = Runner(await channel_to(smsc))
    text = "一二三四五六七八九十" * 20
    async with running(runner):
        smsc.writes("desk", ANN, OURS[1:], text, order=[2, 0])
        await eventually(lambda: not smsc.waiting("desk"))
    assert not await _texts(runner)
    again = Runner(runner.channel)
    again.cursors = runner.cursors
    async with running(again):
        smsc.writes("desk", ANN, OURS[1:], text, order=[1, 3])
        assert await _texts(again, 1) == [text]


async def _texts(runner: Runner, count: int = 0) -> list[str]:
    return [fact.parts[0].text for fact in await runner.until(count)]


async def test_a_session_ends_with_an_error_when_the_smsc_hangs_up(smsc: Smsc) -> None:
    """The runner then begins another."""
    runner = Runner(await channel_to(smsc))
    async with running(runner) as task:
        smsc.hang_up()
        with pytest.raises(Retry):
            await task
    async with running(runner):
        assert smsc.binds == [("desk", "transceiver")] * 2


async def test_both_sides_ask_whether_the_other_is_there(smsc: Smsc) -> None:
    smsc.settings.enquire_seconds = 0.1
    channel = await channel_to(smsc, enquire_seconds=1)
    runner = Runner(channel)
    async with running(runner):
        bind = trunk(channel._config).session
        assert bind is not None
        await eventually(lambda: smsc.enquiries >= 2)
        await eventually(lambda: bind.proven > 0)
        assert not smsc.unsolicited


async def test_an_smsc_that_no_longer_answers_is_left(smsc: Smsc) -> None:
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frame = await reader.readexactly(16)
        await reader.readexactly(int.from_bytes(frame[:4], "big") - 16)
        writer.write(bytes.fromhex("00000012 80000009 00000000") + frame[12:16] + b"x\0")
        await reader.read()  # until the client has gone, asking in vain
        await reader.read()
        writer.close()
        gone.set()

    gone = asyncio.Event()
    server = await asyncio.start_server(deaf, "127.0.0.1", 0)
    channel = SmppChannel(settings(enquire_seconds=1), LoopbackIo(server.sockets[0].getsockname()[1]))
    runner = Runner(channel)
    async with running(runner) as task:
        with pytest.raises(Retry, match="no longer answers"):
            await asyncio.wait_for(task, 5)
    await asyncio.wait_for(gone.wait(), 5)
    server.close()


# -- out ---------------------------------------------------------------------------------------------------


async def test_what_agents_write_is_shown_on_the_phone_and_receipts_come_back(smsc: Smsc) -> None:
    """Short and long; a long one is delivered once, when all its parts are."""
    channel = await channel_to(smsc)
    runner = Runner(channel)
    long = "您的订单已发货，预计三天内送达😀" * 12
    async with running(runner):
        short_id = (await channel.send(to_ann("ok"))).external_id
        long_id = (await channel.send(to_ann(long, "m-1"))).external_id
        receipts = await runner.until(2, ReceiptReceived)
        assert [(one.external_id, one.status) for one in receipts] == [
            (short_id, "delivered"),
            (long_id, "delivered"),
        ]
        assert [one.text for one in smsc.shown()] == ["ok", long]
        await asyncio.sleep(0.1)
        assert len(await runner.until(2, ReceiptReceived)) == 2
    assert smsc.binds == [("desk", "transceiver")], "both ways over one connection"


async def test_receipts_of_a_long_message_find_it_after_a_restart(smsc: Smsc) -> None:
    smsc.settings.receipt_seconds = 0.5
    smsc.faults.states[ANN] = "UNDELIV"
    first = await channel_to(smsc, numbers=OURS)
    runner = Runner(first)
    async with running(runner):
        sent = await first.send(to_ann("x" * 400))
        await eventually(lambda: "long" in runner.cursors["desk"])
    later = SmppChannel(settings(numbers=f"{OURS} ", throttle_seconds=1), first._io)
    again = Runner(later)
    again.cursors = runner.cursors
    async with running(again):
        (receipt,) = await again.until(1, ReceiptReceived)
        assert (receipt.external_id, receipt.status, receipt.code) == (sent.external_id, "failed", "027")


@pytest.mark.parametrize("tlvs", [True, False])
async def test_receipts_with_decimal_ids_find_their_message(smsc: Smsc, tlvs: bool) -> None:
    smsc.settings.receipt_ids, smsc.settings.receipt_tlvs = "decimal", tlvs
    channel = await channel_to(smsc, receipt_ids="decimal")
    runner = Runner(channel)
    async with running(runner):
        sent = await channel.send(to_ann("ok"))
        (receipt,) = await runner.until(1, ReceiptReceived)
        assert receipt.external_id == sent.external_id


async def test_separate_binds_where_the_smsc_wants_them(smsc: Smsc) -> None:
    channel = await channel_to(smsc, bind="separate")
    runner = Runner(channel)
    async with running(runner):
        await channel.send(to_ann("x" * 300))
        await runner.until(1, ReceiptReceived)
        assert smsc.binds == [("desk", "receiver"), ("desk", "transmitter")]
        assert not smsc.unsolicited


async def test_an_account_that_may_bind_once_is_not_bound_twice(smsc: Smsc) -> None:
    """Without a session a send binds by itself; the session then takes over, and sends wait while it comes back."""
    smsc.settings.single = True
    channel = await channel_to(smsc)
    await channel.send(to_ann("before"))
    runner = Runner(channel)
    async with running(runner):
        await channel.send(to_ann("within", "m-1"))
        assert [kind for _, kind in smsc.binds] == ["transmitter", "transceiver"]
        assert [one.external_id for one in await channel.probe()] == [OURS, "12345", "DESK"]
    with pytest.raises(Retry, match="being restored"):
        await channel.send(to_ann("between", "m-2"))


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(0x58, Retry), (0x14, Retry), (0x08, Retry), (0x0B, Refused), (0x0A, Refused), (0x45, Refused)],
)
async def test_refusals_become_outcomes_and_leave_the_connection_alone(
    smsc: Smsc, status: int, outcome: type[Exception]
) -> None:
    channel = await channel_to(smsc)
    smsc.faults.submit_statuses.append(status)
    with pytest.raises(outcome) as error:
        await channel.send(to_ann("no"))
    assert getattr(error.value, "unreachable", False) is (status == 0x0B)
    await channel.send(to_ann("yes"))
    assert len(smsc.binds) == 1


async def test_a_throttled_part_alone_is_sent_again(smsc: Smsc) -> None:
    """The phone gets each part once."""
    channel = await channel_to(smsc)
    smsc.faults.submit_statuses.extend([0, 0x58, 0])
    with pytest.raises(Retry) as error:
        await channel.send(to_ann("y" * 400))
    assert error.value.after == 1
    assert len(smsc.submits) == 2
    await channel.send(to_ann("y" * 400))
    assert [one.text for one in smsc.shown()] == ["y" * 400]
    assert len(smsc.submits) == 3


async def test_who_is_throttled_is_silent_for_a_while(smsc: Smsc) -> None:
    """Not the one message alone: the others would only be refused, too, and use up their attempts."""
    channel = await channel_to(smsc)
    smsc.faults.submit_statuses.append(0x58)
    with pytest.raises(Retry):
        await channel.send(to_ann("first"))
    begun = asyncio.get_running_loop().time()
    await asyncio.gather(*(channel.send(to_ann("x", f"m-{nr}")) for nr in range(5)))
    assert 0.9 < asyncio.get_running_loop().time() - begun < 3


async def test_a_long_pause_is_waited_for_in_the_queue(smsc: Smsc) -> None:
    channel = await channel_to(smsc, throttle_seconds=300)
    smsc.faults.submit_statuses.append(0x14)
    for _ in range(2):
        with pytest.raises(Retry) as error:
            await channel.send(to_ann("hello"))
        assert error.value.after is not None
        assert 290 < error.value.after <= 300
    assert not smsc.submits


async def test_a_connection_lost_after_the_submit_leaves_doubt(smsc: Smsc) -> None:
    channel = await channel_to(smsc)
    smsc.faults.hang_up_on_submit = True
    with pytest.raises(InDoubt):
        await channel.send(to_ann("was it sent?"))
    await channel.send(to_ann("on a new connection", "m-1"))
    assert len(smsc.binds) == 2


@pytest.mark.parametrize(
    ("status", "outcome"), [(0x0E, Reauthorise), (0x0D, Reauthorise), (0x05, Retry), (0x08, Retry)]
)
async def test_a_refused_bind_is_told(smsc: Smsc, status: int, outcome: type[Exception]) -> None:
    smsc.faults.bind_status = status
    channel = await channel_to(smsc)
    with pytest.raises(outcome, match="ESME_R"):
        await channel.send(to_ann("no"))
    with pytest.raises(outcome):
        await Runner(channel).run()


async def test_a_wrong_password_is_told_when_probed(smsc: Smsc) -> None:
    channel = await channel_to(smsc, password="another-password-for-tests")
    with pytest.raises(Reauthorise, match="ESME_RINVPASWD"):
        await channel.probe()


async def test_the_window_is_kept(smsc: Smsc) -> None:
    """No more submits than agreed wait for an answer."""
    smsc.faults.silent = True
    channel = await channel_to(smsc, window=4)
    tasks = [asyncio.create_task(channel.send(to_ann("x", f"m-{nr}"))) for nr in range(10)]
    await eventually(lambda: len(smsc.submits) >= 4)
    await asyncio.sleep(0.1)
    assert len(smsc.submits) == 4
    smsc.hang_up()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ends] == [InDoubt] * 4 + [Retry] * 6


async def test_the_agreed_throughput_is_kept(smsc: Smsc) -> None:
    """An SMSC that allows 40 a second is never asked for more."""
    smsc.settings.per_second = 40
    channel = await channel_to(smsc, throughput=38)
    begun = asyncio.get_running_loop().time()
    await asyncio.gather(*(channel.send(to_ann("x", f"m-{nr}")) for nr in range(60)))
    assert asyncio.get_running_loop().time() - begun > 59 / 38


async def test_nobody_is_not_written_to(smsc: Smsc) -> None:
    channel = await channel_to(smsc)
    with pytest.raises(Refused) as error:
        await channel.send(Outbound(OURS, "BANK", [Text("hello")], "m-0"))
    assert error.value.unreachable
    assert not smsc.attempts
