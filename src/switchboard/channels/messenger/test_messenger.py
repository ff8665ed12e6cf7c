"""Messenger under the contract, and its oddities."""

import hashlib
import hmac
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import msgspec
import pytest

from switchboard.channels.api import (
    Account,
    BadPayload,
    BadSignature,
    Button,
    Card,
    Cards,
    Choices,
    Claim,
    Content,
    EchoReceived,
    Image,
    InDoubt,
    MessageReceived,
    Outbound,
    Outcome,
    Part,
    Post,
    Product,
    Profile,
    RawRequest,
    Reauthorise,
    ReceiptReceived,
    Refused,
    Retry,
    Sent,
    Source,
    Template,
    Text,
)
from switchboard.channels.contract import Answer, ChannelContract, ScriptedHttp, ScriptedIo
from switchboard.channels.messenger.channel import EXTRA, FIELDS, SCOPES, Config, MessengerChannel


def graph_error(code: int, status: int = 400, message: str = "The request failed", **more: Any) -> Answer:
    """An error as Graph words it."""
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A1b2C3", **more}
    return Answer(status=status, json={"error": error})


class TestMessenger(ChannelContract):
    kind = "messenger"
    config: ClassVar[Mapping[str, Any]] = {
        "access_token": "EAAG-token-of-the-tests",
        "app_secret": "app-secret-of-the-tests",
        "verify_token": "verify-token-of-the-tests",
    }
    rotated: ClassVar[Mapping[str, Any]] = {"app_secret": "app-secret-after-rotation"}
    items = ("entry.*.messaging.*", "entry.*.standby.*", "entry.*.changes.*")
    answer = Answer(json={"recipient_id": "7361948205117346", "message_id": "m_SENT1"})
    situations: ClassVar[Mapping[str, Answer]] = {
        "unavailable": graph_error(2, 503),
        "slow_down": Answer(
            status=429,
            headers={"retry-after": "7"},
            json={"error": {"code": 613, "message": "Calls to this api have exceeded the rate limit"}},
        ),
        "bad_request": graph_error(100),
        "unauthorised": graph_error(190, 401, "Malformed access token"),
    }
    errors: ClassVar[Sequence[tuple[Answer, type[Outcome]]]] = [
        *((graph_error(code), Retry) for code in (1, 2, 4, 17, 32, 341, 613, 1200, 80001, 80006)),
        (graph_error(100, is_transient=True), Retry),
        *((graph_error(code, 401), Reauthorise) for code in (0, 102, 190)),
        *((graph_error(code, 403), Reauthorise) for code in (3, 10, 200, 230, 299, 368)),
        (graph_error(10, 403, error_subcode=2018278), Refused),
        (graph_error(100, error_subcode=2018001), Refused),
        (graph_error(200, 403, error_subcode=1545041), Refused),
        (graph_error(551), Refused),
        (graph_error(100, error_subcode=33), Refused),
        (Answer(status=502, text="<html>Bad Gateway</html>"), Retry),
        (Answer(status=429, text="slow down"), Retry),
        (Answer(status=401, text="who are you"), Reauthorise),
        (Answer(status=403, text="no"), Reauthorise),
        (Answer(status=404, text="where"), Refused),
        (Answer(status=400, json={"error": {"code": "many", "message": 7}}), Refused),
        (Answer(status=400, json=[1]), Refused),
    ]
    challenge: ClassVar[Mapping[str, str]] = {
        "hub.mode": "subscribe",
        "hub.challenge": "1158201444",
        "hub.verify_token": "verify-token-of-the-tests",
    }
    challenge_answer = b"1158201444"
    media = Source(url="https://scontent.example/v/a.jpg?oh=1")
    samples = ("webhook/*.json", "vectors/*.bin")

    def sign(self, request: RawRequest, config: Mapping[str, Any]) -> Mapping[str, str]:
        mac = hmac.new(config["app_secret"].encode(), request.body, hashlib.sha256)
        return {"x-hub-signature-256": "sha256=" + mac.hexdigest()}


# -- oddities --------------------------------------------------------------------------------------------

