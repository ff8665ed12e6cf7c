"""WhatsApp under the contract, and its oddities."""

import hashlib
import hmac
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
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
    Content,
    Form,
    Image,
    InDoubt,
    MessageReceived,
    Order,
    OrderItem,
    Outbound,
    Outcome,
    Part,
    Product,
    RawRequest,
    Reauthorise,
    ReceiptReceived,
    Refused,
    Retry,
    Source,
    Text,
    Unsupported,
)
from switchboard.channels.contract import Answer, ChannelContract, ScriptedHttp, ScriptedIo
from switchboard.channels.whatsapp.channel import SCOPES, Config, WhatsAppChannel


def graph_error(code: int, status: int = 400, message: str = "The request failed", **more: Any) -> Answer:
    """An error as Graph words it."""
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A1b2C3", **more}
    return Answer(status=status, json={"error": error})


class TestWhatsApp(ChannelContract):
    kind = "whatsapp"
    config: ClassVar[Mapping[str, Any]] = {
        "waba_id": "102290129340398",
        "access_token": "EAAG-token-of-the-tests",
        "app_secret": "app-secret-of-the-tests",
        "verify_token": "verify-token-of-the-tests",
    }
    rotated: ClassVar[Mapping[str, Any]] = {"app_secret": "app-secret-after-rotation"}
    items = (
        "entry.*.changes.*.value.messages.*",
        "entry.*.changes.*.value.statuses.*",
        "entry.*.changes.*.value.message_echoes.*",
    )
    answer = Answer(
        json={
            "messaging_product": "whatsapp",
            "contacts": [{"input": "491701234567", "wa_id": "491701234567"}],
            "messages": [{"id": "wamid.SENT1", "message_status": "accepted"}],
        }
    )
    situations: ClassVar[Mapping[str, Answer]] = {
        "unavailable": graph_error(131016, 503),
        "slow_down": Answer(
            status=429,
            headers={"retry-after": "7"},
            json={"error": {"code": 130429, "message": "Rate limit hit"}},
        ),
        "bad_request": graph_error(131009),
        "unauthorised": graph_error(190, 401, "Malformed access token"),
    }
    errors: ClassVar[Sequence[tuple[Answer, type[Outcome]]]] = [
        *((graph_error(code), Retry) for code in (1, 2, 4, 80007, 130429, 131056)),
        *((graph_error(code, 500), Retry) for code in (131000, 131057)),
        *((graph_error(code, 503), Retry) for code in (131016, 133004)),
        *((graph_error(code, 401), Reauthorise) for code in (0, 190)),
        *((graph_error(code, 403), Reauthorise) for code in (10, 200, 299, 368, 131005, 131031)),
        (graph_error(3, 500), Reauthorise),
        *((graph_error(code), Reauthorise) for code in (33, 131037, 131042, 133010)),
        *((graph_error(code), Refused) for code in (100, 131008, 131009, 131021, 131026, 131047, 131051)),
        *(
            (graph_error(code), Refused)
            for code in (131049, 131050, 131052, 131053, 130472, 132000, 132012, 132015, 132016)
        ),
        (graph_error(132001, 404), Refused),
        (graph_error(131048), Refused),
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
    media = Source(ref="1908647269898587")
    samples = ("webhook/*.json",)

    def sign(self, request: RawRequest, config: Mapping[str, Any]) -> Mapping[str, str]:
        mac = hmac.new(config["app_secret"].encode(), request.body, hashlib.sha256)
        return {"x-hub-signature-256": "sha256=" + mac.hexdigest()}


# -- oddities --------------------------------------------------------------------------------------------

CONFIG = msgspec.convert(TestWhatsApp.config, Config)
FILE = UUID("01900000-0000-7000-8000-000000000001")
NOW = datetime(2026, 5, 21, 12, tzinfo=UTC)
TOKEN = {"authorization": "Bearer EAAG-token-of-the-tests"}
OK = TestWhatsApp.answer
OUTBOUND = Outbound(account="106540352242922", to="+491701234567", parts=[Text("hi")], idempotency_key="k1")


def channel(
    *answers: Answer, files: Mapping[str, Content] | None = None
) -> tuple[WhatsAppChannel, ScriptedHttp]:
    io = ScriptedIo(answers or [OK], files)
    return WhatsAppChannel(CONFIG, io), io.scripted


def webhook(*messages: Any, contacts: Sequence[Any] = (), **value: Any) -> RawRequest:
    found = {
        "metadata": {"phone_number_id": "1"},
        "contacts": list(contacts),
        "messages": list(messages),
        **value,
    }
    entry = {"id": "9", "changes": [{"field": "messages", "value": found}]}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
    return RawRequest("POST", "https://contact.example/hooks/x", {}, {}, body, NOW)


def said(ident: str, body: Any, sender: str = "491701234567") -> dict[str, Any]:
    return {"id": ident, "from": sender, "timestamp": "1779350400", "type": "text", "text": {"body": body}}


def test_the_old_sha1_header_alone_is_not_believed() -> None:
    request = webhook(said("a", "hi"))
    mac = hmac.new(b"app-secret-of-the-tests", request.body, hashlib.sha1).hexdigest()
    with pytest.raises(BadSignature):
        channel()[0].verify(msgspec.structs.replace(request, headers={"x-hub-signature": f"sha1={mac}"}))


def test_half_an_emoji_costs_one_character_and_no_neighbour() -> None:
    facts = channel()[0].parse(webhook(said("a", "cut \ud83d"), said("b", "whole")))
    assert [fact.parts for fact in facts if isinstance(fact, MessageReceived)] == [
        [Text("cut \N{REPLACEMENT CHARACTER}")],
        [Text("whole")],
    ]


def test_each_message_finds_its_own_contact() -> None:
    contacts = [
        {"wa_id": "861", "profile": {"name": "Li"}},
        {"wa_id": "86138001", "profile": {"name": "Han"}},
    ]
    facts = channel()[0].parse(
        webhook(said("a", "1", "86138001"), said("b", "2", "99999999"), contacts=contacts)
    )
    assert [fact.sender.name for fact in facts if isinstance(fact, MessageReceived)] == ["Han", ""]


def test_a_lone_contact_is_the_sender_even_under_another_number() -> None:
    """Brazilian and Mexican numbers differ by a digit between `from` and `wa_id`."""
    contacts = [{"wa_id": "5511987654321", "profile": {"name": "Ana"}}]
    (fact,) = channel()[0].parse(webhook(said("a", "oi", "551187654321"), contacts=contacts))
    assert isinstance(fact, MessageReceived)
    assert (fact.sender.name, fact.address) == ("Ana", "+551187654321")


@pytest.mark.parametrize("seconds", ["0", "-1", "253402300800", "1e400", "soon", None, [], 10**30])
def test_a_time_that_is_none_leaves_the_message_without_one(seconds: Any) -> None:
    (fact,) = channel()[0].parse(webhook({**said("a", "hi"), "timestamp": seconds}))
    assert isinstance(fact, MessageReceived)
    assert fact.occurred_at is None


def test_a_status_settles_a_send_by_our_own_key() -> None:
    status = {"id": "wamid.1", "status": "sent", "recipient_id": "49170", "biz_opaque_callback_data": "k1"}
    (fact,) = channel()[0].parse(webhook(statuses=[status]))
    assert isinstance(fact, ReceiptReceived)
    assert (fact.external_id, fact.idempotency_key) == ("wamid.1", "k1")


def test_a_webhook_of_another_product_is_not_ours() -> None:
    page = b'{"object": "page", "entry": []}'
    with pytest.raises(BadPayload, match="WhatsApp Business Account"):
        channel()[0].parse(msgspec.structs.replace(webhook(), body=page))


def test_what_one_webhook_says_twice_is_one_fact() -> None:
    facts = channel()[0].parse(webhook(said("a", "hi"), said("a", "hi")))
    assert [fact.dedupe_key for fact in facts] == ["message:a"]


@pytest.mark.parametrize(
    "place", [{"latitude": 91, "longitude": 0}, {"latitude": "1e999", "longitude": 0}, {"latitude": 1}]
)
def test_a_place_outside_the_world_is_said_to_be_unsupported(place: Any) -> None:
    (fact,) = channel()[0].parse(webhook({**said("a", ""), "type": "location", "location": place}))
    assert isinstance(fact, MessageReceived)
    assert [type(part) for part in fact.parts] == [Unsupported]


@pytest.mark.parametrize("written", ["[" * 100_000, "not json", "[1]"])
def test_answers_of_a_form_that_are_no_object_are_kept_as_they_came(written: str) -> None:
    reply = {"type": "nfm_reply", "nfm_reply": {"response_json": written}}
    (fact,) = channel()[0].parse(webhook({**said("a", ""), "type": "interactive", "interactive": reply}))
    assert isinstance(fact, MessageReceived)
    assert fact.parts == [Form({"response": written})]


def test_what_is_kept_as_it_came_can_be_stored() -> None:
    """Half an emoji elsewhere makes Python's own parser read the body, which knows no bounds."""
    lists: Any = "deep"
    objects: Any = "deep"
    for _ in range(200):
        lists, objects = [lists], {"a": objects}
    referral = {
        "far": float("inf"),
        "big": 10**30,
        "lists": lists,
        "objects": objects,
        "source_id": "7",
        "yes": True,
    }
    (fact,) = channel()[0].parse(webhook({**said("a", "cut \ud83d"), "referral": referral}))
    assert isinstance(fact, MessageReceived)
    assert b"deep" not in msgspec.json.encode(fact)
    assert {name: fact.referral[name] for name in ("far", "big", "source_id", "yes")} == {
        "far": None, "big": str(10**30), "source_id": "7", "yes": True,
    }  # fmt: skip


def test_an_abyss_of_nesting_is_survived() -> None:
    """What can just be decoded may be too deep to be written down again."""
    outcomes = set()
    for depth in range(sys.getrecursionlimit() - 250, sys.getrecursionlimit() + 20):
        body = b'{"object": "whatsapp_business_account", "entry": [' + b"[" * depth + b"]" * depth + b"]}"
        try:
            facts = channel()[0].parse(msgspec.structs.replace(webhook(), body=body))
            outcomes.add(type(facts[0]).__name__)
        except BadPayload as error:
            outcomes.add(str(error))
    assert outcomes == {"Unreadable", "the webhook is nested too deeply", "the JSON is nested too deeply"}


def test_neither_a_truth_nor_infinity_is_a_number() -> None:
    odd: list[dict[str, Any]] = [
        {"quantity": True, "item_price": False},
        {"quantity": -1, "item_price": float("inf")},
    ]
    order = {"product_items": [{"product_retailer_id": "p", **item} for item in odd]}
    (fact,) = channel()[0].parse(webhook({**said("a", ""), "type": "order", "order": order}))
    assert isinstance(fact, MessageReceived)
    assert fact.parts == [Order([OrderItem("p", 1, "")] * 2)]


async def test_a_person_without_whatsapp_is_unreachable() -> None:
    with pytest.raises(Refused) as caught:
        await channel(graph_error(131026))[0].send(OUTBOUND)
    assert caught.value.unreachable
    assert caught.value.code == "131026"


async def test_too_many_to_one_person_waits_six_seconds() -> None:
    with pytest.raises(Retry) as caught:
        await channel(graph_error(131056))[0].send(OUTBOUND)
    assert caught.value.after == 6


async def test_the_platforms_own_words_are_told() -> None:
    answer = graph_error(
        131047, message="Re-engagement", error_data={"details": "More than 24 hours have passed"}
    )
    with pytest.raises(Refused, match="More than 24 hours have passed"):
        await channel(answer)[0].send(OUTBOUND)


@pytest.mark.parametrize("answer", [Answer(json={"messages": []}), Answer(json=[]), Answer(text="<html>")])
async def test_a_yes_without_an_id_is_doubt(answer: Answer) -> None:
    with pytest.raises(InDoubt):
        await channel(answer)[0].send(OUTBOUND)


async def test_an_upload_in_doubt_is_tried_again_since_nobody_saw_it() -> None:
    picture = Content("a.png", "image/png", b"x")
    adapter, http = channel(Answer(fails="timeout"), files={str(FILE): picture})
    with pytest.raises(Retry):
        await adapter.send(msgspec.structs.replace(OUTBOUND, parts=[Image(file_id=FILE, mime="image/png")]))
    assert len(http.requests) == 1


async def test_only_one_part_a_message() -> None:
    adapter, http = channel()
    with pytest.raises(Refused):
        await adapter.send(msgspec.structs.replace(OUTBOUND, parts=[Text("a"), Text("b")]))
    assert http.requests == []


async def test_ids_stay_in_their_place_in_the_path() -> None:
    adapter, http = channel()
    await adapter.send(msgspec.structs.replace(OUTBOUND, account="1?x=#"))
    assert http.requests[0].url == "https://graph.facebook.com/v24.0/1%3Fx=%23/messages"


async def test_reading_and_typing_are_shown() -> None:
    adapter, http = channel(Answer(json={"success": True}))
    await adapter.mark_read("1", "+49170", "wamid.7", typing=True)
    await adapter.mark_read("1", "+49170", "wamid.7", typing=False)
    read = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.7"}
    assert [request.json for request in http.requests] == [
        {**read, "typing_indicator": {"type": "text"}},
        read,
    ]


async def test_media_is_fetched_in_two_steps_with_the_token() -> None:
    facts = {"url": "https://lookaside.example/m?mid=7", "mime_type": "image/jpeg", "file_size": 3, "id": "7"}
    adapter, http = channel(Answer(json=facts), Answer(data=b"\xff\xd8\xff"))
    content = await adapter.fetch_media("1", Source(ref="7", url="https://elsewhere.example/never-asked"))
    assert content == Content("7.jpg", "image/jpeg", b"\xff\xd8\xff")
    assert [(request.url, request.params, request.headers) for request in http.requests] == [
        ("https://graph.facebook.com/v24.0/7", {"phone_number_id": "1"}, TOKEN),
        ("https://lookaside.example/m?mid=7", {}, TOKEN),
    ]


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([Answer(json={"mime_type": "image/png"})], Refused),
        ([Answer(json={"url": "https://x.example"}), Answer(status=404)], Refused),
        ([Answer(json={"url": "https://x.example"}), Answer(status=500)], Retry),
        ([Answer(json={"url": "https://x.example"}), Answer(fails="timeout")], Retry),
        ([graph_error(100, error_subcode=33, message="Object does not exist")], Refused),
    ],
)
async def test_media_that_does_not_come(answers: list[Answer], outcome: type[Outcome]) -> None:
    with pytest.raises(outcome):
        await channel(*answers)[0].fetch_media("1", Source(ref="7"))


