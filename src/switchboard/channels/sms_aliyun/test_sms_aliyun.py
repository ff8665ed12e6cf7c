"""The Alibaba Cloud channel's contract, its signature against the published vector, and what is peculiar to it."""

import hashlib
import hmac
import json
import os
import timeit
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import msgspec
import pytest

from switchboard.channels.api import (
    Content,
    InDoubt,
    Outbound,
    RawRequest,
    Reauthorise,
    Refused,
    Retry,
    Sent,
    Text,
)
from switchboard.channels.contract import Answer, ChannelContract, Request, ScriptedIo
from switchboard.channels.contract_case import HOOK_URL, RECEIVED_AT
from switchboard.channels.sms_aliyun import signature
from switchboard.channels.sms_aliyun.channel import AliyunChannel, AliyunConfig

SAMPLES = os.environ.get("SWITCHBOARD_SAMPLES", "")
KEY, SECRET = "LTAI-a-key-for-tests", "an-access-secret-for-tests"
SENT = Answer(
    json={
        "Code": "OK",
        "ResponseCode": "OK",
        "BizId": "900000000000000001^0",
        "MessageId": "1080000000000000001",
    }
)


def said(status: int, code: str, words: str = "no") -> Answer:
    return Answer(status=status, json={"Code": code, "Message": words, "RequestId": "r"})


def abroad(code: str) -> Answer:
    """The API for numbers abroad refuses."""
    return Answer(json={"ResponseCode": code, "ResponseDescription": "no", "RequestId": "r"})


def proven(request: Request) -> Request:
    """Check a request's signature apart from the adapter's code, then take out what differs each time."""
    headers = dict(request.headers)
    given = dict(part.split("=", 1) for part in headers.pop("authorization").split(" ", 1)[1].split(","))
    names = given["SignedHeaders"].split(";")
    query = "&".join(
        f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(request.params.items())
    )
    lines = [f"{name}:{headers[name]}" for name in names]
    plain = "\n".join(
        [request.method, "/", query, *lines, "", ";".join(names), hashlib.sha256(b"").hexdigest()]
    )
    digest = hashlib.sha256(plain.encode()).hexdigest()
    mac = hmac.new(SECRET.encode(), f"ACS3-HMAC-SHA256\n{digest}".encode(), hashlib.sha256)
    assert given["Signature"] == mac.hexdigest()
    assert given["Credential"] == KEY
    assert {"host", "x-acs-action", "x-acs-date", "x-acs-signature-nonce"} <= set(names)
    for name in ("x-acs-date", "x-acs-signature-nonce"):
        headers[name] = "…"
    return msgspec.structs.replace(request, headers=headers)


