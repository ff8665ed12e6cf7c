"""The widget's settings, the proof that its own socket speaks, sends that are done once recorded."""

import hmac
from datetime import datetime
from typing import Annotated, ClassVar, Literal

import msgspec

from switchboard.channels.api import (
    Account,
    BadSignature,
    Inbound,
    Io,
    Outbound,
    RawRequest,
    Sent,
    decode,
    field,
    secret,
)
from switchboard.channels.web.apns import Apns, AppleKey
from switchboard.channels.web.fcm import Fcm, google_file
from switchboard.channels.web.host import Person, person_of
from switchboard.channels.web.inbound import facts_of
from switchboard.channels.web.push import PushIo, apple_key

DOOR = "x-switchboard-door"
GENERATED_SECRET = {"x-secret": True, "x-generated": True}


class WebConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One site's widget."""

    name: Annotated[str, field("Name", "名称", "Stands at the top of the widget.", "显示在挂件顶部。")] = ""
    colour: Annotated[
        str,
        msgspec.Meta(pattern="^#[0-9a-fA-F]{6}$"),
        field(
            "Colour",
            "颜色",
            "Of the button and the header, as #rrggbb.",
            "按钮和标题栏的颜色，格式为 #rrggbb。",
        ),
    ] = "#1677ff"
    greeting_en: Annotated[
        str,
        msgspec.Meta(max_length=500),
        field(
            "Greeting in English", "英文欢迎语", "The first line that a visitor sees.", "访客看到的第一句话。"
        ),
    ] = "Hello! How can we help?"
    greeting_zh: Annotated[
        str,
        msgspec.Meta(max_length=500),
        field(
            "Greeting in Chinese", "中文欢迎语", "The first line that a visitor sees.", "访客看到的第一句话。"
        ),
    ] = "您好！请问有什么可以帮您？"
    languages: Annotated[
        list[Literal["en", "zh"]],
        field(
            "Languages",
            "语言",
            "The visitor's own is used when it is among these, else the first.",
            "访客的语言在列时使用该语言，否则使用第一种。",
        ),
    ] = msgspec.field(default_factory=lambda: ["en", "zh"])
    pre_chat: Annotated[
        list[Literal["name", "email", "phone"]],
        field(
            "Ask before the chat",
            "聊天前询问",
            "Fields of the form that a visitor fills in first. None: the chat opens at once.",
            "访客开始聊天前需填写的内容。不选则直接进入聊天。",
        ),
    ] = []
    offline_form: Annotated[
        bool,
        field(
            "Form when nobody is online",
            "离线留言表单",
            "Asks for an e-mail address or a phone number, so that you can answer later.",
            "无人在线时请访客留下邮箱或手机号，方便稍后回复。",
        ),
    ] = True
    offline_note_en: Annotated[
        str,
        msgspec.Meta(max_length=500),
        field("Offline note in English", "英文离线提示", "Shown when nobody is online.", "无人在线时显示。"),
    ] = "Nobody is here right now. Leave a message and we will answer."
    offline_note_zh: Annotated[
        str,
        msgspec.Meta(max_length=500),
        field("Offline note in Chinese", "中文离线提示", "Shown when nobody is online.", "无人在线时显示。"),
    ] = "现在没有坐席在线，请留言，我们会尽快回复。"
    allowed_origins: Annotated[
        list[str],
        field(
            "Allowed sites",
            "允许的网站",
            "Where the widget may run, as https://shop.example. Empty: anywhere.",
            "允许加载挂件的网站，例如 https://shop.example。留空表示不限。",
        ),
    ] = []
    max_file_bytes: Annotated[
        int,
        msgspec.Meta(ge=0, le=100_000_000),
        field(
            "Largest file",
            "文件大小上限",
            "In bytes; 0 forbids files.",
            "单位为字节；填 0 表示不允许发送文件。",
        ),
    ] = 20_000_000
    apns_key_id: Annotated[
        str,
        msgspec.Meta(pattern="^([A-Z0-9]{10})?$"),
        field(
            "Push to iPhones: key id",
            "iPhone 推送：Key ID",
            "Ten characters, beside the key in Apple's developer account. Leave the four empty when you have no iOS app.",
            "苹果开发者账号中密钥旁的 10 位字符。没有 iOS 应用时，这四项均可留空。",
        ),
    ] = ""
    apns_team_id: Annotated[
        str,
        msgspec.Meta(pattern="^([A-Z0-9]{10})?$"),
        field(
            "Team id",
            "团队 ID（Team ID）",
            "Ten characters, under Membership.",
            "10 位字符，见开发者账号的会员信息。",
        ),
    ] = ""
    apns_bundle_id: Annotated[
        str,
        msgspec.Meta(pattern="^([A-Za-z0-9.-]{1,155})?$"),
        field(
            "Bundle id",
            "应用 ID（Bundle ID）",
            "Of the app, as com.example.shop.",
            "应用的标识，例如 com.example.shop。",
        ),
    ] = ""
    apns_key: Annotated[
        str,
        secret(
            "Key (.p8)",
            "密钥（.p8）",
            "The whole content of the file that Apple lets you download once.",
            "苹果只允许下载一次的 .p8 文件的全部内容。",
        ),
    ] = ""
    apns_sandbox: Annotated[
        bool,
        field(
            "Apple's sandbox",
            "使用苹果沙盒环境",
            "For builds installed from Xcode; apps from TestFlight and the App Store need production.",
            "适用于 Xcode 直接安装的版本；TestFlight 与 App Store 版本请使用生产环境。",
        ),
    ] = False
    fcm_service_account: Annotated[
        str,
        secret(
            "Push to Android: service account (JSON)",
            "Android 推送：服务账号（JSON）",
            "The whole content of the key file from Firebase. Empty when you have no such app.",
            "从 Firebase 下载的密钥文件的全部内容。没有相应应用时留空。",
        ),
    ] = ""
    push_text: Annotated[
        bool,
        field(
            "Show the words in the notification",
            "通知中显示消息内容",
            "Otherwise it only says that there is a new message; the words then never pass Apple or Google.",
            "关闭后仅提示有新消息，消息内容不会经过苹果或谷歌。",
        ),
    ] = True
    site_key: Annotated[
        str,
        msgspec.Meta(pattern="^[A-Za-z0-9_-]{0,80}$"),
        field(
            "Site key",
            "站点标识",
            "Public: it stands in the script line. Made for you.",
            "公开内容，会出现在嵌入代码中。系统会自动生成。",
            **{"x-generated": True},
        ),
    ] = ""
    host_secret: Annotated[
        str,
        field(
            "Identity secret",
            "身份密钥",
            "With it your server proves who a signed-in visitor is. Made for you; never put it into a page.",
            "您的服务器用它证明已登录访客的身份。系统会自动生成，切勿写入网页。",
            **GENERATED_SECRET,
        ),
    ] = ""
    door_key: Annotated[
        str,
        field(
            "Internal key",
            "内部密钥",
            "By it the widget's socket and this channel know each other. Made for you.",
            "挂件连接与本渠道之间互相识别的密钥。系统会自动生成。",
            **GENERATED_SECRET,
        ),
    ] = ""

    def __post_init__(self) -> None:
        """Refuse keys that could never work, before they are kept."""
        apple = (self.apns_key_id, self.apns_team_id, self.apns_bundle_id, self.apns_key)
        if any(apple) and not all(apple):
            raise ValueError("Push to iPhones needs all four: key id, team id, bundle id and key.")
        if self.apns_key:
            apple_key(self.apns_key)
        if self.fcm_service_account:
            google_file(self.fcm_service_account)

    def pusher(self, service: str, io: PushIo) -> Apns | Fcm | None:
        """Return the way to wake a phone by a service; None when its credentials are not set."""
        if service == "apns" and self.apns_key:
            key = AppleKey(
                self.apns_key_id, self.apns_team_id, self.apns_bundle_id, self.apns_key, self.apns_sandbox
            )
            return Apns(key, io)
        if service == "fcm" and self.fcm_service_account:
            return Fcm(google_file(self.fcm_service_account), io)
        return None