async def test_media_without_a_reference_is_refused_unasked() -> None:
    adapter, http = channel()
    with pytest.raises(Refused):
        await adapter.fetch_media("1", Source(url="https://x.example"))
    assert http.requests == []


async def test_the_probe_lists_all_numbers_of_the_account() -> None:
    first = {
        "data": [
            {"id": "1", "verified_name": "Shop", "display_phone_number": "+1 555"},
            {"verified_name": "no id"},
        ],
        "paging": {"cursors": {"after": "c"}, "next": "https://graph.facebook.com/next"},
    }
    last = {"data": [{"id": 2, "display_phone_number": "+1 556"}], "paging": {"cursors": {"after": "d"}}}
    adapter, http = channel(Answer(json=first), Answer(json=last))
    assert await adapter.probe() == [Account("1", "Shop (+1 555)"), Account("2", "+1 556")]
    assert [request.params.get("after") for request in http.requests] == [None, "c"]
    assert http.requests[0].url == "https://graph.facebook.com/v24.0/102290129340398/phone_numbers"


async def test_registering_points_the_account_at_our_address() -> None:
    adapter, http = channel(Answer(json={"success": True}))
    await adapter.register("https://contact.example/hooks/abc")
    (request,) = http.requests
    assert request.url.endswith("/102290129340398/subscribed_apps")
    assert request.json == {
        "override_callback_uri": "https://contact.example/hooks/abc",
        "verify_token": "verify-token-of-the-tests",
    }


