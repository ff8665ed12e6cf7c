"""Weibo's adapter against the sandbox over real HTTP: messages and events in both formats, answers, windows, the year of the token."""

import asyncio
import hashlib
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx
import pytest

from switchboard.channels.api import (
    AccountChanged,
    Audio,
    Button,
    Card,
    Cards,
    Choice,
    Claim,
    Content,
    Image,
    Inbound,
    InDoubt,
    Location,
    MessageReceived,
    Notice,
    Outbound,
    Part,
    ProfileReceived,
    ReachChanged,
    Reauthorise,
    Refused,
    Retry,
    Text,
)
from switchboard.channels.loopback import Door, LoopbackIo, Sandbox
from switchboard.channels.weibo.channel import WeiboChannel, WeiboConfig

WIRE = {"weibo": "the sandbox over HTTP"}

SHOP = "1902538057"
JPEG = b"\xff\xd8\xff\xe0" + b"0" * 50
PICTURE = UUID(int=7)
HOUR, DAY = 3600, 86_400


class Shop:
    """A verified account, its follower Mei, and the facts that come of what she does."""

    def __init__(self, sandbox: Sandbox, door: Door, io: LoopbackIo) -> None:
        self.sandbox, self.door, self.io = sandbox, door, io
        account = sandbox.post("/sandbox/platforms/weibo", id=SHOP, name="灯具小店", webhook_url=door.url)
        sandbox.post("/sandbox/customers", id="mei", name="林美")
        self.settings: dict[str, Any] = account["settings"]
        self.channel = self.connect()
        door.channel = self.channel

    def connect(self, **more: Any) -> WeiboChannel:
        """Return the adapter with the account's credentials, or with others."""
        known = {name: self.settings[name] for name in ("app_secret", "access_token")}
        return WeiboChannel(WeiboConfig(**{**known, **more}), self.io)

    def change(self, **settings: Any) -> None:
        """Change how the account behaves at Weibo."""
        self.sandbox.post("/sandbox/platforms/weibo", id=SHOP, settings=settings)

    def play(self, **wish: Any) -> None:
        """Mei does something."""
        self.sandbox.post("/sandbox/play", platform="weibo", account=SHOP, customer="mei", **wish)

    async def facts(self, **wish: Any) -> list[Inbound]:
        """Return what becomes of it."""
        self.play(**wish)
        return await asyncio.to_thread(self.door.facts)

    async def fact(self, **wish: Any) -> Inbound:
        """Return the one thing that becomes of it."""
        (fact,) = await self.facts(**wish)
        return fact

    async def said(self, **wish: Any) -> MessageReceived:
        """Return a message of hers."""
        fact = await self.fact(**wish)
        assert isinstance(fact, MessageReceived), fact
        return fact

    async def send(self, to: str, *parts: Part) -> None:
        """Answer her."""
        await self.channel.send(Outbound(SHOP, to, parts, "key"))

    def shift(self, seconds: float) -> None:
        """Let time pass."""
        self.sandbox.post("/sandbox/clock", shift_seconds=seconds)

    def fault(self, **wish: Any) -> None:
        """Arm a failure."""
        self.sandbox.post("/sandbox/faults", platform="weibo", **wish)

    def upload(self, name: str, content: bytes, mime: str) -> str:
        """Put a file into Mei's phone."""
        answer = self.sandbox.control.post(
            f"/sandbox/media?name={name}", content=content, headers={"content-type": mime}
        )
        key: str = answer.json()["key"]
        return key


@pytest.fixture
def shop(sandbox: Sandbox, door: Door, io: LoopbackIo) -> Shop:
    """In developer mode."""
    return Shop(sandbox, door, io)


# -- the account ---------------------------------------------------------------------------------------------


async def test_the_account_is_found_and_a_wrong_token_is_not(shop: Shop) -> None:
    """In Weibo's own words, without the token."""
    assert [(one.external_id, one.name) for one in await shop.channel.probe()] == [(SHOP, "灯具小店")]
    with pytest.raises(Reauthorise) as refused:
        await shop.connect(access_token="2.00wrong").probe()
    assert (refused.value.code, "2.00wrong" in str(refused.value)) == ("21332", False)
    assert "invalid_access_token" in str(refused.value)


async def test_the_console_tries_the_address(shop: Shop) -> None:
    """The echo comes back from whoever holds the secret, and from nobody else."""

    async def verified() -> Any:
        shop.play(action="verify")
        await asyncio.sleep(0.3)
        return shop.sandbox.control.get(f"/sandbox/accounts/{SHOP}").json()["webhook_verified"]

    assert await verified() is True
    shop.door.channel = shop.connect(app_secret="another-secret")
    assert await verified() is False
    assert shop.door.refused == 1


