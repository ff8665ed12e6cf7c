"""The SMPP channel's contract, its codec against published vectors, and what is peculiar to short messages."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from switchboard.channels.api import Content, MessageReceived, Outbound, Retry, Sent, Text, Unsupported
from switchboard.channels.contract import Answer, ChannelContract, Request
from switchboard.channels.sms_smpp import alphabet, inbound, pdu, receipts, segments
from switchboard.channels.sms_smpp.config import SmppConfig
from switchboard.channels.sms_smpp.ledger import Ledger
from switchboard.channels.sms_smpp.session import Assembly, Cursor
from switchboard.channels.sms_smpp.userdata import user_data
from tests.sms.peers import LoopbackIo, Settings, Smsc

SAMPLES = os.environ.get("SWITCHBOARD_SAMPLES", "")
CONFIG: Mapping[str, Any] = {
    "host": "smsc.carrier.example",
    "system_id": "desk",
    "password": "a-password-for-tests",
    "numbers": "+4670011223344, 12345, DESK",
    "throttle_seconds": 7,
    "country_code": "46",
}


def settings(**changes: Any) -> SmppConfig:
    made: SmppConfig = TestSmpp().settings(**changes)  # type: ignore[assignment]  # the contract knows no kinds
    return made


class TestSmpp(ChannelContract):
    kind = "sms_smpp"
    config: ClassVar[Mapping[str, Any]] = CONFIG
    items = ("deliveries.*",)
    wire = "own"
    situations: ClassVar[Mapping[str, Answer]] = {
        "unavailable": Answer(status=0x08),
        "slow_down": Answer(status=0x58),
        "bad_request": Answer(status=0x0B),
        "unauthorised": Answer(status=0x0E),
    }
    errors: ClassVar[Sequence[Any]] = ((Answer(status=0x14), Retry),)

    async def deliver(
        self, message: Outbound, answers: Sequence[Answer], files: Mapping[str, Content]
    ) -> tuple[Sent, list[Request]]:
        del files
        answer = answers[0]
        smsc = Smsc(Settings(accounts={"desk": CONFIG["password"]}, receipts=False))
        port = await smsc.start()
        if answer.fails == "connect":
            await smsc.stop()
        smsc.faults.hang_up_on_submit = answer.fails == "timeout"
        if answer.status == 0x0E:
            smsc.faults.bind_status = answer.status
        elif answer.status != 200:
            smsc.faults.submit_statuses.append(answer.status)
        try:
            channel = self.adapter.factory(self.settings(), LoopbackIo(port))
            sent = await channel.send(message)
            return sent, [_request(sm) for _, sm in smsc.submits]
        finally:
            await smsc.stop()


def _request(sm: Any) -> Request:
    form = {
        "source": f"{sm.source} (ton {sm.source_ton})",
        "destination": f"{sm.destination} (ton {sm.destination_ton})",
        "esm_class": f"0x{sm.esm:02X}",
        "data_coding": str(sm.coding),
        "registered_delivery": str(sm.registered),
        "user_data": sm.octets.hex(),
    }
    return Request("SUBMIT_SM", "smpp://smsc.carrier.example:2775", form=form)


# -- vectors -----------------------------------------------------------------------------------------------


def vectors(start: str) -> list[dict[str, Any]]:
    if not SAMPLES:
        pytest.skip("SWITCHBOARD_SAMPLES is not set: no published vector was tried")
    text = (Path(SAMPLES) / "sms" / "vectors" / "vectors.json").read_text("utf-8")
    return [one for one in json.loads(text) if one["name"].startswith(start)]


def test_published_pdus_are_read_and_written_to_the_byte() -> None:
    found = vectors("SMPP")
    assert len(found) == 3
    for vector in found:
        octets, want = bytes.fromhex(vector["hex"]), vector["expected"]
        one = pdu.unpack(octets)
        message = pdu.message_of(one)
        assert one.command == pdu.SUBMIT_SM
        assert len(octets) == want.get("command_length", len(octets))
        assert message.options.get(pdu.MESSAGE_PAYLOAD, b"").decode() == want.get("message_payload", "")
        assert message.options.get(pdu.MESSAGE_STATE, b"\x00")[0] == want.get("message_state", 0)
        assert pdu.Pdu(one.command, one.sequence, 0, pdu.submit_body(message)).packed() == octets
        if "source_addr" in want:
            assert (message.source, message.destination) == (
                pdu.Address(want["source_addr"], want["source_addr_ton"], 0),
                pdu.Address(want["destination_addr"], 1, want["dest_addr_npi"]),
            )
            assert (message.esm_class, message.data_coding) == (want["esm_class"], want["data_coding"])
            assert message.octets[1:4].hex() == want["udh_hex"]
            assert user_data(message).octets == b"t{st"


def test_published_alphabets_agree_both_ways() -> None:
    found = vectors("GSM")
    assert len(found) == 2
    for vector in found:
        octets = bytes.fromhex(vector["hex"])
        assert b"".join(alphabet.gsm(vector["text"]) or []) == octets
        assert alphabet.from_gsm(octets) == vector["text"]
    for vector in vectors("UCS2"):
        assert alphabet.read(bytes.fromhex(vector["hex"]), alphabet.coding_of(8, "gsm")) == vector["text"]


# -- text --------------------------------------------------------------------------------------------------


def test_every_character_of_the_alphabet_survives() -> None:
    text = "".join(chr(code) for code in range(0x2100) if alphabet.gsm(chr(code)))
    assert len(text) == 127 + 10
    assert alphabet.from_gsm(b"".join(alphabet.gsm(text) or [])) == text


@pytest.mark.parametrize(
    ("text", "coding", "lengths"),
    [
        ("x" * 160, 0, [160]),
        ("x" * 161, 0, [6 + 153, 6 + 8]),
        ("€" * 80, 0, [160]),
        ("x" * 152 + "€" * 80, 0, [6 + 152, 6 + 152, 6 + 8]),
        ("好" * 70, 8, [140]),
        ("好" * 71, 8, [6 + 134, 6 + 8]),
        ("好" * 66 + "😀" * 3, 8, [6 + 132, 6 + 12]),
    ],
)
def test_texts_are_cut_where_phones_expect_it(text: str, coding: int, lengths: list[int]) -> None:
    """Never inside an escape sequence or a surrogate pair."""
    made = segments.segments(text, "k", "udh", "gsm")
    assert [len(one.octets) for one in made] == lengths
    assert {one.data_coding for one in made} == {coding}
    whole = b"".join(one.octets[6:] if one.esm_class else one.octets for one in made)
    assert alphabet.read(whole, alphabet.coding_of(coding, "gsm")) == text


def test_a_text_that_needs_no_ucs2_at_a_latin_smsc_names_latin_1() -> None:
    assert [one.data_coding for one in segments.segments("déjà", "k", "udh", "latin-1")] == [3]


def test_a_payload_travels_whole() -> None:
    (one,) = segments.segments("x" * 500, "k", "payload", "gsm")
    assert (one.octets, len(one.options[pdu.MESSAGE_PAYLOAD])) == (b"", 500)


# -- receipts ----------------------------------------------------------------------------------------------


def test_ids_in_another_notation_meet() -> None:
    """What submit_sm_resp said in hex, the receipt says in decimal; and the other way round."""
    assert receipts.canonical("1A2B", "decimal", ours=True) == receipts.canonical(
        "6699", "decimal", ours=False
    )
    assert receipts.canonical("6699", "hex", ours=True) == receipts.canonical("00001a2b", "hex", ours=False)
    assert receipts.canonical("1A2B", "same", ours=True) == "1A2B"
    assert receipts.canonical("not-a-number", "hex", ours=False) == "not-a-number"


def test_a_customer_cannot_forge_a_receipt() -> None:
    """The text of Appendix B without the PDU's own mark is a message like any other."""
    words = (
        b"id:6699 sub:001 dlvrd:001 submit date:2611210900 done date:2611210901 stat:DELIVRD err:000 text:"
    )
    body = pdu.submit_body(pdu.Message(source=pdu.Address("46700000001", 1, 1), short_message=words))
    item = inbound.Item("k-1", [inbound.text_of(pdu.Pdu(pdu.DELIVER_SM, 1, 0, body).packed())])
    (fact,) = inbound.facts_of(inbound.raw_of([item]), settings())
    assert isinstance(fact, MessageReceived)


