"""Reading what the product sends to `POST /{phone_number_id}/messages`: checks, and what is shown."""

from collections.abc import Callable
from typing import Any

import msgspec

from switchboard.sandbox.graph import templates
from switchboard.sandbox.graph.errors import GraphError
from switchboard.sandbox.state import Button

Json = dict[str, Any]
MEDIA_KINDS = ("image", "video", "audio", "document", "sticker")


class Draft(msgspec.Struct, kw_only=True):
    """What a message will look like. `media_id` or `link` names its file."""

    kind: str
    text: str = ""
    title: str = ""
    footer: str = ""
    media_id: str = ""
    link: str = ""
    file_name: str = ""
    location: Json | None = None
    cards: list[Json] = []
    buttons: list[Button] = []
    links: list[str] = []
    """Addresses of the pictures on several cards."""
    marketing: bool = False
    target: str = ""
    """The message that a reaction belongs to."""


def _need(part: Json, name: str, where: str) -> Any:
    value = part.get(name)
    if value in (None, "", [], {}):
        raise GraphError(131008, f"{where}.{name} is required")
    return value


def _short(value: Any, limit: int, where: str) -> str:
    if not isinstance(value, str):
        raise GraphError(131009, f"{where} must be a string")
    if len(value) > limit:
        raise GraphError(131009, f"{where} length must be at most {limit}, it is {len(value)}")
    return value


def _part(body: Json, kind: str) -> Json:
    part = body.get(kind)
    if not isinstance(part, dict):
        raise GraphError(131008, f"{kind} is required for type {kind}")
    return part


def _text(body: Json) -> Draft:
    return Draft(kind="text", text=_short(_need(_part(body, "text"), "body", "text"), 4096, "text.body"))


def _media(kind: str) -> Callable[[Json], Draft]:
    def read(body: Json) -> Draft:
        part = _part(body, kind)
        if bool(part.get("id")) == bool(part.get("link")):
            raise GraphError(131009, f"{kind} needs exactly one of id and link")
        caption = part.get("caption", "")
        if caption and kind in {"audio", "sticker"}:
            raise GraphError(100, f'Unexpected key "caption" on param "{kind}"')
        shown = "voice" if kind == "audio" and part.get("voice") else kind
        return Draft(
            kind=shown,
            text=_short(caption, 1024, f"{kind}.caption"),
            media_id=str(part.get("id") or ""),
            link=str(part.get("link") or ""),
            file_name=str(part.get("filename") or ""),
        )

    return read


def _location(body: Json) -> Draft:
    part = _part(body, "location")
    try:
        latitude, longitude = float(part["latitude"]), float(part["longitude"])
    except (KeyError, TypeError, ValueError) as error:
        raise GraphError(131008, "location.latitude and location.longitude are required numbers") from error
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise GraphError(131009, "location is outside the earth")
    place = {"latitude": latitude, "longitude": longitude}
    return Draft(
        kind="location", location={**place, "name": part.get("name", ""), "address": part.get("address", "")}
    )


def _contacts(body: Json) -> Draft:
    cards = body.get("contacts")
    if not isinstance(cards, list) or not cards:
        raise GraphError(131008, "contacts is required for type contacts")
    for card in cards:
        _need(card.get("name") or {}, "formatted_name", "contacts.name")
    return Draft(kind="contact", cards=cards)


def _reaction(body: Json) -> Draft:
    part = _part(body, "reaction")
    return Draft(
        kind="reaction", target=str(_need(part, "message_id", "reaction")), text=str(part.get("emoji") or "")
    )


def _template(body: Json) -> Draft:
    title, text, footer, buttons = templates.fill(_part(body, "template"))
    link = media_id = ""
    for component in body["template"].get("components") or []:
        for value in component.get("parameters") or []:
            file = value.get(value.get("type", "")) if value.get("type") in MEDIA_KINDS else None
            if isinstance(file, dict):
                link, media_id = str(file.get("link") or ""), str(file.get("id") or "")
    return Draft(
        kind="template",
        title=title,
        text=text,
        footer=footer,
        buttons=buttons,
        link=link,
        media_id=media_id,
        marketing=templates.category(body["template"]) == "MARKETING",
    )


