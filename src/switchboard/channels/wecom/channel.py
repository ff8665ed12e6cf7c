"""WeCom's customer service accounts: one app of a corporation, any number of accounts, a cursor for each."""

from typing import Annotated, Any, ClassVar

import msgspec

from switchboard.channels.api import (
    Account,
    Claim,
    Content,
    Inbound,
    InDoubt,
    Io,
    Outbound,
    Polled,
    Profile,
    RawRequest,
    Refused,
    Reply,
    Retry,
    Sent,
    Source,
    decode,
    field,
    secret,
    secrets_of,
)
from switchboard.channels.families.weixin import Gate, rows, scalars, text
from switchboard.channels.families.weixin_api import wecom_api
from switchboard.channels.families.weixin_inbox import UNION
from switchboard.channels.reading import Json
from switchboard.channels.wecom.callbacks import facts_of_callback
from switchboard.channels.wecom.inbound import facts_of_messages
from switchboard.channels.wecom.outbound import send_message

LABEL = "WeCom"
POLL = "poll:"
PAST = "past:"
"""Begins a cursor within the history of a new connection."""
BATCH = 40
"""Messages asked for at once: WeCom hands over 1,000, but reading those would hold up everything else for milliseconds."""
ACCOUNTS = 100
MOST_PAGES = 50
SYNC_SECONDS = 60


class WecomConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The credentials of one app that may use customer service accounts."""

    corp_id: Annotated[
        str,
        msgspec.Meta(pattern=r"^[0-9A-Za-z_-]{6,64}$"),
        field(
            "Corp ID",
            "企业 ID",
            "My company > Company information, at the bottom. Begins with ww.",
            "在“我的企业 > 企业信息”页面底部查看，通常以 ww 开头。",
        ),
    ]
    app_secret: Annotated[
        str,
        msgspec.Meta(min_length=1),
        secret(
            "Secret",
            "应用 Secret",
            "Of the app that customer service may be called by.",
            "“微信客服 > 可调用接口的应用”中所选自建应用的 Secret。",
        ),
    ]
    token: Annotated[
        str,
        msgspec.Meta(pattern=r"^[0-9A-Za-z]{3,32}$"),
        secret(
            "Token",
            "Token",
            "From the page where callbacks are set up.",
            "在“接收消息”回调配置页生成。",
        ),
    ]
    encoding_aes_key: Annotated[
        str,
        msgspec.Meta(pattern=r"^[0-9A-Za-z+/]{43}$"),
        secret(
            "EncodingAESKey",
            "EncodingAESKey",
            "From the same page, 43 characters.",
            "在同一页面生成，共 43 个字符。",
        ),
    ]
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


class WecomChannel:
    """Translates between WeCom's customer service and our facts; holds no state."""

    config_type: ClassVar[type[msgspec.Struct]] = WecomConfig

    def __init__(self, config: WecomConfig, io: Io) -> None:
        self._config = config
        self._io = io
        self._gate = Gate(config.token, config.encoding_aes_key, config.corp_id, signed=False)
        self._api = wecom_api(io, LABEL, config.corp_id, config.app_secret, secrets_of(config))

    def verify(self, request: RawRequest) -> None:
        """Check time, signature, ciphertext and CorpID."""
        self._gate.prove(request)

    def challenge(self, request: RawRequest) -> Reply:
        """Answer the console when it tries the address; the echo comes encrypted."""
        return self._gate.greet(request)

    def parse(self, request: RawRequest) -> list[Inbound]:
        """Return the facts of a callback, or of a stored answer to sync_msg."""
        if request.method == "POLL":
            account = request.url.removeprefix(POLL)
            return facts_of_messages(self._config.corp_id, decode(request.body), account)
        return facts_of_callback(self._gate.open(request.body))

    def ack(self, request: RawRequest) -> Reply:
        """Say that the callback has arrived."""
        del request
        return Reply(body=b"success")

    async def poll(self, account: str, cursor: str, hint: str = "") -> Polled:
        """Fetch what is new on one account; `hint` is the callback's token, without which WeCom counts calls strictly.

        With neither cursor nor hint this is a new connection, and what comes are the last three days: history, to the
        last page of it, which the cursor remembers.
        """
        past = cursor.startswith(PAST) or not (cursor or hint)
        cursor = cursor.removeprefix(PAST)
        wanted: Json = {"open_kfid": account, "limit": BATCH, "voice_format": 0}
        if cursor:
            wanted["cursor"] = cursor
        try:
            raw, said = await self._sync({**wanted, "token": hint} if hint else wanted)
        except Refused:
            if not hint:
                raise
            # The token is good for ten minutes; the messages are there without it.
            raw, said = await self._sync(wanted)
        following = text(said, "next_cursor") or cursor
        facts = facts_of_messages(self._config.corp_id, {"msg_list": [], **said}, account, backfill=past)
        more = text(said, "has_more") == "1" and following != cursor
        return Polled(facts, f"{PAST}{following}" if past and more else following, more, raw)

    async def _sync(self, wanted: Json) -> tuple[bytes, Json]:
        try:
            answer, token = await self._api.ask(
                "POST", "/cgi-bin/kf/sync_msg", json=wanted, timeout=SYNC_SECONDS
            )
        except InDoubt as doubt:
            raise Retry(f"The messages were not handed over: {doubt}") from None
        return answer.body, self._api.told(answer, token)

    async def send(self, message: Outbound) -> Sent:
        """Send one message; our message id keeps WeCom from taking it twice."""
        return await send_message(message, self._api, self._io, self._config.mini_program_app_id)

    async def fetch_media(self, account: str, source: Source) -> Content:
        """Download what a customer sent; WeCom keeps it for three days."""
        del account
        return await self._api.download(source)

    async def fetch_profile(self, account: str, claim: Claim) -> Profile:
        """Look a customer up: name, picture, UnionID where the corporation is bound, and by which way they came."""
        del account
        if claim.space != f"wecom:{self._config.corp_id}":
            raise Refused("WeCom tells only of customers of this corporation.")
        body = {"external_userid_list": [claim.value], "need_enter_session_context": 1}
        said = await self._api.call("POST", "/cgi-bin/kf/customer/batchget", json=body)
        found: Any = next(iter(rows(said, "customer_list")), None)
        if found is None:
            raise Refused("WeCom tells nothing of this customer.", code="unknown")
        union, picture = text(found, "unionid").strip(), text(found, "avatar")
        context = found.get("enter_session_context")
        data = scalars(context) if isinstance(context, dict) else {}
        for channels in rows(context, "wechat_channels"):
            data |= {f"channels_{name}": value for name, value in scalars(channels).items()}
        return Profile(
            name=text(found, "nickname"),
            avatar=Source(url=picture) if picture.startswith(("https://", "http://")) else None,
            claims=[Claim(UNION, union)] if union else [],
            data=data,
        )

    async def probe(self) -> list[Account]:
        """List the customer service accounts that this app may speak for."""
        found: list[Account] = []
        for page in range(MOST_PAGES):
            body = {"offset": page * ACCOUNTS, "limit": ACCOUNTS}
            said = await self._api.call("POST", "/cgi-bin/kf/account/list", json=body)
            listed = rows(said, "account_list")
            found += [
                Account(text(one, "open_kfid"), text(one, "name") or text(one, "open_kfid"))
                for one in listed
                if text(one, "open_kfid") and one.get("manage_privilege") is not False
            ]
            if len(listed) < ACCOUNTS:
                break
        return found
