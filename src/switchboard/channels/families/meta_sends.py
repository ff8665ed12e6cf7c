"""Messages as Messenger and Instagram want them, and an account's settings as administrators write them."""

from collections.abc import Sequence

from switchboard.channels.api import (
    Button,
    Card,
    Cards,
    Choices,
    Io,
    Outbound,
    Part,
    Product,
    Refused,
    Text,
)
from switchboard.channels.families.meta_inbox import USER_REF
from switchboard.channels.reading import Json

COMMENT = "comment:"
# What a generic template and its buttons hold, in characters.
CARD_TITLE, CARD_TEXT, BUTTON_TITLE, MOST_BUTTONS = 80, 80, 20, 3
LONGEST_PAYLOAD = 1000


def recipient(message: Outbound) -> Json:
    """Return the addressee: a person, a checkbox plugin's visitor, or the writer of a comment or post in private."""
    if message.to.startswith(COMMENT):
        ident = message.to.removeprefix(COMMENT)
        # What visitors post on a page's wall is `<page>_<post>`; a comment begins with the number of its post.
        return {"post_id" if ident.startswith(f"{message.account}_") else "comment_id": ident}
    if message.to.startswith(USER_REF):
        return {"user_ref": message.to.removeprefix(USER_REF)}
    return {"id": message.to}


def frame(message: Outbound, platform: str) -> Json:
    """Return a send without its content; after the window only a person may write, under the tag HUMAN_AGENT.

    The private answer to a comment has a time of its own, which Meta watches.
    """
    body: Json = {"recipient": recipient(message), "messaging_type": "RESPONSE"}
    if not message.late or message.to.startswith(COMMENT):
        return body
    if message.author != "agent":
        raise Refused(f"{platform}'s reply window is over: only a person may still answer.", code="window")
    return {**body, "messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}


def lone(message: Outbound, platform: str) -> Part:
    """Return the only part of a message."""
    if len(message.parts) != 1:
        raise Refused(f"{platform} takes one part a message, not {len(message.parts)}", code="unfit")
    return message.parts[0]


def words_of(part: Part, platform: str) -> Json | None:
    """Return the content of a message that needs no file, None for parts of other kinds."""
    match part:
        case Text():
            return {"text": part.text}
        case Choices():
            return _choices(part, platform)
        case Product():
            return _product(part, platform)
        case _:
            return None


def _product(part: Product, platform: str) -> Json:
    """A product of the page's own catalogue, of which Meta shows picture, name and price."""
    if not part.product_id.isascii() or not part.product_id.isdigit():
        raise Refused(
            f"{platform} wants the content ID that Meta gave the product, which is a number.", code="unfit"
        )
    elements = [{"id": part.product_id}]
    return {"attachment": {"type": "template", "payload": {"template_type": "product", "elements": elements}}}


def _choices(part: Choices, platform: str) -> Json:
    """Quick replies; buttons of a template when one of them opens an address."""
    if not any(button.url for button in part.buttons):
        replies = [
            {"content_type": "text", "title": button.title, "payload": _payload(button)}
            for button in part.buttons
        ]
        return {"text": part.text, "quick_replies": replies}
    if len(part.buttons) > MOST_BUTTONS:
        raise Refused(
            f"{platform} shows at most {MOST_BUTTONS} buttons when one of them opens an address.",
            code="unfit",
        )
    body = {"template_type": "button", "text": part.text, "buttons": _buttons(part.buttons, platform)}
    return {"attachment": {"type": "template", "payload": body}}


def _buttons(buttons: Sequence[Button], platform: str) -> list[Json]:
    if len(buttons) > MOST_BUTTONS:
        raise Refused(f"{platform} shows at most {MOST_BUTTONS} buttons on a card.", code="unfit")
    if any(len(button.title) > BUTTON_TITLE for button in buttons):
        raise Refused(f"{platform} shows at most {BUTTON_TITLE} letters on a button.", code="unfit")
    return [
        {"type": "web_url", "title": button.title, "url": button.url}
        if button.url
        else {"type": "postback", "title": button.title, "payload": _payload(button)}
        for button in buttons
    ]


def _payload(button: Button) -> str:
    return (button.id or button.title)[:LONGEST_PAYLOAD]


async def cards_of(part: Cards, io: Io, platform: str) -> Json:
    """Return cards as a generic template. Their pictures are shown by address: Meta takes no upload there."""
    elements = [await _card(card, io, platform) for card in part.cards]
    return {"attachment": {"type": "template", "payload": {"template_type": "generic", "elements": elements}}}


async def _card(card: Card, io: Io, platform: str) -> Json:
    if len(card.title) > CARD_TITLE or len(card.text) > CARD_TEXT:
        raise Refused(
            f"{platform} shows at most {CARD_TITLE} letters of a card's title and {CARD_TEXT} of its text.",
            code="unfit",
        )
    element: Json = {"title": card.title}
    if card.text:
        element["subtitle"] = card.text
    if card.image is not None and card.image.file_id is not None:
        url = (await io.file(card.image.file_id)).url
        if not url:
            raise Refused(
                "The card's picture has no public address that Meta could load it from.", code="unfit"
            )
        element["image_url"] = url
    if card.buttons:
        element["buttons"] = _buttons(card.buttons, platform)
    return element


# -- settings of an account --------------------------------------------------------------------------------


def entries(written: str) -> list[tuple[str, str]]:
    """Return (title, value) of settings written `Title = value; Title = value`; the title alone is its own value."""
    found = []
    for line in written.replace("\n", ";").replace("；", ";").split(";"):
        title, _, value = line.partition("=")
        if title.strip():
            found.append((title.strip(), value.strip() or title.strip()))
    return found


def gesture(to: str, typing: bool) -> Json:
    """Return the body that shows a person that their message was seen, or that we are typing (for 20 seconds at most)."""
    return {"recipient": {"id": to}, "sender_action": "typing_on" if typing else "mark_seen"}
