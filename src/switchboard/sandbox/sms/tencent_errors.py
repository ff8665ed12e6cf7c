"""Errors of Tencent Cloud: of the API's gate, and of single numbers. Numbers are those of the older interface's table."""

from typing import Any
from uuid import uuid4

import msgspec

from switchboard.sandbox.web import Response

BY_NUMBER = {
    1002: "FailedOperation.ContainSensitiveWord",
    1004: "FailedOperation.FailResolvePacket",
    1006: "UnauthorizedOperation.RequestPermissionDeny",
    1007: "InternalError.OtherError",
    1008: "InternalError.Timeout",
    1009: "UnauthorizedOperation.RequestIpNotInWhitelist",
    1012: "FailedOperation.SignatureIncorrectOrUnapproved",
    1013: "LimitExceeded.DeliveryFrequencyLimit",
    1014: "FailedOperation.TemplateIncorrectOrUnapproved",
    1015: "FailedOperation.PhoneNumberInBlacklist",
    1016: "InvalidParameterValue.IncorrectPhoneNumber",
    1017: "InvalidParameterValue.ContentLengthLimit",
    1019: "InvalidParameterValue.SdkAppIdNotExist",
    1020: "UnauthorizedOperation.SdkAppIdIsDisabled",
    1021: "InternalError.RequestTimeException",
    1022: "LimitExceeded.AppDailyLimit",
    1023: "LimitExceeded.PhoneNumberThirtySecondLimit",
    1024: "LimitExceeded.PhoneNumberOneHourLimit",
    1025: "LimitExceeded.PhoneNumberDailyLimit",
    1026: "LimitExceeded.PhoneNumberSameContentDailyLimit",
    1031: "FailedOperation.InsufficientBalanceInSmsPackage",
    1033: "UnauthorizedOperation.ServiceSuspendDueToArrears",
    1034: "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber",
    1045: "UnsupportedOperation.UnsupportedRegion",
    1046: "LimitExceeded.PhoneNumberCountLimit",
    1048: "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter",
}
GATE = {
    4001: "AuthFailure.SignatureFailure",
    4002: "AuthFailure.SecretIdNotFound",
    4003: "AuthFailure.SignatureExpire",
    4004: "AuthFailure.UnauthorizedOperation",
    4290: "RequestLimitExceeded",
    5000: "InternalError",
}
"""For faults; the numbers are the sandbox's own, since Tencent has none for these."""
CODES = (1015, 1023, 1025, 1031, 1012, 1014, 1016, 1008, 4290, 4001, 5000)
WORDS = {
    "AuthFailure.SignatureFailure": "The provided credentials could not be validated. Please check your signature is correct.",
    "AuthFailure.SecretIdNotFound": "The SecretId is not found, please ensure that your SecretId is correct.",
    "AuthFailure.SignatureExpire": "The provided credentials have expired: the timestamp is more than five minutes away.",
    "AuthFailure.InvalidAuthorization": "The Authorization header does not conform to the standard.",
    "RequestLimitExceeded": "Your current request times exceeds the limit in a second.",
    "UnauthorizedOperation.SmsSdkAppIdVerifyFail": "the SmsSdkAppId does not belong to this account",
    "FailedOperation.InsufficientBalanceInSmsPackage": "the SMS package has no balance left",
    "FailedOperation.PhoneNumberInBlacklist": "the phone number is in the blacklist",
    "FailedOperation.TemplateIncorrectOrUnapproved": "template is not approved or request content does not match it",
    "FailedOperation.SignatureIncorrectOrUnapproved": "signature is not approved or has a wrong format",
    "InvalidParameterValue.IncorrectPhoneNumber": "incorrect phone number",
    "LimitExceeded.PhoneNumberThirtySecondLimit": "the number of sms messages sent to one number in 30 seconds exceeds the limit",
    "LimitExceeded.PhoneNumberOneHourLimit": "the number of sms messages sent to one number in 1 hour exceeds the limit",
    "LimitExceeded.PhoneNumberDailyLimit": "the number of sms messages sent to one number in a day exceeds the limit",
}


class TencentError(Exception):
    """A refusal of the whole request; told with HTTP 200."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message or WORDS.get(code, code)

    def response(self) -> Response:
        """The HTTP answer."""
        return answered({"Error": {"Code": self.code, "Message": self.message}})


def answered(fields: dict[str, Any]) -> Response:
    """Return an answer in Tencent's envelope. Its library sees errors only under this very content type."""
    body = msgspec.json.encode({"Response": {**fields, "RequestId": str(uuid4())}})
    return Response(body, content_type="application/json")
