"""Alibaba Cloud's SMS: SendSms with approved signs and templates, SendMessageToGlobe with plain text, pushes back."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

import msgspec

from switchboard.channels.api import (
    MOST_TEMPLATES,
    Account,
    ApprovedTemplate,
    Inbound,
    InDoubt,
    Io,
    Outbound,
    RawRequest,
    Reauthorise,
    Refused,
    Reply,
    Response,
    Retry,
    Sent,
    Template,
    field,
    redact,
    secret,
    secrets_of,
)
from switchboard.channels.families import sms
from switchboard.channels.sms_aliyun.inbound import MAINLAND, facts_of
from switchboard.channels.sms_aliyun.signature import authorization

API, VERSION = "https://dysmsapi.aliyuncs.com", "2017-05-25"
ABROAD, ABROAD_VERSION = "https://dysmsapi.ap-southeast-1.aliyuncs.com", "2018-05-01"
EMPTY = hashlib.sha256(b"").hexdigest()
_VARIABLE = re.compile(r"\$\{(\w+)\}")
PAGE = 50
_CATEGORIES = {"0": "验证码", "1": "通知", "2": "推广", "3": "国际/港澳台"}
ACCEPTED = '{"code":0,"msg":"成功"}'.encode()

# Codes of the product bear isv. or isp. in front at home, and nothing abroad.
_NOBODY = {"MOBILE_NUMBER_ILLEGAL", "MOBILE_IN_BLACK"}
_CREDENTIALS = re.compile(
    r"InvalidAccessKeyId|SignatureDoesNotMatch|IncompleteSignature|InvalidTimeStamp|Forbidden|NoPermission|"
    r"RAM_PERMISSION_DENY|RAM_CHECK_FAILED|FORBIDDEN_ACTION|ACCOUNT_|PRODUCT_UN|OUT_OF_SERVICE|AMOUNT_NOT_ENOUGH"
)
"""Nothing goes out until an administrator acts: keys, rights, no money left."""
_LATER = re.compile(r"Throttling|ServiceUnavailable|InternalError|SignatureNonceUsed|SYSTEM_ERROR|GATEWAY")
_LIMIT = re.compile(r"BUSINESS_LIMIT|DAY_LIMIT")
_LIMITS = {
    "分钟级": 60.0,
    "小时级": 3600.0,
    "天级": 4 * 3600.0,
    "MINUTE": 60.0,
    "HOUR": 3600.0,
    "DAY": 4 * 3600.0,
}
"""How long to wait, by what stands in the words or in the code."""


class AliyunConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One cloud account, with the signs under which it may send."""

    access_key_id: Annotated[
        str,
        field(
            "AccessKey ID",
            "AccessKey ID",
            "Of a RAM user that may only use SMS.",
            "建议使用仅有短信权限的 RAM 用户。",
        ),
    ]
    access_key_secret: Annotated[
        str,
        secret(
            "AccessKey Secret",
            "AccessKey Secret",
            "Shown once, when the key is made.",
            "仅在创建 AccessKey 时显示一次。",
        ),
    ]
    sign_names: Annotated[
        str,
        field(
            "Approved signs",
            "短信签名",
            "As approved, without 【】, one a line. Each becomes a channel.",
            "填写已审核通过的签名（不含【】），每行一个，每个签名成为一个渠道。",
            **{"x-lines": 3},
        ),
    ]
    reply_template: Annotated[
        str,
        field(
            "Template for replies",
            "回复模板",
            "Code (SMS_…) of an approved template with one variable. What agents write to mainland numbers goes into it; "
            "without it only templates can be sent there.",
            "已审核通过且只含一个变量的模板 CODE（SMS_…）。坐席发往大陆号码的文字将填入该变量；留空则大陆号码只能发送模板。",
        ),
    ] = ""
    sender_id: Annotated[
        str,
        field(
            "Sender abroad",
            "境外发送者名称",
            "Shown outside the mainland: up to 11 letters, or a number. Empty: chosen by Alibaba Cloud.",
            "境外收件人看到的发送者：最多 11 个字母数字或一个号码；留空由阿里云决定。",
        ),
    ] = ""

    def accounts(self) -> list[str]:
        """Return the signs, each once."""
        written = [one.strip().strip("【】") for one in re.split(r"[\n,;，；]+", self.sign_names)]
        return list(dict.fromkeys(one for one in written if one)) or ["?"]


