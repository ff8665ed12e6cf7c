"""What a file is: told by its content, whatever its name and its sender say.

Our own table comes first: it holds what browsers can show or run, audio of messengers, and office files,
where a wrong answer would matter. puremagic knows the long tail. A name or a declared type is only believed
for what content can't tell apart (a zip that calls itself .docx, text that calls itself .csv).
"""

import codecs
import io
import mimetypes
import re
import zlib
from typing import Final

import msgspec
import puremagic
from PIL import Image, UnidentifiedImageError

HEAD_BYTES: Final = 65_536
"""So much of a file's beginning is enough to identify it."""
MAX_PIXELS: Final = 80_000_000
"""Pictures beyond this are refused: they would fill the memory of every screen that shows them."""
BINARY: Final = "application/octet-stream"

_OOXML: Final = "application/vnd.openxmlformats-officedocument."
_MIME_OF: Final = {
    ".amr": "audio/amr",
    ".apk": "application/vnd.android.package-archive",
    ".csv": "text/csv",
    ".doc": "application/msword",
    ".docm": "application/vnd.ms-word.document.macroenabled.12",
    ".docx": _OOXML + "wordprocessingml.document",
    ".eml": "message/rfc822",
    ".ics": "text/calendar",
    ".json": "application/json",
    ".log": "text/plain",
    ".m4a": "audio/mp4",
    ".md": "text/markdown",
    ".msg": "application/vnd.ms-outlook",
    ".ppt": "application/vnd.ms-powerpoint",
    ".pptx": _OOXML + "presentationml.presentation",
    ".txt": "text/plain",
    ".vcf": "text/vcard",
    ".xls": "application/vnd.ms-excel",
    ".xlsm": "application/vnd.ms-excel.sheet.macroenabled.12",
    ".xlsx": _OOXML + "spreadsheetml.sheet",
}
_ALIASES: Final = {
    "application/x-pdf": "application/pdf",
    "application/x-zip-compressed": "application/zip",
    "audio/3gpp": "video/3gpp",
    "audio/m4a": "audio/mp4",
    "audio/mp3": "audio/mpeg",
    "audio/opus": "audio/ogg",
    "audio/vnd.wave": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/x-m4a": "audio/mp4",
    "audio/x-wav": "audio/wav",
    "application/ogg": "audio/ogg",
    "application/x-gzip": "application/gzip",
    "application/x-rar-compressed": "application/vnd.rar",
    "image/heif": "image/heic",
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-ms-bmp": "image/bmp",
    "image/x-png": "image/png",
    "text/xml": "application/xml",
    "video/x-m4v": "video/mp4",
}
_STARTS: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"#!AMR", "audio/amr"),
    (b"#!SILK", "audio/silk"),
    (b"\x02#!SILK", "audio/silk"),  # as WeChat writes it
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"MZ", "application/vnd.microsoft.portable-executable"),
    (b"\x7fELF", "application/x-executable"),
)
_RIFF: Final = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_BRANDS: Final = (
    (b"qt  ", "video/quicktime"),
    (b"M4A", "audio/mp4"),
    (b"M4B", "audio/mp4"),
    (b"3g", "video/3gpp"),
    (b"avi", "image/avif"),
    (b"hei", "image/heic"),
    (b"hev", "image/heic"),
    (b"mif1", "image/heic"),
    (b"msf1", "image/heic"),
)
# What one container may hold besides its plain reading: the declared type chooses among these.
_SAME_CONTAINER: Final = {
    "video/mp4": {"audio/mp4"},
    "video/webm": {"audio/webm", "video/x-matroska", "audio/x-matroska"},
    "audio/ogg": {"video/ogg"},
    "application/x-ole-storage": {_MIME_OF[end] for end in (".doc", ".xls", ".ppt", ".msg")},
    _MIME_OF[".docx"]: {_MIME_OF[".docm"]},
    _MIME_OF[".xlsx"]: {_MIME_OF[".xlsm"]},
    "application/zip": {_MIME_OF[end] for end in (".docx", ".xlsx", ".pptx", ".docm", ".xlsm", ".apk")},
}
_CONTAINERS: Final = frozenset({"application/zip", "application/xml", "application/x-ole-storage"})
_ZIPPED: Final = (
    (b"word/", ".docx"),
    (b"xl/", ".xlsx"),
    (b"ppt/", ".pptx"),
    (b"AndroidManifest.xml", ".apk"),
)
_MARKUP: Final = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|script|iframe|style|title|meta|table|div|a|img|br|p|h1|!--)[\s>/!-]",
    re.IGNORECASE,
)
_TEXTUAL: Final = frozenset({"application/json", "message/rfc822"})
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_PICTURES: Final = {"image/png": "PNG", "image/jpeg": "JPEG", "image/gif": "GIF", "image/webp": "WEBP"}
_INLINE: Final = frozenset(
    {*_PICTURES, "video/mp4", "video/webm", "audio/webm", "audio/mpeg", "audio/ogg", "audio/mp4"}
    | {"application/pdf", "text/plain"}
)
_SWAPPED_ORIENTATIONS: Final = frozenset({5, 6, 7, 8})
_ORIENTATION_TAG: Final = 0x0112


