"""What a phone makes of short messages, and what it writes: alphabets, parts, receipts' texts."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from switchboard.sandbox.smsc.frames import Sm

# 3GPP TS 23.038, 6.2.1: eight rows of sixteen, by the upper three bits.
_ROWS = (
    "@£$¥èéùìòÇ\nØø\rÅå",
    "Δ_ΦΓΛΩΠΨΣΘΞ\uffffÆæßÉ",
    " !\"#¤%&'()*+,-./",
    "0123456789:;<=>?",
    "¡ABCDEFGHIJKLMNO",
    "PQRSTUVWXYZÄÖÑÜ§",
    "¿abcdefghijklmno",
    "pqrstuvwxyzäöñüà",
)
_ESCAPED = {"\f": 10, "^": 20, "{": 40, "}": 41, "\\": 47, "[": 60, "~": 61, "]": 62, "|": 64, "€": 101}
_CODE = {letter: 16 * row + column for row, line in enumerate(_ROWS) for column, letter in enumerate(line)}
_LETTER = {code: letter for letter, code in _CODE.items()}
_UNESCAPED = {code: letter for letter, code in _ESCAPED.items()}


STATES = {
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
}
"""message_state (5.2.28) and the words of Appendix B."""
_NUMBERS = {word: number for number, word in STATES.items()}
MOST_INCOMPLETE = 1_000


@dataclass
class Short:
    """One message as a phone shows it; `parts` are the ids of the submits that made it."""

    source: str
    destination: str
    text: str
    parts: list[str]


def encode(text: str, coding: int) -> list[bytes]:
    """Write a text in the pieces between which it may be cut; phones cut UCS-2 between the halves of an emoji, too."""
    if coding == 8:
        whole = text.encode("utf-16-be")
        return [whole[at : at + 2] for at in range(0, len(whole), 2)]
    if coding == 3:
        return [letter.encode("latin-1") for letter in text]
    return [bytes([27, _ESCAPED[x]]) if x in _ESCAPED else bytes([_CODE[x]]) for x in text]


def decode(octets: bytes, coding: int) -> str:
    """Read a text."""
    if coding == 8:
        return octets.decode("utf-16-be", "replace")
    if coding == 3:
        return octets.decode("latin-1")
    text, rest = "", iter(octets)
    for code in rest:
        text += _UNESCAPED.get(next(rest, -1), "\ufffd") if code == 27 else _LETTER.get(code, "\ufffd")
    return text


def coding_for(text: str) -> int:
    """Choose as phones do: GSM where it can say it, else UCS-2."""
    return 0 if all(letter in _CODE or letter in _ESCAPED for letter in text) else 8


def written(
    source: str,
    destination: str,
    text: str,
    *,
    coding: int | None = None,
    long: str = "udh8",
    reference: int = 7,
) -> list[Sm]:
    """Return the deliver_sm of what a customer writes; `long` is udh8, udh16, sar or payload."""
    code = coding_for(text) if coding is None else coding
    letters = encode(text, code)
    whole = b"".join(letters)
    if len(whole) <= (160 if code == 0 else 140) or long == "payload":
        return [Sm(source, destination, whole, code)]
    room = (160 if code == 0 else 140) - (0 if long == "sar" else 8)
    pieces, piece = [], b""
    for letter in letters:
        if len(piece + letter) > room:
            pieces.append(piece)
            piece = b""
        piece += letter
    pieces.append(piece)
    return [
        _part(source, destination, code, long, reference, len(pieces), n, p) for n, p in enumerate(pieces, 1)
    ]


def _part(
    source: str, destination: str, code: int, long: str, reference: int, total: int, number: int, piece: bytes
) -> Sm:
    if long == "sar":
        tlvs = {0x020C: reference.to_bytes(2, "big"), 0x020E: bytes([total]), 0x020F: bytes([number])}
        return Sm(source, destination, piece, code, tlvs=tlvs)
    where = [reference & 255] if long == "udh8" else [reference >> 8, reference & 255]
    element = bytes([8 if len(where) == 2 else 0, len(where) + 2, *where, total, number])
    header = bytes([len(element)]) + element
    return Sm(source, destination, header + piece, code, esm=0x40)


class Phones:
    """Puts submits together as phones do. What never gets whole is forgotten when there is too much of it."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str, object, int], dict[int, tuple[str, bytes]]] = {}

    def take(self, identifier: str, sm: Sm) -> Short | None:
        """Take in one submit; return the message that it completes."""
        reference, total, number, octets = _place(sm)
        if total == 1:
            return Short(sm.source, sm.destination, decode(octets, sm.coding), [identifier])
        key = (sm.source, sm.destination, reference, total)
        got = self._waiting.setdefault(key, {})
        got[number] = (identifier, octets)
        if len(got) < total:
            if len(self._waiting) > MOST_INCOMPLETE:
                del self._waiting[next(iter(self._waiting))]
            return None
        del self._waiting[key]
        order = [got[n] for n in sorted(got)]
        text = decode(b"".join(piece for _, piece in order), sm.coding)
        return Short(sm.source, sm.destination, text, [one for one, _ in order])


def shown(submits: Iterable[tuple[str, Sm]]) -> list[Short]:
    """Return whole messages only, in the order of their completion."""
    phones = Phones()
    return [short for one in submits if (short := phones.take(*one)) is not None]


def fits(sm: Sm) -> bool:
    """Tell whether a message fits into 140 octets on the air, its header included; message_payload is cut by the SMSC."""
    if 0x0424 in sm.tlvs:
        return True
    header = 1 + sm.octets[0] if sm.esm & 0x40 and sm.octets else 0
    said = len(sm.octets) - header
    return -(-header * 8 // 7) + said <= 160 if sm.coding == 0 else header + said <= 140


def _place(sm: Sm) -> tuple[object, int, int, bytes]:
    if sm.esm & 0x40 and sm.octets:
        header, octets = sm.octets[1 : 1 + sm.octets[0]], sm.octets[1 + sm.octets[0] :]
        if header[:2] == b"\x00\x03" and len(header) >= 5:
            return header[2], header[3], header[4], octets
        if header[:2] == b"\x08\x04" and len(header) >= 6:
            return header[2:4], header[4], header[5], octets
        return 0, 1, 1, octets
    if sm.tlvs.get(0x020E):
        return sm.tlvs.get(0x020C), sm.tlvs[0x020E][0], sm.tlvs.get(0x020F, b"\1")[0], sm.octets
    return 0, 1, 1, sm.octets


def receipt(identifier: str, sm: Sm, state: str, error: str, *, tlvs: bool) -> Sm:
    """Return the deliver_sm that tells how a submit ended (Appendix B of the specification)."""
    stamp = time.strftime("%y%m%d%H%M")
    arrived = "001" if state == "DELIVRD" else "000"
    text = (
        f"id:{identifier} sub:001 dlvrd:{arrived} submit date:{stamp} done date:{stamp} "
        f"stat:{state} err:{error} text:"
    )
    extra = (
        {0x001E: identifier.encode() + b"\0", 0x0427: bytes([_NUMBERS.get(state, 7)])}
        if tlvs
        else dict[int, bytes]()
    )
    return Sm(sm.destination, sm.source, text.encode("ascii"), 0, esm=4, tlvs=extra)
