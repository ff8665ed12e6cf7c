"""What the user data of one PDU holds: its header taken off, which part of a long message it is, its coding."""

import msgspec

from switchboard.channels.sms_smpp.pdu import (
    SAR_NUMBER,
    SAR_REFERENCE,
    SAR_TOTAL,
    UDH_INDICATOR,
    Message,
)

_CONCAT_8, _PORTS_8, _PORTS_16, _CONCAT_16 = 0x00, 0x04, 0x05, 0x08


class Place(msgspec.Struct, frozen=True):
    """Which part of a long message this is: `number` of `total`, and the sender's `reference` for the whole."""

    reference: str
    total: int
    number: int


class UserData(msgspec.Struct, frozen=True):
    """The octets without their header. `ports` are set where an application on the phone is meant, not a person."""

    octets: bytes
    place: Place | None = None
    ports: bool = False


def user_data(message: Message) -> UserData:
    """Take the header off a message; a header that can't be one is left in the text, where a person sees it."""
    octets, elements = message.octets, dict[int, bytes]()
    if message.esm_class & UDH_INDICATOR and octets:
        end = 1 + octets[0]
        if end <= len(octets):
            elements, octets = _elements(octets[1:end]), octets[end:]
    ports = _PORTS_8 in elements or _PORTS_16 in elements
    return UserData(octets, _place(elements) or _sar(message), ports)


def _elements(header: bytes) -> dict[int, bytes]:
    """Return the information elements of a header (3GPP TS 23.040, 9.2.3.24) by identifier."""
    found: dict[int, bytes] = {}
    at = 0
    while at + 2 <= len(header):
        identifier, length = header[at], header[at + 1]
        found[identifier] = header[at + 2 : at + 2 + length]
        at += 2 + length
    return found


def _place(elements: dict[int, bytes]) -> Place | None:
    if len(short := elements.get(_CONCAT_8, b"")) == 3:
        return _valid(f"8:{short[0]}", short[1], short[2])
    if len(long := elements.get(_CONCAT_16, b"")) == 4:
        return _valid(f"16:{long[0] << 8 | long[1]}", long[2], long[3])
    return None


def _sar(message: Message) -> Place | None:
    wanted = (SAR_REFERENCE, SAR_TOTAL, SAR_NUMBER)
    reference, total, number = (int.from_bytes(message.options.get(tag, b"")[:2], "big") for tag in wanted)
    return _valid(f"sar:{reference}", total, number) if SAR_TOTAL in message.options else None


def _valid(reference: str, total: int, number: int) -> Place | None:
    return Place(reference, total, number) if 1 <= number <= total <= 255 and total > 1 else None