async def test_the_end_of_the_token_is_told_two_weeks_ahead_and_met_after_a_year(shop: Shop) -> None:
    """It can't be prolonged: somebody has to make another one."""
    assert await shop.channel.check(shop.door.url) == []
    shop.shift(352 * DAY)
    (soon,) = await shop.channel.check(shop.door.url)
    assert (soon.account, soon.status, soon.code, soon.data) == (
        SHOP,
        "amber",
        "token_ends_soon",
        {"days": 12},
    )
    to = (await shop.said(text="hi")).address
    shop.shift(13 * DAY)
    for attempt in (shop.channel.probe(), shop.send(to, Text("x"))):
        with pytest.raises(Reauthorise) as over:
            await attempt
        assert over.value.code == "21327"


# -- coming in -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", ["json", "xml"])
async def test_everything_that_mei_can_do_becomes_a_fact(shop: Shop, written: str) -> None:
    """In Weibo's own format and in WeChat's."""
    shop.change(format=written)
    first = await shop.said(text="你好 <b> ]]> & 😀")
    assert (first.account, first.parts, first.opens) == (SHOP, [Text("你好 <b> ]]> & 😀")], "message")
    assert first.sender.claims == [Claim("weibo", first.address)]
    assert first.occurred_at is not None
    files: dict[str, tuple[str, type[Any]]] = {
        "image": ("image/jpeg", Image),
        "voice": ("audio/amr", Audio),
    }
    for kind, (mime, wanted) in files.items():
        (part,) = (await shop.said(type=kind, file=shop.upload("a", JPEG, mime))).parts
        assert isinstance(part, wanted)
        fetched = await shop.channel.fetch_media(SHOP, part.source)
        assert (fetched.data, fetched.mime) == (JPEG, mime)
    (place,) = (await shop.said(type="location", location={"latitude": 31.23, "longitude": 121.47})).parts
    assert isinstance(place, Location)
    assert (place.latitude, place.longitude) == (31.23, 121.47)
    pressed = await shop.said(type="menu", key="orders")
    assert (pressed.parts, pressed.opens) == ([Choice("orders")], "click")
    scanned = await shop.said(action="scan", key="shop-7")
    (notice,) = scanned.parts
    assert isinstance(notice, Notice)
    assert (scanned.opens, scanned.auto, notice.data["key"]) == ("scan", True, "shop-7")
    named = await shop.said(type="mention", text="@灯具小店 在吗")
    assert (named.parts[0], named.opens) == (Text("@灯具小店 在吗"), "mention")
    for action in ("unfollow", "follow"):
        reach = await shop.fact(action=action)
        assert isinstance(reach, ReachChanged)
        assert (reach.reachable, reach.sender) == (action == "follow", first.sender)
    for action in ("unsubscribe", "subscribe"):
        told = await shop.fact(action=action)
        assert isinstance(told, ProfileReceived)
        assert told.sender.profile == {"weibo_subscribed": action == "subscribe"}


async def test_a_message_that_is_pushed_again_is_the_same(shop: Shop) -> None:
    """Weibo repeats what we did not take; there is no id, so the content has to do."""
    shop.door.channel = shop.connect(app_secret="another-secret")
    shop.play(text="only once")
    for _ in range(250):
        if shop.door.refused:
            break
        await asyncio.sleep(0.02)
    shop.door.channel = shop.channel
    request = await asyncio.to_thread(shop.door.calls.get, True, 10)
    first, again = (shop.channel.parse(request)[0] for _ in range(2))
    assert first.dedupe_key == again.dedupe_key
    other = await shop.said(text="only once, said otherwise")
    assert other.dedupe_key != first.dedupe_key


async def test_followers_have_names_and_others_have_none(shop: Shop) -> None:
    """Weibo tells of people while they follow the account."""
    first = await shop.said(text="hi")
    (claim,) = first.sender.claims
    profile = await shop.channel.fetch_profile(SHOP, claim)
    assert (profile.name, profile.language, profile.data["follows"]) == ("林美", "zh-CN", True)
    assert profile.avatar is not None
    await shop.fact(action="unfollow")
    with pytest.raises(Refused):
        await shop.channel.fetch_profile(SHOP, claim)
    with pytest.raises(Refused):
        await shop.channel.fetch_profile(SHOP, Claim("weibo", "1"))


# -- going out -----------------------------------------------------------------------------------------------


async def test_every_kind_of_message_is_sent(shop: Shop) -> None:
    """Words, a place, cards with a picture that Weibo fetches by itself."""
    to = (await shop.said(text="hi")).address
    picture = "https://desk.example/files/lamp.jpg"
    shop.io.files[PICTURE] = Content("lamp.jpg", "image/jpeg", JPEG, url=picture)
    card = Card(
        "台灯", "暖光", Image(file_id=PICTURE), [Button("o", "看", url="https://shop.example/1?a=1&b=2")]
    )
    await shop.send(to, Text("您好 😀 100% + & ="))
    await shop.send(to, Location(31.23, 121.47, "店", "路"))
    await shop.send(to, Cards([card] * 8))
    entries = shop.sandbox.ledger()
    assert [(entry["kind"], entry["to"]) for entry in entries] == [
        ("text", to),
        ("location", to),
        ("articles", to),
    ]
    assert entries[0]["text"] == "您好 😀 100% + & ="
    assert entries[2]["text"].startswith("台灯\n暖光\nhttps://shop.example/1?a=1&b=2\n台灯")
    assert picture in entries[2]["body"]["data"]
    bubbles = shop.sandbox.control.get(f"/sandbox/chats/weibo:{SHOP}:mei/bubbles").json()["bubbles"]
    assert bubbles[2]["location"] == {"latitude": 31.23, "longitude": 121.47}
    with pytest.raises(Refused) as long:
        await shop.send(to, Text("长" * 300))
    assert long.value.code == "20012"


