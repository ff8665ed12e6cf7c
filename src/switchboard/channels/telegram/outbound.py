"""Parts into Bot API calls, and the Bot API's errors into outcomes."""

from collections.abc import Mapping
from typing import Any

import msgspec

from switchboard.channels.api import (
    Audio,
    Choices,
    ContactCard,
    Content,
    File,
    Image,
    InDoubt,
    Location,
    Outbound,
    Part,
    Reauthorise,
    Refused,
    Response,
    Retry,
    Sticker,
    Text,
    Video,
    redact,
)
from switchboard.channels.telegram.payloads import Address, message_number

CALLBACK_BYTES = 64
VOICE = frozenset({"audio/ogg", "audio/opus"})


class Call(msgspec.Struct, frozen=True):
    """One call of the Bot API; `upload` is the name of the field that carries the file."""

    method: str
    fields: dict[str, Any]
    upload: str = ""


def target(message: Outbound) -> dict[str, Any]:
    """Return the fields that say where a message goes; raises Refused when it isn't an address."""
    address = Address.read(message.to)
    fields: dict[str, Any] = {"chat_id": chat_id(address.chat)}
    if address.business:
        fields["business_connection_id"] = address.business
    for name, value in (("message_thread_id", address.thread), ("direct_messages_topic_id", address.topic)):
        if value.isascii() and value.isdecimal():
            fields[name] = int(value)
    answered = message_number(message.reply_to, address.chat) or message_number(
        f"{address.chat}:{address.reply}", address.chat
    )
    if answered:
        # An answer to a message that was deleted meanwhile shall go out all the same.
        fields["reply_parameters"] = {"message_id": answered, "allow_sending_without_reply": True}
    return fields


def chat_id(text: str) -> int | str:
    """Return a chat's number, or the @name of a public channel; raises Refused."""
    digits = text.removeprefix("-")
    if digits.isascii() and digits.isdecimal() and len(digits) < 19:
        return int(text)
    if text.startswith("@") and text[1:].isidentifier():
        return text
    raise Refused("This is not an address on Telegram.", code="address")


def call_for(part: Part) -> Call:
    """Return the call that sends a part, without its target; raises Refused where there is none."""
    match part:
        case Text(text=text):
            return Call("sendMessage", {"text": text})
        case Choices(text=text):
            return Call("sendMessage", {"text": text, "reply_markup": _keyboard(part)})
        case Location(name="", address=""):
            return Call("sendLocation", {"latitude": part.latitude, "longitude": part.longitude})
        case Location():
            return Call(
                "sendVenue",
                {
                    "latitude": part.latitude,
                    "longitude": part.longitude,
                    "title": part.name or part.address,
                    "address": part.address or part.name,
                },
            )
        case ContactCard():
            return _contact(part)
        case Image() | Video() | Audio() | File() | Sticker():
            return _medium(part)
        case _:
            kind = part.__struct_config__.tag
            raise Refused(f"Telegram has no message of the kind {kind}.", code="unsupported")


def _keyboard(choices: Choices) -> dict[str, Any]:
    """Return one button a row: titles keep their length, and the order is plain."""
    rows = []
    for button in choices.buttons:
        if button.url:
            rows.append([{"text": button.title, "url": button.url}])
            continue
        if not 1 <= len(button.id.encode("utf-8", "replace")) <= CALLBACK_BYTES:
            raise Refused(
                f"The button “{button.title}” needs an id of 1 to {CALLBACK_BYTES} bytes.", code="button"
            )
        rows.append([{"text": button.title, "callback_data": button.id}])
    return {"inline_keyboard": rows}


def _contact(card: ContactCard) -> Call:
    if not card.phones:
        raise Refused("Telegram sends only business cards that have a phone number.", code="contact")
    first, _, last = (card.name or card.phones[0]).partition(" ")
    return Call(
        "sendContact",
        {"phone_number": card.phones[0], "first_name": first, **({"last_name": last} if last else {})},
    )