PAGE, ANN = "108242555512345", "7361948205117346"
POST = f"{PAGE}_900728623356296"
CONFIG = msgspec.convert(TestMessenger.config, Config)
FILE = UUID("01900000-0000-7000-8000-000000000001")
NOW = datetime(2026, 10, 3, 12, tzinfo=UTC)
KEPT = {"authorization": "Bearer EAAG-token-of-the-tests"}
OWN = {"authorization": "Bearer token-of-the-page"}
PAGE_TOKEN = Answer(json={"access_token": "token-of-the-page", "id": PAGE})
OK = TestMessenger.answer
OUTBOUND = Outbound(account=PAGE, to=ANN, parts=[Text("hi")], idempotency_key="k1", author="agent")


def channel(
    *answers: Answer, files: Mapping[str, Content] | None = None, **changes: str
) -> tuple[MessengerChannel, ScriptedHttp]:
    io = ScriptedIo(answers or [OK], files)
    return MessengerChannel(msgspec.structs.replace(CONFIG, **changes), io), io.scripted


def webhook(*items: Any, kind: str = "messaging", page: str = PAGE) -> RawRequest:
    body = {"object": "page", "entry": [{"id": page, "time": 1790942400000, kind: list(items)}]}
    return RawRequest("POST", "https://contact.example/hooks/x", {}, {}, json.dumps(body).encode(), NOW)


def item(**more: Any) -> dict[str, Any]:
    return {"sender": {"id": ANN}, "recipient": {"id": PAGE}, "timestamp": 1790942400000, **more}


def samples() -> Path:
    folder = Path(os.environ.get("SWITCHBOARD_SAMPLES", "/nowhere")) / "messenger"
    if not folder.is_dir():
        pytest.skip("SWITCHBOARD_SAMPLES is not set: no real signature was tried")
    return folder


def test_the_old_sha1_header_alone_is_not_believed() -> None:
    request = webhook()
    mac = hmac.new(b"app-secret-of-the-tests", request.body, hashlib.sha1).hexdigest()
    with pytest.raises(BadSignature):
        channel()[0].verify(msgspec.structs.replace(request, headers={"x-hub-signature": f"sha1={mac}"}))


def test_real_signatures_prove_the_right_body_only() -> None:
    """The published vectors are of the SHA-1 days: none may open the door, and their key and body in SHA-256 do."""
    for vector in json.loads((samples() / "vectors" / "vectors.json").read_bytes()):
        body = vector["body"].encode()
        mac = hmac.new(vector["app_secret"].encode(), body, hashlib.sha1).hexdigest()
        assert vector["expected"] == f"sha1={mac}"
        adapter = channel(app_secret=vector["app_secret"])[0]
        request = RawRequest(
            "POST", "https://x.example", {}, {"x-hub-signature": vector["expected"]}, body, NOW
        )
        with pytest.raises(BadSignature):
            adapter.verify(request)
        good = hmac.new(vector["app_secret"].encode(), body, hashlib.sha256).hexdigest()
        signed = msgspec.structs.replace(request, headers={"x-hub-signature-256": f"sha256={good}"})
        adapter.verify(signed)
        with pytest.raises(BadSignature):
            adapter.verify(msgspec.structs.replace(signed, body=bytes([body[0] ^ 1]) + body[1:]))


@pytest.mark.parametrize("stamp", ["0", -1, 10**30, 1e308, 253402300800000, "soon", None, [], True])
def test_a_time_that_is_none_leaves_the_entrys(stamp: Any) -> None:
    (fact,) = channel()[0].parse(webhook({**item(message={"mid": "m", "text": "hi"}), "timestamp": stamp}))
    assert fact.occurred_at == datetime(2026, 10, 2, 12, tzinfo=UTC)


def test_a_webhook_of_another_product_is_not_ours() -> None:
    with pytest.raises(BadPayload, match="page"):
        channel()[0].parse(msgspec.structs.replace(webhook(), body=b'{"object": "instagram", "entry": []}'))


def test_an_advertisement_opens_the_longer_window() -> None:
    referral = {"source": "ADS", "ad_id": "6"}
    after, plain = channel()[0].parse(
        webhook(
            item(message={"mid": "a", "text": "hi", "referral": referral}),
            item(message={"mid": "b", "text": "hi"}),
        )
    )
    assert isinstance(after, MessageReceived)
    assert isinstance(plain, MessageReceived)
    assert (after.opens, plain.opens) == ("ad", "message")


