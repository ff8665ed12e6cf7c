"""The Twilio channel's contract, its signature against published vectors, and what is peculiar to Twilio."""

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

import msgspec
import pytest

from switchboard.channels.api import (
    AccountChanged,
    BadSignature,
    Content,
    Image,
    InDoubt,
    Outbound,
    RawRequest,
    ReachChanged,
    Reauthorise,
    Refused,
    Retry,
    Source,
    Text,
)
from switchboard.channels.contract import Answer, ChannelContract, ScriptedIo
from switchboard.channels.contract_case import HOOK_URL, RECEIVED_AT
from switchboard.channels.sms_twilio import signature
from switchboard.channels.sms_twilio.channel import TwilioChannel, TwilioConfig

SAMPLES = os.environ.get("SWITCHBOARD_SAMPLES", "")
FILE = UUID(int=7)
ACCOUNT = "AC00000000000000000000000000000001"
CREATED = Answer(status=201, json={"sid": "SM000000000000000000000000000000f1", "status": "queued"})
NUMBERS = {
    "incoming_phone_numbers": [
        {"sid": "PN1", "phone_number": "+15550001111", "capabilities": {"sms": True}, "sms_url": HOOK_URL},
        {
            "sid": "PN2",
            "phone_number": "+15550002222",
            "capabilities": {"SMS": True},
            "sms_url": "https://other.example",
        },
        {"sid": "PN3", "phone_number": "+15550003333", "capabilities": {"sms": False}, "sms_url": ""},
    ]
}


def said(status: int, code: int, words: str = "no") -> Answer:
    return Answer(status=status, json={"code": code, "message": words, "status": status})


