"""The mini-program adapter against the sandbox over real HTTP: every push in every format, every message, tokens, windows, failures."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from switchboard.channels.api import (
    AccountChanged,
    BadSignature,
    Button,
    Card,
    Cards,
    Choices,
    Claim,
    Content,
    Image,
    Inbound,
    InDoubt,
    Link,
    MessageReceived,
    Notice,
    Outbound,
    Part,
    RawRequest,
    Reauthorise,
    ReceiptReceived,
    Refused,
    Retry,
    Source,
    Template,
    Text,
)
from switchboard.channels.loopback import Door, LoopbackIo, Sandbox
from switchboard.channels.reading import mark
from switchboard.channels.wechat_miniprogram.channel import (
    WechatMiniProgramChannel,
    WechatMiniProgramConfig,
)

WIRE = {"wechat_miniprogram": "the sandbox over HTTP"}

KIND = "wechat_miniprogram"
APP = "wx0123456789abcdef"
JPEG = b"\xff\xd8\xff\xe0" + b"0" * 50
FILE = UUID(int=7)
FORMATS = [(form, mode) for form in ("json", "xml") for mode in ("plain", "compatible", "safe")]


class Shop:
    """A mini-program, its visitor Mei, and the facts that come of what she does."""

    def __init__(self, sandbox: Sandbox, door: Door, io: LoopbackIo, form: str, mode: str) -> None:
        self.sandbox, self.door, self.io = sandbox, door, io
        wish = {"format": form, "mode": mode}
        self.settings: dict[str, Any] = sandbox.post(f"/sandbox/platforms/{KIND}", id=APP, settings=wish)[
            "settings"
        ]
        sandbox.post("/sandbox/customers", id="mei", name="林美", language="zh-CN")
        self.channel = self.connect(io, **({"encoding_aes_key": ""} if mode == "plain" else {}))
        door.channel = self.channel
        self.kept_as = f"access:{APP}:{mark(self.settings['app_secret'])}"

    def connect(self, io: LoopbackIo, **more: Any) -> WechatMiniProgramChannel:
        """Return the adapter with the account's credentials, or with others; a second `io` is another process."""
        names = ("app_id", "app_secret", "token", "encoding_aes_key")
        known = {name: self.settings[name] for name in names}
        return WechatMiniProgramChannel(WechatMiniProgramConfig(**{**known, **more}), io)

    def change(self, **settings: Any) -> None:
        """Change how the account behaves at WeChat."""
        self.sandbox.post(f"/sandbox/platforms/{KIND}", id=APP, settings=settings)

    def upload(self, name: str, content: bytes, kind: str) -> str:
        """Give Mei a file to send."""
        headers = {"content-type": kind}
        made = self.sandbox.control.post(f"/sandbox/media?name={name}", content=content, headers=headers)
        key: str = made.json()["key"]
        return key

    def play(self, **wish: Any) -> None:
        """Let Mei do something."""
        self.sandbox.post("/sandbox/play", platform=KIND, account=APP, customer="mei", **wish)

    async def facts(self, **wish: Any) -> list[Inbound]:
        """Return what becomes of something that Mei does."""
        self.play(**wish)
        return await asyncio.to_thread(self.door.facts)

    async def said(self, **wish: Any) -> MessageReceived:
        """Return the message that becomes of it."""
        (fact,) = await self.facts(**wish)
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
        self.sandbox.post("/sandbox/faults", platform=KIND, **wish)


@pytest.fixture(params=[("json", "safe")])
async def shop(request: pytest.FixtureRequest, sandbox: Sandbox, door: Door, io: LoopbackIo) -> Shop:
    """An account whose address has passed the console's trial."""
    made = Shop(sandbox, door, io, *request.param)
    tried = await asyncio.to_thread(sandbox.post, f"/sandbox/{KIND}/{APP}/verify", url=door.url)
    assert tried == {"ok": True}
    return made


