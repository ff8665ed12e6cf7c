"""SMPP 3.4 on the wire: exactly the PDUs that a client of short messages needs.

A PDU is four 32-bit numbers (length, command, status, sequence) and a body; section numbers are those of the
specification, issue 1.2.
"""

import struct
from collections.abc import Mapping

import msgspec

HEADER = struct.Struct(">IIII")
MAX_BYTES = 70_000
"""The longest optional parameter holds 65,535 octets; nothing of use is larger than one of them."""

MOST_ID = 255
"""Message ids have 64 octets (5.2.23); what is far longer is none."""

RESPONSE = 0x8000_0000
GENERIC_NACK = 0x8000_0000
BIND_RECEIVER = 0x0000_0001
BIND_TRANSMITTER = 0x0000_0002
SUBMIT_SM = 0x0000_0004
DELIVER_SM = 0x0000_0005
UNBIND = 0x0000_0006
BIND_TRANSCEIVER = 0x0000_0009
ENQUIRE_LINK = 0x0000_0015
ALERT_NOTIFICATION = 0x0000_0102
DATA_SM = 0x0000_0103

UDH_INDICATOR = 0x40
"""Bit of esm_class: the user data begins with a header (5.2.12)."""

SAR_REFERENCE = 0x020C
SAR_TOTAL = 0x020E
SAR_NUMBER = 0x020F
RECEIPTED_MESSAGE_ID = 0x001E
NETWORK_ERROR_CODE = 0x0423
MESSAGE_PAYLOAD = 0x0424
MESSAGE_STATE = 0x0427

STATUSES: Mapping[int, str] = {
    0x01: "ESME_RINVMSGLEN",
    0x02: "ESME_RINVCMDLEN",
    0x03: "ESME_RINVCMDID",
    0x04: "ESME_RINVBNDSTS",
    0x05: "ESME_RALYBND",
    0x06: "ESME_RINVPRTFLG",
    0x07: "ESME_RINVREGDLVFLG",
    0x08: "ESME_RSYSERR",
    0x0A: "ESME_RINVSRCADR",
    0x0B: "ESME_RINVDSTADR",
    0x0C: "ESME_RINVMSGID",
    0x0D: "ESME_RBINDFAIL",
    0x0E: "ESME_RINVPASWD",
    0x0F: "ESME_RINVSYSID",
    0x14: "ESME_RMSGQFUL",
    0x15: "ESME_RINVSERTYP",
    0x42: "ESME_RINVESMCLASS",
    0x43: "ESME_RINVSUBREP",
    0x45: "ESME_RSUBMITFAIL",
    0x48: "ESME_RINVSRCTON",
    0x49: "ESME_RINVSRCNPI",
    0x50: "ESME_RINVDSTTON",
    0x51: "ESME_RINVDSTNPI",
    0x53: "ESME_RINVSYSTYP",
    0x58: "ESME_RTHROTTLED",
    0x61: "ESME_RINVSCHED",
    0x62: "ESME_RINVEXPIRY",
    0x64: "ESME_RX_T_APPN",
    0x65: "ESME_RX_P_APPN",
    0x66: "ESME_RX_R_APPN",
    0xC4: "ESME_RINVOPTPARAMVAL",
    0xFE: "ESME_RDELIVERYFAILURE",
    0xFF: "ESME_RUNKNOWNERR",
}


class Malformed(ValueError):
    """These octets are no PDU of the kind they claim to be."""


class Pdu(msgspec.Struct, frozen=True):
    """One PDU; `body` is what follows the header."""

    command: int
    sequence: int
    status: int = 0
    body: bytes = b""

    def packed(self) -> bytes:
        """Return it as it travels."""
        return HEADER.pack(HEADER.size + len(self.body), self.command, self.status, self.sequence) + self.body


class Address(msgspec.Struct, frozen=True):
    """A number or name with its type (TON) and numbering plan (NPI)."""

    number: str = ""
    ton: int = 0
    npi: int = 0


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """The body of submit_sm, deliver_sm and data_sm; of the latter only what it has."""

    source: Address = Address()
    destination: Address = Address()
    service_type: str = ""
    esm_class: int = 0
    registered_delivery: int = 0
    data_coding: int = 0
    short_message: bytes = b""
    options: Mapping[int, bytes] = {}

    @property
    def octets(self) -> bytes:
        """The user data, wherever it travels; with a header in front where esm_class says so."""
        return self.short_message or self.options.get(MESSAGE_PAYLOAD, b"")


