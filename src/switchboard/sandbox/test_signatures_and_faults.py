"""Signatures, retries, order, dropped answers, windows, the ledger: what the product's own proofs rely on."""

import hashlib
import hmac
import json
import time
from typing import Any

import httpx
import msgspec
import pytest

from switchboard.sandbox.conftest import FAST, Hook, Running
from switchboard.sandbox.custom import signature


@pytest.fixture
def number(sandbox: Running, hook: Hook) -> dict[str, Any]:
    for name in ("ann", "bob"):
        sandbox.post("/sandbox/customers", id=name, name=name.title())
    return sandbox.post(
        "/sandbox/whatsapp/numbers", webhook_url=hook.url, verify_token="right", receipts="delivered"
    )


def send(sandbox: Running, number: dict[str, Any], to: str, **body: Any) -> httpx.Response:
    message = {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": "x"}, **body}
    headers = {"authorization": f"Bearer {number['token']}"}
    return httpx.post(
        f"{sandbox.url}/v23.0/{number['id']}/messages", json=message, headers=headers, trust_env=False
    )


def phone(sandbox: Running, customer: str) -> str:
    people = sandbox.get("/sandbox/customers")["items"]
    found: str = next(p["phone"] for p in people if p["id"] == customer)
    return found


def messages(bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    changes = [c for b in bodies for e in b["entry"] for c in e["changes"]]
    return [m for c in changes for m in c["value"].get("messages", [])]


def test_webhook_is_signed_over_escaped_bytes(sandbox: Running, number: dict[str, Any], hook: Hook) -> None:
    sandbox.play(number, "ann", text="你好 https://a.example/😀")
    hook.wait(lambda bodies: len(bodies) == 1)
    headers, body = hook.calls[0]
    right = hmac.new(number["app_secret"].encode(), body, hashlib.sha256).hexdigest()
    assert headers["x-hub-signature-256"] == f"sha256={right}"
    assert b"\\u4f60\\u597d https:\\/\\/a.example\\/\\ud83d\\ude00" in body
    assert messages(hook.bodies())[0]["text"]["body"] == "你好 https://a.example/😀"


def test_failed_webhooks_come_again_in_order(sandbox: Running, number: dict[str, Any], hook: Hook) -> None:
    hook.answers[:] = [500, 503, 500]
    for text in ("one", "two", "three"):
        sandbox.play(number, "ann", text=text)
    bodies = hook.wait(lambda bodies: len(bodies) == 6)
    assert [m["text"]["body"] for m in messages(bodies)] == ["one"] * 4 + ["two", "three"]
    until = time.monotonic() + 5
    while (log := sandbox.get("/sandbox/webhooks"))["waiting"] and time.monotonic() < until:
        time.sleep(0.01)
    assert [c["attempts"] for c in log["items"]] == [4, 1, 1]


def test_a_webhook_that_never_succeeds_is_given_up(
    sandbox: Running, number: dict[str, Any], hook: Hook
) -> None:
    hook.answers[:] = [500] * 8
    sandbox.play(number, "ann", text="lost")
    sandbox.play(number, "ann", text="next")
    hook.wait(lambda bodies: [m["text"]["body"] for m in messages(bodies)] == ["lost"] * 8 + ["next"])
    assert sandbox.get("/sandbox/webhooks")["items"][0]["gave_up"]


def test_one_webhook_carries_many_senders(sandbox: Running, number: dict[str, Any], hook: Hook) -> None:
    items = [{"customer": c, "text": t} for c, t in (("ann", "1"), ("bob", "2"), ("ann", "3"))]
    sandbox.post("/sandbox/play/batch", platform="whatsapp", account=number["id"], items=items)
    value = hook.wait(len)[0]["entry"][0]["changes"][0]["value"]
    assert [m["text"]["body"] for m in value["messages"]] == ["1", "2", "3"]
    assert [c["profile"]["name"] for c in value["contacts"]] == ["Ann", "Bob"]


def test_customer_without_a_number(sandbox: Running, number: dict[str, Any], hook: Hook) -> None:
    sandbox.post("/sandbox/customers", id="eve", hides_phone=True, user_id="US.123")
    sandbox.play(number, "eve", text="who am I")
    value = hook.wait(len)[0]["entry"][0]["changes"][0]["value"]
    assert "wa_id" not in value["contacts"][0]
    assert "from" not in value["messages"][0]
    assert value["messages"][0]["from_user_id"] == "US.123"
    answer = send(sandbox, number, "", recipient="US.123").json()
    assert answer["contacts"] == [{"input": "US.123", "user_id": "US.123"}]
    sandbox.play(number, "eve", action="user_id_update", new_user_id="US.456")
    hook.wait(
        lambda bodies: (
            '"user_id_update"' in json.dumps(bodies) and '"current": "US.456"' in json.dumps(bodies)
        )
    )
    assert send(sandbox, number, "", recipient="US.123").status_code == 400


def test_edit_revoke_reaction_press_and_oddities(
    sandbox: Running, number: dict[str, Any], hook: Hook
) -> None:
    first = sandbox.play(number, "ann", text="tset")[0]
    sandbox.play(number, "ann", type="edit", target=first, text="test")
    sandbox.play(number, "ann", type="reaction", target=first, emoji="👍")
    sandbox.play(number, "ann", type="reaction", target=first)
    buttons = [{"type": "reply", "reply": {"id": "y", "title": "Yes"}}]
    interactive = {"type": "button", "body": {"text": "?"}, "action": {"buttons": buttons}}
    asked = send(sandbox, number, phone(sandbox, "ann"), type="interactive", interactive=interactive).json()
    sandbox.play(number, "ann", type="press", reply_to=asked["messages"][0]["id"], button="y")
    sandbox.play(number, "ann", type="unsupported")
    sandbox.play(number, "ann", type="revoke", target=first)
    sandbox.play(number, "ann", type="system", new_phone="4915199999999")
    got = messages(hook.wait(lambda bodies: len(messages(bodies)) == 8))
    assert [m["type"] for m in got] == [
        "text",
        "edit",
        "reaction",
        "reaction",
        "interactive",
        "unsupported",
        "revoke",
        "system",
    ]
    assert got[1]["edit"] == {
        "original_message_id": first,
        "message": {"type": "text", "text": {"body": "test"}},
    }
    assert got[2]["reaction"]["emoji"] == "👍"
    assert "emoji" not in got[3]["reaction"]
    assert got[4]["interactive"]["button_reply"] == {"id": "y", "title": "Yes"}
    assert got[4]["context"]["id"] == asked["messages"][0]["id"]
    assert got[5]["errors"][0]["code"] == 131051


def test_dropped_answer_delivers_and_leaves_the_caller_in_doubt(
    sandbox: Running, number: dict[str, Any], hook: Hook
) -> None:
    to = phone(sandbox, "ann")
    sandbox.play(number, "ann", text="hi")
    sandbox.post("/sandbox/faults", kind="drop_before", platform="whatsapp")
    with pytest.raises(httpx.RemoteProtocolError):
        send(sandbox, number, to)
    assert sandbox.ledger() == []
    sandbox.post("/sandbox/faults", kind="drop_after", platform="whatsapp")
    with pytest.raises(httpx.RemoteProtocolError):
        send(sandbox, number, to)
    [entry] = sandbox.ledger()
    assert entry["to"] == to
    assert entry["answered"] is False
    changes = hook.wait(lambda bodies: '"delivered"' in json.dumps(bodies))
    assert entry["id"] in json.dumps(changes)


def test_failure_by_status_latency_and_proxy_page(
    sandbox: Running, number: dict[str, Any], hook: Hook
) -> None:
    to = phone(sandbox, "ann")
    sandbox.play(number, "ann", text="hi")
    sandbox.post("/sandbox/faults", kind="status", code=131026, after=1)
    assert send(sandbox, number, to).status_code == 200
    failed = send(sandbox, number, to).json()["messages"][0]["id"]
    bodies = hook.wait(lambda bodies: '"failed"' in json.dumps(bodies))
    status = next(
        s
        for b in bodies
        for s in b["entry"][0]["changes"][0]["value"].get("statuses", [])
        if s["status"] == "failed"
    )
    assert status["id"] == failed
    assert status["errors"][0]["code"] == 131026
    sandbox.post("/sandbox/faults", kind="http", code=502)
    assert send(sandbox, number, to).headers["content-type"] == "text/html"
    sandbox.post("/sandbox/faults", kind="latency", seconds=0.3)
    started = time.monotonic()
    assert send(sandbox, number, to).status_code == 200
    assert time.monotonic() - started >= 0.3


def test_window_can_fail_later_and_pair_rate_counts(
    sandbox: Running, number: dict[str, Any], hook: Hook
) -> None:
    to = phone(sandbox, "ann")
    sandbox.http.patch(f"/sandbox/accounts/{number['id']}", json={"window": "fail"})
    assert send(sandbox, number, to).status_code == 200
    hook.wait(lambda bodies: "131047" in json.dumps(bodies))
    sandbox.http.patch(f"/sandbox/accounts/{number['id']}", json={"window": "off", "rates": True})
    codes = [send(sandbox, number, to).json().get("error", {}).get("code", 0) for _ in range(46)]
    assert codes == [0] * 45 + [131056]


def test_template_is_checked_and_opens_a_closed_window(sandbox: Running, number: dict[str, Any]) -> None:
    def code(name: str, language: str, *texts: str) -> int:
        parameters = [{"type": "text", "text": t} for t in texts]
        template = {
            "name": name,
            "language": {"code": language},
            "components": [{"type": "body", "parameters": parameters}],
        }
        answer = send(sandbox, number, "8613912345678", type="template", template=template)
        return int(answer.json().get("error", {}).get("code", 0))

    assert code("order_update", "zh_CN", "林美", "A1", "明天") == 0
    assert code("order_update", "zh_CN", "林美") == 132000
    assert code("order_update", "fr") == 132001
    assert sandbox.ledger()[0]["text"] == "林美您好，您的订单 A1 已发货，预计明天送达。"


def test_ledger_keeps_order_over_accounts_and_pages(sandbox: Running, number: dict[str, Any]) -> None:
    for name in ("ann", "bob"):
        sandbox.play(number, name, text="hi")
    for index in range(6):
        send(sandbox, number, phone(sandbox, "ann" if index % 2 else "bob"), text={"body": str(index)})
    first = sandbox.get("/sandbox/ledger?limit=4")
    rest = sandbox.get(f"/sandbox/ledger?since={first['next']}")
    assert [e["text"] for e in first["items"] + rest["items"]] == list("012345")
    assert [e["seq"] for e in first["items"] + rest["items"]] == [1, 2, 3, 4, 5, 6]
    assert (rest["last"], rest["dropped"]) == (6, 0)


def test_handshake_asks_for_the_token(sandbox: Running, number: dict[str, Any], hook: Hook) -> None:
    path = f"/sandbox/whatsapp/numbers/{number['id']}/verify"
    assert sandbox.http.post(path, json={}).status_code == 201
    headers = {"authorization": f"Bearer {number['token']}"}
    body = {"override_callback_uri": hook.url, "verify_token": "wrong"}
    answer = sandbox.http.post(f"/v23.0/{number['waba_id']}/subscribed_apps", json=body, headers=headers)
    assert answer.json()["error"]["code"] == 2200


def test_custom_channel_signs_both_ways(sandbox: Running, hook: Hook) -> None:
    sandbox.post("/sandbox/customers", id="ann", name="Ann")
    link = sandbox.post("/sandbox/custom", id="till", secret="shh", webhook_url=hook.url)
    key = sandbox.upload("a.txt", b"text", "text/plain")
    sandbox.play(link, "ann", text="from the till", file=key)
    hook.wait(len)
    headers, raw = hook.calls[0]
    fields = dict(p.split("=", 1) for p in headers["x-switchboard-signature"].split(","))
    right = hmac.new(b"shh", fields["t"].encode() + b"." + raw, hashlib.sha256).hexdigest()
    assert fields["v1"] == right
    message = json.loads(raw)["messages"][0]
    assert message["from"]["id"] == "ann"
    assert message["text"] == "from the till"
    assert httpx.get(message["attachments"][0]["url"], trust_env=False).content == b"text"

    body = json.dumps(
        {"messages": [{"id": "1", "to": "ann", "parts": [{"type": "text", "text": "hello"}]}]}
    ).encode()
    for at, status in ((int(time.time()), 200), (int(time.time()) - 400, 401)):
        signed = {"x-switchboard-signature": signature("shh", body, at)}
        answer = httpx.post(link["send_url"], content=body, headers=signed, trust_env=False)
        assert answer.status_code == status
    receipt = hook.wait(lambda bodies: "receipts" in json.dumps(bodies))[-1]["receipts"][0]
    assert receipt["status"] == "delivered"
    assert receipt["id"] == sandbox.ledger()[0]["id"]
    forged = {"x-switchboard-signature": signature("other", body, int(time.time()))}
    assert httpx.post(link["send_url"], content=body, headers=forged, trust_env=False).status_code == 401


def test_control_api_is_closed_to_other_web_pages(sandbox: Running) -> None:
    answer = sandbox.http.post("/sandbox/customers", json={}, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403


def test_state_survives_a_restart(tmp_path: Any, hook: Hook) -> None:

    config = msgspec.structs.replace(FAST, state_file=str(tmp_path / "state.json"))
    first = Running(config)
    first.post("/sandbox/customers", id="ann", name="Ann")
    bot = first.post("/sandbox/telegram/bots")
    first.play(bot, "ann", text="kept")
    first.close()
    second = Running(config)
    assert second.bubbles(bot, "ann")[0]["text"] == "kept"
    updates = second.get(f"/bot{bot['token']}/getUpdates")
    assert updates["result"][0]["message"]["text"] == "kept"
    second.close()


def test_process_prints_where_it_listens(process: dict[str, Any]) -> None:
    info = httpx.get(process["url"] + "/sandbox/info", trust_env=False).json()
    assert info["smtp"] == process["smtp"]
    assert info["smtp"]["port"] > 0
    people = httpx.get(process["url"] + "/sandbox/customers", trust_env=False).json()["items"]
    assert {p["name"] for p in people} >= {"林美", "Tom Becker"}


@pytest.mark.parametrize(
    "body",
    [
        {"type": "text", "text": "x"},
        {"type": "text", "text": {"body": 7}},
        {"type": "contacts", "contacts": ["x"]},
        {
            "type": "interactive",
            "interactive": {"type": "button", "body": {"text": "?"}, "action": {"buttons": [1]}},
        },
        {"type": "template", "template": {"name": "hello_world", "language": "en_US"}},
        {"type": "carousel"},
        {"type": "image", "image": {"id": "1", "link": "http://x"}},
        {"type": "location", "location": {"latitude": 91, "longitude": 0}},
    ],
)
def test_wrong_bodies_are_refused_not_a_crash(
    sandbox: Running, number: dict[str, Any], body: dict[str, Any]
) -> None:
    sandbox.play(number, "ann", text="hi")
    answer = send(sandbox, number, phone(sandbox, "ann"), **body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in {100, 131008, 131009, 131051}
    assert sandbox.ledger() == []


def test_a_single_setting_is_changed_and_the_others_stay(sandbox: Running) -> None:
    made = sandbox.http.post("/sandbox/platforms/line", json={"name": "Shop"}).json()
    wish = {"settings": {"channel_secret": "another"}}
    changed = sandbox.http.patch(f"/sandbox/accounts/{made['id']}", json=wish).json()
    assert changed["settings"] == {**made["settings"], "channel_secret": "another"}
