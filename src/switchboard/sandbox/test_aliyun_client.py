"""Alibaba Cloud's own client library against the sandbox over real HTTP, and the signatures of its documentation."""

import json
import os
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from alibabacloud_dysmsapi20170525 import models  # type: ignore[import-untyped]  # publishes no types
from alibabacloud_dysmsapi20170525.client import Client  # type: ignore[import-untyped]  # publishes no types
from alibabacloud_dysmsapi20180501 import models as abroad  # type: ignore[import-untyped]  # publishes no types
from alibabacloud_dysmsapi20180501.client import Client as Abroad  # type: ignore[import-untyped]  # publishes no types
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException  # type: ignore[import-untyped]  # publishes no types
from alibabacloud_tea_openapi.models import Config  # type: ignore[import-untyped]  # publishes no types

from switchboard.sandbox.conftest import Hook, Running
from switchboard.sandbox.sms.aliyun_signature import acs3, rpc

LIBRARIES = {"sms_aliyun": "alibabacloud_dysmsapi20170525"}

MEI = "13800000001"
OK = '{"code":0,"msg":"接收成功"}'.encode()
Json = dict[str, Any]


@pytest.fixture
def account(sandbox: Running, hook: Hook) -> Json:
    hook.body = OK
    sandbox.post("/sandbox/customers", id="mei", name="林美", phone="86" + MEI)
    return sandbox.post("/sandbox/platforms/sms_aliyun", webhook_url=hook.url)


def config(sandbox: Running, account: Json, secret: str = "") -> Config:
    settings = account["settings"]
    return Config(
        access_key_id=settings["access_key_id"],
        access_key_secret=secret or settings["access_key_secret"],
        endpoint=sandbox.url.removeprefix("http://"),
        protocol="http",
    )


def client(sandbox: Running, account: Json, secret: str = "") -> Client:
    return Client(config(sandbox, account, secret))


def send(sms: Client, account: Json, **more: Any) -> Any:
    fields = {
        "phone_numbers": MEI,
        "sign_name": account["settings"]["sign"],
        "template_code": "SMS_24000001",
        "template_param": '{"answer":"明天发货"}',
        "out_id": "o1",
        **more,
    }
    return sms.send_sms(models.SendSmsRequest(**fields)).body


def items(hook: Hook) -> list[Json]:
    return [item for _, body in hook.calls for item in json.loads(body)]


def test_templates_go_out_and_reports_come_back_together(sandbox: Running, account: Json, hook: Hook) -> None:
    sms = client(sandbox, account)
    sent = send(sms, account, phone_numbers=f"{MEI},+8613900000009")
    assert (sent.code, sent.message) == ("OK", "OK")
    hook.wait(lambda _: len(items(hook)) >= 2)
    assert {
        (r["phone_number"], r["success"], r["err_code"], r["biz_id"], r["out_id"]) for r in items(hook)
    } == {
        (MEI, True, "DELIVERED", sent.biz_id, "o1"),
        ("13900000009", False, "MOBILE_NOT_ON_SERVICE", sent.biz_id, "o1"),
    }
    assert [e["text"] for e in sandbox.ledger()] == ["【沙盒商店】您咨询的问题已有答复：明天发货"] * 2
    today = time.strftime("%Y%m%d", time.gmtime(time.time() + 8 * 3600))
    asked = models.QuerySendDetailsRequest(
        phone_number=MEI, biz_id=sent.biz_id, send_date=today, page_size=10, current_page=1
    )
    (detail,) = sms.query_send_details(asked).body.sms_send_detail_dtos.sms_send_detail_dto
    assert (detail.send_status, detail.out_id) == (3, "o1")


def test_replies_are_pushed_until_they_are_answered_with_a_number(
    sandbox: Running, account: Json, hook: Hook
) -> None:
    hook.body = b'{"code":"0"}'
    sandbox.play(account, "mei", text="什么时候到？")
    hook.wait(lambda bodies: len(bodies) >= 2)
    hook.body = OK
    sandbox.play(account, "mei", text="在吗")
    hook.wait(lambda _: items(hook)[-1]["content"] == "在吗")
    assert {(i["phone_number"], i["sign_name"], i["dest_code"]) for i in items(hook)} == {
        (MEI, "沙盒商店", "1234")
    }
    assert len({i["sequence_id"] for i in items(hook)}) == 2
    sandbox.play(account, "mei", text="td")
    assert send(client(sandbox, account), account).code == "OK"
    hook.wait(lambda _: items(hook)[-1].get("err_code") == "MOBILE_IN_BLACK")


