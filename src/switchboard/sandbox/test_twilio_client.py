"""Twilio's own client library against the sandbox over real HTTP: REST client and the validator of signatures."""

import time
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]  # publishes no types
from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]  # publishes no types
from twilio.http.response import Response  # type: ignore[import-untyped]  # publishes no types
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # publishes no types
from twilio.rest import Client  # type: ignore[import-untyped]  # publishes no types

from switchboard.sandbox.conftest import Hook, Running

LIBRARIES = {"sms_twilio": "twilio"}

ANN = "+4915112345678"
JPEG = b"\xff\xd8\xff\xe0" + b"0" * 50
Json = dict[str, Any]


class Redirected(TwilioHttpClient):  # type: ignore[misc]  # publishes no types
    """Goes to the sandbox, whichever of Twilio's hosts is asked for."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.sandbox = url

    def request(self, method: str, url: str, *args: Any, **more: Any) -> Response:
        path = httpx.URL(url).raw_path.decode()
        return super().request(method, f"{self.sandbox}{path}", *args, **more)


@pytest.fixture
def account(sandbox: Running, hook: Hook) -> Json:
    sandbox.post("/sandbox/customers", id="ann", name="Ann", phone=ANN.strip("+"))
    return sandbox.post("/sandbox/platforms/sms_twilio", webhook_url=hook.url)


def client(sandbox: Running, account: Json, token: str = "") -> Client:
    return Client(
        account["id"], token or account["settings"]["auth_token"], http_client=Redirected(sandbox.url)
    )


def forms(hook: Hook) -> list[dict[str, str]]:
    return [dict(parse_qsl(body.decode(), keep_blank_values=True)) for _, body in hook.calls]


def arrived(hook: Hook, count: int) -> list[dict[str, str]]:
    """Forms as soon as there are so many."""
    until = time.monotonic() + 5
    while len(hook.calls) < count and time.monotonic() < until:
        time.sleep(0.01)
    assert len(hook.calls) == count, forms(hook)
    return forms(hook)


def test_messages_go_out_and_their_callbacks_come_back_signed(
    sandbox: Running, account: Json, hook: Hook
) -> None:
    twilio = client(sandbox, account)
    number = account["settings"]["numbers"][0]
    sent = twilio.messages.create(to=ANN, from_=number, body="Hello 你好", status_callback=hook.url)
    assert (sent.status, sent.direction, sent.num_segments) == ("queued", "outbound-api", "1")
    said = arrived(hook, 2)
    assert [f["MessageStatus"] for f in said] == ["sent", "delivered"]
    assert {f["MessageSid"] for f in said} == {sent.sid}
    validator = RequestValidator(account["settings"]["auth_token"])
    for (headers, _), form in zip(hook.calls, said, strict=True):
        assert validator.validate(hook.url, form, headers["x-twilio-signature"])
        assert not validator.validate(hook.url, {**form, "To": "+1"}, headers["x-twilio-signature"])
        assert not RequestValidator("another").validate(hook.url, form, headers["x-twilio-signature"])
    assert twilio.messages(sent.sid).fetch().status == "delivered"
    (entry,) = sandbox.ledger()
    assert (entry["to"], entry["text"], entry["kind"]) == (ANN, "Hello 你好", "text")
    key = sandbox.upload("a.jpg", JPEG, "image/jpeg")
    by_service = twilio.messages.create(
        to=ANN,
        messaging_service_sid=account["settings"]["messaging_service_sid"],
        media_url=[f"{sandbox.url}/sandbox/media/{key}"],
        body="see",
        status_callback=hook.url,
    )
    assert (by_service.status, by_service.sid[:2], by_service.from_) == ("accepted", "MM", number)
    arrived(hook, 4)
    (bubble,) = [b for b in sandbox.bubbles(account, "ann") if b["id"] == by_service.sid]
    assert (bubble["attachments"][0]["content_type"], bubble["status"]) == ("image/jpeg", "delivered")
    assert [m.sid for m in twilio.messages.list(to=ANN)] == [by_service.sid, sent.sid]


def test_customers_write_and_send_pictures(sandbox: Running, account: Json, hook: Hook) -> None:
    twilio = client(sandbox, account)
    (number,) = twilio.incoming_phone_numbers.list()
    assert number.phone_number == account["settings"]["numbers"][0]
    address = f"{hook.url}/sms?at=1"
    assert number.sms_url == hook.url
    assert twilio.incoming_phone_numbers(number.sid).update(sms_url=address).sms_url == address
    sandbox.play(account, "ann", text="hi 😀")
    key = sandbox.upload("a.jpg", JPEG, "image/jpeg")
    (sid,) = sandbox.play(account, "ann", type="image", file=key, text="look")
    text, picture = arrived(hook, 2)
    validator = RequestValidator(account["settings"]["auth_token"])
    for (headers, _), form in zip(hook.calls, (text, picture), strict=True):
        assert validator.validate(address, form, headers["x-twilio-signature"])
    assert (text["From"], text["Body"], text["NumMedia"]) == (ANN, "hi 😀", "0")
    assert (picture["MessageSid"], picture["NumMedia"], picture["MediaContentType0"]) == (
        sid,
        "1",
        "image/jpeg",
    )
    assert httpx.get(picture["MediaUrl0"], trust_env=False).status_code == 401
    auth = (account["id"], account["settings"]["auth_token"])
    got = httpx.get(picture["MediaUrl0"], auth=auth, follow_redirects=True, trust_env=False)
    assert (got.content, got.headers["content-type"]) == (JPEG, "image/jpeg")
    (media,) = twilio.messages(sid).media.list()
    assert media.content_type == "image/jpeg"
    assert twilio.messages(sid).media(media.sid).delete()
    assert httpx.get(picture["MediaUrl0"], auth=auth, trust_env=False).status_code == 404


def test_errors_that_the_platform_finds_itself(sandbox: Running, account: Json, hook: Hook) -> None:
    number = account["settings"]["numbers"][0]
    twilio = client(sandbox, account)
    wanted: list[tuple[int, int, dict[str, Any]]] = [
        (21211, 400, {"to": "+1", "from_": number, "body": "x"}),
        (21659, 400, {"to": ANN, "from_": "+15550000000", "body": "x"}),
        (21606, 400, {"to": ANN, "from_": "+15005550007", "body": "x"}),
        (21603, 400, {"to": ANN, "body": "x"}),
        (21602, 400, {"to": ANN, "from_": number}),
        (21617, 400, {"to": ANN, "from_": number, "body": "x" * 1601}),
        (21620, 400, {"to": ANN, "from_": number, "media_url": ["nowhere"]}),
        (21614, 400, {"to": "+15005550009", "from_": number, "body": "x"}),
        (21408, 403, {"to": "+15005550003", "from_": number, "body": "x"}),
    ]
    for code, status, message in wanted:
        with pytest.raises(TwilioRestException) as refused:
            twilio.messages.create(**message)
        assert (refused.value.code, refused.value.status) == (code, status)
    for wrong in (client(sandbox, account, "wrong"), Client("AC0", "x", http_client=Redirected(sandbox.url))):
        with pytest.raises(TwilioRestException) as refused:
            wrong.messages.create(to=ANN, from_=number, body="x")
        assert (refused.value.code, refused.value.status) == (20003, 401)
    with pytest.raises(TwilioRestException) as refused:
        twilio.messages("SM0").fetch()
    assert (refused.value.code, refused.value.status) == (20404, 404)
    assert sandbox.ledger() == []
    sandbox.play(account, "ann", text="Stop")
    (stop,) = arrived(hook, 1)
    assert stop["OptOutType"] == "STOP"
    with pytest.raises(TwilioRestException) as refused:
        twilio.messages.create(to=ANN, from_=number, body="x")
    assert refused.value.code == 21610
    sandbox.play(account, "ann", text="START")
    assert twilio.messages.create(to=ANN, from_=number, body="back").status == "queued"


def test_errors_on_demand_and_undelivered_messages(sandbox: Running, account: Json, hook: Hook) -> None:
    number = account["settings"]["numbers"][0]
    twilio = client(sandbox, account)
    for code, status in ((20429, 429), (20500, 500), (21612, 400)):
        sandbox.post("/sandbox/faults", kind="error", code=code, platform="sms_twilio")
        with pytest.raises(TwilioRestException) as refused:
            twilio.messages.create(to=ANN, from_=number, body="x")
        assert (refused.value.code, refused.value.status) == (code, status)
    sandbox.post("/sandbox/faults", kind="status", code=30007, platform="sms_twilio")
    twilio.messages.create(to=ANN, from_=number, body="x", status_callback=hook.url)
    assert [(f["MessageStatus"], f.get("ErrorCode")) for f in arrived(hook, 2)] == [
        ("sent", None),
        ("undelivered", "30007"),
    ]
    sandbox.play(account, "ann", action="block")
    off = twilio.messages.create(to=ANN, from_=number, body="x", status_callback=hook.url)
    assert arrived(hook, 4)[-1]["ErrorCode"] == "30003"
    assert twilio.messages(off.sid).fetch().error_code == 30003
    twilio.messages.create(to="+15551230000", from_=number, body="x", status_callback=hook.url)
    assert arrived(hook, 6)[-1]["ErrorCode"] == "30005"


def test_a_suspended_account_says_so_and_sends_nothing(sandbox: Running, account: Json) -> None:
    twilio = client(sandbox, account)
    message = {"to": ANN, "from_": account["settings"]["numbers"][0], "body": "x"}
    for status in ("suspended", "active"):
        sandbox.post("/sandbox/platforms/sms_twilio", id=account["id"], settings={"status": status})
        assert twilio.api.accounts(account["id"]).fetch().status == status
        if status == "active":
            assert twilio.messages.create(**message).status == "queued"
            continue
        with pytest.raises(TwilioRestException) as refused:
            twilio.messages.create(**message)
        assert (refused.value.code, refused.value.status) == (20005, 403)


def test_what_was_answered_badly_goes_to_the_fallback_address_once(
    sandbox: Running, account: Json, hook: Hook
) -> None:
    twilio = client(sandbox, account)
    (number,) = twilio.incoming_phone_numbers.list()
    twilio.incoming_phone_numbers(number.sid).update(
        sms_url=f"{hook.url}/first", sms_fallback_url=f"{hook.url}/spare"
    )
    hook.answers = [500, 500]
    sandbox.play(account, "ann", text="one")
    sandbox.play(account, "ann", text="two")
    assert [f["Body"] for f in arrived(hook, 3)] == ["one", "one", "two"]
    validator = RequestValidator(account["settings"]["auth_token"])
    for (headers, _), form, path in zip(hook.calls, forms(hook), ("first", "spare", "first"), strict=True):
        assert validator.validate(f"{hook.url}/{path}", form, headers["x-twilio-signature"])
