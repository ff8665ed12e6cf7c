"""Apple's and Google's push services, as our clients meet them over real HTTP/2."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from switchboard.channels.api import Http, Outcome, Reauthorise, Refused, Retry
from switchboard.channels.loopback import LoopbackIo
from switchboard.channels.web.apns import Apns, AppleKey
from switchboard.channels.web.fcm import Fcm, google_file
from switchboard.channels.web.push import GoneToken, Note, in_words
from switchboard.net import BLOCKED, Guard, GuardedHttp
from tests.push.standin import (
    APPLE,
    BEARER,
    BUNDLE_ID,
    KEY_ID,
    TEAM_ID,
    PushServices,
    key_file,
    pem,
    push_services,
)

CASE, MESSAGE, KEY = UUID(int=1), UUID(int=2), UUID(int=3)
NOTE = Note(KEY, "Ann · Tea shop", "您的茶到了 🍵", 3, CASE, MESSAGE)
PHONE = "a1" * 32


class PushLoopback(LoopbackIo):
    """The real clients behind the real guard; the stand-in's certificate is trusted."""

    def __init__(self, url: str, trusted: Path, allow: tuple[str, ...] = ("127.0.0.0/8",)) -> None:
        super().__init__(url)
        self.narrow = Guard(allow)
        self.http2: Http = GuardedHttp(
            self.narrow, tls=ssl.create_default_context(cafile=str(trusted)), http2=True
        )


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[PushServices]:
    async with push_services(tmp_path) as found:
        yield found


@pytest.fixture
async def io(services: PushServices, tmp_path: Path) -> AsyncIterator[PushLoopback]:
    made = PushLoopback(services.url, tmp_path / "push.crt")
    yield made
    await close(made)


async def close(io: PushLoopback) -> None:
    assert isinstance(io.http2, GuardedHttp)
    await io.http2.aclose()
    await io.wire.aclose()
    io.guard.close()
    io.narrow.close()


def apple(io: PushLoopback, **changes: Any) -> Apns:
    fields: dict[str, Any] = {"private_key": pem(APPLE), **changes}
    return Apns(AppleKey(KEY_ID, TEAM_ID, BUNDLE_ID, **fields), io)


def google(io: PushLoopback) -> Fcm:
    return Fcm(google_file(key_file()), io)


def now() -> datetime:
    return datetime.now(UTC)


async def test_apple_gets_a_signed_http2_request(services: PushServices, io: PushLoopback) -> None:
    await apple(io).push(PHONE, NOTE, now())
    (asked,) = services.asked
    assert (asked.method, asked.path, asked.alpn) == ("POST", f"/3/device/{PHONE}", "h2")
    assert asked.claims["iss"] == TEAM_ID
    told = {name: asked.headers.get(name) for name in ("apns-topic", "apns-push-type", "apns-priority")}
    assert told == {"apns-topic": BUNDLE_ID, "apns-push-type": "alert", "apns-priority": "10"}
    assert asked.headers["apns-collapse-id"] == CASE.hex
    assert asked.headers["apns-id"] == str(KEY)
    assert 86_000 < int(asked.headers["apns-expiration"]) - now().timestamp() < 87_000
    assert asked.json == {
        "aps": {
            "alert": {"title": NOTE.title, "body": NOTE.text},
            "badge": 3,
            "sound": "default",
            "thread-id": CASE.hex,
        },
        "switchboard": {"conversation": str(CASE), "message": str(MESSAGE)},
    }


async def test_many_pushes_share_a_connection_and_a_token(services: PushServices, io: PushLoopback) -> None:
    """Apple takes many connections, and tokens made too often, for an attack."""
    way = apple(io)
    await way.push(PHONE, NOTE, now())
    await asyncio.gather(*(way.push(PHONE, NOTE, now() + timedelta(seconds=nr)) for nr in range(20)))
    assert len(services.asked) == 21
    assert {one.connection for one in services.asked} == {1}
    assert len({one.stream for one in services.asked}) == 21
    assert len({one.headers["authorization"] for one in services.asked}) == 1