class AliyunChannel:
    """One cloud account; each sign is a channel."""

    config_type: ClassVar[type[msgspec.Struct]] = AliyunConfig

    def __init__(self, config: AliyunConfig, io: Io) -> None:
        self._config = config
        self._io = io
        self._secrets = secrets_of(config)
        self._variables: dict[str, list[str]] = {}
        """Names of templates' variables; an approved template doesn't change."""

    # -- coming in -----------------------------------------------------------------------------------------

    def verify(self, request: RawRequest) -> None:
        """Alibaba Cloud signs no push: the secret in our address is all the proof there is."""

    def parse(self, request: RawRequest) -> list[Inbound]:
        """Return the facts of one push."""
        return facts_of(request.body, self._config.accounts())

    def ack(self, request: RawRequest) -> Reply:
        """Say yes in the words that end the pushing; `code` must be a number."""
        del request
        return Reply(200, ACCEPTED, "application/json; charset=utf-8")

    # -- going out -----------------------------------------------------------------------------------------

    async def send(self, message: Outbound) -> Sent:
        """Send a template, or plain text outside the mainland. Our key comes back with the report and settles doubts."""
        signs = self._config.accounts()
        sign = message.account if message.account in signs else signs[0]
        number = sms.recipient(message).removeprefix("+")
        out_id = sms.out_id(message.idempotency_key, signs.index(sign))
        at_home = number.startswith(MAINLAND) and len(number) == len(MAINLAND) + 11
        (part,) = message.parts if len(message.parts) == 1 else (None,)
        if isinstance(part, Template):
            code, values = part.name, part.variables
        elif at_home and self._config.reply_template:
            code, values = self._config.reply_template, ["\n".join(map(sms.words, message.parts))]
        elif at_home:
            raise Refused(
                "Mainland numbers can be written to by approved templates only. Choose a template, or set one for replies.",
                code="template_only",
            )
        else:
            return await self._abroad(message, number, out_id)
        params = {
            "PhoneNumbers": number.removeprefix(MAINLAND) if at_home else number,
            "SignName": sign,
            "TemplateCode": code,
            "OutId": out_id,
        }
        if values:
            params["TemplateParam"] = await self._filled(code, values)
        found = await self._call("SendSms", params)
        return Sent(str(found.get("BizId") or ""))

    async def _abroad(self, message: Outbound, number: str, out_id: str) -> Sent:
        params = {"To": number, "Message": "\n".join(map(sms.words, message.parts)), "TaskId": out_id}
        if self._config.sender_id:
            params["From"] = self._config.sender_id
        found = await self._call("SendMessageToGlobe", params)
        return Sent(str(found.get("MessageId") or ""))

    async def _filled(self, code: str, values: list[str]) -> str:
        """Return a template's variables as JSON; their names stand in its text, in order."""
        if code not in self._variables:
            found = await self._call("QuerySmsTemplate", {"TemplateCode": code})
            self._variables[code] = _names(str(found.get("TemplateContent") or ""))
        names = self._variables[code]
        if len(names) != len(values):
            raise Refused(
                f"The template {code[:60]} has {len(names)} variables, {len(values)} were given.",
                code="variables",
            )
        return msgspec.json.encode(dict(zip(names, values, strict=True))).decode()

    # -- the account ---------------------------------------------------------------------------------------

    async def probe(self) -> list[Account]:
        """Return the signs; raises Refused for one that is not approved."""
        for sign in self._config.accounts():
            found = await self._call("QuerySmsSign", {"SignName": sign})
            if str(found.get("SignStatus")) != "1":
                raise Refused(
                    f"The sign 【{sign}】 is not approved: {found.get('Reason') or 'still under review'}"[
                        :500
                    ],
                    code="sign",
                )
        return [Account(sign, sign) for sign in self._config.accounts()]

    async def list_templates(self, account: str) -> list[ApprovedTemplate]:
        """Return the templates that passed the review: the cloud account's, as they read under this sign."""
        signs = self._config.accounts()
        sign = account if account in signs else signs[0]
        rows: list[Any] = []
        for page in range(1, MOST_TEMPLATES // PAGE + 1):
            asked = {"PageIndex": str(page), "PageSize": str(PAGE)}
            found = (await self._call("QuerySmsTemplateList", asked)).get("SmsTemplateList")
            fresh = found if isinstance(found, list) else []
            rows += fresh
            if len(fresh) < PAGE:
                break
        passed = [r for r in rows if isinstance(r, dict) and r.get("AuditStatus") == "AUDIT_STATE_PASS"]
        return [_listed(row, sign) for row in passed if sms.text(row, "TemplateCode")]

    # -- the API -------------------------------------------------------------------------------------------

    async def _call(self, action: str, params: Mapping[str, str]) -> dict[str, Any]:
        abroad = action == "SendMessageToGlobe"
        base = (
            self._io.platform_url("aliyun_international", ABROAD)
            if abroad
            else self._io.platform_url("aliyun", API)
        )
        headers = {
            "host": urlsplit(base).netloc,
            "x-acs-action": action,
            "x-acs-content-sha256": EMPTY,
            "x-acs-date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": secrets.token_hex(16),
            "x-acs-version": ABROAD_VERSION if abroad else VERSION,
        }
        config = self._config
        proof = authorization(config.access_key_id, config.access_key_secret, "POST", "/", params, headers)
        answer = await self._io.http.request(
            "POST",
            f"{base}/",
            headers={**headers, "authorization": proof, "accept": "application/json"},
            params=params,
        )
        return self._object(answer)

    def _object(self, answer: Response) -> dict[str, Any]:
        """Return a yes; raises the outcome of anything else. Refusals of the SMS product come with HTTP 200."""
        try:
            found = answer.json()
        except Retry:
            if answer.status in (200, 500, 502, 504):
                raise InDoubt(
                    f"Alibaba Cloud's answer can't be read ({answer.status}).", code=str(answer.status)
                ) from None
            found = {}
        found = found if isinstance(found, dict) else {}
        code = str(found.get("Code") or found.get("ResponseCode") or "")
        if answer.status == 200 and code == "OK":
            return found
        said = str(found.get("Message") or found.get("ResponseDescription") or "")[:400]
        words = redact(f"{said} ({code or answer.status})".strip(), self._secrets)
        code = code or str(answer.status)
        name = code.removeprefix("isv.").removeprefix("isp.")
        if answer.status == 401 or _CREDENTIALS.match(name):
            raise Reauthorise(words, code=code)
        if _LIMIT.match(name):
            after = next((seconds for unit, seconds in _LIMITS.items() if unit in f"{said} {name}"), 3600.0)
            raise Retry(words, code=code, after=after)
        if answer.status == 429 or answer.status >= 500 or _LATER.match(name):
            given = answer.headers.get("retry-after", "")
            raise Retry(words, code=code, after=float(given) if given.isdigit() else None)
        raise Refused(words, code=code, unreachable=name in _NOBODY)


def _names(text: str) -> list[str]:
    """Return the variables of a template's text, each once, in their order."""
    return list(dict.fromkeys(_VARIABLE.findall(text)))


def _listed(row: dict[str, Any], sign: str) -> ApprovedTemplate:
    said = sms.text(row, "TemplateContent")
    kind = sms.text(row, "OuterTemplateType") or sms.text(row, "TemplateType")
    return ApprovedTemplate(
        name=sms.text(row, "TemplateCode"),
        language=sms.language_of(said),
        text=f"【{sign}】" + _VARIABLE.sub(r"{\1}", said),
        variables=_names(said),
        title=sms.text(row, "TemplateName"),
        category=_CATEGORIES.get(kind, ""),
    )
