"""Twilio's Programmable Messaging: signed webhooks in, one call for each message out, status callbacks back."""

import base64
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar
from urllib.parse import quote, urlsplit

import msgspec

from switchboard.channels.api import (
    MEDIA,
    Account,
    AccountChanged,
    Content,
    Inbound,
    InDoubt,
    Io,
    Media,
    Outbound,
    RawRequest,
    Reauthorise,
    Refused,
    Reply,
    Response,
    Retry,
    Sent,
    Source,
    Token,
    field,
    redact,
    secret,
    secrets_of,
)
from switchboard.channels.families import sms
from switchboard.channels.sms_twilio import signature
from switchboard.channels.sms_twilio.inbound import facts_of

API = "https://api.twilio.com"
MESSAGING = "https://messaging.twilio.com"
VERSION = "2010-04-01"
MEDIA_BYTES = 10_000_000
ADDRESS_SECONDS = 3600.0
NOT_ACTIVE = "20005"
"""Suspended or closed, as a rule because the money has run out."""
NOTHING = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'

_NOBODY = {21211, 21610, 21614, 21612}
_CREDENTIALS = {20003, 20005, 20006, 20403}
_LATER = {20429, 20500, 20503, 21611, 30001, 14107}


class TwilioConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One account (or subaccount), and its numbers."""

    account_sid: Annotated[
        str,
        field(
            "Account SID",
            "Account SID",
            "Console → Account Dashboard → Account Info; begins with AC.",
            "Console 首页 Account Info 中，以 AC 开头。",
        ),
    ]
    auth_token: Annotated[
        str,
        secret(
            "Auth Token",
            "Auth Token",
            "Same place. It proves that webhooks come from Twilio, so it is needed even with an API key.",
            "位置同上。用于验证回调来自 Twilio，即使使用 API Key 也必须填写。",
        ),
    ]
    api_key: Annotated[
        str,
        field(
            "API key SID",
            "API 密钥 SID",
            "Optional; begins with SK. Used instead of the auth token for sending.",
            "可选，以 SK 开头。填写后代替 Auth Token 用于发送。",
        ),
    ] = ""
    api_secret: Annotated[
        str, secret("API key secret", "API 密钥 Secret", "Optional, with the key.", "可选，与 API 密钥成对。")
    ] = ""
    numbers: Annotated[
        str,
        field(
            "Our numbers",
            "我方号码",
            "One a line or separated by commas, with +; short codes and sender names as they are. Empty: all numbers of the "
            "account that can send messages.",
            "每行一个或用逗号分隔，国际号码带 +；短号、字母发送者名称照原样填写。留空则使用该账号下所有可发短信的号码。",
            **{"x-lines": 3},
        ),
    ] = ""
    messaging_service_sid: Annotated[
        str,
        field(
            "Messaging Service SID",
            "Messaging Service SID",
            "Optional; begins with MG. Messages then go by this service (needed for A2P 10DLC campaigns).",
            "可选，以 MG 开头。填写后通过该服务发送（美国 A2P 10DLC 活动需要）。",
        ),
    ] = ""
    mms: Annotated[
        bool,
        field(
            "Send files as MMS",
            "以彩信发送文件",
            "Only numbers of the United States, Canada and few other countries can. Otherwise a link is sent.",
            "仅美国、加拿大等少数国家的号码支持；不勾选则发送链接。",
        ),
    ] = False


class TwilioChannel:
    """One account; each of its numbers is a channel."""

    config_type: ClassVar[type[msgspec.Struct]] = TwilioConfig

    def __init__(self, config: TwilioConfig, io: Io) -> None:
        self._config = config
        self._io = io
        self._secrets = secrets_of(config)

    # -- coming in -----------------------------------------------------------------------------------------

    def verify(self, request: RawRequest) -> None:
        """Compare the signature."""
        signature.check(request, self._config.auth_token)

    def parse(self, request: RawRequest) -> list[Inbound]:
        """Return the facts of one call."""
        return facts_of(request)

    def ack(self, request: RawRequest) -> Reply:
        """Answer with no instructions, so that Twilio sends nothing by itself."""
        del request
        return Reply(200, NOTHING, "text/xml; charset=utf-8")

    async def fetch_media(self, account: str, source: Source) -> Content:
        """Download what came with an MMS. Our credentials go to Twilio only."""
        del account
        ours = urlsplit(source.url)[:2] == urlsplit(self._base())[:2]  # scheme and host
        answer = await self._io.http.request(
            "GET", source.url, headers=self._basic() if ours else {}, timeout=60, max_bytes=MEDIA_BYTES
        )
        if answer.status != 200:
            self._raise(answer)
        mime = answer.headers.get("content-type", "").partition(";")[0].strip()
        return Content("", mime, answer.body)

    # -- going out -----------------------------------------------------------------------------------------

    async def send(self, message: Outbound) -> Sent:
        """Create one message. Twilio takes no key of ours, so a lost answer stays in doubt."""
        form = {"To": sms.recipient(message), "From": message.account}
        if self._config.messaging_service_sid:
            form["MessagingServiceSid"] = self._config.messaging_service_sid
        form |= await self._said(message)
        # Our address is as secret as a token and is kept like one; see `_know`.
        if address := await self._io.token("status_callback", _unknown):
            form["StatusCallback"] = address
        answer = await self._call("POST", f"{self._account()}/Messages.json", form)
        if answer.status not in (200, 201):
            self._raise(answer)
        found = _object(answer)
        return Sent(str(found.get("sid") or ""))

    async def _said(self, message: Outbound) -> dict[str, str]:
        texts: list[str] = []
        form: dict[str, str] = {}
        for part in message.parts:
            if not isinstance(part, MEDIA):
                texts.append(sms.words(part))
                continue
            url = await self._link(part)
            texts += [part.caption] if part.caption else []
            if self._config.mms and "MediaUrl" not in form:
                form["MediaUrl"] = url
            else:
                texts.append(url)
        return form | ({"Body": "\n".join(texts)} if texts else {})

    async def _link(self, part: Media) -> str:
        if part.file_id is None:
            raise Refused("The file to send is gone.", code="file_gone")
        url = (await self._io.file(part.file_id)).url
        # A stand-in on plain http may take plain http, too.
        if not url.startswith("https://" if self._base().startswith("https://") else ("https://", "http://")):
            raise Refused("Files need a public https address of this installation.", code="no_public_address")
        return url

    # -- the account ---------------------------------------------------------------------------------------

    async def probe(self) -> list[Account]:
        """Return the numbers; raises Reauthorise when Twilio doesn't know these credentials."""
        answer = await self._call("GET", f"{self._account()}.json")
        if answer.status != 200:
            self._raise(answer)
        status = str(_object(answer).get("status") or "active")
        if status != "active":
            raise Reauthorise(f"Twilio says that this account is {status[:40]}.", code=NOT_ACTIVE)
        told = self._numbers() or [number for number, _ in await self._held()]
        if not told:
            raise Refused("This account has no number that can send messages.", code="no_account")
        return [Account(number, number) for number in told]

    async def register(self, webhook_url: str) -> None:
        """Tell Twilio our address: for each number, and for the messaging service."""
        await self._know(webhook_url)
        chosen = self._numbers()
        for number, resource in await self._held():
            if not chosen or number in chosen:
                await self._change(f"{self._base()}{resource}", {"SmsUrl": webhook_url, "SmsMethod": "POST"})
        if service := self._config.messaging_service_sid:
            base = self._io.platform_url("twilio_messaging", MESSAGING)
            form = {"StatusCallback": webhook_url, "UseInboundWebhookOnNumber": "true"}
            await self._change(f"{base}/v1/Services/{quote(service, safe='')}", form)

    async def check(self, webhook_url: str) -> list[AccountChanged]:
        """Tell when Twilio calls another address than ours for one of our numbers."""
        await self._know(webhook_url)
        chosen = self._numbers()
        stray = [
            number
            for number, resource in await self._held(other_than=webhook_url)
            if resource and (not chosen or number in chosen)
        ]
        if not stray:
            return []
        words = f"Twilio calls another address for messages to {', '.join(stray)[:300]}."
        code = "webhook_elsewhere"
        return [
            AccountChanged(account="", dedupe_key=f"check:{code}", status="amber", code=code, detail=words)
        ]

    async def _know(self, webhook_url: str) -> None:
        """Remember, for all processes, where Twilio shall report how messages fare."""

        async def ours() -> Token:
            return Token(webhook_url, ADDRESS_SECONDS)

        known = await self._io.token("status_callback", ours)
        if known != webhook_url:
            await self._io.token("status_callback", ours, instead_of=known)

    async def _held(self, other_than: str = "") -> list[tuple[str, str]]:
        """Return (number, path of its resource) for all that can send; with an address only those that call another."""
        answer = await self._call(
            "GET", f"{self._account()}/IncomingPhoneNumbers.json", params={"PageSize": "1000"}
        )
        if answer.status != 200:
            self._raise(answer)
        listed = _object(answer).get("incoming_phone_numbers")
        found: list[tuple[str, str]] = []
        for one in listed if isinstance(listed, list) else []:
            able = one.get("capabilities") if isinstance(one, dict) else None
            if not isinstance(able, dict) or (able.get("sms") is not True and able.get("SMS") is not True):
                continue
            if other_than and one.get("sms_url") == other_than:
                continue
            found.append(
                (str(one.get("phone_number")), f"{self._path()}/IncomingPhoneNumbers/{one.get('sid')}.json")
            )
        return found

    def _numbers(self) -> list[str]:
        written = [one.strip() for one in re.split(r"[\n,;]+", self._config.numbers) if one.strip()]
        return list(dict.fromkeys((one.startswith("+") and sms.number(one)) or one for one in written))

    # -- the API -------------------------------------------------------------------------------------------

    def _base(self) -> str:
        return self._io.platform_url("twilio", API)

    def _path(self) -> str:
        return f"/{VERSION}/Accounts/{quote(self._config.account_sid, safe='')}"

    def _account(self) -> str:
        return f"{self._base()}{self._path()}"

    def _basic(self) -> dict[str, str]:
        config = self._config
        user, password = (
            (config.api_key, config.api_secret) if config.api_key else (config.account_sid, config.auth_token)
        )
        return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}

    async def _call(
        self,
        method: str,
        url: str,
        form: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Response:
        return await self._io.http.request(method, url, headers=self._basic(), form=form, params=params)

    async def _change(self, url: str, form: Mapping[str, str]) -> None:
        answer = await self._call("POST", url, form)
        if answer.status not in (200, 201):
            self._raise(answer)

    def _raise(self, answer: Response) -> None:
        """Raise the outcome of an answer that is not a yes."""
        try:
            found = _object(answer)
        except Retry:
            found = {}
        number = found.get("code")
        code = str(number if isinstance(number, int) else answer.status)
        words = redact(str(found.get("message") or f"Twilio answered {answer.status}.")[:500], self._secrets)
        if answer.status == 401 or number in _CREDENTIALS:
            raise Reauthorise(words, code=code)
        if answer.status == 429 or number in _LATER:
            after = answer.headers.get("retry-after", "")
            raise Retry(words, code=code, after=float(after) if after.isdigit() else None)
        if answer.status in (500, 502, 504) and not found:
            raise InDoubt(words, code=code)  # a gateway spoke; whether the API had acted, it can't know
        if answer.status >= 500:
            raise Retry(words, code=code)
        raise Refused(words, code=code, unreachable=number in _NOBODY)


async def _unknown() -> Token:
    return Token("", 1)


def _object(answer: Response) -> dict[str, Any]:
    found = answer.json()
    return found if isinstance(found, dict) else {}