def _medium(part: Image | Video | Audio | File | Sticker) -> Call:
    fields: dict[str, Any] = {"caption": part.caption} if part.caption else {}
    match part:
        case Sticker():
            return Call("sendSticker", {}, "sticker")
        case Image(mime="image/gif"):
            return Call("sendAnimation", fields, "animation")
        case Image():
            return Call("sendPhoto", fields, "photo")
        case Video():
            shape = {"width": part.width, "height": part.height, "duration": int(part.duration)}
            known = {name: value for name, value in shape.items() if value}
            return Call("sendVideo", {**fields, **known, "supports_streaming": True}, "video")
        case Audio():
            length = {"duration": int(part.duration)} if part.duration else {}
            if part.voice or part.mime in VOICE:
                return Call("sendVoice", {**fields, **length}, "voice")
            return Call("sendAudio", {**fields, **length}, "audio")
        case _:
            return Call("sendDocument", fields, "document")


def form_of(fields: Mapping[str, Any]) -> dict[str, str]:
    """Return fields as a multipart form takes them: whatever isn't a text is written as JSON."""
    return {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in fields.items()
    }


def uploaded(content: Content, part: Part) -> tuple[str, bytes, str]:
    """Return a file as the form takes it: name, bytes, type."""
    name = content.name or getattr(part, "name", "") or "file"
    return name, content.data, content.mime or "application/octet-stream"


class Answer(msgspec.Struct, frozen=True):
    """What the Bot API says; `parameters` may hold retry_after (seconds) and migrate_to_chat_id."""

    ok: bool = False
    result: Any = None
    error_code: int = 0
    description: str = ""
    parameters: dict[str, Any] = {}


def read(response: Response) -> Answer:
    """Return the answer; raises Retry when something else than the Bot API spoke."""
    if response.status == 504:
        raise InDoubt("Telegram's gateway got no answer in time", code="504")
    try:
        answer = msgspec.convert(response.json(), Answer)
    except msgspec.ValidationError:
        answer = Answer(error_code=response.status)
    if answer.ok or answer.error_code:
        return answer
    return msgspec.structs.replace(answer, error_code=response.status)


def failure(answer: Answer, response: Response, secrets: list[str]) -> Exception:
    """Return the outcome that an error answer means.

    Codes: 401 the token is void, 404 "Not Found" it isn't even one, 403 the person blocked the bot or never
    started it, 429 too fast, 409 two intakes at once.
    """
    words = redact(answer.description, secrets)[:300] or f"Telegram answered {answer.error_code}"
    code, low = str(answer.error_code), answer.description.lower()
    match answer.error_code:
        case 401:
            return Reauthorise(words, code=code)
        case 404 if low.startswith("not found"):
            return Reauthorise(f"Telegram doesn't know this bot token ({words})", code=code)
        case 403:
            return Refused(words, code=code, unreachable="rights" not in low)
        case 429:
            return Retry(words, code=code, after=_seconds(answer.parameters.get("retry_after"), response))
        case 409 | 500 | 502 | 503:
            return Retry(words, code=code)
        case number if number >= 500 or number < 400:
            return Retry(words, code=code)
        case _:
            gone = "chat not found" in low or "user is deactivated" in low or "peer_id_invalid" in low
            return Refused(words, code=code, unreachable=gone)


def _seconds(value: object, response: Response) -> float | None:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 100_000:
        return float(value)
    header = response.headers.get("retry-after", "")
    return float(header) if header.isascii() and header.isdecimal() and len(header) < 6 else None


def moved_to(answer: Answer, fields: Mapping[str, Any]) -> int | None:
    """Return the id of the supergroup that the group has become, if that is why the call failed."""
    new = answer.parameters.get("migrate_to_chat_id")
    if answer.ok or isinstance(new, bool) or not isinstance(new, int) or new == fields.get("chat_id"):
        return None
    return new
