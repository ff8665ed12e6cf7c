"""Messages as WeCom's customer service wants them, and the session that has to be in the API's hands for it.

A session is 0 new, 1 with the API ("smart assistant"), 2 in a queue of WeCom's own, 3 with a colleague in WeCom, 4 ended.
Only 0 and 1 take messages from the API, and from 2 and 3 none of them comes back. We never hand a session on.
"""

import hashlib
import re

from switchboard.channels.api import (
    Audio,
    Button,
    Card,
    Cards,
    Choices,
    File,
    Image,
    InDoubt,
    Io,
    Link,
    Location,
    Outbound,
    Part,
    Refused,
    Sent,
    Text,
    Video,
)
from switchboard.channels.families.weixin import text
from switchboard.channels.families.weixin_api import WeixinApi
from switchboard.channels.families.weixin_sends import (
    is_page,
    lone,
    mini_program_card,
    opener,
    uploaded,
)
from switchboard.channels.reading import Json

NAME = "WeCom"
KINDS = {Image: "image", Audio: "voice", Video: "video", File: "file"}
WELCOMES = {"text", "msgmenu"}
WRONG_STATE = {"95014", "95016", "95018"}
WITH_API, NEW, QUEUED, WITH_COLLEAGUE = "1", "0", "2", "3"
LONGEST_CHOICE = 64
TWICE = re.compile(r"msg_?id.*(exist|duplicat|repeat|used)", re.IGNORECASE)
"""How WeCom is expected to say that it has had this message id: its page promises an error and names no code."""


async def send_message(message: Outbound, api: WeixinApi, io: Io, mini_program: str) -> Sent:
    """Send one message: as the welcome while its code is fresh, else in the session, which is fetched back if need be."""
    content = await _content(lone(message, NAME), api, io, mini_program)
    ident = hashlib.sha256(message.idempotency_key.encode()).hexdigest()[:32]
    if message.handle and content["msgtype"] in WELCOMES:
        sent = await _welcome(api, {"code": message.handle, "msgid": ident, **content})
        if sent is not None:
            return sent
    body = {"touser": message.to, "open_kfid": message.account, "msgid": ident, **content}
    try:
        return await _send(api, body)
    except Refused as error:
        if error.code not in WRONG_STATE:
            raise
    await _take_session(api, message.account, message.to)
    return await _send(api, body)


async def _send(api: WeixinApi, body: Json) -> Sent:
    try:
        said = await api.call("POST", "/cgi-bin/kf/send_msg", shown=True, json=body)
    except Refused as error:
        if TWICE.search(str(error)):
            return Sent(str(body["msgid"]))
        raise
    return Sent(text(said, "msgid") or str(body["msgid"]))


async def _welcome(api: WeixinApi, body: Json) -> Sent | None:
    """Return None when the code is over or used: the customer may have written meanwhile, then a plain message will do."""
    try:
        said = await api.call("POST", "/cgi-bin/kf/send_msg_on_event", shown=True, json=body)
    except InDoubt as doubt:
        raise InDoubt(str(doubt), code=doubt.code, repeatable=False) from None
    except Refused:
        return None
    return Sent(text(said, "msgid") or str(body["msgid"]))


async def _take_session(api: WeixinApi, account: str, customer: str) -> None:
    """Put a new session into the API's hands; raises Refused when it waits in WeCom, a colleague has it, or it is over."""
    whose = {"open_kfid": account, "external_userid": customer}
    said = await api.call("POST", "/cgi-bin/kf/service_state/get", json=whose)
    state = text(said, "service_state")
    if state == WITH_COLLEAGUE:
        who = text(said, "servicer_userid") or "A colleague"
        raise Refused(f"{who} has this customer's session in WeCom and answers there.", code="session_taken")
    if state == QUEUED:
        raise Refused(
            "This customer waits in WeCom's own queue, from which only a colleague in WeCom can take them.",
            code="session_queued",
        )
    if state == WITH_API:
        return
    if state != NEW:
        raise Refused("The session has ended: the customer has to write first.", code="session_ended")
    body = {**whose, "service_state": int(WITH_API)}
    await api.call("POST", "/cgi-bin/kf/service_state/trans", json=body)


async def _content(part: Part, api: WeixinApi, io: Io, mini_program: str) -> Json:
    match part:
        case Text():
            return {"msgtype": "text", "text": {"content": part.text}}
        case Image() | Audio() | Video() | File():
            kind = KINDS[type(part)]
            return {"msgtype": kind, kind: {"media_id": await uploaded(api, io, part, kind)}}
        case Location():
            where = {"latitude": part.latitude, "longitude": part.longitude}
            return {"msgtype": "location", "location": {"name": part.name, "address": part.address, **where}}
        case Choices():
            return _menu(part.text, part.buttons)
        case Link():
            title = part.title or part.url
            return _menu(part.description or title, [Button(part.url, title, url=part.url)])
        case Cards(cards=[card]):
            return await _card(card, api, io, mini_program)
        case _:
            raise Refused(f"{NAME} can't carry {type(part).__name__}.", code="unfit")


def _menu(words: str, buttons: list[Button]) -> Json:
    return {"msgtype": "msgmenu", "msgmenu": {"head_content": words, "list": [_row(one) for one in buttons]}}


def _row(button: Button) -> Json:
    if button.url:
        return {"type": "view", "view": {"url": button.url, "content": button.title}}
    if len(button.id.encode()) > LONGEST_CHOICE:
        raise Refused(f"{NAME} takes choices of at most {LONGEST_CHOICE} bytes.", code="unfit")
    return {"type": "click", "click": {"id": button.id, "content": button.title}}


async def _card(card: Card, api: WeixinApi, io: Io, mini_program: str) -> Json:
    """Return a page with its picture, a page of the linked mini-program, or without a picture a menu."""
    button = opener(card)
    if button is not None and is_page(button):
        page = await mini_program_card(api, io, card, button, mini_program, NAME)
        return {"msgtype": "miniprogram", "miniprogram": page}
    if card.image is None and card.buttons:
        return _menu("\n".join(filter(None, [card.title, card.text])), card.buttons)
    if card.image is None or button is None:
        raise Refused(f"{NAME}: a card has a picture and one button that opens an address.", code="unfit")
    link = {"title": card.title, "desc": card.text, "url": button.url}
    link["thumb_media_id"] = await uploaded(api, io, card.image, "image")
    return {"msgtype": "link", "link": link}
