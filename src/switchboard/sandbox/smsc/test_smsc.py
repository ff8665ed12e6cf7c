"""The stand-in, used by a client library that nobody here has written."""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import smpplib.client  # type: ignore[import-untyped]  # publishes no types
import smpplib.consts  # type: ignore[import-untyped]  # publishes no types
import smpplib.exceptions  # type: ignore[import-untyped]  # publishes no types
import smpplib.gsm  # type: ignore[import-untyped]  # publishes no types

from switchboard.sandbox.smsc import Settings, Smsc

LIBRARIES = {"sms_smpp": "smpplib"}


@pytest.fixture
async def smsc() -> AsyncGenerator[Smsc, None]:
    made = Smsc(Settings(accounts={"desk": "sesame"}))
    yield made
    await made.stop()


class Client:
    """smpplib in a thread: it blocks."""

    def __init__(self, port: int) -> None:
        self.sent: list[str] = []
        self.got: list[Any] = []
        self.client = smpplib.client.Client("127.0.0.1", port, timeout=1, allow_unknown_opt_params=True)
        self.client.set_message_sent_handler(self._sent)
        self.client.set_message_received_handler(self._received)

    def _sent(self, pdu: Any) -> None:
        if not pdu.status:  # called for refused ones, too
            self.sent.append(pdu.message_id.decode())

    def _received(self, pdu: Any) -> int:
        self.got.append(pdu)
        return 0

    def bind(self, password: str = "sesame") -> None:
        self.client.connect()
        self.client.bind_transceiver(system_id="desk", password=password)

    def send(self, destination: str, text: str) -> int:
        """Send as the library's own manual does it; return how many parts that took."""
        parts, coding, message_type = smpplib.gsm.make_parts(text)
        for part in parts:
            self.client.send_message(
                source_addr_ton=smpplib.consts.SMPP_TON_INTL,
                source_addr="46700112233",
                dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
                destination_addr=destination,
                short_message=part,
                data_coding=coding,
                esm_class=message_type,
                registered_delivery=True,
            )
        return len(parts)

    def listen(self, until: Any) -> None:
        late = time.monotonic() + 10
        while not until():
            assert time.monotonic() < late, "the SMSC said nothing of the kind"
            self.client.read_once()

    def end(self) -> None:
        self.client.unbind()
        self.client.disconnect()

    def hang_up(self) -> None:
        self.client._socket.close()
        self.client.state = smpplib.consts.SMPP_CLIENT_STATE_CLOSED


@pytest.mark.parametrize("text", ["Hello [€]", "x" * 400, "您的订单已发货。" * 20])
async def test_smpplib_sends_and_gets_its_receipts(smsc: Smsc, text: str) -> None:
    port = await smsc.start()

    def work() -> Client:
        client = Client(port)
        client.bind()
        count = client.send("46700000001", text)
        client.listen(lambda: len(client.sent) == count and len(client.got) == count)
        client.end()
        return client

    client = await asyncio.to_thread(work)
    assert [one.text for one in smsc.shown()] == [text]
    assert sorted(client.sent) == sorted(identifier for identifier, _ in smsc.submits)
    told = [pdu.short_message.decode("ascii") for pdu in client.got]
    assert all("stat:DELIVRD" in words for words in told)
    assert {words.split()[0].removeprefix("id:") for words in told} == set(client.sent)
    assert {pdu.receipted_message_id.decode().rstrip("\0") for pdu in client.got} == set(client.sent)
    assert not smsc.unsolicited


async def test_smpplib_reads_what_customers_write(smsc: Smsc) -> None:
    port = await smsc.start()
    smsc.writes("desk", "46700000001", "46700112233", "Where is my order? [€]")
    smsc.writes("desk", "46700000001", "46700112233", "订单在哪里？")

    def work() -> list[tuple[int, bytes]]:
        client = Client(port)
        client.bind()
        client.listen(lambda: len(client.got) == 2)
        client.end()
        return [(pdu.data_coding, pdu.short_message) for pdu in client.got]

    (gsm, said), (ucs2, asked) = await asyncio.to_thread(work)
    assert gsm == 0
    assert said == b"Where is my order? \x1b<\x1be\x1b>"
    assert (ucs2, asked.decode("utf-16-be")) == (8, "订单在哪里？")
    assert not smsc.waiting("desk")


@pytest.mark.parametrize(("password", "status"), [("wrong", 0x0E), ("sesame", 0x58)])
async def test_smpplib_is_refused_where_it_should_be(smsc: Smsc, password: str, status: int) -> None:
    port = await smsc.start()
    smsc.settings.per_second = 2

    def work() -> int:
        client = Client(port)
        client.client.set_error_pdu_handler(lambda pdu: failures.append(pdu.status))
        failures: list[int] = []
        try:
            client.bind(password)
            for _ in range(3):
                client.send("46700000001", "hello")
            client.listen(lambda: failures)
        except smpplib.exceptions.PDUError as error:
            failures.append(int(error.args[1]))
        finally:
            client.hang_up()
        return failures[0]

    assert await asyncio.to_thread(work) == status


async def test_what_is_not_confirmed_is_delivered_again(smsc: Smsc) -> None:
    port = await smsc.start()
    smsc.writes("desk", "46700000001", "46700112233", "hello")
    first = Client(port)
    await asyncio.to_thread(first.bind)
    async with asyncio.timeout(5):
        while not smsc.waiting("desk"):  # noqa: ASYNC110 - a test looks on from outside
            await asyncio.sleep(0.01)
    first.hang_up()

    def work() -> bytes:
        client = Client(port)
        client.bind()
        client.listen(lambda: client.got)
        client.end()
        said: bytes = client.got[0].short_message
        return said

    assert await asyncio.to_thread(work) == b"hello"
