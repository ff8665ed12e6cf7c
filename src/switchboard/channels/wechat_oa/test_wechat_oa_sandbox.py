"""The Official Account adapter against the sandbox over real HTTP: every push in, every message out, tokens, windows, failures."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from switchboard.channels.api import (
    AccountChanged,
    Audio,
    BadSignature,
    Button,
    Card,
    Cards,
    Choice,
    Choices,
    Claim,
    Content,
    Image,
    Inbound,
    InDoubt,
    Link,
    Location,
    MessageReceived,
    Notice,
    Outbound,
    Part,
    ProfileReceived,
    ReachChanged,
    Reauthorise,
    ReceiptReceived,
    Refused,
    Retry,
    Source,
    Template,
    Text,
    Video,
)
from switchboard.channels.loopback import Door, LoopbackIo, Sandbox
from switchboard.channels.wechat_oa.channel import WechatOaChannel, WechatOaConfig

WIRE = {"wechat_oa": "the sandbox over HTTP"}

APP = "wx0123456789abcdef"
JPEG = b"\xff\xd8\xff\xe0" + b"0" * 50
FILE = UUID(int=7)


class Shop:
    """An Official Account, its follower Mei, and the facts that come of what she does."""

    def __init__(self, sandbox: Sandbox, door: Door, io: LoopbackIo, mode: str) -> None:
        self.sandbox, self.door, self.io = sandbox, door, io
        account = sandbox.post("/sandbox/platforms/wechat_oa", id=APP, settings={"mode": mode})
        sandbox.post("/sandbox/customers", id="mei", name="林美", language="zh-CN")
        self.settings: dict[str, Any] = account["settings"]
        self.channel = self.connect(**({"encoding_aes_key": ""} if mode == "plain" else {}))
        door.channel = self.channel

    def connect(self, **more: Any) -> WechatOaChannel:
        """Return the adapter with the account's credentials, or with others."""
        names = ("app_id", "app_secret", "token", "encoding_aes_key")
        known = {name: self.settings[name] for name in names}
        return WechatOaChannel(
            WechatOaConfig(**{**known, "mini_program_app_id": "wxfeed0000", **more}), self.io
        )

    def change(self, **settings: Any) -> None:
        """Change how the account behaves at WeChat."""
        self.sandbox.post("/sandbox/platforms/wechat_oa", id=APP, settings=settings)

    def upload(self, name: str, content: bytes, kind: str) -> str:
        """Give Mei a file to send."""
        headers = {"content-type": kind}
        made = self.sandbox.control.post(f"/sandbox/media?name={name}", content=content, headers=headers)
        key: str = made.json()["key"]
        return key

    async def facts(self, **wish: Any) -> list[Inbound]:
        """Return what becomes of something that Mei does."""
        self.sandbox.post("/sandbox/play", platform="wechat_oa", account=APP, customer="mei", **wish)
        return await asyncio.to_thread(self.door.facts)

    async def said(self, **wish: Any) -> MessageReceived:
        """Return the message that becomes of it."""
        *_, fact = await self.facts(**wish)
        assert isinstance(fact, MessageReceived), fact
        return fact

    async def send(self, to: str, *parts: Part) -> str:
        """Send one message to her."""
        return (await self.channel.send(Outbound(APP, to, parts, "key"))).external_id

    def shift(self, seconds: float) -> None:
        """Let time pass."""
        self.sandbox.post("/sandbox/clock", shift_seconds=seconds)

    def fault(self, **wish: Any) -> None:
        """Arm a failure."""
        self.sandbox.post("/sandbox/faults", platform="wechat_oa", **wish)


@pytest.fixture(params=["safe"])
async def shop(request: pytest.FixtureRequest, sandbox: Sandbox, door: Door, io: LoopbackIo) -> Shop:
    """An account whose address has passed the console's trial."""
    made = Shop(sandbox, door, io, request.param)
    tried = await asyncio.to_thread(sandbox.post, f"/sandbox/wechat_oa/{APP}/verify", url=door.url)
    assert tried == {"ok": True}
    return made


async def test_the_account_is_found_and_the_console_only_takes_our_token(shop: Shop) -> None:
    """Probe, look-out, a token that doesn't fit, a secret that doesn't."""
    (account,) = await shop.channel.probe()
    assert account.external_id == APP
    assert await shop.channel.check(shop.door.url) == []
    shop.door.channel = shop.connect(token="another")
    answer = await asyncio.to_thread(
        shop.sandbox.control.post, f"/sandbox/wechat_oa/{APP}/verify", json={"url": shop.door.url}
    )
    assert (answer.status_code, shop.door.refused) == (422, 1)
    fresh = LoopbackIo(shop.sandbox.url)
    wrong = WechatOaConfig(app_id=APP, app_secret="x", token=shop.settings["token"])
    with pytest.raises(Reauthorise) as refused:
        await WechatOaChannel(wrong, fresh).probe()
    assert refused.value.code == "40125"
    await fresh.wire.aclose()
    fresh.guard.close()


