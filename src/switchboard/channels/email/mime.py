"""Reads a mail's bytes into headers and parts, whatever state they are in. Knows nothing of customers."""

import codecs
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32
from email.utils import getaddresses, parsedate_to_datetime
from mimetypes import MimeTypes
from typing import cast

import msgspec
from charset_normalizer import from_bytes

from switchboard.channels.api import BadPayload

MAX_BYTES = 40_000_000
MAX_LINES = 1_000_000
MAX_PARTS = 200
MAX_DEPTH = 30
MAX_HEADER_BYTES = 512_000
MAX_HEADERS = 2_000

# What is written on the tin, and the wider table that mail programs really use under that name.
_WIDER = {
    "gb2312": "gb18030", "gbk": "gb18030", "big5": "cp950", "iso8859-1": "cp1252", "shift_jis": "cp932",
    "euc_kr": "cp949", "ascii": "utf-8", "iso8859-9": "cp1254", "tis-620": "cp874",
}  # fmt: skip
_STATEFUL = {"utf-7", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "hz", "iso2022_jp", "iso2022_kr"}
_SINGLE_BYTE = {"cp1252", "cp1250", "cp1251", "cp1254", "cp874", "koi8-r", "iso8859-2", "iso8859-15"}
_CHINESE_MARKS = frozenset("，。、；：？！…—（）《》“”‘’【】￥·　")
# Python's own table: the machine's would make the same mail read differently elsewhere.
_TYPES = MimeTypes()
_NOT_FOR_MAIL = {"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
_UNFIT_NAME = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|\u202a-\u202e\u2066-\u2069\ufffd]")
_WORD = re.compile(r"=\?[^?\s]{1,60}\?[bBqQ]\?")
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,900}>")
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\\x00-\x1f]{1,64}@[^\s@<>,;:\"()\[\]\\\x00-\x1f]{1,253}")


class TooLarge(Exception):
    """The mail goes beyond what we take apart; the text says which limit."""