async def test_an_expired_token_of_ours_is_made_anew_once(services: PushServices, io: PushLoopback) -> None:
    services.answers.append((403, {}, {"reason": "ExpiredProviderToken"}))
    await apple(io).push(PHONE, NOTE, now())
    first, second = (one.headers["authorization"] for one in services.asked)
    assert first != second
    services.answers.extend([(403, {}, {"reason": "ExpiredProviderToken"})] * 2)
    with pytest.raises(Reauthorise):
        await apple(io).push(PHONE, NOTE, now())
    assert len(services.asked) == 4


@pytest.mark.parametrize(
    ("status", "reason", "outcome", "after"),
    [
        (400, "BadDeviceToken", GoneToken, None),
        (400, "DeviceTokenNotForTopic", GoneToken, None),
        (410, "Unregistered", GoneToken, None),
        (410, "ExpiredToken", GoneToken, None),
        (429, "TooManyRequests", Retry, 30),
        (429, "TooManyProviderTokenUpdates", Retry, None),
        (500, "InternalServerError", Retry, None),
        (503, "ServiceUnavailable", Retry, 7),
        (403, "InvalidProviderToken", Reauthorise, None),
        (403, "Forbidden", Reauthorise, None),
        (400, "TopicDisallowed", Reauthorise, None),
        (413, "PayloadTooLarge", Refused, None),
        (400, "BadCollapseId", Refused, None),
        (404, None, Refused, None),
        (418, ["odd"], Refused, None),
    ],
)
async def test_what_apple_answers(
    services: PushServices,
    io: PushLoopback,
    status: int,
    reason: object,
    outcome: type[Exception],
    after: float | None,
) -> None:
    services.answers.append((status, {"retry-after": str(after)} if after else {}, {"reason": reason}))
    with pytest.raises(outcome) as raised:
        await apple(io).push(PHONE, NOTE, now())
    if isinstance(raised.value, Retry):
        assert raised.value.after == after
    assert pem(APPLE) not in str(raised.value)


async def test_apple_tells_since_when_a_phone_is_gone(services: PushServices, io: PushLoopback) -> None:
    """An app installed again in the meantime has registered after that moment."""
    services.answers.append((410, {}, {"reason": "Unregistered", "timestamp": 1_763_640_000_000}))
    with pytest.raises(GoneToken) as raised:
        await apple(io).push(PHONE, NOTE, now())
    assert raised.value.since == datetime(2025, 11, 20, 12, tzinfo=UTC)


