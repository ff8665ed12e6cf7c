"""A WeChat Official Account: pushes in plain or safe mode, customer service and template messages out."""

from typing import Annotated, ClassVar

import msgspec

from switchboard.channels.api import (
    Account,
    AccountChanged,
    ApprovedTemplate,
    Claim,
    Content,
    Inbound,
    Io,
    Outbound,
    Profile,
    RawRequest,
    Reauthorise,
    Refused,
    Reply,
    Sent,
    Source,
    field,
    secret,
    secrets_of,
)
from switchboard.channels.families.weixin import Gate, text
from switchboard.channels.families.weixin_api import weixin_api
from switchboard.channels.families.weixin_inbox import UNION, facts_of
from switchboard.channels.families.weixin_sends import quota_news, show_typing
from switchboard.channels.families.weixin_templates import agreed_templates, follower_templates
from switchboard.channels.wechat_oa.outbound import send_message

LABEL = "WeChat"
TOLD = ("subscribe_scene", "qr_scene", "qr_scene_str", "remark")


class WechatOaConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The credentials of one Official Account."""

    app_id: Annotated[
        str,
        msgspec.Meta(pattern=r"^wx[0-9A-Za-z]{8,30}$"),
        field(
            "AppID",
            "开发者ID（AppID）",
            "Development > Basic configuration. Begins with wx.",
            "在“设置与开发 > 基本配置”页查看，以 wx 开头。",
        ),
    ]
    app_secret: Annotated[
        str,
        msgspec.Meta(min_length=1),
        secret(
            "AppSecret",
            "开发者密码（AppSecret）",
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
            "自行设定的 3–32 位字母或数字，须与微信后台“服务器配置”中填写的一致。",
        ),
    ]
    encoding_aes_key: Annotated[
        str,
        msgspec.Meta(pattern=r"^([0-9A-Za-z+/]{43})?$"),
        secret(
            "EncodingAESKey",
            "消息加解密密钥（EncodingAESKey）",
            "43 characters; choose safe mode at WeChat. Empty only for plain mode, whose messages carry no proof.",
            "共 43 个字符，并在微信后台选择“安全模式”。仅在使用“明文模式”时留空，该模式下无法验证消息内容。",
        ),
    ] = ""
    mini_program_app_id: Annotated[
        str,
        msgspec.Meta(pattern=r"^(wx[0-9A-Za-z]{8,30})?$"),
        field(
            "AppID of a linked mini-program",
            "关联小程序的 AppID",
            "Optional. Cards whose button names a page (pages/order?id=1) open it there.",
            "可选。卡片按钮填写小程序页面路径（如 pages/order?id=1）时，将打开该小程序。",
        ),
    ] = ""


class WechatOaChannel:
    """Translates between WeChat's XML and our facts; holds no state."""

    config_type: ClassVar[type[msgspec.Struct]] = WechatOaConfig

    def __init__(self, config: WechatOaConfig, io: Io) -> None:
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
        """Say at once that nothing will be answered in this response: later answers are customer service messages."""
        del request
        return Reply(body=b"success")

    async def send(self, message: Outbound) -> Sent:
        """Send one customer service or template message."""
        return await send_message(message, self._api, self._io, self._config.mini_program_app_id)

    async def mark_read(self, account: str, to: str, external_id: str, typing: bool) -> None:
        """Show that somebody is typing; WeChat knows no read mark."""
        del account, external_id
        if typing:
            await show_typing(self._api, to)

    async def fetch_media(self, account: str, source: Source) -> Content:
        """Download what a customer sent; WeChat keeps it for three days."""
        del account
        return await self._api.download(source)

    async def fetch_profile(self, account: str, claim: Claim) -> Profile:
        """Look a follower up: UnionID and how they came to us; names and pictures are withheld since 2021."""
        del account
        if claim.space != f"wechat:{self._config.app_id}":
            raise Refused("WeChat tells only of people known by OpenID.")
        params = {"openid": claim.value, "lang": "zh_CN"}
        found = await self._api.call("GET", "/cgi-bin/user/info", params=params)
        union, picture = text(found, "unionid").strip(), text(found, "headimgurl")
        return Profile(
            name=text(found, "nickname"),
            language=text(found, "language").replace("_", "-"),
            avatar=Source(url=picture) if picture.startswith(("https://", "http://")) else None,
            claims=[Claim(UNION, union)] if union else [],
            data={name: text(found, name) for name in TOLD if text(found, name) not in ("", "0")},
        )

    async def probe(self) -> list[Account]:
        """Ask for something that needs nothing but good credentials and an address of ours that WeChat knows."""
        await self._api.call("GET", "/cgi-bin/getcallbackip")
        return [Account(self._config.app_id, self._config.app_id)]

    async def list_templates(self, account: str) -> list[ApprovedTemplate]:
        """Return both kinds of templates; an account may have the permission for one of them only."""
        del account
        found: list[ApprovedTemplate] = []
        troubles: list[Refused | Reauthorise] = []
        for ask in (follower_templates, agreed_templates):
            try:
                found += await ask(self._api)
            except (Refused, Reauthorise) as error:
                troubles.append(error)
        if len(troubles) == 2:
            raise troubles[0]
        return found

    async def check(self, webhook_url: str) -> list[AccountChanged]:
        """Tell when the day's customer service messages are nearly used up; WeChat tells nobody the address it calls."""
        del webhook_url
        return await quota_news(self._api, self._config.app_id)
