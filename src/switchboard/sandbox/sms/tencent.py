"""Tencent Cloud SMS' stand-in: approved templates out, status and reply callbacks back."""

import asyncio
import re
import secrets
from typing import Any, ClassVar

import msgspec

from switchboard.sandbox.faults import Fault
from switchboard.sandbox.sms.frequency import exceeded
from switchboard.sandbox.sms.pushes import Pushes, beijing
from switchboard.sandbox.sms.segments import chinese_segments
from switchboard.sandbox.sms.tencent_errors import BY_NUMBER, CODES, GATE, WORDS, TencentError, answered
from switchboard.sandbox.sms.tencent_signature import signer
from switchboard.sandbox.standin import Look, Move, StandIn
from switchboard.sandbox.state import Bubble, Chat, Customer, PlatformAccount, digits
from switchboard.sandbox.web import NotMine, Refused, Request, Response, Router
from switchboard.sandbox.world import World, after, before

Json = dict[str, Any]
VERSION = "2021-01-11"
REGIONS = {"ap-beijing", "ap-guangzhou", "ap-nanjing"}
MOST_NUMBERS, MOST_LISTED = 200, 100
LONGEST = 500
LIMITS = ((30.0, 1), (3600.0, 5), (86_400.0, 10))
BY_PERIOD = {30.0: "ThirtySecondLimit", 3600.0: "OneHourLimit", 86_400.0: "DailyLimit"}
TEMPLATES = [
    {"id": "2400001", "name": "客服回复", "content": "您咨询的问题已有答复：{1}", "international": 0},
    {
        "id": "2400002",
        "name": "验证码",
        "content": "验证码{1}，{2}分钟内有效，请勿告诉他人。",
        "international": 0,
    },
    {"id": "2400003", "name": "Order update", "content": "Your order {1} is on its way.", "international": 1},
    {"id": "2400004", "name": "Reply", "content": "We have answered your question: {1}", "international": 1},
]
OPT_OUT = {"T", "TD", "N", "R", "退订"}
THREE_DIGITS = (
    "852",
    "853",
    "855",
    "856",
    "880",
    "886",
    "961",
    "962",
    "963",
    "964",
    "965",
    "966",
    "968",
    "971",
    "972",
)
OFF = ("002", "关机或不在服务区")


