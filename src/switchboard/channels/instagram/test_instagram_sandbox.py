"""Instagram's adapter against the sandbox over real HTTP: both logins, messages, stories, comments, mentions, failures."""

import asyncio
import time
from typing import Any
from uuid import UUID

import pytest

from switchboard.channels.api import (
    Audio,
    Button,
    Card,
    Cards,
    Choice,
    Choices,
    Claim,
    Content,
    EchoReceived,
    File,
    Image,
    Inbound,
    InDoubt,
    Link,
    MessageEdited,
    MessageRecalled,
    MessageReceived,
    Outbound,
    Outcome,
    Part,
    Product,
    Reacted,
    Reauthorise,
    ReceiptReceived,
    Refused,
    Retry,
    Text,
    Unsupported,
    Video,
)
from switchboard.channels.instagram.channel import Config, InstagramChannel
from switchboard.channels.loopback import Door, LoopbackIo, Sandbox
from switchboard.channels.reading import mark

WIRE = {"instagram": "the sandbox over HTTP"}

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
FILE = UUID(int=7)
SHOP = "17841405822304914"
DAY = 86_400


class Shop:
    """A professional account, its customer Ann, and the facts that come of what she does."""

    def __init__(self, sandbox: Sandbox, door: Door, io: LoopbackIo, login: str) -> None:
        self.sandbox, self.door, self.io = sandbox, door, io
        made = sandbox.post(
            "/sandbox/platforms/instagram", id=SHOP, webhook_url=door.url, settings={"login": login}
        )
        self.settings: dict[str, Any] = made["settings"]
        sandbox.post("/sandbox/customers", id="ann", name="Ann Lee", username="ann.lee")
        self.mark = mark(self.settings["access_token"])
        self.channel = self.connect()
        door.channel = self.channel

    def connect(self, **more: Any) -> InstagramChannel:
        """Return the adapter with the account's credentials, or with others."""
        names = ("login", "access_token", "app_secret", "verify_token")
        return InstagramChannel(Config(**{**{name: self.settings[name] for name in names}, **more}), self.io)

    def change(self, **settings: Any) -> None:
        """Change how the account behaves."""
        self.sandbox.post("/sandbox/platforms/instagram", id=SHOP, settings=settings)

    def shift(self, seconds: int) -> None:
        """Let time pass at Meta."""
        self.sandbox.post("/sandbox/clock", shift_seconds=seconds)

    def play(self, **wish: Any) -> None:
        """Ann does something."""
        self.sandbox.post("/sandbox/play", platform="instagram", account=SHOP, customer="ann", **wish)

    async def fact(self, **wish: Any) -> Inbound:
        """Return what becomes of it."""
        self.play(**wish)
        return await self.next()

    async def next(self) -> Inbound:
        """Return the fact of the next webhook."""
        (fact,) = await asyncio.to_thread(self.door.facts)
        return fact

    async def said(self, **wish: Any) -> MessageReceived:
        """Return a message of hers."""
        fact = await self.fact(**wish)
        assert isinstance(fact, MessageReceived), fact
        return fact

    async def parts(self, **wish: Any) -> list[Part]:
        """Return its parts."""
        return (await self.said(**wish)).parts

    def upload(self, name: str, content: bytes, mime: str) -> str:
        """Put a file into Ann's phone."""
        answer = self.sandbox.control.post(
            f"/sandbox/media?name={name}", content=content, headers={"content-type": mime}
        )
        key: str = answer.json()["key"]
        return key

    async def sent(self, message: Outbound) -> str:
        """Send; return the id, once its echo has come in."""
        made = (await self.channel.send(message)).external_id
        echo = await self.next()
        assert isinstance(echo, EchoReceived), echo
        assert echo.external_id == made
        return made


@pytest.fixture(params=["facebook", "instagram"])
async def shop(request: pytest.FixtureRequest, sandbox: Sandbox, door: Door, io: LoopbackIo) -> Shop:
    """The same account by both logins."""
    made = Shop(sandbox, door, io, request.param)
    await made.channel.register(door.url)
    return made


FACEBOOK = pytest.mark.parametrize("shop", ["facebook"], indirect=True)
INSTAGRAM = pytest.mark.parametrize("shop", ["instagram"], indirect=True)


def to(address: str, *parts: Part, **more: Any) -> Outbound:
    """Return a message."""
    return Outbound(SHOP, address, parts, more.pop("key", "key"), **more)


async def test_the_account_is_found_registered_and_watched(shop: Shop) -> None:
    (account,) = await shop.channel.probe()
    assert (account.external_id, account.name) == (SHOP, "@sandbox.shop")
    assert await shop.channel.check(shop.door.url) == []
    shop.change(fields=[])
    (deaf,) = await shop.channel.check(shop.door.url)
    assert (deaf.code, deaf.status) == ("unsubscribed", "red")
    await shop.channel.register(shop.door.url)
    assert (await shop.said(text="hi")).parts == [Text("hi")]


