"""LINE's adapter against the sandbox over real HTTP: every kind of event in, every kind of message out, failures."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from switchboard.channels.api import (
    AccountChanged,
    Audio,
    Button,
    Card,
    Cards,
    Choice,
    Choices,
    Claim,
    Content,
    File,
    Image,
    Inbound,
    InDoubt,
    Location,
    MessageRecalled,
    MessageReceived,
    Outbound,
    Outcome,
    Part,
    ReachChanged,
    Reauthorise,
    Refused,
    Retry,
    Source,
    Sticker,
    Text,
    Unsupported,
    Video,
)
from switchboard.channels.line.channel import LineChannel, LineConfig
from switchboard.channels.loopback import Door, LoopbackIo, Sandbox
from switchboard.channels.registry import adapters

WIRE = {"line": "the sandbox over HTTP"}

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
FILE = UUID(int=7)
BOT = "U" + "b" * 32


class Shop:
    """An Official Account, its customer Ann, and the facts that come of what she does."""

    def __init__(self, sandbox: Sandbox, door: Door, io: LoopbackIo) -> None:
        self.sandbox, self.door, self.io = sandbox, door, io
        account = sandbox.post("/sandbox/platforms/line", id=BOT, name="Shop")
        sandbox.post("/sandbox/customers", id="ann", name="Ann Lee", language="ja")
        self.settings: dict[str, Any] = account["settings"]
        self.channel = self.connect()
        door.channel = self.channel

    def connect(self, **more: Any) -> LineChannel:
        """Return the adapter with the account's credentials, or with others."""
        known = {name: self.settings[name] for name in ("channel_secret", "access_token")}
        return LineChannel(LineConfig(**{**known, **more}), self.io)

    def change(self, **settings: Any) -> None:
        """Change how the account behaves at LINE."""
        self.sandbox.post("/sandbox/platforms/line", id=BOT, settings=settings)

    def play(self, **wish: Any) -> None:
        """Ann does something."""
        self.sandbox.post("/sandbox/play", platform="line", account=BOT, customer="ann", **wish)

    async def fact(self, **wish: Any) -> Inbound:
        """Return what becomes of it."""
        self.play(**wish)
        (fact,) = await asyncio.to_thread(self.door.facts)
        return fact

    async def said(self, **wish: Any) -> MessageReceived:
        """Return a message of hers."""
        fact = await self.fact(**wish)
        assert isinstance(fact, MessageReceived), fact
        return fact

    async def part(self, **wish: Any) -> Part:
        """Return its only part."""
        (part,) = (await self.said(**wish)).parts
        return part

    async def shown(self, message: str) -> dict[str, Any]:
        """Return the file that Ann's phone shows with a message, as soon as it has loaded it."""
        for _ in range(100):
            bubbles = self.sandbox.control.get(f"/sandbox/chats/line:{BOT}:ann/bubbles").json()["bubbles"]
            (bubble,) = [one for one in bubbles if one["id"] == message]
            if bubble["attachments"]:
                found: dict[str, Any] = bubble["attachments"][0]
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(f"{message} shows no file")

    def upload(self, name: str, content: bytes, mime: str) -> str:
        """Put a file into Ann's phone."""
        answer = self.sandbox.control.post(
            f"/sandbox/media?name={name}", content=content, headers={"content-type": mime}
        )
        key: str = answer.json()["key"]
        return key


@pytest.fixture
async def shop(sandbox: Sandbox, door: Door, io: LoopbackIo) -> Shop:
    """Registered at LINE."""
    made = Shop(sandbox, door, io)
    await made.channel.register(door.url)
    return made


def to(address: str, *parts: Part, key: str = "key", **more: Any) -> Outbound:
    """Return a message."""
    return Outbound(BOT, address, parts, key, **more)


