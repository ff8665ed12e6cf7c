"""What a message holds, as parts: one reader for each kind of content that the Bot API knows."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from switchboard.channels.api import (
    Audio,
    ContactCard,
    File,
    Form,
    Image,
    Link,
    Location,
    Notice,
    Part,
    Source,
    Sticker,
    Text,
    Unsupported,
    Video,
)
from switchboard.channels.telegram.notices import notice
from switchboard.channels.telegram.payloads import (
    Attachment,
    Checklist,
    Contact,
    Dice,
    LivePhoto,
    Money,
    PaidMedia,
    Point,
    Poll,
    Story,
    Venue,
    WebAppData,
)
from switchboard.channels.telegram.richtext import blocks, lines, with_links

Message = Mapping[str, Any]

# Fields that say something about a message without being its content.
_AROUND = frozenset(
    {
        "message_id",
        "message_thread_id",
        "direct_messages_topic",
        "from",
        "sender_chat",
        "sender_boost_count",
        "sender_business_bot",
        "sender_tag",
        "date",
        "guest_query_id",
        "business_connection_id",
        "chat",
        "forward_origin",
        "is_topic_message",
        "is_automatic_forward",
        "reply_to_message",
        "external_reply",
        "quote",
        "reply_to_story",
        "reply_to_checklist_task_id",
        "reply_to_poll_option_id",
        "via_bot",
        "guest_bot_caller_user",
        "guest_bot_caller_chat",
        "edit_date",
        "has_protected_content",
        "is_from_offline",
        "is_paid_post",
        "media_group_id",
        "author_signature",
        "paid_star_count",
        "entities",
        "link_preview_options",
        "suggested_post_info",
        "effect_id",
        "caption",
        "caption_entities",
        "show_caption_above_media",
        "has_media_spoiler",
        "reply_markup",
        # Until Bot API 7.0:
        "forward_from",
        "forward_from_chat",
        "forward_from_message_id",
        "forward_signature",
        "forward_sender_name",
        "forward_date",
    }
)


def parts_of(message: Message) -> list[Part]:
    """Return a message's content; never empty: what we can't show becomes Unsupported with its name."""
    for name, read in _READERS.items():
        if name in message:
            caption = _caption(message)
            try:
                parts = read(message[name], message)
            except (msgspec.ValidationError, ValueError) as error:
                return [Unsupported(name, f"unreadable: {error}"), *([Text(caption)] if caption else [])]
            return [*_story_answered(message), *_with_caption(parts, caption)]
    return [_event(message)]


def _event(message: Message) -> Part:
    names = [name for name in message if name not in _AROUND]
    for name in names:
        found = notice(name, message[name])
        if found:
            return found
    return Unsupported(names[0] if names else "empty message", "this version doesn't know it")


def _caption(message: Message) -> str:
    caption = message.get("caption")
    return with_links(caption, message.get("caption_entities")) if isinstance(caption, str) else ""


def _with_caption(parts: list[Part], caption: str) -> list[Part]:
    """Put the caption on the first medium; content that has no place for one gets a text beside it."""
    if not caption:
        return parts
    for index, part in enumerate(parts):
        if isinstance(part, (Image, Audio, Video, File, Sticker)):
            return [*parts[:index], msgspec.structs.replace(part, caption=caption), *parts[index + 1 :]]
    return [*parts, Text(caption)]


def _story_answered(message: Message) -> list[Part]:
    return (
        _story(message["reply_to_story"], message) if isinstance(message.get("reply_to_story"), dict) else []
    )


def _text(value: Any, message: Message) -> list[Part]:
    quote = message.get("quote")
    quoted = quote.get("text") if isinstance(quote, dict) else ""
    text = with_links(msgspec.convert(value, str), message.get("entities"))
    return [Text(text, quoted=quoted if isinstance(quoted, str) else "")]


def _largest(sizes: Any) -> Image:
    found = msgspec.convert(sizes, list[Attachment])
    if not found:
        raise ValueError("no sizes")
    best = max(found, key=lambda size: (size.width * size.height, size.file_size))
    return Image(
        source=Source(best.file_id),
        mime="image/jpeg",
        size=best.file_size,
        width=best.width,
        height=best.height,
    )


def _photo(value: Any, _: Message) -> list[Part]:
    return [_largest(value)]


def _film(value: Any) -> Video:
    film = msgspec.convert(value, Attachment)
    return Video(
        source=Source(film.file_id),
        name=film.file_name,
        mime=film.mime_type or "video/mp4",
        size=film.file_size,
        width=film.width or film.length,
        height=film.height or film.length,
        duration=film.duration,
    )


def _video(value: Any, _: Message) -> list[Part]:
    return [_film(value)]


def _live_photo(value: Any, _: Message) -> list[Part]:
    still = msgspec.convert(value, LivePhoto).photo
    return [*([_largest(value["photo"])] if still else []), _film(value)]


def _animation(value: Any, _: Message) -> list[Part]:
    film = _film(value)
    if film.mime != "image/gif":
        return [film]
    return [
        Image(
            source=film.source,
            name=film.name,
            mime=film.mime,
            size=film.size,
            width=film.width,
            height=film.height,
        )
    ]


def _voice(value: Any, _: Message) -> list[Part]:
    sound = msgspec.convert(value, Attachment)
    return [
        Audio(
            source=Source(sound.file_id),
            mime=sound.mime_type or "audio/ogg",
            size=sound.file_size,
            duration=sound.duration,
            voice=True,
        )
    ]


def _audio(value: Any, _: Message) -> list[Part]:
    sound = msgspec.convert(value, Attachment)
    title = " - ".join(piece for piece in (sound.performer, sound.title) if piece)
    return [
        Audio(
            source=Source(sound.file_id),
            name=sound.file_name or title,
            mime=sound.mime_type or "audio/mpeg",
            size=sound.file_size,
            duration=sound.duration,
        )
    ]


def _document(value: Any, _: Message) -> list[Part]:
    file = msgspec.convert(value, Attachment)
    return [
        File(
            source=Source(file.file_id),
            name=file.file_name,
            mime=file.mime_type or "application/octet-stream",
            size=file.file_size,
        )
    ]


def _sticker(value: Any, _: Message) -> list[Part]:
    sticker = msgspec.convert(value, Attachment)
    moving = "video/webm" if sticker.is_video else "application/x-tgsticker"
    return [
        Sticker(
            source=Source(sticker.file_id),
            mime=moving if sticker.is_video or sticker.is_animated else "image/webp",
            size=sticker.file_size,
            width=sticker.width,
            height=sticker.height,
            emoji=sticker.emoji,
        )
    ]


def _location(value: Any, _: Message) -> list[Part]:
    point = msgspec.convert(value, Point)
    return [Location(point.latitude, point.longitude)]


def _venue(value: Any, _: Message) -> list[Part]:
    venue = msgspec.convert(value, Venue)
    return [Location(venue.location.latitude, venue.location.longitude, venue.title, venue.address)]


def _contact(value: Any, _: Message) -> list[Part]:
    contact = msgspec.convert(value, Contact)
    name = f"{contact.first_name} {contact.last_name}".strip()
    return [ContactCard(name, [contact.phone_number] if contact.phone_number else [])]


def _dice(value: Any, _: Message) -> list[Part]:
    dice = msgspec.convert(value, Dice)
    return [Text(f"{dice.emoji} {dice.value}")]


def _poll(value: Any, _: Message) -> list[Part]:
    poll = msgspec.convert(value, Poll)
    return [Text("\n".join([f"📊 {poll.question}", *(f"○ {option.text}" for option in poll.options)]))]


def _checklist(value: Any, _: Message) -> list[Part]:
    checklist = msgspec.convert(value, Checklist)
    tasks = (f"{'☑' if task.completion_date else '☐'} {task.text}" for task in checklist.tasks)
    return [Text("\n".join([checklist.title, *tasks]))]


def _story(value: Any, _: Message) -> list[Part]:
    story = msgspec.convert(value, Story)
    if not story.chat.username:
        return [
            Unsupported("story", f"a story of {story.chat.name or 'someone'}, shown only inside Telegram")
        ]
    return [Link(f"https://t.me/{story.chat.username}/s/{story.id}", story.chat.name)]


def _paid_media(value: Any, message: Message) -> list[Part]:
    paid = msgspec.convert(value, PaidMedia)
    found: list[Part] = []
    for item in paid.paid_media:
        kind = str(item.get("type"))
        read = {"photo": _photo, "video": _video, "live_photo": _live_photo}.get(kind)
        if read and kind in item:
            found += read(item[kind], message)
        else:
            found.append(Unsupported("paid_media", f"to be bought for {paid.star_count} Telegram Stars"))
    return found or [Unsupported("paid_media", "nothing in it")]


def _game(value: Any, _: Message) -> list[Part]:
    title = value.get("title") if isinstance(value, dict) else ""
    return [Unsupported("game", title if isinstance(title, str) else "")]


def _payment(name: str) -> Callable[[Any, Message], list[Part]]:
    def read(value: Any, _: Message) -> list[Part]:
        money = msgspec.convert(value, Money)
        data = {key: item for key, item in msgspec.structs.asdict(money).items() if item}
        text = f"{money.title} {money.total_amount} {money.currency} (smallest unit)".strip()
        return [Notice(f"telegram.{name}", text, data)]

    return read


def _web_app_data(value: Any, _: Message) -> list[Part]:
    sent = msgspec.convert(value, WebAppData)
    try:
        values = msgspec.json.decode(sent.data, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        values = {"data": sent.data}
    return [Form(values)]


def _rich_message(value: Any, message: Message) -> list[Part]:
    content = value.get("blocks") if isinstance(value, dict) else None
    found: list[Part] = []
    text = "\n".join(lines(content))
    if text:
        found.append(Text(text))
    for block in blocks(content):
        for name in ("photo", "video", "animation", "audio", "voice_note"):
            if name in block:
                read = _voice if name == "voice_note" else _READERS[name]
                found += read(block[name], message)
        if block.get("type") == "map" and "location" in block:
            found += _location(block["location"], message)
    return found or [Unsupported("rich_message", "nothing in it that we can show")]


# In this order: an animation is repeated as a document, a live photo as a photo, a venue as a location.
_READERS: dict[str, Callable[[Any, Message], list[Part]]] = {
    "text": _text,
    "rich_message": _rich_message,
    "live_photo": _live_photo,
    "photo": _photo,
    "animation": _animation,
    "video": _video,
    "video_note": _video,
    "voice": _voice,
    "audio": _audio,
    "document": _document,
    "sticker": _sticker,
    "venue": _venue,
    "location": _location,
    "contact": _contact,
    "dice": _dice,
    "poll": _poll,
    "checklist": _checklist,
    "story": _story,
    "paid_media": _paid_media,
    "game": _game,
    "invoice": _payment("invoice"),
    "successful_payment": _payment("successful_payment"),
    "refunded_payment": _payment("refunded_payment"),
    "web_app_data": _web_app_data,
}