def test_a_watermark_names_the_person_and_the_time() -> None:
    (fact,) = channel()[0].parse(webhook(item(read={"watermark": 1790942405000})))
    assert isinstance(fact, ReceiptReceived)
    assert (fact.external_id, fact.key, fact.status) == ("", ANN, "read")
    assert fact.up_to == datetime(2026, 10, 2, 12, 0, 5, tzinfo=UTC)


def test_our_own_comment_comes_back_under_the_id_that_we_got_when_sending() -> None:
    value = {
        "item": "comment", "verb": "add", "post_id": POST, "comment_id": "9_9", "message": "40 EUR", "from": {"id": PAGE}
    }  # fmt: skip
    (fact,) = channel()[0].parse(webhook({"field": "feed", "value": value}, kind="changes"))
    assert isinstance(fact, EchoReceived)
    assert (fact.external_id, fact.slot) == ("9_9", f"post:{POST}")


def test_a_message_of_our_own_is_an_echo_even_when_nothing_marks_it() -> None:
    sent = {"sender": {"id": PAGE}, "recipient": {"id": ANN}, "message": {"mid": "m", "text": "hi"}}
    (fact,) = channel()[0].parse(webhook(sent))
    assert isinstance(fact, EchoReceived)
    assert fact.address == ANN


def test_somebody_whom_facebook_does_not_name_is_nobody_known() -> None:
    value = {"item": "comment", "verb": "add", "post_id": POST, "comment_id": "9_9", "message": "hi"}
    (fact,) = channel()[0].parse(webhook({"field": "feed", "value": value}, kind="changes"))
    assert isinstance(fact, MessageReceived)
    assert fact.sender.claims == [Claim(f"messenger:{PAGE}:unnamed", "9_9", verified=False)]


async def test_a_private_answer_to_a_comment_has_its_own_time() -> None:
    adapter, http = channel(PAGE_TOKEN, OK)
    await adapter.send(msgspec.structs.replace(OUTBOUND, to="comment:9_9", late=True, author="automation"))
    assert http.requests[1].json["messaging_type"] == "RESPONSE"
    assert "tag" not in http.requests[1].json


async def test_a_machine_may_not_answer_late() -> None:
    adapter, http = channel(PAGE_TOKEN, OK)
    with pytest.raises(Refused) as caught:
        await adapter.send(msgspec.structs.replace(OUTBOUND, late=True, author="automation"))
    assert caught.value.code == "window"
    assert [request.method for request in http.requests] == ["GET"]


@pytest.mark.parametrize("code", [10, 200])
async def test_a_missing_permission_to_answer_late_leaves_the_connection_alone(code: int) -> None:
    answer = graph_error(code, 403, "Needs the permission human_agent")
    with pytest.raises(Refused, match="human_agent"):
        await channel(PAGE_TOKEN, answer)[0].send(msgspec.structs.replace(OUTBOUND, late=True))
    with pytest.raises(Reauthorise):
        await channel(PAGE_TOKEN, answer)[0].send(OUTBOUND)


@pytest.mark.parametrize(
    ("code", "sub"), [(551, 1545041), (551, None), (100, 2018001), (200, 1545041), (200, 2018108)]
)
async def test_who_cannot_be_written_to_is_unreachable(code: int, sub: int | None) -> None:
    with pytest.raises(Refused) as caught:
        await channel(PAGE_TOKEN, graph_error(code, error_subcode=sub))[0].send(OUTBOUND)
    assert caught.value.unreachable


async def test_a_page_token_is_fetched_once_and_anew_when_it_is_refused() -> None:
    fresh = Answer(json={"access_token": "fresh-token-of-the-page", "id": PAGE})
    adapter, http = channel(PAGE_TOKEN, OK, OK, graph_error(190, 401), fresh, OK)
    for _ in range(3):
        assert await adapter.send(OUTBOUND) == Sent("m_SENT1")
    assert [(request.method, request.headers["authorization"].removeprefix("Bearer ")) for request in http.requests] == [
        ("GET", "EAAG-token-of-the-tests"), ("POST", "token-of-the-page"), ("POST", "token-of-the-page"),
        ("POST", "token-of-the-page"), ("GET", "EAAG-token-of-the-tests"), ("POST", "fresh-token-of-the-page"),
    ]  # fmt: skip