def text_in(data: bytes, label: str) -> str:
    """Return text in the charset it claims, else in the one it seems to be in; never fails."""
    name = _codec(label)
    as_utf8 = _decoded(data, "utf-8")
    if as_utf8 is not None and (name in ("", "utf-8") or (data.isascii() and name not in _STATEFUL)):
        return as_utf8
    if as_utf8 is not None and name not in _STATEFUL and (name in _SINGLE_BYTE or max(as_utf8) >= "\u0800"):
        # UTF-8 under a wrong name is common. Two bytes may be a Chinese character by chance, three hardly.
        return as_utf8
    text = _decoded(data, name) if name else None
    replaced = data.decode("utf-8", "replace")
    if text is None and (name != "utf-8" or replaced.count("\ufffd") > max(1, len(replaced) // 20)):
        text = _guessed(data)
    return replaced if text is None else text


def _guessed(data: bytes) -> str | None:
    if len(data) < 64:
        # Too short for statistics: if it reads as Chinese throughout, it is.
        text = _decoded(data, "gb18030")
        if text and all(sign < "\x80" or sign in _CHINESE_MARKS or "一" <= sign <= "龥" for sign in text):
            return text
    best = None if b"\x00" in data[:2000] else from_bytes(data[:20_000]).best()
    return _decoded(data, best.encoding) if best is not None else None


def _codec(label: str) -> str:
    try:
        name = codecs.lookup(label.strip().strip("\"'").lower()).name if label.isascii() else ""
    except (LookupError, ValueError):
        return ""
    return "" if name in _NOT_FOR_MAIL else _WIDER.get(name, name)


def _decoded(data: bytes, name: str) -> str | None:
    try:
        return data.decode(name)
    except (UnicodeError, LookupError):
        return None


class _Tolerant(Compat32):
    """Header values as text, raw 8-bit bytes included, where the standard hands out objects or marks."""

    def header_fetch_parse(self, name: str, value: str) -> str:  # noqa: ARG002  # the policy's signature
        return unraw(value)


def unraw(value: str) -> str:
    """Return a header in which raw bytes (kept by the parser as surrogates) have become letters."""
    if value.isascii():
        return value
    data = value.encode("utf-8", "surrogateescape")
    text = _decoded(data, "utf-8")
    return clean(text_in(data, "gb18030") if text is None else text)


TOLERANT = _Tolerant()


class _Node(Message):
    """A part that knows how deep it lies, and stops the parser before the mail becomes a bomb."""

    depth = 0
    parts = 0
    root: "_Node | None" = None

    def attach(self, payload: Message | str) -> None:
        super().attach(payload)
        if isinstance(payload, _Node):
            payload.depth, payload.root = self.depth + 1, self.root or self
            payload.root.parts += 1
            if payload.depth > MAX_DEPTH:
                raise TooLarge(f"it holds parts within parts, more than {MAX_DEPTH} deep")
            if payload.root.parts > MAX_PARTS:
                raise TooLarge(f"it has more than {MAX_PARTS} parts")


def header_of(raw: bytes) -> Message:
    """Return only the mail's own header; raises BadPayload."""
    end = re.search(rb"\r?\n\r?\n", raw[: MAX_HEADER_BYTES + 4])
    if end is None and len(raw) > MAX_HEADER_BYTES:
        raise BadPayload(f"the header of the mail is longer than {MAX_HEADER_BYTES:,} bytes")
    header = raw[: end.start()] if end else raw
    if header.count(b"\n") > MAX_HEADERS * 10:
        raise BadPayload("the header of the mail has too many lines")
    message = BytesParser(_class=_Node, policy=TOLERANT).parsebytes(header + b"\r\n\r\n", headersonly=True)
    if len(message) > MAX_HEADERS:
        raise BadPayload(f"the mail has more than {MAX_HEADERS:,} header lines")
    return message


def tree_of(raw: bytes) -> Message:
    """Return the whole mail; raises TooLarge, or BadPayload for the header."""
    header_of(raw)
    if len(raw) > MAX_BYTES:
        raise TooLarge(f"it is larger than {MAX_BYTES // 1_000_000} MB")
    if raw.count(b"\n") > MAX_LINES:
        raise TooLarge(f"it has more than {MAX_LINES:,} lines")
    return BytesParser(_class=_Node, policy=TOLERANT).parsebytes(raw)


class Leaf(msgspec.Struct, frozen=True):
    """A part that holds content. `path` counts from 1 as IMAP does; `kind` is its type without parameters."""

    path: str
    kind: str
    node: Message
    name: str
    content_id: str
    attached: bool
    parent: str

    def data(self) -> bytes:
        """Return the content, transfer encoding undone; broken encodings give what can be had."""
        try:
            payload = self.node.get_payload(decode=True)
        except (ValueError, LookupError, TypeError):
            return b""
        return payload if isinstance(payload, bytes) else b""

    def text(self) -> str:
        """Return the content as text with plain line ends."""
        return clean(text_in(self.data(), self.charset())).replace("\r\n", "\n").replace("\r", "\n")

    def charset(self) -> str:
        """Return the charset that the part claims, empty when it claims none."""
        return _parameter(self.node, "charset", "content-type")

    def mail(self) -> Message | None:
        """Return the mail inside a message/rfc822 part."""
        return next(iter(inner(self.node)), None)


def inner(node: Message) -> list[Message]:
    """Return the parts directly inside a part."""
    # Asked of a part without parts, get_payload decodes it all, and stumbles over odd charsets.
    payload = node.get_payload() if node.is_multipart() else None
    return cast(list[Message], payload) if isinstance(payload, list) else []


def _parameter(node: Message, name: str, where: str) -> str:
    try:
        value = node.get_param(name, "", where)
    except (ValueError, LookupError, TypeError):
        return ""
    if isinstance(value, tuple):
        charset, _, text = value
        return clean(text_in(text.encode("latin-1", "replace"), charset or ""))
    return value


def leaves(message: Message) -> Iterator[Leaf]:
    """Yield the parts that hold content, in order; a mail inside the mail is one such part."""
    yield from _leaves(message, "", "")


def _leaves(node: Message, path: str, parent: str) -> Iterator[Leaf]:
    kind = node.get_content_type()
    if node.is_multipart() and not kind.startswith("message/"):
        for index, part in enumerate(inner(node), 1):
            yield from _leaves(part, f"{path}.{index}" if path else str(index), kind)
        return
    name = file_name(node)
    disposition = str(node.get("content-disposition", "")).split(";")[0].strip().lower()
    content_id = (node.get("content-id") or "").strip().strip("<>")
    yield Leaf(path or "1", kind, node, name, clean(content_id)[:300], disposition == "attachment", parent)


def file_name(node: Message) -> str:
    """Return the file name that a part gives itself, decoded and fit for a disk; may be empty."""
    name = _parameter(node, "filename", "content-disposition") or _parameter(node, "name", "content-type")
    return fit_name(words_of(name))


def fit_name(name: str) -> str:
    """Return a name without path, control and direction marks, 150 characters at most, its ending kept."""
    name = _UNFIT_NAME.sub("_", name.replace("\n", "").replace("\t", " ")).strip(" .")
    stem, dot, ending = name.rpartition(".")
    return name if len(name) <= 150 else f"{stem[:130]}{dot}{ending[:19]}"


def kind_by_name(kind: str, name: str) -> str:
    """Return a better type for a part that says nothing but "bytes"."""
    if kind not in ("application/octet-stream", "application/x-msdownload", "application/unknown"):
        return kind
    return _TYPES.guess_type(name)[0] or kind


def clean(text: str) -> str:
    """Return text without NULs and halves of pairs, which no database and no JSON can hold."""
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    return text.replace("\x00", "")


def words_of(value: str) -> str:
    """Return a header's words with RFC 2047 undone, on one line."""
    if _WORD.search(value) and len(value) < 50_000:
        try:
            pieces = decode_header(re.sub(r"\r?\n", "", value))
        except (HeaderParseError, ValueError, LookupError):
            pieces = []
        value = "".join(_word(piece, charset) for piece, charset in pieces) or value
    return " ".join(clean(value).split())


def _word(piece: bytes | str, charset: str | None) -> str:
    if isinstance(piece, str):
        return piece
    return text_in(piece, charset) if charset else unraw(piece.decode("raw-unicode-escape", "replace"))


def header(message: Message, name: str) -> str:
    """Return a header's words, empty when it isn't there."""
    value = message.get(name)
    return words_of(str(value)) if value is not None else ""


def raw_headers(message: Message, name: str) -> list[str]:
    """Return all headers of a name on one line each, topmost first, not decoded."""
    return [" ".join(clean(str(value)).split()) for value in message.get_all(name) or []]


def people(message: Message, *names: str) -> list[tuple[str, str]]:
    """Return (name, address in lower case) of everybody in these headers."""
    values = [value[:20_000] for name in names for value in raw_headers(message, name)]
    try:
        found = getaddresses(values)
    except (ValueError, IndexError, TypeError, RecursionError):
        found = []
    kept = [(words_of(name).strip("\"' ")[:200], address(where)) for name, where in found]
    return [(name, where) for name, where in kept if where]


def address(text: str) -> str:
    """Return one mail address in lower case, empty when this is none."""
    text = clean(text).strip().strip("<>").strip()
    return text.lower() if _ADDRESS.fullmatch(text) else ""


def message_ids(message: Message, name: str) -> list[str]:
    """Return the ids in a header (Message-ID, In-Reply-To, References), brackets included, first to last."""
    text = " ".join(raw_headers(message, name))[:100_000]
    found = _MESSAGE_ID.findall(text)
    if not found and name.lower() == "message-id" and 0 < len(text) < 900 and " " not in text:
        found = [f"<{text.strip('<>')}>"]
    return list(dict.fromkeys(found))


def date_of(message: Message) -> datetime | None:
    """Return the time in the Date header, None when there is none that makes sense."""
    try:
        when = parsedate_to_datetime(header(message, "date"))
        when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return when.replace(microsecond=0)


def ending(kind: str) -> str:
    """Return the usual file ending of a type, dot included."""
    return _TYPES.guess_extension(kind, strict=False) or ""


def written(message: Message) -> bytes:
    """Return a mail inside a mail as a file of its own."""
    try:
        return message.as_bytes(policy=TOLERANT.clone(linesep="\r\n"))
    except (ValueError, LookupError, TypeError, AttributeError):
        return (
            b"\r\n".join(f"{name}: {clean(str(value))}".encode() for name, value in message.items())
            + b"\r\n\r\n"
        )
