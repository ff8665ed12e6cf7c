"""Tencent Cloud's own client library against the sandbox over real HTTP, and the signature of its documentation."""

import json
import os
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from tencentcloud.common.credential import Credential  # type: ignore[import-untyped]  # publishes no types
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException  # type: ignore[import-untyped]  # publishes no types
from tencentcloud.common.profile.client_profile import ClientProfile  # type: ignore[import-untyped]  # publishes no types
from tencentcloud.common.profile.http_profile import HttpProfile  # type: ignore[import-untyped]  # publishes no types
from tencentcloud.sms.v20210111 import models  # type: ignore[import-untyped]  # publishes no types
from tencentcloud.sms.v20210111.sms_client import SmsClient  # type: ignore[import-untyped]  # publishes no types

from switchboard.sandbox.conftest import Hook, Running
from switchboard.sandbox.sms.tencent_signature import signature

LIBRARIES = {"sms_tencent": "tencentcloud-sdk-python-sms"}

MEI = "+8613800000001"
OK = b'{"result":0,"errmsg":"OK"}'
Json = dict[str, Any]


@pytest.fixture
def account(sandbox: Running, hook: Hook) -> Json:
    hook.body = OK
    sandbox.post("/sandbox/customers", id="mei", name="林美", phone=MEI.strip("+"))
    return sandbox.post("/sandbox/platforms/sms_tencent", webhook_url=hook.url, settings={"limits": False})


def client(sandbox: Running, account: Json, secret: str = "", region: str = "ap-guangzhou") -> SmsClient:
    key = Credential(account["settings"]["secret_id"], secret or account["settings"]["secret_key"])
    http = HttpProfile(protocol="http", endpoint=sandbox.url.removeprefix("http://"))
    return SmsClient(key, region, ClientProfile(httpProfile=http))


def send(sms: SmsClient, account: Json, **more: Any) -> list[Any]:
    request = models.SendSmsRequest()
    fields = {
        "PhoneNumberSet": [MEI],
        "SmsSdkAppId": account["settings"]["sdk_app_id"],
        "SignName": account["settings"]["sign"],
        "TemplateId": "2400001",
        "TemplateParamSet": ["明天发货"],
        "SessionContext": "s1",
        **more,
    }
    request.from_json_string(json.dumps({k: v for k, v in fields.items() if v is not None}))
    statuses: list[Any] = sms.SendSms(request).SendStatusSet
    return statuses


def test_templates_go_out_and_reports_come_back_together(sandbox: Running, account: Json, hook: Hook) -> None:
    sms = client(sandbox, account)
    first, second = send(sms, account, PhoneNumberSet=[MEI, "13900000009"])
    assert (first.Code, first.PhoneNumber, first.Fee, first.SessionContext) == ("Ok", MEI, 1, "s1")
    hook.wait(len)
    ((_, body),) = hook.calls
    said = json.loads(body)
    assert {(r["sid"], r["report_status"], r["mobile"], r["nationcode"]) for r in said} == {
        (first.SerialNo, "SUCCESS", "13800000001", "86"),
        (second.SerialNo, "FAIL", "13900000009", "86"),
    }
    assert [e["text"] for e in sandbox.ledger()] == ["【沙盒商店】您咨询的问题已有答复：明天发货"] * 2
    (bubble,) = sandbox.bubbles(account, "mei")
    assert (bubble["id"], bubble["status"]) == (first.SerialNo, "delivered")


def test_replies_come_one_by_one_until_they_are_answered_with_zero(
    sandbox: Running, account: Json, hook: Hook
) -> None:
    hook.body = b'{"result":1,"errmsg":"busy"}'
    sandbox.play(account, "mei", text="什么时候到？")
    hook.wait(lambda bodies: len(bodies) >= 2)
    hook.body = OK
    sandbox.play(account, "mei", text="在吗")
    said = hook.wait(lambda bodies: bodies[-1]["text"] == "在吗")
    assert {tuple(sorted(s)) for s in said} == {("extend", "mobile", "nationcode", "sign", "text", "time")}
    assert (said[0]["mobile"], said[0]["nationcode"], said[0]["sign"]) == ("13800000001", "86", "沙盒商店")
    time.sleep(0.3)
    assert len(hook.calls) == len(said)
    sandbox.play(account, "mei", text="TD")
    (status,) = send(client(sandbox, account), account)
    assert status.Code == "FailedOperation.PhoneNumberInBlacklist"