class Tencent(StandIn):
    """One cloud account with one SMS application."""

    name: ClassVar[str] = "sms_tencent"
    look: ClassVar[Look] = Look(
        en="SMS (Tencent Cloud)",
        zh="短信（腾讯云）",
        color="#006eff",
        mark="TC",
        shown=("secret_id", "secret_key", "sdk_app_id", "sign", "templates"),
        codes=CODES,
        files=(),
        moves=(
            Move(en="Unsubscribe (TD)", zh="回复 TD 退订", wish={"text": "TD"}),
            Move(en="Switch the phone off", zh="关机", wish={"action": "block"}),
            Move(en="Switch the phone on", zh="开机", wish={"action": "unblock"}),
        ),
    )

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._pushes = Pushes(world, self.name, _is_good, attempts=world.config.retry_attempts, seconds=5)

    def routes(self, router: Router) -> None:
        """Register sms.tencentcloudapi.com, which has one path."""
        router.add("*", "/", self.call)

    def invent(self, given: Json) -> tuple[str, str, Json]:
        """An account with an application, a sign and three templates."""
        app = str(given.get("id") or "1400" + digits(6))
        settings = {
            "secret_id": "AKID" + secrets.token_hex(16),
            "secret_key": secrets.token_hex(16),
            "sdk_app_id": app,
            "sign": "沙盒商店",
            "sign_status": 0,
            "sign_review": "",
            "templates": TEMPLATES,
            "limits": True,
            "status_url": "",
            "reply_url": "",
        }
        return app, "Sandbox Shop", settings

    # -- the API -------------------------------------------------------------------------------------------

    async def call(self, request: Request) -> Response:
        """Serve one action; errors are told with HTTP 200."""
        action = request.headers.get("x-tc-action", "")
        if not action and "TC3-" not in request.headers.get("authorization", ""):
            raise NotMine
        try:
            return await self._serve(request, action)
        except TencentError as error:
            return error.response()

    async def _serve(self, request: Request, action: str) -> Response:
        account = signer(request, self.accounts())
        if request.headers.get("x-tc-version") != VERSION:
            raise TencentError("NoSuchVersion", "The request has an invalid version.")
        region = request.headers.get("x-tc-region", "")
        if region not in REGIONS:
            raise TencentError(
                "UnsupportedRegion" if region else "MissingParameter", f"Region: {region or 'is missing'}"
            )
        fault = self.world.faults.take(self.name, account.id, sends=action == "SendSms")
        early = await before(fault)
        if early is not None:
            return early
        if (
            fault is not None
            and fault.kind == "error"
            and (fault.code in GATE or fault.code not in BY_NUMBER)
        ):
            raise TencentError(GATE.get(fault.code, "InternalError"))
        try:
            fields = msgspec.json.decode(request.body or b"{}", type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeError):
            raise TencentError("InvalidParameter", "The request body is not valid JSON.") from None
        if action == "SendSms":
            return after(fault, answered({"SendStatusSet": self._send(account, fields, fault)}))
        if action == "DescribeSmsSignList":
            return answered({"DescribeSignListStatusSet": [_sign(account)]})
        if action == "DescribeSmsTemplateList":
            return answered({"DescribeTemplateStatusSet": self._templates(account, fields)})
        if action == "SendStatusStatistics":
            return answered({"SendStatusStatistics": _statistics(account, fields)})
        raise TencentError("InvalidAction", f"The request action={action} is invalid or not found.")

    def _templates(self, account: PlatformAccount, fields: Json) -> list[Json]:
        if "International" not in fields:
            raise TencentError(
                "MissingParameter", "The request is missing a required parameter `International`."
            )
        wanted = {int(one) for one in fields.get("TemplateIdSet") or [] if str(one).isdigit()}
        found = [
            t for t in account.settings["templates"]
            if (int(t["id"]) in wanted if wanted else t.get("international", 0) == fields["International"])
        ]  # fmt: skip
        start, most = int(fields.get("Offset") or 0), int(fields.get("Limit") or 10)
        if start < 0 or not 0 < most <= MOST_LISTED:
            raise TencentError("InvalidParameterValue", "Limit is 100 at most.")
        return [
            {"TemplateId": int(t["id"]), "International": t.get("international", 0), "StatusCode": t.get("status", 0), "ReviewReply": "",
             "TemplateName": t["name"], "TemplateContent": t["content"], "CreateTime": 1_700_000_000}
            for t in found[start : start + most]
        ]  # fmt: skip

    def _send(self, account: PlatformAccount, fields: Json, fault: Fault | None) -> list[Json]:
        for name in ("PhoneNumberSet", "SmsSdkAppId", "TemplateId"):
            if name not in fields:
                raise TencentError(
                    "MissingParameter", f"The request is missing a required parameter `{name}`."
                )
        people, params = fields["PhoneNumberSet"], fields.get("TemplateParamSet") or []
        if (
            not isinstance(people, list)
            or not isinstance(params, list)
            or not all(isinstance(p, str) for p in [*people, *params])
        ):
            raise TencentError(
                "InvalidParameter", "PhoneNumberSet and TemplateParamSet are lists of strings."
            )
        if not people:
            raise TencentError("MissingParameter.EmptyPhoneNumberSet", "The phone number set is empty.")
        if len(people) > MOST_NUMBERS:
            raise TencentError(
                "LimitExceeded.PhoneNumberCountLimit", "the number of phone numbers exceeds 200"
            )
        numbers = [_normal(one) for one in people]
        if len({number.startswith("+86") for number in numbers if number}) > 1:
            raise TencentError("UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber")
        return [
            self._send_one(account, fields, given, number, fault)
            for given, number in zip(people, numbers, strict=True)
        ]

    def _send_one(
        self, account: PlatformAccount, fields: Json, given: str, number: str, fault: Fault | None
    ) -> Json:
        context = str(fields.get("SessionContext") or "")
        asked = BY_NUMBER.get(fault.code, "") if fault is not None and fault.kind == "error" else ""
        code, text = self._refusal(account, fields, number)
        code = asked or code
        if code:
            return {
                "SerialNo": "", "PhoneNumber": given, "Fee": 0, "SessionContext": context,
                "Code": code, "Message": WORDS.get(code, code), "IsoCode": "",
            }  # fmt: skip
        account.kept["taken"] = account.kept.get("taken", 0) + 1
        serial = f"{digits(4)}:{digits(28)}"
        customer = self.world.store.customer_by_phone(number)
        chat = self.world.store.chat(self.name, account.id, customer.id if customer else number)
        bubble = Bubble(
            id=serial,
            side="business",
            kind="template",
            at=self.world.clock.now(),
            text=text,
            status="sent",
            raw=fields,
        )
        self.world.show(chat, bubble)
        self.world.note(
            message_id=serial, platform=self.name, account=account.id, to=number, kind="template", text=text,
            body=fields, fault=fault,
        )  # fmt: skip
        failing = fault is not None and fault.kind == "status"
        self.world.spawn(
            self._report(account, chat, bubble, number, reached=customer is not None, failing=failing)
        )
        return {
            "SerialNo": serial, "PhoneNumber": given, "Fee": chinese_segments(text), "SessionContext": context,
            "Code": "Ok", "Message": "send success", "IsoCode": "CN" if number.startswith("+86") else "",
        }  # fmt: skip

    def _refusal(self, account: PlatformAccount, fields: Json, number: str) -> tuple[str, str]:
        """Return why this number gets nothing, or else the text it gets."""
        if str(fields["SmsSdkAppId"]) != account.settings["sdk_app_id"]:
            return "UnauthorizedOperation.SmsSdkAppIdVerifyFail", ""
        if not number:
            return "InvalidParameterValue.IncorrectPhoneNumber", ""
        domestic = number.startswith("+86")
        approved = account.settings["sign"] if not account.settings.get("sign_status") else None
        if (domestic or fields.get("SignName")) and fields.get("SignName") != approved:
            return "FailedOperation.SignatureIncorrectOrUnapproved", ""
        template = next(
            (t for t in account.settings["templates"] if t["id"] == str(fields["TemplateId"])), None
        )
        if template is None or template.get("status", 0) != 0:
            return "FailedOperation.TemplateIncorrectOrUnapproved", ""
        if domestic == bool(template.get("international")):
            kind = (
                "GlobalTemplateToChineseMainlandPhone" if domestic else "ChineseMainlandTemplateToGlobalPhone"
            )
            return f"UnsupportedOperation.{kind}", ""
        params: list[str] = fields.get("TemplateParamSet") or []
        if len(set(re.findall(r"\{(\d+)\}", template["content"]))) != len(params):
            return "FailedOperation.TemplateParamSetNotMatchApprovedTemplate", ""
        if any(re.search(r"https?://|www\.", one) for one in params):
            return "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter", ""
        text = re.sub(r"\{(\d+)\}", lambda m: params[int(m[1]) - 1], template["content"])
        text = f"【{account.settings['sign']}】{text}" if domestic else text
        if len(text) > LONGEST:
            return "InvalidParameterValue.ContentLengthLimit", ""
        if number in account.kept.get("opted_out", []):
            return "FailedOperation.PhoneNumberInBlacklist", ""
        period = (
            exceeded(account, number, self.world.clock.now(), LIMITS) if account.settings["limits"] else 0
        )
        return (f"LimitExceeded.PhoneNumber{BY_PERIOD[period]}" if period else ""), text

    async def _report(
        self,
        account: PlatformAccount,
        chat: Chat,
        bubble: Bubble,
        number: str,
        *,
        reached: bool,
        failing: bool,
    ) -> None:
        await asyncio.sleep(self.world.config.receipt_delay_seconds)
        good = reached and not chat.blocked and not failing
        bubble.status = "delivered" if good else "failed"
        bubble.error = "" if good else OFF[1]
        self.world.changed(chat, bubble)
        nation, mobile = _split(number)
        item = {
            "user_receive_time": beijing(self.world.clock.now()),
            "nationcode": nation,
            "mobile": mobile,
            "report_status": "SUCCESS" if good else "FAIL",
            "errmsg": "DELIVRD" if good else OFF[0],
            "description": "用户短信送达成功" if good else OFF[1],
            "sid": bubble.id,
        }
        self._pushes.put(
            account, "status", item, lambda: account.settings["status_url"] or account.webhook_url
        )

    # -- the customer's side -------------------------------------------------------------------------------

    def message(
        self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json, origin: str
    ) -> list[Bubble]:
        """A reply. Tencent tells it without an id of its own."""
        del origin
        if str(wish.get("type") or "text") != "text":
            raise Refused(422, "type: a reply by text message is text")
        now = self.world.clock.now()
        bubble = Bubble(
            id=secrets.token_hex(8), side="customer", kind="text", at=now, text=str(wish.get("text") or "")
        )
        number = "+" + customer.phone
        if bubble.text.strip().upper() in OPT_OUT and number not in account.kept.setdefault("opted_out", []):
            account.kept["opted_out"].append(number)
        nation, mobile = _split(number)
        item = {
            "extend": "", "mobile": mobile, "nationcode": nation, "sign": account.settings["sign"],
            "text": bubble.text, "time": int(now), **(wish.get("raw") or {}),
        }  # fmt: skip
        bubble.raw = item
        self.world.show(chat, bubble)
        self._pushes.put(
            account,
            "reply",
            item,
            lambda: account.settings["reply_url"] or account.webhook_url,
            together=False,
        )
        return [bubble]

    def act(self, account: PlatformAccount, customer: Customer, chat: Chat, action: str, wish: Json) -> None:
        """The phone is off, and on again."""
        if action in {"block", "unblock"}:
            chat.blocked = action == "block"
        elif action != "typing":
            super().act(account, customer, chat, action, wish)

    def read(self, account: PlatformAccount, chat: Chat) -> None:
        """Nobody learns that a text message was read."""
        del account
        chat.unread = 0


