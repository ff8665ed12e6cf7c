"""Weibo's stand-in. No maintained client library of Weibo's messages exists; they offer WeChat's signature and XML, so wechatpy
verifies and reads what the sandbox posts, and the documented vector and forms are checked besides."""

import json
import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import pytest
from wechatpy import parse_message  # type: ignore[import-untyped]  # publishes no types
from wechatpy.exceptions import InvalidSignatureException  # type: ignore[import-untyped]  # publishes no types
from wechatpy.utils import check_signature  # type: ignore[import-untyped]  # publishes no types

from switchboard.sandbox.conftest import Hook, Running
from switchboard.sandbox.weibo.push import signature

LIBRARIES = {"weibo": "wechatpy (signature and XML)"}

AMR = b"#!AMR\n" + b"0" * 50
Json = dict[str, Any]


@pytest.fixture
def account(sandbox: Running, hook: Hook) -> Json:
    sandbox.post("/sandbox/customers", id="mei", name="林美", handles={"weibo": "2489518277"})
    return sandbox.post("/sandbox/platforms/weibo", webhook_url=hook.url, name="沙盒商店")


def reply(sandbox: Running, account: Json, kind: str, data: Any, **more: Any) -> tuple[int, Json]:
    form = {
        "access_token": account["settings"]["access_token"],
        "type": kind,
        "data": data if isinstance(data, str) else json.dumps(data, ensure_ascii=False),
        "receiver_id": "2489518277",
        **more,
    }
    answer = httpx.post(f"{sandbox.url}/2/messages/reply.json", data=form, trust_env=False)
    return answer.status_code, answer.json()


def test_wechatpy_accepts_signature_and_reads_every_kind_in_xml(
    sandbox: Running, account: Json, hook: Hook
) -> None:
    set_format = {"access_token": account["settings"]["access_token"], "format": "xml"}
    assert httpx.post(f"{sandbox.url}/2/eps/push/set_format.json", data=set_format, trust_env=False).json()[
        "result"
    ]
    sandbox.play(account, "mei", text="在吗 <b>&]]> 好")
    sandbox.play(account, "mei", type="voice", file=sandbox.upload("a.amr", AMR, "audio/amr"))
    sandbox.play(account, "mei", type="location")
    sandbox.play(account, "mei", action="subscribe")
    sandbox.play(account, "mei", type="menu", key="help")
    until = time.monotonic() + 5
    while len(hook.calls) < 5 and time.monotonic() < until:
        time.sleep(0.01)
    read = [parse_message(body) for _, body in hook.calls]
    assert [(m.type, m.source, m.target) for m in read] == [
        (kind, "2489518277", account["id"]) for kind in ("text", "voice", "location", "event", "event")
    ]
    assert read[0].content == "在吗 <b>&]]> 好"
    assert read[1].media_id
    assert read[3].event == "subscribe"
    assert read[2].location == ("39.982525", "116.308586")
    assert (read[4].event, read[4].key) == ("click", "help")
    secret = account["settings"]["app_secret"]
    for path in hook.paths:
        query = dict(parse_qsl(urlsplit(path).query))
        check_signature(secret, query["signature"], query["timestamp"], query["nonce"])
        with pytest.raises(InvalidSignatureException):
            check_signature(secret + "x", query["signature"], query["timestamp"], query["nonce"])


def test_json_has_the_form_of_the_documentation_and_files_come_down(
    sandbox: Running, account: Json, hook: Hook
) -> None:
    sandbox.play(account, "mei", type="voice", file=sandbox.upload("a.amr", AMR, "audio/amr"))
    sandbox.play(account, "mei", type="mention", text="@沙盒商店 你好")
    voice, mention = hook.wait(lambda bodies: len(bodies) == 2)
    assert voice.keys() == {"type", "receiver_id", "sender_id", "created_at", "text", "data"}
    assert (voice["receiver_id"], voice["sender_id"]) == (int(account["id"]), 2489518277)
    assert time.strptime(voice["created_at"], "%a %b %d %H:%M:%S +0800 %Y")
    assert mention["data"]["subtype"] == "status"
    params = {"access_token": account["settings"]["access_token"], "fid": voice["data"]["tovfid"]}
    answer = httpx.get(f"{sandbox.url}/2/mss/msget", params=params, trust_env=False)
    assert (answer.content, answer.headers["content-type"]) == (AMR, "audio/amr")
    assert (
        httpx.get(f"{sandbox.url}/2/mss/msget", params={**params, "fid": 1}, trust_env=False).status_code
        == 400
    )