class Unfit(Exception):
    """A file that we don't keep; the text says why and can be shown."""


class Kind(msgspec.Struct, frozen=True):
    """What a file is. `remark` is a sentence when its name or sender says something else; sides in pixels."""

    mime: str
    remark: str = ""
    width: int | None = None
    height: int | None = None


def is_inline(mime: str) -> bool:
    """Return whether a browser may show this type by itself; anything else is handed out as an attachment."""
    return mime.partition(";")[0] in _INLINE


def normal(mime: str) -> str:
    """Return a declared type in lower case, without parameters, by its usual name."""
    bare = mime.partition(";")[0].strip().lower()
    return _ALIASES.get(bare, bare)


def identify(content: bytes, *, name: str = "", declared: str = "") -> Kind:
    """Return what a file is. The first HEAD_BYTES of `content` suffice. Raises Unfit for a huge picture."""
    head = content[:HEAD_BYTES]
    named = _by_name(name)
    said = normal(declared) or named
    claims = (normal(declared), named)
    mime = _seen(head) or _long_tail(head, claims)
    if mime is None:
        mime = _text(head, complete=len(content) <= HEAD_BYTES, claims=claims)
    elif mime == "application/zip":
        mime = _zipped(head)
    allowed = _SAME_CONTAINER.get(mime, set())
    mime = next((claim for claim in claims if claim in allowed), mime)
    width, height = _sides(content, mime)
    return Kind(mime, _remark(said, named, mime), width, height)


# Python's own table: the machine's would make the same file something else elsewhere.
_PYTHONS: Final = mimetypes.MimeTypes()


def _by_name(name: str) -> str:
    dot = name.rfind(".")
    end = name[dot:].strip().lower() if dot >= 0 else ""
    return normal(_MIME_OF.get(end) or _PYTHONS.types_map[True].get(end, ""))


def _seen(head: bytes) -> str | None:
    for start, mime in _STARTS:
        if head.startswith(start):
            return mime
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        return next((mime for brand, mime in _BRANDS if head[8:12].startswith(brand)), "video/mp4")
    if head[:4] == b"OggS":
        return "video/ogg" if b"\x80theora" in head[:512] else "audio/ogg"
    if markup := _markup(head):
        return markup
    return _frame_sync(head[1], head[2]) if len(head) > 2 and head[0] == 0xFF else None


def _frame_sync(second: int, third: int) -> str | None:
    """Tell MP3 and AAC apart by a frame's header (ISO 11172-3, 13818-7); None when it is neither."""
    layer = second >> 1 & 3
    if layer == 0 and second & 0xF0 == 0xF0:
        return "audio/aac"
    good = second & 0xE0 == 0xE0 and layer == 1 and third >> 4 != 15 and third >> 2 & 3 != 3
    return "audio/mpeg" if good else None


