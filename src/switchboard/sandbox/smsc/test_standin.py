"""The SMSC as a part of the sandbox: its control API, its phones, and smpplib at its port."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from switchboard.sandbox.app import Sandbox
from switchboard.sandbox.conftest import FAST, Running
from switchboard.sandbox.smsc.standin import Smpp
from switchboard.sandbox.smsc.test_smsc import Client
from switchboard.sandbox.state import PlatformAccount

ANN = "4915112345678"
Json = dict[str, Any]


class Bound(Client):
    """smpplib with the account's own settings."""

    def __init__(self, account: Json) -> None:
        super().__init__(account["settings"]["port"])
        self.known = account["settings"]
        self.statuses: list[int] = []
        self.client.set_error_pdu_handler(lambda pdu: self.statuses.append(pdu.status))

    def __enter__(self) -> "Bound":
        self.client.connect()
        self.client.bind_transceiver(system_id=self.known["system_id"], password=self.known["password"])
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def submit(self, text: bytes, source: str = "46700112233", destination: str = ANN, **more: Any) -> None:
        self.client.send_message(
            source_addr_ton=1, source_addr=source, dest_addr_ton=1, destination_addr=destination,
            short_message=text, registered_delivery=True, **more,
        )  # fmt: skip


@pytest.fixture
def account(sandbox: Running) -> Json:
    sandbox.post("/sandbox/customers", id="ann", name="Ann Lee", phone=ANN)
    return sandbox.post(
        "/sandbox/platforms/sms_smpp", id="shop", name="Tea shop", settings={"numbers": "+46700112233, 12345"}
    )


def test_smpplib_and_the_phone_talk(sandbox: Running, account: Json) -> None:
    with Bound(account) as client:
        count = client.send(ANN, "Your tea is here. " * 12)
        client.listen(lambda: len(client.got) == count)
        assert count == 2
        assert all(b"stat:DELIVRD" in pdu.short_message for pdu in client.got)
        sandbox.play(account, "ann", text="Thank you [€]", number="12345")
        client.listen(lambda: len(client.got) == count + 1)
        answer = client.got[-1]
        assert (answer.source_addr.decode(), answer.destination_addr.decode()) == (ANN, "12345")
        assert answer.short_message == b"Thank you \x1b<\x1be\x1b>"
    (entry,) = sandbox.ledger()
    assert (entry["to"], entry["text"]) == (ANN, "Your tea is here. " * 12)
    assert entry["body"]["message_ids"] == client.sent
    ours, theirs = sandbox.bubbles(account, "ann")
    assert (ours["id"], ours["status"], ours["footer"]) == (client.sent[0], "delivered", "46700112233")
    assert theirs["raw"] == {"destination_addr": "12345", "data_coding": 0, "parts": 1}


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"source": "46700999999"}, 0x0A),
        ({"destination": "no-number"}, 0x0B),
        ({"text": b"x" * 161}, 0x01),
        ({"text": "好".encode("utf-16-be") * 71, "data_coding": 8}, 0x01),
        ({"text": b"\x05\x00\x03\x01\x02\x01" + b"x" * 154, "esm_class": 0x40}, 0x01),
    ],
)
def test_what_no_network_carries_is_refused(sandbox: Running, account: Json, how: Json, status: int) -> None:
    with Bound(account) as client:
        client.submit(**{"text": b"hello", **how})
        client.listen(lambda: client.statuses)
        assert client.statuses == [status]
    assert sandbox.ledger() == []


def test_octets_that_are_no_text_are_shown_and_harm_nobody(sandbox: Running, account: Json) -> None:
    """What can't be read shows as U+FFFD; a header that is none, or a part without a number, is a message of its own."""
    odd: list[Json] = [
        {"text": b"\xff\x1b"},
        {"text": b"\xd8\x3d", "data_coding": 8},
        {"text": b"\xffabc", "esm_class": 0x40},
        {"text": b"", "esm_class": 0x40},
        {"text": b"part", "sar_total_segments": 3, "sar_msg_ref_num": 1, "sar_segment_seqnum": 2},
    ]
    with Bound(account) as client:
        for one in odd:
            client.submit(**one)
        client.submit(b"the end")
        client.listen(lambda: len(client.sent) == len(odd) + 1)
    texts = [entry["text"] for entry in sandbox.ledger()]
    assert texts == ["\ufffd\ufffd", "\ufffd", "", "", "the end"]


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({"type": "image"}, 422),
        ({"number": "+1"}, 404),
        ({"coding": 4}, 422),
        ({"coding": 3, "text": "好"}, 422),
        ({"coding": 0, "text": "好"}, 422),
        ({"long": "flood"}, 422),
        ({"order": "random"}, 422),
        ({"order": [7]}, 422),
        ({"order": {"a": 1}}, 422),
        ({"action": "dance"}, 422),
    ],
)
def test_wishes_that_make_no_sense_are_told(sandbox: Running, account: Json, wish: Json, status: int) -> None:
    body = {"platform": "sms_smpp", "account": account["id"], "customer": "ann", "text": "hi", **wish}
    assert sandbox.http.post("/sandbox/play", json=body).status_code == status


def test_receipts_say_what_the_phone_and_the_faults_make_of_it(sandbox: Running, account: Json) -> None:
    def told(destination: str = ANN) -> str:
        before = len(client.got)
        client.submit(b"hello", destination=destination)
        client.listen(lambda: len(client.got) > before)
        words: str = client.got[-1].short_message.decode()
        return words.split("stat:")[1].split()[0]

    with Bound(account) as client:
        assert told() == "DELIVRD"
        assert told("4915100000000") == "UNDELIV"
        sandbox.play(account, "ann", action="block")
        assert told() == "EXPIRED"
        sandbox.play(account, "ann", action="unblock")
        sandbox.post("/sandbox/faults", kind="status", platform="sms_smpp", code=8)
        assert told() == "REJECTD"
        assert told() == "DELIVRD"
    assert [one["status"] for one in sandbox.bubbles(account, "ann")] == [
        "delivered",
        "failed",
        "failed",
        "delivered",
    ]


async def test_accounts_learn_the_new_port_after_a_restart(tmp_path: Path) -> None:
    config = msgspec.structs.replace(FAST, state_file=str(tmp_path / "state.json"))
    ports = set[int]()
    for _ in range(2):
        one = Sandbox(config)
        await one.start()
        if not one.world.state.accounts:
            account_id, name, settings = Smpp(one.world).invent({"id": "shop"})
            one.world.state.accounts["shop"] = PlatformAccount(
                id=account_id, platform=Smpp.name, name=name, settings=settings
            )
        known = one.world.state.accounts["shop"].settings
        assert known["port"] == one.world.smpp_port
        reader, writer = await asyncio.open_connection(known["host"], known["port"])
        ports.add(known["port"])
        await one.stop()
        assert await reader.read() == b""
        writer.close()
    assert len(ports) == 2
