"""SMPP 3.4 frames as the server's side reads and writes them. Nothing here is shared with the product's own codec."""

import asyncio
from dataclasses import dataclass, field

RESP = 1 << 31
COMMANDS = {
    "bind_receiver": 0x01,
    "bind_transmitter": 0x02,
    "query_sm": 0x03,
    "submit_sm": 0x04,
    "deliver_sm": 0x05,
    "unbind": 0x06,
    "bind_transceiver": 0x09,
    "enquire_link": 0x15,
}
NAMES = {number: name for name, number in COMMANDS.items()}


class Broken(Exception):
    """The client wrote something that is no frame."""


@dataclass
class Frame:
    """One PDU: its command's name (empty when unknown), number, status, sequence and body."""

    number: int
    status: int
    sequence: int
    body: bytes = b""

    @property
    def name(self) -> str:
        """The command's name, of a response the request's."""
        return NAMES.get(self.number & ~RESP, "")

    @property
    def is_response(self) -> bool:
        """Whether it answers something."""
        return bool(self.number & RESP)

    def octets(self) -> bytes:
        """As it travels."""
        words = (16 + len(self.body), self.number, self.status, self.sequence)
        return b"".join(word.to_bytes(4, "big") for word in words) + self.body


async def next_frame(reader: asyncio.StreamReader) -> Frame:
    """Read one frame; raises Broken, or what asyncio raises at the end of a connection."""
    head = await reader.readexactly(16)
    length, number, status, sequence = (int.from_bytes(head[at : at + 4], "big") for at in (0, 4, 8, 12))
    if length < 16 or length > 1 << 17:
        raise Broken(f"a frame of {length} bytes")
    return Frame(number, status, sequence, await reader.readexactly(length - 16))


@dataclass
class Fields:
    """Reads a body from the left."""

    body: bytes
    at: int = 0

    def byte(self) -> int:
        """One octet."""
        if self.at >= len(self.body):
            raise Broken("body too short")
        self.at += 1
        return self.body[self.at - 1]

    def cstring(self) -> str:
        """Up to the next NUL."""
        end = self.body.find(0, self.at)
        if end == -1:
            raise Broken("string not terminated")
        piece, self.at = self.body[self.at : end], end + 1
        return piece.decode("latin-1")

    def octets(self, count: int) -> bytes:
        """So many octets."""
        piece = self.body[self.at : self.at + count]
        if len(piece) < count:
            raise Broken("body too short")
        self.at += count
        return piece

    def tlvs(self) -> dict[int, bytes]:
        """Everything that is left, as optional parameters."""
        found: dict[int, bytes] = {}
        while self.at < len(self.body):
            tag = int.from_bytes(self.octets(2), "big")
            found[tag] = self.octets(int.from_bytes(self.octets(2), "big"))
        return found


@dataclass
class Sm:
    """The body of submit_sm and deliver_sm, as far as a phone cares."""

    source: str
    destination: str
    octets: bytes
    coding: int = 0
    esm: int = 0
    registered: int = 0
    source_ton: int = 1
    destination_ton: int = 1
    tlvs: dict[int, bytes] = field(default_factory=dict)

    def body(self) -> bytes:
        """As deliver_sm or submit_sm carries it."""
        payload = dict(self.tlvs)
        inline = self.octets
        if len(inline) > 254:
            inline, payload[0x0424] = b"", self.octets
        head = b"\0" + bytes([self.source_ton, 1]) + self.source.encode() + b"\0"
        head += bytes([self.destination_ton, 1]) + self.destination.encode() + b"\0"
        head += bytes([self.esm, 0, 0]) + b"\0\0" + bytes([self.registered, 0, self.coding, 0, len(inline)])
        tail = b"".join(
            tag.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value for tag, value in payload.items()
        )
        return head + inline + tail


def sm_of(body: bytes) -> Sm:
    """Read a submit_sm's body."""
    fields = Fields(body)
    fields.cstring()
    source_ton, _ = fields.byte(), fields.byte()
    source = fields.cstring()
    destination_ton, _ = fields.byte(), fields.byte()
    destination = fields.cstring()
    esm = fields.byte()
    fields.octets(2)
    fields.cstring()
    fields.cstring()
    registered = fields.byte()
    fields.byte()
    coding = fields.byte()
    fields.byte()
    said = fields.octets(fields.byte())
    tlvs = fields.tlvs()
    return Sm(
        source,
        destination,
        said or tlvs.get(0x0424, b""),
        coding,
        esm,
        registered,
        source_ton,
        destination_ton,
        tlvs,
    )
