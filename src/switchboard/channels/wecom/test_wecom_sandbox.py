"""WeCom's customer service adapter against the sandbox over real HTTP: callbacks, cursors, every message both ways, sessions."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from switchboard.channels.api import (
    Audio,
    BadSignature,
    Button,
    Card,
    Cards,
    Choice,
    Choices,
    Claim,
    ContactCard,
    Content,
    EchoReceived,
    File,
    Image,
    Inbound,
    InDoubt,
    Link,
    Location,
    MessageRecalled,
    MessageReceived,
    Notice,
    Nudge,
    Outbound,
    Part,
    Product,
    ProfileReceived,
    Reauthorise,
    ReceiptReceived,
    Refused,
    Retry,
    Text,
    Unsupported,
    Video,
)
from switchboard.channels.loopback import Door, LoopbackIo, Sandbox
from switchboard.channels.wecom.channel import WecomChannel, WecomConfig

WIRE = {"wecom": "the sandbox over HTTP"}

CORP = "ww0123456789abcdef"
DESK, SECOND = "wkAAAAAAAAAAAAAAAA", "wkBBBBBBBBBBBBBBBB"
JPEG = b"\xff\xd8\xff\xe0" + b"0" * 50
FILE = UUID(int=7)


class Shop:
    """A corp with two desks, its customer Mei, and the facts that come of what she does."""

    def __init__(self, sandbox: Sandbox, door: Door, io: LoopbackIo) -> None:
        self.sandbox, self.door, self.io = sandbox, door, io
        desks = [{"open_kfid": DESK, "name": "售前"}, {"open_kfid": SECOND, "name": "售后"}]
        account = sandbox.post("/sandbox/platforms/wecom", id=CORP, settings={"kf_accounts": desks})
        sandbox.post("/sandbox/customers", id="mei", name="林美", language="zh-CN")
        self.settings: dict[str, Any] = account["settings"]
        self.channel = self.connect()
        door.channel = self.channel
        self.cursors: dict[str, str] = {}
        self.keys = 0

    def connect(self, **more: Any) -> WecomChannel:
        """Return the adapter with the app's credentials, or with others."""
        names = ("corp_id", "app_secret", "token", "encoding_aes_key")
        known = {name: self.settings[name] for name in names}
        return WecomChannel(WecomConfig(**{**known, "mini_program_app_id": "wxfeed0000", **more}), self.io)

    def change(self, **settings: Any) -> None:
        """Change how the corp behaves."""
        self.sandbox.post("/sandbox/platforms/wecom", id=CORP, settings=settings)

    def play(self, **wish: Any) -> str:
        """Mei, or a colleague in WeCom, does something; return the id of the message if there is one."""
        ids = self.sandbox.post("/sandbox/play", platform="wecom", account=CORP, customer="mei", **wish)[
            "ids"
        ]
        return str(ids[0]) if ids else ""

    def upload(self, name: str, content: bytes, kind: str) -> str:
        """Give Mei a file to send."""
        headers = {"content-type": kind}
        made = self.sandbox.control.post(f"/sandbox/media?name={name}", content=content, headers=headers)
        key: str = made.json()["key"]
        return key

    async def new(self) -> list[Inbound]:
        """Return what is new since the last time, as the product does after a callback."""
        (nudge,) = await asyncio.to_thread(self.door.facts)
        assert isinstance(nudge, Nudge), nudge
        account = nudge.account
        polled = await self.channel.poll(account, self.cursors.get(account, ""), nudge.hint)
        self.cursors[account] = polled.cursor
        assert not polled.more
        return list(polled.facts)

    async def facts(self, **wish: Any) -> list[Inbound]:
        """Return what becomes of something."""
        self.play(**wish)
        return await self.new()

    async def said(self, **wish: Any) -> MessageReceived:
        """Return the message that becomes of it."""
        (fact,) = await self.facts(**wish)
        assert isinstance(fact, MessageReceived), fact
        return fact

    async def send(self, to: str, *parts: Part, key: str = "", **more: Any) -> str:
        """Send one message to her."""
        self.keys += 1
        sent = await self.channel.send(Outbound(DESK, to, parts, key or f"key{self.keys}", **more))
        return sent.external_id

    def shift(self, seconds: float) -> None:
        """Let time pass."""
        self.sandbox.post("/sandbox/clock", shift_seconds=seconds)

    def fault(self, **wish: Any) -> None:
        """Arm a failure."""
        self.sandbox.post("/sandbox/faults", platform="wecom", **wish)


