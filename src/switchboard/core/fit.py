"""Makes a message fit a channel: cuts long text, degrades what the platform can't show.

Nothing a person wrote is lost: what can't be shown natively is said in words or by a link, and where neither
is possible the whole message is refused with a sentence, before anything is sent.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID

import msgspec
import regex

from switchboard.core.capability import ChoicesLimit, MediaLimit, Outgoing, TextLimit
from switchboard.core.outcomes import Refused
from switchboard.core.parts import (
    MEDIA,
    Button,
    Card,
    Cards,
    Choice,
    Choices,
    ContactCard,
    File,
    Image,
    Link,
    Location,
    Media,
    Part,
    Product,
    Sticker,
    Template,
    Text,
    kind_of,
)

GRAPHEME = regex.compile(r"\X")
# Where a text may be cut, best first, each with the share of the piece that must be filled to cut there.
BORDERS = (
    (regex.compile(r"\n\s*\n"), 0.5),
    (regex.compile(r"\n"), 0.5),
    (regex.compile(r"[.!?…]+[\"'”’)\]]*\s|[。！？；…]+[”’」』）]*"), 0.5),
    (regex.compile(r"\s"), 0.2),
    (regex.compile(r"[，、,;:：]"), 0.5),
)
NUMBERED = regex.compile(r"\s*(?:#|no\.?|第)?\s*(\d{1,3})\s*(?:[.)\]、）:：]|个|项|号)?\s*", regex.IGNORECASE)


def fit(
    parts: Sequence[Part], outgoing: Outgoing, links: Mapping[UUID, str] | None = None
) -> list[list[Part]]:
    """Return the sends that a message becomes on a channel, in order; a send is a list of parts, usually one.

    `links` are public addresses of stored files, used where the channel can't carry a file itself. Raises
    Refused when a part can be said in no way at all.
    """
    fitted = [piece for part in parts for piece in _fit(part, outgoing, links or {})]
    if outgoing.multipart:
        return [fitted] if fitted else []
    return [[piece] for piece in fitted]


def measure(text: str, unit: str) -> int:
    """Return the length of a text as the platform counts it."""
    if unit == "utf16":
        return len(text.encode("utf-16-le", "surrogatepass")) // 2
    if unit == "bytes":
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text)


def split(text: str, limit: TextLimit) -> list[str]:
    """Return the text in pieces within the limit, cut at paragraphs, lines, sentences, words or graphemes.

    Only white space at the cuts is dropped. A single grapheme longer than the limit (stacked accents) is cut
    between its code points.
    """
    pieces = []
    rest = text.strip()
    while measure(rest, limit.unit) > limit.max:
        end = _cut(rest, limit)
        pieces.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [piece for piece in (*pieces, rest) if piece]


def numbered(choices: Choices) -> str:
    """Return choices as a text with a numbered list; buttons that open an address are named with it, without
    a number.
    """
    answers = answerable(choices.buttons)
    lines = [f"{number}. {_row(button)}" for number, button in enumerate(answers, 1)]
    lines += [f"{button.title}: {button.url}" for button in choices.buttons if button.url]
    return "\n\n".join(filter(None, [choices.text.strip(), "\n".join(lines)]))


def answerable(buttons: Iterable[Button]) -> list[Button]:
    """Return the buttons that answer (those with an address open it instead)."""
    return [button for button in buttons if not button.url]


def chosen(text: str, buttons: Sequence[Button]) -> Button | None:
    """Return the button that a typed answer to a numbered list means: by number (1, 2., ③) or title."""
    answers = answerable(buttons)
    plain = unicodedata.normalize("NFKC", text).strip()
    if found := NUMBERED.fullmatch(plain):
        number = int(found[1])
        return answers[number - 1] if 0 < number <= len(answers) else None
    for button in answers:
        if plain and unicodedata.normalize("NFKC", button.title).strip().casefold() == plain.casefold():
            return button
    return None


def _cut(text: str, limit: TextLimit) -> int:
    """Return where the first piece ends: the best border within the limit, else a grapheme's, else a code
    point's.
    """
    size = longest = 0
    for grapheme in GRAPHEME.finditer(text):
        size += measure(grapheme[0], limit.unit)
        if size > limit.max:
            break
        longest = grapheme.end()
    if not longest:
        return _code_points(text, limit)
    for border, filled in BORDERS:
        # One more character than fits: when it is white space, it falls away at the cut.
        ends = [found.end() for found in border.finditer(text, 0, longest + 1)]
        for end in reversed(ends):
            fits = end <= longest or text[longest:end].isspace()
            if fits and end >= longest * filled and text[:end].strip() and _between_graphemes(text, end):
                return end
    return longest


def _between_graphemes(text: str, end: int) -> bool:
    """Tell whether a cut keeps graphemes whole (a newline may carry a combining mark, CR and LF belong
    together).
    """
    begin = max(0, end - 64)
    return any(found.end() + begin == end for found in GRAPHEME.finditer(text[begin : end + 64]))


def _code_points(text: str, limit: TextLimit) -> int:
    size = 0
    for index, character in enumerate(text):
        size += measure(character, limit.unit)
        if size > limit.max:
            return max(1, index)
    return len(text)


def _texts(text: str, outgoing: Outgoing) -> Iterator[Part]:
    for piece in split(text, outgoing.text):
        yield Text(piece)


def _fit(part: Part, outgoing: Outgoing, links: Mapping[UUID, str]) -> Iterator[Part]:
    match part:
        case Text():
            yield from _text(part, outgoing)
        case Choices():
            yield from _choices(part, outgoing)
        case Template() if outgoing.template:
            yield part
        case Location() if outgoing.location:
            yield part
        case ContactCard() if outgoing.contact:
            yield part
        case Product() if outgoing.product:
            yield part
        case Link() if outgoing.link:
            yield part
        case Cards() if part.cards and len(part.cards) <= outgoing.cards:
            yield part
        case Cards():
            for card in part.cards:
                yield from _card(card, outgoing, links)
        case Sticker() if part.key:
            yield from _sticker(part, outgoing, links)
        case _ if isinstance(part, MEDIA):
            yield from _media(part, outgoing, links)
        case _:
            words = in_words(part)
            if not words:
                raise Refused(
                    f"This channel can't send this kind of content ({kind_of(part)}).", code="unfit"
                )
            yield from _texts(words, outgoing)


def in_words(part: Part) -> str:
    """Return a part as plain text, empty when words can't say it."""
    match part:
        case Location():
            place = [f"{degrees:.6f}".rstrip("0").rstrip(".") for degrees in (part.latitude, part.longitude)]
            return ", ".join(filter(None, [part.name, part.address, *place]))
        case ContactCard():
            return "\n".join(filter(None, [part.name, part.organisation, *part.phones, *part.emails]))
        case Template():
            return part.text
        case Product():
            return part.title or part.product_id
        case Link():
            return "\n".join(filter(None, [part.title, part.description, part.url]))
        case Choice():
            return part.title or part.id
        case _:
            return ""


