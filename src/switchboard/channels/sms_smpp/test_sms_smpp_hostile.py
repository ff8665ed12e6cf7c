"""An SMSC that writes nonsense: the link ends with a reason or goes on, nothing raises, nobody else is hurt."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from switchboard.channels.api import Inbound, InDoubt, MessageReceived, Outcome, Retry, Text, Unreadable
from switchboard.channels.sms_smpp import inbound, pdu
from switchboard.channels.sms_smpp.bind import Bind
from switchboard.channels.sms_smpp.channel import SmppChannel
from switchboard.channels.sms_smpp.ledger import Ledger
from switchboard.channels.sms_smpp.pdu import HEADER, Malformed, Message, Pdu
from switchboard.channels.sms_smpp.session import Assembly, Cursor
from switchboard.channels.sms_smpp.test_sms_smpp import settings
from switchboard.channels.sms_smpp.trunk import Trunk
from tests.sms.peers import LoopbackIo, Runner, Settings, Smsc, eventually, running

FROM = pdu.Address("46700000001", 1, 1)
SOUND = pdu.submit_body(
    Message(source=FROM, destination=pdu.Address("4670011223344", 1, 1), short_message=b"hello")
)
LONG = pdu.submit_body(
    Message(
        source=FROM,
        esm_class=pdu.UDH_INDICATOR,
        short_message=b"\x05\x00\x03\x09\x02\x01part",
        options={0x0427: b"\x02"},
    )
)
COMMANDS = st.sampled_from([pdu.DELIVER_SM, pdu.DATA_SM, pdu.SUBMIT_SM])


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A sound body, cut, stretched or overwritten somewhere."""
    body = bytearray(draw(st.sampled_from([SOUND, LONG])))
    at = draw(st.integers(0, len(body)))
    match draw(st.sampled_from(["cut", "put", "over"])):
        case "cut":
            del body[at:]
        case "put":
            body[at:at] = draw(st.binary(max_size=40))
        case _:
            more = draw(st.binary(min_size=1, max_size=8))
            body[at : at + len(more)] = more
    return bytes(body)


@bounds(deadline=None)
@given(COMMANDS, st.one_of(st.binary(max_size=300), spoilt()))
@example(pdu.DELIVER_SM, SOUND[:-1])
@example(pdu.DELIVER_SM, SOUND + b"\x04\x24\xff\xff")
@example(pdu.DELIVER_SM, LONG.replace(b"\x05\x00\x03", b"\xff\x00\x03"))
def test_a_body_is_read_or_malformed(command: int, body: bytes) -> None:
    """Never anything else, and nothing is read beyond its end."""
    try:
        message = pdu.message_of(Pdu(command, 1, 0, body))
    except Malformed:
        return
    assert len(message.short_message) + sum(map(len, message.options.values())) <= len(body)


@bounds(deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=300), spoilt()), max_size=6))
def test_whatever_is_delivered_becomes_facts_or_waits_for_its_parts(bodies: list[bytes]) -> None:
    assembly = Assembly(settings(), Cursor(), Ledger(), "n")
    items = []
    for number, body in enumerate(bodies):
        items += assembly.take(Pdu(pdu.DELIVER_SM, number, 0, body), 1.0, 1.0)
        assembly = Assembly(settings(), Cursor.read(assembly.cursor(1.0, 2.0)), Ledger(), f"n{number}")
    items += assembly.overdue(1e9)
    facts: list[Inbound] = inbound.facts_of(inbound.raw_of(items), settings())
    assert len(facts) == len(items)


@bounds(deadline=None)
@given(st.binary(max_size=80))
def test_octets_are_one_pdu_or_none(octets: bytes) -> None:
    try:
        one = pdu.unpack(octets)
    except Malformed:
        return
    assert one.packed() == octets


# -- on the wire -------------------------------------------------------------------------------------------


@asynccontextmanager
async def server(
    answers: bytes, *, hang_up: bool = False, then: int = 0
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """An SMSC that lets anybody bind and then writes `answers`; yields its port and what it got after that.

    Everything it gets it answers with the command `then`, if any.
    """
    got: list[bytes] = []
    served: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await talk(reader, writer)
        writer.close()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(HEADER.size)
        length, command, _, sequence = HEADER.unpack(head)
        await reader.readexactly(length - HEADER.size)
        writer.write(Pdu(command | pdu.RESPONSE, sequence, 0, b"x\x00").packed() + answers)
        while not hang_up and (heard := await reader.read(65536)):
            got.append(heard)
            if then:
                writer.write(Pdu(then, HEADER.unpack_from(heard)[3], 0, b"id\x00").packed())

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1], got
    finally:
        listening.close()
        async with asyncio.timeout(5):
            await asyncio.gather(*filter(None, served))


async def bound(port: int, **changes: Any) -> Bind:
    return await Bind.open(LoopbackIo(port), settings(**changes), "transceiver")


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (struct.pack(">IIII", 0, pdu.DELIVER_SM, 0, 1), "a PDU of 0 bytes"),
        (struct.pack(">IIII", 15, pdu.DELIVER_SM, 0, 1), "a PDU of 15 bytes"),
        (struct.pack(">IIII", 0xFFFF_FFFF, pdu.DELIVER_SM, 0, 1), "a PDU of 4294967295 bytes"),
        (struct.pack(">IIII", pdu.MAX_BYTES + 1, pdu.DELIVER_SM, 0, 1), "a PDU of 70001 bytes"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak SMPP"),
    ],
)
async def test_a_length_that_none_has_ends_the_link_at_once(answers: bytes, reason: str) -> None:
    async with server(answers) as (port, _):
        bind = await bound(port)
        with pytest.raises(Retry, match=reason):
            await bind.batch(1, 2, asyncio.Event())
        assert not bind.open_still
        await bind.close()


