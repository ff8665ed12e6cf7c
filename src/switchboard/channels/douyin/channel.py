"""The Douyin channel: one app of the open platform, one webhook address, one channel per authorised account."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Annotated, ClassVar

import msgspec

from switchboard.channels.api import (
    Account,
    BadSignature,
    Content,
    Inbound,
    Io,
    Outbound,
    Post,
    RawRequest,
    Refused,
    Reply,
    Response,
    Sent,
    Source,
    field,
    secret,
)
from switchboard.channels.douyin.inbound import challenge_of, facts_of
from switchboard.channels.douyin.openapi import OpenApi
from switchboard.channels.douyin.outbound import optional, send
from switchboard.channels.reading import Json, rows, text


class DouyinConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One app, and the accounts that have authorised it."""

    client_key: Annotated[
        str,
        field(
            "Client key",
            "应用 Client Key（AppID）",
            "Console > your app > Overview. A mini-program's AppID (tt…) counts as well.",
            "控制台 > 应用详情中的 Client Key；小程序填写 AppID（tt 开头）。",
        ),
    ]
    client_secret: Annotated[
        str,
        secret(
            "Client secret",
            "应用 Client Secret（AppSecret）",
            "From the same page. Douyin signs its webhooks with it.",
            "与 Client Key 在同一页面，抖音用它对回调签名。",
        ),
    ]
    accounts: Annotated[
        str,
        secret(
            "Authorised accounts",
            "已授权账号",
            "For each account its open_id, a space, and its refresh_token (rft.…); parted by semicolons or lines.",
            "每个账号依次填写 open_id、空格、refresh_token（rft. 开头），多个账号用分号或换行分隔。",
        ),
    ]


def accounts_of(written: str) -> dict[str, str]:
    """Return refresh tokens by open id."""
    entries = (entry.split() for entry in written.replace(";", "\n").replace("；", "\n").splitlines())
    return {entry[0]: entry[1] for entry in entries if len(entry) == 2}


class DouyinChannel:
    """Translates between Douyin's JSON and our facts; holds no state."""

    config_type: ClassVar[type[msgspec.Struct]] = DouyinConfig

    def __init__(self, config: DouyinConfig, io: Io) -> None:
        self._config = config
        self._io = io
        self._accounts: Mapping[str, str] = accounts_of(config.accounts)
        self._api = OpenApi(io, config.client_key, config.client_secret, self._accounts)

    # -- coming in -----------------------------------------------------------------------------------------

    def verify(self, request: RawRequest) -> None:
        """Compare the signature: hex of SHA-1 over client secret and raw body. The check of the address has one as well."""
        wanted = hashlib.sha1(self._config.client_secret.encode() + request.body).hexdigest()  # noqa: S324 (Douyin's choice)
        given = request.headers.get("x-douyin-signature", "")
        if not hmac.compare_digest(wanted.encode(), given.encode("utf-8", "replace")):
            raise BadSignature("X-Douyin-Signature is missing or does not fit the body and the client secret")

    def ack(self, request: RawRequest) -> Reply:
        """Say the challenge again when Douyin checks the address; anything else is content with an empty 200."""
        challenge = challenge_of(request.body)
        if challenge is None:
            return Reply()
        body = msgspec.json.encode({"challenge": challenge})
        return Reply(body=body, content_type="application/json")

    def parse(self, request: RawRequest) -> list[Inbound]:
        """Return the facts of one event; `account` is the open id of the authorised account."""
        return facts_of(request.body, self._config.client_key, self._accounts)

    # -- going out -----------------------------------------------------------------------------------------

    async def send(self, message: Outbound) -> Sent:
        """Send one message, or write one comment."""
        return await send(message, self._api, self._io)

    async def fetch_media(self, account: str, source: Source) -> Content:
        """Download a picture or film that a customer took or chose; Douyin gives an address for it by message."""
        if source.url:
            return _content(await self._api.download(source.url))
        conversation, _, message = source.ref.partition(" ")
        if not message:
            raise Refused("the message named no file")

        async def use(token: str) -> Content:
            params = {"open_id": account, "conversation_id": conversation, "message_id": message}
            said = await self._api.call("GET", "/api/im/message/resources/", token, params=params)
            # Douyin says that its addresses may come escaped twice.
            url = text(said, "data", "url").replace("\\u0026", "&")
            if not url.startswith(("https://", "http://")):
                raise Refused("Douyin gives no address for this file.", code="no_address")
            return _content(await self._api.download(url, {"access-token": token, "openid": account}))

        return await optional(lambda: self._api.as_account(account, use))

    async def fetch_post(self, account: str, post: str) -> Post:
        """Look up a video of the account's."""

        async def use(token: str) -> Json:
            params, body = {"open_id": account}, {"item_ids": [post]}
            return await self._api.call(
                "POST", "/api/douyin/v1/video/video_data/", token, params=params, json=body
            )

        said = await optional(lambda: self._api.as_account(account, use))
        found = next(iter(rows(said, "data", "list")), None)
        if found is None:
            raise Refused("Douyin knows no such video of this account.", code="no_post")
        return Post(
            text=text(found, "title"), url=text(found, "share_url"), picture=text(found, "cover"), author=""
        )

    # -- the account ---------------------------------------------------------------------------------------

    async def probe(self) -> list[Account]:
        """Try the secret, then ask for each account's token and name."""
        if not self._accounts:
            raise Refused("Write at least one account: its open_id, a space, and its refresh_token.")
        await self._api.app_token()  # accounts need the key only, and a wrong secret refuses every webhook
        return [await self._account(open_id) for open_id in self._accounts]

    async def _account(self, open_id: str) -> Account:
        async def use(token: str) -> Json:
            form = {"open_id": open_id, "access_token": token}
            return await self._api.call("POST", "/oauth/userinfo/", token, form=form)

        async def named() -> Json:
            return await self._api.as_account(open_id, use)

        try:
            said = await optional(named)
        except Refused:
            # Names need a permission of their own; messages don't.
            said = {}
        return Account(open_id, text(said, "data", "nickname") or open_id)


def _content(answer: Response) -> Content:
    mime = answer.headers.get("content-type", "application/octet-stream").partition(";")[0]
    return Content("", mime.strip(), answer.body)