def _reply_buttons(action: Json) -> list[Button]:
    buttons = _need(action, "buttons", "interactive.action")
    if len(buttons) > 3:
        raise GraphError(131009, "interactive.action.buttons: at most 3 buttons")
    made = []
    for button in buttons:
        reply = button.get("reply") or {}
        title = _short(_need(reply, "title", "button.reply"), 20, "button.reply.title")
        made.append(
            Button(
                id=_short(_need(reply, "id", "button.reply"), 256, "button.reply.id"),
                title=title,
                kind="reply",
            )
        )
    if len({b.id for b in made}) != len(made) or len({b.title for b in made}) != len(made):
        raise GraphError(131009, "interactive.action.buttons: ids and titles must be unique")
    return made


def _list_rows(action: Json) -> list[Button]:
    _short(_need(action, "button", "interactive.action"), 20, "interactive.action.button")
    sections = _need(action, "sections", "interactive.action")
    if len(sections) > 10:
        raise GraphError(131009, "interactive.action.sections: at most 10 sections")
    rows: list[Button] = []
    for section in sections:
        if len(sections) > 1:
            _short(_need(section, "title", "section"), 24, "section.title")
        rows.extend(_row(row) for row in _need(section, "rows", "section"))
    if len(rows) > 10:
        raise GraphError(131009, "interactive.action.sections: at most 10 rows in all")
    return rows


def _row(row: Json) -> Button:
    return Button(
        id=_short(_need(row, "id", "row"), 200, "row.id"),
        title=_short(_need(row, "title", "row"), 24, "row.title"),
        description=_short(row.get("description", ""), 72, "row.description"),
        kind="row",
    )


def _link_button(action: Json) -> list[Button]:
    parameters = _need(action, "parameters", "interactive.action")
    title = _short(_need(parameters, "display_text", "parameters"), 20, "parameters.display_text")
    return [Button(id="url", title=title, kind="url", url=str(_need(parameters, "url", "parameters")))]


def _products(action: Json) -> list[Json]:
    _need(action, "catalog_id", "interactive.action")
    items = [i for s in action.get("sections") or [] for i in s.get("product_items") or []]
    found = items or [{"product_retailer_id": _need(action, "product_retailer_id", "interactive.action")}]
    if len(found) > 30:
        raise GraphError(131009, "interactive.action.sections: at most 30 products")
    return [{"product": i.get("product_retailer_id", ""), "catalog": action["catalog_id"]} for i in found]


def _flow(action: Json) -> list[Button]:
    parameters = _need(action, "parameters", "interactive.action")
    if not parameters.get("flow_id") and not parameters.get("flow_name"):
        raise GraphError(131008, "parameters.flow_id or parameters.flow_name is required")
    title = _short(_need(parameters, "flow_cta", "parameters"), 30, "parameters.flow_cta")
    return [Button(id=str(parameters.get("flow_token", "unused")), title=title, kind="flow")]


def _ask_location(action: Json) -> list[Button]:
    if action.get("name") != "send_location":
        raise GraphError(131009, "interactive.action.name must be send_location")
    return [Button(id="send_location", title="", kind="location")]