class TestTwilio(ChannelContract):
    kind = "sms_twilio"
    config: ClassVar[Mapping[str, Any]] = {
        "account_sid": ACCOUNT,
        "auth_token": "an-auth-token-for-tests",
        "api_key": "SK00000000000000000000000000000001",
        "api_secret": "an-api-secret-for-tests",
        "messaging_service_sid": "MG00000000000000000000000000000001",
        "mms": True,
    }
    rotated: ClassVar[Mapping[str, Any]] = {"auth_token": "another-auth-token-for-tests"}
    answer = CREATED
    situations: ClassVar[Mapping[str, Answer]] = {
        "slow_down": Answer(
            status=429, json={"code": 20429, "message": "Too Many Requests"}, headers={"retry-after": "7"}
        ),
        "bad_request": said(400, 21602, "A text message body or media urls must be specified."),
        "unauthorised": said(401, 20003, "Authenticate"),
    }
    errors: ClassVar[Sequence[Any]] = (
        (said(400, 21211, "The 'To' number is not a valid phone number."), Refused),
        (said(400, 21610, "Attempt to send to unsubscribed recipient"), Refused),
        (said(400, 21611, "This 'From' number has exceeded the maximum number of queued messages"), Retry),
        (said(400, 30001, "Queue overflow"), Retry),
        (said(403, 20005, "Account not active"), Reauthorise),
        (said(500, 20500, "Internal Server Error"), Retry),
        (Answer(status=502, text="Bad Gateway"), InDoubt),
    )
    media = Source(url=f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages/MM1/Media/ME1")

    def sign(self, request: RawRequest, config: Mapping[str, Any]) -> Mapping[str, str]:
        url, text = request.url, ""
        if request.headers["content-type"] != "application/json":
            fields = parse_qsl(request.body.decode(), keep_blank_values=True)
            text = "".join(name + value for name, value in sorted(fields))
        mac = hmac.new(config["auth_token"].encode(), (url + text).encode(), hashlib.sha1)
        return {"x-twilio-signature": base64.b64encode(mac.digest()).decode()}

    def signed(self, request: RawRequest, config: Mapping[str, Any]) -> RawRequest:
        if request.headers["content-type"] == "application/json":
            digest = hashlib.sha256(request.body).hexdigest()
            request = msgspec.structs.replace(
                request, url=f"{request.url}?bodySHA256={digest}", query={"bodySHA256": digest}
            )
        return msgspec.structs.replace(request, headers={**request.headers, **self.sign(request, config)})


def channel(*answers: Answer, **changes: Any) -> tuple[TwilioChannel, ScriptedIo]:
    io = ScriptedIo(list(answers) or [CREATED])
    config = msgspec.convert({**TestTwilio.config, **changes}, TwilioConfig)
    return TwilioChannel(config, io), io


def to_ann(text: str = "hello") -> Outbound:
    return Outbound("+15550001111", "+46700000001", [Text(text)], "m1-0")


# -- signature ---------------------------------------------------------------------------------------------


def vector() -> dict[str, Any]:
    if not SAMPLES:
        pytest.skip("SWITCHBOARD_SAMPLES is not set: no published vector was tried")
    found = json.loads((Path(SAMPLES) / "sms" / "vectors" / "vectors.json").read_text("utf-8"))
    (one,) = [one for one in found if one["name"].startswith("Twilio")]
    assert isinstance(one, dict)
    return one


def test_the_published_signature_fits_and_no_other() -> None:
    """With the port or without it, as Twilio may have signed; a flipped bit anywhere is refused."""
    one = vector()
    body = urlencode(one["params"]).encode()
    headers = {"x-twilio-signature": one["expected"]}
    query = dict(parse_qsl(urlsplit(one["url"]).query))
    without_port = one["url"].replace(":80/", "/")
    for url in (one["url"], without_port):
        request = RawRequest("POST", url, query, headers, body, RECEIVED_AT)
        signature.check(request, one["auth_token"])
        for place in range(len(body)):
            flipped = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
            if dict(parse_qsl(flipped.decode("latin-1"))) == one["params"]:
                continue  # %2B and %2b are the same form
            with pytest.raises(BadSignature):
                signature.check(msgspec.structs.replace(request, body=flipped), one["auth_token"])
        with pytest.raises(BadSignature):
            signature.check(msgspec.structs.replace(request, url=f"{url}&x=1"), one["auth_token"])
        with pytest.raises(BadSignature):
            signature.check(request, "12346")


def test_a_field_that_comes_several_times_is_signed_with_all_its_values() -> None:
    """Each value once, sorted, as Twilio's own libraries do."""
    fields = [("b", "2"), ("a", "y"), ("a", "x"), ("a", "x")]
    assert signature.sign("https://x", fields, "t") == signature.sign("https://xaxayb2", [], "t")


# -- out ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "gone"),
    [(21211, True), (21610, True), (21614, True), (21408, False), (21602, False), (21606, False)],
)
async def test_who_can_never_be_reached_is_marked(code: int, gone: bool) -> None:
    twilio, _ = channel(said(400, code))
    with pytest.raises(Refused) as refused:
        await twilio.send(to_ann())
    assert (refused.value.unreachable, refused.value.code) == (gone, str(code))


async def test_without_mms_a_link_is_sent() -> None:
    """Fewer than a handful of countries have MMS."""
    golden = TestTwilio().goldens()
    message, files = next((one.message, one.files) for path, one in golden if path.stem == "image")
    twilio, io = channel(mms=False)
    io.files = files
    await twilio.send(message)
    assert io.scripted.requests[0].form["Body"] == "This one?\nhttps://contact.example/files/jacket.jpg"
    assert "MediaUrl" not in io.scripted.requests[0].form


async def test_credentials_go_to_twilio_only() -> None:
    """A media address elsewhere (Twilio's storage) gets none, nor one where anybody could read them on the way."""
    twilio, io = channel(Answer(data=b"jpeg", headers={"content-type": "image/jpeg"}))
    places = {
        "https://api.twilio.com/x": True,
        "https://media.example/x": False,
        "http://api.twilio.com/x": False,
    }
    for url, with_them in places.items():
        content = await twilio.fetch_media("+15550001111", Source(url=url))
        assert (content.mime, content.data) == ("image/jpeg", b"jpeg")
        assert ("authorization" in io.scripted.requests[-1].headers) is with_them


# -- the account -------------------------------------------------------------------------------------------