async def test_the_account_is_found_registered_and_watched(shop: Shop) -> None:
    (account,) = await shop.channel.probe()
    assert (account.external_id, account.name) == (BOT, "Shop")
    assert await shop.channel.check(shop.door.url) == []
    (elsewhere,) = await shop.channel.check("https://elsewhere.example/hook")
    assert elsewhere.code == "webhook_elsewhere"
    shop.change(use_webhook=False)
    (off,) = await shop.channel.check(shop.door.url)
    assert off.code == "webhook_off"
    with pytest.raises(Refused):
        await shop.connect(rich_menu_id="richmenu-unknown").register(shop.door.url)
    bearer = {"authorization": f"Bearer {shop.settings['access_token']}"}
    drawn = {
        "size": {"width": 2500, "height": 843},
        "name": "m",
        "chatBarText": "Menu",
        "areas": [{"bounds": {}}],
    }
    made = shop.sandbox.control.post("/v2/bot/richmenu", headers=bearer, json=drawn).json()["richMenuId"]
    await shop.connect(rich_menu_id=made).register(shop.door.url)
    assert shop.sandbox.control.get("/v2/bot/user/all/richmenu", headers=bearer).json() == {
        "richMenuId": made
    }


async def test_everything_that_ann_can_do_becomes_a_fact(shop: Shop) -> None:
    first = await shop.said(text="你好 😀")
    assert first.parts == [Text("你好 😀")]
    (claim,) = first.sender.claims
    assert (claim.space, first.address) == (f"line:{BOT}", claim.value)
    assert (await shop.said(text="and?", reply_to=first.external_id)).reply_to == first.external_id
    smile = await shop.part(type="sticker")
    assert isinstance(smile, Sticker)
    assert smile.source is not None
    assert (await shop.channel.fetch_media(BOT, smile.source)).mime == "image/png"
    assert isinstance(await shop.part(type="location"), Location)
    for kind, mime, part in (
        ("image", "image/png", Image), ("video", "video/mp4", Video), ("voice", "audio/mp4", Audio),
        ("document", "application/pdf", File),
    ):  # fmt: skip
        found = await shop.part(type=kind, file=shop.upload("a", PNG, mime))
        assert isinstance(found, part), found
        assert found.source is not None
        content = await shop.channel.fetch_media(BOT, found.source)
        assert (content.data, content.mime) == (PNG, mime)
    assert await shop.part(type="menu", data="menu:1") == Choice("menu:1")
    assert isinstance(await shop.part(type="unknown"), Unsupported)
    gone = await shop.fact(type="revoke", target=first.external_id)
    assert isinstance(gone, MessageRecalled)
    assert gone.external_id == first.external_id
    blocked = await shop.fact(action="block")
    assert isinstance(blocked, ReachChanged)
    assert not blocked.reachable
    with pytest.raises(Refused) as refused:
        await shop.channel.fetch_profile(BOT, claim)
    assert refused.value.unreachable
    back = await shop.fact(action="unblock")
    assert isinstance(back, ReachChanged)
    assert back.reachable
    assert isinstance(await shop.fact(action="beacon"), AccountChanged)


async def test_a_group_is_a_room_of_its_own(shop: Shop) -> None:
    joined = await shop.fact(action="group", title="Family", id="C" + "a" * 32)
    assert isinstance(joined, AccountChanged)
    assert joined.code == "line_join"
    said = await shop.said(text="hello all", room="C" + "a" * 32)
    assert (said.address, said.slot) == ("C" + "a" * 32, "group:C" + "a" * 32)
    await shop.channel.send(to(said.address, Text("hello Family")))
    (entry,) = shop.sandbox.ledger()
    assert (entry["to"], entry["text"]) == ("C" + "a" * 32, "hello Family")


