"""Between text and octets: GSM 03.38 with its extension table, UCS-2, Latin-1 and the rarer codings of SMPP 5.2.19."""

BINARY = "binary"

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
_ESCAPE = 0x1B
_TO_OCTETS = {character: bytes((code,)) for code, character in enumerate(_BASIC) if code != _ESCAPE}
_TO_OCTETS |= {character: bytes((_ESCAPE, code)) for code, character in _EXTENSION.items()}

_CODECS = {
    1: "latin-1",  # IA5; what gateways put above 0x7F is Latin-1
    3: "latin-1",
    5: "shift_jis",
    6: "iso8859-5",
    7: "iso8859-8",
    8: "utf-16-be",
    10: "iso2022_jp",
    13: "euc_jp",
    14: "euc_kr",
}


def gsm(text: str) -> list[bytes] | None:
    """Return a text's characters as one or two septets each (one an octet); None when the alphabet lacks one."""
    found = [_TO_OCTETS.get(character) for character in text]
    return None if None in found else [octets for octets in found if octets is not None]


def from_gsm(octets: bytes) -> str:
    """Return the text of unpacked septets; an extension we don't know reads as its basic character, as phones do."""
    found: list[str] = []
    escaped = False
    for octet in octets:
        if octet == _ESCAPE and not escaped:
            escaped = True
            continue
        basic = _BASIC[octet] if octet < len(_BASIC) else "\ufffd"
        found.append(_EXTENSION.get(octet, basic) if escaped else basic)
        escaped = False
    return "".join(found)


def coding_of(data_coding: int, default: str) -> str:
    """Return gsm, binary or a Python codec for a data_coding; `default` is what 0 means at this SMSC: gsm or latin-1."""
    if data_coding == 0:
        return default
    if data_coding in (2, 4, 9):
        return BINARY
    if data_coding in _CODECS:
        return _CODECS[data_coding]
    if data_coding >= 0xF0:  # GSM 03.38: data coding with message class
        return BINARY if data_coding & 0x04 else "gsm"
    if data_coding >= 0xE0:  # message waiting, UCS-2
        return "utf-16-be"
    if data_coding >= 0xC0:  # message waiting, default alphabet
        return "gsm"
    if data_coding < 0x40:  # GSM 03.38: general group, the alphabet in two bits
        return {0x00: "gsm", 0x08: "utf-16-be"}.get(data_coding & 0x0C, BINARY)
    return BINARY


def read(octets: bytes, coding: str) -> str:
    """Return the text of octets in a coding that is not binary; what can't be read shows as U+FFFD."""
    return from_gsm(octets) if coding == "gsm" else octets.decode(coding, "replace")