def _is_good(answer: Any) -> bool:
    return isinstance(answer, dict) and answer.get("result") == 0


def _normal(given: str) -> str:
    """Return a number in E.164, empty when it is none; without a country it is one of the mainland."""
    bare = given.strip()
    if re.fullmatch(r"1\d{10}", bare):
        return f"+86{bare}"
    if re.fullmatch(r"(\+|00)?861\d{10}", bare):
        return f"+{bare.lstrip('+0')}"
    return bare if re.fullmatch(r"\+(?!86)[1-9]\d{6,14}", bare) else ""


def _split(number: str) -> tuple[str, str]:
    """Return country code and the rest, for the countries that the sandbox knows."""
    bare = number.lstrip("+")
    size = 1 if bare[0] in "17" else 3 if bare.startswith(THREE_DIGITS) else 2
    return bare[:size], bare[size:]


def _sign(account: PlatformAccount) -> Json:
    return {
        "SignId": 1001, "International": 0, "StatusCode": account.settings.get("sign_status", 0),
        "ReviewReply": account.settings.get("sign_review", ""), "SignName": account.settings["sign"],
        "CreateTime": 1_700_000_000,
    }  # fmt: skip


def _statistics(account: PlatformAccount, fields: Json) -> Json:
    """Return the application's counts; hours are written yyyymmddhh, Limit and Offset must be 0."""
    for name in ("SmsSdkAppId", "BeginTime", "EndTime", "Limit", "Offset"):
        if name not in fields:
            raise TencentError("MissingParameter", f"The request is missing a required parameter `{name}`.")
    if str(fields["SmsSdkAppId"]) != account.settings["sdk_app_id"]:
        raise TencentError("UnauthorizedOperation.SmsSdkAppIdVerifyFail")
    begin, end = str(fields["BeginTime"]), str(fields["EndTime"])
    if not re.fullmatch(r"\d{10}", begin):
        raise TencentError("InvalidParameterValue.BeginTimeVerifyFail")
    if not re.fullmatch(r"\d{10}", end) or end < begin:
        raise TencentError("InvalidParameterValue.EndTimeVerifyFail")
    if fields["Limit"] != 0 or fields["Offset"] != 0:
        raise TencentError("InvalidParameterValue.LimitVerifyFail")
    sent = account.kept.get("taken", 0)
    return {"FeeCount": sent, "RequestCount": sent, "RequestSuccessCount": sent}
