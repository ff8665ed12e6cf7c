"""The Tencent Cloud channel's contract, its signature against the published vector, and what is peculiar to it."""

import hashlib
import hmac
import json
import os
import timeit
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from switchboard.channels.api import (
    Content,
    InDoubt,
    Outbound,
    Outcome,
    RawRequest,
    Reauthorise,
    Refused,
    Retry,
    Sent,
    Text,
)
from switchboard.channels.contract import Answer, ChannelContract, Request, ScriptedIo
from switchboard.channels.contract_case import HOOK_URL, RECEIVED_AT
from switchboard.channels.sms_tencent import signature
from switchboard.channels.sms_tencent.channel import TencentChannel, TencentConfig

SAMPLES = os.environ.get("SWITCHBOARD_SAMPLES", "")
ID, SECRET = "AKID-a-key-for-tests", "a-secret-key-for-tests"
APP = "1400006666"
Json = dict[str, Any]


def answered(**fields: Any) -> Answer:
    return Answer(json={"Response": {**fields, "RequestId": "r"}})


def gate(code: str, message: str = "no") -> Answer:
    """The API refuses the request."""
    return answered(Error={"Code": code, "Message": message})


def status(code: str, message: str = "no") -> Answer:
    """The API refuses this number."""
    one = {
        "SerialNo": "",
        "PhoneNumber": "",
        "Fee": 0,
        "SessionContext": "",
        "Code": code,
        "Message": message,
    }
    return answered(SendStatusSet=[one])


SENT = answered(SendStatusSet=[{"SerialNo": "2019:5100000000000000001", "Code": "Ok", "Fee": 1}])