async def test_a_pages_token_is_never_told() -> None:
    answer = graph_error(190, 401, "Error validating token-of-the-page")
    with pytest.raises(Reauthorise) as caught:
        await channel(PAGE_TOKEN, answer, PAGE_TOKEN)[0].send(OUTBOUND)
    assert "token-of-the-page" not in str(caught.value)


@pytest.mark.parametrize("answer", [Answer(json={}), Answer(json=[]), Answer(text="<html>")])
async def test_a_yes_without_an_id_is_doubt(answer: Answer) -> None:
    with pytest.raises(InDoubt):
        await channel(PAGE_TOKEN, answer)[0].send(OUTBOUND)


async def test_an_upload_in_doubt_is_tried_again_since_nobody_saw_it() -> None:
    picture = Content("a.png", "image/png", b"x")
    adapter, http = channel(PAGE_TOKEN, Answer(fails="timeout"), files={str(FILE): picture})
    with pytest.raises(Retry):
        await adapter.send(msgspec.structs.replace(OUTBOUND, parts=[Image(file_id=FILE, mime="image/png")]))
    assert [request.method for request in http.requests] == ["GET", "POST"]


async def test_a_picture_in_a_comment_in_doubt_stays_in_doubt() -> None:
    picture = Content("a.png", "image/png", b"x")
    adapter, _ = channel(PAGE_TOKEN, Answer(fails="timeout"), files={str(FILE): picture})
    part = Image(file_id=FILE, mime="image/png")
    with pytest.raises(InDoubt):
        await adapter.send(msgspec.structs.replace(OUTBOUND, parts=[part], to=POST, slot=f"post:{POST}"))


BUTTON, SHOP = Button("A", "A"), Button("s", "Shop", url="https://shop.example")


@pytest.mark.parametrize(
    ("parts", "slot"),
    [
        ([Text("a"), Text("b")], ""),
        ([Choices("a", [BUTTON, BUTTON, BUTTON, SHOP])], ""),
        ([Cards([Card("x" * 81)])], ""),
        ([Cards([Card("x", buttons=[BUTTON] * 4)])], ""),
        ([Cards([Card("x", buttons=[Button("A", "x" * 21)])])], ""),
        ([Cards([Card("x", image=Image(file_id=FILE))])], ""),
        ([Image()], ""),
        ([Product("SKU-9")], ""),
        ([Product("٣")], ""),
        ([Template("order_update", "en")], f"post:{POST}"),
        ([Product("7")], f"post:{POST}"),
        ([Choices("a", [BUTTON])], f"post:{POST}"),
        ([Cards([Card("x")])], f"post:{POST}"),
    ],
)
async def test_what_does_not_fit_is_refused_unsent(parts: list[Part], slot: str) -> None:
    adapter, http = channel(PAGE_TOKEN, OK, files={str(FILE): Content("a.png", "image/png", b"x")})
    with pytest.raises(Refused) as caught:
        await adapter.send(msgspec.structs.replace(OUTBOUND, parts=parts, slot=slot))
    assert caught.value.code == "unfit"
    assert [request.method for request in http.requests] == ["GET"]


async def test_ids_stay_in_their_place_in_the_path() -> None:
    adapter, http = channel(PAGE_TOKEN, OK)
    await adapter.send(msgspec.structs.replace(OUTBOUND, slot="post:1", to="1", reply_to="../me?x=#"))
    assert http.requests[1].url == "https://graph.facebook.com/v24.0/..%2Fme%3Fx=%23/comments"


async def test_reading_and_typing_are_shown_for_messages_only() -> None:
    adapter, http = channel(PAGE_TOKEN, Answer(json={"recipient_id": ANN}))
    await adapter.mark_read(PAGE, ANN, "m_7", typing=False)
    await adapter.mark_read(PAGE, ANN, "m_7", typing=True)
    await adapter.mark_read(PAGE, POST, "900728623356296_900744590021366", typing=False)
    assert [request.json for request in http.requests[1:]] == [
        {"recipient": {"id": ANN}, "sender_action": "mark_seen"},
        {"recipient": {"id": ANN}, "sender_action": "typing_on"},
    ]


