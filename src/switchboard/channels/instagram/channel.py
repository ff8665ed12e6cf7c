"""The Instagram channel: one Meta app, one access token, one webhook address, one channel per professional account.

Two logins with one family of payloads: Facebook login (accounts linked to pages, page tokens, graph.facebook.com), and
Instagram login (one account, its own token that lives 60 days, graph.instagram.com).
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal, TypeVar

import msgspec

from switchboard.channels.api import (
    Account,
    AccountChanged,
    Claim,
    Content,
    Inbound,
    Io,
    Outbound,
    Outcome,
    Post,
    Profile,
    RawRequest,
    Refused,
    Reply,
    Retry,
    Sent,
    Source,
    Token,
    field,
    secret,
    secrets_of,
)
from switchboard.channels.families.meta import VerifyToken, greet, prove
from switchboard.channels.families.meta_graph import Graph, person, place, with_token
from switchboard.channels.families.meta_health import aging, deaf, misled, token_news
from switchboard.channels.families.meta_sends import entries, gesture
from switchboard.channels.instagram.inbound import facts, is_comment, mentioned
from switchboard.channels.instagram.outbound import send_comment, send_message
from switchboard.channels.reading import mark, number, obj, text

T = TypeVar("T")

FACEBOOK, INSTAGRAM = "https://graph.facebook.com", "https://graph.instagram.com"
PAGE_TOKEN_SECONDS = 43_200
# A token is no sooner refreshed than a day after it was made.
DAY_SECONDS, FOR_GOOD_SECONDS = 86_400, 315_360_000
LIFE_SECONDS = 60 * DAY_SECONDS
CERTAIN = (
    "messages", "messaging_postbacks", "messaging_seen", "messaging_referral", "message_reactions", "comments",
    "live_comments",
)  # fmt: skip
FIELDS = (*CERTAIN, "mentions", "message_edit", "messaging_handover", "standby")
NEEDED = ("messages", "comments")
SCOPES = (
    "instagram_basic",
    "instagram_manage_messages",
    "instagram_manage_comments",
    "pages_manage_metadata",
)
ACCOUNT = "instagram_business_account"
PERSON = (
    "name", "username", "profile_pic", "follower_count", "is_user_follow_business", "is_business_follow_user",
    "is_verified_user",
)  # fmt: skip


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The credentials of one Meta app, and what its accounts offer as first questions."""

    login: Annotated[
        Literal["facebook", "instagram"],
        field(
            "Login",
            "登录方式",
            "facebook: accounts linked to Facebook pages, several with one token. instagram: one account, no page needed.",
            "facebook：账户已关联 Facebook 公共主页，一个令牌可服务多个账户；instagram：单个账户，不需要公共主页。",
        ),
    ] = "facebook"
    access_token: Annotated[
        str,
        secret(
            "Access token",
            "访问令牌",
            "Of a system user or a page (facebook), or of the Instagram account (instagram).",
            "系统用户或公共主页的令牌（facebook），或 Instagram 账户的令牌（instagram）。",
        ),
    ]
    app_secret: Annotated[
        str,
        secret(
            "App secret",
            "应用密钥",
            "facebook: App settings > Basic. instagram: Instagram > API setup. Proves that webhooks come from Meta.",
            "facebook：见“应用设置 > 基本”；instagram：见“Instagram > API 设置”。用于确认回调确实来自 Meta。",
        ),
    ]
    verify_token: VerifyToken
    app_id: Annotated[
        str,
        field(
            "App ID",
            "应用编号",
            "Optional, facebook only. With it, the webhook address is entered at Meta for you and watched.",
            "可选，仅用于 facebook 登录方式。填写后，系统会自动在 Meta 登记回调地址，并持续检查。",
        ),
        msgspec.Meta(pattern="^[0-9]*$"),
    ] = ""
    ice_breakers: Annotated[
        str,
        field(
            "Ice breakers",
            "破冰问题",
            "Up to four first questions: Question = answer; parted by semicolons.",
            "最多四个预设问题，格式为“问题 = 回传内容”，以分号分隔。",
        ),
    ] = ""