@pytest.mark.parametrize("shop", ["plain", "compatible", "safe"], indirect=True)
async def test_every_kind_of_push_becomes_a_fact(shop: Shop) -> None:
    """In each of the three modes of the console."""
    first = await shop.said(text="你好 <b> ]]> & 😀")
    assert first.parts == [Text("你好 <b> ]]> & 😀")]
    assert first.sender.claims == [Claim(f"wechat:{APP}", first.address)]
    (place,) = (
        await shop.said(type="location", location={"latitude": 31.2, "longitude": 121.4, "name": "店"})
    ).parts
    assert place == Location(31.2, 121.4, "店")
    (link,) = (await shop.said(type="link", url="https://a.example/1", title="茶")).parts
    assert link == Link("https://a.example/1", "茶")
    (sticker,) = (await shop.said(type="sticker")).parts
    assert isinstance(sticker, Text)
    files: list[tuple[str, str, str, type[Any]]] = [
        ("image", "a.jpg", "image/jpeg", Image),
        ("voice", "a.amr", "audio/amr", Audio),
        ("video", "a.mp4", "video/mp4", Video),
    ]
    for kind, name, mime, wanted in files:
        (part,) = (await shop.said(type=kind, file=shop.upload(name, JPEG, mime))).parts
        assert isinstance(part, wanted)
        fetched = await shop.channel.fetch_media(APP, part.source)
        assert (fetched.data, fetched.mime) == (JPEG, mime)
    (short,) = (await shop.said(type="shortvideo")).parts
    assert isinstance(short, Video)
    shop.change(recognizes_speech=True)
    (heard,) = (
        await shop.said(type="voice", file=shop.upload("a.amr", JPEG, "audio/amr"), text="有货吗")
    ).parts
    assert isinstance(heard, Audio)
    assert heard.caption == "有货吗"


async def test_acts_of_a_follower_become_facts(shop: Shop) -> None:
    """Follow by a code, scan, menu, place, unfollow; the windows that they open."""
    reach, followed = await shop.facts(action="follow", scene="1001")
    assert isinstance(reach, ReachChanged)
    assert reach.reachable
    assert isinstance(followed, MessageReceived)
    assert (followed.opens, followed.parts) == (
        "follow",
        [Notice("wechat.followed", "Followed the account", {"scene": "1001"})],
    )
    scanned = await shop.said(action="scan", scene="门店1")
    assert isinstance(scanned.parts[0], Notice)
    assert (scanned.opens, scanned.parts[0].data) == ("scan", {"scene": "门店1"})
    tapped = await shop.said(action="menu", key="help")
    assert (tapped.opens, tapped.parts) == ("menu_click", [Choice("help")])
    opened = await shop.said(action="menu", key="box", kind="scancode_waitmsg", result="ISBN 1")
    assert isinstance(opened.parts[0], Notice)
    assert (opened.opens, opened.parts[0].text) == ("menu_click", "ISBN 1")
    chosen = await shop.said(action="menu", key="pics", kind="pic_weixin")
    assert chosen.opens == ""
    (viewed,) = await shop.facts(action="menu", key="https://a.example", kind="view")
    (located,) = await shop.facts(action="location")
    assert isinstance(viewed, ProfileReceived)
    assert isinstance(located, ProfileReceived)
    assert located.sender.profile == {"wechat_location": "31.2397,121.4903"}
    (news,) = await shop.facts(action="allow")
    assert isinstance(news, AccountChanged)
    assert (news.status, news.code) == ("green", "wechat_subscribe_msg_popup_event")
    profile = await shop.channel.fetch_profile(APP, followed.sender.claims[0])
    assert profile.claims[0].space == "wechat:unionid"
    assert (profile.name, profile.data["qr_scene"]) == ("", "1001")
    (gone,) = await shop.facts(action="unfollow")
    assert isinstance(gone, ReachChanged)
    assert not gone.reachable
    assert len({f.dedupe_key for f in (reach, followed, scanned, tapped, opened, gone)}) == 6