async def test_media_is_fetched_by_its_address_without_our_token() -> None:
    answer = Answer(data=b"%PDF", headers={"content-type": "application/pdf"})
    adapter, http = channel(answer)
    content = await adapter.fetch_media(PAGE, Source(url="https://cdn.example/v/in%20voice.pdf?oh=1"))
    assert content == Content("in voice.pdf", "application/pdf", b"%PDF")
    assert http.requests[0].headers == {}


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(status=403, text="URL signature expired"), Refused),
        (Answer(status=404), Refused),
        (Answer(status=500), Retry),
        (Answer(fails="timeout"), Retry),
    ],
)
async def test_media_that_does_not_come(answer: Answer, outcome: type[Outcome]) -> None:
    with pytest.raises(outcome):
        await channel(answer)[0].fetch_media(PAGE, Source(url="https://cdn.example/v/a.pdf"))


async def test_media_without_an_address_is_refused_unasked() -> None:
    adapter, http = channel()
    with pytest.raises(Refused):
        await adapter.fetch_media(PAGE, Source(ref="7"))
    assert http.requests == []


async def test_people_and_posts_are_looked_up() -> None:
    person = {
        "first_name": "Ann",
        "last_name": "Lee",
        "profile_pic": "https://scontent.example/p.jpg",
        "id": ANN,
    }
    post = {"message": "New lamps", "permalink_url": "https://f.example/p", "from": {"name": "Lamp shop"}}
    adapter, http = channel(PAGE_TOKEN, Answer(json=person), Answer(json=post))
    claim = Claim(f"messenger:{PAGE}", ANN)
    assert await adapter.fetch_profile(PAGE, claim) == Profile(
        name="Ann Lee", avatar=Source(url="https://scontent.example/p.jpg")
    )
    assert await adapter.fetch_post(PAGE, POST) == Post("New lamps", "https://f.example/p", "", "Lamp shop")
    assert [request.url.rsplit("/", 1)[1] for request in http.requests] == [PAGE, ANN, POST]
    with pytest.raises(Refused):
        await adapter.fetch_profile(PAGE, Claim(f"messenger:{PAGE}", "user_ref:7"))


async def test_somebody_who_may_not_be_looked_up_leaves_the_connection_alone() -> None:
    claim = Claim(f"messenger:{PAGE}", ANN)
    with pytest.raises(Refused):
        await channel(PAGE_TOKEN, graph_error(230, 403))[0].fetch_profile(PAGE, claim)
    with pytest.raises(Reauthorise):
        await channel(PAGE_TOKEN, graph_error(190, 401), PAGE_TOKEN)[0].fetch_profile(PAGE, claim)


async def test_another_access_token_never_meets_what_the_one_before_had_opened() -> None:
    other = Answer(json={"access_token": "token-of-the-other", "id": PAGE})
    io = ScriptedIo([PAGE_TOKEN, OK, other, OK])
    for given in ("EAAG-before", "EAAG-after"):
        await MessengerChannel(msgspec.structs.replace(CONFIG, access_token=given), io).send(OUTBOUND)
    assert [request.headers["authorization"].removeprefix("Bearer ") for request in io.scripted.requests] == [
        "EAAG-before", "token-of-the-page", "EAAG-after", "token-of-the-other"
    ]  # fmt: skip


async def test_the_probe_lists_all_pages_of_a_person() -> None:
    first = {
        "data": [{"id": "1", "name": "Shop"}, {"name": "no id"}],
        "paging": {"cursors": {"after": "c"}, "next": "https://graph.facebook.com/next"},
    }
    last = {"data": [{"id": 2, "name": "Café"}], "paging": {"cursors": {"after": "d"}}}
    adapter, http = channel(Answer(json=first), Answer(json=last))
    assert await adapter.probe() == [Account("1", "Shop"), Account("2", "Café")]
    assert [request.params.get("after") for request in http.requests] == [None, "c"]


async def test_the_probe_knows_a_pages_own_token() -> None:
    no_accounts = graph_error(100, message="Tried accessing nonexisting field (accounts) on node type (Page)")
    adapter, http = channel(no_accounts, Answer(json={"id": PAGE, "name": "Shop"}))
    assert await adapter.probe() == [Account(PAGE, "Shop")]
    assert [request.url.rsplit("/v24.0/", 1)[1] for request in http.requests] == ["me/accounts", "me"]


