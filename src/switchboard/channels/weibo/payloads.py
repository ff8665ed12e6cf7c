"""Careful reading of what Weibo posts: JSON of its own, or the same in WeChat's XML, whichever the account has chosen.

Messages carry no id; who sent it, when and what stands for one.
"""

import re
from datetime import UTC, datetime
from typing import Any

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from switchboard.channels.api import BadPayload, decode
from switchboard.channels.reading import Json, number, text
from switchboard.channels.reading import moment as counted_moment

LARGEST_XML = 200_000
DEEPEST = 4
SAID_AT = re.compile(r"\w{3} (\w{3} \d{1,2}) (\d\d:\d\d:\d\d) ([+-]\d{4}) (\d{4})", re.ASCII)
# What WeChat's XML calls the fields of Weibo's JSON.
FIELDS = {
    "MsgType": "type", "ToUserName": "receiver_id", "FromUserName": "sender_id", "CreateTime": "created_at", "Content": "text",
}  # fmt: skip
DATA = {
    "Event": "subtype", "EventKey": "key", "Ticket": "ticket", "MediaId": "tovfid", "Location_X": "latitude",
    "Location_Y": "longitude", "Label": "label", "PicUrl": "url", "Format": "format",
}  # fmt: skip


def message_of(body: bytes) -> Json:
    """Return the message of one request, as Weibo's JSON says it; raises BadPayload."""
    found = _from_xml(body) if body.lstrip()[:1] == b"<" else decode(body)
    if not isinstance(found, dict) or not text(found, "type"):
        raise BadPayload("the body is no message of Weibo's")
    return found


class _Flat:
    """Takes the text of the elements under the root, and nothing deeper: a message is flat."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self._path: list[str] = []
        self._pieces: list[str] = []

    def start(self, tag: str, attributes: Any) -> None:
        """An element opens."""
        del attributes
        self._path.append(tag)
        self._pieces = []
        if len(self._path) > DEEPEST:
            raise BadPayload("the XML is nested too deeply")

    def data(self, pieces: str) -> None:
        """Characters."""
        self._pieces.append(pieces)

    def end(self, tag: str) -> None:
        """An element closes; the first of a name counts."""
        if len(self._path) == 2:
            self.values.setdefault(tag, "".join(self._pieces).strip())
        self._path.pop()
        self._pieces = []

    def close(self) -> None:
        """The document is over."""


def _from_xml(body: bytes) -> Json:
    if len(body) > LARGEST_XML:
        raise BadPayload("the XML is too large for a message")
    flat = _Flat()
    parser = DefusedXMLParser(target=flat, forbid_dtd=True)
    try:
        parser.feed(body)
        parser.close()
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise BadPayload(f"the body is not XML: {type(error).__name__}") from None
    values = flat.values
    found: Json = {name: values[tag] for tag, name in FIELDS.items() if tag in values}
    found["data"] = {name: values[tag] for tag, name in DATA.items() if tag in values}
    if "MsgId" in values:
        found["id"] = values["MsgId"]
    if text(found, "type").lower() == "location":
        found["type"] = "position"
    if not text(found, "text"):
        found["text"] = values.get("Recognition", "")
    return found


def moment(value: Any, *path: str) -> datetime | None:
    """Return the time at a path: `Mon Jul 16 18:09:20 +0800 2012`, or Unix seconds or milliseconds."""
    if number(value, *path) is not None:
        return counted_moment(value, *path)
    said = SAID_AT.fullmatch(text(value, *path))
    try:
        found = said and datetime.strptime(f"{said[4]} {said[1]} {said[2]} {said[3]}", "%Y %b %d %H:%M:%S %z")
    except ValueError:
        return None
    return found.astimezone(UTC) if found and 1970 < found.year < 9999 else None


def plain(value: Json) -> Json:
    """Return an object fit to be kept as it is: texts and sensible numbers, nothing nested."""
    return {
        str(name): item
        for name, item in value.items()
        if isinstance(item, str | bool) or (isinstance(item, int) and abs(item) < 2**63)
    }