def _markup(head: bytes) -> str | None:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:4096]
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):  # UTF-16 hides markup from a byte search
        start = start.decode("utf-16", "ignore").encode().lstrip()
    if start[:1] != b"<":
        return None
    if re.search(rb"<svg[\s>/]", start, re.IGNORECASE):
        return "image/svg+xml"
    if _MARKUP.match(start) or re.search(rb"<(?:html|script)[\s>]", start, re.IGNORECASE):
        return "text/html"
    return "application/xml" if start.startswith(b"<?xml") else None


def _zipped(head: bytes) -> str:
    if head[30:38] == b"mimetype":  # OpenDocument and EPUB write their type first, uncompressed
        length = int.from_bytes(head[22:26], "little")
        written = head[38 : 38 + min(length, 80)].decode("ascii", "ignore")
        if re.fullmatch(r"application/[a-z0-9.+-]+", written):
            return written
    for folder, end in _ZIPPED:
        if folder in head:
            return _MIME_OF[end]
    return "application/zip"


def _long_tail(head: bytes, claims: tuple[str, str]) -> str | None:
    """Ask puremagic; its weak guesses (two bytes that match) count only when they agree with a claim."""
    try:
        found = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return None
    guesses = [(normal(one.mime_type), one.confidence) for one in found if "/" in one.mime_type]
    good = (mime for mime, sure in guesses if mime != BINARY and (sure >= 0.5 or mime in claims))
    return next(good, None)


def _text(head: bytes, *, complete: bool, claims: tuple[str, str]) -> str:
    """Name the rest: text of some kind when it reads as text, else a type that says nothing."""
    if not head:
        return "text/plain"
    for charset in ("utf-8", "gb18030"):
        try:
            text = codecs.getincrementaldecoder(charset)().decode(head, final=complete)
        except UnicodeDecodeError:
            continue
        if _CONTROLS.search(text):
            break
        textual = next((one for one in claims if one.startswith("text/") or one in _TEXTUAL), "")
        if charset == "utf-8":
            return textual if textual not in ("", "text/html") else "text/plain"
        if textual not in ("", "text/html"):
            return f"{textual}; charset={charset}"
    claim = claims[0] or claims[1]
    known = set(_ALIASES.values()) | set(_MIME_OF.values()) | {mime for _, mime in _STARTS} | _INLINE
    return claim if claim.startswith("application/") and claim not in known else BINARY


def _remark(said: str, named: str, mime: str) -> str:
    bare = mime.partition(";")[0]
    if bare in ("application/vnd.microsoft.portable-executable", "application/x-executable"):
        return "This file is a program."
    for claim in (said, named):
        if claim not in ("", BINARY, bare) and not _kin(claim, bare):
            return f"This file claims to be {claim} but its content is {bare}."
    return ""


def _kin(claim: str, seen: str) -> bool:
    """Tell whether a claim is just another word for what was seen, or a finer one."""
    if seen in _SAME_CONTAINER.get(claim, ()) or {claim, seen} <= {"video/3gpp", "video/mp4", "audio/mp4"}:
        return True
    if seen in _CONTAINERS:  # many formats are an archive or XML inside
        return claim.startswith("application/") or claim.endswith("+xml")
    return claim.startswith("text/") and seen.startswith("text/") and seen != "text/html"


def _sides(content: bytes, mime: str) -> tuple[int | None, int | None]:
    """Return width and height as they appear on a screen, read from the header alone."""
    form = _PICTURES.get(mime)
    if form is None:
        return None, None
    try:
        with Image.open(io.BytesIO(content), formats=(form,)) as picture:
            width, height = picture.size
            # Only where the orientation lies in the header: for PNG, Pillow would decode the whole picture.
            turned = form == "JPEG" and picture.getexif().get(_ORIENTATION_TAG) in _SWAPPED_ORIENTATIONS
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Unfit("This picture has more pixels than we show.") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, zlib.error):
        return None, None
    if width * height > MAX_PIXELS:
        raise Unfit(f"This picture has {width} × {height} pixels, more than we show.")
    return (height, width) if turned else (width, height)