@pytest.mark.parametrize(
    ("code", "more"),
    [
        ("isv.MOBILE_NUMBER_ILLEGAL", {"phone_numbers": f"{MEI},123"}),
        ("isv.MOBILE_COUNT_OVER_LIMIT", {"phone_numbers": ",".join([MEI] * 1001)}),
        ("isv.SMS_SIGNATURE_ILLEGAL", {"sign_name": "别家"}),
        ("isv.SMS_TEMPLATE_ILLEGAL", {"template_code": "SMS_1"}),
        ("isv.TEMPLATE_MISSING_PARAMETERS", {"template_param": "{}"}),
        ("isv.INVALID_JSON_PARAM", {"template_param": "answer=1"}),
        ("isv.BLACK_KEY_CONTROL_LIMIT", {"template_param": '{"answer":"https://a.example"}'}),
        ("isv.PARAM_LENGTH_LIMIT", {"template_param": json.dumps({"answer": "长" * 500})}),
    ],
)
def test_texts_that_are_refused(sandbox: Running, account: Json, code: str, more: Json) -> None:
    answer = send(client(sandbox, account), account, **more)
    assert (answer.code, answer.biz_id) == (code, None)
    assert sandbox.ledger() == []


def test_requests_that_are_refused_at_the_gate(sandbox: Running, account: Json) -> None:
    stranger = {**account, "settings": {**account["settings"], "access_key_id": "LTAInobody"}}
    wanted: list[tuple[str, Client, Json]] = [
        ("SignatureDoesNotMatch", client(sandbox, account, "wrong"), {}),
        ("InvalidAccessKeyId.NotFound", client(sandbox, stranger), {}),
        ("MissingTemplateCode", client(sandbox, account), {"template_code": None}),
    ]
    for code, sms, more in wanted:
        with pytest.raises(AlibabaCloudException) as refused:
            send(sms, account, **more)
        assert refused.value.code == code
    for number, code in ((21, "Throttling.User"), (22, "ServiceUnavailable"), (25, "Forbidden.RAM")):
        sandbox.post("/sandbox/faults", kind="error", code=number, platform="sms_aliyun")
        with pytest.raises(AlibabaCloudException) as refused:
            send(client(sandbox, account), account)
        assert refused.value.code == code
    sandbox.post("/sandbox/faults", kind="error", code=2, platform="sms_aliyun")
    assert send(client(sandbox, account), account).code == "isv.AMOUNT_NOT_ENOUGH"
    assert sandbox.ledger() == []


def test_a_number_gets_one_code_in_a_minute_and_fifty_notices_in_a_day(
    sandbox: Running, account: Json
) -> None:
    sms = client(sandbox, account)
    code = {"template_code": "SMS_24000002", "template_param": '{"code":"1234"}'}
    assert [send(sms, account, **code).code for _ in range(2)] == ["OK", "isv.BUSINESS_LIMIT_CONTROL"]
    sandbox.post("/sandbox/clock", shift_seconds=61)
    assert send(sms, account, **code).code == "OK"
    codes = [send(sms, account).code for _ in range(51)]
    assert codes == ["OK"] * 50 + ["isv.BUSINESS_LIMIT_CONTROL"]


def test_signs_and_templates_are_looked_up(sandbox: Running, account: Json) -> None:
    sms = client(sandbox, account)
    listed = sms.query_sms_template_list(models.QuerySmsTemplateListRequest(page_index=1, page_size=10)).body
    assert [t.template_code for t in listed.sms_template_list] == ["SMS_24000001", "SMS_24000002"]
    (sign,) = sms.query_sms_sign_list(models.QuerySmsSignListRequest(page_index=1)).body.sms_sign_list
    assert (sign.sign_name, sign.audit_status) == ("沙盒商店", "AUDIT_STATE_PASS")
    found = sms.query_sms_template(models.QuerySmsTemplateRequest(template_code="SMS_24000001")).body
    assert found.template_status == 1
    unknown = sms.query_sms_sign(models.QuerySmsSignRequest(sign_name="别家")).body
    assert unknown.code == "isv.SMS_SIGNATURE_ILLEGAL"


