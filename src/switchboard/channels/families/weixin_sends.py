"""Customer service messages (`custom/send`) of Official Accounts and mini-programs, and what WeCom's sends share with them.

The platform gives no id for such a message and takes no key: a send that was not answered can't be settled.
"""

from collections.abc import Sequence
from itertools import count

from switchboard.channels.api import (
    AccountChanged,
    Button,
    Card,
    Content,
    InDoubt,
    Io,
    Media,
    Outbound,
    Part,
    Reauthorise,
    Refused,
    Sent,
)
from switchboard.channels.families.weixin import text
from switchboard.channels.families.weixin_api import WeixinApi
from switchboard.channels.reading import Json

SEND = "/cgi-bin/message/custom/send"
UNAUTHORISED = "48001"
LOW = 0.1
"""The share of a day's calls that is left when an administrator should hear of it."""


def lone(message: Outbound, platform: str) -> Part:
    """Return the one part of a send."""
    if len(message.parts) != 1:
        raise Refused(f"{platform} takes one thing at a time.", code="unfit")
    return message.parts[0]


async def stored(io: Io, part: Media) -> Content:
    """Return the bytes of a part."""
    if part.file_id is None:
        raise Refused("The file to send is gone.", code="file_gone")
    return await io.file(part.file_id)


async def uploaded(api: WeixinApi, io: Io, part: Media, kind: str) -> str:
    """Store a part's file at the platform and return its media id."""
    return await api.upload(kind, await stored(io, part))


async def send_custom(api: WeixinApi, to: str, content: Json) -> Sent:
    """Send one customer service message; `content` is msgtype and what belongs to it."""
    try:
        await api.call("POST", SEND, shown=True, json={"touser": to, **content})
    except InDoubt as doubt:
        raise InDoubt(str(doubt), code=doubt.code, repeatable=False) from None
    return Sent()


async def send_template(api: WeixinApi, path: str, body: Json) -> Sent:
    """Send a message of a template by one of the interfaces for them, whose news may come later by the id."""
    try:
        said = await api.call("POST", path, shown=True, json=body)
    except Reauthorise as error:
        if error.code != UNAUTHORISED:
            raise
        # Each kind of template is a permission of its own: without it the rest of the connection still works.
        raise Refused(str(error), code=error.code) from None
    except InDoubt as doubt:
        raise InDoubt(str(doubt), code=doubt.code, repeatable=False) from None
    return Sent(text(said, "msgid"))


async def quota_news(api: WeixinApi, account: str) -> list[AccountChanged]:
    """Tell when the day's customer service messages are nearly used up; an account that may not ask gets no news."""
    try:
        found = await api.call("POST", "/cgi-bin/openapi/quota/get", json={"cgi_path": SEND})
    except Refused:
        return []
    left, most = _count(text(found, "quota", "remain")), _count(text(found, "quota", "daily_limit"))
    if left >= most * LOW:
        return []
    words = f"Only {left} of today's {most} customer service messages are left."
    return [
        AccountChanged(
            account=account, dedupe_key="check:quota", status="amber", code="quota_low", detail=words
        )
    ]


def _count(digits: str) -> int:
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else 0


async def show_typing(api: WeixinApi, to: str) -> None:
    """Show for 15 seconds that somebody is typing; only where an answer is allowed."""
    await api.call("POST", "/cgi-bin/message/custom/typing", json={"touser": to, "command": "Typing"})


def opener(card: Card) -> Button | None:
    """Return the one button of a card that opens something, None when there are others beside it or it answers."""
    (button,) = card.buttons if len(card.buttons) == 1 else (None,)
    return button if button is not None and button.url else None


def is_page(button: Button) -> bool:
    """Tell whether a button opens a page of a mini-program (`pages/order?id=1`) rather than an address."""
    return "://" not in button.url


async def mini_program_card(
    api: WeixinApi, io: Io, card: Card, button: Button, app_id: str, platform: str
) -> Json:
    """Return a card that opens a page of a mini-program; it needs a picture."""
    if not app_id:
        raise Refused(
            f"{platform}: this connection names no mini-program whose page could open.", code="unfit"
        )
    if card.image is None:
        raise Refused(f"{platform} shows a mini-program's page with a picture only.", code="unfit")
    thumb = await uploaded(api, io, card.image, "image")
    return {"appid": app_id, "title": card.title, "pagepath": button.url, "thumb_media_id": thumb}


def fields_of(variables: Sequence[str]) -> tuple[dict[str, Json], dict[str, str]]:
    """Return a template's data, and what opens on a touch (`url`, `page`).

    A variable says which field it fills: `thing1=Blue shirt`. Those that don't fill keyword1, keyword2 … in turn.
    """
    data: dict[str, Json] = {}
    opens: dict[str, str] = {}
    keywords = count(1)
    for variable in variables:
        name, found, value = variable.partition("=")
        if not (found and name.isascii() and name.replace("_", "").isalnum()):
            name, value = f"keyword{next(keywords)}", variable
        if name in ("url", "page"):
            opens[name] = value
        else:
            data[name] = {"value": value}
    return data, opens
