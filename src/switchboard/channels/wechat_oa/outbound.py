"""Messages as the customer service and template interfaces want them."""

from switchboard.channels.api import (
    Audio,
    Card,
    Cards,
    Choices,
    Image,
    Io,
    Link,
    Outbound,
    Part,
    Refused,
    Sent,
    Template,
    Text,
    Video,
)
from switchboard.channels.families.weixin_api import WeixinApi
from switchboard.channels.families.weixin_sends import (
    UNAUTHORISED,
    fields_of,
    is_page,
    lone,
    mini_program_card,
    opener,
    send_custom,
    send_template,
    uploaded,
)
from switchboard.channels.reading import Json

NAME = "WeChat"
UNKNOWN_TEMPLATE = "40037"


async def send_message(message: Outbound, api: WeixinApi, io: Io, mini_program: str) -> Sent:
    """Send one message; files are stored at WeChat first, which nobody notices."""
    part = lone(message, NAME)
    if isinstance(part, Template):
        return await _template(message.to, part, api, mini_program)
    return await send_custom(api, message.to, await _content(part, api, io, mini_program))


async def _content(part: Part, api: WeixinApi, io: Io, mini_program: str) -> Json:
    match part:
        case Text():
            return {"msgtype": "text", "text": {"content": part.text}}
        case Image():
            return {"msgtype": "image", "image": {"media_id": await uploaded(api, io, part, "image")}}
        case Audio():
            return {"msgtype": "voice", "voice": {"media_id": await uploaded(api, io, part, "voice")}}
        case Video():
            media = await uploaded(api, io, part, "video")
            return {"msgtype": "video", "video": {"media_id": media, "title": part.name}}
        case Choices():
            rows = [{"id": one.id, "content": one.title} for one in part.buttons]
            return {
                "msgtype": "msgmenu",
                "msgmenu": {"head_content": part.text, "list": rows, "tail_content": ""},
            }
        case Link():
            return _news(part.title or part.url, part.description, part.url, "")
        case Cards(cards=[card]):
            return await _card(card, api, io, mini_program)
        case _:
            raise Refused(f"{NAME} can't carry {type(part).__name__}.", code="unfit")


def _news(title: str, words: str, url: str, picture: str) -> Json:
    article = {"title": title, "description": words, "url": url, "picurl": picture}
    return {"msgtype": "news", "news": {"articles": [article]}}


async def _card(card: Card, api: WeixinApi, io: Io, mini_program: str) -> Json:
    """Return an article with its picture, or a page of the linked mini-program."""
    button = opener(card)
    if button is None:
        raise Refused(f"{NAME}: a card has one button, and it opens an address.", code="unfit")
    if is_page(button):
        page = await mini_program_card(api, io, card, button, mini_program, NAME)
        return {"msgtype": "miniprogrampage", "miniprogrampage": page}
    picture = ""
    if card.image is not None and card.image.file_id is not None:
        picture = (await io.file(card.image.file_id)).url
    return _news(card.title, card.text, button.url, picture)


async def _template(to: str, part: Template, api: WeixinApi, mini_program: str) -> Sent:
    """Send a template message, which needs no open window; WeChat says later whether it arrived.

    An account's templates are of two kinds that share nothing but the look of their ids: template messages for followers,
    and notifications for those who agreed to one. The one kind's interface doesn't know the other's, and accounts may have
    one of them only.
    """
    data, opens = fields_of(part.variables)
    body: Json = {"touser": to, "template_id": part.name, "data": data}
    if "page" in opens and mini_program:
        body["miniprogram"] = {"appid": mini_program, "pagepath": opens["page"]}
    url = opens.get("url", "")
    try:
        return await send_template(
            api, "/cgi-bin/message/template/send", {**body, **({"url": url} if url else {})}
        )
    except Refused as error:
        if error.code not in (UNKNOWN_TEMPLATE, UNAUTHORISED):
            raise
    path = "/cgi-bin/message/subscribe/bizsend"
    return await send_template(api, path, {**body, **({"page": url} if url else {})})