async def test_an_answer_goes_by_reply_token_then_by_push_once(shop: Shop) -> None:
    asked = await shop.said(text="hi")
    sent = await shop.channel.send(to(asked.address, Text("free"), handle=asked.reply_handle))
    second = await shop.channel.send(to(asked.address, Text("push"), handle=asked.reply_handle))
    again = await shop.channel.send(to(asked.address, Text("push")))
    assert [e["text"] for e in shop.sandbox.ledger()] == ["free", "push"]
    assert [e["id"] for e in shop.sandbox.ledger()] == [sent.external_id, second.external_id]
    assert again.external_id == second.external_id
    late = await shop.said(text="later")
    shop.sandbox.post("/sandbox/clock", shift_seconds=61)
    await shop.channel.send(to(late.address, Text("too late"), key="other", handle=late.reply_handle))
    assert shop.sandbox.ledger()[-1]["text"] == "too late"


async def test_every_kind_of_message_arrives_and_is_answered(shop: Shop) -> None:
    ann = await shop.said(text="hi")
    key = shop.upload("a.png", PNG, "image/png")
    shop.io.files[FILE] = Content("a.png", "image/png", PNG, url=f"{shop.sandbox.url}/sandbox/media/{key}")
    parts: list[Part] = [
        Text("words"),
        Choices("Which tea?", [Button("tea:green", "Green")]),
        Location(31.2, 121.4, "Shop", "Road 1"),
        Image(file_id=FILE),
        Audio(file_id=FILE, duration=2),
        Cards([Card("Sencha", "9 EUR", Image(file_id=FILE), [Button("buy", "Buy")]), Card("Hojicha")]),
    ]
    sent = [await shop.channel.send(to(ann.address, part, key=str(i))) for i, part in enumerate(parts)]
    entries = shop.sandbox.ledger()
    assert [entry["kind"] for entry in entries] == ["text", "text", "location", "image", "audio", "flex"]
    assert [entry["id"] for entry in entries] == [one.external_id for one in sent]
    pictures = [await shop.shown(sent[number].external_id) for number in (3, 5)]
    assert [one["content_type"] for one in pictures] == ["image/png", "image/png"]
    pressed = await shop.part(type="press", reply_to=sent[1].external_id, button="0")
    assert pressed == Choice("tea:green")
    profile = await shop.channel.fetch_profile(BOT, Claim("line", ann.address))
    assert (profile.name, profile.language) == ("Ann Lee", "ja")
    await shop.channel.mark_read(BOT, ann.address, ann.external_id, typing=True)
    chat = shop.sandbox.control.get("/sandbox/state").json()["chats"][0]
    assert chat["typing_seconds"] > 0


async def test_a_sticker_goes_by_its_name_and_only_those_of_the_list(shop: Shop) -> None:
    ann = await shop.said(type="sticker", sticker="1988")
    (received,) = ann.parts
    assert isinstance(received, Sticker)
    assert received.key == "446:1988"
    sent = await shop.channel.send(to(ann.address, Sticker(key=received.key)))
    (entry,) = shop.sandbox.ledger()
    assert (entry["id"], entry["kind"], entry["text"]) == (sent.external_id, "sticker", "[446/1988]")
    assert (await shop.shown(sent.external_id))["content_type"] == "image/png"
    for unlisted in ("446:1987", "1:1", "789:1988"):
        with pytest.raises(Refused, match=r"Not a sticker.*stickerId") as refused:
            await shop.channel.send(to(ann.address, Sticker(key=unlisted), key=unlisted))
        assert refused.value.code == "400"
    assert len(shop.sandbox.ledger()) == 1


async def test_every_listed_sticker_is_one_of_lines_and_has_a_picture(shop: Shop) -> None:
    limit = adapters()["line"].manifest.sends.sticker
    assert limit is not None
    ann = await shop.said(text="hi")
    edges = [f"{pack.id}:{number}" for pack in limit.packs for number in (pack.first, pack.last)]
    for key in edges:
        await shop.channel.send(to(ann.address, Sticker(key=key), key=key))
        assert (await shop.channel.fetch_media(BOT, Source(ref=key))).mime == "image/png"
    assert len(shop.sandbox.ledger()) == len(edges) == 30
    for pack in limit.packs:
        for key in (f"{pack.id}:{pack.first - 1}", f"{pack.id}:{pack.last + 1}"):
            with pytest.raises(Refused):
                await shop.channel.send(to(ann.address, Sticker(key=key), key=key))
            assert not limit.lists(key)


