"""What a send says, checked against the limits of Messenger and Instagram, as the phone shows it."""

from typing import Any

import msgspec

from switchboard.sandbox.inbox import goods, utility
from switchboard.sandbox.inbox.errors import InboxError
from switchboard.sandbox.state import Button, PlatformAccount

Json = dict[str, Any]
MOST_QUICK, MOST_BUTTONS, MOST_CARDS = 13, 3, 10
FILES = {"image", "audio", "video", "file"}


class Draft(msgspec.Struct, kw_only=True):
    """One message. `actions` belong to the buttons of the same place."""

    kind: str
    text: str = ""
    title: str = ""
    cards: list[Json] = []
    buttons: list[Button] = []
    actions: list[Json] = []
    attachment_id: str = ""
    link: str = ""
    told: Json = {}
    """The message as its echo tells it, where that is not what was sent."""


def wrong(words: str) -> InboxError:
    """An invalid parameter."""
    return InboxError(100, words)


def read(message: Any, account: PlatformAccount, *, has_file: bool = False) -> Draft:
    """The message of a send; InboxError 100 when it breaks a limit, or something in it is of another type."""
    try:
        return _read(message, account, has_file=has_file)
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise wrong("A part of param message has the wrong type") from error


def _read(message: Any, account: PlatformAccount, *, has_file: bool) -> Draft:
    if not isinstance(message, dict) or not message:
        raise wrong("param message must be non-empty.")
    if len(str(message.get("metadata") or "")) > 1000:
        raise wrong("Length of param message[metadata] must be less than or equal to 1000")
    if message.get("template") is not None:
        return _utility(account, message)
    attachment, words = message.get("attachment"), message.get("text")
    if attachment is not None and words is not None:
        raise wrong("Must send only one of text and attachment")
    draft = Draft(kind="text", text=str(words or ""))
    if attachment is None:
        if not draft.text:
            raise wrong("Empty text")
        _check_length(draft.text, account.platform)
    elif not isinstance(attachment, dict):
        raise wrong("param message[attachment] must be an object")
    else:
        _attachment(draft, attachment, account, has_file=has_file)
    if message.get("quick_replies") is not None:
        _quick(draft, message["quick_replies"])
    return draft


def _utility(account: PlatformAccount, message: Json) -> Draft:
    """An approved template, told as text where it is nothing else, otherwise as a card."""
    if set(message) - {"template", "metadata"}:
        raise wrong("Must send only one of text, attachment and template")
    title, text, buttons = utility.filled(account, message["template"])
    draft = Draft(kind="template", text=text, title=title)
    for button in buttons:
        _add(draft, button, str(button["title"]), url=str(button.get("url") or ""))
    element = {"title": title or text, "subtitle": text, "buttons": buttons}
    payload = {"template_type": "generic", "elements": [element]}
    card = {"attachments": [{"type": "template", "payload": payload}]}
    draft.told = card if title or buttons else {"text": text}
    return draft


def _check_length(text: str, platform: str) -> None:
    if platform == "messenger" and len(text) > 2000:
        raise wrong("Length of param message[text] must be less than or equal to 2000")
    if platform == "instagram" and len(text.encode()) > 1000:
        raise wrong("Message text is too long: at most 1000 bytes")


def _attachment(draft: Draft, attachment: Json, account: PlatformAccount, *, has_file: bool) -> None:
    draft.kind = str(attachment.get("type") or "")
    payload = attachment.get("payload")
    payload = payload if isinstance(payload, dict) else {}
    if draft.kind == "template":
        if payload.get("template_type") == "product":
            _products(draft, account, payload)
        else:
            _template(draft, payload)
        return
    if draft.kind not in FILES:
        raise wrong("Param message[attachment][type] must be one of AUDIO, FILE, IMAGE, TEMPLATE, VIDEO")
    draft.attachment_id, draft.link = str(payload.get("attachment_id") or ""), str(payload.get("url") or "")
    if not (draft.attachment_id or draft.link or has_file):
        raise wrong("No attachment data was provided")


