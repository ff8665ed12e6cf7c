"""Alibaba Cloud SMS' stand-in: approved templates out, reports and replies pushed back in batches."""

import asyncio
import re
import secrets
from typing import Any, ClassVar

import msgspec

from switchboard.sandbox.faults import Fault
from switchboard.sandbox.sms.aliyun_abroad import ABROAD_VERSION, Abroad
from switchboard.sandbox.sms.aliyun_errors import BY_NUMBER, CODES, AliyunError, answered
from switchboard.sandbox.sms.aliyun_signature import signer
from switchboard.sandbox.sms.frequency import exceeded
from switchboard.sandbox.sms.pushes import Pushes, beijing
from switchboard.sandbox.sms.segments import chinese_segments
from switchboard.sandbox.standin import Look, Move, StandIn
from switchboard.sandbox.state import Bubble, Chat, Customer, PlatformAccount, digits
from switchboard.sandbox.web import NotMine, Refused, Request, Response, Router
from switchboard.sandbox.world import World, after, before

Json = dict[str, Any]
VERSION = "2017-05-25"
MOST_NUMBERS = 1000
LONGEST = 500
CODE_TEMPLATE = 0
LIMITS = {CODE_TEMPLATE: ((60.0, 1), (3600.0, 5), (86_400.0, 10)), 1: ((86_400.0, 50),)}
"""By the template's type: verification codes, notices."""
PERIODS = {60.0: "分钟", 3600.0: "小时", 86_400.0: "天"}
MOST_LISTED = 50
OLD_TYPES = {0: 2, 1: 0, 2: 1, 3: 6}
"""The field `TemplateType` counts otherwise than `OuterTemplateType`."""
PUSH_ATTEMPTS = 4
PUSH_SECONDS = 0.7
TEMPLATES = [
    {"code": "SMS_24000001", "name": "客服回复", "content": "您咨询的问题已有答复：${answer}", "type": 1},
    {"code": "SMS_24000002", "name": "验证码", "content": "您的验证码为${code}，请勿告诉他人。", "type": 0},
]
OPT_OUT = {"T", "TD", "N", "R", "退订", "拒收请回复R"}


