"""What a message is made of: one vocabulary for all channels (row CH-normal of the product page).

Every part is a tagged Struct; the tag is the JSON field `type`. Inbound media carries a `source` (the platform's
reference) until the media job has stored it and set `file_id`; outbound media carries `file_id` from the start.
"""

from typing import Any
from uuid import UUID

import msgspec


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a platform keeps a file: its own reference, a direct address, or the bytes of a raw body (e-mail)."""

    ref: str = ""
    url: str = ""


class Text(msgspec.Struct, frozen=True, omit_defaults=True, tag="text"):
    """Words. `quoted` is folded history of a mail; `html` says where its HTML body is, `html_file` where we keep it."""

    text: str
    quoted: str = ""
    html: Source | None = None
    html_file: UUID | None = None


class _Media(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file. Sizes in bytes, lengths in seconds, sides in pixels. `state` is stored, fetching or failed."""

    file_id: UUID | None = None
    source: Source | None = None
    name: str = ""
    mime: str = ""
    size: int = 0
    caption: str = ""
    width: int = 0
    height: int = 0
    duration: float = 0
    state: str = "stored"
    error: str = ""


class Image(_Media, frozen=True, omit_defaults=True, tag="image"):
    """A picture."""


class Audio(_Media, frozen=True, omit_defaults=True, tag="audio"):
    """Sound; `voice` marks a voice note recorded on the spot."""

    voice: bool = False


class Video(_Media, frozen=True, omit_defaults=True, tag="video"):
    """Moving pictures."""


class File(_Media, frozen=True, omit_defaults=True, tag="file"):
    """Any other file. `inline_id` is the Content-ID by which an HTML mail refers to it."""

    inline_id: str = ""


class Sticker(_Media, frozen=True, omit_defaults=True, tag="sticker"):
    """A sticker; `emoji` is what it stands for when the platform says so, `key` the platform's own name of it (LINE:
    package and number, `446:1988`), by which it can be sent without a file where the channel has it.
    """

    emoji: str = ""
    key: str = ""


class Location(msgspec.Struct, frozen=True, omit_defaults=True, tag="location"):
    """A place, WGS 84 degrees."""

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


class ContactCard(msgspec.Struct, frozen=True, omit_defaults=True, tag="contact"):
    """A business card somebody sent."""

    name: str = ""
    phones: list[str] = []
    emails: list[str] = []
    organisation: str = ""


class Button(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing to choose; with `url` it opens an address instead of answering."""

    id: str
    title: str
    description: str = ""
    url: str = ""


class Choices(msgspec.Struct, frozen=True, omit_defaults=True, tag="choices"):
    """A text with things to choose from; `style` is buttons or list, `button` opens the list."""

    text: str
    buttons: list[Button]
    style: str = "buttons"
    button: str = ""


class Card(msgspec.Struct, frozen=True, omit_defaults=True):
    """One card: a picture over a title, a few words and what may be pressed."""

    title: str
    text: str = ""
    image: Image | None = None
    buttons: list[Button] = []


class Cards(msgspec.Struct, frozen=True, omit_defaults=True, tag="cards"):
    """One card, or several to leaf through."""

    cards: list[Card]


class Choice(msgspec.Struct, frozen=True, omit_defaults=True, tag="choice"):
    """What the customer chose: a button pressed or a list row picked."""

    id: str
    title: str = ""
    description: str = ""


class OrderItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of an order; `price` is a decimal number written as text, in `currency` (ISO 4217)."""

    product_id: str
    quantity: int = 1
    price: str = ""
    currency: str = ""
    name: str = ""


class Order(msgspec.Struct, frozen=True, omit_defaults=True, tag="order"):
    """A cart the customer sent."""

    items: list[OrderItem]
    text: str = ""


class Product(msgspec.Struct, frozen=True, omit_defaults=True, tag="product"):
    """One catalogue product shared or asked about."""

    product_id: str
    catalog_id: str = ""
    title: str = ""


class Form(msgspec.Struct, frozen=True, omit_defaults=True, tag="form"):
    """Answers of a form the customer filled in."""

    values: dict[str, Any]


class Template(msgspec.Struct, frozen=True, omit_defaults=True, tag="template"):
    """A message template approved by the platform; `text` is how it reads once filled in."""

    name: str
    language: str
    variables: list[str] = []
    text: str = ""


class Link(msgspec.Struct, frozen=True, omit_defaults=True, tag="link"):
    """A shared page, post or story."""

    url: str
    title: str = ""
    description: str = ""


class Notice(msgspec.Struct, frozen=True, omit_defaults=True, tag="notice"):
    """Something that happened, told in the timeline; `code` is translated by the screen, `text` is the fallback."""

    code: str
    text: str = ""
    data: dict[str, Any] = {}


class Unsupported(msgspec.Struct, frozen=True, omit_defaults=True, tag="unsupported"):
    """Content we can't show: `what` is the platform's own name for it, `detail` says why."""

    what: str
    detail: str = ""


Media = Image | Audio | Video | File | Sticker
Part = (
    Text
    | Image
    | Audio
    | Video
    | File
    | Sticker
    | Location
    | ContactCard
    | Choices
    | Cards
    | Choice
    | Order
    | Product
    | Form
    | Template
    | Link
    | Notice
    | Unsupported
)

MEDIA = (Image, Audio, Video, File, Sticker)


def kind_of(part: Part) -> str:
    """Return the part's `type` as it stands in JSON."""
    return str(part.__struct_config__.tag)


def preview(parts: list[Part], limit: int = 120) -> str:
    """Return one line that stands for the message in lists: its words, else its kind in brackets and its name."""
    for part in parts:
        match part:
            case Text(text=text) | Choices(text=text) if text.strip():
                return " ".join(text.split())[:limit]
            case Choice(title=title, id=choice):
                return (title or choice)[:limit]
            case Cards(cards=[first, *_]):
                return first.title[:limit]
            case Template(text=text, name=name):
                return (text or name)[:limit]
            case Notice(text=text, code=code):
                return (text or code)[:limit]
            case Location(name=name):
                return f"[location] {name}".strip()[:limit]
            case ContactCard(name=name):
                return f"[contact] {name}".strip()[:limit]
            case Image(caption=words) | Video(caption=words) | Audio(caption=words) | Sticker(caption=words):
                return f"[{kind_of(part)}] {words}".strip()[:limit]
            case File(name=name):
                return f"[file] {name}".strip()[:limit]
            case Link(title=title, url=url):
                return (title or url)[:limit]
            case Unsupported(what=what):
                return f"[unsupported] {what}"[:limit]
            case _:
                return f"[{kind_of(part)}]"
    return ""


def words(parts: list[Part]) -> str:
    """Return all that is worth searching in a message: texts, captions, names, titles."""
    found: list[str] = []
    for part in parts:
        match part:
            case Text(text=text):
                found.append(text)
            case Choices(text=text, buttons=buttons):
                found += [text, *(button.title for button in buttons)]
            case Cards(cards=cards):
                found += [words for card in cards for words in (card.title, card.text)]
            case Choice(title=title) | Link(title=title) | Product(title=title):
                found.append(title)
            case Template(text=text) | Notice(text=text):
                found.append(text)
            case Location(name=name, address=address):
                found += [name, address]
            case ContactCard(name=name, organisation=organisation):
                found += [name, organisation]
            case Image() | Audio() | Video() | File() | Sticker():
                found += [part.caption, part.name]
            case Order(items=items, text=text):
                found += [text, *(item.name for item in items)]
            case _:
                pass
    return "\n".join(piece for piece in found if piece)