class InstagramChannel:
    """Translates between Graph's JSON and our facts; holds no state."""

    config_type: ClassVar[type[msgspec.Struct]] = Config

    def __init__(self, config: Config, io: Io) -> None:
        self._config = config
        self._io = io
        self._linked = config.login == "facebook"
        root = (
            io.platform_url("instagram", FACEBOOK)
            if self._linked
            else io.platform_url("instagram_login", INSTAGRAM)
        )
        self._mark = mark(config.access_token)
        self._graph = Graph(io, root, "Instagram", secrets_of(config))

    def verify(self, request: RawRequest) -> None:
        """Check the HMAC-SHA256 of the raw body."""
        prove(request, self._config.app_secret)

    def challenge(self, request: RawRequest) -> Reply:
        """Answer Meta's verification of the callback address."""
        return greet(request, self._config.verify_token)

    def parse(self, request: RawRequest) -> list[Inbound]:
        """Return the facts of one webhook; `account` is the id of the professional account."""
        return facts(request.body)

    async def send(self, message: Outbound) -> Sent:
        """Send one message, or write one comment."""

        async def use(token: str) -> Sent:
            if message.slot.startswith("post:"):
                return await send_comment(message, self._graph, token)
            return await send_message(message, self._graph, self._io, token, uploads=self._linked)

        return await self._as_account(message.account, use)

    async def mark_read(self, account: str, to: str, external_id: str, typing: bool) -> None:
        """Show that a message was seen, or that we are typing."""
        if is_comment(external_id):
            return
        await self._call("POST", account, f"{place(account)}/messages", json=gesture(to, typing))

    async def fetch_media(self, account: str, source: Source) -> Content:  # noqa: ARG002
        """Download a file by its signed address; stories have none here, they are never kept."""
        return await self._graph.download(source)

    async def fetch_profile(self, account: str, claim: Claim) -> Profile:
        """Look a person up by scoped id; Instagram tells only of people who have written to the account."""
        if not claim.value.isdigit():
            raise Refused("Instagram tells nothing of people without a scoped id")
        params = {"fields": ",".join(PERSON)}
        found = await person(self._call("GET", account, place(claim.value), params=params))
        picture = text(found, "profile_pic")
        data = {name: found[name] for name in PERSON if name in found and name not in {"name", "profile_pic"}}
        return Profile(
            name=text(found, "name") or text(found, "username"),
            avatar=Source(url=picture) if picture else None,
            data=data,
        )

    async def fetch_post(self, account: str, post: str) -> Post:
        """Look up a post of ours, or what somebody said who mentioned the account."""
        mention = mentioned(post)
        if mention is None:
            fields = "caption,permalink,media_type,media_url,thumbnail_url,username"
            return _post(await self._call("GET", account, place(post), params={"fields": fields}))
        media, comment = mention
        what = f"mentioned_comment.comment_id({place(comment)}){{text,username}}"
        if not comment:
            what = f"mentioned_media.media_id({place(media)}){{caption,media_type,media_url,username}}"
        found = await self._call("GET", account, place(account), params={"fields": what})
        return _post(obj(found, "mentioned_comment") or obj(found, "mentioned_media"))

    async def probe(self) -> list[Account]:
        """List the professional accounts of the token."""
        if not self._linked:

            async def use(token: str) -> dict[str, Any]:
                return await self._graph.call("GET", "me", token, params={"fields": "user_id,username,name"})

            me = await self._as_account("", use)
            return [_account(text(me, "user_id") or text(me, "id"), me)] if me else []
        linked = [obj(page, ACCOUNT) for page in await self._pages("id")]
        return [_account(text(one, "id"), one) for one in linked if text(one, "id")]

    async def register(self, webhook_url: str) -> None:
        """Subscribe the app to all accounts and set their first questions. The address is entered where the app's id is known;
        with Instagram login Meta takes it in its console only.
        """
        if self._watched:
            await self._enter(webhook_url)
        for account in await self.probe():
            ident = account.external_id
            if self._linked:
                await self._subscribe_page(ident)
            else:
                await self._subscribe(ident)
            questions = [
                {"question": title, "payload": value} for title, value in entries(self._config.ice_breakers)
            ]
            if questions:
                body = {
                    "platform": "instagram",
                    "ice_breakers": [{"call_to_actions": questions, "locale": "default"}],
                }
                await self._call("POST", ident, "me/messenger_profile", json=body)

    async def check(self, webhook_url: str) -> list[AccountChanged]:
        """Ask whether the app is still subscribed to its accounts, and how long the token lives."""
        found: list[AccountChanged | None] = []
        app = self._config.app_id
        if self._watched:
            listed = await self._graph.pages(f"{app}/subscriptions", self._app_token, {})
            found.append(misled(app, listed, "instagram", webhook_url))
        for account in await self.probe():
            rows = await self._subscriptions(account.external_id)
            needed = () if self._linked else NEEDED
            found.append(deaf(account.external_id, rows, "", needed))
        if self._linked:
            token = self._config.access_token
            asker = self._app_token if self._watched else token
            found += await token_news(self._graph, token, asker, SCOPES)
        else:
            # Nobody tells the end of an account's own token; near it means that no renewal has succeeded for weeks.
            found += aging({"expires_at": await self._until()}, (), datetime.now(UTC))
        return [one for one in found if one is not None]

    # -- inside ------------------------------------------------------------------------------------------

    @property
    def _watched(self) -> bool:
        """Whether the app's own webhooks can be asked after: Instagram login has another app secret."""
        return self._linked and bool(self._config.app_id)

    @property
    def _app_token(self) -> str:
        return f"{self._config.app_id}|{self._config.app_secret}"

    async def _enter(self, webhook_url: str) -> None:
        """Enter our address at the app, with all that we read, else with what every app may have."""
        body = {"object": "instagram", "callback_url": webhook_url, "verify_token": self._config.verify_token}
        path = f"{self._config.app_id}/subscriptions"
        for fields in (FIELDS, CERTAIN):
            whole = {**body, "fields": ",".join(fields), "include_values": True}
            try:
                await self._graph.call("POST", path, self._app_token, json=whole)
            except Refused as error:
                if fields is CERTAIN or not error.code.startswith("100"):
                    raise
            else:
                return

    async def _pages(self, fields: str) -> list[dict[str, Any]]:
        """Return the token's pages with their accounts: all of a person's or system user's, or the page itself."""
        params = {"fields": f"{fields},{ACCOUNT}{{id,username,name}}"}
        return await self._graph.own_pages(self._config.access_token, params)

    async def _subscriptions(self, account: str) -> list[dict[str, Any]]:
        path = "me/subscribed_apps" if self._linked else f"{place(account)}/subscribed_apps"

        async def use(token: str) -> list[dict[str, Any]]:
            return await self._graph.pages(path, token, {})

        return await self._as_account(account, use)

    async def _subscribe_page(self, account: str) -> None:
        """Subscribe the app to the page behind an account: any field will do, and those of Messenger stay."""
        kept = [row.get("subscribed_fields") for row in await self._subscriptions(account)]
        names = [name for one in kept if isinstance(one, list) for name in one if isinstance(name, str)]
        fields = ",".join(dict.fromkeys([*names, "feed"]))
        await self._call("POST", account, "me/subscribed_apps", params={"subscribed_fields": fields})

    async def _subscribe(self, account: str) -> None:
        """Subscribe the app to an account: to all that we read, else to what every app may have."""
        path = f"{place(account)}/subscribed_apps"
        try:
            await self._call("POST", account, path, params={"subscribed_fields": ",".join(FIELDS)})
        except Refused:
            await self._call("POST", account, path, params={"subscribed_fields": ",".join(CERTAIN)})

    async def _call(self, method: str, account: str, path: str, **more: Any) -> dict[str, Any]:
        async def use(token: str) -> dict[str, Any]:
            return await self._graph.call(method, path, token, **more)

        return await self._as_account(account, use)

    async def _as_account(self, account: str, use: Callable[[str], Awaitable[T]]) -> T:
        """Do something with an account's own token."""

        async def of_page() -> Token:
            for page in await self._pages("id,access_token"):
                if text(page, ACCOUNT, "id") == account and text(page, "access_token"):
                    return Token(text(page, "access_token"), PAGE_TOKEN_SECONDS)
            return Token(self._config.access_token, PAGE_TOKEN_SECONDS)

        async def token(refused: str) -> str:
            if self._linked:
                return await self._io.token(f"account:{account}:{self._mark}", of_page, instead_of=refused)
            return await self._io.token(f"instagram:{self._mark}", self._refreshed, instead_of=refused)

        return await with_token(token, use)

    async def _until(self, renewed: float = 0) -> str:
        """Return when the account's token ends at the latest (Unix seconds); `renewed`: how long a new one lives from now."""

        async def reckoned() -> Token:
            end = datetime.now(UTC).timestamp() + (renewed or LIFE_SECONDS)
            return Token(str(int(end)), FOR_GOOD_SECONDS)

        name = f"instagram:until:{self._mark}"
        known = await self._io.token(name, reckoned)
        return await self._io.token(name, reckoned, instead_of=known) if renewed else known

    async def _refreshed(self) -> Token:
        """Return the account's token, good for another 60 days.

        Each is made of the one before, which is therefore kept until then; the first is the administrator's.
        """

        async def given() -> Token:
            return Token(self._config.access_token, FOR_GOOD_SECONDS)

        name = f"instagram:latest:{self._mark}"
        before = await self._io.token(name, given)
        await self._until()
        params = {"grant_type": "ig_refresh_token", "access_token": before}
        try:
            found = await self._graph.call(
                "GET", "refresh_access_token", before, params=params, versioned=False
            )
        except Retry:
            raise
        except Outcome:
            # Younger than a day, or no longer good: the next call will say which.
            return Token(before, DAY_SECONDS)
        fresh, seconds = text(found, "access_token"), number(found, "expires_in")
        if not fresh or not seconds:
            return Token(before, DAY_SECONDS)
        if fresh != before:

            async def latest() -> Token:
                return Token(fresh, FOR_GOOD_SECONDS)

            await self._io.token(name, latest, instead_of=before)
        await self._until(seconds)
        # Long before its end, so that a platform that is away for days does no harm.
        return Token(fresh, max(DAY_SECONDS, seconds / 2))


def _account(ident: str, found: dict[str, Any]) -> Account:
    username = text(found, "username")
    return Account(ident, f"@{username}" if username else text(found, "name"))


def _post(found: dict[str, Any]) -> Post:
    film = text(found, "media_type") in {"VIDEO", "REELS"}
    return Post(
        text=text(found, "caption") or text(found, "text"),
        url=text(found, "permalink"),
        picture=text(found, "thumbnail_url") or ("" if film else text(found, "media_url")),
        author=text(found, "username"),
    )