def _card(card: Card, outgoing: Outgoing, links: Mapping[UUID, str]) -> Iterator[Part]:
    """Say one card that can't be shown: its picture, then its words with what can be pressed."""
    if card.image is not None:
        yield from _media(card.image, outgoing, links)
    words = "\n".join(filter(None, [card.title, card.text]))
    yield from _fit(Choices(words, card.buttons) if card.buttons else Text(words), outgoing, links)


def _text(part: Text, outgoing: Outgoing) -> Iterator[Part]:
    if part.text.strip() and measure(part.text, outgoing.text.unit) <= outgoing.text.max:
        yield part
    else:
        yield from _texts(part.text, outgoing)


def _sticker(part: Sticker, outgoing: Outgoing, links: Mapping[UUID, str]) -> Iterator[Part]:
    """Send a sticker by its name where the channel has it, else its file, else what it stands for."""
    limit = outgoing.sticker
    if limit is not None and limit.lists(part.key):
        yield part
        yield from _texts(part.caption, outgoing)
    elif part.file_id is not None:
        yield from _media(part, outgoing, links)
    elif limit is not None and limit.packs:
        packs = ", ".join(pack.id for pack in limit.packs)
        raise Refused(
            f"This channel can't send the sticker {part.key!r} (key): it sends those of its packages {packs}.",
            code="unknown_sticker",
        )
    else:
        yield from _texts(part.emoji or part.caption or "[sticker]", outgoing)