@pytest.mark.parametrize(
    ("code", "more"),
    [
        ("InvalidParameterValue.IncorrectPhoneNumber", {"PhoneNumberSet": ["+8612"]}),
        ("FailedOperation.SignatureIncorrectOrUnapproved", {"SignName": "别家"}),
        ("FailedOperation.SignatureIncorrectOrUnapproved", {"SignName": None}),
        ("FailedOperation.TemplateIncorrectOrUnapproved", {"TemplateId": "1"}),
        ("FailedOperation.TemplateParamSetNotMatchApprovedTemplate", {"TemplateParamSet": []}),
        (
            "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter",
            {"TemplateParamSet": ["http://a.example"]},
        ),
        ("UnsupportedOperation.GlobalTemplateToChineseMainlandPhone", {"TemplateId": "2400003"}),
        ("UnauthorizedOperation.SmsSdkAppIdVerifyFail", {"SmsSdkAppId": "1400000000"}),
    ],
)
def test_numbers_that_get_nothing(sandbox: Running, account: Json, code: str, more: Json) -> None:
    (status,) = send(client(sandbox, account), account, **more)
    assert (status.Code, status.SerialNo, status.Fee) == (code, "", 0)
    assert sandbox.ledger() == []


def test_whole_requests_that_are_refused(sandbox: Running, account: Json) -> None:
    good = client(sandbox, account)
    stranger = {**account, "settings": {**account["settings"], "secret_id": "AKIDnobody"}}
    wanted: list[tuple[str, SmsClient, Json]] = [
        ("AuthFailure.SignatureFailure", client(sandbox, account, "wrong"), {}),
        ("AuthFailure.SecretIdNotFound", client(sandbox, stranger), {}),
        ("UnsupportedRegion", client(sandbox, account, region="ap-mars"), {}),
        ("MissingParameter", good, {"TemplateId": None}),
        ("MissingParameter.EmptyPhoneNumberSet", good, {"PhoneNumberSet": []}),
        ("LimitExceeded.PhoneNumberCountLimit", good, {"PhoneNumberSet": [MEI] * 201}),
        (
            "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber",
            good,
            {"PhoneNumberSet": [MEI, "+4915112345678"]},
        ),
    ]
    for code, sms, more in wanted:
        with pytest.raises(TencentCloudSDKException) as refused:
            send(sms, account, **more)
        assert refused.value.get_code() == code
    for number, code in ((4290, "RequestLimitExceeded"), (5000, "InternalError")):
        sandbox.post("/sandbox/faults", kind="error", code=number, platform="sms_tencent")
        with pytest.raises(TencentCloudSDKException) as refused:
            send(good, account)
        assert refused.value.get_code() == code
    sandbox.post("/sandbox/faults", kind="error", code=1031, platform="sms_tencent")
    (status,) = send(good, account)
    assert status.Code == "FailedOperation.InsufficientBalanceInSmsPackage"
    assert sandbox.ledger() == []


def test_a_number_gets_one_text_in_half_a_minute_and_five_in_an_hour(sandbox: Running, account: Json) -> None:
    sms = client(sandbox, account)
    sandbox.post("/sandbox/platforms/sms_tencent", id=account["id"], settings={"limits": True})
    codes = []
    for _ in range(6):
        codes += [send(sms, account)[0].Code, send(sms, account)[0].Code]
        sandbox.post("/sandbox/clock", shift_seconds=31)
    assert (
        codes
        == ["Ok", "LimitExceeded.PhoneNumberThirtySecondLimit"] * 5
        + ["LimitExceeded.PhoneNumberOneHourLimit"] * 2
    )