@pytest.fixture
async def shop(sandbox: Sandbox, door: Door, io: LoopbackIo) -> Shop:
    """A corp whose callback address has passed the console's trial."""
    made = Shop(sandbox, door, io)
    tried = await asyncio.to_thread(sandbox.post, f"/sandbox/wecom/{CORP}/verify", url=door.url)
    assert tried == {"ok": True}
    return made


async def test_both_desks_are_found_and_the_console_only_takes_our_key(shop: Shop) -> None:
    """Probe, a token that doesn't fit, a secret that doesn't."""
    assert [(one.external_id, one.name) for one in await shop.channel.probe()] == [
        (DESK, "售前"),
        (SECOND, "售后"),
    ]
    shop.door.channel = shop.connect(token="another")
    answer = await asyncio.to_thread(
        shop.sandbox.control.post, f"/sandbox/wecom/{CORP}/verify", json={"url": shop.door.url}
    )
    assert (answer.status_code, shop.door.refused) == (422, 1)
    for wrong, code in ({"app_secret": "x"}, "40001"), ({"corp_id": "ww0000000000"}, "40013"):
        with pytest.raises(Reauthorise) as refused:
            await shop.connect(**wrong).probe()
        assert refused.value.code == code


async def test_every_kind_of_message_becomes_a_fact(shop: Shop) -> None:
    """Words, files, cards, Channels, forwarded chats; taken back."""
    first = await shop.said(text="你好 <b> ]]> & 😀")
    assert first.parts == [Text("你好 <b> ]]> & 😀")]
    assert (first.account, first.sender.claims) == (DESK, [Claim(f"wecom:{CORP}", first.address)])
    files: list[tuple[str, str, str, type[Any]]] = [
        ("image", "a.jpg", "image/jpeg", Image),
        ("voice", "a.amr", "audio/amr", Audio),
        ("video", "a.mp4", "video/mp4", Video),
        ("document", "a.pdf", "application/pdf", File),
    ]
    for kind, name, mime, wanted in files:
        (part,) = (await shop.said(type=kind, file=shop.upload(name, JPEG, mime))).parts
        assert isinstance(part, wanted)
        fetched = await shop.channel.fetch_media(DESK, part.source)
        assert (fetched.data, fetched.mime) == (JPEG, mime)
    cards: dict[str, type[Any]] = {
        "location": Location,
        "link": Link,
        "business_card": ContactCard,
        "miniprogram": Notice,
        "channels": Notice,
        "channels_shop_product": Product,
        "channels_shop_order": Notice,
        "merged_msg": Text,
        "meeting": Unsupported,
        "schedule": Unsupported,
        "note": Unsupported,
    }
    for kind, wanted in cards.items():
        part = (await shop.said(type=kind)).parts[0]
        assert isinstance(part, wanted), kind
        if isinstance(part, Text):
            assert part.text == "群聊的聊天记录\n小王: 你好"
    said = shop.play(text="oops")
    (fact,) = await shop.new()
    assert isinstance(fact, MessageReceived)
    (recalled,) = await shop.facts(type="revoke", target=said)
    assert isinstance(recalled, MessageRecalled)
    assert recalled.external_id == fact.external_id == said


async def test_pages_and_desks_have_cursors_of_their_own(shop: Shop) -> None:
    """Small pages are followed to the end; nothing comes twice; a first look without callback is history."""
    shop.change(page_limit=2, untokened_burst=3)
    for number in range(5):
        shop.play(text=str(number))
    shop.play(text="after-sales", open_kfid=SECOND)
    nudges = [(await asyncio.to_thread(shop.door.facts))[0] for _ in range(6)]
    assert isinstance(nudges[0], Nudge)
    assert {nudge.account for nudge in nudges} == {DESK, SECOND}
    texts: list[Part] = []
    cursor, more, hint = "", True, nudges[0].hint
    while more:
        polled = await shop.channel.poll(DESK, cursor, hint)
        cursor, more = polled.cursor, polled.more
        texts += [fact.parts[0] for fact in polled.facts if isinstance(fact, MessageReceived)]
    assert texts == [Text(str(number)) for number in range(5)]
    assert (await shop.channel.poll(DESK, cursor, hint)).facts == []
    (other,) = (await shop.channel.poll(SECOND, "")).facts
    assert isinstance(other, MessageReceived)
    assert (other.account, other.parts, other.backfill) == (SECOND, [Text("after-sales")], True)
    shop.shift(601)
    assert (await shop.channel.poll(DESK, cursor, hint)).facts == []  # without the token, which is over
    await shop.channel.poll(DESK, cursor)  # the third without one
    with pytest.raises(Retry) as rationed:
        await shop.channel.poll(DESK, cursor)
    assert rationed.value.code == "45009"