def _media(part: Media, outgoing: Outgoing, links: Mapping[UUID, str]) -> Iterator[Part]:
    for candidate in _forms(part):
        limit: MediaLimit | None = getattr(outgoing, kind_of(candidate))
        if (
            limit is None
            or not limit.max_bytes
            or candidate.size > limit.max_bytes
            or not _takes(limit, candidate.mime)
        ):
            continue
        if measure(candidate.caption, outgoing.text.unit) <= limit.caption:
            yield candidate
            return
        yield msgspec.structs.replace(candidate, caption="")
        yield from _texts(candidate.caption, outgoing)
        return
    link = links.get(part.file_id, "") if part.file_id else ""
    if not link:
        what = f"{part.name or kind_of(part)}, {part.mime or 'unknown type'}, {part.size} bytes"
        raise Refused(f"This channel can't carry this file ({what}); there is no link to give.", code="unfit")
    yield from _texts("\n".join(filter(None, [part.caption, part.name, link])), outgoing)


def _forms(part: Media) -> Iterator[Media]:
    """Yield what a file may be sent as, best first: itself, a sticker as a picture, anything as a plain file."""
    yield part
    if isinstance(part, Sticker):
        picture = Image(part.file_id, part.source, part.name, part.mime, part.size, part.caption)
        yield msgspec.structs.replace(picture, width=part.width, height=part.height)
    if not isinstance(part, File):
        yield File(part.file_id, part.source, part.name, part.mime, part.size, part.caption)


def _takes(limit: MediaLimit, mime: str) -> bool:
    bare = mime.partition(";")[0].strip().lower()
    family = bare.partition("/")[0] + "/*"
    return not limit.mimes or any(known in {bare, family} for known in map(str.lower, limit.mimes))


def _choices(part: Choices, outgoing: Outgoing) -> Iterator[Part]:
    limit = outgoing.choices
    if limit is None or not part.buttons:
        yield from _texts(numbered(part), outgoing)
        return
    part = _without_addresses(part, limit)
    style = _style(part, limit)
    if not style:
        yield from _texts(numbered(part), outgoing)
        return
    unit = outgoing.text.unit
    *before, last = split(part.text, TextLimit(max=min(limit.text, outgoing.text.max), unit=unit)) or [""]
    yield from (Text(piece) for piece in before)
    yield msgspec.structs.replace(part, text=last, style=style)


def _without_addresses(part: Choices, limit: ChoicesLimit) -> Choices:
    """Say in the text which addresses the buttons would open, where the platform can't show such buttons."""
    addresses = [button for button in part.buttons if button.url]
    if not addresses or (limit.urls and (limit.mixed or len(part.buttons) == 1)):
        return part
    lines = "\n".join(f"{button.title}: {button.url}" for button in addresses)
    text = "\n\n".join(filter(None, [part.text.strip(), lines]))
    return msgspec.structs.replace(part, text=text, buttons=answerable(part.buttons))


def _style(part: Choices, limit: ChoicesLimit) -> str:
    """Return buttons or list, whichever shows these choices in full (the wish first), or nothing."""
    count = len(part.buttons)
    if not count or not part.text.strip():
        return ""
    buttons = count <= limit.buttons and all(
        len(button.title) <= limit.title and not button.description for button in part.buttons
    )
    rows = count <= limit.rows and all(
        len(button.title) <= limit.row_title
        and len(button.description) <= limit.row_description
        and not button.url
        for button in part.buttons
    )
    offered = [style for style, possible in (("buttons", buttons), ("list", rows)) if possible]
    return part.style if part.style in offered else next(iter(offered), "")


def _row(button: Button) -> str:
    return f"{button.title} ({button.description})" if button.description else button.title
