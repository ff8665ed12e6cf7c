"""Bytes in a directory, and their rows in the database."""

import asyncio
import hashlib
import struct
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.blobs import Blobs, TooLarge, Unfit, commands, reads
from switchboard.blobs.store import CHUNK_BYTES, clean_name
from switchboard.core.ids import new_id
from switchboard.db.pool import Database

WORKSPACE = UUID(int=7)
_IHDR = b"IHDR" + struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
_IDAT = struct.pack(">I", 4) + b"IDAT" + bytes(8)
PICTURE = b"GIF87a\3\0\4\0\x81\0\0" + bytes(12) + b",\0\0\0\0\3\0\4\0\0\x08\x07\0\1\x08\x1cH\xb0 \x80\x80\0;"
BOMB = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + _IHDR + struct.pack(">I", zlib.crc32(_IHDR)) + _IDAT


async def flow(*chunks: bytes, fault: BaseException | None = None) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    if fault:
        raise fault


def kept(place: Path) -> list[Path]:
    return [path for path in place.rglob("*") if path.is_file()]


async def whole(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


async def test_stores_and_reads(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "files")
    for source in (b"hello", flow(b"he", b"", b"llo")):
        stored = await blobs.put(WORKSPACE, source)
        assert (stored.size, stored.head, stored.sha256) == (5, b"hello", hashlib.sha256(b"hello").digest())
        assert stored.path.startswith(f"{WORKSPACE}/files/")
        assert await blobs.read(stored.path) == b"hello"
        assert await whole(await blobs.open(stored.path)) == b"hello"
        assert await whole(await blobs.open(stored.path, 1, 3)) == b"el"
        assert await whole(await blobs.open(stored.path, 2)) == b"llo"
        assert await whole(await blobs.open(stored.path, 2, 2)) == b""


async def test_only_the_owner_may_look(tmp_path: Path) -> None:
    Blobs(str(tmp_path / "deep" / "files"))
    assert (tmp_path / "deep" / "files").stat().st_mode & 0o777 == 0o700


async def test_reads_in_pieces(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    stored = await blobs.put(WORKSPACE, flow(*[bytes([number]) * 100_000 for number in range(100)]))
    sizes = [len(chunk) async for chunk in await blobs.open(stored.path)]
    assert sum(sizes) == 10_000_000
    assert max(sizes) <= 2 * CHUNK_BYTES
    assert len(stored.head) == 65_536


async def test_a_path_of_ones_own(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    await blobs.put_at("a/raw/b", b"first")
    await blobs.put_at("a/raw/b", b"second")
    assert await blobs.read("a/raw/b") == b"second"


async def test_nothing_stays_of_what_failed(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path, limit=1_000_000)
    with pytest.raises(TooLarge, match="larger than 1 MB"):
        await blobs.put(WORKSPACE, bytes(1_000_001))
    with pytest.raises(TooLarge):
        await blobs.put(WORKSPACE, flow(*[bytes(600_000)] * 2))
    with pytest.raises(OSError, match="cut"):
        await blobs.put(WORKSPACE, flow(bytes(600_000), fault=OSError("cut")))
    for source in (BOMB, flow(BOMB)):
        with pytest.raises(Unfit):
            await blobs.keep(WORKSPACE, "a.png", source)
    assert kept(tmp_path) == []
    assert (await blobs.put(WORKSPACE, bytes(1_000_000))).size == 1_000_000


async def test_deletes(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    paths = [(await blobs.put(WORKSPACE, b"x")).path for _ in range(2)]
    await blobs.delete([paths[0], "not/there", paths[1]])
    assert kept(tmp_path) == []
    with pytest.raises(FileNotFoundError):
        await blobs.open(paths[0])
    with pytest.raises(FileNotFoundError):
        await blobs.read(paths[0])


async def test_no_path_leaves_the_directory(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "files")
    with pytest.raises(ValueError, match="illegal"):
        await blobs.put_at("../../outside", b"x")
    assert kept(tmp_path) == []


async def test_many_at_once(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    stored = await asyncio.gather(*[blobs.put(WORKSPACE, str(number).encode()) for number in range(50)])
    assert len({one.path for one in stored}) == 50
    assert [await blobs.read(one.path) for one in stored] == [str(number).encode() for number in range(50)]


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\a\\图片.png", "图片.png"),
        ("a\r\nSet-Cookie: x\0.txt", "aSet-Cookie: x.txt"),
        ("\u202egnp.exe", "gnp.exe"),
        ("  ..  ", "file"),
        ("", "file"),
        ("\ud800", "file"),
        ("x" * 300 + ".docx", "x" * 195 + ".docx"),
    ],
)
def test_names(name: str, cleaned: str) -> None:
    assert clean_name(name) == cleaned


@given(st.text(max_size=300))
def test_names_are_short_and_plain(name: str) -> None:
    cleaned = clean_name(name)
    assert 0 < len(cleaned) <= 200
    assert cleaned.isprintable()
    assert "/" not in cleaned
    assert "\\" not in cleaned


async def test_rows(database: str, tmp_path: Path) -> None:
    blobs, db, other = Blobs(tmp_path), Database(database), new_id()
    await db.open()
    try:
        async with db.connection() as connection:
            for workspace in (WORKSPACE, other):
                slug = workspace.hex
                await connection.execute(
                    "insert into workspace (id, name, slug) values ($1, 'w', $2)", workspace, slug
                )
        picture = await blobs.keep(WORKSPACE, "a.txt", PICTURE, declared="text/plain")
        words = await blobs.keep(WORKSPACE, "b.txt", flow(b"words"), duration=1.5)
        assert (picture.mime, picture.width, picture.height) == ("image/gif", 3, 4)
        assert picture.remark == "This file claims to be text/plain but its content is image/gif."
        async with db.transaction() as tx:
            await commands.record(tx, [picture, words], origin="upload", uploaded_by=new_id())
            await commands.record(tx, [words])
            assert tx.statements == 2
        async with db.transaction() as tx:
            found = await reads.find(tx, WORKSPACE, [picture.id, words.id, new_id()])
            assert found.keys() == {picture.id, words.id}
            assert found[words.id] == words
            assert found[picture.id].sha256 == hashlib.sha256(PICTURE).digest()
            assert await reads.find(tx, other, [words.id]) == {}
            assert await commands.forget(tx, other, [words.id]) == []
            assert await commands.forget(tx, WORKSPACE, [words.id]) == [words.path]
            assert (await reads.find(tx, WORKSPACE, [words.id])) == {}
    finally:
        await db.close()
