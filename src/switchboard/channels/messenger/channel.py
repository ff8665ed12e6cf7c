"""The Messenger channel: one Meta app and one access token, one webhook address, one channel per Facebook page."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any, ClassVar, TypeVar

import msgspec

from switchboard.channels.api import (
    Account,
    AccountChanged,
    Claim,
    Content,
    Inbound,
    Io,
    Outbound,
    Post,
    Profile,
    RawRequest,
    Reauthorise,
    Refused,
    Reply,
    Sent,
    Source,
    Token,
    field,
    secret,
    secrets_of,
)
from switchboard.channels.families.meta import VerifyToken, greet, prove
from switchboard.channels.families.meta_graph import PERMISSION, Graph, person, place, with_token
from switchboard.channels.families.meta_health import deaf, misled, token_news
from switchboard.channels.families.meta_sends import entries, gesture
from switchboard.channels.messenger.inbound import facts, is_comment
from switchboard.channels.messenger.outbound import send_comment, send_message
from switchboard.channels.reading import mark, text

T = TypeVar("T")

HOST = "https://graph.facebook.com"
TOKEN_SECONDS = 43_200
FIELDS = (
    "messages", "messaging_postbacks", "messaging_referrals", "messaging_optins", "messaging_account_linking",
    "messaging_handovers", "messaging_policy_enforcement", "messaging_feedback", "message_deliveries", "message_reads",
    "message_echoes", "message_edits", "message_reactions", "standby", "feed", "mention", "ratings",
)  # fmt: skip
# Only for apps that may send templates; Meta may refuse the whole list for its sake.
EXTRA = "message_template_status_update"
NEEDED = ("messages", "messaging_postbacks", "message_echoes", "feed")
GET_STARTED = "GET_STARTED"
SCOPES = (
    "pages_messaging", "pages_manage_metadata", "pages_read_engagement", "pages_read_user_content",
    "pages_manage_engagement",
)  # fmt: skip


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The credentials of one Meta app, and what its pages show before the first message."""

    access_token: Annotated[
        str,
        secret(
            "Access token",
            "访问令牌",
            "Of a system user (all pages assigned to it are served) or of a single page.",
            "系统用户的令牌（可服务分配给它的全部公共主页），或单个公共主页的令牌。",
        ),
    ]
    app_secret: Annotated[
        str,
        secret(
            "App secret",
            "应用密钥",
            "App settings > Basic. Proves that webhooks come from Meta.",
            "在“应用设置 > 基本”页面查看，用于确认回调确实来自 Meta。",
        ),
    ]
    verify_token: VerifyToken
    app_id: Annotated[
        str,
        field(
            "App ID",
            "应用编号",
            "Optional. With it, the webhook address is entered at Meta for you and watched.",
            "可选。填写后，系统会自动在 Meta 登记回调地址，并持续检查。",
        ),
        msgspec.Meta(pattern="^[0-9]*$"),
    ] = ""
    greeting: Annotated[
        str,
        field(
            "Greeting",
            "问候语",
            "Shown before a person's first message (160 letters).",
            "客户首次发消息之前显示（最多 160 个字符）。",
        ),
        msgspec.Meta(max_length=160),
    ] = ""
    get_started: Annotated[
        str,
        field(
            "Get started",
            "“开始使用”按钮",
            "What the Get Started button says to us; empty: no button.",
            "客户点击“开始使用”按钮时发给我们的内容；留空则不显示按钮。",
        ),
    ] = ""
    menu: Annotated[
        str,
        field(
            "Persistent menu",
            "固定菜单",
            "Title = answer or https address; parted by semicolons, e.g. Opening hours = HOURS; Shop = https://shop.example",
            "格式为“标题 = 回传内容或 https 链接”，以分号分隔，例如：营业时间 = HOURS; 商城 = https://shop.example",
        ),
    ] = ""