class WebChannel:
    """The widget of one site and the SDK of its apps; its account is the site key."""

    config_type: ClassVar[type[msgspec.Struct]] = WebConfig

    def __init__(self, config: WebConfig, io: Io) -> None:  # noqa: ARG002
        self._config = config

    def verify(self, request: RawRequest) -> None:
        """Believe our own socket only; nothing from outside knows the key."""
        want, got = self._config.door_key, request.headers.get(DOOR, "")
        if not want or not hmac.compare_digest(want.encode(), got.encode("utf-8", "replace")):
            raise BadSignature("the request doesn't come from the widget's own socket")

    def parse(self, request: RawRequest) -> list[Inbound]:
        """Return the facts of one visitor's events."""
        return facts_of(decode(request.body), self._config.site_key)

    async def send(self, message: Outbound) -> Sent:
        """Take the message for sent: the visitor's socket follows the log, where it stands already."""
        return Sent(message.idempotency_key)

    async def probe(self) -> list[Account]:
        """Name the site; there are no credentials that could be wrong."""
        return [Account(self._config.site_key, self._config.name or "Website")]

    def vouched(self, user: object, now: datetime) -> Person:
        """Return whom a session is for, as the company's server proves it; raises BadProof."""
        return person_of(user, self._config.host_secret, self._config.site_key, now)