async def test_the_account_is_found_and_the_console_only_takes_our_token(shop: Shop) -> None:
    """Probe, look-out, a token that doesn't fit, a secret that doesn't."""
    (account,) = await shop.channel.probe()
    assert account.external_id == APP
    assert await shop.channel.check(shop.door.url) == []
    shop.door.channel = shop.connect(shop.io, token="another")
    answer = await asyncio.to_thread(
        shop.sandbox.control.post, f"/sandbox/{KIND}/{APP}/verify", json={"url": shop.door.url}
    )
    assert (answer.status_code, shop.door.refused) == (422, 1)
    fresh = LoopbackIo(shop.sandbox.url)
    for wrong, code in (({"app_secret": "x"}, "40125"), ({"app_id": "wx00000000"}, "40013")):
        with pytest.raises(Reauthorise) as refused:
            await shop.connect(fresh, **wrong).probe()
        assert refused.value.code == code
        assert shop.settings["app_secret"] not in str(refused.value)
    await fresh.wire.aclose()
    fresh.guard.close()


@pytest.mark.parametrize("shop", FORMATS, indirect=True, ids="-".join)
async def test_every_kind_of_push_becomes_a_fact(shop: Shop) -> None:
    """In both formats and all three modes of the console."""
    first = await shop.said(text="你好 <b> ]]> & 😀")
    assert first.parts == [Text("你好 <b> ]]> & 😀")]
    assert first.sender.claims == [Claim(f"wechat:{APP}", first.address)]
    assert first.opens == "message"
    picture = await shop.said(type="image", file=shop.upload("a.jpg", JPEG, "image/jpeg"))
    (image,) = picture.parts
    assert isinstance(image, Image)
    fetched = await shop.channel.fetch_media(APP, image.source or Source())
    assert (fetched.data, fetched.mime) == (JPEG, "image/jpeg")
    card = await shop.said(type="miniprogrampage", title="茶", page="pages/tea?id=1&from=<a>")
    page, cover = card.parts
    data = {"title": "茶", "app_id": APP, "path": "pages/tea?id=1&from=<a>"}
    assert page == Notice("wechat.mini_program_card", "Mini-program page: 茶", data)
    assert isinstance(cover, Image)
    assert (await shop.channel.fetch_media(APP, cover.source or Source())).data.startswith(b"\xff\xd8")
    entered = await shop.said(action="enter", session_from="page=item&id=<7>")
    assert entered.opens == "enter"
    origin = {"session_from": "page=item&id=<7>"}
    assert entered.parts == [Notice("wechat.entered_from", "Opened the chat from page=item&id=<7>", origin)]
    news = [*await shop.facts(action="allow"), *await shop.facts(action="refuse")]
    assert [fact.code for fact in news if isinstance(fact, AccountChanged)] == [
        "wechat_subscribe_msg_popup_event"
    ] * 2
    assert {fact.account for fact in (first, picture, card, entered, *news)} == {APP}
    keys = {fact.dedupe_key for fact in (first, picture, card, entered)}
    assert len(keys) == 4
    strange = await shop.said(text="?", raw={"MsgType": "hologram", "Shape": "round"})
    assert strange.parts[0].__class__.__name__ == "Unsupported"


async def test_every_kind_of_message_is_sent(shop: Shop) -> None:
    """Pictures are stored at WeChat first; what a mini-program can't take is refused in words."""
    shop.io.files[FILE] = Content("a.jpg", "image/jpeg", JPEG, "https://files.example/a.jpg")
    to = (await shop.said(text="hi")).address
    picture = Image(file_id=FILE, mime="image/jpeg")
    parts: list[Part] = [
        Text("您好 😀"),
        picture,
        Link("https://a.example", "茶", "250g"),
        Cards([Card("茶", "250g", picture, [Button("o", "看", url="https://a.example/1")])]),
        Cards([Card("单", "1", picture, [Button("o", "看", url="pages/order?id=1")])]),
    ]
    for part in parts:
        assert await shop.send(to, part) == ""
    entries = shop.sandbox.ledger()
    assert [entry["kind"] for entry in entries] == ["text", "image", "link", "link", "miniprogrampage"]
    assert {entry["to"] for entry in entries} == {to}
    assert entries[0]["text"] == "您好 😀"
    assert entries[3]["body"]["link"]["thumb_url"] == "https://files.example/a.jpg"
    assert entries[4]["body"]["miniprogrampage"]["pagepath"] == "pages/order?id=1"
    stored = await shop.channel.fetch_media(APP, Source(entries[1]["body"]["image"]["media_id"]))
    assert stored.data == JPEG
    for part in (
        Choices("满意吗？", [Button("y", "满意")]),
        Cards([Card("单", "1", None, [Button("o", "看", url="pages/a")])]),
    ):
        with pytest.raises(Refused) as unfit:
            await shop.send(to, part)
        assert unfit.value.code == "unfit"
    await shop.said(text="are you there?")
    await shop.channel.mark_read(APP, to, "1", typing=True)
    with pytest.raises(Refused) as twice:
        await shop.channel.mark_read(APP, to, "1", typing=True)
    assert twice.value.code == "45081"  # it is shown already
    assert len(shop.sandbox.ledger()) == 5