async def test_registering_enters_our_address_and_sets_the_page_up() -> None:
    yes = Answer(json={"success": True})
    pages = Answer(json={"data": [{"id": PAGE, "name": "Shop"}]})
    adapter, http = channel(
        yes, pages, PAGE_TOKEN, yes, yes, app_id="42", greeting="Hello!", menu="Hours = HOURS；Shop = https://s.example/?a=b; Help"
    )  # fmt: skip
    await adapter.register("https://contact.example/hooks/abc")
    app, _, _, page, profile = http.requests
    assert app.url.endswith("/42/subscriptions")
    assert app.headers == {"authorization": "Bearer 42|app-secret-of-the-tests"}
    assert app.json["callback_url"] == "https://contact.example/hooks/abc"
    assert page.url.endswith(f"/{PAGE}/subscribed_apps")
    assert page.params == {"subscribed_fields": ",".join([*FIELDS, EXTRA])}
    assert (page.headers, profile.headers) == (OWN, OWN)
    assert profile.json == {
        "get_started": {"payload": "GET_STARTED"},
        "greeting": [{"locale": "default", "text": "Hello!"}],
        "persistent_menu": [
            {
                "locale": "default",
                "composer_input_disabled": False,
                "call_to_actions": [
                    {"type": "postback", "title": "Hours", "payload": "HOURS"},
                    {"type": "web_url", "title": "Shop", "url": "https://s.example/?a=b"},
                    {"type": "postback", "title": "Help", "payload": "Help"},
                ],
            }
        ],
    }


@pytest.mark.parametrize(("code", "status"), [(100, 400), (200, 403)])
async def test_an_app_that_may_not_send_templates_is_subscribed_to_the_rest(code: int, status: int) -> None:
    yes, no = Answer(json={"success": True}), graph_error(code, status, "Needs pages_utility_messaging")
    pages = Answer(json={"data": [{"id": PAGE, "name": "Shop"}]})
    adapter, http = channel(no, yes, pages, PAGE_TOKEN, no, yes, app_id="42")
    await adapter.register(HOOK)
    assert [request.json["fields"] for request in http.requests[:2]] == [
        ",".join([*FIELDS, EXTRA]), ",".join(FIELDS),
    ]  # fmt: skip
    assert http.requests[-1].params == {"subscribed_fields": ",".join(FIELDS)}


async def test_an_address_that_meta_does_not_believe_is_entered_once_only() -> None:
    adapter, http = channel(graph_error(2200, message="Callback verification failed"), app_id="42")
    with pytest.raises(Refused, match="verification"):
        await adapter.register("https://contact.example/hooks/abc")
    assert len(http.requests) == 1


@pytest.mark.parametrize("code", [10, 200])
async def test_a_missing_permission_for_templates_leaves_the_connection_alone(code: int) -> None:
    answer = graph_error(code, 403, "Needs the permission pages_utility_messaging")
    template = msgspec.structs.replace(OUTBOUND, parts=[Template("order_update", "en")])
    with pytest.raises(Refused, match="pages_utility_messaging"):
        await channel(PAGE_TOKEN, answer)[0].send(template)
    with pytest.raises(Refused, match="template"):
        await channel(PAGE_TOKEN, OK)[0].send(msgspec.structs.replace(template, to="comment:9_9"))


def test_a_comment_hidden_twice_is_told_twice() -> None:
    value = {
        "item": "comment",
        "post_id": POST,
        "comment_id": "9_9",
        "created_time": 1790942400,
        "verb": "hide",
    }
    adapter, bodies = channel()[0], []
    for when in (1790942400000, 1790942460000, 1790942460000):
        entry = {"id": PAGE, "time": when, "changes": [{"field": "feed", "value": value}]}
        bodies.append(json.dumps({"object": "page", "entry": [entry]}).encode())
    first, second, again = (
        adapter.parse(msgspec.structs.replace(webhook(), body=body))[0] for body in bodies
    )
    assert first.dedupe_key != second.dedupe_key == again.dedupe_key
    assert isinstance(first, EchoReceived)
    assert (first.reply_to, first.slot) == ("9_9", f"post:{POST}")


HOOK = "https://contact.example/hooks/abc"
WELL = {"id": "42", "subscribed_fields": list(FIELDS)}
APP = {"object": "page", "callback_url": HOOK, "active": True}