async def test_everything_that_ann_can_do_becomes_a_fact(shop: Shop) -> None:
    first = await shop.said(text="你好 😀")
    assert first.sender.claims == [Claim(f"instagram:{SHOP}", first.address)]
    assert (await shop.said(text="and?", reply_to=first.external_id)).reply_to == first.external_id
    kinds: list[tuple[str, str, type[Part]]] = [
        ("image", "image/png", Image),
        ("video", "video/mp4", Video),
        ("voice", "audio/mp4", Audio),
        ("document", "application/pdf", File),
    ]
    for kind, mime, wanted in kinds:
        (part,) = await shop.parts(type=kind, file=shop.upload("a.bin", PNG, mime))
        assert isinstance(part, wanted), part
        assert isinstance(part, Image | Video | Audio | File)
        assert part.source is not None
        assert (await shop.channel.fetch_media(SHOP, part.source)).data == PNG
    (story,) = await shop.parts(type="story_mention")
    assert isinstance(story, Link)
    story_reply = await shop.parts(type="story_reply", text="🔥")
    assert isinstance(story_reply[0], Link)
    assert story_reply[1] == Text("🔥")
    assert isinstance((await shop.parts(type="share"))[0], Link)
    assert isinstance((await shop.parts(type="reel"))[0], Link)
    assert isinstance((await shop.parts(type="ephemeral"))[0], Unsupported)
    assert isinstance((await shop.parts(type="unsupported"))[0], Unsupported)
    assert await shop.parts(type="product", text="In red?") == [Product("A1024"), Text("In red?")]
    assert (await shop.said(type="ad")).referral["source"] == "ADS"
    assert await shop.parts(type="get_started") == [Choice("HOURS", "What are your hours?")]
    mid = first.external_id
    reacted = await shop.fact(type="reaction", target=mid, emoji="😍")
    assert isinstance(reacted, Reacted)
    assert (reacted.external_id, reacted.emoji) == (mid, "😍")
    edited = await shop.fact(type="edit", target=mid, text="hello")
    assert isinstance(edited, MessageEdited)
    assert edited.parts == [Text("hello")]
    gone = await shop.fact(type="revoke", target=mid)
    assert isinstance(gone, MessageRecalled)
    assert gone.external_id == mid


async def test_every_kind_of_send_arrives_and_is_read(shop: Shop) -> None:
    ann = await shop.said(text="hi")
    shop.io.files[FILE] = Content("a.png", "image/png", PNG, url=f"{shop.sandbox.url}/meta-cdn/face/ann.png")
    parts: list[Part] = [
        Text("words"),
        Choices("Which tea?", [Button("tea:green", "Green")]),
        Cards([Card("Lamp", "20 €", image=Image(file_id=FILE), buttons=[Button("lamp", "Take it")])]),
        Image(file_id=FILE, mime="image/png"),
    ]
    sent = [await shop.sent(to(ann.address, part)) for part in parts]
    entries = shop.sandbox.ledger()
    assert [entry["kind"] for entry in entries] == ["text", "text", "template", "image"]
    assert [entry["id"] for entry in entries] == sent
    bubbles = shop.sandbox.control.get(f"/sandbox/chats/instagram:{SHOP}:ann/bubbles").json()["bubbles"]
    assert bubbles[-1]["attachments"][0]["content_type"] == "image/png"
    assert await shop.parts(type="press", reply_to=sent[1], button="0") == [Choice("tea:green", "Green")]
    assert await shop.parts(type="press", reply_to=sent[2], button="0") == [Choice("lamp", "Take it")]
    await shop.channel.mark_read(SHOP, ann.address, ann.external_id, typing=False)
    shop.sandbox.control.post(f"/sandbox/chats/instagram:{SHOP}:ann/read")
    read = await shop.next()
    assert isinstance(read, ReceiptReceived)
    assert (read.status, read.external_id) == ("read", sent[-1])
    profile = await shop.channel.fetch_profile(SHOP, ann.sender.claims[0])
    assert (profile.name, profile.data["username"]) == ("Ann Lee", "ann.lee")
    echo = await shop.fact(action="elsewhere", text="I, at the other desk")
    assert isinstance(echo, EchoReceived)
    assert echo.parts == [Text("I, at the other desk")]


