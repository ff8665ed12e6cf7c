"""Tencent Cloud's SMS: SendSms with approved signs and templates, replies and reports pushed back."""

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
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
from switchboard.channels.sms_tencent.inbound import MAINLAND, facts_of
from switchboard.channels.sms_tencent.signature import authorization

API, VERSION = "https://sms.tencentcloudapi.com", "2021-01-11"
ACCEPTED = b'{"result":0,"errmsg":"OK"}'
SIGNS_A_PAGE, MOST_SIGNS = 100, 1000
TEMPLATES_A_PAGE = 100
_VARIABLE = re.compile(r"\{(\d{1,2})\}")

_NOBODY = {
    "FailedOperation.PhoneNumberInBlacklist",
    "FailedOperation.PhoneNumberParseFail",
    "InvalidParameterValue.IncorrectPhoneNumber",
}
_NEVER = {
    "UnauthorizedOperation.IndividualUserMarketingSmsPermissionDeny",
    "LimitExceeded.AppCountryOrRegionInBlacklist",
    "LimitExceeded.PhoneNumberCountLimit",
}
"""Refusals of this one message, though their names sound like credentials or limits."""
_CREDENTIALS = re.compile(
    r"AuthFailure|UnauthorizedOperation|InvalidParameterValue\.SdkAppIdNotExist|InternalError\.Sig|"
    r"FailedOperation\.(?:InsufficientBalanceInSmsPackage|NotEnterpriseCertification)|UnsupportedRegion"
)
"""Nothing goes out until an administrator acts: keys, rights, an application switched off, no money left."""
_UNSURE = {"InternalError.Timeout", "InternalError.SendAndRecvFail"}
_WAITS = {
    "LimitExceeded.PhoneNumberThirtySecondLimit": 30.0,
    "LimitExceeded.PhoneNumberOneHourLimit": 3600.0,
    "LimitExceeded.DeliveryFrequencyLimit": 60.0,
    "FailedOperation.MarketingSendTimeConstraint": 3600.0,
}
_DAY = 4 * 3600.0
_LATER = re.compile(r"InternalError|RequestLimitExceeded|ServiceUnavailable|ResourceUnavailable")
_BEIJING = timedelta(hours=8)


class TencentConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One application of a cloud account, and the sign under which it writes."""

    secret_id: Annotated[
        str,
        secret(
            "SecretId",
            "SecretId",
            "Of a sub-user that may only use SMS; begins with AKID.",
            "建议使用仅有短信权限的子用户，以 AKID 开头。",
        ),
    ]
    secret_key: Annotated[
        str,
        secret("SecretKey", "SecretKey", "Shown once, when the key is made.", "仅在创建密钥时显示一次。"),
    ]
    sdk_app_id: Annotated[
        str,
        field(
            "SDKAppID",
            "SDKAppID",
            "Application Management → Application List; begins with 1400.",
            "应用管理 → 应用列表，以 1400 开头。",
        ),
    ]
    sign_name: Annotated[
        str,
        field(
            "Approved sign",
            "短信签名",
            "Its content as approved, without 【】. Stands before every message to the mainland.",
            "已审核通过的签名内容（不含【】），显示在发往大陆号码的每条短信之前。",
        ),
    ]
    reply_template: Annotated[
        str,
        field(
            "Template for replies",
            "回复模板",
            "ID of an approved template with one variable. What agents write to mainland numbers goes into it; without it "
            "only templates can be sent there.",
            "已审核通过且只含一个变量的国内正文模板 ID。坐席发往大陆号码的文字将填入该变量；留空则只能发送模板。",
        ),
    ] = ""
    reply_template_abroad: Annotated[
        str,
        field(
            "Template for replies abroad",
            "境外回复模板",
            "The same for numbers outside the mainland: ID of an approved Global SMS template with one variable.",
            "用于境外号码：已审核通过且只含一个变量的国际/港澳台正文模板 ID。",
        ),
    ] = ""
    sender_id: Annotated[
        str,
        field(
            "Sender ID abroad",
            "境外 Sender ID",
            "Only if you have applied for one. Empty: Tencent Cloud's public ones.",
            "仅在已申请独立 Sender ID 时填写；留空使用公共 Sender ID。",
        ),
    ] = ""
    region: Annotated[
        str,
        field(
            "Region",
            "地域",
            "Where sign and templates were approved: ap-guangzhou, ap-beijing or ap-nanjing.",
            "签名与模板所在地域：ap-guangzhou、ap-beijing 或 ap-nanjing。",
        ),
    ] = "ap-guangzhou"


class TencentChannel:
    """One application. Reports name neither application nor sign, so it has one channel."""

    config_type: ClassVar[type[msgspec.Struct]] = TencentConfig

    def __init__(self, config: TencentConfig, io: Io) -> None:
        self._config = config
        self._io = io
        self._secrets = secrets_of(config)
        self._sign = config.sign_name.strip().strip("【】")
        self._app = config.sdk_app_id.strip()

    # -- coming in -----------------------------------------------------------------------------------------

    def verify(self, request: RawRequest) -> None:
        """Tencent Cloud signs no push: the secret in our address is all the proof there is."""

    def parse(self, request: RawRequest) -> list[Inbound]:
        """Return the facts of one push."""
        return facts_of(request.body, self._app)

    def ack(self, request: RawRequest) -> Reply:
        """Say yes in the words that end the pushing."""
        del request
        return Reply(200, ACCEPTED, "application/json; charset=utf-8")

    # -- going out -----------------------------------------------------------------------------------------

    async def send(self, message: Outbound) -> Sent:
        """Send a template, or text in the template for replies. No report brings our key back: doubts stay doubts."""
        number = sms.recipient(message)
        at_home = number.startswith(f"+{MAINLAND}") and len(number) == 1 + len(MAINLAND) + 11
        template, values = self._said(message, at_home)
        fields: dict[str, Any] = {
            "PhoneNumberSet": [number],
            "SmsSdkAppId": self._app,
            "TemplateId": template,
            "TemplateParamSet": values,
            "SessionContext": message.idempotency_key,
        }
        if at_home:
            fields["SignName"] = self._sign
        elif self._config.sender_id:
            fields["SenderId"] = self._config.sender_id
        found = await self._call("SendSms", fields)
        told = found.get("SendStatusSet")
        status = told[0] if isinstance(told, list) and told and isinstance(told[0], dict) else {}
        code = str(status.get("Code") or "")
        if not code:
            raise InDoubt("Tencent Cloud's answer names no message.", code="no_status")
        if code != "Ok":
            self._raise(code, str(status.get("Message") or ""))
        return Sent(str(status.get("SerialNo") or ""))

    def _said(self, message: Outbound, at_home: bool) -> tuple[str, list[str]]:
        """Return template and variables; there is no text without a template, at home or abroad."""
        (part,) = message.parts if len(message.parts) == 1 else (None,)
        if isinstance(part, Template):
            return part.name, list(part.variables)
        config = self._config
        template = config.reply_template if at_home else config.reply_template_abroad
        if not template:
            raise Refused(
                "Tencent Cloud sends approved templates only. Choose a template, or set one for replies.",
                code="template_only",
            )
        return template, ["\n".join(map(sms.words, message.parts))]

    # -- the account ---------------------------------------------------------------------------------------

    async def probe(self) -> list[Account]:
        """Return the application; raises Refused for a sign that is not approved, Reauthorise for wrong keys or a foreign id."""
        sign = await self._approved()
        if sign.get("StatusCode") != 0:
            reason = sign.get("ReviewReply") or "still under review"
            raise Refused(f"The sign 【{self._sign}】 is not approved: {reason}"[:500], code="sign")
        now = datetime.now(UTC) + _BEIJING
        hours = {
            "BeginTime": (now - timedelta(hours=1)).strftime("%Y%m%d%H"),
            "EndTime": now.strftime("%Y%m%d%H"),
        }
        # Of all calls that send nothing, only statistics name the application.
        await self._call("SendStatusStatistics", {"SmsSdkAppId": self._app, "Limit": 0, "Offset": 0, **hours})
        return [Account(self._app, self._sign)]

    async def _approved(self) -> dict[str, Any]:
        """Return what Tencent Cloud says of our sign; raises Refused when it has none of this name."""
        for offset in range(0, MOST_SIGNS, SIGNS_A_PAGE):
            page = {"International": 0, "Limit": SIGNS_A_PAGE, "Offset": offset}
            listed = (await self._call("DescribeSmsSignList", page)).get("DescribeSignListStatusSet")
            signs = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
            for one in signs:
                if one.get("SignName") == self._sign:
                    return one
            if len(signs) < SIGNS_A_PAGE:
                break
        raise Refused(f"This account has no sign 【{self._sign}】 in {self._config.region}.", code="sign")

    async def list_templates(self, account: str) -> list[ApprovedTemplate]:
        """Return the approved templates for the mainland and for abroad, in the order of that; abroad may be closed to us."""
        del account
        found = await self._templates(0, MOST_TEMPLATES)
        try:
            return found + await self._templates(1, MOST_TEMPLATES - len(found))
        except Refused:
            return found

    async def _templates(self, abroad: int, most: int) -> list[ApprovedTemplate]:
        rows: list[dict[str, Any]] = []
        for offset in range(0, most, TEMPLATES_A_PAGE):
            page = {"International": abroad, "Limit": TEMPLATES_A_PAGE, "Offset": offset}
            listed = (await self._call("DescribeSmsTemplateList", page)).get("DescribeTemplateStatusSet")
            fresh = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
            rows += [one for one in fresh if one.get("StatusCode") == 0]
            if len(fresh) < TEMPLATES_A_PAGE:
                break
        return [self._listed(row, abroad) for row in rows[:most]]

    def _listed(self, row: dict[str, Any], abroad: int) -> ApprovedTemplate:
        """Return a template as customers read it: under our sign at home, without one abroad."""
        said = sms.text(row, "TemplateContent")
        return ApprovedTemplate(
            name=sms.text(row, "TemplateId"),
            language=sms.language_of(said),
            text=said if abroad else f"【{self._sign}】{said}",
            variables=sorted(set(_VARIABLE.findall(said)), key=int),
            title=sms.text(row, "TemplateName"),
            category="国际/港澳台" if abroad else "",
        )

    # -- the API -------------------------------------------------------------------------------------------

    async def _call(self, action: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        config = self._config
        base = self._io.platform_url("tencent_sms", API)
        body = msgspec.json.encode(fields)
        at = int(time.time())
        signed = {"content-type": "application/json; charset=utf-8", "host": urlsplit(base).netloc}
        headers = {
            **signed,
            "authorization": authorization(config.secret_id, config.secret_key, "sms", signed, body, at),
            "x-tc-action": action,
            "x-tc-region": config.region.strip(),
            "x-tc-timestamp": str(at),
            "x-tc-version": VERSION,
        }
        return self._object(await self._io.http.request("POST", f"{base}/", headers=headers, content=body))

    def _object(self, answer: Response) -> dict[str, Any]:
        """Return a yes; raises the outcome of anything else. The API's refusals come with HTTP 200."""
        try:
            document = answer.json()
        except Retry:
            if answer.status in (200, 500, 502, 504):
                raise InDoubt(
                    f"Tencent Cloud's answer can't be read ({answer.status}).", code=str(answer.status)
                ) from None
            document = {}
        found = document.get("Response") if isinstance(document, dict) else None
        if answer.status == 200:
            found = found if isinstance(found, dict) else {}
            error = found.get("Error")
            if isinstance(error, dict):
                self._raise(str(error.get("Code") or "error"), str(error.get("Message") or ""))
            return found
        words = f"Tencent Cloud answered {answer.status}."
        if answer.status == 401:
            raise Reauthorise(words, code="401")
        if answer.status == 429 or answer.status >= 500:
            given = answer.headers.get("retry-after", "")
            raise Retry(words, code=str(answer.status), after=float(given) if given.isdigit() else None)
        raise Refused(words, code=str(answer.status))

    def _raise(self, code: str, said: str) -> None:
        """Raise the outcome of a refusal by its code; limits last as long as their names say."""
        words = f"{redact(said, self._secrets)[:400]} ({code[:100]})".strip()
        if code in _NEVER:
            raise Refused(words, code=code)
        if _CREDENTIALS.match(code):
            raise Reauthorise(words, code=code)
        if code in _UNSURE:
            raise InDoubt(words, code=code)
        if code in _WAITS or code.startswith("LimitExceeded"):
            raise Retry(words, code=code, after=_WAITS.get(code, _DAY if "Daily" in code else None))
        if _LATER.match(code):
            raise Retry(words, code=code)
        raise Refused(words, code=code, unreachable=code in _NOBODY)
