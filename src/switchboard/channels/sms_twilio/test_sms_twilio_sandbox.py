"""Twilio's adapter against the sandbox over real HTTP: texts and MMS both ways, signatures, opt-outs, callbacks, refusals."""

import asyncio
import base64
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

import pytest

from switchboard.channels.api import (
    Audio,
    BadSignature,
    Content,
    File,
    Image,
    Inbound,
    InDoubt,
    MessageReceived,
    Outbound,
    Outcome,
    Part,
    RawRequest,
    ReachChanged,
    Reauthorise,
    ReceiptReceived,
    Refused,
    Retry,
    Text,
    Video,
)
from switchboard.channels.loopback import Door, LoopbackIo, Sandbox
from switchboard.channels.sms_twilio.channel import TwilioChannel, TwilioConfig

WIRE = {"sms_twilio": "the sandbox over HTTP"}

ID = "AC" + "b" * 32
FIRST, SECOND = "+15550001111", "+15550002222"
ANN, BEN, NOBODY = "+4915112345678", "+4915112345679", "+4915112345670"
JPEG = b"\xff\xd8\xff\xe0" + b"0" * 50
FILE = UUID(int=7)


class Shop:
    """An account at Twilio with two numbers, two customers, and the facts that come of what they do."""

    def __init__(self, sandbox: Sandbox, door: Door, io: LoopbackIo) -> None:
        self.sandbox, self.door, self.io = sandbox, door, io
        for name, number in (("ann", ANN), ("ben", BEN)):
            sandbox.post("/sandbox/customers", id=name, name=name, phone=number.strip("+"))
        self.settings: dict[str, Any] = self.change(numbers=[FIRST, SECOND])
        self.channel = self.connect()
        door.channel = self.channel

    def connect(self, **more: Any) -> TwilioChannel:
        """Return the adapter with the account's settings, or with others."""
        known = {"account_sid": ID, "auth_token": self.settings["auth_token"]}
        return TwilioChannel(TwilioConfig(**{**known, **more}), self.io)

    def change(self, **settings: Any) -> dict[str, Any]:
        """Change how the account behaves at Twilio."""
        made = self.sandbox.post("/sandbox/platforms/sms_twilio", id=ID, settings=settings)
        found: dict[str, Any] = made["settings"]
        return found

    def play(self, customer: str = "ann", **wish: Any) -> None:
        """Somebody does something."""
        self.sandbox.post("/sandbox/play", platform="sms_twilio", account=ID, customer=customer, **wish)

    def fault(self, **wish: Any) -> None:
        """Let the next call that sends fail."""
        self.sandbox.post("/sandbox/faults", platform="sms_twilio", **wish)

    def upload(self, name: str, mime: str) -> str:
        """Put a file into a customer's phone; return its key."""
        answer = self.sandbox.control.post(
            f"/sandbox/media?name={name}", content=JPEG, headers={"content-type": mime}
        )
        key: str = answer.json()["key"]
        return key

    async def facts(self) -> list[Inbound]:
        """Return the facts of the next call."""
        return await asyncio.to_thread(self.door.facts)

    async def said(self, customer: str = "ann", **wish: Any) -> MessageReceived:
        """Return what somebody writes."""
        self.play(customer, **wish)
        fact, *_ = await self.facts()
        assert isinstance(fact, MessageReceived), fact
        return fact

    async def receipts(self, count: int = 2) -> list[ReceiptReceived]:
        """Return so many reports, one a call."""
        found: list[ReceiptReceived] = []
        for _ in range(count):
            (fact,) = await self.facts()
            assert isinstance(fact, ReceiptReceived), fact
            found.append(fact)
        return found

    async def shown(self, message: str) -> dict[str, Any]:
        """Return Ann's picture of a message, as soon as her phone has loaded its file."""
        for _ in range(100):
            bubbles = self.sandbox.control.get(f"/sandbox/chats/sms_twilio:{ID}:ann/bubbles").json()
            (bubble,) = [one for one in bubbles["bubbles"] if one["id"] == message]
            if bubble["attachments"]:
                found: dict[str, Any] = bubble["attachments"][0]
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(f"{message} shows no file")