async def test_our_address_is_registered_and_then_named_in_each_message() -> None:
    """For the numbers that can send, for the messaging service, and for status callbacks."""
    twilio, io = channel(Answer(json=NUMBERS), CREATED)
    await twilio.register(HOOK_URL)
    base, messaging = (
        f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}",
        "https://messaging.twilio.com/v1/Services",
    )
    assert [(one.url, one.form) for one in io.scripted.requests[1:]] == [
        (f"{base}/IncomingPhoneNumbers/PN1.json", {"SmsUrl": HOOK_URL, "SmsMethod": "POST"}),
        (f"{base}/IncomingPhoneNumbers/PN2.json", {"SmsUrl": HOOK_URL, "SmsMethod": "POST"}),
        (
            f"{messaging}/MG00000000000000000000000000000001",
            {"StatusCallback": HOOK_URL, "UseInboundWebhookOnNumber": "true"},
        ),
    ]
    await twilio.send(to_ann())
    assert io.scripted.requests[-1].form["StatusCallback"] == HOOK_URL


async def test_a_new_address_replaces_the_old_one() -> None:
    """The administrator may give the connection another one at any time."""
    twilio, io = channel(Answer(json=NUMBERS), messaging_service_sid="")
    await twilio.check("https://old.example/hooks/1")
    await twilio.check(HOOK_URL)
    await twilio.send(to_ann())
    assert io.scripted.requests[-1].form["StatusCallback"] == HOOK_URL


async def test_a_number_that_calls_another_address_is_told() -> None:
    for numbers, stray in (("", "+15550002222"), ("+1 555 000 1111", ""), ("+15550002222", "+15550002222")):
        twilio, _ = channel(Answer(json=NUMBERS), numbers=numbers)
        news = await twilio.check(HOOK_URL)
        assert [one.code for one in news] == (["webhook_elsewhere"] if stray else [])
        assert all(stray in one.detail for one in news)


async def test_the_numbers_are_those_chosen_or_all_that_can_send() -> None:
    twilio, _ = channel(Answer(json={"sid": ACCOUNT}), Answer(json=NUMBERS))
    assert [one.external_id for one in await twilio.probe()] == ["+15550001111", "+15550002222"]
    twilio, _ = channel(Answer(json={"sid": ACCOUNT}), numbers="+1 (555) 000-9999, 24273, DESK")
    assert [one.external_id for one in await twilio.probe()] == ["+15550009999", "24273", "DESK"]


async def test_a_suspended_account_is_told_when_probed() -> None:
    twilio, _ = channel(Answer(json={"sid": ACCOUNT, "status": "suspended"}))
    with pytest.raises(Reauthorise, match="is suspended"):
        await twilio.probe()


async def test_files_want_an_address_that_twilio_can_reach() -> None:
    """Twilio loads pictures by itself, over https only."""
    twilio, io = channel()
    picture = Outbound("+15550001111", "+46700000001", [Image(file_id=FILE)], "m1-0")
    io.files[str(FILE)] = Content("a.png", "image/png", b"png", url="http://desk.example/files/a.png")
    with pytest.raises(Refused) as refused:
        await twilio.send(picture)
    assert refused.value.code == "no_public_address"
    assert not io.scripted.requests


# -- in ----------------------------------------------------------------------------------------------------


def read(name: str) -> list[Any]:
    test = TestTwilio()
    path = test.adapter.folder / "fixtures" / name
    return test.parser.parse(test.request(path.read_bytes(), path))


def test_who_opts_out_is_out_of_reach_until_they_come_back() -> None:
    for name, reachable in (("stop.form", False), ("start_again.form", True)):
        _, reach = read(name)
        assert isinstance(reach, ReachChanged)
        assert reach.reachable is reachable
    assert len(read("help.form")) == 1


def test_media_is_told_by_its_address() -> None:
    (message,) = read("mms_two_pictures.form")
    words, first, _ = message.parts
    assert words == Text("It arrived broken")
    assert isinstance(first, Image)
    assert first.source is not None
    assert first.source.url.startswith("https://api.twilio.com/")


def test_events_that_are_no_messages_are_told_as_news() -> None:
    *_, last = read("events.json")
    assert isinstance(last, AccountChanged)
    assert last.detail.endswith("request-approved")


def test_the_answer_holds_no_instructions() -> None:
    """Whatever else is answered, Twilio would send to the customer."""
    twilio, _ = channel()
    reply = twilio.ack(RawRequest("POST", HOOK_URL, {}, {}, b"", RECEIVED_AT))
    assert reply.body.endswith(b"<Response/>")
    assert reply.content_type.startswith("text/xml")