def _products(draft: Draft, account: PlatformAccount, payload: Json) -> None:
    """Products of the page's catalogue: Meta adds picture, name and price."""
    shown = goods.shown(account, payload.get("elements"))
    draft.cards = [{"product": f"{one['title']} · {one['subtitle']}"} for one in shown]
    draft.title = str(shown[0]["title"])
    draft.told = {"attachments": [{"type": "template", "payload": {"product": {"elements": shown}}}]}


def _template(draft: Draft, payload: Json) -> None:
    kind = payload.get("template_type")
    if kind == "generic":
        elements = payload.get("elements")
        if not isinstance(elements, list) or not 1 <= len(elements) <= MOST_CARDS:
            raise wrong(f"The parameter elements must have 1 to {MOST_CARDS} elements")
        for element in elements:
            _card(draft, element)
    elif kind == "button":
        draft.text = str(payload.get("text") or "")
        if not 1 <= len(draft.text) <= 640:
            raise wrong("Length of param text must be between 1 and 640")
        _buttons(draft, payload.get("buttons"), needed=True)
    elif kind == "media":
        element = (payload.get("elements") or [{}])[0]
        draft.attachment_id, draft.link = (
            str(element.get("attachment_id") or ""),
            str(element.get("url") or ""),
        )
        _buttons(draft, element.get("buttons"))
    elif kind in {"receipt", "coupon", "customer_feedback"}:
        draft.title = str(payload.get("title") or payload.get("recipient_name") or kind)
    else:
        raise wrong("param template_type is not supported")


def _card(draft: Draft, element: Any) -> None:
    if not isinstance(element, dict) or not element.get("title"):
        raise wrong("The parameter title is required")
    for name in ("title", "subtitle"):
        if len(str(element.get(name) or "")) > 80:
            raise wrong(f"Length of param {name} must be less than or equal to 80")
    words = " · ".join(str(element[name]) for name in ("title", "subtitle") if element.get(name))
    draft.cards.append({"product": words})
    draft.title = draft.title or str(element["title"])
    _buttons(draft, element.get("buttons"))


def _buttons(draft: Draft, buttons: Any, *, needed: bool = False) -> None:
    if buttons is None and not needed:
        return
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= MOST_BUTTONS:
        raise wrong(f"The parameter buttons must have 1 to {MOST_BUTTONS} elements")
    for button in buttons:
        kind = button.get("type") if isinstance(button, dict) else None
        if kind not in {"postback", "web_url", "phone_number", "account_link", "account_unlink"}:
            raise wrong("Param buttons[type] is not supported")
        title = str(button.get("title") or "")
        if not title or len(title) > 20:
            raise wrong("Length of param title must be between 1 and 20")
        if kind == "postback" and not 1 <= len(str(button.get("payload") or "")) <= 1000:
            raise wrong("Length of param payload must be between 1 and 1000")
        _add(draft, button, title, url=str(button.get("url") or "") if kind == "web_url" else "")


def _quick(draft: Draft, replies: Any) -> None:
    if not isinstance(replies, list) or not 1 <= len(replies) <= MOST_QUICK:
        raise wrong(f"The parameter quick_replies must have 1 to {MOST_QUICK} elements")
    for reply in replies:
        kind = reply.get("content_type") if isinstance(reply, dict) else None
        if kind not in {"text", "user_phone_number", "user_email"}:
            raise wrong("Param quick_replies[content_type] is not supported")
        title = str(reply.get("title") or "")
        if kind == "text" and (not title or len(title) > 20):
            raise wrong("Length of param title must be between 1 and 20")
        if len(str(reply.get("payload") or "")) > 1000:
            raise wrong("Length of param payload must be less than or equal to 1000")
        _add(draft, {"type": "quick", **reply}, title or str(kind))


def _add(draft: Draft, action: Json, title: str, url: str = "") -> None:
    number = str(len(draft.actions))
    draft.buttons.append(Button(id=number, title=title, kind="url" if url else "callback", url=url))
    draft.actions.append(action)