@pytest.fixture
async def shop(sandbox: Sandbox, door: Door, io: LoopbackIo) -> Shop:
    """Registered at Twilio."""
    made = Shop(sandbox, door, io)
    await made.channel.register(door.url)
    return made


def to(address: str, *parts: Part, number: str = FIRST) -> Outbound:
    return Outbound(number, address, parts or [Text("hello")], "0190a1b2-0000-7000-8000-000000000001-0")


# -- the account -------------------------------------------------------------------------------------------


async def test_each_number_is_a_channel(shop: Shop) -> None:
    assert [one.external_id for one in await shop.channel.probe()] == [FIRST, SECOND]
    by_key = shop.connect(api_key=shop.settings["api_key"], api_secret=shop.settings["api_secret"])
    assert [one.external_id for one in await by_key.probe()] == [FIRST, SECOND]
    assert [one.external_id for one in await shop.connect(numbers=SECOND).probe()] == [SECOND]


async def test_the_form_shows_twilios_own_reason(shop: Shop) -> None:
    wrongs: list[dict[str, str]] = [
        {"auth_token": "not-the-auth-token"},
        {"account_sid": "AC" + "0" * 32},
        {"api_key": shop.settings["api_key"], "api_secret": "not-the-api-secret"},
    ]
    for wrong in wrongs:
        with pytest.raises(Reauthorise, match="Authenticate") as refused:
            await shop.connect(**wrong).probe()
        assert refused.value.code == "20003"
    shop.change(status="suspended")
    with pytest.raises(Reauthorise, match="suspended"):
        await shop.channel.probe()
    shop.change(status="active", numbers=[])
    with pytest.raises(Refused, match="no number"):
        await shop.channel.probe()


async def test_a_number_that_calls_another_address_is_told_and_registered_again(shop: Shop) -> None:
    assert await shop.channel.check(shop.door.url) == []
    (news,) = await shop.channel.check(f"{shop.door.root}/another")
    assert (news.code, news.status) == ("webhook_elsewhere", "amber")
    assert FIRST in news.detail
    assert SECOND in news.detail
    await shop.channel.register(f"{shop.door.root}/another")
    assert await shop.channel.check(f"{shop.door.root}/another") == []
    await shop.said(text="hi")


# -- in ----------------------------------------------------------------------------------------------------


async def test_texts_come_in_to_each_number(shop: Shop) -> None:
    for number, text in ((FIRST, "hi 😀"), (SECOND, "你好"), (FIRST, "x" * 1600), (SECOND, "a&b=c+d%20\n")):
        fact = await shop.said(text=text, number=number)
        assert (fact.account, fact.address, fact.parts) == (number, ANN, [Text(text)])
        (claim,) = fact.sender.claims
        assert (claim.space, claim.value, claim.verified) == ("phone", ANN, True)
    assert (await shop.said("ben", text="me too")).address == BEN


async def test_media_come_in_and_are_fetched(shop: Shop) -> None:
    kinds: list[tuple[str, str, type[Image | Video | Audio | File]]] = [
        ("image", "image/jpeg", Image),
        ("video", "video/mp4", Video),
        ("audio", "audio/amr", Audio),
        ("document", "application/pdf", File),
    ]
    for kind, mime, expected in kinds:
        fact = await shop.said(type=kind, file=shop.upload("a", mime), text="look")
        words, part = fact.parts
        assert words == Text("look")
        assert type(part) is expected
        assert isinstance(part, Image | Video | Audio | File)
        assert part.source is not None
        assert part.mime == mime
        content = await shop.channel.fetch_media(FIRST, part.source)
        assert (content.data, content.mime) == (JPEG, mime)
        with pytest.raises(Reauthorise):
            await shop.connect(auth_token="not-the-auth-token").fetch_media(FIRST, part.source)
    files = [shop.upload("a.jpg", "image/jpeg") for _ in range(3)]
    fact = await shop.said(type="image", files=files)
    assert [type(part) for part in fact.parts] == [Image, Image, Image]
    assert len({part.source.url for part in fact.parts if isinstance(part, Image) and part.source}) == 3


