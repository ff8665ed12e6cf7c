"""Somebody is answered while their app is closed: who is woken, with what, and who isn't."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from switchboard import flow
from switchboard.app.accept import Acceptor
from switchboard.app.config import Settings
from switchboard.app.hub import Hub
from switchboard.app.pusher import Pusher
from switchboard.app.runtime import Runtime
from switchboard.app.widget import Widget
from switchboard.channels.web.channel import WebConfig
from switchboard.core.commands import Actor
from switchboard.core.facts import Claim, ReceiptReceived, Sender
from switchboard.core.ids import new_id, send_key
from switchboard.core.parts import Image, Part
from switchboard.delivery import devices
from tests.flow.conftest import Pipe
from tests.push.standin import (
    APPLE,
    BUNDLE_ID,
    KEY_ID,
    TEAM_ID,
    PushServices,
    key_file,
    pem,
    push_services,
)

KEY = "0123456789abcdef"
PHONE, DROID = "a1" * 32, "droid:token_1"


@pytest.fixture
async def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PushServices]:
    async with push_services(tmp_path) as found:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "push.crt"))
        yield found


@pytest.fixture
async def runtime(database: str, tmp_path: Path, services: PushServices) -> AsyncIterator[Runtime]:
    places = dict.fromkeys(("apns", "fcm", "google_oauth"), services.url)
    settings = Settings(data=tmp_path / "data", outbound_allow=("127.0.0.0/8",), pool=6, base_urls=places)
    made = Runtime(settings, database)
    await made.open()
    yield made
    await made.close()


class Shop:
    """A workspace with an app: Li writes by it, and registers phones."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.pipe = Pipe(runtime.db, new_id())
        self.doors = Widget(runtime, Acceptor(runtime), Hub(runtime))
        self.tokens = {name: self.doors.tokens.make(KEY, name) for name in ("li", "mei")}
        self.pusher = Pusher(runtime)
        self.case = UUID(int=0)

    def who(self, name: str) -> str:
        return str(self.doors.tokens.visitor(KEY, self.tokens[name]))

    async def open(self, **config: Any) -> None:
        pipe = self.pipe
        await pipe.sql(
            "insert into workspace (id, name, slug) values ($1, 'T', $2)", pipe.workspace, pipe.workspace.hex
        )
        await pipe.connect(KEY, kind="web")
        await self.configure(
            apns_key_id=KEY_ID, apns_team_id=TEAM_ID, apns_bundle_id=BUNDLE_ID, apns_key=pem(APPLE),
            fcm_service_account=key_file(), **config,
        )  # fmt: skip
        said = pipe.message(
            "hello", person=self.who("li"), account=KEY, sender=Sender([Claim(f"web:{KEY}", self.who("li"))])
        )
        await pipe.receive(said, connection=KEY)
        self.case = await pipe.case()

    async def configure(self, **config: Any) -> None:
        body = msgspec.json.encode(WebConfig(site_key=KEY, name="Tea shop", **config))
        sealed = self.runtime.sealer.seal(body, workspace=self.pipe.workspace, purpose="connection")
        await self.pipe.sql(
            "update connection set config_sealed = $1, revision = revision + 1, status = 'green'", sealed
        )
        await self.runtime.connections._refresh()

    async def device(self, method: str, name: str = "li", bearer: str = "", **body: Any) -> int:
        """Ask the door for devices as somebody's app does; return the answer's status."""
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": msgspec.json.encode(body), "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        proof = f"Bearer {bearer or self.tokens[name]}".encode()
        scope = {
            "type": "http",
            "method": method,
            "path": f"/widget/{KEY}/devices",
            "headers": [(b"authorization", proof)],
        }
        await self.doors.http(scope, receive, send)
        return int(sent[0]["status"])

    async def answer(self, *parts: Part, **more: Any) -> UUID:
        """Answer Li; let the followers read on and the app's patience pass."""
        message = await self.pipe.reply(self.case, **more)
        if parts:
            await self.pipe.sql("update message set parts = $1 where id = $2", list(parts), message)
        await self.pipe.follow()
        return message

    async def wake(self) -> None:
        await self.pipe.sql("update job set due_at = now() where state = 'waiting'")
        await self.pusher.step()
        await self.runtime.connections._refresh()

    async def jobs(self) -> list[tuple[str, str]]:
        rows = await self.pipe.sql("select state, error from job where kind = 'push' order by id")
        return [(row["state"], row["error"]) for row in rows]

    async def phones(self) -> set[tuple[str, str]]:
        return {
            (row["address"], row["token"]) for row in await self.pipe.sql("select address, token from device")
        }


@pytest.fixture
async def shop(runtime: Runtime) -> Shop:
    made = Shop(runtime)
    await made.open()
    return made