class Aliyun(StandIn):
    """One cloud account with one approved sign."""

    name: ClassVar[str] = "sms_aliyun"
    look: ClassVar[Look] = Look(
        en="SMS (Alibaba Cloud)",
        zh="短信（阿里云）",
        color="#ff6a00",
        mark="Al",
        shown=("access_key_id", "access_key_secret", "sign", "templates"),
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
        self._pushes = Pushes(world, self.name, _is_good, attempts=PUSH_ATTEMPTS, seconds=PUSH_SECONDS)
        self._abroad = Abroad(world, self.name, self._pushes)

    def routes(self, router: Router) -> None:
        """Register dysmsapi.aliyuncs.com, at home and abroad; each has one path."""
        router.add("*", "/", self.call)

    def invent(self, given: Json) -> tuple[str, str, Json]:
        """A key, a sign (`signs` are further ones) and two templates."""
        settings = {
            "access_key_id": "LTAI" + secrets.token_hex(10),
            "access_key_secret": secrets.token_urlsafe(24)[:30],
            "sign": "沙盒商店",
            "signs": [],
            "sign_status": 1,
            "sign_reason": "无审批备注",
            "templates": TEMPLATES,
            "limits": True,
            "report_url": "",
            "up_url": "",
        }
        return str(given.get("id") or digits(16)), "Sandbox Shop", settings

    def described(self, account: PlatformAccount, origin: str) -> Json:
        """The meaning of the numbers that faults take."""
        del account, origin
        return {"fault_codes": {str(number): word for number, word in BY_NUMBER.items()}}

    # -- the API -------------------------------------------------------------------------------------------

    async def call(self, request: Request) -> Response:
        """Serve one action, by ACS3 or by the older RPC style."""
        params, _ = request.form()
        action = request.headers.get("x-acs-action") or str(params.get("Action") or "")
        if not action or "x-tc-action" in request.headers:
            raise NotMine
        try:
            return await self._serve(request, action, {name: str(value) for name, value in params.items()})
        except AliyunError as error:
            return error.response()

    async def _serve(self, request: Request, action: str, params: dict[str, str]) -> Response:
        account = signer(request, params, self.accounts())
        abroad = action == "SendMessageToGlobe"
        version = request.headers.get("x-acs-version") or params.get("Version")
        if version != (ABROAD_VERSION if abroad else VERSION):
            raise AliyunError("InvalidVersion")
        fault = self.world.faults.take(self.name, account.id, sends=abroad or action == "SendSms")
        early = await before(fault)
        if early is not None:
            return early
        if fault is not None and fault.kind == "error":
            raise AliyunError(BY_NUMBER.get(fault.code, "isp.SYSTEM_ERROR"), abroad=abroad)
        if abroad:
            return after(fault, answered(self._abroad.send(account, params, fault)))
        if action == "SendSms":
            return after(
                fault, answered({"Code": "OK", "Message": "OK", "BizId": self._send(account, params, fault)})
            )
        lookups = {
            "QuerySmsSign": self._sign, "GetSmsSign": self._sign, "QuerySmsSignList": self._signs,
            "QuerySmsTemplate": self._template, "GetSmsTemplate": self._template,
            "QuerySmsTemplateList": self._templates, "QuerySendDetails": self._details,
        }  # fmt: skip
        if action not in lookups:
            raise AliyunError("InvalidAction.NotFound")
        return answered({"Code": "OK", "Message": "OK", **lookups[action](account, params)})

    def _send(self, account: PlatformAccount, params: dict[str, str], fault: Fault | None) -> str:
        _require(params, "PhoneNumbers", "SignName", "TemplateCode")
        given = params["PhoneNumbers"].split(",")
        if len(given) > MOST_NUMBERS:
            raise AliyunError("isv.MOBILE_COUNT_OVER_LIMIT")
        numbers = [_normal(one) for one in given]
        if "" in numbers:
            raise AliyunError(
                "isv.MOBILE_NUMBER_ILLEGAL", f"{given[numbers.index('')]} invalid mobile number"
            )
        text, kind = self._text(account, params)
        if account.settings["limits"]:
            now = self.world.clock.now()
            for number in numbers:
                period = exceeded(account, f"{kind}:{number}", now, LIMITS[kind])
                if period:
                    most = dict(LIMITS[kind])[period]
                    raise AliyunError(
                        "isv.BUSINESS_LIMIT_CONTROL", f"触发{PERIODS[period]}级流控Permits:{most}"
                    )
        biz_id = f"{digits(18)}^0"
        for index, number in enumerate(numbers):
            self._deliver(account, params, fault, number, text, biz_id, index)
        return biz_id

    def _text(self, account: PlatformAccount, params: dict[str, str]) -> tuple[str, int]:
        """Return the filled-in template and its type."""
        if params["SignName"] not in _signs(account) or account.settings.get("sign_status", 1) != 1:
            raise AliyunError("isv.SMS_SIGNATURE_ILLEGAL")
        template = next(
            (t for t in account.settings["templates"] if t["code"] == params["TemplateCode"]), None
        )
        if template is None or template.get("audit", "AUDIT_STATE_PASS") != "AUDIT_STATE_PASS":
            raise AliyunError("isv.SMS_TEMPLATE_ILLEGAL")
        try:
            values = msgspec.json.decode(params.get("TemplateParam") or "{}", type=dict[str, str | int])
        except (msgspec.DecodeError, UnicodeError):
            raise AliyunError("isv.INVALID_JSON_PARAM") from None
        names = set(re.findall(r"\$\{(\w+)\}", template["content"]))
        if names - values.keys() or any(values[name] == "" for name in names):
            raise AliyunError("isv.TEMPLATE_MISSING_PARAMETERS")
        if any(re.search(r"https?://|www\.", str(value)) for value in values.values()):
            raise AliyunError("isv.BLACK_KEY_CONTROL_LIMIT")
        body = re.sub(r"\$\{(\w+)\}", lambda m: str(values[m[1]]), template["content"])
        text = f"【{params['SignName']}】{body}"
        if len(text) > LONGEST:
            raise AliyunError("isv.PARAM_LENGTH_LIMIT")
        return text, int(template["type"])

    def _deliver(
        self, account: PlatformAccount, params: dict[str, str], fault: Fault | None, number: str, text: str,
        biz_id: str, index: int,
    ) -> None:  # fmt: skip
        customer = self.world.store.customer_by_phone(number)
        chat = self.world.store.chat(self.name, account.id, customer.id if customer else number)
        bubble = Bubble(
            id=f"{biz_id}:{index}" if index else biz_id, side="business", kind="template",
            at=self.world.clock.now(), text=text, status="sent", raw=dict(params),
        )  # fmt: skip
        self.world.show(chat, bubble)
        self.world.note(
            message_id=biz_id, platform=self.name, account=account.id, to=number, kind="template", text=text,
            body=dict(params), fault=fault,
        )  # fmt: skip
        failure = ("", "")
        if number in account.kept.get("opted_out", []):
            failure = ("MOBILE_IN_BLACK", "手机号在黑名单")
        elif customer is None or chat.blocked:
            failure = ("MOBILE_NOT_ON_SERVICE", "手机停机、空号、关机")
        elif fault is not None and fault.kind == "status":
            failure = ("CONTENT_KEYWORD", "关键字屏蔽")
        self.world.spawn(self._report(account, chat, bubble, number, biz_id, failure))

    async def _report(
        self,
        account: PlatformAccount,
        chat: Chat,
        bubble: Bubble,
        number: str,
        biz_id: str,
        failure: tuple[str, str],
    ) -> None:
        await asyncio.sleep(self.world.config.receipt_delay_seconds)
        bubble.status = "failed" if failure[0] else "delivered"
        bubble.error = failure[1]
        self.world.changed(chat, bubble)
        item = {
            "phone_number": _written(number),
            "send_time": beijing(bubble.at),
            "report_time": beijing(self.world.clock.now()),
            "success": not failure[0],
            "err_code": failure[0] or "DELIVERED",
            "err_msg": failure[1] or "用户接收成功",
            "sms_size": str(chinese_segments(bubble.text)),
            "biz_id": biz_id,
            "out_id": str(bubble.raw.get("OutId") or ""),
        }
        self._pushes.put(
            account, "report", item, lambda: account.settings["report_url"] or account.webhook_url
        )

    # -- look-ups ------------------------------------------------------------------------------------------

    def _sign(self, account: PlatformAccount, params: dict[str, str]) -> Json:
        _require(params, "SignName")
        if params["SignName"] not in _signs(account):
            raise AliyunError("isv.SMS_SIGNATURE_ILLEGAL")
        return {
            "SignName": params["SignName"],
            "SignStatus": account.settings.get("sign_status", 1),
            "Reason": account.settings.get("sign_reason", "无审批备注"),
            "CreateDate": "2024-01-01 00:00:00",
        }

    def _signs(self, account: PlatformAccount, params: dict[str, str]) -> Json:
        del params
        rows = [
            {"SignName": sign, "AuditStatus": "AUDIT_STATE_PASS", "BusinessType": "企事业单位的全称或简称",
             "CreateDate": "2024-01-01 00:00:00", "OrderId": str(nr)}
            for nr, sign in enumerate(_signs(account), 1)
        ]  # fmt: skip
        return {"SmsSignList": rows, "TotalCount": len(rows), "CurrentPage": 1, "PageSize": 10}

    def _template(self, account: PlatformAccount, params: dict[str, str]) -> Json:
        _require(params, "TemplateCode")
        found = next((t for t in account.settings["templates"] if t["code"] == params["TemplateCode"]), None)
        if found is None:
            raise AliyunError("isv.SMS_TEMPLATE_ILLEGAL")
        return {
            "TemplateCode": found["code"], "TemplateName": found["name"], "TemplateContent": found["content"],
            "TemplateType": found["type"], "TemplateStatus": 1, "Reason": "无审批备注",
            "CreateDate": "2024-01-01 00:00:00",
        }  # fmt: skip

    def _templates(self, account: PlatformAccount, params: dict[str, str]) -> Json:
        """All of them, approved (`audit`) or not, at most 50 to a page."""
        page, size = (int(params.get(name) or usual) for name, usual in (("PageIndex", 1), ("PageSize", 10)))
        if page < 1 or not 1 <= size <= MOST_LISTED:
            raise AliyunError("InvalidParameter", "The specified PageIndex or PageSize is invalid.")
        rows = [
            {"TemplateCode": t["code"], "TemplateName": t["name"], "TemplateContent": t["content"],
             "TemplateType": OLD_TYPES[t["type"]], "OuterTemplateType": t["type"], "Reason": {},
             "AuditStatus": t.get("audit", "AUDIT_STATE_PASS"), "CreateDate": "2024-01-01 00:00:00"}
            for t in account.settings["templates"]
        ]  # fmt: skip
        shown = rows[(page - 1) * size : page * size]
        return {"SmsTemplateList": shown, "TotalCount": len(rows), "CurrentPage": page, "PageSize": size}

    def _details(self, account: PlatformAccount, params: dict[str, str]) -> Json:
        _require(params, "PhoneNumber", "SendDate", "PageSize", "CurrentPage")
        customer = self.world.store.customer_by_phone(_normal(params["PhoneNumber"]))
        chat = self.world.store.chat(
            self.name, account.id, customer.id if customer else _normal(params["PhoneNumber"])
        )
        day = params["SendDate"]
        rows = [
            {"PhoneNum": params["PhoneNumber"], "Content": b.text, "OutId": b.raw.get("OutId", ""),
             "TemplateCode": b.raw["TemplateCode"], "SendDate": beijing(b.at), "ReceiveDate": beijing(b.at),
             "SendStatus": {"sent": 1, "failed": 2}.get(b.status, 3),
             "ErrCode": "DELIVERED" if b.status == "delivered" else "MOBILE_NOT_ON_SERVICE"}
            for b in chat.bubbles
            if b.side == "business" and beijing(b.at)[:10].replace("-", "") == day
            and b.id.partition(":")[0] == params.get("BizId", b.id.partition(":")[0])
        ]  # fmt: skip
        return {"SmsSendDetailDTOs": {"SmsSendDetailDTO": rows}, "TotalCount": str(len(rows))}

    # -- the customer's side -------------------------------------------------------------------------------

    def message(
        self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json, origin: str
    ) -> list[Bubble]:
        """A reply, under the sign that wrote last (`sign` says another)."""
        del origin
        if str(wish.get("type") or "text") != "text":
            raise Refused(422, "type: a reply by text message is text")
        now, number = self.world.clock.now(), "+" + customer.phone
        bubble = Bubble(id=digits(10), side="customer", kind="text", at=now, text=str(wish.get("text") or ""))
        if bubble.text.strip().upper() in OPT_OUT and number not in account.kept.setdefault("opted_out", []):
            account.kept["opted_out"].append(number)
        item = {
            "phone_number": _written(number), "content": bubble.text, "send_time": beijing(now),
            "sign_name": wish.get("sign") or _last_sign(account, chat), "dest_code": "1234",
            "sequence_id": bubble.id,
            **(wish.get("raw") or {}),
        }  # fmt: skip
        bubble.raw = item
        self.world.show(chat, bubble)
        self._pushes.put(account, "up", item, lambda: account.settings["up_url"] or account.webhook_url)
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


def _signs(account: PlatformAccount) -> list[str]:
    return [account.settings["sign"], *account.settings.get("signs", [])]


def _last_sign(account: PlatformAccount, chat: Chat) -> str:
    written = (str(b.raw.get("SignName") or "") for b in reversed(chat.bubbles) if b.side == "business")
    return next((sign for sign in written if sign), str(account.settings["sign"]))


def _require(params: dict[str, str], *names: str) -> None:
    for name in names:
        if not params.get(name):
            raise AliyunError(f"Missing{name}", f"{name} is mandatory for this action.")


def _is_good(answer: Any) -> bool:
    code = answer.get("code") if isinstance(answer, dict) else None
    return isinstance(code, int) and not isinstance(code, bool)


def _normal(given: str) -> str:
    """Return a number of the mainland in E.164, empty for anything else: other countries need another product of Alibaba's."""
    bare = re.sub(r"^(\+86|0086|86)(?=1\d{10}$)", "", given.strip())
    return f"+86{bare}" if re.fullmatch(r"1[3-9]\d{9}", bare) else ""


def _written(number: str) -> str:
    """Return a number as callbacks write it: without +86."""
    return number.removeprefix("+86").removeprefix("+")