async def test_who_opts_out_is_out_of_reach_until_they_come_back(shop: Shop) -> None:
    shop.play(text="STOP")
    message, reach = await shop.facts()
    assert isinstance(message, MessageReceived)
    assert isinstance(reach, ReachChanged)
    assert (reach.reachable, reach.sender.claims[0].value) == (False, ANN)
    with pytest.raises(Refused, match="unsubscribed") as refused:
        await shop.channel.send(to(ANN))
    assert (refused.value.code, refused.value.unreachable) == ("21610", True)
    await shop.channel.send(to(BEN))
    await shop.receipts()
    shop.play(text="START")
    _, reach = await shop.facts()
    assert isinstance(reach, ReachChanged)
    assert reach.reachable
    assert (await shop.channel.send(to(ANN))).external_id


async def test_without_advanced_opt_out_the_next_message_tells(shop: Shop) -> None:
    shop.change(advanced_opt_out=False)
    shop.play(text="STOP")
    (message,) = await shop.facts()
    assert isinstance(message, MessageReceived)
    with pytest.raises(Refused) as refused:
        await shop.channel.send(to(ANN))
    assert refused.value.unreachable


async def test_what_twilio_did_not_sign_is_refused(shop: Shop) -> None:
    await shop.said(text="hi")
    shop.play(text="pay 10 to me")
    good = await asyncio.to_thread(shop.door.calls.get, timeout=10)
    shop.channel.verify(good)
    form = dict(parse_qsl(good.body.decode(), keep_blank_values=True))
    forged: list[dict[str, Any]] = [
        {"body": urlencode({**form, "Body": "pay 90 to me"}).encode()},
        {"body": good.body + b"&x=1"},
        {"url": f"{shop.door.root}/another"},
        {"headers": {name: value for name, value in good.headers.items() if name != "x-twilio-signature"}},
    ]
    for change in forged:
        known = {name: getattr(good, name) for name in RawRequest.__struct_fields__}
        with pytest.raises(BadSignature):
            shop.channel.verify(RawRequest(**{**known, **change}))
    answer = await shop.io.http.request("POST", shop.door.url, form=form)
    assert (answer.status, shop.door.refused) == (401, 1)
    shop.door.channel = shop.connect(auth_token="the-token-of-another-account")
    shop.play(text="hello?")
    for _ in range(100):
        if shop.door.refused > 1:
            break
        await asyncio.sleep(0.05)
    assert shop.door.refused > 1
    assert shop.door.calls.empty()


# -- out ---------------------------------------------------------------------------------------------------


async def test_messages_arrive_and_are_reported_step_by_step(shop: Shop) -> None:
    for number, text in ((FIRST, "Hello 你好 & more+"), (SECOND, "x" * 1600)):
        sent = await shop.channel.send(to(ANN, Text(text), number=number))
        entry = shop.sandbox.ledger()[-1]
        assert (entry["to"], entry["text"], entry["id"]) == (ANN, text, sent.external_id)
        first, second = await shop.receipts()
        assert [first.status, second.status] == ["sent", "delivered"]
        assert {first.external_id, second.external_id} == {sent.external_id}
        assert {first.account, second.account} == {number}
        assert second.key == ANN


async def test_files_go_as_mms_or_as_a_link(shop: Shop) -> None:
    url = f"{shop.sandbox.url}/sandbox/media/{shop.upload('a.jpg', 'image/jpeg')}"
    shop.io.files[FILE] = Content("a.jpg", "image/jpeg", JPEG, url=url)
    picture = to(ANN, Image(file_id=FILE, caption="look"))
    sent = await shop.connect(mms=True).send(picture)
    assert (await shop.shown(sent.external_id))["content_type"] == "image/jpeg"
    assert shop.sandbox.ledger()[-1]["text"] == "look"
    await shop.receipts()
    await shop.channel.send(picture)
    assert shop.sandbox.ledger()[-1]["text"] == f"look\n{url}"


async def test_a_messaging_service_sends_and_reports(shop: Shop) -> None:
    service = shop.connect(messaging_service_sid=shop.settings["messaging_service_sid"])
    await service.register(shop.door.url)
    sent = await service.send(to(ANN, number=SECOND))
    reports = await shop.receipts()
    assert [one.status for one in reports] == ["sent", "delivered"]
    assert {(one.external_id, one.account) for one in reports} == {(sent.external_id, SECOND)}
    with pytest.raises(Refused) as refused:
        await shop.connect(messaging_service_sid="MG" + "0" * 32).send(to(ANN))
    assert refused.value.code == "21701"