PICTURE = Image(file_id=FILE, mime="image/png")
A, B, C = (Button(name, name.upper()) for name in "abc")
LINK = Button("", "Look", url="https://shop.example")
SHOWN = Content("a.png", "image/png", b"x", url="https://contact.example/files/a.png")


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        (Cards([Card("x", image=PICTURE, buttons=[A]), Card("y", image=PICTURE, buttons=[B, C])]), {}),
        (Cards([Card("x", image=PICTURE, buttons=[A]), Card("y", image=PICTURE, buttons=[LINK])]), {}),
        (Cards([Card("x", image=PICTURE), Card("y", image=PICTURE)]), {}),
        (Cards([Card("x", image=PICTURE, buttons=[A]), Card("y", image=PICTURE, buttons=[A])]), {}),
        (Cards([Card("x", image=PICTURE, buttons=[A]), Card("y", buttons=[B])]), {}),
        (
            Cards(
                [
                    Card("x", image=PICTURE, buttons=[LINK, LINK]),
                    Card("y", image=PICTURE, buttons=[LINK, LINK]),
                ]
            ),
            {},
        ),
        (Cards([Card("x" * 161, image=PICTURE, buttons=[A]), Card("y", image=PICTURE, buttons=[B])]), {}),
        (
            Cards([Card("x", "1\n2\n3", image=PICTURE, buttons=[A]), Card("y", image=PICTURE, buttons=[B])]),
            {},
        ),
        (Cards([Card("x", image=PICTURE, buttons=[A]), Card("y", image=PICTURE, buttons=[B])]), {"url": ""}),
        (
            Cards([Card("x", image=PICTURE, buttons=[A]), Card("y", image=PICTURE, buttons=[B])]),
            {"mime": "image/gif"},
        ),
        (Cards([Card("x", buttons=[Button("a", "x" * 21)])]), {}),
        (Cards([Card("x", buttons=[A, B, C, Button("d", "D")])]), {}),
        (Cards([Card("x", buttons=[A, LINK])]), {}),
        (Cards([Card("x", "y" * 1025)]), {}),
        (Choices("x", [A, LINK]), {}),
        (Product("lamp-04"), {}),
    ],
)
async def test_what_does_not_fit_is_refused_unsent(part: Part, changes: dict[str, str]) -> None:
    adapter, http = channel(files={str(FILE): msgspec.structs.replace(SHOWN, **changes)})
    with pytest.raises(Refused) as caught:
        await adapter.send(msgspec.structs.replace(OUTBOUND, parts=[part]))
    assert caught.value.code == "unfit"
    assert http.requests == []