def name(status: int) -> str:
    """Return the specification's name of a status, or its number."""
    return STATUSES.get(status, f"0x{status:08X}")


def unpack(octets: bytes) -> Pdu:
    """Return the one PDU that these octets are; raises Malformed."""
    if len(octets) < HEADER.size:
        raise Malformed("shorter than a header")
    length, command, status, sequence = HEADER.unpack_from(octets)
    if length != len(octets):
        raise Malformed(f"says {length} octets, has {len(octets)}")
    return Pdu(command, sequence, status, octets[HEADER.size :])


def bind_body(system_id: str, password: str, system_type: str) -> bytes:
    """Return the body of a bind (4.1): interface version 3.4, any address."""
    return text(system_id, 64) + text(password, 64) + text(system_type, 12) + b"\x34\x00\x00\x00"


def text(value: str, most: int) -> bytes:
    """Return a C-octet string, without what it can't hold."""
    return value.replace("\x00", "").encode("latin-1", "replace")[:most] + b"\x00"


def submit_body(message: Message) -> bytes:
    """Return the body of submit_sm (4.4)."""
    return b"".join(
        (
            text(message.service_type, 5),
            _address(message.source),
            _address(message.destination),
            bytes((message.esm_class, 0, 0)),
            b"\x00\x00",  # schedule_delivery_time, validity_period: the SMSC's own
            bytes((message.registered_delivery, 0, message.data_coding, 0, len(message.short_message))),
            message.short_message,
            *(struct.pack(">HH", tag, len(value)) + value for tag, value in message.options.items()),
        )
    )


def message_of(pdu: Pdu) -> Message:
    """Return what a deliver_sm, submit_sm or data_sm carries; raises Malformed."""
    reader = _Reader(pdu.body)
    service_type = reader.string()
    source, destination = reader.address(), reader.address()
    if pdu.command == DATA_SM:
        esm_class, registered, coding = reader.octet(), reader.octet(), reader.octet()
        said = b""
    else:
        esm_class = reader.octet()
        reader.octet()  # protocol_id
        reader.octet()  # priority_flag
        reader.string()  # schedule_delivery_time
        reader.string()  # validity_period
        registered = reader.octet()
        reader.octet()  # replace_if_present_flag
        coding = reader.octet()
        reader.octet()  # sm_default_msg_id
        said = reader.take(reader.octet())
    return Message(
        source=source,
        destination=destination,
        service_type=service_type,
        esm_class=esm_class,
        registered_delivery=registered,
        data_coding=coding,
        short_message=said,
        options=reader.options(),
    )


def first_string(body: bytes) -> str:
    """Return the C-octet string a body begins with: message_id of submit_sm_resp, system_id of a bind's answer."""
    return body.partition(b"\x00")[0][:MOST_ID].decode("latin-1")


def _address(address: Address) -> bytes:
    return bytes((address.ton, address.npi)) + text(address.number, 20)


class _Reader:
    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    def take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._octets):
            raise Malformed("ends too early")
        found = self._octets[self._at : end]
        self._at = end
        return found

    def octet(self) -> int:
        return self.take(1)[0]

    def string(self) -> str:
        end = self._octets.find(b"\x00", self._at)
        if end < 0:
            raise Malformed("a string without an end")
        found = self._octets[self._at : end]
        self._at = end + 1
        return found.decode("latin-1")

    def address(self) -> Address:
        ton, npi = self.octet(), self.octet()
        return Address(self.string(), ton, npi)

    def options(self) -> dict[int, bytes]:
        """Return the optional parameters; a broken tail is left out, as some gateways pad their PDUs."""
        found: dict[int, bytes] = {}
        while self._at + 4 <= len(self._octets):
            tag, length = struct.unpack_from(">HH", self._octets, self._at)
            if self._at + 4 + length > len(self._octets):
                break
            self._at += 4
            found.setdefault(tag, self.take(length))
        return found
