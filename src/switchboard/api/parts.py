"""What people and programs may send: a smaller vocabulary than what arrives, checked before anything is
written.
"""

from collections.abc import Callable, Sequence
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from switchboard.blobs import StoredFile
from switchboard.blobs import reads as files
from switchboard.core import parts as p
from switchboard.core.errors import Invalid
from switchboard.db.pool import Tx

Words = Annotated[str, Meta(min_length=1, max_length=20_000)]
Short = Annotated[str, Meta(max_length=1000)]


class _Out(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """One part of an outgoing message."""


class OutText(_Out, frozen=True, tag="text"):
    """Words."""

    text: Words


class _OutFile(_Out, frozen=True):
    """A file uploaded before."""

    file_id: UUID
    caption: Short = ""


class OutImage(_OutFile, frozen=True, tag="image"):
    """A picture."""


class OutAudio(_OutFile, frozen=True, tag="audio"):
    """Sound."""


class OutVideo(_OutFile, frozen=True, tag="video"):
    """Moving pictures."""


class OutFile(_OutFile, frozen=True, tag="file"):
    """Any file."""


class OutLocation(_Out, frozen=True, tag="location"):
    """A place, WGS 84 degrees."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    name: Short = ""
    address: Short = ""


class OutButton(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing to choose."""

    id: Annotated[str, Meta(min_length=1, max_length=200)]
    title: Annotated[str, Meta(min_length=1, max_length=200)]
    description: Short = ""
    url: Short = ""


class OutChoices(_Out, frozen=True, tag="choices"):
    """A text with things to choose from; `style` is buttons or list."""

    text: Words
    buttons: Annotated[list[OutButton], Meta(min_length=1, max_length=50)]
    style: Annotated[str, Meta(pattern="^(buttons|list)$")] = "buttons"
    button: Short = ""


class OutCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A picture over a title, a few words and what may be pressed."""

    title: Annotated[str, Meta(min_length=1, max_length=200)]
    text: Short = ""
    image: UUID | None = None
    buttons: Annotated[list[OutButton], Meta(max_length=10)] = []


class OutCards(_Out, frozen=True, tag="cards"):
    """One card, or several to leaf through; where a channel has none, they are said one after the other."""

    cards: Annotated[list[OutCard], Meta(min_length=1, max_length=12)]


class OutLink(_Out, frozen=True, tag="link"):
    """A page, as a card where the channel has such."""

    url: Annotated[str, Meta(pattern="^https?://[^\\s]+$", max_length=2000)]
    title: Short = ""
    description: Short = ""


class OutContact(_Out, frozen=True, tag="contact"):
    """A business card."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    phones: Annotated[list[Annotated[str, Meta(max_length=40)]], Meta(max_length=10)] = []
    emails: Annotated[list[Annotated[str, Meta(max_length=254)]], Meta(max_length=10)] = []
    organisation: Annotated[str, Meta(max_length=200)] = ""


class OutProduct(_Out, frozen=True, tag="product"):
    """A product of the catalogue that is connected at the platform; its title is said where a channel has none."""

    product_id: Annotated[str, Meta(min_length=1, max_length=200)]
    catalog_id: Annotated[str, Meta(max_length=200)] = ""
    title: Annotated[str, Meta(max_length=200)] = ""


class OutSticker(_Out, frozen=True, tag="sticker"):
    """A sticker by the platform's own name: LINE's package and number, `446:1988`.

    A platform sends only those that the kind's capabilities list. Where a channel has none, `emoji` is said instead.
    """

    key: Annotated[str, Meta(min_length=1, max_length=200)]
    emoji: Annotated[str, Meta(max_length=40)] = ""


class OutTemplate(_Out, frozen=True, tag="template"):
    """A template that the platform approved."""

    name: Annotated[str, Meta(min_length=1, max_length=600)]
    language: Annotated[str, Meta(min_length=2, max_length=20)]
    variables: Annotated[list[Short], Meta(max_length=50)] = []
    text: Annotated[
        str, Meta(max_length=4000, description="How it reads once filled in; shown in the timeline.")
    ] = ""


OutPart = (
    OutText
    | OutImage
    | OutAudio
    | OutVideo
    | OutFile
    | OutLocation
    | OutChoices
    | OutCards
    | OutLink
    | OutContact
    | OutProduct
    | OutSticker
    | OutTemplate
)
OutParts = Annotated[list[OutPart], Meta(min_length=1, max_length=20)]
_KINDS: dict[type, type[p.Image | p.Audio | p.Video | p.File]] = {
    OutImage: p.Image,
    OutAudio: p.Audio,
    OutVideo: p.Video,
    OutFile: p.File,
}
_FAMILIES = {OutImage: "image/", OutAudio: "audio/", OutVideo: "video/"}


async def written(tx: Tx, workspace: UUID, parts: list[OutPart]) -> list[p.Part]:
    """Turn what was sent into parts of a message; raises Invalid for files that don't exist or are something
    else.
    """
    ids = [one.file_id for one in parts if isinstance(one, _OutFile)]
    ids += [card.image for one in parts if isinstance(one, OutCards) for card in one.cards if card.image]
    found = await files.find(tx, workspace, ids) if ids else {}
    return [_part(one, nr, found) for nr, one in enumerate(parts)]


def _part(one: OutPart, nr: int, found: dict[UUID, StoredFile]) -> p.Part:
    if isinstance(one, OutText):
        if not one.text.strip():
            raise Invalid("There is nothing to send.", field=f"parts[{nr}].text")
        return p.Text(one.text)
    if isinstance(one, OutLocation):
        return p.Location(one.latitude, one.longitude, one.name, one.address)
    if isinstance(one, OutChoices):
        return p.Choices(one.text, _buttons(one.buttons), one.style, one.button)
    if isinstance(one, OutCards):
        return p.Cards(
            [_card(card, f"parts[{nr}].cards[{at}].image", found) for at, card in enumerate(one.cards)]
        )
    if isinstance(one, OutLink | OutContact | OutProduct | OutSticker):
        return _same(one)
    if isinstance(one, OutTemplate):
        return p.Template(one.name, one.language, one.variables, one.text)
    file = _file(one.file_id, f"parts[{nr}].file_id", found)
    family = _FAMILIES.get(type(one), "")
    if not file.mime.startswith(family):
        raise Invalid(f"This file is {file.mime}; send it as a file.", field=f"parts[{nr}].type")
    return _media(_KINDS[type(one)], file, one.caption)


def _same(one: OutLink | OutContact | OutProduct | OutSticker) -> p.Part:
    """Parts that are called alike on both sides."""
    match one:
        case OutLink():
            return p.Link(one.url, one.title, one.description)
        case OutContact():
            return p.ContactCard(one.name, one.phones, one.emails, one.organisation)
        case OutProduct():
            return p.Product(one.product_id, one.catalog_id, one.title)
        case OutSticker():
            return p.Sticker(emoji=one.emoji, key=one.key)


def _file(file_id: UUID, field: str, found: dict[UUID, StoredFile]) -> StoredFile:
    file = found.get(file_id)
    if file is None:
        raise Invalid("There is no such file; upload it first.", field=field)
    return file


def _media(
    kind: type[p.Image | p.Audio | p.Video | p.File], file: StoredFile, caption: str = ""
) -> p.Image | p.Audio | p.Video | p.File:
    return kind(
        file_id=file.id,
        name=file.name,
        mime=file.mime,
        size=file.size,
        caption=caption,
        width=file.width or 0,
        height=file.height or 0,
        duration=file.duration or 0,
    )


def _buttons(given: Sequence[OutButton]) -> list[p.Button]:
    return [p.Button(one.id, one.title, one.description, one.url) for one in given]


def _card(given: OutCard, field: str, found: dict[UUID, StoredFile]) -> p.Card:
    image = None
    if given.image is not None:
        file = _file(given.image, field, found)
        if not file.mime.startswith("image/"):
            raise Invalid(f"This file is {file.mime}, not a picture.", field=field)
        image = p.Image(file_id=file.id, name=file.name, mime=file.mime, size=file.size)
    return p.Card(given.title, given.text, image, _buttons(given.buttons))


def public_links(parts: Sequence[p.Part], address: Callable[[UUID, str], str]) -> dict[UUID, str]:
    """Return whole addresses of the files in parts, for channels that can only be given a link."""
    pictures = [
        card.image for part in parts if isinstance(part, p.Cards) for card in part.cards if card.image
    ]
    return {
        part.file_id: address(part.file_id, part.name)
        for part in (*parts, *pictures)
        if isinstance(part, p.MEDIA) and part.file_id is not None
    }
