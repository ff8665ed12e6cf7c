"""Telegram's objects as JSON, and the bubbles that the phone shows for them."""

import hashlib
from typing import Any, Literal

from switchboard.sandbox.state import (
    Attachment,
    Bubble,
    BusinessConnection,
    Button,
    Customer,
    Media,
    TelegramBot,
    TelegramGroup,
)

Json = dict[str, Any]
FILE_KINDS = ("photo", "video", "animation", "document", "audio", "voice", "video_note", "sticker")
SHOWN = {"photo": "image", "video_note": "video", "animation": "video"}


def user(customer: Customer) -> Json:
    """A person as User."""
    first, _, last = customer.name.partition(" ")
    made: Json = {"id": customer.telegram_id, "is_bot": False, "first_name": first}
    if last:
        made["last_name"] = last
    if customer.username:
        made["username"] = customer.username
    made["language_code"] = customer.language
    return made


def bot_user(bot: TelegramBot) -> Json:
    """The bot as User."""
    return {"id": int(bot.id), "is_bot": True, "first_name": bot.name, "username": bot.username}


def private_chat(customer: Customer) -> Json:
    """A person's private chat."""
    made = {k: v for k, v in user(customer).items() if k in {"id", "first_name", "last_name", "username"}}
    return {**made, "type": "private"}


def group_chat(group: TelegramGroup) -> Json:
    """A group or channel as Chat."""
    made: Json = {"id": group.id, "type": group.type, "title": group.title}
    if group.username:
        made["username"] = group.username
    return made


def connection(one: BusinessConnection) -> Json:
    """A business connection."""
    return {
        "id": one.id,
        "user": {"id": one.owner_id, "is_bot": False, "first_name": one.owner_name},
        "user_chat_id": one.owner_id,
        "date": one.date,
        "rights": {"can_reply": one.can_reply, "can_read_messages": True, "can_delete_sent_messages": True},
        "is_enabled": one.is_enabled,
    }


def file_id(media: Media) -> str:
    """The id under which this bot can send or fetch the file."""
    return "AgACAgI" + media.key


def unique_id(media: Media) -> str:
    """Stable over bots: depends on the content only."""
    return "AQAD" + hashlib.sha256(media.content).hexdigest()[:12]


def picture_size(content: bytes) -> tuple[int, int]:
    """Width and height of PNG or JPEG; 1280 × 960 where they cannot be told."""
    if content[:8] == b"\x89PNG\r\n\x1a\n" and len(content) >= 24:
        return int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
    at = 2
    while content[:2] == b"\xff\xd8" and at + 9 < len(content):
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4])
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            return int.from_bytes(content[at + 7 : at + 9]), int.from_bytes(content[at + 5 : at + 7])
        at += 2 + length
    return 1280, 960


def file_object(kind: str, media: Media, given: Json) -> Any:
    """The file as PhotoSize list, Video, Document and so on; `given` are the caller's own figures."""
    base: Json = {
        "file_id": file_id(media),
        "file_unique_id": unique_id(media),
        "file_size": len(media.content),
    }
    width, height = picture_size(media.content)
    if kind == "photo":
        small = {**base, "file_id": base["file_id"] + "-s", "file_unique_id": base["file_unique_id"] + "s"}
        small.update(width=max(1, width // 4), height=max(1, height // 4))
        return [small, {**base, "width": width, "height": height}]
    if kind in {"video", "animation", "audio", "voice", "video_note"}:
        base["duration"] = int(given.get("duration") or 3)
    if kind in {"video", "animation"}:
        base.update(width=int(given.get("width") or 640), height=int(given.get("height") or 360))
    if kind == "video_note":
        base["length"] = int(given.get("length") or 240)
        return base
    if kind == "sticker":
        sizes = {"width": 512, "height": 512, "is_animated": False, "is_video": False}
        return {**base, "type": "regular", **sizes, "emoji": given.get("emoji") or "🙂"}
    if kind != "voice":
        base["file_name"] = media.name
    if kind == "audio":
        base.update({k: given[k] for k in ("performer", "title") if given.get(k)})
    base["mime_type"] = media.content_type
    return base


def command_entities(text: str) -> list[Json]:
    """The `bot_command` entity of a text that begins with one."""
    if not text.startswith("/"):
        return []
    return [{"type": "bot_command", "offset": 0, "length": len(text.split(maxsplit=1)[0])}]


def inline_buttons(markup: Json | None) -> list[Button]:
    """Buttons under a message."""
    made = []
    for row, keys in enumerate((markup or {}).get("inline_keyboard") or []):
        for column, key in enumerate(keys):
            url = str(key.get("url") or "")
            title = str(key.get("text", ""))
            made.append(Button(id=f"{row}.{column}", title=title, kind="url" if url else "callback", url=url))
    return made


def _key_kind(key: Json) -> Literal["contact", "location", "keyboard"]:
    if key.get("request_contact"):
        return "contact"
    return "location" if key.get("request_location") else "keyboard"


def reply_keyboard(markup: Json) -> list[list[Button]]:
    """The keyboard below the input."""
    rows = []
    for keys in markup.get("keyboard") or []:
        row = []
        for key in keys:
            key = {"text": key} if isinstance(key, str) else key
            row.append(Button(id=key["text"], title=key["text"], kind=_key_kind(key)))
        rows.append(row)
    return rows


def bubble_of(message: Json, side: str, files: list[Attachment], author: str = "") -> Bubble:
    """How the phone shows a Message."""
    kind = next((k for k in FILE_KINDS if k in message), "")
    others = ("venue", "location", "contact", "poll", "dice")
    shown = SHOWN.get(kind, kind) or next((k for k in others if k in message), "text")
    bubble = Bubble(
        id=str(message["message_id"]),
        side="business" if side == "business" else "customer",
        kind=shown,
        at=float(message["date"]),
        text=message.get("text") or message.get("caption") or "",
        attachments=files,
        buttons=inline_buttons(message.get("reply_markup")),
        author=author,
        raw=message,
        status="sent" if side == "business" else "",
    )
    if message.get("reply_to_message"):
        bubble.reply_to = str(message["reply_to_message"]["message_id"])
    place = message.get("venue") or {}
    if "location" in message:
        bubble.kind = "location"
        bubble.location = {
            **message["location"],
            "name": place.get("title", ""),
            "address": place.get("address", ""),
        }
    if "contact" in message:
        card = message["contact"]
        name = " ".join(filter(None, (card["first_name"], card.get("last_name"))))
        bubble.cards = [{"name": {"formatted_name": name}, "phones": [{"phone": card["phone_number"]}]}]
    if "poll" in message:
        bubble.title = message["poll"]["question"]
        bubble.text = "\n".join("○ " + o["text"] for o in message["poll"]["options"])
    if "dice" in message:
        bubble.text = f"{message['dice']['emoji']} {message['dice']['value']}"
    return bubble


def quoted(bubble: Bubble) -> Json:
    """A Message as another one carries it: without its own quotation."""
    return {k: v for k, v in bubble.raw.items() if k != "reply_to_message"}