async def test_every_kind_of_message_is_sent(shop: Shop) -> None:
    """Files are stored at WeChat first; a line of a menu that is pressed comes back as a choice."""
    shop.io.files[FILE] = Content("a.jpg", "image/jpeg", JPEG, "https://files.example/a.jpg")
    to = (await shop.said(text="hi")).address
    voice, film = UUID(int=8), UUID(int=9)
    shop.io.files[voice] = Content("a.amr", "audio/amr", b"#!AMR")
    shop.io.files[film] = Content("a.mp4", "video/mp4", b"mp4")
    picture = Image(file_id=FILE, mime="image/jpeg")
    article = Card("茶", "250g", picture, [Button("o", "看", url="https://a.example")])
    page = Card("单", "1", picture, [Button("o", "看", url="pages/order?id=1")])
    parts: list[Part] = [
        Text("您好 😀"),
        picture,
        Audio(file_id=voice, mime="audio/amr"),
        Video(file_id=film, mime="video/mp4"),
        Link("https://a.example", "茶", "250g"),
    ]
    for part in parts:
        assert await shop.send(to, part) == ""
    to = (await shop.said(text="more")).address
    for part in (
        Choices("满意吗？", [Button("y", "满意"), Button("n", "不满意")]),
        Cards([article]),
        Cards([page]),
    ):
        await shop.send(to, part)
    kinds = ["text", "image", "voice", "video", "news", "msgmenu", "news", "miniprogrampage"]
    entries = shop.sandbox.ledger()
    assert [entry["kind"] for entry in entries] == kinds
    assert {entry["to"] for entry in entries} == {to}
    assert entries[6]["body"]["news"]["articles"][0]["picurl"] == "https://files.example/a.jpg"
    bubbles = shop.sandbox.control.get(f"/sandbox/chats/wechat_oa:{APP}:mei/bubbles").json()["bubbles"]
    asked = next(bubble for bubble in bubbles if bubble["kind"] == "msgmenu")
    pressed = await shop.said(type="press", reply_to=asked["id"], button="y")
    assert pressed.parts == [Choice("y", "满意")]
    await shop.channel.mark_read(APP, to, pressed.external_id, typing=True)


async def test_windows_close_by_count_and_time_but_templates_go_on(shop: Shop) -> None:
    """45047 after five, 45015 after 48 hours; the template's outcome comes as a receipt."""
    to = (await shop.said(text="hi")).address
    for _ in range(5):
        await shop.send(to, Text("x"))
    with pytest.raises(Refused) as many:
        await shop.send(to, Text("sixth"))
    assert (many.value.code, many.value.unreachable) == ("45047", False)
    shop.shift(48 * 3600 + 1)
    with pytest.raises(Refused) as late:
        await shop.send(to, Text("late"))
    assert late.value.code == "45015"
    fields = ["first=您好", "A-1", "已发货", "remark=谢谢", "url=https://a.example/o"]
    template = Template("order-update", "zh_CN", fields)
    sent = await shop.send(to, template)
    (receipt,) = await asyncio.to_thread(shop.door.facts)
    assert isinstance(receipt, ReceiptReceived)
    assert (receipt.external_id, receipt.status) == (sent, "delivered")
    assert "订单编号：A-1" in shop.sandbox.ledger()[-1]["text"]
    shop.fault(kind="status")
    failed = await shop.send(to, template)
    (receipt,) = await asyncio.to_thread(shop.door.facts)
    assert isinstance(receipt, ReceiptReceived)
    assert (receipt.external_id, receipt.status, receipt.code) == (failed, "failed", "failed:user block")
    await shop.facts(action="unfollow")
    with pytest.raises(Refused) as gone:
        await shop.send(to, template)
    assert (gone.value.code, gone.value.unreachable) == ("43004", True)


async def test_a_template_of_the_other_kind_needs_a_permission(shop: Shop) -> None:
    """WeChat knows it by the other interface only, once for each time that she agreed."""
    to = (await shop.said(text="hi")).address
    notice = Template(
        "order-notice", "zh_CN", ["character_string1=A-1", "phrase2=已发货", "url=https://a.example/o"]
    )
    with pytest.raises(Refused) as unasked:
        await shop.send(to, notice)
    assert (unasked.value.code, unasked.value.unreachable) == ("43101", False)
    await shop.facts(action="allow")
    sent = await shop.send(to, notice)
    (receipt,) = await asyncio.to_thread(shop.door.facts)
    assert isinstance(receipt, ReceiptReceived)
    assert (receipt.external_id, receipt.status) == (sent, "delivered")
    (entry,) = shop.sandbox.ledger()
    assert (entry["text"], entry["body"]["page"]) == (
        "订单编号：A-1\n状态：已发货",
        "https://a.example/o",
    )
    with pytest.raises(Refused):
        await shop.send(to, Template("no-such", "zh_CN"))