def _cards(part: Json, action: Json) -> Draft:
    """A media carousel: two to ten cards, each with a picture or film by address and buttons of one kind and number."""
    for name in ("header", "footer"):
        if part.get(name):
            raise GraphError(131009, f"interactive.{name} is not supported for type carousel")
    cards = _need(action, "cards", "interactive.action")
    if not 2 <= len(cards) <= 10:
        raise GraphError(131009, "interactive.action.cards: 2 to 10 cards")
    if [card.get("card_index") for card in cards] != list(range(len(cards))):
        raise GraphError(131009, "interactive.action.cards: card_index must count from 0")
    draft = Draft(kind="interactive")
    shapes: set[tuple[str, ...]] = set()
    for card in cards:
        if card.get("type") != "cta_url":
            raise GraphError(131009, "card.type must be cta_url")
        words = _short((card.get("body") or {}).get("text", ""), 160, "card.body.text")
        if words.count("\n") > 2:
            raise GraphError(131009, "card.body.text has more than 2 line breaks")
        header = _need(card, "header", "card")
        kind = header.get("type")
        if kind not in {"image", "video"}:
            raise GraphError(131009, "card.header.type must be image or video")
        draft.links.append(str(_need(_need(header, kind, "card.header"), "link", f"card.header.{kind}")))
        draft.cards.append({"product": words})
        buttons = _card_buttons(_need(card, "action", "card"))
        draft.buttons += buttons
        shapes.add((kind, *(button.kind for button in buttons)))
    if len(shapes) > 1:
        raise GraphError(
            131009, "cards: header types, button types and their number must be the same on all cards"
        )
    answers = [button.id for button in draft.buttons if button.kind == "reply"]
    if len(set(answers)) != len(answers):
        raise GraphError(131009, "cards: ids of buttons must be unique")
    return draft


def _card_buttons(action: Json) -> list[Button]:
    if action.get("name") == "cta_url" and not action.get("buttons"):
        return _link_button(action)
    replies = [button.get("quick_reply") or {} for button in _need(action, "buttons", "card.action")]
    if len(replies) > 3 or any(button.get("type") != "quick_reply" for button in action["buttons"]):
        raise GraphError(131009, "card.action.buttons: at most 3 quick_reply buttons")
    return [
        Button(
            id=_short(_need(reply, "id", "quick_reply"), 256, "quick_reply.id"),
            title=_short(_need(reply, "title", "quick_reply"), 20, "quick_reply.title"),
            kind="reply",
        )
        for reply in replies
    ]


BUTTONS: dict[str, Callable[[Json], list[Button]]] = {
    "button": _reply_buttons,
    "list": _list_rows,
    "cta_url": _link_button,
    "flow": _flow,
    "location_request_message": _ask_location,
}
PRODUCTS = {"product", "product_list", "catalog_message"}


def _interactive(body: Json) -> Draft:
    part = _part(body, "interactive")
    kind = str(_need(part, "type", "interactive"))
    action = _need(part, "action", "interactive")
    if kind not in BUTTONS and kind not in PRODUCTS and kind != "carousel":
        raise GraphError(131009, f"interactive.type {kind} is not known")
    text = (part.get("body") or {}).get("text", "")
    if kind not in {"product", "catalog_message"}:
        _need({"text": text}, "text", "interactive.body")
    if kind == "carousel":
        draft = _cards(part, action)
        draft.text = _short(text, 1024, "interactive.body.text")
        return draft
    header = part.get("header") or {}
    media = header.get(header.get("type", "")) if header.get("type") in MEDIA_KINDS else {}
    return Draft(
        kind="interactive",
        text=_short(text, 4096 if kind == "list" else 1024, "interactive.body.text"),
        title=_short(header.get("text", ""), 60, "interactive.header.text"),
        footer=_short((part.get("footer") or {}).get("text", ""), 60, "interactive.footer.text"),
        buttons=BUTTONS[kind](action) if kind in BUTTONS else [],
        cards=_products(action) if kind in {"product", "product_list"} else [],
        media_id=str((media or {}).get("id") or ""),
        link=str((media or {}).get("link") or ""),
    )


READERS: dict[str, Callable[[Json], Draft]] = {
    "text": _text,
    **{kind: _media(kind) for kind in MEDIA_KINDS},
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "interactive": _interactive,
    "template": _template,
}


def read(body: Json) -> Draft:
    """The message in a request body; GraphError 100, 131008, 131009, 131051 or 132xxx when it is wrong."""
    kind = body.get("type") or ("text" if "text" in body else "")
    reader = READERS.get(str(kind))
    if reader is None:
        raise GraphError(
            131051 if kind else 131008, f"type {kind} is not supported" if kind else "type is required"
        )
    try:
        return reader(body)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # Deep inside something is not the object, list or text that it should be.
        raise GraphError(100, f"{kind}: a part of the message has the wrong type") from error