@pytest.mark.parametrize(
    "answers",
    [
        b"\x00\x00\x00",
        struct.pack(">IIII", 60, pdu.DELIVER_SM, 0, 1) + b"half",
        struct.pack(">IIII", 16, pdu.UNBIND, 0, 9),
    ],
)
async def test_a_link_that_ends_in_the_middle_has_a_reason(answers: bytes) -> None:
    async with server(answers, hang_up=True) as (port, _):
        bind = await bound(port)
        with pytest.raises(Retry, match=r"closed the connection|unbind"):
            await bind.batch(1, 2, asyncio.Event())
        await bind.close()


async def test_a_pdu_that_never_ends_does_not_hold_the_link_forever() -> None:
    async with server(struct.pack(">IIII", 60_000, pdu.DELIVER_SM, 0, 1) + b"x") as (port, _):
        bind = await bound(port, enquire_seconds=1)
        with pytest.raises(Retry, match="no longer answers"):
            await bind.batch(1, 5, asyncio.Event())
        await bind.close()


async def test_what_is_unknown_or_unasked_for_is_answered_by_the_book() -> None:
    """A command nobody knows gets a generic_nack, stray answers and alerts get nothing; then a message passes."""
    stray = [
        Pdu(pdu.SUBMIT_SM | pdu.RESPONSE, 77, 0, b"id\x00"),
        Pdu(pdu.GENERIC_NACK, 0, 3),
        Pdu(pdu.ALERT_NOTIFICATION, 5),
        Pdu(0x0000_0777, 41),
        Pdu(pdu.ENQUIRE_LINK, 42),
        Pdu(pdu.DELIVER_SM, 43, 0, SOUND),
    ]
    async with server(b"".join(one.packed() for one in stray)) as (port, got):
        bind = await bound(port)
        (one,) = await bind.batch(9, 2, asyncio.Event())
        await bind.answer([one])
        wanted = [
            Pdu(pdu.GENERIC_NACK, 41, 3),
            Pdu(pdu.ENQUIRE_LINK | pdu.RESPONSE, 42),
            Pdu(pdu.DELIVER_SM | pdu.RESPONSE, 43, 0, b"\x00"),
        ]
        octets = b"".join(each.packed() for each in wanted)
        await eventually(lambda: b"".join(got) == octets)
        await bind.close()


@pytest.mark.parametrize(
    ("command", "outcome", "open_still"),
    [
        (pdu.ENQUIRE_LINK | pdu.RESPONSE, InDoubt, False),
        (pdu.BIND_TRANSCEIVER | pdu.RESPONSE, InDoubt, False),
        (pdu.GENERIC_NACK, Retry, True),
    ],
)
async def test_an_answer_to_something_else_is_no_acceptance(
    command: int, outcome: type[Outcome], open_still: bool
) -> None:
    """Neither another command's answer nor a generic_nack without a reason means that the message was taken."""
    async with server(b"", then=command) as (port, _):
        bind = await bound(port)
        with pytest.raises(outcome):
            await bind.submit(Message(destination=FROM, short_message=b"hello"))
        assert bind.open_still is open_still
        if not open_still:
            assert "does not speak SMPP (it answers 0x4 with" in str(bind.end())
        await bind.close()


@given(st.binary(min_size=1, max_size=200))
@bounds(max_examples=25, deadline=None)
def test_noise_never_raises_anything_but_an_outcome(noise: bytes) -> None:
    """Whatever follows the bind, the link ends with a reason or stays, and no task dies of it."""
    died: list[dict[str, Any]] = []

    async def listen() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: died.append(context))
        async with server(noise, hang_up=True) as (port, _):
            bind = await bound(port)
            try:
                while True:
                    await bind.batch(10, 2, asyncio.Event())
            except Outcome:
                pass
            await bind.close()

    asyncio.run(listen())
    assert died == []


async def test_a_broken_message_leaves_its_neighbours_and_other_accounts_alone() -> None:
    """It is kept as unreadable and confirmed; a second account at a sound SMSC notices nothing of a broken link."""
    smsc = Smsc(Settings(accounts={"desk": settings().password}))
    broken = Pdu(pdu.DELIVER_SM, 8, 0, SOUND[:-3]).packed()
    answers = broken + Pdu(pdu.DELIVER_SM, 9, 0, SOUND).packed() + b"\xff" * 16
    try:
        sound = Runner(SmppChannel(settings(), LoopbackIo(await smsc.start())))
        async with running(sound), server(answers) as (port, _):
            hostile = Runner(SmppChannel(settings(system_id="other"), LoopbackIo(port)))
            with pytest.raises(Retry, match="does not speak SMPP"):
                await hostile.run()
            assert [type(fact) for fact in hostile.facts] == [Unreadable, MessageReceived]
            smsc.writes("desk", FROM.number, "4670011223344", "hello")
            (fact,) = await sound.until(1)
            assert fact.parts == [Text("hello")]
    finally:
        await smsc.stop()


async def test_receipts_wait_for_what_is_half_sent_and_not_for_what_comes_after() -> None:
    trunk = Trunk(settings())
    first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    trunk._flying.add(first)
    landed = asyncio.create_task(trunk.landed(5))
    await asyncio.sleep(0.05)
    trunk._flying.add(asyncio.get_running_loop().create_future())
    assert not landed.done()
    first.set_result(None)
    async with asyncio.timeout(1):
        await landed