async def test_a_phone_is_woken_with_the_answer(shop: Shop, services: PushServices) -> None:
    assert await shop.device("POST", service="apns", token=PHONE, language="zh") == 204
    assert await shop.device("POST", service="fcm", token=DROID) == 204
    message = await shop.answer(text="Your tea\nis here")
    await shop.pusher.step()
    assert services.asked == [], "an open app has a moment to say that it got the message"
    await shop.wake()
    apple, google = sorted(services.pushes(), key=lambda one: one.path)
    assert apple.path == f"/3/device/{PHONE}"
    assert apple.json["aps"]["alert"] == {"title": "Tea shop", "body": "Your tea is here"}
    assert apple.json["aps"]["badge"] == 1
    assert apple.json["switchboard"] == {"conversation": str(shop.case), "message": str(message)}
    assert google.json["message"]["token"] == DROID
    assert google.json["message"]["android"]["collapse_key"] == shop.case.hex
    assert await shop.jobs() == [("done", ""), ("done", "")]


async def test_it_says_who_answered_and_counts_what_is_unread(shop: Shop, services: PushServices) -> None:
    ann = await shop.pipe.hire("Ann")
    await shop.device("POST", service="apns", token=PHONE, language="zh")
    await shop.answer(by=Actor("agent", ann))
    await shop.answer(Image(name="cat.png"), by=Actor("agent", ann))
    await shop.wake()
    first, second = sorted(services.pushes(), key=lambda one: str(one.json["switchboard"]["message"]))
    assert second.json["aps"]["alert"] == {"title": "Ann · Tea shop", "body": "[图片] cat.png"}
    assert (first.json["aps"]["badge"], second.json["aps"]["badge"]) == (2, 2)
    assert first.headers["apns-collapse-id"] == second.headers["apns-collapse-id"]


async def test_words_stay_at_home_where_the_company_wants_it(
    runtime: Runtime, services: PushServices
) -> None:
    shop = Shop(runtime)
    await shop.open(push_text=False)
    await shop.device("POST", service="fcm", token=DROID, language="zh")
    await shop.answer(text="secret")
    await shop.wake()
    (asked,) = services.pushes()
    assert asked.json["message"]["notification"]["body"] == "新消息"
    assert b"secret" not in asked.body


@pytest.mark.parametrize("status", ["delivered", "read"])
async def test_who_has_the_message_already_is_not_woken(
    shop: Shop, services: PushServices, status: str
) -> None:
    """The app or a page of the site says so by a receipt, which may come before the send is even recorded."""
    await shop.device("POST", service="apns", token=PHONE)
    message = await shop.answer()
    key = send_key(message, 0)
    await shop.pipe.sql(
        "update outbound set status = 'sent', external_id = $1 where message_id = $2", key, message
    )
    got = ReceiptReceived(account=KEY, dedupe_key="r", external_id=key, status=status, key=shop.who("li"))
    await shop.pipe.receive(got, connection=KEY)
    await shop.wake()
    assert services.asked == []
    assert await shop.jobs() == [("done", "")]


async def test_who_else_is_not_woken(shop: Shop, services: PushServices) -> None:
    """Another customer's phone; one signed out; for a message taken back, an old one, or Li's own words."""
    await shop.device("POST", name="mei", service="apns", token=PHONE)
    await shop.answer()
    await shop.wake()
    assert await shop.jobs() == []
    await shop.device("POST", service="fcm", token=DROID)
    recalled = await shop.answer()
    await shop.pipe.sql("update message set recalled_at = now() where id = $1", recalled)
    old = await shop.answer()
    await shop.pipe.sql("update message set filed_at = now() - interval '2 days' where id = $1", old)
    await shop.wake()
    assert await shop.jobs() == [("done", ""), ("done", "")]
    await shop.answer()
    assert await shop.device("DELETE", bearer=DROID, token=DROID) == 401, (
        "a token of Apple's is nobody's proof"
    )
    assert await shop.device("DELETE", name="mei", token=DROID) == 204
    assert await shop.phones() == {(shop.who("mei"), PHONE), (shop.who("li"), DROID)}
    assert await shop.device("DELETE", token=DROID) == 204
    await shop.wake()
    assert await shop.phones() == {(shop.who("mei"), PHONE)}
    assert services.asked == []


async def test_a_phone_belongs_to_whom_it_was_registered_for_last(shop: Shop) -> None:
    await shop.device("POST", service="apns", token=PHONE)
    await shop.device("POST", name="mei", service="apns", token=PHONE)
    assert await shop.phones() == {(shop.who("mei"), PHONE)}
    for nr in range(devices.EACH + 5):
        await shop.device("POST", service="fcm", token=f"droid:token_{nr}")
    theirs = [token for address, token in await shop.phones() if address == shop.who("li")]
    assert len(theirs) == devices.EACH
    assert f"droid:token_{devices.EACH + 4}" in theirs
    assert "droid:token_0" not in theirs


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"service": "apns"},
        {"service": "wns", "token": PHONE},
        {"service": "apns", "token": "short"},
        {"service": "apns", "token": "../../3/device/x"},
        {"service": "apns", "token": "a" * 1001},
        {"service": "apns", "token": PHONE, "language": "fr"},
        {"service": "fcm", "token": 5},
    ],
)
async def test_a_device_that_cannot_be_is_refused(shop: Shop, body: dict[str, Any]) -> None:
    assert await shop.device("POST", **body) == 400
    assert await shop.phones() == set()