async def test_windows_close_by_count_and_time(shop: Shop) -> None:
    """Two messages in a minute after entering, five in 48 hours after a message; 45047 by count, 45015 by time."""
    to = (await shop.said(action="enter")).address
    for _ in range(2):
        await shop.send(to, Text("welcome"))
    with pytest.raises(Refused) as many:
        await shop.send(to, Text("third"))
    assert (many.value.code, many.value.unreachable) == ("45047", False)
    shop.shift(61)
    with pytest.raises(Refused) as late:
        await shop.send(to, Text("late"))
    assert late.value.code == "45015"
    await shop.said(text="hi")
    shop.shift(48 * 3600 - 60)
    for _ in range(5):
        await shop.send(to, Text("x"))
    with pytest.raises(Refused) as sixth:
        await shop.send(to, Text("sixth"))
    assert sixth.value.code == "45047"
    await shop.said(text="again")
    await shop.send(to, Text("counts anew"))
    shop.shift(48 * 3600 + 1)
    with pytest.raises(Refused) as over:
        await shop.send(to, Text("late"))
    assert (over.value.code, over.value.unreachable) == ("45015", False)


@pytest.mark.parametrize("shop", [("json", "safe"), ("xml", "safe")], indirect=True, ids="-".join)
async def test_a_notification_needs_a_permission_and_tells_what_became_of_it(shop: Shop) -> None:
    """One for each time that she agreed, window or not; its outcome comes as a receipt."""
    to = (await shop.said(text="hi")).address
    template = Template("order-notice", "zh_CN", ["character_string1=A-1", "phrase2=已发货", "page=pages/o"])
    with pytest.raises(Refused) as unasked:
        await shop.send(to, template)
    assert (unasked.value.code, unasked.value.unreachable) == ("43101", False)
    for _ in range(2):
        await shop.facts(action="allow")
    shop.shift(48 * 3600 + 1)
    with pytest.raises(Refused) as incomplete:
        await shop.send(to, Template("order-notice", "zh_CN", ["phrase2=已发货"]))
    assert incomplete.value.code == "47003"
    sent = await shop.send(to, template)
    (receipt,) = await asyncio.to_thread(shop.door.facts)
    assert isinstance(receipt, ReceiptReceived)
    assert (receipt.external_id, receipt.status) == (sent, "delivered")
    assert shop.sandbox.ledger()[-1]["text"] == "订单编号：A-1\n状态：已发货"
    assert shop.sandbox.ledger()[-1]["body"]["page"] == "pages/o"
    shop.fault(kind="status")
    failed = await shop.send(to, template)
    (receipt,) = await asyncio.to_thread(shop.door.facts)
    assert isinstance(receipt, ReceiptReceived)
    assert (receipt.external_id, receipt.status, receipt.code) == (failed, "failed", "failed (43101)")
    with pytest.raises(Refused):
        await shop.send(to, template)


async def test_tokens_are_renewed_when_they_end_or_are_refused(shop: Shop) -> None:
    """By one more call, without anybody noticing; one that is always refused is for the administrator."""
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


async def test_a_token_that_another_process_renewed_is_taken_over(shop: Shop) -> None:
    """The refused one is replaced by the newest, and nobody takes the other's away in turn."""
    to = (await shop.said(text="hi")).address
    await shop.send(to, Text("one"))
    mine = shop.io.kept[shop.kept_as]
    body = {"grant_type": "client_credential", "appid": APP, "secret": shop.settings["app_secret"]}
    renewed = shop.sandbox.control.post("/cgi-bin/stable_token", json={**body, "force_refresh": True}).json()
    assert renewed["access_token"] != mine
    await shop.send(to, Text("two"))
    assert shop.io.kept[shop.kept_as] == renewed["access_token"]
    other = LoopbackIo(shop.sandbox.url)
    second = shop.connect(other)
    await asyncio.gather(second.send(Outbound(APP, to, [Text("three")], "k3")), shop.send(to, Text("four")))
    assert other.kept == shop.io.kept == {shop.kept_as: renewed["access_token"]}
    assert sorted(entry["text"] for entry in shop.sandbox.ledger()) == ["four", "one", "three", "two"]
    await other.wire.aclose()
    other.guard.close()


