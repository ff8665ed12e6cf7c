"""What can be pressed: buttons and lists, products, one card, several cards side by side (a media carousel)."""

from collections.abc import Sequence
from typing import Any

from switchboard.channels.api import Button, Card, Cards, Choices, Content, Io, Product, Refused
from switchboard.channels.reading import Json
from switchboard.channels.whatsapp.graph import Graph

# What the button that opens a list says when nobody chose a word: three lines, understood in every language.
LIST_BUTTON = "\N{TRIGRAM FOR HEAVEN}"
MOST_BUTTONS, BUTTON_TITLE = 3, 20
LONGEST_BODY = 1024
# Of one card among several, in characters and line breaks.
CARD_BODY, CARD_BREAKS = 160, 2
PICTURES = {"image/jpeg", "image/png"}


def choices_of(part: Choices) -> Json:
    """Return buttons, a list, or a single button that opens an address."""
    body = {"text": part.text}
    addresses = [button for button in part.buttons if button.url]
    if addresses:
        if len(part.buttons) != 1:
            raise _unfit("WhatsApp shows a button with an address only alone")
        parameters = {"display_text": addresses[0].title, "url": addresses[0].url}
        return {"type": "cta_url", "body": body, "action": {"name": "cta_url", "parameters": parameters}}
    if part.style == "list":
        listed = [_row(button) for button in part.buttons]
        action = {"button": part.button or LIST_BUTTON, "sections": [{"rows": listed}]}
        return {"type": "list", "body": body, "action": action}
    buttons = [
        {"type": "reply", "reply": {"id": button.id, "title": button.title}} for button in part.buttons
    ]
    return {"type": "button", "body": body, "action": {"buttons": buttons}}


def _row(button: Button) -> Json:
    return without_gaps(id=button.id, title=button.title, description=button.description)


def product_of(part: Product) -> Json:
    """Return a product of a catalogue; its title stands above it."""
    if not part.catalog_id:
        raise _unfit("a product needs the id of its catalogue")
    body: Json = {
        "type": "product",
        "action": {"catalog_id": part.catalog_id, "product_retailer_id": part.product_id},
    }
    if part.title:
        body["body"] = {"text": part.title}
    return body


def without_gaps(**values: Any) -> Json:
    """Return the values that aren't empty."""
    return {name: value for name, value in values.items() if value != ""}


# -- cards -------------------------------------------------------------------------------------------------


async def cards_of(part: Cards, account: str, graph: Graph, io: Io) -> tuple[str, Json]:
    """Return the type and content of one card (a message with a picture on top) or of several."""
    if len(part.cards) == 1:
        return await _alone(part.cards[0], account, graph, io)
    return "interactive", await _carousel(part.cards, io)


async def _alone(card: Card, account: str, graph: Graph, io: Io) -> tuple[str, Json]:
    words = _words(card)
    if len(words) > LONGEST_BODY:
        raise _unfit(f"WhatsApp shows at most {LONGEST_BODY} letters on a card.")
    if len(card.buttons) > MOST_BUTTONS:
        raise _unfit(f"WhatsApp shows at most {MOST_BUTTONS} buttons on a card.")
    _check_titles(card.buttons)
    named = [Button(button.id or button.title, button.title, url=button.url) for button in card.buttons]
    body = choices_of(Choices(words, named)) if named else {}
    image = await _picture(card, io)
    media = {"id": await graph.upload(account, image, _mime(image))} if image else {}
    if body and media:
        return "interactive", {**body, "header": {"type": "image", "image": media}}
    if body:
        return "interactive", body
    return ("image", {**media, "caption": words}) if media else ("text", {"body": words})


async def _carousel(cards: Sequence[Card], io: Io) -> Json:
    """Return two to ten cards under a line of words: each has a picture by address, all have buttons of one kind and number."""
    kinds = {tuple(bool(button.url) for button in card.buttons) for card in cards}
    urls = next(iter(kinds))
    if len(kinds) > 1 or not urls or (any(urls) and len(urls) > 1) or len(urls) > MOST_BUTTONS:
        raise _unfit(
            "WhatsApp shows several cards only when all have the same number of buttons: up to three that answer, or one that "
            "opens an address."
        )
    idents = [_ident(button) for card in cards for button in card.buttons if not button.url]
    if len(set(idents)) != len(idents):
        raise _unfit("Buttons of several cards need different ids, or nobody knows which card was meant.")
    shown = [await _card(index, card, io) for index, card in enumerate(cards)]
    body = " · ".join(card.title for card in cards)[:LONGEST_BODY]
    return {"type": "carousel", "body": {"text": body}, "action": {"cards": shown}}


async def _card(index: int, card: Card, io: Io) -> Json:
    words = _words(card)
    if len(words) > CARD_BODY or words.count("\n") > CARD_BREAKS:
        raise _unfit(
            f"WhatsApp shows at most {CARD_BODY} letters in {CARD_BREAKS + 1} lines on one of several cards."
        )
    _check_titles(card.buttons)
    image = await _picture(card, io)
    if image is None:
        raise _unfit("WhatsApp wants a picture on each of several cards.")
    if not image.url:
        raise _unfit("The card's picture has no public address that WhatsApp could load it from.")
    # The type is the same for both kinds of buttons.
    return {
        "card_index": index,
        "type": "cta_url",
        "header": {"type": "image", "image": {"link": image.url}},
        "body": {"text": words},
        "action": _action(card.buttons),
    }


def _action(buttons: Sequence[Button]) -> Json:
    if buttons[0].url:
        parameters = {"display_text": buttons[0].title, "url": buttons[0].url}
        return {"name": "cta_url", "parameters": parameters}
    replies = [{"id": _ident(button), "title": button.title} for button in buttons]
    return {"buttons": [{"type": "quick_reply", "quick_reply": reply} for reply in replies]}


async def _picture(card: Card, io: Io) -> Content | None:
    if card.image is None or card.image.file_id is None:
        return None
    image = await io.file(card.image.file_id)
    if _mime(image) not in PICTURES:
        raise _unfit("WhatsApp shows JPEG and PNG pictures on cards.")
    return image


def _mime(image: Content) -> str:
    return image.mime.partition(";")[0].strip().lower()


def _words(card: Card) -> str:
    """Return a card's title, bold, above its text."""
    title = card.title if "*" in card.title else f"*{card.title}*"
    return "\n".join(filter(None, [title, card.text]))


def _ident(button: Button) -> str:
    return button.id or button.title


def _check_titles(buttons: Sequence[Button]) -> None:
    if any(not 0 < len(button.title) <= BUTTON_TITLE for button in buttons):
        raise _unfit(f"WhatsApp shows at most {BUTTON_TITLE} letters on a button.")


def _unfit(words: str) -> Refused:
    return Refused(words, code="unfit")
