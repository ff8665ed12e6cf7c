"""Files that tell the truth, files that lie, and files made to hurt."""

import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from switchboard.blobs.content import HEAD_BYTES, Unfit, identify, is_inline


def picture(form: str, size: tuple[int, int] = (3, 4), **extra: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size).save(out, form, **extra)
    return out.getvalue()


def archive(*names: str, first: tuple[str, str] | None = None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        if first:
            made.writestr(first[0], first[1])
        for name in names:
            made.writestr(name, "<x/>")
    return out.getvalue()


def boxed(brand: bytes) -> bytes:
    return b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mp42isom"


EBML = b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
OOXML = "application/vnd.openxmlformats-officedocument."
WORD, SHEET = OOXML + "wordprocessingml.document", OOXML + "spreadsheetml.sheet"


@pytest.mark.parametrize(
    ("content", "name", "declared", "mime"),
    [
        (picture("PNG"), "a.png", "image/png", "image/png"),
        (picture("JPEG"), "a.JPG", "image/jpg", "image/jpeg"),
        (picture("GIF"), "", "", "image/gif"),
        (picture("WEBP"), "a.webp", "", "image/webp"),
        (picture("BMP"), "a.bmp", "", "image/bmp"),
        (picture("TIFF"), "a.tif", "image/tiff", "image/tiff"),
        (b"%PDF-1.7\n%\xe2\xe3", "a.pdf", "application/x-pdf", "application/pdf"),
        (boxed(b"mp42"), "a.mp4", "video/mp4", "video/mp4"),
        (boxed(b"isom"), "voice.m4a", "audio/mp4", "audio/mp4"),
        (boxed(b"M4A "), "voice.m4a", "audio/x-m4a", "audio/mp4"),
        (boxed(b"qt  "), "a.mov", "video/quicktime", "video/quicktime"),
        (boxed(b"heic"), "a.heic", "image/heic", "image/heic"),
        (boxed(b"avif"), "a.avif", "image/avif", "image/avif"),
        (boxed(b"3gp4"), "a.3gp", "audio/3gpp", "video/3gpp"),
        (EBML, "a.webm", "video/webm", "video/webm"),
        (EBML, "blob", "audio/webm;codecs=opus", "audio/webm"),
        (EBML, "a.mkv", "video/x-matroska", "video/x-matroska"),
        (b"OggS\0\2" + bytes(22) + b"OpusHead", "voice.oga", "audio/ogg; codecs=opus", "audio/ogg"),
        (b"OggS\0\2" + bytes(22) + b"\x80theora", "a.ogv", "video/ogg", "video/ogg"),
        (b"ID3\4\0\0\0\0\0\0", "a.mp3", "audio/mp3", "audio/mpeg"),
        (b"\xff\xfb\x90\0" + bytes(50), "a.mp3", "audio/mpeg", "audio/mpeg"),
        (b"\xff\xf1\x50\x80" + bytes(50), "a.aac", "audio/aac", "audio/aac"),
        (b"#!AMR\n<\x91", "voice.amr", "", "audio/amr"),
        (b"\2#!SILK_V3\x0c", "voice.silk", "", "audio/silk"),
        (b"RIFF\x24\0\0\0WAVEfmt " + bytes(20), "a.wav", "audio/wave", "audio/wav"),
        (archive("[Content_Types].xml", "word/document.xml"), "a.docx", "", WORD),
        (archive("[Content_Types].xml", "xl/workbook.xml"), "a.xlsx", "application/octet-stream", SHEET),
        (archive("a.txt"), "a.zip", "application/x-zip-compressed", "application/zip"),
        (
            archive("content.xml", first=("mimetype", "application/vnd.oasis.opendocument.text")),
            "a.odt",
            "",
            "application/vnd.oasis.opendocument.text",
        ),
        (OLE, "a.doc", "application/msword", "application/msword"),
        (OLE, "a.xls", "", "application/vnd.ms-excel"),
        (b"7z\xbc\xaf'\x1c" + bytes(30), "a.7z", "", "application/x-7z-compressed"),
        (b"Rar!\x1a\7\0" + bytes(30), "a.rar", "", "application/vnd.rar"),
        (b"hello\nworld", "a.txt", "text/plain", "text/plain"),
        ("你好，世界".encode(), "", "", "text/plain"),
        ("你好，世界".encode("gb18030"), "a.txt", "", "text/plain; charset=gb18030"),
        (b"a,b\r\n1,2\r\n", "a.csv", "text/csv", "text/csv"),
        (b"a,b\r\n", "a.csv", "application/vnd.ms-excel", "text/csv"),
        (b'{"a": 1}', "a.json", "application/json", "application/json"),
        (b"BEGIN:VCARD\r\nEND:VCARD", "a.vcf", "text/vcard", "text/vcard"),
        (b"", "a.txt", "", "text/plain"),
        (b"\0\1\2\3weird", "a.bin", "", "application/octet-stream"),
        (b"\0\1\2\3weird", "a.dwg", "application/x-vendor-thing", "application/x-vendor-thing"),
    ],
)
def test_honest_files(content: bytes, name: str, declared: str, mime: str) -> None:
    kind = identify(content, name=name, declared=declared)
    assert kind.mime == mime
    if declared != "application/vnd.ms-excel":  # what one system declares for .csv
        assert kind.remark == ""


@pytest.mark.parametrize(
    ("content", "name", "declared", "mime"),
    [
        (b"<!DOCTYPE html><script>alert(1)</script>", "a.png", "image/png", "text/html"),
        (b"\xef\xbb\xbf \n<html><body>", "a.txt", "text/plain", "text/html"),
        ("<html>".encode("utf-16"), "a.txt", "text/plain", "text/html"),
        (b"<p>hi<script >", "a.csv", "text/csv", "text/html"),
        (
            b'<?xml version="1.0"?><!-- x --><svg xmlns="http://www.w3.org/2000/svg"/>',
            "a.png",
            "",
            "image/svg+xml",
        ),
        (b"<svg onload=alert(1)>", "a.jpg", "image/jpeg", "image/svg+xml"),
        (picture("PNG"), "a.pdf", "application/pdf", "image/png"),
        (picture("JPEG"), "a.png", "", "image/jpeg"),
        (b"%PDF-1.4", "a.jpg", "image/jpeg", "application/pdf"),
        (
            b"MZ\x90\0" + bytes(100),
            "photo.jpg",
            "image/jpeg",
            "application/vnd.microsoft.portable-executable",
        ),
        (b"\x7fELF" + bytes(100), "tool.pdf", "", "application/x-executable"),
        (b"just words", "a.png", "image/png", "text/plain"),
        (bytes(range(256)), "a.mp4", "video/mp4", "application/octet-stream"),
        (bytes(range(256)), "a.pdf", "application/pdf", "application/octet-stream"),
    ],
)
def test_lying_files(content: bytes, name: str, declared: str, mime: str) -> None:
    kind = identify(content, name=name, declared=declared)
    assert kind.mime == mime
    assert kind.remark.endswith(".")


@pytest.mark.parametrize(
    ("charset", "mime"), [("utf-8", "text/plain"), ("gb18030", "text/plain; charset=gb18030")]
)
@pytest.mark.parametrize("lead", ["", "a"])
def test_long_text_is_read_though_cut_within_a_character(charset: str, mime: str, lead: str) -> None:
    content = (lead + "中文字很长" * 20_000).encode(charset)
    assert identify(content, name="a.txt").mime == mime
    assert identify(content[:HEAD_BYTES] + bytes(10), name="a.txt").mime == mime


def test_a_program_is_called_one() -> None:
    assert identify(b"MZ\x90\0" + bytes(100), name="setup.exe").remark == "This file is a program."


@pytest.mark.parametrize(
    "mime",
    ["text/html", "image/svg+xml", "application/xml", "text/xml", "application/xhtml+xml", "text/csv", "x"],
)
def test_is_never_shown_inline(mime: str) -> None:
    assert not is_inline(mime)


def test_is_shown_inline() -> None:
    for mime in (
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "video/mp4",
        "video/webm",
        "audio/mpeg",
    ):
        assert is_inline(mime)
    for mime in ("audio/ogg", "audio/mp4", "application/pdf", "text/plain", "text/plain; charset=gb18030"):
        assert is_inline(mime)


@given(st.sampled_from([b"<svg", b"<html>", b"<!doctype html>", b"<script>"]), st.binary(max_size=60))
def test_markup_is_never_inline_whatever_it_is_called(start: bytes, rest: bytes) -> None:
    for name, declared in (("a.png", "image/png"), ("a.txt", "text/plain"), ("a.pdf", "application/pdf")):
        assert not is_inline(identify(start + b" " + rest, name=name, declared=declared).mime)


@given(st.binary(max_size=300), st.text(max_size=20), st.text(max_size=20))
def test_never_fails(content: bytes, name: str, declared: str) -> None:
    kind = identify(content, name=name, declared=declared)
    assert "/" in kind.mime
    kind.mime.encode("latin-1")


# -- pictures -----------------------------------------------------------------------------------------------


def test_sides() -> None:
    for form in ("PNG", "JPEG", "GIF", "WEBP"):
        kind = identify(picture(form, (31, 17)))
        assert (kind.width, kind.height) == (31, 17)


def test_sides_as_seen_on_a_screen() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a telephone held upright
    kind = identify(picture("JPEG", (31, 17), exif=exif))
    assert (kind.width, kind.height) == (17, 31)


def test_sides_from_the_beginning_of_a_file() -> None:
    kind = identify(picture("PNG", (2000, 1000), compress_level=0)[:HEAD_BYTES])
    assert (kind.width, kind.height) == (2000, 1000)


def test_a_broken_picture_has_no_sides() -> None:
    kind = identify(picture("PNG")[:20])
    assert (kind.mime, kind.width) == ("image/png", None)


@pytest.mark.parametrize("sides", [(9000, 9000), (30_000, 30_000), (2**31 - 1, 2**31 - 1)])
def test_a_picture_made_to_fill_memory_is_refused(sides: tuple[int, int]) -> None:
    header = struct.pack(">IIBBBBB", *sides, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    bomb += struct.pack(">I", 4) + b"IDAT" + bytes(8)
    with pytest.raises(Unfit, match="pixels"):
        identify(bomb, name="a.png")