def test_answers_and_their_window(sandbox: Running, account: Json, hook: Hook) -> None:
    assert reply(sandbox, account, "text", {"text": "早"})[1]["error_code"] == 20016
    sandbox.play(account, "mei", type="mention", text="@沙盒商店")
    assert reply(sandbox, account, "text", {"text": "一次"})[1]["result"]
    assert reply(sandbox, account, "text", {"text": "两次"})[1]["error_code"] == 20016
    sandbox.play(account, "mei", text="在吗")
    article = {
        "display_name": "新品",
        "summary": "好",
        "image": "https://a.example/a.png",
        "url": "https://a.example",
    }
    good: list[tuple[str, Any]] = [
        ("text", {"text": "你好"}),
        ("position", {"longitude": "116.3", "latitude": "39.9"}),
        ("articles", {"articles": [article]}),
    ]
    assert all(reply(sandbox, account, kind, data)[0] == 200 for kind, data in good)
    quoted = quote(json.dumps({"text": "再引一次"}))
    assert reply(sandbox, account, "text", quoted)[0] == 200
    assert [e["text"] for e in sandbox.ledger()][-1] == "再引一次"
    assert all("access_token" not in e["body"] or e["body"]["access_token"] == "…" for e in sandbox.ledger())
    bad: list[tuple[int, str, Any, Json]] = [
        (20012, "text", {"text": "长" * 300}, {}),
        (10008, "image", {"text": "x"}, {}),
        (10008, "articles", {"articles": [{**article, "image": ""}]}, {}),
        (10016, "", {"text": "x"}, {}),
        (20003, "text", {"text": "x"}, {"receiver_id": "1"}),
        (21332, "text", {"text": "x"}, {"access_token": "2.00wrong"}),
    ]
    for code, kind, data, more in bad:
        status, said = reply(sandbox, account, kind, data, **more)
        assert (said["error_code"], status >= 400, said["request"]) == (code, True, "/2/messages/reply.json")
    sandbox.play(account, "mei", action="unfollow")
    assert reply(sandbox, account, "text", {"text": "x"})[1]["error_code"] == 20301
    sandbox.play(account, "mei", action="follow")
    sandbox.post("/sandbox/clock", shift_seconds=48 * 3600 + 1)
    assert reply(sandbox, account, "text", {"text": "x"})[1]["error_code"] == 20016
    sandbox.post("/sandbox/faults", kind="error", code=10023, platform="weibo")
    assert reply(sandbox, account, "text", {"text": "x"})[1]["error_code"] == 10023
    sandbox.post("/sandbox/clock", shift_seconds=366 * 86_400)
    assert reply(sandbox, account, "text", {"text": "x"})[1]["error_code"] == 21327


def test_pushes_are_repeated_three_times_and_an_answer_may_be_a_reply(
    sandbox: Running, account: Json, hook: Hook
) -> None:
    hook.answers = [500] * 4
    sandbox.play(account, "mei", text="eins")
    sandbox.play(account, "mei", text="zwei")
    said = hook.wait(lambda bodies: bodies[-1]["text"] == "zwei")
    assert [b["text"] for b in said] == ["eins"] * 4 + ["zwei"]
    passive = {
        "result": True, "sender_id": int(account["id"]), "receiver_id": 2489518277, "type": "text",
        "data": quote(json.dumps({"text": "马上"})),
    }  # fmt: skip
    hook.body = json.dumps(passive).encode()
    sandbox.play(account, "mei", text="drei")
    until = time.monotonic() + 5
    while not sandbox.ledger() and time.monotonic() < until:
        time.sleep(0.01)
    assert [e["text"] for e in sandbox.ledger()] == ["马上"]


@pytest.mark.skipif("SWITCHBOARD_SAMPLES" not in os.environ, reason="no directory of samples is named")
def test_the_signature_of_the_documentation() -> None:
    file = Path(os.environ["SWITCHBOARD_SAMPLES"]) / "weibo/vectors/vectors.json"
    (vector,) = json.loads(file.read_text())
    made = signature(vector["appsecret"], vector["timestamp"], vector["nonce"])
    assert made == vector["expected_signature"]