async def test_tokens_are_renewed_when_they_end_or_are_refused(shop: Shop) -> None:
    """By one more call, without anybody noticing."""
    to = (await shop.said(text="hi")).address
    await shop.send(to, Text("one"))
    shop.shift(7201)
    await shop.send(to, Text("after the end of the token"))
    shop.fault(kind="error", code=40001)
    await shop.send(to, Text("refused once"))
    assert len(shop.sandbox.ledger()) == 3
    shop.shift(31)  # a new token may be forced every thirty seconds only
    shop.fault(kind="error", code=40001, times=9)
    with pytest.raises(Reauthorise):
        await shop.send(to, Text("always refused"))


async def test_failures_are_told_apart_on_the_wire(shop: Shop) -> None:
    """Busy, out of quota, gateway, in doubt, forbidden, gone; no secret and no token in any text."""
    to = (await shop.said(text="hi")).address
    wanted: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"kind": "error", "code": -1}, Retry),
        ({"kind": "error", "code": 45009}, Retry),
        ({"kind": "error", "code": 45011}, Retry),
        ({"kind": "http", "code": 502}, InDoubt),
        ({"kind": "drop_after"}, InDoubt),
        ({"kind": "error", "code": 48001}, Reauthorise),
        ({"kind": "error", "code": 40164}, Reauthorise),
        ({"kind": "error", "code": 45002}, Refused),
        ({"kind": "error", "code": 43004}, Refused),
    ]
    for fault, outcome in wanted:
        shop.fault(**fault)
        with pytest.raises(outcome) as failed:
            await shop.send(to, Text("x"))
        assert shop.settings["app_secret"] not in str(failed.value)
    with pytest.raises(Refused) as nobody:
        await shop.send("oNobody", Text("x"))
    assert nobody.value.unreachable
    picture = await shop.said(type="image", file=shop.upload("a.jpg", JPEG, "image/jpeg"))
    assert isinstance(picture.parts[0], Image)
    shop.shift(3 * 86_400 + 1)
    with pytest.raises(Refused):
        await shop.channel.fetch_media(
            APP, Source(picture.parts[0].source.ref if picture.parts[0].source else "")
        )


async def test_the_days_calls_are_watched(shop: Shop) -> None:
    """Amber before they run out, Retry afterwards."""
    shop.change(daily_limit=3)
    to = (await shop.said(text="hi")).address
    for _ in range(3):
        await shop.send(to, Text("x"))
    (news,) = await shop.channel.check(shop.door.url)
    assert (news.status, news.code) == ("amber", "quota_low")
    with pytest.raises(Retry):
        await shop.send(to, Text("x"))


async def test_forged_and_stale_pushes_are_refused(shop: Shop) -> None:
    """Another token or key, a flipped byte, no encryption at all."""
    await shop.said(text="right")
    shop.sandbox.post("/sandbox/play", platform="wechat_oa", account=APP, customer="mei", text="again")
    genuine = await asyncio.to_thread(shop.door.calls.get, True, 10)
    async with httpx.AsyncClient(trust_env=False) as client:

        async def status(url: str, body: bytes) -> int:
            return (await client.post(url, content=body)).status_code

        assert await status(genuine.url, genuine.body) == 200
        at = genuine.body.index(b"<Encrypt><![CDATA[") + 40
        other = b"A" if genuine.body[at : at + 1] != b"A" else b"B"
        assert await status(genuine.url, genuine.body[:at] + other + genuine.body[at + 1 :]) == 401
        assert await status(genuine.url, b"<xml><MsgType>text</MsgType></xml>") == 401
        stale = genuine.url.replace(genuine.query["timestamp"], "1500000000")
        assert await status(stale, genuine.body) == 401
    shop.channel.verify(genuine)
    replayed = msgspec.structs.replace(genuine, received_at=genuine.received_at + timedelta(minutes=6))
    with pytest.raises(BadSignature):
        shop.channel.verify(replayed)
    shop.change(token="b" * 24)
    shop.sandbox.post("/sandbox/play", platform="wechat_oa", account=APP, customer="mei", text="forged")
    await until(lambda: shop.door.refused == 6)


async def until(good: Any) -> None:
    """Wait for it, five seconds at most."""
    for _ in range(250):
        if good():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("not seen in 5 s")