def test_further_signs_and_those_under_review(sandbox: Running, account: Json, hook: Hook) -> None:
    sms = client(sandbox, account)
    sandbox.post("/sandbox/platforms/sms_aliyun", id=account["id"], settings={"signs": ["会员"]})
    assert send(sms, account, sign_name="会员").code == "OK"
    assert sandbox.ledger()[0]["text"].startswith("【会员】")
    sandbox.play(account, "mei", text="在吗")
    hook.wait(lambda _: any(item.get("sign_name") == "会员" for item in items(hook)))
    change = {"sign_status": 2, "sign_reason": "资质不符"}
    sandbox.post("/sandbox/platforms/sms_aliyun", id=account["id"], settings=change)
    found = sms.query_sms_sign(models.QuerySmsSignRequest(sign_name="会员")).body
    assert (found.sign_name, found.sign_status, found.reason) == ("会员", 2, "资质不符")
    assert send(sms, account).code == "isv.SMS_SIGNATURE_ILLEGAL"


def test_plain_text_goes_abroad_and_is_reported(sandbox: Running, account: Json, hook: Hook) -> None:
    sandbox.post("/sandbox/customers", id="ann", name="Ann", phone="85251000001")
    sms = Abroad(config(sandbox, account))

    def sent(to: str = "85251000001", **more: Any) -> Any:
        request = abroad.SendMessageToGlobeRequest(to=to, **{"message": "你好 👋", "task_id": "t1", **more})
        return sms.send_message_to_globe(request).body

    first, second = sent(from_="YunShop"), sent("6581000009")
    assert (first.response_code, first.segments, first.from_) == ("OK", "1", "YunShop")
    hook.wait(lambda _: len(items(hook)) >= 2)
    assert {(i["MessageId"], i["Status"], i["TaskId"], i["To"]) for i in items(hook)} == {
        (first.message_id, "1", "t1", "85251000001"),
        (second.message_id, "2", "t1", "6581000009"),
    }
    for code, wrong in (
        ("COUNTRY_RESTRICTED", {"to": "8613800000001"}),
        ("MOBILE_NUMBER_ILLEGAL", {"to": "123"}),
        ("INVALID_SENDERID", {"from_": "A name that is too long"}),
        ("PARAM_LENGTH_LIMIT", {"message": "x" * 1531}),
    ):
        assert sent(**wrong).response_code == code
    sandbox.post("/sandbox/faults", kind="error", code=2, platform="sms_aliyun")
    assert sent().response_code == "AMOUNT_NOT_ENOUGH"
    assert [entry["text"] for entry in sandbox.ledger()] == ["你好 👋"] * 2


def test_the_older_signature_is_checked_and_none_is_taken_twice(sandbox: Running, account: Json) -> None:
    settings = account["settings"]

    def params(**more: str) -> dict[str, str]:
        made = {
            "AccessKeyId": settings["access_key_id"],
            "Action": "QuerySmsSign",
            "Format": "JSON",
            "SignName": settings["sign"],
            "SignatureMethod": "HMAC-SHA1",
            "SignatureNonce": str(uuid4()),
            "SignatureVersion": "1.0",
            "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "Version": "2017-05-25",
            **more,
        }
        return {**made, "Signature": rpc(settings["access_key_secret"], "GET", made)}

    def code_of(sent: dict[str, str]) -> str:
        return str(httpx.get(sandbox.url, params=sent, trust_env=False).json()["Code"])

    good = params()
    assert code_of(good) == "OK"
    assert code_of(good) == "SignatureNonceUsed"
    assert code_of({**params(), "SignName": "x"}) == "SignatureDoesNotMatch"
    assert code_of(params(Timestamp="2020-01-01T00:00:00Z")) == "InvalidTimeStamp.Expired"
    assert code_of(params(Version="2014-05-26")) == "InvalidVersion"
    assert code_of(params(Action="Nothing")) == "InvalidAction.NotFound"


@pytest.mark.skipif("SWITCHBOARD_SAMPLES" not in os.environ, reason="no directory of samples is named")
def test_the_signatures_of_the_documentation() -> None:
    file = Path(os.environ["SWITCHBOARD_SAMPLES"]) / "sms/vectors/vectors.json"
    vectors = [v for v in json.loads(file.read_text()) if v["name"].startswith("Aliyun")]
    assert len(vectors) == 3
    for vector in vectors:
        if "params" in vector:
            made = rpc(vector["access_key_secret"], vector["method"], vector["params"])
        else:
            headers = vector["signed_headers"]
            digest = headers["x-acs-content-sha256"]
            made = acs3(vector["access_key_secret"], "POST", vector["path"], vector["query"], headers, digest)
        assert made == vector["expected"]