def test_signs_and_templates_are_listed(sandbox: Running, account: Json) -> None:
    sms = client(sandbox, account)
    request = models.DescribeSmsTemplateListRequest()
    request.International, request.Limit, request.Offset = 0, 10, 0
    found = sms.DescribeSmsTemplateList(request).DescribeTemplateStatusSet
    assert [(t.TemplateId, t.StatusCode) for t in found] == [(2400001, 0), (2400002, 0)]
    listing = models.DescribeSmsSignListRequest()
    listing.International, listing.SignIdSet = 0, [1001]
    (sign,) = sms.DescribeSmsSignList(listing).DescribeSignListStatusSet
    assert (sign.SignName, sign.StatusCode) == ("沙盒商店", 0)
    change = {"sign_status": -1, "sign_review": "资质不符"}
    sandbox.post("/sandbox/platforms/sms_tencent", id=account["id"], settings=change)
    (sign,) = sms.DescribeSmsSignList(listing).DescribeSignListStatusSet
    assert (sign.StatusCode, sign.ReviewReply) == (-1, "资质不符")
    (status,) = send(sms, account)
    assert status.Code == "FailedOperation.SignatureIncorrectOrUnapproved"


def test_statistics_are_told_for_our_application_only(sandbox: Running, account: Json) -> None:
    sms = client(sandbox, account)
    send(sms, account)
    request = models.SendStatusStatisticsRequest()
    good = {
        "SmsSdkAppId": account["settings"]["sdk_app_id"],
        "BeginTime": "2026010100",
        "EndTime": "2026010101",
        "Limit": 0,
        "Offset": 0,
    }
    request.from_json_string(json.dumps(good))
    assert sms.SendStatusStatistics(request).SendStatusStatistics.RequestCount == 1
    for code, wrong in (
        ("UnauthorizedOperation.SmsSdkAppIdVerifyFail", {"SmsSdkAppId": "1400000000"}),
        ("InvalidParameterValue.BeginTimeVerifyFail", {"BeginTime": "2026-01-01"}),
        ("InvalidParameterValue.EndTimeVerifyFail", {"EndTime": "2025123123"}),
        ("InvalidParameterValue.LimitVerifyFail", {"Limit": 10}),
    ):
        request.from_json_string(json.dumps({**good, **wrong}))
        with pytest.raises(TencentCloudSDKException) as refused:
            sms.SendStatusStatistics(request)
        assert refused.value.get_code() == code


def test_replayed_and_changed_requests_are_refused(sandbox: Running, account: Json) -> None:
    at = int(time.time()) - 301
    host, body = sandbox.url.removeprefix("http://"), b"{}"
    signed = {"content-type": "application/json", "host": host}
    secret = account["settings"]["secret_key"]

    def code_of(at: int, sent: bytes) -> str:
        mark = signature(secret, "POST", {}, signed, body, at, "sms")
        date = time.strftime("%Y-%m-%d", time.gmtime(at))
        scope = f"{account['settings']['secret_id']}/{date}/sms/tc3_request"
        headers = {
            **signed,
            "x-tc-action": "SendSms",
            "x-tc-version": "2021-01-11",
            "x-tc-timestamp": str(at),
            "x-tc-region": "ap-guangzhou",
            "authorization": f"TC3-HMAC-SHA256 Credential={scope}, SignedHeaders=content-type;host, Signature={mark}",
        }
        answer = httpx.post(sandbox.url, content=sent, headers=headers, trust_env=False).json()
        return str(answer["Response"]["Error"]["Code"])

    now = int(time.time())
    assert code_of(at, body) == "AuthFailure.SignatureExpire"
    assert code_of(now, b"{ }") == "AuthFailure.SignatureFailure"
    assert code_of(now, body) == "MissingParameter"


@pytest.mark.skipif("SWITCHBOARD_SAMPLES" not in os.environ, reason="no directory of samples is named")
def test_the_signature_of_the_documentation() -> None:
    file = Path(os.environ["SWITCHBOARD_SAMPLES"]) / "sms/vectors/vectors.json"
    (vector,) = [v for v in json.loads(file.read_text()) if v["name"].startswith("Tencent")]
    args = (vector["signed_headers"], vector["payload"].encode(), vector["timestamp"], vector["service"])
    assert signature(vector["secret_key"], "POST", {}, *args) == vector["expected"]
    assert signature(vector["secret_key"], "POST", {"a": "b"}, *args) != vector["expected"]