@pytest.mark.parametrize(
    ("card", "kind"),
    [
        (Card("Lamp", "40 €"), "text"),
        (Card("Lamp", image=PICTURE), "image"),
        (Card("Lamp", buttons=[A]), "interactive"),
        (Card("Lamp", image=PICTURE, buttons=[LINK]), "interactive"),
    ],
)
async def test_a_card_alone_needs_neither_picture_nor_button(card: Card, kind: str) -> None:
    hidden = msgspec.structs.replace(SHOWN, url="")
    upload = [Answer(json={"id": "7"})] if card.image else []
    adapter, http = channel(*upload, OK, files={str(FILE): hidden})
    await adapter.send(msgspec.structs.replace(OUTBOUND, parts=[Cards([card])]))
    body = http.requests[-1].json
    assert body["type"] == kind
    assert "*Lamp*" in json.dumps(body, ensure_ascii=False)
    assert ('"id": "7"' in json.dumps(body)) == bool(card.image)


@pytest.mark.parametrize(("direction", "opens"), [("BUSINESS_INITIATED", ""), ("USER_INITIATED", "message")])
def test_calls_of_ours_open_no_window(direction: str, opens: str) -> None:
    ends = ("491701234567", "1") if opens else ("1", "491701234567")
    call = {"id": "wacid.1", "from": ends[0], "to": ends[1], "event": "terminate", "direction": direction}
    value = {"metadata": {"phone_number_id": "1"}, "calls": [call]}
    entry = {"id": "9", "changes": [{"field": "calls", "value": value}]}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
    (fact,) = channel()[0].parse(RawRequest("POST", "https://x.example", {}, {}, body, NOW))
    assert isinstance(fact, MessageReceived)
    assert (fact.opens, fact.address) == (opens, "+491701234567")