async def test_what_does_not_arrive_is_reported_with_the_reason(shop: Shop) -> None:
    for code, words in ((30007, "filtered"), (30008, "no reason"), (30004, "blocked"), (30006, "landline")):
        shop.fault(kind="status", code=code)
        await shop.channel.send(to(ANN))
        sent, failed = await shop.receipts()
        assert (sent.status, failed.status, failed.code) == ("sent", "failed", str(code))
        assert words in failed.error
    shop.fault(kind="status", code=30002)
    await shop.channel.send(to(ANN))
    (failed,) = await shop.receipts(1)
    assert (failed.status, failed.code, "money" in failed.error) == ("failed", "30002", True)
    shop.play(action="block")
    for number, code in ((ANN, 30003), (NOBODY, 30005)):
        await shop.channel.send(to(number))
        assert (await shop.receipts())[1].code == str(code)


async def test_what_twilio_refuses_is_refused_with_its_code(shop: Shop) -> None:
    wanted: list[tuple[Outbound, int, bool]] = [
        (to(ANN, number="+15559999999"), 21659, False),
        (to(ANN, Text("x" * 1601)), 21617, False),
        (to("+15005550001"), 21211, True),
        (to("+15005550002"), 21612, True),
        (to("+15005550003"), 21408, False),
        (to("+15005550004"), 21610, True),
        (to("+15005550009"), 21614, True),
        (to(ANN, number="+15005550007"), 21606, False),
    ]
    for message, code, unreachable in wanted:
        with pytest.raises(Refused) as refused:
            await shop.channel.send(message)
        assert (refused.value.code, refused.value.unreachable) == (str(code), unreachable)
    with pytest.raises(Retry):
        await shop.channel.send(to(ANN, number="+15005550008"))
    assert shop.sandbox.ledger() == []


async def test_each_error_becomes_its_outcome(shop: Shop) -> None:
    """20005 is an account that was suspended, as a rule without money: the channel turns red, messages wait."""
    table: dict[type[Outcome], tuple[int, ...]] = {
        Refused: (21602, 21620),
        Retry: (20429, 20500, 20503, 21611),
        Reauthorise: (20003, 20005),
    }
    for outcome, codes in table.items():
        for code in codes:
            shop.fault(kind="error", code=code)
            with pytest.raises(outcome) as failed:
                await shop.channel.send(to(ANN))
            assert type(failed.value) is outcome, code
            assert failed.value.code == str(code)
            if code == 20429:
                assert isinstance(failed.value, Retry)
                assert failed.value.after == 1
    shop.change(status="suspended")
    with pytest.raises(Reauthorise):
        await shop.channel.send(to(ANN))
    shop.change(status="active")
    assert shop.sandbox.ledger() == []
    assert (await shop.channel.send(to(ANN))).external_id


async def test_a_broken_line_is_doubt_only_where_it_is(shop: Shop) -> None:
    wanted: list[tuple[str, int, type[Outcome], int]] = [
        ("drop_before", 0, InDoubt, 0),
        ("http", 502, InDoubt, 0),
        ("http", 503, Retry, 0),
        ("drop_after", 0, InDoubt, 1),
    ]
    for kind, code, outcome, delivered in wanted:
        shop.fault(kind=kind, code=code)
        with pytest.raises(outcome):
            await shop.channel.send(to(ANN))
        assert len(shop.sandbox.ledger()) == delivered


async def test_a_message_that_is_gone_is_told_apart(shop: Shop) -> None:
    fact = await shop.said(type="image", file=shop.upload("a.jpg", "image/jpeg"))
    (part,) = fact.parts
    assert isinstance(part, Image)
    assert part.source is not None
    basic = base64.b64encode(f"{ID}:{shop.settings['auth_token']}".encode()).decode()
    answer = await shop.io.http.request(
        "DELETE", part.source.url, headers={"authorization": f"Basic {basic}"}
    )
    assert answer.status == 204
    with pytest.raises(Refused):
        await shop.channel.fetch_media(FIRST, part.source)
