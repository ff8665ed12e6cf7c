"""Formatted text: Telegram's HTML into plain text and entities (offsets in UTF-16 units)."""

from html.parser import HTMLParser
from typing import Any

from switchboard.sandbox.bot.errors import BotError

Json = dict[str, Any]
TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "code": "code",
    "pre": "pre",
    "a": "text_link",
    "blockquote": "blockquote",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "tg-emoji": "custom_emoji",
}


def utf16_length(text: str) -> int:
    """Length as Telegram counts it."""
    return len(text.encode("utf-16-le")) // 2


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.entities: list[Json] = []
        self._open: list[tuple[str, Json]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            raise BotError(400, f'Bad Request: can\'t parse entities: Unsupported start tag "{tag}"')
        entity: Json = {"type": TAGS[tag], "offset": utf16_length(self.text)}
        if tag == "a":
            entity["url"] = dict(attrs).get("href") or ""
        self._open.append((tag, entity))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1][0] != tag:
            raise BotError(400, f'Bad Request: can\'t parse entities: Unexpected end tag "{tag}"')
        _, entity = self._open.pop()
        entity["length"] = utf16_length(self.text) - entity["offset"]
        if entity["length"]:
            self.entities.append(entity)

    def handle_data(self, data: str) -> None:
        self.text += data

    def finish(self) -> None:
        """Nothing may stay open."""
        self.close()
        if self._open:
            raise BotError(
                400, f"Bad Request: can't parse entities: Can't find end tag for \"{self._open[-1][0]}\""
            )


def parse(text: str, mode: str, given: list[Json] | None) -> tuple[str, list[Json]]:
    """Plain text and entities. Markdown keeps its signs: the phone shows them as they are."""
    if mode.lower() != "html":
        return text, list(given or [])
    reader = _Reader()
    reader.feed(text)
    reader.finish()
    return reader.text, reader.entities
