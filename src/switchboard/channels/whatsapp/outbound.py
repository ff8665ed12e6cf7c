"""Messages as the Cloud API wants them."""

import re
from typing import Any

from switchboard.channels.api import (
    Audio,
    Cards,
    Choices,
    ContactCard,
    File,
    Image,
    Io,
    Location,
    Media,
    Outbound,
    Part,
    Product,
    Refused,
    Sticker,
    Template,
    Text,
    Video,
)
from switchboard.channels.reading import Json
from switchboard.channels.whatsapp.graph import Graph
from switchboard.channels.whatsapp.interactive import cards_of, choices_of, product_of, without_gaps

DIGITS = re.compile(r"\+?[0-9]+")
KINDS: dict[type[Any], str] = {
    Image: "image",
    Audio: "audio",
    Video: "video",
    File: "document",
    Sticker: "sticker",
}
LONGEST_CALLBACK_DATA = 512


async def body_of(message: Outbound, graph: Graph, io: Io) -> Json:
    """Return the request body of one message, its media uploaded. Our key comes back in its statuses."""
    if len(message.parts) != 1:
        raise Refused(f"WhatsApp takes one part a message, not {len(message.parts)}", code="unfit")
    kind, content = await _content(message.parts[0], message.account, graph, io)
    body: Json = {"messaging_product": "whatsapp", **recipient(message), "type": kind, kind: content}
    if message.reply_to:
        body["context"] = {"message_id": message.reply_to}
    if message.idempotency_key:
        body["biz_opaque_callback_data"] = message.idempotency_key[:LONGEST_CALLBACK_DATA]
    return body


def recipient(message: Outbound) -> Json:
    """Return the addressee: a group, a phone number, or a person without one by business-scoped user id."""
    if message.slot.startswith("group:") or message.to.endswith("@g.us"):
        return {"recipient_type": "group", "to": message.to}
    if DIGITS.fullmatch(message.to):
        return {"recipient_type": "individual", "to": message.to}
    return {"recipient_type": "individual", "recipient": message.to}


async def _content(part: Part, account: str, graph: Graph, io: Io) -> tuple[str, Json | list[Json]]:
    match part:
        case Text():
            return "text", {
                "body": part.text,
                "preview_url": "https://" in part.text or "http://" in part.text,
            }
        case Choices():
            return "interactive", choices_of(part)
        case Location():
            return "location", without_gaps(
                latitude=part.latitude, longitude=part.longitude, name=part.name, address=part.address
            )
        case ContactCard():
            return "contacts", [_contact(part)]
        case Template():
            return "template", _template(part)
        case Cards():
            return await cards_of(part, account, graph, io)
        case Product():
            return "interactive", product_of(part)
        case Image() | Audio() | Video() | File() | Sticker():
            return KINDS[type(part)], await _media(part, account, graph, io)
        case _:
            raise Refused(f"WhatsApp can't carry {type(part).__name__}", code="unfit")


async def _media(part: Media, account: str, graph: Graph, io: Io) -> Json:
    if part.file_id is None:
        raise Refused("the file is not stored", code="unfit")
    content = await io.file(part.file_id)
    media_id = await graph.upload(account, content, (part.mime or content.mime).partition(";")[0].strip())
    body: Json = {"id": media_id}
    if part.caption and isinstance(part, Image | Video | File):
        body["caption"] = part.caption
    if isinstance(part, File):
        body["filename"] = part.name or content.name
    if isinstance(part, Audio) and part.voice:
        body["voice"] = True
    return body


def _contact(part: ContactCard) -> Json:
    name = part.name or part.organisation or next(iter(part.phones + part.emails), "?")
    card: Json = {"name": {"formatted_name": name, "first_name": name}}
    if part.phones:
        card["phones"] = [{"phone": value} for value in part.phones]
    if part.emails:
        card["emails"] = [{"email": value} for value in part.emails]
    if part.organisation:
        card["org"] = {"company": part.organisation}
    return card


def _template(part: Template) -> Json:
    body: Json = {"name": part.name, "language": {"code": part.language}}
    if part.variables:
        parameters = [{"type": "text", "text": value} for value in part.variables]
        body["components"] = [{"type": "body", "parameters": parameters}]
    return body
