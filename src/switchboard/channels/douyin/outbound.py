"""Messages as Douyin wants them: answers in private, posts in fan groups, comments under videos."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from switchboard.channels.api import (
    Image,
    InDoubt,
    Io,
    Outbound,
    Part,
    Reauthorise,
    Refused,
    Retry,
    Sent,
    Template,
    Text,
)
from switchboard.channels.douyin.openapi import PERMISSION, OpenApi
from switchboard.channels.reading import Json, text

T = TypeVar("T")

# Cards of Douyin's own by the name of a template, with its number and what the variables are, in their order.
CARDS: Mapping[str, tuple[int, tuple[str, ...]]] = {
    "video": (3, ("item_id",)),
    "retain_consult_card": (8, ("card_id",)),
    "group_invitation": (9, ("group_id", "group_token")),
    "applet_card": (10, ("card_template_id", "app_id", "path", "query")),
    "applet_coupon": (11, ("activity_id", "coupon_meta_id")),
}
ASKS = "auth_private_message_card"
WHOLE_NUMBERS = ("activity_id", "coupon_meta_id")


async def send(message: Outbound, api: OpenApi, io: Io) -> Sent:
    """Send one message: under a video, to a group, or as the answer that a customer's message allows."""
    if len(message.parts) != 1:
        raise Refused("Douyin takes one thing at a time.", code="unfit")
    part = message.parts[0]
    if message.slot.startswith("post:"):
        return await _comment(message, part, api)
    if message.slot.startswith("group:"):
        body: Json = {"group_id": message.to}
        return await _post("/im/send/msg/group/", message, part, body, api, io)
    conversation, _, ident = message.handle.partition(" ")
    if not ident:
        raise Refused(
            "Douyin takes an answer within 24 hours of the customer's last message only.", code="no_window"
        )
    body = {"msg_id": ident, "conversation_id": conversation, "to_user_id": message.to}
    return await _post("/im/send/msg/", message, part, body, api, io)


async def _post(path: str, message: Outbound, part: Part, body: Json, api: OpenApi, io: Io) -> Sent:
    content = await _content(part, api, io)

    async def use(token: str) -> Json:
        request: dict[str, Any] = {
            "params": {"open_id": message.account},
            "json": {**body, "content": content},
        }
        return await api.call("POST", path, token, message=True, **request)

    said = await api.as_account(message.account, use)
    return Sent(text(said, "msg_id") or text(said, "data", "msg_id"))


async def _content(part: Part, api: OpenApi, io: Io) -> Json:
    match part:
        case Text():
            return {"msg_type": 1, "text": {"text": part.text}}
        case Image():
            return {"msg_type": 2, "image": {"media_id": await _upload(part, api, io)}}
        case Template(name=name) if name in CARDS:
            number, names = CARDS[name]
            return {"msg_type": number, name: _filled(names, part.variables)}
        case Template(name=name, variables=[app, open_id, client_key]) if name == ASKS:
            person = {"app_info": {"app_id": app}, "to_user_info": {"open_id": open_id, "app_id": client_key}}
            return {"msg_type": 12, name: person}
        case Template(name=name):
            known = ", ".join([*CARDS, ASKS])
            raise Refused(f"Douyin has no such card: {name[:80]}. It has {known}.", code="unfit")
        case _:
            raise Refused(f"Douyin can't carry {type(part).__name__}.", code="unfit")


def _filled(names: tuple[str, ...], variables: list[str]) -> Json:
    given = dict(zip(names, variables, strict=False))
    if not given.get(names[0]):
        raise Refused(f"This card of Douyin's needs: {', '.join(names)}.", code="unfit")
    return {
        name: int(value) if name in WHOLE_NUMBERS and value.isdigit() and len(value) < 19 else value
        for name, value in given.items()
        if value
    }


async def _upload(part: Image, api: OpenApi, io: Io) -> str:
    """Hand a picture to Douyin and return its id. Nobody is told of it: in doubt, try again."""
    if part.file_id is None:
        raise Refused("The file to send is gone.", code="file_gone")
    content = await io.file(part.file_id)
    files = {"image": (content.name or "image", content.data, content.mime)}

    async def use(token: str) -> Json:
        return await api.call("POST", "/tool/imagex/client_upload/", token, files=files, timeout=120)

    try:
        said = await api.as_app(use)
    except InDoubt as error:
        raise Retry(f"the upload was not answered: {error}") from None
    ident = (
        text(said, "image_id") or text(said, "data", "image_id") or text(said, "data", "image", "image_id")
    )
    if not ident:
        raise Retry("the upload was answered without an id")
    return ident


async def _comment(message: Outbound, part: Part, api: OpenApi) -> Sent:
    if not isinstance(part, Text):
        raise Refused("Douyin takes words only in comments.", code="unfit")
    body = {"item_id": message.to, "content": part.text}
    if message.reply_to:
        body["comment_id"] = message.reply_to

    async def use(token: str) -> Json:
        params = {"open_id": message.account}
        return await api.call("POST", "/item/comment/reply/", token, message=True, params=params, json=body)

    said = await optional(lambda: api.as_account(message.account, use))
    return Sent(text(said, "data", "comment_id") or text(said, "comment_id"))


async def optional(attempt: Callable[[], Awaitable[T]]) -> T:
    """Do what needs a permission of its own: without it this one thing is refused, and the connection is well."""
    try:
        return await attempt()
    except Reauthorise as error:
        if error.code not in map(str, PERMISSION):
            raise
        raise Refused(str(error), code=error.code) from None