async def test_a_welcome_is_said_once_and_says_where_from(shop: Shop) -> None:
    """With the code while it is fresh; the scene, and the Channels account, are shown."""
    entered = await shop.said(action="enter", channels={"scene": 2, "nickname": "茶"}, scene="live")
    (notice,) = entered.parts
    assert isinstance(notice, Notice)
    assert (entered.opens, notice.data["scene"], notice.data["channel"]) == ("enter", "live", "茶")
    assert notice.text == "Opened the chat from Channels 茶, the live broadcast's products"
    assert entered.reply_handle
    profile = await shop.channel.fetch_profile(DESK, entered.sender.claims[0])
    assert (profile.name, profile.claims[0].space) == ("林美", "wechat:unionid")
    assert profile.data["channels_scene"] == "2"
    welcome = Choices("欢迎！", [Button("a", "看茶")])
    await shop.send(entered.address, welcome, handle=entered.reply_handle)
    with pytest.raises(Refused):  # used up, and no session has begun
        await shop.send(entered.address, Text("again"), handle=entered.reply_handle)
    again = await shop.said(action="enter")
    assert (again.opens, again.reply_handle) == ("", "")
    await shop.said(text="hi")
    await shop.send(entered.address, Text("plain"), handle=entered.reply_handle)
    assert [entry["kind"] for entry in shop.sandbox.ledger()] == ["msgmenu", "text"]
    shop.shift(48 * 3600 + 1)
    late = await shop.said(action="enter")
    shop.shift(21)
    with pytest.raises(Refused):
        await shop.send(late.address, Text("late"), handle=late.reply_handle)


async def test_every_kind_of_message_is_sent(shop: Shop) -> None:
    """Files are stored at WeCom first; a line of a menu that is pressed comes back as a choice."""
    to = (await shop.said(text="hi")).address
    files = {8: ("a.amr", "audio/amr"), 9: ("a.mp4", "video/mp4"), 10: ("a.pdf", "application/pdf")}
    shop.io.files = {UUID(int=n): Content(name, mime, b"data") for n, (name, mime) in files.items()}
    shop.io.files[FILE] = Content("a.jpg", "image/jpeg", JPEG)
    picture = Image(file_id=FILE, mime="image/jpeg")
    first: list[Part] = [
        Text("您好 😀"),
        picture,
        Audio(file_id=UUID(int=8), mime="audio/amr"),
        Video(file_id=UUID(int=9), mime="video/mp4"),
        File(file_id=UUID(int=10), name="a.pdf"),
    ]
    ids = [await shop.send(to, part) for part in first]
    await shop.said(text="more")
    second: list[Part] = [
        Location(31.2, 121.4, "店", "路"),
        Link("https://a.example", "茶", "250g"),
        Cards([Card("茶", "250g", picture, [Button("o", "看", url="https://a.example")])]),
        Cards([Card("单", "1", picture, [Button("o", "看", url="pages/order?id=1")])]),
        Choices("满意吗？", [Button("y", "满意"), Button("n", "不满意")]),
    ]
    ids += [await shop.send(to, part) for part in second]
    kinds = [
        "text",
        "image",
        "voice",
        "video",
        "file",
        "location",
        "msgmenu",
        "link",
        "miniprogram",
        "msgmenu",
    ]
    entries = shop.sandbox.ledger()
    assert [entry["kind"] for entry in entries] == kinds
    assert [entry["id"] for entry in entries] == ids
    assert len(set(ids)) == len(ids)
    pressed = await shop.said(type="press", reply_to=ids[-1], button="y")
    assert pressed.parts == [Choice("y", "满意")]