class MessengerChannel:
    """Translates between Graph's JSON and our facts; holds no state."""

    config_type: ClassVar[type[msgspec.Struct]] = Config

    def __init__(self, config: Config, io: Io) -> None:
        self._config = config
        self._io = io
        self._graph = Graph(io, io.platform_url("messenger", HOST), "Facebook", secrets_of(config))

    def verify(self, request: RawRequest) -> None:
        """Check the HMAC-SHA256 of the raw body."""
        prove(request, self._config.app_secret)

    def challenge(self, request: RawRequest) -> Reply:
        """Answer Meta's verification of the callback address."""
        return greet(request, self._config.verify_token)

    def parse(self, request: RawRequest) -> list[Inbound]:
        """Return the facts of one webhook; `account` is the page's id."""
        return facts(request.body)

    async def send(self, message: Outbound) -> Sent:
        """Send one message, or write one comment. Files are uploaded first, which nobody notices."""
        send = send_comment if message.slot.startswith("post:") else send_message

        async def use(token: str) -> Sent:
            return await send(message, self._graph, self._io, token)

        return await self._as_page(message.account, use)

    async def mark_read(self, account: str, to: str, external_id: str, typing: bool) -> None:
        """Show that a message was seen, or that we are typing (for 20 seconds at most)."""
        if is_comment(external_id):
            return
        await self._call("POST", account, f"{place(account)}/messages", json=gesture(to, typing))

    async def fetch_media(self, account: str, source: Source) -> Content:  # noqa: ARG002
        """Download a file by its signed address."""
        return await self._graph.download(source)

    async def fetch_profile(self, account: str, claim: Claim) -> Profile:
        """Look a person up by page-scoped id; Facebook may refuse those who never wrote to the page."""
        if not claim.value.isdigit():
            raise Refused("Facebook tells nothing of people without a page-scoped id")
        params = {"fields": "first_name,last_name,profile_pic"}
        found = await person(self._call("GET", account, place(claim.value), params=params))
        name = f"{text(found, 'first_name')} {text(found, 'last_name')}".strip()
        picture = text(found, "profile_pic")
        return Profile(name=name or text(found, "name"), avatar=Source(url=picture) if picture else None)

    async def fetch_post(self, account: str, post: str) -> Post:
        """Look up a post of the page's wall."""
        params = {"fields": "message,story,permalink_url,full_picture,from"}
        found = await self._call("GET", account, place(post), params=params)
        return Post(
            text=text(found, "message") or text(found, "story"),
            url=text(found, "permalink_url"),
            picture=text(found, "full_picture"),
            author=text(found, "from", "name"),
        )

    async def probe(self) -> list[Account]:
        """List the pages of the token: all that a person or system user may manage, or the one page that it speaks for."""
        found = await self._graph.own_pages(self._config.access_token, {"fields": "id,name"})
        return [Account(text(page, "id"), text(page, "name")) for page in found if text(page, "id")]

    async def register(self, webhook_url: str) -> None:
        """Enter our address at the app (when its id is known), subscribe it to all pages, and set the pages up."""
        if self._config.app_id:
            await _as_much_as_may_be(partial(self._enter, webhook_url))
        settings = self._settings()
        for page in await self.probe():
            await _as_much_as_may_be(partial(self._subscribe, page.external_id))
            if settings:
                await self._call("POST", page.external_id, "me/messenger_profile", json=settings)

    async def check(self, webhook_url: str) -> list[AccountChanged]:
        """Ask whether the app is still subscribed to its pages, with all that we need, and to our address; how long its token lives."""
        found: list[AccountChanged | None] = []
        if self._config.app_id:
            rows = await self._graph.pages(f"{self._config.app_id}/subscriptions", self._app_token, {})
            found.append(misled(self._config.app_id, rows, "page", webhook_url))
        for page in await self.probe():
            path = f"{place(page.external_id)}/subscribed_apps"

            async def use(token: str, path: str = path) -> list[dict[str, Any]]:
                return await self._graph.pages(path, token, {})

            rows = await self._as_page(page.external_id, use)
            found.append(deaf(page.external_id, rows, self._config.app_id, NEEDED))
        asker = self._app_token if self._config.app_id else self._config.access_token
        found += await token_news(self._graph, self._config.access_token, asker, SCOPES)
        return [one for one in found if one is not None]

    # -- inside ------------------------------------------------------------------------------------------

    @property
    def _app_token(self) -> str:
        return f"{self._config.app_id}|{self._config.app_secret}"

    async def _enter(self, webhook_url: str, fields: str) -> None:
        """Enter our address at the app."""
        body = {
            "object": "page", "callback_url": webhook_url, "verify_token": self._config.verify_token,
            "fields": fields, "include_values": True,
        }  # fmt: skip
        await self._graph.call("POST", f"{self._config.app_id}/subscriptions", self._app_token, json=body)

    async def _subscribe(self, page: str, fields: str) -> None:
        """Subscribe the app to a page."""
        await self._call("POST", page, f"{place(page)}/subscribed_apps", params={"subscribed_fields": fields})

    async def _call(self, method: str, page: str, path: str, **more: Any) -> dict[str, Any]:
        async def use(token: str) -> dict[str, Any]:
            return await self._graph.call(method, path, token, **more)

        return await self._as_page(page, use)

    async def _as_page(self, page: str, use: Callable[[str], Awaitable[T]]) -> T:
        """Do something with a page's own token, which the connection's token opens."""

        async def fetch() -> Token:
            kept = self._config.access_token
            try:
                found = await self._graph.call("GET", place(page), kept, params={"fields": "access_token"})
            except Refused:
                found = {}
            return Token(text(found, "access_token") or kept, TOKEN_SECONDS)

        async def token(refused: str) -> str:
            return await self._io.token(
                f"page:{page}:{mark(self._config.access_token)}", fetch, instead_of=refused
            )

        return await with_token(token, use)

    def _settings(self) -> dict[str, Any]:
        """Return what the pages show before and beside a conversation; a menu wants a Get Started button."""
        config, settings = self._config, dict[str, Any]()
        actions = [_action(title, value) for title, value in entries(config.menu)]
        if config.get_started or actions:
            settings["get_started"] = {"payload": config.get_started or GET_STARTED}
        if config.greeting:
            settings["greeting"] = [{"locale": "default", "text": config.greeting}]
        if actions:
            menu = {"locale": "default", "composer_input_disabled": False, "call_to_actions": actions}
            settings["persistent_menu"] = [menu]
        return settings


async def _as_much_as_may_be(subscribe: Callable[[str], Awaitable[None]]) -> None:
    """Subscribe to all that we read, else to what every app may have."""
    try:
        await subscribe(",".join((*FIELDS, EXTRA)))
    except (Refused, Reauthorise) as error:
        if error.code.partition(".")[0] not in {"100", *PERMISSION}:
            raise
        await subscribe(",".join(FIELDS))


def _action(title: str, value: str) -> dict[str, str]:
    if value.startswith(("https://", "http://")):
        return {"type": "web_url", "title": title, "url": value}
    return {"type": "postback", "title": title, "payload": value}
