"""Stickers that LINE's page "Stickers" lists, the only ones an account may send, and pictures that stand for them.

LINE's own pictures belong to LINE: here each is a plain face, its colour by package, its look by number.
"""

import struct
import zlib
from collections.abc import Iterator
from functools import lru_cache

from switchboard.sandbox.web import Request, Response

# Package → first number and how many.
LISTED = {
    446: (1988, 40),
    789: (10855, 40),
    1070: (17839, 40),
    6136: (10551376, 24),
    6325: (10979904, 24),
    6359: (11069848, 24),
    6362: (11087920, 24),
    6370: (11088016, 24),
    6632: (11825374, 24),
    8515: (16581242, 24),
    8522: (16581266, 24),
    8525: (16581290, 24),
    11537: (52002734, 40),
    11538: (51626494, 40),
    11539: (52114110, 40),
}
SIDE = 96
COLOURS = ((255, 205, 64), (250, 170, 120), (150, 205, 160), (140, 190, 235), (205, 170, 230))
INK = (60, 45, 40, 255)


def package_of(number: str) -> str:
    """The package of a listed sticker, empty for any other."""
    wanted = int(number) if number.isdecimal() and len(number) < 12 else 0
    found = (str(one) for one, (first, many) in LISTED.items() if first <= wanted < first + many)
    return next(found, "")


async def serve(request: Request, number: str) -> Response:
    """A sticker's picture, as LINE's server of pictures gives it to everybody."""
    del request
    if not number.isdecimal() or len(number) > 12:
        return Response(b"", status=404)
    return Response(picture(int(number)), content_type="image/png")


@lru_cache(maxsize=512)
def picture(number: int) -> bytes:
    """A face with a transparent ground as PNG."""
    rows = b"".join(b"\x00" + b"".join(map(bytes, _row(number, y))) for y in range(SIDE))
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _row(number: int, y: int) -> Iterator[tuple[int, int, int, int]]:
    colour = COLOURS[int(package_of(str(number)) or 0) % len(COLOURS)]
    apart, bend, width = 14 + number % 3 * 3, number // 3 % 5 - 2, 12 + number // 15 % 3 * 4
    for x in range(SIDE):
        dx, dy = x - SIDE // 2, y - SIDE // 2
        mouth = 20 - bend * (dx * dx - width * width // 2) / 60
        if dx * dx + dy * dy > 44 * 44:
            yield (0, 0, 0, 0)
        elif (abs(dx) - apart) ** 2 + (dy + 12) ** 2 <= 25 or (abs(dx) <= width and abs(dy - mouth) <= 2):
            yield INK
        else:
            yield (*colour, 255)