@pytest.mark.parametrize(
    ("app", "page", "codes"),
    [
        (APP, [WELL], []),
        (APP, [], [("red", "unsubscribed")]),
        (APP, [{**WELL, "id": "43"}], [("red", "unsubscribed")]),
        (APP, [{"id": "42", "subscribed_fields": ["messages", "messaging_postbacks", "message_echoes"]}], [("amber", "fields_missing")]),
        (APP, [{"id": "42", "subscribed_fields": ["feed", 7]}], [("red", "fields_missing")]),
        ({**APP, "active": False}, [WELL], [("red", "callback_elsewhere")]),
        ({**APP, "callback_url": "https://old.example"}, [WELL], [("red", "callback_elsewhere")]),
        ({"object": "user"}, [WELL], [("red", "callback_elsewhere")]),
    ],
)  # fmt: skip
async def test_a_lost_subscription_is_told(app: Any, page: list[Any], codes: list[tuple[str, str]]) -> None:
    answers = [{"data": [app]}, {"data": [{"id": PAGE, "name": "Shop"}]}]
    adapter, _ = channel(
        *(Answer(json=one) for one in answers), PAGE_TOKEN, Answer(json={"data": page}), app_id="42"
    )
    found = await adapter.check(HOOK)
    assert [(one.status, one.code) for one in found] == codes
    assert all(one.detail for one in found)


SOON, LATER = (int((datetime.now(UTC) + timedelta(days=days)).timestamp()) for days in (6, 8))


@pytest.mark.parametrize(
    ("told", "codes"),
    [
        ({"is_valid": True, "expires_at": 0, "data_access_expires_at": 0, "scopes": [*SCOPES, "x"]}, []),
        ({"is_valid": True, "expires_at": LATER, "data_access_expires_at": LATER}, []),
        ({"is_valid": True, "expires_at": SOON, "scopes": []}, [("amber", "token_ends")]),
        ({"data_access_expires_at": SOON}, [("amber", "data_access_ends")]),
        ({"scopes": ["pages_messaging"]}, [("amber", "permissions_missing")]),
        ({"is_valid": False, "error": {"message": "The session was ended."}}, [("red", "token_invalid")]),
        ({"is_valid": "no", "expires_at": "soon", "scopes": {"a": 1}}, []),
        ({"expires_at": 10**30, "data_access_expires_at": None, "scopes": None}, []),
        (None, []),
    ],
)
@pytest.mark.parametrize("app_id", ["", "42"])
async def test_a_token_that_ends_is_told_before(told: Any, codes: list[tuple[str, str]], app_id: str) -> None:
    before = [Answer(json={"data": [APP]})] if app_id else []
    pages, page = Answer(json={"data": [{"id": PAGE}]}), Answer(json={"data": [WELL]})
    adapter, http = channel(*before, pages, PAGE_TOKEN, page, Answer(json={"data": told}), app_id=app_id)
    found = await adapter.check(HOOK)
    assert [(one.status, one.code) for one in found] == codes
    assert all(one.detail and one.account == "" for one in found)
    asked = http.requests[-1]
    assert asked.url.endswith("/debug_token")
    assert asked.params == {"input_token": "EAAG-token-of-the-tests"}
    assert asked.headers == ({"authorization": "Bearer 42|app-secret-of-the-tests"} if app_id else KEPT)


@pytest.mark.parametrize("code", [10, 100, 190])
async def test_who_may_not_ask_after_the_token_learns_nothing(code: int) -> None:
    pages, page = Answer(json={"data": [{"id": PAGE}]}), Answer(json={"data": [WELL]})
    assert await channel(pages, PAGE_TOKEN, page, graph_error(code))[0].check(HOOK) == []


def test_a_batch_is_read_within_half_a_millisecond() -> None:
    """One webhook of several people, as large as they come in practice."""
    request = webhook(*(item(message={"mid": f"m_{n}", "text": "hello"}) for n in range(10)))
    adapter, seconds = channel()[0], []
    for _ in range(20):
        begin = datetime.now(UTC)
        assert len(adapter.parse(request)) == 10
        seconds.append((datetime.now(UTC) - begin).total_seconds())
    assert min(seconds) < 0.0005