class TestAliyun(ChannelContract):
    kind = "sms_aliyun"
    config: ClassVar[Mapping[str, Any]] = {
        "access_key_id": KEY,
        "access_key_secret": SECRET,
        "sign_names": "云商店\n【云商店会员】",
        "reply_template": "SMS_24000001",
        "sender_id": "YunShop",
    }
    proof = "path"
    items = ("*",)
    answer = SENT
    errors: ClassVar[Sequence[Any]] = (
        (said(200, "isv.MOBILE_NUMBER_ILLEGAL"), Refused),
        (said(200, "isv.SMS_TEMPLATE_ILLEGAL"), Refused),
        (said(200, "isv.SMS_SIGNATURE_ILLEGAL"), Refused),
        (said(200, "isv.AMOUNT_NOT_ENOUGH"), Reauthorise),
        (said(200, "isv.OUT_OF_SERVICE"), Reauthorise),
        (said(200, "isv.BLACK_KEY_CONTROL_LIMIT"), Refused),
        (said(200, "isv.BUSINESS_LIMIT_CONTROL", "触发分钟级流控Permits:1"), Retry),
        (said(200, "isv.DAY_LIMIT_CONTROL", "触发日发送限额"), Retry),
        (said(200, "isp.SYSTEM_ERROR"), Retry),
        (abroad("AMOUNT_NOT_ENOUGH"), Reauthorise),
        (abroad("FORBIDDEN_ACTION"), Reauthorise),
        (abroad("BUSINESS_LIMIT_CONTROL_MINUTE"), Retry),
        (abroad("SYSTEM_ERROR"), Retry),
        (abroad("MOBILE_NUMBER_ILLEGAL"), Refused),
        (abroad("INVALID_SENDERID"), Refused),
        (said(200, "isp.RAM_PERMISSION_DENY"), Reauthorise),
        (said(400, "Throttling.User"), Retry),
        (said(400, "SignatureNonceUsed"), Retry),
        (said(400, "SignatureDoesNotMatch"), Reauthorise),
        (said(404, "InvalidAccessKeyId.NotFound"), Reauthorise),
        (said(403, "Forbidden.RAM"), Reauthorise),
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


def channel(*answers: Answer, **changes: Any) -> tuple[AliyunChannel, ScriptedIo]:
    io = ScriptedIo(list(answers) or [SENT])
    return AliyunChannel(msgspec.convert({**TestAliyun.config, **changes}, AliyunConfig), io), io


def to(number: str) -> Outbound:
    return Outbound("云商店", number, [Text("hello")], "0190a1b2-0000-7000-8000-000000000001-0")


# -- signature ---------------------------------------------------------------------------------------------


def test_the_published_signature_is_made() -> None:
    """And another one when a single bit of anything signed differs."""
    if not SAMPLES:
        pytest.skip("SWITCHBOARD_SAMPLES is not set: no published vector was tried")
    found = json.loads((Path(SAMPLES) / "sms" / "vectors" / "vectors.json").read_text("utf-8"))
    (one,) = [one for one in found if "ACS3" in one["name"]]
    headers = one["signed_headers"]
    plain = signature.canonical_request(
        one["method"], one["path"], one["query"], headers, headers["x-acs-content-sha256"]
    )
    assert hashlib.sha256(plain.encode()).hexdigest() == one["hashed_canonical_request"]

    def made(secret: str, query: Mapping[str, str], headers: Mapping[str, str]) -> str:
        key = one["access_key_id"]
        return signature.authorization(key, secret, one["method"], one["path"], query, headers)

    right = made(one["access_key_secret"], one["query"], headers)
    assert right.endswith(f",Signature={one['expected']}")
    others = [
        made(one["access_key_secret"] + "x", one["query"], headers),
        made(one["access_key_secret"], {**one["query"], "RegionId": "cn-shanghah"}, headers),
        made(one["access_key_secret"], one["query"], {**headers, "x-acs-date": "2023-10-26T10:22:33Z"}),
    ]
    assert right not in others
    assert len(set(others)) == 3


# -- out ---------------------------------------------------------------------------------------------------


async def test_mainland_numbers_get_templates_only() -> None:
    """There is no free text in mainland China; the agent reads why."""
    aliyun, io = channel(reply_template="")
    with pytest.raises(Refused, match="templates only") as refused:
        await aliyun.send(to("+86 138 0000 0001"))
    assert not refused.value.unreachable
    assert not io.scripted.requests


async def test_a_templates_variables_are_looked_up_once() -> None:
    template = Answer(json={"Code": "OK", "TemplateContent": "答复：${answer}"})
    aliyun, io = channel(template, SENT)
    for _ in range(3):
        await aliyun.send(to("+8613800000001"))
    assert [one.headers["x-acs-action"] for one in io.scripted.requests] == [
        "QuerySmsTemplate",
        *["SendSms"] * 3,
    ]


async def test_too_few_variables_are_told_before_anything_is_sent() -> None:
    aliyun, io = channel(Answer(json={"Code": "OK", "TemplateContent": "${a}和${b}"}))
    with pytest.raises(Refused, match="2 variables, 1 were given"):
        await aliyun.send(to("+8613800000001"))
    assert len(io.scripted.requests) == 1


@pytest.mark.parametrize(("unit", "seconds"), [("分钟", 60), ("小时", 3600), ("天", 14_400)])
async def test_limits_are_waited_for_as_long_as_they_last(unit: str, seconds: int) -> None:
    aliyun, _ = channel(said(200, "isv.BUSINESS_LIMIT_CONTROL", f"触发{unit}级流控Permits:1"))
    with pytest.raises(Retry) as later:
        await aliyun.send(to("+85251000001"))
    assert later.value.after == seconds


async def test_a_sign_under_review_is_told_when_probed() -> None:
    aliyun, _ = channel(Answer(json={"Code": "OK", "SignStatus": 0}))
    with pytest.raises(Refused, match="not approved"):
        await aliyun.probe()
    aliyun, _ = channel(Answer(json={"Code": "OK", "SignStatus": 1}))
    assert [one.external_id for one in await aliyun.probe()] == ["云商店", "云商店会员"]


# -- in ----------------------------------------------------------------------------------------------------


def test_the_answer_is_the_one_that_ends_the_pushing() -> None:
    aliyun, _ = channel()
    reply = aliyun.ack(RawRequest("POST", HOOK_URL, {}, {}, b"[]", RECEIVED_AT))
    assert json.loads(reply.body) == {"code": 0, "msg": "成功"}


def test_a_report_settles_a_send_whose_answer_was_lost() -> None:
    """What we gave along comes back: our key, and which sign it was."""
    test = TestAliyun()
    path = test.adapter.folder / "fixtures" / "report_of_another_sign.json"
    (receipt,) = test.parser.parse(test.request(path.read_bytes(), path))
    assert (receipt.account, getattr(receipt, "idempotency_key", "")) == (
        "云商店会员",
        "0190a1b2-0000-7000-8000-000000000001-0",
    )


def test_the_largest_batch_is_read_in_time() -> None:
    """A hundred reports: the door waits for it, and Alibaba Cloud waits 700 ms for the door."""
    item = {
        "phone_number": "13800000001", "send_time": "2026-06-01 19:58:00", "report_time": "2026-06-01 19:58:05", "success": True,
        "err_code": "DELIVERED", "err_msg": "用户接收成功", "sms_size": "1", "out_id": "0190a1b2-0000-7000-8000-000000000001-0.0",
    }  # fmt: skip
    body = json.dumps([{**item, "biz_id": f"{nr}^0"} for nr in range(100)]).encode()
    aliyun, _ = channel()
    request = RawRequest("POST", HOOK_URL, {}, {}, body, RECEIVED_AT)
    assert len(aliyun.parse(request)) == 100
    best = min(timeit.repeat(lambda: aliyun.parse(request), number=1, repeat=20))
    assert best < 0.005
