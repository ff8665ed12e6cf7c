"""Customer service of a WeChat mini-program: pushes in JSON or XML, plain or sealed; four kinds of messages out."""

from typing import Annotated, ClassVar

import msgspec

from switchboard.channels.api import (
    Account,
    AccountChanged,
    ApprovedTemplate,
    Card,
    Cards,
    Content,
    Image,
    Inbound,
    Io,
    Link,
    Outbound,
    Part,
    RawRequest,
    Refused,
    Reply,
    Sent,
    Source,
    Template,
    Text,
    field,
    secret,
    secrets_of,
)
from switchboard.channels.families.weixin import Gate
from switchboard.channels.families.weixin_api import weixin_api
from switchboard.channels.families.weixin_inbox import facts_of
from switchboard.channels.families.weixin_sends import (
    fields_of,
    is_page,
    lone,
    mini_program_card,
    opener,
    quota_news,
    send_custom,
    send_template,
    show_typing,
    uploaded,
)
from switchboard.channels.families.weixin_templates import agreed_templates
from switchboard.channels.reading import Json

LABEL = "WeChat"


class WechatMiniProgramConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The credentials of one mini-program."""

    app_id: Annotated[
        str,
        msgspec.Meta(pattern=r"^wx[0-9A-Za-z]{8,30}$"),
        field(
            "AppID",
            "小程序 ID（AppID）",
            "Development > Development settings. Begins with wx.",
            "在“开发管理 > 开发设置”页查看，以 wx 开头。",
        ),
    ]
    app_secret: Annotated[
        str,
        msgspec.Meta(min_length=1),
        secret(
            "AppSecret",
            "小程序密钥（AppSecret）",
            "Same page. WeChat shows it once, when it is made.",
            "同一页面。仅在生成时显示一次。",
        ),
    ]
    token: Annotated[
        str,
        msgspec.Meta(pattern=r"^[0-9A-Za-z]{3,32}$"),
        secret(
            "Token",
            "令牌（Token）",
            "A word of your own, 3 to 32 letters and digits; enter the same one at WeChat.",
            "自行设定的 3–32 位字母或数字，须与“消息推送”中填写的一致。",
        ),
    ]
    encoding_aes_key: Annotated[
        str,
        msgspec.Meta(pattern=r"^([0-9A-Za-z+/]{43})?$"),
        secret(
            "EncodingAESKey",
            "消息加密密钥（EncodingAESKey）",
            "43 characters; choose safe mode at WeChat. Empty only for plain mode, whose messages carry no proof.",
            "共 43 个字符，并在微信后台选择“安全模式”。仅在使用“明文模式”时留空，该模式下无法验证消息内容。",
        ),
    ] = ""


class WechatMiniProgramChannel:
    """Translates between WeChat's pushes and our facts; holds no state."""

    config_type: ClassVar[type[msgspec.Struct]] = WechatMiniProgramConfig

    def __init__(self, config: WechatMiniProgramConfig, io: Io) -> None:
        self._config = config
        self._io = io
        self._gate = Gate(config.token, config.encoding_aes_key, config.app_id)
        self._api = weixin_api(io, LABEL, config.app_id, config.app_secret, secrets_of(config))

    def verify(self, request: RawRequest) -> None:
        """Check time, signature, and in safe mode ciphertext and AppID."""
        self._gate.prove(request)

    def challenge(self, request: RawRequest) -> Reply:
        """Answer the console when it tries the address."""
        return self._gate.greet(request)

    def parse(self, request: RawRequest) -> list[Inbound]:
        """Return the facts of one push; `account` is the AppID."""
        return facts_of(self._config.app_id, self._gate.open(request.body))

    def ack(self, request: RawRequest) -> Reply:
        """Say at once that nothing will be answered in this response."""
        del request
        return Reply(body=b"success")

    async def send(self, message: Outbound) -> Sent:
        """Send one customer service message, or a subscribed notification."""
        part = lone(message, LABEL)
        if isinstance(part, Template):
            return await self._notify(message.to, part)
        return await send_custom(self._api, message.to, await self._content(part))

    async def _content(self, part: Part) -> Json:
        match part:
            case Text():
                return {"msgtype": "text", "text": {"content": part.text}}
            case Image():
                media = await uploaded(self._api, self._io, part, "image")
                return {"msgtype": "image", "image": {"media_id": media}}
            case Link():
                return _link(part.title or part.url, part.description, part.url, "")
            case Cards(cards=[card]):
                return await self._card(card)
            case _:
                raise Refused(f"{LABEL} can't carry {type(part).__name__} to mini-programs.", code="unfit")

    async def _card(self, card: Card) -> Json:
        """Return a page of the mini-program itself, or an address, with its picture."""
        button = opener(card)
        if button is None:
            raise Refused(f"{LABEL}: a card has one button, and it opens a page or an address.", code="unfit")
        if is_page(button):
            page = await mini_program_card(self._api, self._io, card, button, self._config.app_id, LABEL)
            del page["appid"]  # it is our own
            return {"msgtype": "miniprogrampage", "miniprogrampage": page}
        picture = ""
        if card.image is not None and card.image.file_id is not None:
            picture = (await self._io.file(card.image.file_id)).url
        return _link(card.title, card.text, button.url, picture)

    async def _notify(self, to: str, part: Template) -> Sent:
        """Send a subscribed notification: one for each time that somebody agreed to this template."""
        data, opens = fields_of(part.variables)
        body: Json = {"touser": to, "template_id": part.name, "data": data}
        body |= {"lang": part.language} if part.language else {}
        body |= {"page": opens["page"]} if "page" in opens else {}
        return await send_template(self._api, "/cgi-bin/message/subscribe/send", body)

    async def mark_read(self, account: str, to: str, external_id: str, typing: bool) -> None:
        """Show that somebody is typing; WeChat knows no read mark."""
        del account, external_id
        if typing:
            await show_typing(self._api, to)

    async def fetch_media(self, account: str, source: Source) -> Content:
        """Download what a customer sent; WeChat keeps it for three days."""
        del account
        return await self._api.download(source)

    async def probe(self) -> list[Account]:
        """Ask for something that needs nothing but good credentials and an address of ours that WeChat knows."""
        await self._api.call("GET", "/cgi-bin/getcallbackip")
        return [Account(self._config.app_id, self._config.app_id)]

    async def list_templates(self, account: str) -> list[ApprovedTemplate]:
        """Return the notifications to which visitors agree."""
        del account
        return await agreed_templates(self._api)

    async def check(self, webhook_url: str) -> list[AccountChanged]:
        """Tell when the day's customer service messages are nearly used up."""
        del webhook_url
        return await quota_news(self._api, self._config.app_id)


def _link(title: str, words: str, url: str, picture: str) -> Json:
    page = {"title": title, "description": words, "url": url, "thumb_url": picture}
    return {"msgtype": "link", "link": page}