async def test_a_strangers_key_is_refused(io: PushLoopback) -> None:
    """The stand-in really checks the signature."""
    stranger = pem(ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(Reauthorise, match="InvalidProviderToken"):
        await apple(io, private_key=stranger).push(PHONE, NOTE, now())


async def test_google_gets_a_message_signed_in_by_assertion(services: PushServices, io: PushLoopback) -> None:
    way = google(io)
    await way.push("phone:token_1", NOTE, now())
    await way.push("phone:token_1", NOTE, now())
    sign_in, asked, again = services.asked
    assert (sign_in.path, sign_in.alpn, sign_in.claims["exp"] - sign_in.claims["iat"]) == (
        "/token",
        "h2",
        3600,
    )
    assert (asked.headers["authorization"], asked.alpn) == (f"Bearer {BEARER}", "h2")
    assert again.path == asked.path
    assert asked.json["message"] == {
        "token": "phone:token_1",
        "notification": {"title": NOTE.title, "body": NOTE.text},
        "data": {"switchboard_conversation": str(CASE), "switchboard_message": str(MESSAGE)},
        "android": {
            "priority": "HIGH",
            "ttl": "86400s",
            "collapse_key": CASE.hex,
            "notification": {"tag": CASE.hex, "notification_count": 3, "sound": "default"},
        },
        "apns": {
            "headers": {"apns-collapse-id": CASE.hex, "apns-priority": "10"},
            "payload": {"aps": {"badge": 3, "sound": "default", "thread-id": CASE.hex}},
        },
    }


def fcm(status: int, general: str, code: str = "", **more: Any) -> tuple[int, dict[str, str], Any]:
    """Google's error as its API writes it."""
    kind = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
    details = [{"@type": kind, "errorCode": code}] if code else []
    if more:
        details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", **more})
    return status, {}, {"error": {"code": status, "status": general, "message": "…", "details": details}}


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (fcm(404, "NOT_FOUND", "UNREGISTERED"), GoneToken),
        (
            fcm(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", fieldViolations=[{"field": "message.token"}]),
            GoneToken,
        ),
        (fcm(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"), Refused),
        (fcm(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"), Refused),
        (fcm(403, "PERMISSION_DENIED"), Reauthorise),
        (fcm(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"), Reauthorise),
        (fcm(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), Retry),
        (fcm(503, "UNAVAILABLE", "UNAVAILABLE"), Retry),
        (fcm(500, "INTERNAL", "INTERNAL"), Retry),
        (fcm(404, "NOT_FOUND"), Refused),
        ((400, {}, {"error": "odd"}), Refused),
        ((400, {}, ["odd"]), Refused),
        ((400, {}, {"error": {"details": [5, {"fieldViolations": 5}, {"errorCode": 5}]}}), Refused),
    ],
)
async def test_what_google_answers(
    services: PushServices, io: PushLoopback, answer: Any, outcome: type[Exception]
) -> None:
    services.answers.append(answer)
    with pytest.raises(outcome) as raised:
        await google(io).push("phone:token_1", NOTE, now())
    assert BEARER not in str(raised.value)


async def test_google_may_withdraw_an_access_token(services: PushServices, io: PushLoopback) -> None:
    services.answers.append(fcm(401, "UNAUTHENTICATED"))
    await google(io).push("phone:token_1", NOTE, now())
    assert [one.path == "/token" for one in services.asked] == [True, False, True, False]


async def test_a_strangers_account_is_refused(io: PushLoopback) -> None:
    stranger = key_file(rsa.generate_private_key(65537, 2048))
    with pytest.raises(Reauthorise, match="invalid_grant"):
        await Fcm(google_file(stranger), io).push("phone:token_1", NOTE, now())


@pytest.mark.parametrize("text", ["a" * 9000, "茶" * 9000, '"\\\n' * 3000, "👩‍🚀" * 2000])
async def test_no_text_is_too_long(services: PushServices, io: PushLoopback, text: str) -> None:
    """Both services refuse more than 4 KB."""
    long = Note(KEY, "Ann", text, 1, CASE, MESSAGE)
    await apple(io).push(PHONE, long, now())
    await google(io).push("phone:token_1", long, now())
    sizes = [len(one.body) for one in services.pushes()]
    assert all(3500 < size <= 4096 for size in sizes), sizes


async def test_the_address_guard_holds_for_push(services: PushServices, tmp_path: Path) -> None:
    """A replaced address that is private is refused before anything leaves."""
    shut = PushLoopback(services.url, tmp_path / "push.crt", allow=())
    try:
        for way, token in ((apple(shut), PHONE), (google(shut), "phone:token_1")):
            with pytest.raises(Refused) as raised:
                await way.push(token, NOTE, now())
            assert str(raised.value) == BLOCKED
    finally:
        await close(shut)
    assert services.connections == 0


async def test_nothing_but_http2_is_spoken(services: PushServices, io: PushLoopback) -> None:
    """Apple has nothing else, so not even a server that negotiates HTTP/1.1 hears it."""
    services.tls.set_alpn_protocols(["http/1.1"])
    await apple(io).push(PHONE, NOTE, now())
    assert [one.alpn for one in services.asked] == ["http/1.1"]


async def test_a_broken_line_is_no_crash(services: PushServices, io: PushLoopback) -> None:
    way = apple(io)
    await way.push(PHONE, NOTE, now())
    services.hang_up()
    try:
        await way.push(PHONE, NOTE, now())
    except Outcome:
        await way.push(PHONE, NOTE, now())
    assert services.connections == 2


@pytest.mark.parametrize(
    ("parts", "language", "said"),
    [
        ([{"type": "text", "text": "  hello\n there "}], "en", "hello there"),
        ([{"type": "image", "name": "cat.png"}], "zh", "[图片] cat.png"),
        ([{"type": "audio", "caption": ""}], "en", "[Voice message]"),
        ([{"type": "choices", "text": "Which?"}], "en", "Which?"),
        ([{"type": "form", "values": {}}], "zh", "新消息"),
        ([], "en", "New message"),
    ],
)
def test_a_notification_speaks_the_phones_language(
    parts: list[dict[str, Any]], language: str, said: str
) -> None:
    assert in_words(parts, language, quote=True) == said
    assert in_words(parts, language, quote=False) in ("New message", "新消息")
    assert len(in_words([{"type": "text", "text": "x" * 900}], language, quote=True)) == 300