async def test_failures_are_told_apart_on_the_wire(shop: Shop) -> None:
    """Busy, out of quota, gateway, in doubt, forbidden, gone; no secret and no token in any text."""
    to = (await shop.said(text="hi")).address
    wanted: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"kind": "error", "code": -1}, Retry),
        ({"kind": "error", "code": 45009}, Retry),
        ({"kind": "error", "code": 45011}, Retry),
        ({"kind": "http", "code": 429}, Retry),
        ({"kind": "http", "code": 502}, InDoubt),
        ({"kind": "drop_after"}, InDoubt),
        ({"kind": "error", "code": 48001}, Reauthorise),
        ({"kind": "error", "code": 40164}, Reauthorise),
        ({"kind": "error", "code": 50002}, Reauthorise),
        ({"kind": "error", "code": 45002}, Refused),
        ({"kind": "error", "code": 40003}, Refused),
    ]
    for fault, outcome in wanted:
        shop.fault(**fault)
        with pytest.raises(outcome) as failed:
            await shop.send(to, Text("x"))
        assert shop.settings["app_secret"] not in str(failed.value)
        assert shop.io.kept[shop.kept_as] not in str(failed.value)
    with pytest.raises(Refused) as long:
        await shop.send(to, Text("好" * 700))
    assert long.value.code == "45002"
    with pytest.raises(Refused) as nobody:
        await shop.send("oNobody", Text("x"))
    assert nobody.value.unreachable
    picture = await shop.said(type="image", file=shop.upload("a.jpg", JPEG, "image/jpeg"))
    assert isinstance(picture.parts[0], Image)
    kept = picture.parts[0].source
    assert kept is not None
    shop.shift(3 * 86_400 + 1)
    with pytest.raises(Refused):
        await shop.channel.fetch_media(APP, Source(kept.ref))


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


@pytest.mark.parametrize("shop", [("json", "safe"), ("xml", "safe")], indirect=True, ids="-".join)
async def test_forged_and_replayed_pushes_are_refused(shop: Shop) -> None:
    """A flipped byte, no encryption at all, an old time stamp, another token, another key; a repeated one adds nothing."""
    await shop.said(text="right")
    shop.play(text="again")
    genuine: RawRequest = await asyncio.to_thread(shop.door.calls.get, True, 10)
    async with httpx.AsyncClient(trust_env=False) as client:

        async def status(url: str, body: bytes) -> int:
            return (await client.post(url, content=body)).status_code

        assert await status(genuine.url, genuine.body) == 200
        again = shop.door.calls.get(timeout=10)
        keys = {fact.dedupe_key for one in (genuine, again) for fact in shop.channel.parse(one)}
        assert len(keys) == 1
        at = genuine.body.index(b"Encrypt") + 60
        other = b"A" if genuine.body[at : at + 1] != b"A" else b"B"
        assert await status(genuine.url, genuine.body[:at] + other + genuine.body[at + 1 :]) == 401
        assert await status(genuine.url, b'{"MsgType": "text", "Content": "plain"}') == 401
        assert await status(genuine.url, b"<xml><MsgType>text</MsgType></xml>") == 401
        stale = genuine.url.replace(genuine.query["timestamp"], "1500000000")
        assert await status(stale, genuine.body) == 401
        assert await status(genuine.url.partition("?")[0], genuine.body) == 401
    shop.channel.verify(genuine)
    replayed = msgspec.structs.replace(genuine, received_at=genuine.received_at + timedelta(minutes=6))
    with pytest.raises(BadSignature):
        shop.channel.verify(replayed)
    shop.door.channel = shop.connect(shop.io, encoding_aes_key="G" * 43)
    shop.play(text="sealed with a key that is not ours")
    await until(lambda: shop.door.refused >= 6)
    shop.door.channel = shop.connect(shop.io, token="b" * 24)
    before = shop.door.refused
    shop.play(text="signed with another token")
    await until(lambda: shop.door.refused > before)
    assert shop.door.calls.empty()


async def until(good: Any) -> None:
    """Wait for it, five seconds at most."""
    for _ in range(250):
        if good():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("not seen in 5 s")
