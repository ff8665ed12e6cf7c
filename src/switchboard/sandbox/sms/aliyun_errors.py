"""Errors of Alibaba Cloud: of the API's gate (HTTP 4xx), and of the SMS product (HTTP 200 with a code of its own).

Alibaba's codes are words; the numbers are the sandbox's, for faults only (`fault_codes` of the account tells them).
"""

from typing import Any
from uuid import uuid4

import msgspec

from switchboard.sandbox.web import Response

BY_NUMBER = {
    1: "isv.BUSINESS_LIMIT_CONTROL",
    2: "isv.AMOUNT_NOT_ENOUGH",
    3: "isp.SYSTEM_ERROR",
    4: "isv.MOBILE_NUMBER_ILLEGAL",
    5: "isv.SMS_SIGNATURE_ILLEGAL",
    6: "isv.SMS_TEMPLATE_ILLEGAL",
    7: "isv.BLACK_KEY_CONTROL_LIMIT",
    8: "isv.OUT_OF_SERVICE",
    9: "isp.RAM_PERMISSION_DENY",
    10: "isv.DAY_LIMIT_CONTROL",
    11: "isv.ACCOUNT_ABNORMAL",
    21: "Throttling.User",
    22: "ServiceUnavailable",
    23: "SignatureDoesNotMatch",
    24: "InvalidAccessKeyId.NotFound",
    25: "Forbidden.RAM",
}
CODES = tuple(BY_NUMBER)
GATE: dict[str, tuple[int, str]] = {
    "Throttling.User": (400, "Request was denied due to user flow control."),
    "ServiceUnavailable": (503, "The request has failed due to a temporary failure of the server."),
    "SignatureDoesNotMatch": (400, "Specified signature is not matched with our calculation."),
    "InvalidAccessKeyId.NotFound": (404, "Specified access key is not found."),
    "InvalidTimeStamp.Expired": (400, "Specified time stamp or date value is expired."),
    "SignatureNonceUsed": (400, "Specified signature nonce was used already."),
    "IncompleteSignature": (400, "The request signature does not conform to Aliyun standards."),
    "InvalidAction.NotFound": (404, "Specified api is not found, please check your url and method."),
    "InvalidVersion": (404, "Specified parameter Version is not valid."),
    "Forbidden.RAM": (403, "User not authorized to operate on the specified resource."),
}
WORDS = {
    "isv.BUSINESS_LIMIT_CONTROL": "触发分钟级流控Permits:1",
    "isv.DAY_LIMIT_CONTROL": "触发日发送限额",
    "isv.AMOUNT_NOT_ENOUGH": "账户余额不足",
    "isp.SYSTEM_ERROR": "请重试接口调用",
    "isv.MOBILE_NUMBER_ILLEGAL": "非法手机号",
    "isv.MOBILE_COUNT_OVER_LIMIT": "手机号码数量超过限制",
    "isv.SMS_SIGNATURE_ILLEGAL": "短信签名不合法",
    "isv.SMS_TEMPLATE_ILLEGAL": "短信模板不合法",
    "isv.TEMPLATE_MISSING_PARAMETERS": "模板变量中存在未赋值变量",
    "isv.INVALID_JSON_PARAM": "参数格式错误，请修改为字符串值",
    "isv.BLACK_KEY_CONTROL_LIMIT": "变量中有限制发送的内容",
    "isv.PARAM_LENGTH_LIMIT": "参数超过长度限制",
    "isv.OUT_OF_SERVICE": "业务停机",
    "isp.RAM_PERMISSION_DENY": "RAM权限不足",
    "isv.ACCOUNT_ABNORMAL": "账户异常",
}


class AliyunError(Exception):
    """A refusal at the gate, or `isv.`/`isp.` of the product; messages `abroad` are refused in other fields, without the prefix."""

    def __init__(self, code: str, message: str = "", *, abroad: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.abroad = abroad and code not in GATE
        self.status, words = GATE.get(code, (200 if code.startswith("is") else 400, WORDS.get(code, code)))
        self.message = message or words

    def response(self) -> Response:
        """The HTTP answer."""
        if self.abroad:
            code = self.code.removeprefix("isv.").removeprefix("isp.")
            return answered({"ResponseCode": code, "ResponseDescription": self.message})
        told: dict[str, Any] = {"Code": self.code, "Message": self.message}
        if self.status != 200:
            told.update(HostId="dysmsapi.aliyuncs.com", Recommend="")
        return answered(told, self.status)


def answered(fields: dict[str, Any], status: int = 200) -> Response:
    """Return an answer as JSON."""
    body = msgspec.json.encode({**fields, "RequestId": str(uuid4()).upper()})
    return Response(body, status=status, content_type="application/json;charset=utf-8")
