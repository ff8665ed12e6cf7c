"""What a WhatsApp message is made of, as parts."""

import json
from typing import Any

from switchboard.channels.api import (
    Audio,
    Choice,
    ContactCard,
    File,
    Form,
    Image,
    Location,
    Notice,
    Order,
    OrderItem,
    Part,
    Product,
    Source,
    Sticker,
    Text,
    Unsupported,
    Video,
)
from switchboard.channels.reading import Json, number, obj, plain, rows, text
from switchboard.channels.whatsapp.payloads import DEEPEST, whole


def parts_of(item: Json) -> list[Part]:
    """Return a message's parts, at least one: what can't be shown is named as Unsupported."""
    kind = text(item, "type")
    found = _parts(kind, item)
    product = obj(item, "context", "referred_product")
    if text(product, "product_retailer_id"):
        found = [Product(text(product, "product_retailer_id"), text(product, "catalog_id")), *found]
    return found or [Unsupported(kind or "message", "the message has no content that we know")]


def _parts(kind: str, item: Json) -> list[Part]:
    content = obj(item, kind) if kind else {}
    match kind:
        case "text":
            words = text(content, "body")
            return [Text(words)] if words else []
        case "image" | "audio" | "video" | "document" | "sticker":
            return [_media(kind, content)] if text(content, "id") or text(content, "url") or content else []
        case "location":
            return _location(content)
        case "contacts":
            return [_card(row) for row in rows(item, "contacts")]
        case "interactive":
            return _interactive(content)
        case "button":
            words = text(content, "text")
            return (
                [Choice(text(content, "payload") or words, words)]
                if words or text(content, "payload")
                else []
            )
        case "order":
            return _order(content)
        case "request_welcome":
            return [Notice("whatsapp_request_welcome")]
        case _:
            return [_unknown(kind, item)]


def _media(kind: str, content: Json) -> Part:
    ref, url = text(content, "id"), text(content, "url")
    source = Source(ref, url) if ref or url else None
    mime, caption = text(content, "mime_type"), text(content, "caption")
    match kind:
        case "image":
            return Image(source=source, mime=mime, caption=caption)
        case "audio":
            return Audio(source=source, mime=mime, voice=content.get("voice") is True)
        case "video":
            return Video(source=source, mime=mime, caption=caption)
        case "sticker":
            return Sticker(source=source, mime=mime)
        case _:
            return File(source=source, mime=mime, caption=caption, name=text(content, "filename"))


def _location(content: Json) -> list[Part]:
    latitude, longitude = number(content, "latitude"), number(content, "longitude")
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return []
    return [Location(latitude, longitude, text(content, "name"), text(content, "address"))]


def _card(row: Json) -> ContactCard:
    full = text(row, "name", "formatted_name")
    if not full:
        full = " ".join(filter(None, [text(row, "name", "first_name"), text(row, "name", "last_name")]))
    return ContactCard(
        name=full or _vcard_name(text(row, "vcard")),
        phones=[
            value for phone in rows(row, "phones") if (value := text(phone, "phone") or text(phone, "wa_id"))
        ],
        emails=[value for email in rows(row, "emails") if (value := text(email, "email"))],
        organisation=text(row, "org", "company"),
    )


def _vcard_name(vcard: str) -> str:
    for line in vcard.splitlines():
        if line.upper().startswith("FN:"):
            return line[3:].strip()
    return ""


def _interactive(content: Json) -> list[Part]:
    kind = text(content, "type")
    reply = obj(content, kind) if kind else {}
    match kind:
        case "button_reply" | "list_reply":
            ident, title = text(reply, "id"), text(reply, "title")
            return [Choice(ident, title, text(reply, "description"))] if ident or title else []
        case "nfm_reply":
            words = text(reply, "body")
            form = Form(_values(text(reply, "response_json")))
            return [Text(words), form] if words and words != "Sent" else [form]
        case _:
            return [Unsupported(f"interactive:{kind}"[:100])]


def _values(written: str) -> dict[str, Any]:
    """Return the answers of a flow, which come as JSON inside JSON."""
    try:
        found = json.loads(written)
    except (ValueError, RecursionError):
        return {"response": written} if written else {}
    return plain(found, DEEPEST) if isinstance(found, dict) else {"response": written}


def _order(content: Json) -> list[Part]:
    items = [
        OrderItem(
            product_id=text(row, "product_retailer_id"),
            quantity=whole(row, "quantity", 1),
            price=_price(row),
            currency=text(row, "currency"),
        )
        for row in rows(content, "product_items")
        if text(row, "product_retailer_id")
    ]
    return [Order(items, text(content, "text"))] if items else []


def _price(row: Any) -> str:
    found = number(row, "item_price")
    return "" if found is None else f"{found:.10g}"


def _unknown(kind: str, item: Json) -> Unsupported:
    error = obj(next(iter(rows(item, "errors")), None))
    what = text(item, "unsupported", "type") or kind or "message"
    why = text(error, "error_data", "details") or text(error, "details") or text(error, "message")
    return Unsupported(what, why or text(error, "title"))