def test_a_long_message_is_delivered_when_all_parts_are_and_failed_when_one_is() -> None:
    ledger = Ledger()
    ledger.add(["a", "b", "c"], 0)
    assert [ledger.settle(one, "delivered").of for one in ("b", "a", "a")] == ["", "", ""]
    assert ledger.settle("c", "delivered").of == "a"
    ledger.add(["d", "e"], 0)
    assert ledger.settle("e", "failed").of == "d"
    assert ledger.settle("d", "delivered") == ledger.settle("e", "failed")
    assert ledger.settle("d", "delivered").wait
    assert not ledger.settle("unknown", "delivered").wait


# -- parts of long messages, across connections ------------------------------------------------------------


def part(number: int, total: int, octets: bytes, reference: int = 9, coding: int = 8) -> pdu.Pdu:
    message = pdu.Message(
        source=pdu.Address("46700000001", 1, 1),
        destination=pdu.Address("4670011223344", 1, 1),
        esm_class=pdu.UDH_INDICATOR,
        data_coding=coding,
        short_message=bytes((5, 0, 3, reference, total, number)) + octets,
    )
    return pdu.Pdu(pdu.DELIVER_SM, number, 0, pdu.submit_body(message))


def texts(items: list[inbound.Item]) -> list[list[Any]]:
    facts = inbound.facts_of(inbound.raw_of(items), settings())
    return [list(fact.parts) for fact in facts if isinstance(fact, MessageReceived)]


