"""Instagram under the contract, and its oddities."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Literal
from uuid import UUID

import msgspec
import pytest

from switchboard.channels.api import (
    MEDIA,
    Account,
    BadPayload,
    BadSignature,
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
    Profile,
    RawRequest,
    Reauthorise,
    Refused,
    Retry,
    Sent,
    Source,
    Text,
)
from switchboard.channels.contract import Answer, ChannelContract, ScriptedHttp, ScriptedIo
from switchboard.channels.instagram.channel import CERTAIN, FIELDS, Config, InstagramChannel


def graph_error(code: int, status: int = 400, message: str = "The request failed", **more: Any) -> Answer:
    """An error as Graph words it."""
    error = {"message": message, "type": "IGApiException", "code": code, "fbtrace_id": "A1b2C3", **more}
    return Answer(status=status, json={"error": error})


class TestInstagram(ChannelContract):
    kind = "instagram"
    config: ClassVar[Mapping[str, Any]] = {
        "login": "facebook",
        "access_token": "EAAG-token-of-the-tests",
        "app_secret": "app-secret-of-the-tests",
        "verify_token": "verify-token-of-the-tests",
    }
    rotated: ClassVar[Mapping[str, Any]] = {"app_secret": "app-secret-after-rotation"}
    items = ("entry.*.messaging.*", "entry.*.standby.*", "entry.*.changes.*")
    answer = Answer(json={"recipient_id": "5614879045272581", "message_id": "aWdf_SENT1"})
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
        *((graph_error(code), Retry) for code in (1, 2, 4, 17, 32, 613, 1200, 80002)),
        (graph_error(100, is_transient=True), Retry),
        *((graph_error(code, 401), Reauthorise) for code in (102, 190)),
        *((graph_error(code, 403), Reauthorise) for code in (3, 10, 200, 368)),
        (graph_error(10, 403, error_subcode=2018278), Refused),
        (graph_error(100, error_subcode=2018001), Refused),
        (graph_error(2500), Refused),
        (Answer(status=502, text="<html>Bad Gateway</html>"), Retry),
        (Answer(status=401, text="who are you"), Reauthorise),
        (Answer(status=404, text="where"), Refused),
        (Answer(status=400, json=[1]), Refused),
    ]
    challenge: ClassVar[Mapping[str, str]] = {
        "hub.mode": "subscribe",
        "hub.challenge": "1158201444",
        "hub.verify_token": "verify-token-of-the-tests",
    }
    challenge_answer = b"1158201444"
    media = Source(url="https://lookaside.example/ig_messaging_cdn/?asset_id=1")
    samples = ("restfb__messaging-*.json", "restfb__wh-*.json")

    def sign(self, request: RawRequest, config: Mapping[str, Any]) -> Mapping[str, str]:
        mac = hmac.new(config["app_secret"].encode(), request.body, hashlib.sha256)
        return {"x-hub-signature-256": "sha256=" + mac.hexdigest()}


# -- oddities --------------------------------------------------------------------------------------------

SHOP, ANN, MEDIUM = "17841405822304914", "5614879045272581", "17900000000000001"
CONFIG = msgspec.convert(TestInstagram.config, Config)
FILE = UUID("01900000-0000-7000-8000-000000000001")
NOW = datetime(2026, 10, 3, 12, tzinfo=UTC)
PAGES = Answer(
    json={
        "data": [
            {
                "id": "108242555512345",
                "access_token": "token-of-the-page",
                "instagram_business_account": {"id": SHOP, "username": "lampshop"},
            },
            {"id": "555", "access_token": "token-of-another-page"},
        ]
    }
)
YES = Answer(json={"success": True})
OK = TestInstagram.answer
NO_REFRESH = graph_error(100, message="The token was made less than 24 hours ago")
OUTBOUND = Outbound(account=SHOP, to=ANN, parts=[Text("hi")], idempotency_key="k1", author="agent")


def channel(
    *answers: Answer,
    files: Mapping[str, Content] | None = None,
    login: Literal["facebook", "instagram"] = "facebook",
    **changes: str,
) -> tuple[InstagramChannel, ScriptedHttp]:
    io = ScriptedIo(answers or [OK], files)
    return InstagramChannel(msgspec.structs.replace(CONFIG, login=login, **changes), io), io.scripted


def webhook(*items: Any, kind: str = "messaging") -> RawRequest:
    body = {"object": "instagram", "entry": [{"id": SHOP, "time": 1790942400000, kind: list(items)}]}
    return RawRequest("POST", "https://contact.example/hooks/x", {}, {}, json.dumps(body).encode(), NOW)


def item(**more: Any) -> dict[str, Any]:
    return {"sender": {"id": ANN}, "recipient": {"id": SHOP}, "timestamp": 1790942400000, **more}


def paths(http: ScriptedHttp) -> list[str]:
    return [f"{request.method} {request.url}" for request in http.requests]


def bearers(http: ScriptedHttp) -> list[str]:
    return [request.headers["authorization"].removeprefix("Bearer ") for request in http.requests]


def test_the_old_sha1_header_alone_is_not_believed() -> None:
    request = webhook()
    mac = hmac.new(b"app-secret-of-the-tests", request.body, hashlib.sha1).hexdigest()
    with pytest.raises(BadSignature):
        channel()[0].verify(msgspec.structs.replace(request, headers={"x-hub-signature": f"sha1={mac}"}))


def test_a_webhook_of_another_product_is_not_ours() -> None:
    with pytest.raises(BadPayload, match="instagram"):
        channel()[0].parse(msgspec.structs.replace(webhook(), body=b'{"object": "page", "entry": []}'))


def test_no_picture_of_a_story_is_ever_fetched() -> None:
    """Instagram forbids to keep stories: whatever a fixture with one holds, no part of it is media."""
    seen = 0
    for path in sorted((Path(__file__).parent / "fixtures").glob("story_*.json")):
        if path.name.endswith(".expected.json"):
            continue
        request = msgspec.structs.replace(webhook(), body=path.read_bytes())
        for fact in channel()[0].parse(request):
            seen += 1
            assert not isinstance(fact, MessageReceived) or not any(
                isinstance(part, MEDIA) for part in fact.parts
            )
    assert seen >= 5


def test_our_own_comment_comes_back_under_the_id_that_we_got_when_sending() -> None:
    value = {"id": "18", "text": "40 EUR", "from": {"id": SHOP}, "media": {"id": MEDIUM}}
    (fact,) = channel()[0].parse(webhook({"field": "comments", "value": value}, kind="changes"))
    assert isinstance(fact, EchoReceived)
    assert (fact.external_id, fact.slot) == ("18", f"post:{MEDIUM}")


def test_who_comments_is_who_writes() -> None:
    """Both carry the id that is scoped to the account."""
    value = {"id": "18", "text": "hi", "from": {"id": ANN, "username": "ann"}, "media": {"id": MEDIUM}}
    (comment,) = channel()[0].parse(webhook({"field": "comments", "value": value}, kind="changes"))
    (message,) = channel()[0].parse(webhook(item(message={"mid": "m", "text": "hi"})))
    assert isinstance(comment, MessageReceived)
    assert isinstance(message, MessageReceived)
    assert comment.sender.claims == message.sender.claims == [Claim(f"instagram:{SHOP}", ANN)]


async def test_a_machine_may_not_answer_late() -> None:
    with pytest.raises(Refused) as caught:
        await channel(PAGES, OK)[0].send(msgspec.structs.replace(OUTBOUND, late=True, author="automation"))
    assert caught.value.code == "window"


async def test_each_account_speaks_with_its_pages_token() -> None:
    adapter, http = channel(PAGES, OK, OK)
    assert await adapter.send(OUTBOUND) == Sent("aWdf_SENT1")
    await adapter.send(OUTBOUND)
    assert bearers(http) == ["EAAG-token-of-the-tests", "token-of-the-page", "token-of-the-page"]
    assert http.requests[0].params["fields"] == "id,access_token,instagram_business_account{id,username,name}"


@pytest.mark.parametrize(("login", "opens"), [("facebook", PAGES), ("instagram", NO_REFRESH)])
async def test_another_access_token_never_meets_what_the_one_before_had_opened(
    login: Literal["facebook", "instagram"], opens: Answer
) -> None:
    io = ScriptedIo([opens, OK, opens, OK])
    for given in ("EAAG-before", "EAAG-after"):
        config = msgspec.structs.replace(CONFIG, login=login, access_token=given)
        await InstagramChannel(config, io).send(OUTBOUND)
    before, first, after, second = bearers(io.scripted)
    assert (before, after) == ("EAAG-before", "EAAG-after")
    assert (first, second) == ((before, after) if login == "instagram" else ("token-of-the-page",) * 2)


async def test_a_page_token_speaks_for_itself() -> None:
    no_accounts = graph_error(100, message="Tried accessing nonexisting field (accounts) on node type (Page)")
    page = Answer(json={"id": "1", "instagram_business_account": {"id": SHOP, "username": "lampshop"}})
    adapter, http = channel(no_accounts, page, OK)
    await adapter.send(OUTBOUND)
    assert bearers(http) == ["EAAG-token-of-the-tests"] * 3
    assert await channel(no_accounts, page)[0].probe() == [Account(SHOP, "@lampshop")]


async def test_the_probe_lists_the_accounts_behind_the_pages() -> None:
    assert await channel(PAGES)[0].probe() == [Account(SHOP, "@lampshop")]


async def test_instagram_login_has_a_host_and_a_token_of_its_own() -> None:
    me = Answer(json={"user_id": SHOP, "id": "999", "username": "lampshop"})
    adapter, http = channel(NO_REFRESH, me, OK, login="instagram")
    assert await adapter.probe() == [Account(SHOP, "@lampshop")]
    await adapter.send(OUTBOUND)
    root = "https://graph.instagram.com"
    assert paths(http) == [
        f"GET {root}/refresh_access_token", f"GET {root}/v24.0/me", f"POST {root}/v24.0/{SHOP}/messages"
    ]  # fmt: skip
    assert set(bearers(http)) == {"EAAG-token-of-the-tests"}


async def test_every_token_of_instagram_login_is_made_of_the_one_before() -> None:
    first = Answer(json={"access_token": "second-token", "token_type": "bearer", "expires_in": 5183944})
    second = Answer(json={"access_token": "third-token", "token_type": "bearer", "expires_in": 5183944})
    adapter, http = channel(first, OK, graph_error(190, 401), second, OK, login="instagram")
    await adapter.send(OUTBOUND)
    await adapter.send(OUTBOUND)
    assert [request.params.get("access_token") for request in http.requests] == [
        "EAAG-token-of-the-tests", None, None, "second-token", None
    ]  # fmt: skip
    assert bearers(http)[1:3] == ["second-token"] * 2
    assert bearers(http)[4] == "third-token"


async def test_no_token_is_ever_told() -> None:
    fresh = Answer(json={"access_token": "second-token", "expires_in": 5183944})
    answer = graph_error(190, 401, "Error validating second-token")
    with pytest.raises(Reauthorise) as caught:
        await channel(fresh, answer, NO_REFRESH, login="instagram")[0].send(OUTBOUND)
    assert "second-token" not in str(caught.value)


async def test_instagram_login_sends_files_by_public_address_only() -> None:
    part = Image(file_id=FILE, mime="image/png")
    public = Content("a.png", "image/png", b"x", "https://contact.example/a.png")
    adapter, http = channel(NO_REFRESH, OK, files={str(FILE): public}, login="instagram")
    await adapter.send(msgspec.structs.replace(OUTBOUND, parts=[part]))
    payload = {"type": "image", "payload": {"url": "https://contact.example/a.png"}}
    assert http.requests[1].json["message"] == {"attachment": payload}
    hidden = msgspec.structs.replace(public, url="")
    with pytest.raises(Refused, match="public address"):
        await channel(NO_REFRESH, OK, files={str(FILE): hidden}, login="instagram")[0].send(
            msgspec.structs.replace(OUTBOUND, parts=[part])
        )


@pytest.mark.parametrize("answer", [Answer(json={}), Answer(text="<html>")])
async def test_a_yes_without_an_id_is_doubt(answer: Answer) -> None:
    with pytest.raises(InDoubt):
        await channel(PAGES, answer)[0].send(OUTBOUND)


@pytest.mark.parametrize(
    ("parts", "slot"),
    [
        ([Text("a"), Text("b")], ""),
        ([Cards([Card("x" * 81)])], ""),
        ([Image()], ""),
        ([Image(file_id=FILE)], f"post:{MEDIUM}"),
        ([Choices("a", [])], f"post:{MEDIUM}"),
    ],
)
async def test_what_does_not_fit_is_refused_unsent(parts: list[Part], slot: str) -> None:
    adapter, http = channel(PAGES, OK, files={str(FILE): Content("a.png", "image/png", b"x")})
    with pytest.raises(Refused) as caught:
        await adapter.send(msgspec.structs.replace(OUTBOUND, parts=parts, slot=slot))
    assert caught.value.code == "unfit"
    assert [request.method for request in http.requests] == ["GET"]


async def test_reading_and_typing_are_shown_for_messages_only() -> None:
    adapter, http = channel(PAGES, Answer(json={"recipient_id": ANN}))
    await adapter.mark_read(SHOP, ANN, "aWdf_7", typing=False)
    await adapter.mark_read(SHOP, ANN, "aWdf_7", typing=True)
    await adapter.mark_read(SHOP, MEDIUM, "18012345678901234", typing=False)
    await adapter.mark_read(SHOP, "mention:1", "mention:1", typing=False)
    assert [request.json for request in http.requests[1:]] == [
        {"recipient": {"id": ANN}, "sender_action": "mark_seen"},
        {"recipient": {"id": ANN}, "sender_action": "typing_on"},
    ]


async def test_people_and_posts_are_looked_up() -> None:
    person = {
        "name": "Ann Lee", "username": "ann.lee", "profile_pic": "https://cdn.example/p.jpg", "follower_count": 7, "id": ANN
    }  # fmt: skip
    post = {"caption": "New lamps", "permalink": "https://i.example/p", "media_type": "IMAGE", "media_url": "https://cdn.example/m.jpg"}  # fmt: skip
    film = {"media_type": "VIDEO", "media_url": "https://cdn.example/m.mp4", "username": "lampshop"}
    comment = {"mentioned_comment": {"text": "Ask @lampshop", "username": "bob"}, "id": SHOP}
    caption = {"mentioned_media": {"caption": "At @lampshop", "username": "bob"}, "id": SHOP}
    adapter, http = channel(PAGES, *(Answer(json=one) for one in (person, post, film, comment, caption)))
    assert await adapter.fetch_profile(SHOP, Claim(f"instagram:{SHOP}", ANN)) == Profile(
        name="Ann Lee",
        avatar=Source(url="https://cdn.example/p.jpg"),
        data={"username": "ann.lee", "follower_count": 7},
    )
    assert await adapter.fetch_post(SHOP, MEDIUM) == Post(
        "New lamps", "https://i.example/p", "https://cdn.example/m.jpg"
    )
    assert await adapter.fetch_post(SHOP, MEDIUM) == Post(author="lampshop")
    assert await adapter.fetch_post(SHOP, "mention:17:18") == Post("Ask @lampshop", author="bob")
    assert await adapter.fetch_post(SHOP, "mention:17") == Post("At @lampshop", author="bob")
    assert [request.params["fields"] for request in http.requests[4:]] == [
        "mentioned_comment.comment_id(18){text,username}",
        "mentioned_media.media_id(17){caption,media_type,media_url,username}",
    ]
    with pytest.raises(Refused):
        await adapter.fetch_profile(SHOP, Claim(f"instagram:{SHOP}:unnamed", "mention:1"))


async def test_somebody_who_may_not_be_looked_up_leaves_the_connection_alone() -> None:
    claim = Claim(f"instagram:{SHOP}", ANN)
    with pytest.raises(Refused):
        await channel(PAGES, graph_error(230, 403, "User consent is required"))[0].fetch_profile(SHOP, claim)
    with pytest.raises(Reauthorise):
        await channel(PAGES, graph_error(190, 401), PAGES)[0].fetch_profile(SHOP, claim)


async def test_media_is_fetched_by_its_address_without_our_token() -> None:
    adapter, http = channel(Answer(data=b"\xff\xd8\xff", headers={"content-type": "image/jpeg"}))
    content = await adapter.fetch_media(
        SHOP, Source(url="https://lookaside.example/ig_messaging_cdn/?asset_id=1")
    )
    assert content == Content("file.jpg", "image/jpeg", b"\xff\xd8\xff")
    assert http.requests[0].headers == {}


async def test_registering_keeps_what_messenger_subscribed_to() -> None:
    kept = Answer(json={"data": [{"id": "42", "subscribed_fields": ["messages", "feed", 7]}]})
    adapter, http = channel(PAGES, PAGES, kept, YES, YES, ice_breakers="Opening hours? = HOURS; Prices")
    await adapter.register("https://contact.example/hooks/abc")
    subscribe, profile = http.requests[3:]
    assert subscribe.url.endswith("/me/subscribed_apps")
    assert subscribe.params == {"subscribed_fields": "messages,feed"}
    assert profile.json == {
        "platform": "instagram",
        "ice_breakers": [
            {
                "call_to_actions": [
                    {"question": "Opening hours?", "payload": "HOURS"},
                    {"question": "Prices", "payload": "Prices"},
                ],
                "locale": "default",
            }
        ],
    }
    assert bearers(http)[3:] == ["token-of-the-page"] * 2


async def test_registering_enters_the_address_where_the_app_is_known() -> None:
    no, kept = graph_error(100, message="Unknown field"), Answer(json={"data": []})
    adapter, http = channel(no, YES, PAGES, PAGES, kept, YES, app_id="42")
    await adapter.register("https://contact.example/hooks/abc")
    first, second = http.requests[:2]
    assert first.url.endswith("/42/subscriptions")
    assert first.headers == {"authorization": "Bearer 42|app-secret-of-the-tests"}
    assert (first.json["object"], first.json["callback_url"]) == (
        "instagram",
        "https://contact.example/hooks/abc",
    )
    assert [one.json["fields"] for one in (first, second)] == [",".join(FIELDS), ",".join(CERTAIN)]


async def test_an_address_that_meta_does_not_believe_is_entered_once_only() -> None:
    adapter, http = channel(graph_error(2200, message="Callback verification failed"), app_id="42")
    with pytest.raises(Refused, match="verification"):
        await adapter.register("https://contact.example/hooks/abc")
    assert len(http.requests) == 1


async def test_instagram_login_does_not_ask_after_the_app() -> None:
    me = Answer(json={"user_id": SHOP, "username": "lampshop"})
    well = Answer(json={"data": [{"id": "42", "subscribed_fields": ["messages", "comments"]}]})
    adapter, http = channel(NO_REFRESH, me, well, login="instagram", app_id="42")
    assert await adapter.check("https://x.example") == []
    assert not [request for request in http.requests if "42/" in request.url or "debug_token" in request.url]


async def test_registering_with_instagram_login_asks_for_less_when_it_may_not_have_all() -> None:
    me = Answer(json={"user_id": SHOP, "username": "lampshop"})
    adapter, http = channel(NO_REFRESH, me, graph_error(100), YES, login="instagram")
    await adapter.register("https://contact.example/hooks/abc")
    assert [request.params.get("subscribed_fields") for request in http.requests[2:]] == [
        ",".join(FIELDS), ",".join(CERTAIN)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "codes"),
    [
        ([{"id": "42", "subscribed_fields": ["messages", "comments"]}], []),
        ([{"id": "42", "subscribed_fields": ["comments"]}], [("red", "fields_missing")]),
        ([], [("red", "unsubscribed")]),
    ],
)
async def test_a_lost_subscription_is_told(rows: list[Any], codes: list[tuple[str, str]]) -> None:
    me = Answer(json={"user_id": SHOP, "username": "lampshop"})
    adapter, _ = channel(NO_REFRESH, me, Answer(json={"data": rows}), login="instagram")
    assert [(one.status, one.code) for one in await adapter.check("https://x.example")] == codes


def test_a_batch_is_read_within_half_a_millisecond() -> None:
    """One webhook of several people, as large as they come in practice."""
    request = webhook(*(item(message={"mid": f"m_{n}", "text": "hello"}) for n in range(10)))
    adapter, seconds = channel()[0], []
    for _ in range(20):
        begin = datetime.now(UTC)
        assert len(adapter.parse(request)) == 10
        seconds.append((datetime.now(UTC) - begin).total_seconds())
    assert min(seconds) < 0.0005
