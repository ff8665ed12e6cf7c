"""A text as the octets of one short message or several (3GPP TS 23.040: 140 octets each)."""

import zlib
from collections.abc import Sequence
from typing import Literal

import msgspec

from switchboard.channels.sms_smpp import alphabet
from switchboard.channels.sms_smpp.pdu import (
    MESSAGE_PAYLOAD,
    SAR_NUMBER,
    SAR_REFERENCE,
    SAR_TOTAL,
    UDH_INDICATOR,
)

LongMessages = Literal["udh", "sar", "payload"]

_GSM, _LATIN, _UCS2 = 0, 3, 8
_ALONE = {_GSM: 160, _LATIN: 140, _UCS2: 140}
_JOINED = {_GSM: 153, _LATIN: 134, _UCS2: 134}
"""Octets beside the header of six octets: as many septets, octets or UTF-16 octets as remain."""


class Segment(msgspec.Struct, frozen=True):
    """What one submit_sm carries."""

    data_coding: int
    octets: bytes
    esm_class: int = 0
    options: dict[int, bytes] = {}


def segments(text: str, key: str, long: LongMessages, default: str) -> list[Segment]:
    """Cut a text. `key` (the same for every attempt) gives the reference, so that a phone sees a repeated part as such.

    `default` is the SMSC's alphabet for data_coding 0: where it isn't GSM, Latin-1 is named explicitly.
    """
    coding, characters = _characters(text, default)
    whole = b"".join(characters)
    if len(whole) <= _ALONE[coding]:
        return [Segment(coding, whole)]
    if long == "payload":
        return [Segment(coding, b"", options={MESSAGE_PAYLOAD: whole})]
    parts = _cut(characters, _JOINED[coding])
    reference = zlib.crc32(key.encode("utf-8", "replace"))
    if long == "udh":
        return [
            Segment(
                coding,
                bytes((5, 0, 3, reference & 0xFF, len(parts), number)) + part,
                esm_class=UDH_INDICATOR,
            )
            for number, part in enumerate(parts, 1)
        ]
    return [
        Segment(
            coding,
            part,
            options={
                SAR_REFERENCE: (reference & 0xFFFF).to_bytes(2, "big"),
                SAR_TOTAL: bytes((len(parts),)),
                SAR_NUMBER: bytes((number,)),
            },
        )
        for number, part in enumerate(parts, 1)
    ]


def _characters(text: str, default: str) -> tuple[int, Sequence[bytes]]:
    """Return the data_coding and the octets of each character that must not be cut apart."""
    if default == "gsm":
        if (septets := alphabet.gsm(text)) is not None:
            return _GSM, septets
    elif all(ord(character) < 256 for character in text):
        return _LATIN, [character.encode("latin-1") for character in text]
    return _UCS2, [character.encode("utf-16-be", "replace") for character in text]


def _cut(characters: Sequence[bytes], most: int) -> list[bytes]:
    parts: list[bytes] = []
    part = bytearray()
    for octets in characters:
        if len(part) + len(octets) > most:
            parts.append(bytes(part))
            part.clear()
        part += octets
    return [*parts, bytes(part)]