def test_parts_in_any_order_and_over_several_connections_become_one_message() -> None:
    """A character cut in two between parts is whole again; what is known is in the cursor."""
    whole = "好😀".encode("utf-16-be")
    first = Assembly(settings(), Cursor(), Ledger(), "n1")
    assert first.take(part(3, 3, whole[4:]), 1.0, 1.0) == []
    second = Assembly(settings(), Cursor.read(first.cursor(1.0, 0.0)), Ledger(), "n2")
    assert second.take(part(1, 3, whole[:2]), 2.0, 1.0) == []
    third = Assembly(settings(), Cursor.read(second.cursor(2.0, 0.0)), Ledger(), "n3")
    assert texts(third.take(part(2, 3, whole[2:4]), 3.0, 1.0)) == [[Text("好😀")]]
    assert Cursor.read(third.cursor(3.0, 0.0)).parts == {}


def test_a_part_that_never_comes_leaves_a_gap_that_shows() -> None:
    assembly = Assembly(settings(), Cursor(), Ledger(), "n")
    for number in (1, 4):
        assert assembly.take(part(number, 4, b"\x00a"), 0.0, 0.0) == []
    assert assembly.overdue(30 * 60) == []
    assert texts(assembly.overdue(30 * 60 + 1)) == [
        [Text("a"), Unsupported("sms_part_missing", "2 of 4"), Text("a")]
    ]


def test_a_reference_used_again_does_not_mix_two_messages() -> None:
    assembly = Assembly(settings(), Cursor(), Ledger(), "n")
    assembly.take(part(1, 2, b"\x00a"), 0.0, 0.0)
    old = assembly.take(part(1, 2, b"\x00b"), 1.0, 0.0)
    assert texts(old) == [[Text("a"), Unsupported("sms_part_missing", "1 of 2")]]
    assert texts(assembly.take(part(2, 2, b"\x00c"), 2.0, 0.0)) == [[Text("bc")]]


def test_a_part_that_comes_twice_is_one_part() -> None:
    """Though its PDU has another number each time, and even when the message is complete by then."""
    assembly = Assembly(settings(), Cursor(), Ledger(), "n")
    one, two = part(1, 2, b"\x00a"), part(2, 2, b"\x00b")
    again = [pdu.Pdu(each.command, each.sequence + 40, 0, each.body) for each in (one, two)]
    assert assembly.take(one, 0.0, 0.0) == assembly.take(again[0], 0.0, 0.0) == []
    assert texts(assembly.take(two, 1.0, 0.0)) == [[Text("ab")]]
    later = Assembly(settings(), Cursor.read(assembly.cursor(1.0, 9.0)), Ledger(), "n2")
    assert later.take(again[1], 2.0, 0.0) == []
    assert later.overdue(1e9) == []
    later.take(one, 600.0, 0.0)
    assert texts(later.take(two, 600.0, 0.0)) == [[Text("ab")]], "after ten minutes it is another message"


def test_what_was_stored_but_not_confirmed_is_not_told_twice() -> None:
    """The SMSC delivers it again on the next connection; the same words later are a new message."""
    one = part(1, 1, b"\x00a")
    first = Assembly(settings(), Cursor(), Ledger(), "n1")
    assert len(first.take(one, 0.0, 10.0)) == 1
    assert len(first.take(one, 0.0, 10.0)) == 1, "twice on one connection is twice"
    again = Assembly(settings(), Cursor.read(first.cursor(0.0, 9.0)), Ledger(), "n2")
    assert [len(again.take(one, 1.0, 1.0)) for _ in range(3)] == [0, 0, 1]
    proven = Assembly(settings(), Cursor.read(first.cursor(0.0, 11.0)), Ledger(), "n3")
    assert len(proven.take(one, 1.0, 1.0)) == 1