@pytest.mark.parametrize("field", ["user_preferences", "messages"])
def test_what_the_customer_did_not_say_opens_no_window(field: str) -> None:
    """A preference and a notice of WhatsApp's own are no message of the customer's: 24 hours don't begin with them."""
    preference = {
        "wa_id": "491701234567",
        "category": "marketing_messages",
        "value": "stop",
        "timestamp": 1779350400,
    }
    system = {
        "id": "wamid.1",
        "from": "491701234567",
        "type": "system",
        "system": {"type": "customer_identity_changed"},
    }
    value = {"metadata": {"phone_number_id": "1"}, "user_preferences": [preference], "messages": [system]}
    entry = {"id": "9", "changes": [{"field": field, "value": value}]}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
    (fact,) = channel()[0].parse(RawRequest("POST", "https://x.example", {}, {}, body, NOW))
    assert isinstance(fact, MessageReceived)
    assert (fact.opens, fact.auto) == ("", True)


SOON, LATER = (int((datetime.now(UTC) + timedelta(days=days)).timestamp()) for days in (6, 8))


@pytest.mark.parametrize(
    ("told", "codes"),
    [
        ({"is_valid": True, "expires_at": 0, "scopes": list(SCOPES)}, []),
        ({"is_valid": True, "expires_at": LATER}, []),
        ({"is_valid": True, "expires_at": SOON}, [("amber", "token_ends")]),
        ({"scopes": ["whatsapp_business_messaging"]}, [("amber", "permissions_missing")]),
        (None, []),
    ],
)
async def test_a_token_that_ends_is_told_before(told: Any, codes: list[tuple[str, str]]) -> None:
    apps = {"data": [{"whatsapp_business_api_data": {"id": "1"}}]}
    adapter, http = channel(Answer(json=apps), Answer(json={"data": []}), Answer(json={"data": told}))
    found = await adapter.check("https://contact.example/hooks/x")
    assert [(one.status, one.code) for one in found] == codes
    assert http.requests[-1].params == {"input_token": CONFIG.access_token}


async def test_who_may_not_ask_after_the_token_learns_nothing() -> None:
    apps = {"data": [{"whatsapp_business_api_data": {"id": "1"}}]}
    adapter, _ = channel(Answer(json=apps), Answer(json={"data": []}), graph_error(100))
    assert await adapter.check("https://contact.example/hooks/x") == []