async def test_a_video_goes_with_a_still_picture(shop: Shop) -> None:
    ann = await shop.said(text="hi")
    film = shop.upload("a.mp4", b"\x00\x00\x00\x18ftypmp42", "video/mp4")
    still = shop.upload("poster.png", PNG, "image/png")
    media = f"{shop.sandbox.url}/sandbox/media"
    shop.io.files[FILE] = Content("a.mp4", "video/mp4", b"", url=f"{media}/{film}", poster=f"{media}/{still}")
    sent = await shop.channel.send(to(ann.address, Video(file_id=FILE)))
    (entry,) = shop.sandbox.ledger()
    assert (entry["id"], entry["kind"]) == (sent.external_id, "video")
    assert entry["body"]["previewImageUrl"] == f"{media}/{still}"
    assert (await shop.shown(sent.external_id))["content_type"] == "video/mp4"
    shop.io.files[FILE] = Content("a.mp4", "video/mp4", b"", url=f"{media}/{film}")
    with pytest.raises(Refused) as refused:
        await shop.channel.send(to(ann.address, Video(file_id=FILE), key="other"))
    assert refused.value.code == "no_public_address"


async def test_failures_are_told_apart_on_the_wire(shop: Shop) -> None:
    ann = await shop.said(text="hi")
    wanted: list[tuple[dict[str, Any], type[Outcome]]] = [
        ({"kind": "error", "code": 429}, Retry),
        ({"kind": "error", "code": 500}, Retry),
        ({"kind": "http", "code": 502}, Retry),
        ({"kind": "error", "code": 403}, Reauthorise),
        ({"kind": "error", "code": 400}, Refused),
        ({"kind": "drop_before"}, InDoubt),
        ({"kind": "drop_after"}, InDoubt),
    ]
    for fault, outcome in wanted:
        shop.sandbox.post("/sandbox/faults", platform="line", **fault)
        with pytest.raises(outcome) as failed:
            await shop.channel.send(to(ann.address, Text("x")))
        assert shop.settings["access_token"] not in str(failed.value)
    # What was in doubt had arrived: the same key tells so, and Ann has it once.
    assert (await shop.channel.send(to(ann.address, Text("x")))).external_id == shop.sandbox.ledger()[0]["id"]
    assert len(shop.sandbox.ledger()) == 1
    shop.change(monthly_limit=1)
    with pytest.raises(Refused) as quota:
        await shop.channel.send(to(ann.address, Text("y"), key="other"))
    assert quota.value.code == "quota"
    with pytest.raises(Reauthorise):
        await shop.connect(access_token="revoked").probe()


async def test_files_in_preparation_come_later_and_old_ones_never(shop: Shop) -> None:
    film = await shop.part(type="video", preparing=30)
    assert isinstance(film, Video)
    assert film.source is not None
    with pytest.raises(Retry):
        await shop.channel.fetch_media(BOT, film.source)
    shop.sandbox.post("/sandbox/clock", shift_seconds=31)
    assert (await shop.channel.fetch_media(BOT, film.source)).mime == "video/mp4"
    shop.sandbox.post("/sandbox/clock", shift_seconds=15 * 86_400)
    with pytest.raises(Refused):
        await shop.channel.fetch_media(BOT, film.source)


async def test_a_webhook_signed_with_another_secret_is_refused(shop: Shop) -> None:
    shop.change(channel_secret="of another account", redelivery=False)
    shop.play(text="hi")
    for _ in range(100):
        if shop.door.refused:
            break
        await asyncio.sleep(0.05)
    assert shop.door.refused == 1
    assert shop.door.calls.empty()