@FACEBOOK
async def test_the_address_is_entered_and_watched_where_the_app_is_known(shop: Shop) -> None:
    known = shop.connect(app_id=shop.settings["app_id"])
    shop.sandbox.post("/sandbox/platforms/instagram", id=SHOP, webhook_url="http://127.0.0.1:9/old")
    assert [news.code for news in await known.check(shop.door.url)] == ["callback_elsewhere"]
    wrong = shop.connect(app_id=shop.settings["app_id"], verify_token="not the door's")
    with pytest.raises(Refused):
        await wrong.register(shop.door.url)
    await known.register(shop.door.url)
    assert await known.check(shop.door.url) == []
    assert (await shop.said(text="hi")).parts == [Text("hi")]
    (elsewhere,) = await known.check("https://elsewhere.example/hook")
    assert (elsewhere.status, elsewhere.code) == ("red", "callback_elsewhere")
    assert await shop.channel.check("https://elsewhere.example/hook") == []
    shop.change(token_expires_at=int(time.time()) + DAY)
    assert [news.code for news in await known.check(shop.door.url)] == ["token_ends"]


@FACEBOOK
async def test_the_end_of_the_token_is_told_a_week_before(shop: Shop) -> None:
    shop.change(token_expires_at=int(time.time()) + 6 * DAY)
    (ends,) = await shop.channel.check(shop.door.url)
    assert (ends.account, ends.status, ends.code) == ("", "amber", "token_ends")
    shop.change(token_expires_at=0, data_access_expires_at=int(time.time()) + 6 * DAY)
    assert [news.code for news in await shop.channel.check(shop.door.url)] == ["data_access_ends"]


async def test_products_are_shown_by_facebook_login_only(shop: Shop) -> None:
    ann = await shop.said(text="hi")
    if shop.settings["login"] == "instagram":
        with pytest.raises(Refused, match="Facebook login"):
            await shop.channel.send(to(ann.address, Product("5412345678901234")))
        assert shop.sandbox.ledger() == []
        return
    await shop.sent(to(ann.address, Product("5412345678901234")))
    assert [entry["text"] for entry in shop.sandbox.ledger()] == ["Lamp"]
    with pytest.raises(Refused) as foreign:
        await shop.channel.send(to(ann.address, Product("77")))
    assert foreign.value.code == "100.2018320"


async def test_comments_are_answered_in_public_and_once_in_private(shop: Shop) -> None:
    said = await shop.said(type="comment", text="How much?")
    assert (said.slot, said.sender.username) == (f"post:{said.address}", "ann.lee")
    post = await shop.channel.fetch_post(SHOP, said.address)
    assert (post.author, post.text != "", post.url != "") == ("sandbox.shop", True, True)
    with pytest.raises(Refused):  # no consent before she has written in private
        await shop.channel.fetch_profile(SHOP, said.sender.claims[0])
    answer = to(said.address, Text("20 €"), slot=said.slot, reply_to=said.external_id)
    public = await shop.channel.send(answer)
    told = await shop.next()
    assert isinstance(told, EchoReceived)
    assert (told.external_id, told.reply_to, told.slot) == (public.external_id, said.external_id, said.slot)
    await shop.sent(to(said.address, Text("New colours!"), slot=said.slot))
    private = to(f"comment:{said.external_id}", Text("More here"))
    await shop.sent(private)
    with pytest.raises(Refused) as twice:
        await shop.channel.send(private)
    assert twice.value.code == "10900"
    assert [entry["text"] for entry in shop.sandbox.ledger()] == ["20 €", "New colours!", "More here"]
    live = await shop.said(type="live_comment", text="Show the red one")
    assert live.slot == said.slot


async def test_mentions_are_looked_up_and_answered(shop: Shop) -> None:
    named = await shop.said(type="mention", text="look at @sandbox.shop")
    post = await shop.channel.fetch_post(SHOP, named.address)
    assert (post.text, post.author) == ("look at @sandbox.shop", "ann.lee")
    await shop.channel.send(to(named.address, Text("Thank you!"), slot=named.slot))
    caption = await shop.said(type="mention_caption", text="my lamp by @sandbox.shop")
    assert (await shop.channel.fetch_post(SHOP, caption.address)).text == "my lamp by @sandbox.shop"
    await shop.channel.send(to(caption.address, Text("Beautiful"), slot=caption.slot))
    assert [entry["kind"] for entry in shop.sandbox.ledger()] == ["mention", "mention"]


async def test_late_answers_are_for_people_only_and_end_after_a_week(shop: Shop) -> None:
    ann = await shop.said(text="hi")
    shop.shift(DAY + 1)
    with pytest.raises(Refused) as closed:
        await shop.channel.send(to(ann.address, Text("in time?")))
    assert closed.value.code == "10.2018278"
    await shop.sent(to(ann.address, Text("a person"), late=True, author="agent"))
    shop.shift(6 * DAY)
    with pytest.raises(Refused):
        await shop.channel.send(to(ann.address, Text("too late"), late=True, author="agent"))


