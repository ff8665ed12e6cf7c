"""A Telegram bot: its webhook or its long poll, its sends, its files."""

import asyncio
import hashlib
import hmac
import mimetypes
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import quote

import msgspec

from switchboard.channels.api import (
    MEDIA,
    Account,
    AccountChanged,
    BadPayload,
    BadSignature,
    Claim,
    Content,
    Inbound,
    InDoubt,
    Io,
    Outbound,
    Outcome,
    Polled,
    Profile,
    RawRequest,
    Reauthorise,
    Refused,
    Reply,
    Retry,
    Sent,
    Source,
    decode,
    field,
    secret,
)
from switchboard.channels.telegram.inbound import SPACE, SUBSCRIBED, Context, facts_of, unreadable
from switchboard.channels.telegram.outbound import (
    Answer,
    call_for,
    chat_id,
    failure,
    form_of,
    moved_to,
    read,
    target,
    uploaded,
)
from switchboard.channels.telegram.payloads import (
    Address,
    Chat,
    Id,
    User,
    WebhookInfo,
    message_key,
    message_number,
)

API = "https://api.telegram.org"
HEADER = "x-telegram-bot-api-secret-token"
BATCH = 100
POLL_SECONDS = 25
DOWNLOAD_BYTES = 20 * 1024 * 1024


class TelegramConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One bot."""

    token: Annotated[
        str,
        msgspec.Meta(pattern=r"^\s*[0-9]{1,20}:[A-Za-z0-9_-]{3,100}\s*$"),
        secret(
            "Bot token",
            "机器人令牌",
            "The long code that @BotFather gave you, like 123456:ABC…",
            "@BotFather 给你的一长串代码，形如 123456:ABC…",
        ),
    ]
    intake: Annotated[
        Literal["webhook", "poll"],
        field(
            "How messages arrive",
            "消息接收方式",
            "webhook: Telegram calls us (needs a public https address). "
            "poll: we ask Telegram (works behind a firewall).",
            "webhook：由 Telegram 主动推送（需要公网 https 地址）；"
            "poll：由我们主动拉取（在防火墙之后也能用）。",
        ),
    ] = "webhook"
    webhook_secret: Annotated[
        str,
        msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{0,256}$"),
        field(
            "Webhook secret",
            "Webhook 密钥",
            "Telegram repeats it with every call, so that nobody else can speak for it. Filled in for you.",
            "Telegram 每次推送都会带上它，用来确认消息确实来自 Telegram。系统会自动生成。",
            **{"x-secret": True, "x-generated": True},
        ),
    ] = ""
    comment_groups: Annotated[
        str,
        field(
            "Discussion groups",
            "评论群",
            "Ids of the groups that hold the comments on your channels, separated by commas "
            "(-1001234567890). There every post gets a conversation of its own.",
            "频道关联的评论群编号，用逗号分隔（如 -1001234567890）。这些群里每个帖子的评论会成为单独的会话。",
        ),
    ] = ""


class TelegramChannel:
    """Speaks the Bot API for one bot, so the account is always the same: the id that begins the token."""

    config_type: ClassVar[type[msgspec.Struct]] = TelegramConfig

    def __init__(self, config: TelegramConfig, io: Io) -> None:
        self._config = config
        self._io = io
        self._token = config.token.strip()
        self._account = self._token.partition(":")[0]
        self._groups = frozenset(config.comment_groups.replace(",", " ").replace("，", " ").split())
        # The half of the token after the colon is the secret one; it must not show alone either.
        kept = (self._token, self._token.partition(":")[2], config.webhook_secret)
        self._secrets = [value for value in kept if value]

    @property
    def polling(self) -> bool:
        """Whether messages are fetched; else `poll` has nothing to do."""
        return self._config.intake == "poll"

    # -- in ----------------------------------------------------------------------------------------

    def verify(self, request: RawRequest) -> None:
        """Compare the secret that Telegram repeats; there is no signature over the body."""
        want, got = self._config.webhook_secret, request.headers.get(HEADER, "")
        if not want or not hmac.compare_digest(want.encode(), got.encode("utf-8", "replace")):
            raise BadSignature("the secret token is missing or wrong")

    def parse(self, request: RawRequest) -> list[Inbound]:
        """Return the facts of the one update in a webhook call, or of a stored answer to getUpdates."""
        body = decode(request.body)
        if isinstance(body, dict) and isinstance(body.get("result"), list):
            return [fact for update in body["result"] for fact in self._facts(update)]
        if _number(body) is None:
            raise BadPayload("not an update: update_id is missing")
        return self._facts(body)

    def _facts(self, update: Any) -> list[Inbound]:
        number = _number(update)
        if number is not None:
            return facts_of(update, Context(self._account, str(number), self._groups))
        digest = hashlib.sha256(msgspec.json.encode(update)).hexdigest()[:32]
        return [unreadable(update, Context(self._account, digest), "update_id is missing")]

    def ack(self, request: RawRequest) -> Reply:
        """Answer a pressed button in the acknowledgement itself, else it shows a clock for a minute."""
        try:
            update = decode(request.body)
        except BadPayload:
            return Reply()
        query = update.get("callback_query") if isinstance(update, dict) else None
        number = query.get("id") if isinstance(query, dict) else None
        if not isinstance(number, str):
            return Reply()
        body = msgspec.json.encode({"method": "answerCallbackQuery", "callback_query_id": number})
        return Reply(body=body, content_type="application/json")

    async def poll(self, account: str, cursor: str) -> Polled:
        """Wait up to 25 seconds for updates; with intake by webhook only the waiting is done.

        The cursor is the number of the next update; asking with it confirms the earlier ones.
        """
        if not self.polling or account != self._account:
            await asyncio.sleep(POLL_SECONDS)  # whoever asks in a loop shall not spin
            return Polled([], cursor)
        fields: dict[str, Any] = {"limit": BATCH, "timeout": POLL_SECONDS, "allowed_updates": SUBSCRIBED}
        upcoming = int(cursor) if cursor.isascii() and cursor.isdecimal() else 0
        if upcoming:
            fields["offset"] = upcoming
        updates, raw = await self._updates(fields)
        facts: list[Inbound] = []
        for update in updates:
            facts += self._facts(update)
            upcoming = max(upcoming, (_number(update) or 0) + 1)
            await self._answer_button(update)
        return Polled(facts, str(upcoming) if updates else cursor, more=len(updates) >= BATCH, raw=raw)

    async def _updates(self, fields: dict[str, Any]) -> tuple[list[Any], bytes]:
        url = self._url("getUpdates")
        try:
            response = await self._io.http.request("POST", url, json=fields, timeout=POLL_SECONDS + 10)
        except InDoubt as doubt:  # asking twice does no harm
            raise Retry(str(doubt), code=doubt.code) from None
        answer = read(response)
        if not answer.ok:
            if answer.error_code == 409 and "webhook" in answer.description:
                await self._call("deleteWebhook", {})
            raise failure(answer, response, self._secrets)
        return answer.result if isinstance(answer.result, list) else [], response.body

    async def _answer_button(self, update: Any) -> None:
        query = update.get("callback_query") if isinstance(update, dict) else None
        if isinstance(query, dict) and isinstance(query.get("id"), str):
            try:
                await self._call("answerCallbackQuery", {"callback_query_id": query["id"]})
            except Outcome:
                pass  # the press itself is what counts; too late an answer is refused

    # -- out ---------------------------------------------------------------------------------------

    async def send(self, message: Outbound) -> Sent:
        """Send one part; a group that has become a supergroup is followed to its new id at once."""
        if len(message.parts) != 1:
            raise Refused("Telegram takes one part a message.", code="parts")
        part = message.parts[0]
        call = call_for(part)
        fields = {**target(message), **call.fields}
        files: dict[str, tuple[str, bytes, str]] = {}
        if call.upload and isinstance(part, MEDIA):
            if part.file_id is None:
                raise Refused("The file isn't stored here.", code="file")
            files = {call.upload: uploaded(await self._io.file(part.file_id), part)}
        result = await self._call(call.method, fields, files)
        number = result.get("message_id") if isinstance(result, dict) else None
        if isinstance(number, bool) or not isinstance(number, int):
            return Sent()
        chat = result["chat"].get("id") if isinstance(result.get("chat"), dict) else fields["chat_id"]
        return Sent(message_key(chat, number, fields.get("business_connection_id", "")))

    async def mark_read(self, account: str, to: str, external_id: str, typing: bool) -> None:  # noqa: ARG002
        """Show that somebody is typing; in business chats also that the message was read."""
        address = Address.read(to)
        fields: dict[str, Any] = {"chat_id": chat_id(address.chat)}
        if address.business:
            fields["business_connection_id"] = address.business
            number = message_number(external_id, address.chat)
            if number:
                await self._call("readBusinessMessage", {**fields, "message_id": number})
        if typing:
            await self._call("sendChatAction", {**fields, "action": "typing"})

    # -- the account -------------------------------------------------------------------------------

    async def probe(self) -> list[Account]:
        """Ask the bot for its name."""
        bot = _converted(await self._call("getMe", {}), User)
        return [Account(str(bot.id), f"{bot.name} (@{bot.username})" if bot.username else bot.name)]

    async def register(self, webhook_url: str) -> None:
        """Tell Telegram our address, or take it away where we poll."""
        if self.polling:
            await self._call("deleteWebhook", {})
            return
        fields = {
            "url": webhook_url,
            "secret_token": self._config.webhook_secret,
            "allowed_updates": SUBSCRIBED,
        }
        await self._call("setWebhook", fields)

    async def check(self, webhook_url: str) -> list[AccountChanged]:
        """Tell when Telegram calls another address than ours, or has had trouble with it in the last minutes."""
        found = _converted(await self._call("getWebhookInfo", {}), WebhookInfo)
        code = words = ""
        if found.url != ("" if self.polling else webhook_url):
            code, words = (
                "webhook_elsewhere",
                "Telegram calls another webhook address than this installation's.",
            )
            if not found.url:
                code, words = (
                    "webhook_off",
                    "Telegram has no webhook address for this bot: no messages arrive.",
                )
        elif found.pending_update_count and found.last_error_message:
            code, words = (
                "webhook_trouble",
                f"{found.pending_update_count} waiting at Telegram: {found.last_error_message}",
            )
        if not code:
            return []
        news = AccountChanged(account="", dedupe_key=f"check:{code}", status="amber", code=code, detail=words)
        return [news]

    async def fetch_media(self, account: str, source: Source) -> Content:  # noqa: ARG002
        """Download a file; Telegram gives bots 20 MB at most, and a file's address for an hour."""
        found = await self._call("getFile", {"file_id": source.ref})
        path = found.get("file_path") if isinstance(found, dict) else None
        if not isinstance(path, str) or not path:
            raise Refused("Telegram doesn't give this file away any more.", code="file")
        url = f"{self._io.platform_url('telegram', API)}/file/bot{self._token}/{quote(path)}"
        response = await self._io.http.request("GET", url, timeout=60, max_bytes=DOWNLOAD_BYTES)
        if response.status == 401:
            raise Reauthorise("Telegram refused the bot token.", code="401")
        if response.status == 429 or response.status >= 500:
            raise Retry(f"Telegram's file server answered {response.status}", code=str(response.status))
        if response.status != 200:
            raise Refused(f"Telegram's file server answered {response.status}", code=str(response.status))
        name = path.rsplit("/", 1)[-1]
        mime = mimetypes.guess_type(name)[0] or response.headers.get("content-type", "")
        return Content(name, mime.partition(";")[0] or "application/octet-stream", response.body)

    async def fetch_profile(self, account: str, claim: Claim) -> Profile:  # noqa: ARG002
        """Look a person or group up; pictures are references for `fetch_media`."""
        if claim.space != SPACE:
            return Profile()
        found = await self._call("getChat", {"chat_id": chat_id(claim.value)})
        chat = _converted(found, Chat)
        photo = found.get("photo")
        picture = photo.get("big_file_id") if isinstance(photo, dict) else None
        return Profile(
            name=chat.name, avatar=Source(picture) if isinstance(picture, str) and picture else None
        )

    # -- one call ----------------------------------------------------------------------------------

    def _url(self, method: str) -> str:
        return f"{self._io.platform_url('telegram', API)}/bot{self._token}/{method}"

    async def _call(
        self,
        method: str,
        fields: Mapping[str, Any],
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
    ) -> Any:
        """Call the Bot API and return its result; raises the outcome that its error means."""
        answer = await self._once(method, fields, files)
        if isinstance(answer, int):
            # Messages are numbered anew in the supergroup: what was answered isn't known there.
            moved = {name: value for name, value in fields.items() if name != "reply_parameters"}
            answer = await self._once(method, {**moved, "chat_id": answer}, files)
        if isinstance(answer, int):
            raise Retry("The group is being moved; try again.", code="migrate")
        return answer.result

    async def _once(
        self, method: str, fields: Mapping[str, Any], files: Mapping[str, tuple[str, bytes, str]] | None
    ) -> Answer | int:
        """Return the answer, or the id of the chat that the call should have gone to."""
        if files:
            response = await self._io.http.request(
                "POST", self._url(method), form=form_of(fields), files=files, timeout=120
            )
        else:
            response = await self._io.http.request("POST", self._url(method), json=dict(fields))
        answer = read(response)
        new = moved_to(answer, fields)
        if new is not None:
            return new
        if not answer.ok:
            raise failure(answer, response, self._secrets)
        return answer


def _number(update: object) -> int | None:
    """Return an update's number, if it has a sane one."""
    try:
        return msgspec.convert(update, _Numbered).update_id
    except msgspec.ValidationError:
        return None


class _Numbered(msgspec.Struct, frozen=True):
    update_id: Id


def _converted(result: Any, kind: type[Any]) -> Any:
    try:
        return msgspec.convert(result, kind)
    except msgspec.ValidationError:
        raise Retry("Telegram's answer is not as documented", code="answer") from None