async def test_a_phone_without_the_app_is_forgotten(shop: Shop, services: PushServices) -> None:
    await shop.device("POST", service="apns", token=PHONE)
    await shop.device("POST", service="fcm", token=DROID)
    await shop.answer()
    gone = {"error": {"status": "NOT_FOUND", "details": [{"errorCode": "UNREGISTERED"}]}}
    services.answers.extend([(410, {}, {"reason": "Unregistered"})])
    await shop.pipe.sql(
        "update job set due_at = now() + interval '1 hour' where id = (select id from job order by id desc limit 1)"
    )
    await shop.pipe.sql("update job set due_at = now() where id = (select id from job order by id limit 1)")
    await shop.pusher.step()
    services.answers.append((404, {}, gone))
    await shop.wake()
    assert await shop.phones() == set()
    assert await shop.jobs() == [("done", ""), ("done", "")]
    await shop.answer()
    assert len(await shop.jobs()) == 2


async def test_a_phone_registered_again_since_then_stays(shop: Shop, services: PushServices) -> None:
    await shop.device("POST", service="apns", token=PHONE)
    await shop.answer()
    services.answers.append((410, {}, {"reason": "Unregistered", "timestamp": 1_763_640_000_000}))
    await shop.wake()
    assert await shop.phones() == {(shop.who("li"), PHONE)}


async def test_a_busy_service_is_asked_again_later(shop: Shop, services: PushServices) -> None:
    await shop.device("POST", service="apns", token=PHONE)
    await shop.answer()
    services.answers.append((503, {"retry-after": "40"}, {"reason": "ServiceUnavailable"}))
    await shop.wake()
    ((state, error),) = await shop.jobs()
    assert (state, "ServiceUnavailable" in error) == ("waiting", True)
    seconds = await shop.pipe.only("select extract(epoch from due_at - now())::int from job")
    assert 30 <= seconds <= 41
    await shop.wake()
    assert len(services.asked) == 2
    assert {one.headers["apns-id"] for one in services.asked} == {services.asked[0].headers["apns-id"]}
    assert (await shop.jobs())[0][0] == "done"


async def test_trouble_with_the_keys_is_told_and_ends_by_itself(shop: Shop, services: PushServices) -> None:
    await shop.device("POST", service="apns", token=PHONE)
    await shop.answer()
    services.answers.append((403, {}, {"reason": "InvalidProviderToken"}))
    await shop.wake()
    assert "InvalidProviderToken" in (await shop.jobs())[0][1]
    (row,) = await shop.pipe.sql("select status, reason from connection")
    assert (row["status"], "InvalidProviderToken" in row["reason"]) == ("amber", True)
    assert await shop.pipe.only("select code from alarm") == "quality"
    await shop.answer()
    await shop.wake()
    (row,) = await shop.pipe.sql("select status, reason from connection")
    assert (row["status"], row["reason"]) == ("green", "")


async def test_without_keys_nothing_is_sent(shop: Shop, services: PushServices) -> None:
    await shop.device("POST", service="apns", token=PHONE)
    await shop.configure()
    await shop.answer()
    await shop.wake()
    assert services.asked == []
    assert await shop.jobs() == [("done", "")]


async def test_each_answer_wakes_once(shop: Shop) -> None:
    """However often the followers run, and never for what the customer wrote."""
    assert flow.FOLLOWERS["push"] is devices.want
    await shop.device("POST", service="apns", token=PHONE)
    for _ in range(3):
        await shop.pipe.reply(shop.case)
    await shop.pipe.follow()
    await shop.pipe.follow()
    assert len(await shop.jobs()) == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"apns_key_id": KEY_ID},
        {"apns_key_id": KEY_ID, "apns_team_id": TEAM_ID, "apns_bundle_id": BUNDLE_ID, "apns_key": "no key"},
        {"fcm_service_account": "{}"},
        {"fcm_service_account": "no json"},
        {"fcm_service_account": key_file().replace("BEGIN", "BEGUN")},
    ],
)
def test_keys_that_cannot_work_are_refused_before_they_are_kept(wrong: dict[str, str]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, WebConfig)


def test_a_form_may_swallow_line_breaks() -> None:
    """A one-line field keeps the characters of a pasted .p8 file, not its lines."""
    config = WebConfig(
        apns_key_id=KEY_ID,
        apns_team_id=TEAM_ID,
        apns_bundle_id=BUNDLE_ID,
        apns_key=pem(APPLE).replace("\n", ""),
    )
    assert config.apns_key
