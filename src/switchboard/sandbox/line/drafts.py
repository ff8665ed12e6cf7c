"""What the product wants to say, checked against LINE's limits, as the phone shows it."""

from collections.abc import Callable
from typing import Any

import msgspec

from switchboard.sandbox.line.errors import LineError
from switchboard.sandbox.line.stickers import package_of
from switchboard.sandbox.state import Button

Json = dict[str, Any]
MOST_MESSAGES = 5
EMPTY = "May not be empty"
SIZES = {"text": 5000, "title": 100, "address": 100, "altText": 1500, "label": 20, "data": 300}


class Draft(msgspec.Struct, kw_only=True):
    """One message object. `actions` belong to the buttons of the same place; `still` is the address of a film's preview."""

    kind: str
    text: str = ""
    title: str = ""
    location: Json | None = None
    cards: list[Json] = []
    buttons: list[Button] = []
    actions: list[Json] = []
    links: list[str] = []
    still: str = ""
    sticker: str = ""


def units(text: str) -> int:
    """Length as LINE counts it: UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


class Reading:
    """Reads the `messages` of one request and gathers everything that is wrong."""

    def __init__(self) -> None:
        self.faults: list[tuple[str, str]] = []

    def wrong(self, where: str, what: str) -> None:
        """Note a fault."""
        self.faults.append((what, where))

    def words(self, holder: Json, name: str, where: str, *, needed: bool = True, most: int = 0) -> str:
        """A text within its limit."""
        value = holder.get(name)
        place = f"{where}.{name}"
        if value is None or value == "":
            if needed:
                self.wrong(place, EMPTY)
            return ""
        if not isinstance(value, str):
            self.wrong(place, "The value must be of type string")
            return ""
        limit = most or SIZES.get(name, 0)
        if limit and units(value) > limit:
            self.wrong(place, f"Length must be between 0 and {limit}")
        return value

    def link(self, holder: Json, name: str, where: str) -> str:
        """An address that LINE would load: https only, which loopback is spared."""
        url = self.words(holder, name, where, most=2000)
        if url and not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            self.wrong(f"{where}.{name}", "Must be a valid HTTPS URL")
        return url

    def action(self, draft: Draft, action: Any, where: str, *, labelled: bool = True) -> None:
        """A button and what it does."""
        if not isinstance(action, dict):
            self.wrong(where, EMPTY)
            return
        kind = action.get("type")
        label = self.words(action, "label", where, needed=labelled)
        if kind == "postback":
            self.words(action, "data", where)
        elif kind == "message":
            self.words(action, "text", where, most=300)
        elif kind == "uri":
            self.words(action, "uri", where, most=1000)
        elif kind == "datetimepicker":
            self.words(action, "data", where)
        elif kind not in {"camera", "cameraRoll", "location", "richmenuswitch", "clipboard"}:
            self.wrong(f"{where}.type", "Unknown action type")
            return
        url = str(action.get("uri") or "")
        known = "url" if kind == "uri" else "location" if kind == "location" else "callback"
        number = str(len(draft.actions))
        draft.buttons.append(Button(id=number, title=label or str(kind), kind=known, url=url))  # type: ignore[arg-type]  # one of three literals
        draft.actions.append(action)

    def message(self, message: Any, where: str) -> Draft:
        """One message object."""
        if not isinstance(message, dict):
            self.wrong(where, EMPTY)
            return Draft(kind="unknown")
        kind = str(message.get("type") or "")
        draft = Draft(kind=kind)
        reader = KINDS.get(kind)
        if reader is None:
            self.wrong(f"{where}.type", "Unknown message type" if kind else EMPTY)
            return draft
        reader(self, draft, message, where)
        quick = message.get("quickReply")
        if quick is not None:
            self._quick(draft, quick, f"{where}.quickReply")
        return draft

    def _quick(self, draft: Draft, quick: Any, where: str) -> None:
        items = quick.get("items") if isinstance(quick, dict) else None
        if not isinstance(items, list) or not 1 <= len(items) <= 13:
            self.wrong(f"{where}.items", "Size must be between 1 and 13")
            return
        for i, item in enumerate(items):
            place = f"{where}.items[{i}]"
            self.action(draft, item.get("action") if isinstance(item, dict) else None, f"{place}.action")

    def _text(self, draft: Draft, message: Json, where: str) -> None:
        draft.text = self.words(message, "text", where)

    def _picture(self, draft: Draft, message: Json, where: str) -> None:
        draft.links = [self.link(message, "originalContentUrl", where)]
        self.link(message, "previewImageUrl", where)

    def _film(self, draft: Draft, message: Json, where: str) -> None:
        draft.links = [self.link(message, "originalContentUrl", where)]
        draft.still = self.link(message, "previewImageUrl", where)

    def _audio(self, draft: Draft, message: Json, where: str) -> None:
        draft.links = [self.link(message, "originalContentUrl", where)]
        if not isinstance(message.get("duration"), int) or message["duration"] <= 0:
            self.wrong(f"{where}.duration", "The value must be greater than or equal to 1")

    def _location(self, draft: Draft, message: Json, where: str) -> None:
        draft.location = {
            "name": self.words(message, "title", where),
            "address": self.words(message, "address", where),
        }
        for name, most in (("latitude", 90), ("longitude", 180)):
            value = message.get(name)
            if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > most:
                self.wrong(f"{where}.{name}", f"The value must be between -{most} and {most}")
            draft.location[name] = value

    def _sticker(self, draft: Draft, message: Json, where: str) -> None:
        for name in ("packageId", "stickerId"):
            self.words(message, name, where)
        package, number = str(message.get("packageId")), str(message.get("stickerId"))
        if package_of(number) != package:  # LINE publishes the list, but not how it words this
            self.wrong(f"{where}.stickerId", "Not a sticker that the Messaging API can send")
        draft.text = f"[{package}/{number}]"
        draft.sticker = number

    def _imagemap(self, draft: Draft, message: Json, where: str) -> None:
        draft.text = self.words(message, "altText", where)
        self.link(message, "baseUrl", where)

    def _template(self, draft: Draft, message: Json, where: str) -> None:
        alternative = self.words(message, "altText", where)
        template = message.get("template")
        place = f"{where}.template"
        if not isinstance(template, dict):
            self.wrong(place, EMPTY)
            return
        kind = template.get("type")
        if kind in {"carousel", "image_carousel"}:
            columns = template.get("columns")
            if not isinstance(columns, list) or not 1 <= len(columns) <= 10:
                self.wrong(f"{place}.columns", "Size must be between 1 and 10")
                return
            draft.text = alternative
            for i, column in enumerate(columns):
                self._column(draft, column, f"{place}.columns[{i}]", images=kind == "image_carousel")
        elif kind in {"buttons", "confirm"}:
            draft.title = self.words(template, "title", place, needed=False, most=40)
            draft.text = self.words(template, "text", place, most=240 if kind == "confirm" else 160)
            self._actions(draft, template, place, 2 if kind == "confirm" else 4)
        else:
            self.wrong(f"{place}.type", "Unknown template type")

    def _column(self, draft: Draft, column: Any, where: str, *, images: bool) -> None:
        if not isinstance(column, dict):
            self.wrong(where, EMPTY)
            return
        if images:
            self.link(column, "imageUrl", where)
            self.action(draft, column.get("action"), f"{where}.action", labelled=False)
            return
        title = self.words(column, "title", where, needed=False, most=40)
        draft.cards.append({"product": title or self.words(column, "text", where, most=120)})
        self._actions(draft, column, where, 3)

    def _actions(self, draft: Draft, holder: Json, where: str, most: int) -> None:
        actions = holder.get("actions")
        if not isinstance(actions, list) or not 1 <= len(actions) <= most:
            self.wrong(f"{where}.actions", f"Size must be between 1 and {most}")
            return
        for i, action in enumerate(actions):
            self.action(draft, action, f"{where}.actions[{i}]")

    def _flex(self, draft: Draft, message: Json, where: str) -> None:
        draft.title = self.words(message, "altText", where)
        contents = message.get("contents")
        kind = contents.get("type") if isinstance(contents, dict) else None
        if kind not in {"bubble", "carousel"}:
            self.wrong(f"{where}.contents", "must be either bubble or carousel")
            return
        texts: list[str] = []
        self._walk(draft, contents, texts, f"{where}.contents")
        draft.text = "\n".join(texts)

    def _walk(self, draft: Draft, node: Any, texts: list[str], where: str) -> None:
        """Gather words and buttons of a Flex message, wherever its boxes hide them."""
        if isinstance(node, list):
            for i, item in enumerate(node):
                self._walk(draft, item, texts, f"{where}[{i}]")
            return
        if not isinstance(node, dict):
            return
        if node.get("type") in {"text", "span"} and node.get("text"):
            texts.append(str(node["text"]))
        if node.get("type") in {"image", "icon"}:
            draft.links.append(self.link(node, "url", where))
        if isinstance(node.get("action"), dict):
            self.action(draft, node["action"], f"{where}.action", labelled=node.get("type") == "button")
        for name, inner in node.items():
            if name != "action":
                self._walk(draft, inner, texts, f"{where}.{name}")


Reader = Callable[[Reading, Draft, Json, str], None]
KINDS: dict[str, Reader] = {
    "text": Reading._text,
    "textV2": Reading._text,
    "image": Reading._picture,
    "video": Reading._film,
    "audio": Reading._audio,
    "location": Reading._location,
    "sticker": Reading._sticker,
    "imagemap": Reading._imagemap,
    "template": Reading._template,
    "flex": Reading._flex,
}


def read(body: Json) -> list[tuple[Draft, Json]]:
    """The messages of a send, each beside the object as it came; LineError when anything is wrong."""
    messages = body.get("messages")
    reading = Reading()
    if not isinstance(messages, list) or not 1 <= len(messages) <= MOST_MESSAGES:
        reading.wrong("messages", f"Size must be between 1 and {MOST_MESSAGES}")
        messages = []
    found = [(reading.message(message, f"messages[{i}]"), message) for i, message in enumerate(messages)]
    if reading.faults:
        raise LineError(400, details=reading.faults)
    return found