async def test_failures_are_told_apart_on_the_wire(shop: Shop) -> None:
    ann = await shop.said(text="hi")
    wanted: list[tuple[dict[str, Any], type[Outcome]]] = [
        ({"kind": "error", "code": 613}, Retry),
        ({"kind": "error", "code": 2}, Retry),
        ({"kind": "http", "code": 502}, Retry),
        ({"kind": "error", "code": 100}, Refused),
        ({"kind": "error", "code": 200}, Reauthorise),
        ({"kind": "drop_after"}, InDoubt),
    ]
    for fault, outcome in wanted:
        shop.sandbox.post("/sandbox/faults", platform="instagram", **fault)
        with pytest.raises(outcome) as failed:
            await shop.channel.send(to(ann.address, Text("x")))
        assert shop.settings["access_token"] not in str(failed.value)
    shop.play(action="block")
    with pytest.raises(Refused) as blocked:
        await shop.channel.send(to(ann.address, Text("x")))
    assert blocked.value.unreachable
    shop.io.kept.clear()
    with pytest.raises(Reauthorise):
        await shop.connect(access_token="revoked").probe()


@FACEBOOK
async def test_a_page_token_that_ends_is_fetched_anew(shop: Shop) -> None:
    ann = await shop.said(text="hi")
    await shop.sent(to(ann.address, Text("one")))
    shop.change(page_token="EAA" + "another" * 8)
    await shop.sent(to(ann.address, Text("two")))
    assert shop.io.kept[f"account:{SHOP}:{shop.mark}"] == "EAA" + "another" * 8


@FACEBOOK
async def test_subscribing_leaves_what_messenger_reads(shop: Shop) -> None:
    shop.change(fields=["messages", "message_reads"])
    await shop.channel.register(shop.door.url)
    now = shop.sandbox.control.get(f"/sandbox/accounts/{SHOP}").json()["settings"]["fields"]
    assert now == ["messages", "message_reads", "feed"]


@INSTAGRAM
async def test_an_app_with_few_permissions_still_gets_messages(shop: Shop) -> None:
    shop.change(fields=[], refused_fields=["mentions", "message_edit"])
    await shop.channel.register(shop.door.url)
    assert await shop.channel.check(shop.door.url) == []
    assert (await shop.said(text="hi")).parts == [Text("hi")]
    assert (await shop.said(type="comment", text="How much?")).parts == [Text("How much?")]


@INSTAGRAM
async def test_a_token_that_is_never_renewed_is_told_a_week_before_its_end(shop: Shop) -> None:
    assert abs(int(shop.io.kept[f"instagram:until:{shop.mark}"]) - time.time() - 60 * DAY) < 60
    assert await shop.channel.check(shop.door.url) == []
    shop.io.kept[f"instagram:until:{shop.mark}"] = str(int(time.time()) + 6 * DAY)
    (ends,) = await shop.channel.check(shop.door.url)
    assert (ends.status, ends.code) == ("amber", "token_ends")
    shop.shift(2 * DAY)  # old enough to be renewed again
    shop.io.kept.pop(f"instagram:{shop.mark}")
    assert await shop.channel.check(shop.door.url) == []
    assert abs(int(shop.io.kept[f"instagram:until:{shop.mark}"]) - time.time() - 60 * DAY) < 60


@INSTAGRAM
async def test_the_token_of_an_account_alone_is_renewed_in_time(shop: Shop) -> None:
    ann = await shop.said(text="hi")
    first = shop.io.kept[f"instagram:{shop.mark}"]
    assert first != shop.settings["access_token"]  # renewed when the channel was connected
    shop.shift(59 * DAY)
    shop.io.kept.pop(f"instagram:{shop.mark}")  # half of its life is over: the next call renews it
    await shop.said(text="still there?")
    await shop.sent(to(ann.address, Text("yes")))
    second = shop.io.kept[f"instagram:{shop.mark}"]
    assert second != first
    assert await shop.channel.check(shop.door.url) == []
    shop.shift(30 * DAY)  # by now the first is over
    await shop.said(text="and now?")
    await shop.sent(to(ann.address, Text("yes")))
    shop.shift(61 * DAY)
    await shop.said(text="nobody renewed it")
    with pytest.raises(Reauthorise):
        await shop.channel.send(to(ann.address, Text("too late")))


async def test_a_webhook_signed_with_another_secret_is_refused(shop: Shop) -> None:
    shop.change(app_secret="of another app")
    shop.play(text="hi")
    for _ in range(100):
        if shop.door.refused:
            break
        await asyncio.sleep(0.05)
    assert shop.door.refused >= 1
    assert shop.door.calls.empty()