async def test_answers_within_48_hours_and_one_to_a_mention(shop: Shop) -> None:
    """Whoever has unfollowed, or never said a thing, can't be answered."""
    to = (await shop.said(type="mention", text="@灯具小店")).address
    await shop.send(to, Text("one"))
    with pytest.raises(Refused) as second:
        await shop.send(to, Text("two"))
    assert second.value.code == "20016"
    opens: list[dict[str, Any]] = [
        {"text": "hi"},
        {"type": "menu", "key": "orders"},
        {"action": "scan"},
    ]
    for wish in opens:
        await shop.said(**wish)
        for _ in range(3):
            await shop.send(to, Text("x"))
        shop.shift(48 * HOUR + 1)
        with pytest.raises(Refused):
            await shop.send(to, Text("late"))
    await shop.said(text="back")
    await shop.fact(action="unfollow")
    with pytest.raises(Refused) as gone:
        await shop.send(to, Text("x"))
    assert gone.value.code == "20301"
    with pytest.raises(Refused) as stranger:
        await shop.send("1", Text("x"))
    assert stranger.value.code == "20003"
    assert len(shop.sandbox.ledger()) == 10


async def test_failures_on_the_wire_are_told_apart(shop: Shop) -> None:
    """Later, never, somebody must act, nobody knows; never a secret in the text."""
    to = (await shop.said(text="hi")).address
    wanted: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"kind": "error", "code": 10023}, Retry),
        ({"kind": "error", "code": 10001}, Retry),
        ({"kind": "error", "code": 10014}, Reauthorise),
        ({"kind": "error", "code": 21332}, Reauthorise),
        ({"kind": "error", "code": 10008}, Refused),
        ({"kind": "http", "code": 502}, Retry),
        ({"kind": "drop_before"}, InDoubt),
        ({"kind": "drop_after"}, InDoubt),
    ]
    for fault, outcome in wanted:
        shop.fault(**fault)
        with pytest.raises(outcome) as failed:
            await shop.send(to, Text("x"))
        assert shop.settings["access_token"] not in str(failed.value)
    assert len(shop.sandbox.ledger()) == 1  # the one that was delivered and not answered
    (picture,) = (await shop.said(type="image", file=shop.upload("a.jpg", JPEG, "image/jpeg"))).parts
    assert isinstance(picture, Image)
    assert picture.source is not None
    for fault, outcome in (({"kind": "error", "code": 10001}, Retry), ({"kind": "drop_before"}, Retry)):
        shop.fault(**fault, scope="any")
        with pytest.raises(outcome):
            await shop.channel.fetch_media(SHOP, picture.source)


# -- proof ---------------------------------------------------------------------------------------------------


async def test_forged_pushes_are_refused(shop: Shop) -> None:
    """Another secret, a flipped letter, no proof, an old address used again."""
    shop.play(text="right")
    genuine = await asyncio.to_thread(shop.door.calls.get, True, 10)
    query = dict(genuine.query)
    flipped = {**query, "signature": ("0" if query["signature"][0] != "0" else "1") + query["signature"][1:]}
    past = str(int(query["timestamp"]) - 600_000)
    pieces = sorted([shop.settings["app_secret"], past, query["nonce"]])
    signature = hashlib.sha1("".join(pieces).encode()).hexdigest()
    old = {**query, "timestamp": past, "signature": signature}
    async with httpx.AsyncClient(trust_env=False) as client:
        for proof, status in ((query, 200), (flipped, 401), (old, 401), ({}, 401)):
            answer = await client.post(f"{shop.door.url}?{urlencode(proof)}", content=genuine.body)
            assert answer.status_code == status
    shop.change(flaw="signature")
    shop.play(text="forged")
    for _ in range(250):
        await asyncio.sleep(0.02)
        if shop.door.refused >= 4:
            return
    raise AssertionError("a push signed with another secret was not refused")


async def test_news_that_weibo_will_invent_is_told(shop: Shop) -> None:
    """An event of no known kind is news of the account, not a message."""
    shop.play(text="", raw={"type": "event", "data": {"subtype": "invented", "key": "7"}})
    (fact,) = await asyncio.to_thread(shop.door.facts)
    assert isinstance(fact, AccountChanged)
    assert (fact.code, fact.status, fact.data["key"]) == ("weibo_invented", "green", "7")