async def test_windows_states_and_late_failures(shop: Shop) -> None:
    """95001 after five, 95002 after 48 hours; a queue is left, a colleague's session is not."""
    to = (await shop.said(text="hi")).address
    for _ in range(5):
        await shop.send(to, Text("x"))
    with pytest.raises(Refused) as many:
        await shop.send(to, Text("sixth"))
    assert many.value.code == "95001"
    shop.shift(48 * 3600 + 1)
    with pytest.raises(Refused) as late:
        await shop.send(to, Text("late"))
    assert late.value.code == "95002"
    await shop.said(text="back")
    taken, echo = await colleague(shop)
    assert isinstance(taken, MessageReceived)
    assert (taken.opens, taken.auto) == ("", True)
    assert isinstance(echo, EchoReceived)
    assert (echo.address, echo.parts) == (to, [Text("我来")])
    with pytest.raises(Refused) as theirs:
        await shop.send(to, Text("x"))
    assert theirs.value.code == "session_taken"
    (recalled,) = await shop.facts(action="servicer_recall")
    assert isinstance(recalled, MessageRecalled)
    assert recalled.external_id == echo.external_id
    (over,) = await shop.facts(action="end")
    assert isinstance(over, ProfileReceived)
    with pytest.raises(Refused):
        await shop.send(to, Text("x"))
    await shop.said(text="once more")
    whose = {"open_kfid": DESK, "external_userid": to}
    (token,) = shop.io.kept.values()
    queued = shop.sandbox.control.post(
        "/cgi-bin/kf/service_state/trans",
        params={"access_token": token},
        json={**whose, "service_state": 2},
    )
    assert queued.json()["errcode"] == 0
    with pytest.raises(Refused) as waits:
        await shop.send(to, Text("x"))
    assert waits.value.code == "session_queued"
    shop.sandbox.control.post(
        "/cgi-bin/kf/service_state/trans",
        params={"access_token": token},
        json={**whose, "service_state": 4},
    )
    await shop.said(text="and once more")
    shop.play(action="block")
    sent = await shop.send(to, Text("refused"))
    (failed,) = await shop.new()
    assert isinstance(failed, ReceiptReceived)
    assert (failed.external_id, failed.status, failed.code) == (sent, "failed", "10")


async def colleague(shop: Shop) -> list[Inbound]:
    """A colleague answers in WeCom, which first takes the session: two callbacks, one look."""
    shop.play(action="servicer", text="我来")
    await asyncio.to_thread(shop.door.facts)
    return await shop.new()


async def test_a_send_that_was_not_answered_is_not_repeated(shop: Shop) -> None:
    """The same key carries the same message id, which WeCom takes once."""
    to = (await shop.said(text="hi")).address
    shop.fault(kind="drop_after")
    with pytest.raises(InDoubt):
        await shop.send(to, Text("once"), key="the same")
    await shop.send(to, Text("once"), key="the same")
    assert len(shop.sandbox.ledger()) == 1


async def test_tokens_and_failures_on_the_wire(shop: Shop) -> None:
    """A token is renewed when it ends or is refused; the rest is told apart, without a secret in any text."""
    to = (await shop.said(text="hi")).address
    await shop.send(to, Text("one"))
    shop.shift(7201)
    await shop.send(to, Text("after the end of the token"))
    assert len(shop.sandbox.ledger()) == 2
    wanted: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"kind": "error", "code": -1}, Retry),
        ({"kind": "error", "code": 45009}, Retry),
        ({"kind": "http", "code": 502}, InDoubt),
        ({"kind": "drop_after"}, InDoubt),
        ({"kind": "error", "code": 60020}, Reauthorise),
        ({"kind": "error", "code": 48002}, Reauthorise),
        ({"kind": "error", "code": 95000}, Refused),
    ]
    for fault, outcome in wanted:
        shop.fault(**fault)
        with pytest.raises(outcome) as failed:
            await shop.send(to, Text("x"))
        assert shop.settings["app_secret"] not in str(failed.value)
    with pytest.raises(Refused):
        await shop.send("wmNobody", Text("x"))
    shop.fault(kind="error", code=40014, times=9)
    with pytest.raises(Reauthorise):
        await shop.send(to, Text("always refused"))


async def test_forged_callbacks_are_refused(shop: Shop) -> None:
    """Another token, a flipped byte, no encryption, an old time stamp."""
    shop.play(text="right")
    genuine = await asyncio.to_thread(shop.door.calls.get, True, 10)
    async with httpx.AsyncClient(trust_env=False) as client:

        async def status(url: str, body: bytes) -> int:
            return (await client.post(url, content=body)).status_code

        assert await status(genuine.url, genuine.body) == 200
        at = genuine.body.index(b"<Encrypt><![CDATA[") + 40
        other = b"A" if genuine.body[at : at + 1] != b"A" else b"B"
        assert await status(genuine.url, genuine.body[:at] + other + genuine.body[at + 1 :]) == 401
        assert await status(genuine.url, b"<xml><Event>kf_msg_or_event</Event></xml>") == 401
        assert (
            await status(genuine.url.replace(genuine.query["timestamp"], "1500000000"), genuine.body) == 401
        )
    shop.channel.verify(genuine)
    replayed = msgspec.structs.replace(genuine, received_at=genuine.received_at + timedelta(minutes=6))
    with pytest.raises(BadSignature):
        shop.channel.verify(replayed)
    shop.change(token="b" * 24)
    shop.play(text="forged")
    for _ in range(250):
        await asyncio.sleep(0.02)
        if shop.door.refused == 6:
            return
    raise AssertionError("not refused three times")