def proven(request: Request) -> Request:
    """Check a request's signature apart from the adapter's code, then take out what differs each time."""
    headers = dict(request.headers)
    _, given = headers.pop("authorization").split(" ", 1)
    parts = dict(part.split("=", 1) for part in given.split(", "))
    key_id, date, product, end = parts["Credential"].split("/")
    at = headers["x-tc-timestamp"]
    assert (key_id, product, end) == (ID, "sms", "tc3_request")
    assert date == datetime.fromtimestamp(int(at), UTC).date().isoformat()
    assert parts["SignedHeaders"] == "content-type;host"
    plain = (
        f"POST\n/\n\ncontent-type:{headers['content-type']}\nhost:{headers['host']}\n\ncontent-type;host\n"
        + hashlib.sha256(request.content).hexdigest()
    )
    text = f"TC3-HMAC-SHA256\n{at}\n{date}/sms/tc3_request\n{hashlib.sha256(plain.encode()).hexdigest()}"
    key = b"TC3" + SECRET.encode()
    for part in (date, "sms", "tc3_request", text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    assert parts["Signature"] == key.hex()
    headers["x-tc-timestamp"] = "…"
    return msgspec.structs.replace(
        request, headers=headers, json=msgspec.json.decode(request.content), content=b""
    )


class TestTencent(ChannelContract):
    kind = "sms_tencent"
    config: ClassVar[Mapping[str, Any]] = {
        "secret_id": ID,
        "secret_key": SECRET,
        "sdk_app_id": APP,
        "sign_name": "【云商店】",
        "reply_template": "2400001",
        "reply_template_abroad": "2400004",
        "sender_id": "YunShop",
    }
    proof = "path"
    items = ("*",)
    answer = SENT
    errors: ClassVar[Sequence[Any]] = (
        (status("InvalidParameterValue.IncorrectPhoneNumber"), Refused),
        (status("InvalidParameterValue.ContentLengthLimit"), Refused),
        (status("InvalidParameterValue.TemplateParameterLengthLimit"), Refused),
        (status("FailedOperation.PhoneNumberInBlacklist"), Refused),
        (status("FailedOperation.TemplateIncorrectOrUnapproved"), Refused),
        (status("FailedOperation.SignatureIncorrectOrUnapproved"), Refused),
        (status("FailedOperation.ContainSensitiveWord"), Refused),
        (status("UnsupportedOperation.GlobalTemplateToChineseMainlandPhone"), Refused),
        (status("UnauthorizedOperation.IndividualUserMarketingSmsPermissionDeny"), Refused),
        (status("LimitExceeded.AppCountryOrRegionInBlacklist"), Refused),
        (status("LimitExceeded.PhoneNumberThirtySecondLimit"), Retry),
        (status("LimitExceeded.AppDailyLimit"), Retry),
        (status("FailedOperation.MarketingSendTimeConstraint"), Retry),
        (status("InternalError.OtherError"), Retry),
        (status("InternalError.Timeout"), InDoubt),
        (status("FailedOperation.InsufficientBalanceInSmsPackage"), Reauthorise),
        (status("UnauthorizedOperation.SmsSdkAppIdVerifyFail"), Reauthorise),
        (status("UnauthorizedOperation.ServiceSuspendDueToArrears"), Reauthorise),
        (status(""), InDoubt),
        (answered(), InDoubt),
        (gate("AuthFailure.SignatureFailure"), Reauthorise),
        (gate("AuthFailure.SecretIdNotFound"), Reauthorise),
        (gate("AuthFailure.SignatureExpire"), Reauthorise),
        (gate("InvalidParameterValue.SdkAppIdNotExist"), Reauthorise),
        (gate("InternalError.SigVerificationFail"), Reauthorise),
        (gate("RequestLimitExceeded"), Retry),
        (gate("InternalError"), Retry),
        (gate("MissingParameter"), Refused),
        (Answer(status=502, text="Bad Gateway"), InDoubt),
        (Answer(status=200, text="<html>"), InDoubt),
    )

    def sign(self, request: RawRequest, config: Mapping[str, Any]) -> Mapping[str, str]:
        return {}

    async def deliver(
        self, message: Outbound, answers: Sequence[Answer], files: Mapping[str, Content]
    ) -> tuple[Sent, list[Request]]:
        io = ScriptedIo(answers, files)
        sent = await self.channel(io).send(message)
        return sent, [proven(one) for one in io.scripted.requests]


def channel(*answers: Answer, **changes: Any) -> tuple[TencentChannel, ScriptedIo]:
    io = ScriptedIo(list(answers) or [SENT])
    return TencentChannel(msgspec.convert({**TestTencent.config, **changes}, TencentConfig), io), io


def to(number: str) -> Outbound:
    return Outbound(APP, number, [Text("hello")], "0190a1b2-0000-7000-8000-000000000001-0")


# -- signature ---------------------------------------------------------------------------------------------


def test_the_published_signature_is_made() -> None:
    """And another one when a single bit of anything signed differs."""
    if not SAMPLES:
        pytest.skip("SWITCHBOARD_SAMPLES is not set: no published vector was tried")
    found = json.loads((Path(SAMPLES) / "sms" / "vectors" / "vectors.json").read_text("utf-8"))
    (one,) = [one for one in found if "TC3" in one["name"]]
    headers, body, at = one["signed_headers"], one["payload"].encode(), one["timestamp"]
    plain = signature.canonical_request(headers, body)
    assert hashlib.sha256(plain.encode()).hexdigest() == one["hashed_canonical_request"]

    def made(secret: str, headers: Mapping[str, str], body: bytes, at: int) -> str:
        return signature.authorization(one["secret_id"], secret, one["service"], headers, body, at)

    right = made(one["secret_key"], headers, body, at)
    assert right.endswith(f", Signature={one['expected']}")
    flipped = bytes([body[0] ^ 1]) + body[1:]
    others = [
        made(one["secret_key"] + "x", headers, body, at),
        made(one["secret_key"], {**headers, "host": "sms.tencentcloudapi.com"}, body, at),
        made(one["secret_key"], headers, flipped, at),
        made(one["secret_key"], headers, body, at + 1),
    ]
    assert len({right, *others}) == 5


# -- out ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["+86 138 0000 0001", "+85251000001"])
async def test_only_templates_can_be_sent(number: str) -> None:
    """There is no free text, at home or abroad; the agent reads why."""
    tencent, io = channel(reply_template="", reply_template_abroad="")
    with pytest.raises(Refused, match="templates only") as refused:
        await tencent.send(to(number))
    assert not refused.value.unreachable
    assert not io.scripted.requests


@pytest.mark.parametrize(
    ("code", "seconds"),
    [
        ("LimitExceeded.PhoneNumberThirtySecondLimit", 30),
        ("LimitExceeded.PhoneNumberOneHourLimit", 3600),
        ("LimitExceeded.PhoneNumberDailyLimit", 14_400),
        ("LimitExceeded.GlobalSmsSendingRateLimit", None),
    ],
)
async def test_limits_are_waited_for_as_long_as_they_last(code: str, seconds: float | None) -> None:
    tencent, _ = channel(status(code))
    with pytest.raises(Retry) as later:
        await tencent.send(to("+8613800000001"))
    assert later.value.after == seconds


@pytest.mark.parametrize(
    ("code", "unreachable"),
    [("FailedOperation.PhoneNumberInBlacklist", True), ("FailedOperation.ContainSensitiveWord", False)],
)
async def test_people_who_can_not_be_reached_are_told_apart(code: str, unreachable: bool) -> None:
    tencent, _ = channel(status(code))
    with pytest.raises(Refused) as refused:
        await tencent.send(to("+8613800000001"))
    assert (refused.value.unreachable, refused.value.code) == (unreachable, code)


# -- the account -------------------------------------------------------------------------------------------


def sign(name: str, code: int = 0, reply: str = "") -> Json:
    return {"SignId": 1, "SignName": name, "StatusCode": code, "ReviewReply": reply}


async def test_the_sign_is_looked_for_on_every_page() -> None:
    full = answered(DescribeSignListStatusSet=[sign(f"第{nr}家") for nr in range(100)])
    tencent, io = channel(full, answered(DescribeSignListStatusSet=[sign("云商店")]), answered())
    (account,) = await tencent.probe()
    assert (account.external_id, account.name) == (APP, "云商店")
    asked = [proven(one) for one in io.scripted.requests]
    assert [one.headers["x-tc-action"] for one in asked] == [
        "DescribeSmsSignList",
        "DescribeSmsSignList",
        "SendStatusStatistics",
    ]
    assert [one.json.get("Offset") for one in asked] == [0, 100, 0]
    assert asked[2].json["SmsSdkAppId"] == APP


@pytest.mark.parametrize(
    ("answers", "outcome", "words"),
    [
        (
            [answered(DescribeSignListStatusSet=[sign("云商店", -1, "资质不符")])],
            Refused,
            "not approved: 资质不符",
        ),
        ([answered(DescribeSignListStatusSet=[sign("云商店", 1)])], Refused, "still under review"),
        ([answered(DescribeSignListStatusSet=[sign("别家")])], Refused, "no sign 【云商店】"),
        ([answered(DescribeSignListStatusSet=None)], Refused, "no sign 【云商店】"),
        (
            [
                answered(DescribeSignListStatusSet=[sign("云商店")]),
                gate("UnauthorizedOperation.SmsSdkAppIdVerifyFail", "not your application"),
            ],
            Reauthorise,
            "not your application",
        ),
    ],
)
async def test_what_is_wrong_is_told_when_probed(
    answers: list[Answer], outcome: type[Outcome], words: str
) -> None:
    tencent, _ = channel(*answers)
    with pytest.raises(outcome, match=words):
        await tencent.probe()


# -- in ----------------------------------------------------------------------------------------------------


def test_the_answer_is_the_one_that_ends_the_pushing() -> None:
    tencent, _ = channel()
    reply = tencent.ack(RawRequest("POST", HOOK_URL, {}, {}, b"[]", RECEIVED_AT))
    assert json.loads(reply.body) == {"result": 0, "errmsg": "OK"}


def test_the_largest_batch_is_read_in_time() -> None:
    """Two hundred reports, as many as one request may send."""
    item = {
        "user_receive_time": "2026-06-01 19:58:05", "nationcode": "86", "mobile": "13800000001",
        "report_status": "SUCCESS", "errmsg": "DELIVRD", "description": "用户短信送达成功",
    }  # fmt: skip
    body = json.dumps([{**item, "sid": f"2019:{nr}"} for nr in range(200)]).encode()
    tencent, _ = channel()
    request = RawRequest("POST", HOOK_URL, {}, {}, body, RECEIVED_AT)
    assert len(tencent.parse(request)) == 200
    best = min(timeit.repeat(lambda: tencent.parse(request), number=1, repeat=20))
    assert best < 0.008
