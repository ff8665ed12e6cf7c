"""Messenger's adapter against the sandbox over real HTTP: conversations and comments both ways, tokens, failures."""

import asyncio
import time
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
    EchoReceived,
    File,
    Image,
    Inbound,
    InDoubt,
    Link,
    Location,
    MessageEdited,
    MessageRecalled,
    MessageReceived,
    Notice,
    Outbound,
    Outcome,
    Part,
    Product,
    Reacted,
    Reauthorise,
    ReceiptReceived,
    Refused,
    Retry,
    Sticker,
    Template,
    Text,
    Unsupported,
    Video,
)
from switchboard.channels.loopback import Door, LoopbackIo, Sandbox
from switchboard.channels.messenger.channel import Config, MessengerChannel
from switchboard.channels.reading import mark

WIRE = {"messenger": "the sandbox over HTTP"}

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
FILE = UUID(int=7)
PAGE, SECOND = "108242555512345", "108242555512346"
DAY = 86_400


class Shop:
    """Two pages of one app, their customer Ann, and the facts that come of what she does."""

    def __init__(self, sandbox: Sandbox, door: Door, io: LoopbackIo) -> None:
        self.sandbox, self.door, self.io = sandbox, door, io
        first = sandbox.post("/sandbox/platforms/messenger", id=PAGE, name="Shop")
        self.settings: dict[str, Any] = first["settings"]
        shared = {
            name: self.settings[name] for name in ("access_token", "app_id", "app_secret", "verify_token")
        }
        sandbox.post("/sandbox/platforms/messenger", id=SECOND, name="Second", settings=shared)
        sandbox.post("/sandbox/customers", id="ann", name="Ann Lee")
        sandbox.post("/sandbox/customers", id="bob", name="Bob")
        self.shared = shared
        self.channel = self.connect()
        door.channel = self.channel

    def connect(self, **more: Any) -> MessengerChannel:
        """Return the adapter with the app's credentials, or with others."""
        return MessengerChannel(Config(**{**self.shared, **more}), self.io)

    def change(self, **settings: Any) -> None:
        """Change how the page behaves."""
        self.sandbox.post("/sandbox/platforms/messenger", id=PAGE, settings=settings)

    def shift(self, seconds: int) -> None:
        """Let time pass at Meta."""
        self.sandbox.post("/sandbox/clock", shift_seconds=seconds)

    def play(self, customer: str = "ann", **wish: Any) -> None:
        """Somebody does something."""
        self.sandbox.post("/sandbox/play", platform="messenger", account=PAGE, customer=customer, **wish)

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
        """Send; return the id, once its echo, delivery (and read) have come in."""
        made = (await self.channel.send(message)).external_id
        echo, delivery = await self.next(), await self.next()
        assert isinstance(echo, EchoReceived), echo
        assert (echo.external_id, echo.idempotency_key) == (made, message.idempotency_key)
        assert isinstance(delivery, ReceiptReceived), delivery
        assert (delivery.external_id, delivery.status) == (made, "delivered")
        return made


@pytest.fixture
async def shop(sandbox: Sandbox, door: Door, io: LoopbackIo) -> Shop:
    """Registered at Meta, which checks the address before it believes it."""
    made = Shop(sandbox, door, io)
    await made.channel.register(door.url)
    return made


def to(address: str, *parts: Part, **more: Any) -> Outbound:
    """Return a message."""
    return Outbound(PAGE, address, parts, more.pop("key", "key"), **more)


async def test_pages_are_found_registered_and_watched(shop: Shop) -> None:
    pages = await shop.channel.probe()
    assert [(page.external_id, page.name) for page in pages] == [(PAGE, "Shop"), (SECOND, "Second")]
    of_one_page = shop.connect(access_token=shop.settings["page_token"])
    assert [page.external_id for page in await of_one_page.probe()] == [PAGE]
    assert await shop.channel.check(shop.door.url) == []
    elsewhere = await shop.channel.check("https://elsewhere.example/hook")
    assert [news.code for news in elsewhere] == ["callback_elsewhere"]
    shop.change(fields=[])
    (deaf,) = await shop.channel.check(shop.door.url)
    assert (deaf.account, deaf.code, deaf.status) == (PAGE, "unsubscribed", "red")
    shop.change(fields=["messages"])
    (half,) = await shop.channel.check(shop.door.url)
    assert half.code == "fields_missing"
    with pytest.raises(Refused):
        await shop.connect(verify_token="not the door's").register(shop.door.url)


async def test_everything_that_ann_can_do_becomes_a_fact(shop: Shop) -> None:
    first = await shop.said(text="你好 😀")
    assert first.parts == [Text("你好 😀")]
    assert first.sender.claims == [Claim(f"messenger:{PAGE}", first.address)]
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
        content = await shop.channel.fetch_media(PAGE, part.source)
        assert (content.data, content.mime, content.name) == (PNG, mime, "a.bin")
    assert isinstance((await shop.parts(type="sticker"))[0], Sticker)
    assert await shop.parts(type="product", product="5412345678901234") == [
        Product("5412345678901234"),
        Text("Do you have it in red?"),
    ]
    assert isinstance((await shop.parts(type="location"))[0], Location)
    assert await shop.parts(type="link", url="https://shop.example/lamp") == [
        Text("https://shop.example/lamp")
    ]
    assert await shop.parts(type="share", url="https://shop.example/p") == [
        Link("https://shop.example/p", "Shared")
    ]
    assert await shop.parts(type="get_started") == [Choice("GET_STARTED", "Get Started")]
    assert (await shop.said(type="ad")).opens == "ad"
    assert (await shop.said(action="ad_click")).opens == "ad"
    assert isinstance((await shop.parts(action="referral"))[0], Notice)
    assert isinstance((await shop.parts(action="optin"))[0], Notice)
    assert isinstance((await shop.parts(action="link"))[0], Notice)
    assert isinstance((await shop.parts(type="unsupported"))[0], Unsupported)
    mid = first.external_id
    reacted = await shop.fact(type="reaction", target=mid, emoji="🔥")
    assert isinstance(reacted, Reacted)
    assert (reacted.external_id, reacted.emoji) == (mid, "🔥")
    taken_back = await shop.fact(type="reaction", target=mid, emoji="")
    assert isinstance(taken_back, Reacted)
    assert taken_back.emoji == ""
    edited = await shop.fact(type="edit", target=mid, text="hello")
    assert isinstance(edited, MessageEdited)
    assert (edited.external_id, edited.parts) == (mid, [Text("hello")])
    gone = await shop.fact(type="revoke", target=mid)
    assert isinstance(gone, MessageRecalled)
    assert gone.external_id == mid


async def test_every_kind_of_send_arrives_and_is_told_back(shop: Shop) -> None:
    ann = await shop.said(text="hi")
    shop.io.files[FILE] = Content("a.png", "image/png", PNG, url=f"{shop.sandbox.url}/meta-cdn/face/ann.png")
    parts: list[Part] = [
        Text("words"),
        Choices("Which tea?", [Button("tea:green", "Green")]),
        Choices("Now?", [Button("buy", "Buy"), Button("", "Look", url="https://shop.example/")]),
        Cards([Card("Lamp", "20 €", image=Image(file_id=FILE), buttons=[Button("lamp", "Take it")])]),
        Image(file_id=FILE, mime="image/png"),
        File(file_id=FILE, name="a.png"),
        Product("5412345678901234"),
        Template("order_update", "zh_CN", ["林女士", "4711"]),
    ]
    sent = [await shop.sent(to(ann.address, part, key=f"key-{i}")) for i, part in enumerate(parts)]
    entries = shop.sandbox.ledger()
    kinds = ["text", "text", "template", "template", "image", "file", "template", "template"]
    assert [entry["kind"] for entry in entries] == kinds
    assert [entry["text"] for entry in entries][-2:] == ["Lamp", "林女士您好，订单 4711 已发货。"]
    assert [entry["id"] for entry in entries] == sent
    for number, payload, title in ((1, "tea:green", "Green"), (2, "buy", "Buy"), (3, "lamp", "Take it")):
        assert await shop.parts(type="press", reply_to=sent[number], button="0") == [Choice(payload, title)]
    await shop.channel.mark_read(PAGE, ann.address, ann.external_id, typing=False)
    await shop.channel.mark_read(PAGE, ann.address, ann.external_id, typing=True)
    bubbles = shop.sandbox.control.get(f"/sandbox/chats/messenger:{PAGE}:ann/bubbles").json()
    assert bubbles["bubbles"][0]["status"] == "read"
    assert bubbles["typing_seconds"] > 0
    shop.sandbox.control.post(f"/sandbox/chats/messenger:{PAGE}:ann/read")
    read = await shop.next()
    assert isinstance(read, ReceiptReceived)
    assert (read.status, read.up_to is not None) == ("read", True)
    profile = await shop.channel.fetch_profile(PAGE, ann.sender.claims[0])
    assert profile.name == "Ann Lee"
    assert profile.avatar is not None
    assert (await shop.channel.fetch_media(PAGE, profile.avatar)).mime == "image/png"


async def test_what_others_of_the_company_do_is_seen(shop: Shop) -> None:
    ann = await shop.said(text="hi")
    echo = await shop.fact(action="elsewhere", text="I, at the other desk")
    assert isinstance(echo, EchoReceived)
    assert (echo.address, echo.parts) == (ann.address, [Text("I, at the other desk")])
    await shop.said(action="take")
    assert (await shop.said(text="who is there?")).parts == [Text("who is there?")]
    with pytest.raises(Outcome) as taken:
        await shop.channel.send(to(ann.address, Text("me")))
    assert taken.value.code == "10.2018300"
    await shop.said(action="pass")
    await shop.sent(to(ann.address, Text("me again")))


async def test_late_answers_are_for_people_only_and_end_after_a_week(shop: Shop) -> None:
    ann = await shop.said(text="hi")
    shop.shift(DAY + 1)
    with pytest.raises(Refused) as closed:
        await shop.channel.send(to(ann.address, Text("in time?")))
    assert closed.value.code == "10.2018278"
    with pytest.raises(Refused):
        await shop.channel.send(to(ann.address, Text("a robot"), late=True, author="automation"))
    await shop.sent(to(ann.address, Text("a person"), late=True, author="agent"))
    shop.shift(6 * DAY)
    with pytest.raises(Refused):
        await shop.channel.send(to(ann.address, Text("too late"), late=True, author="agent"))
    await shop.said(text="again")
    shop.change(human_agent=False)
    shop.shift(DAY + 1)
    with pytest.raises(Refused):
        await shop.channel.send(to(ann.address, Text("without permission"), late=True, author="agent"))


async def test_templates_reach_people_long_after_the_window(shop: Shop) -> None:
    ann = await shop.said(text="hi")
    shop.shift(30 * DAY)
    template = Template("order_update", "en", ["Ann", "4711"], "…")
    await shop.sent(to(ann.address, template, author="automation"))
    assert shop.sandbox.ledger()[0]["text"] == "Hello Ann, your order 4711 is on its way to you."
    wrong = [
        (Template("order_update", "fr", ["Ann", "4711"]), "100"),
        (Template("order_update", "en", ["Ann"]), "100.2388106"),
        (Template("appointment", "en", ["Friday"]), "100.1893029"),
    ]
    for part, code in wrong:
        with pytest.raises(Refused) as refused:
            await shop.channel.send(to(ann.address, part))
        assert refused.value.code == code
    with pytest.raises(Refused) as closed:
        await shop.channel.send(to(ann.address, Product("5412345678901234")))
    assert closed.value.code == "10.2018278"
    await shop.said(text="again")
    with pytest.raises(Refused) as foreign:
        await shop.channel.send(to(ann.address, Product("77")))
    assert foreign.value.code == "100.2018320"
    shop.change(utility=False)
    with pytest.raises(Refused) as forbidden:
        await shop.channel.send(to(ann.address, template))
    assert forbidden.value.code == "10"
    assert await shop.channel.check(shop.door.url) == []


async def test_what_becomes_of_a_template_is_told(shop: Shop) -> None:
    body = {"type": "BODY", "text": "Big sale on {{1}}, come in!", "example": {"body_text": [["Friday"]]}}
    made = {"name": "sale", "language": "en", "category": "UTILITY", "components": [body]}
    shop.change(template_review="REJECTED")
    headers = {"authorization": f"Bearer {shop.settings['page_token']}"}
    answer = shop.sandbox.control.post(f"/v24.0/{PAGE}/message_templates", json=made, headers=headers)
    assert answer.json()["status"] == "REJECTED"
    news = await shop.next()
    assert isinstance(news, AccountChanged)
    assert (news.status, news.code) == ("amber", "message_template_status_update:REJECTED")
    assert "sale; en" in news.detail


async def test_an_app_without_templates_is_registered_all_the_same(shop: Shop) -> None:
    shop.change(refused_fields=["message_template_status_update"])
    await shop.channel.register(shop.door.url)
    assert await shop.channel.check(shop.door.url) == []


async def test_the_box_of_a_form_lets_one_message_through(shop: Shop) -> None:
    ticked = await shop.said(action="checkbox", user_ref="form-1")
    assert (ticked.address, ticked.opens) == ("user_ref:form-1", "optin")
    await shop.channel.send(to(ticked.address, Text("Your order")))
    assert shop.sandbox.ledger()[0]["text"] == "Your order"
    with pytest.raises(Refused):
        await shop.channel.send(to(ticked.address, Text("And more")))


async def test_comments_live_in_the_room_of_their_post(shop: Shop) -> None:
    said = await shop.said(type="comment", text="How much?")
    assert said.slot == f"post:{said.address}"
    assert said.sender.name == "Ann Lee"
    post = await shop.channel.fetch_post(PAGE, said.address)
    assert (post.author, post.text != "", post.url != "") == ("Shop", True, True)
    with pytest.raises(Refused):  # who never wrote in private is nobody yet
        await shop.channel.fetch_profile(PAGE, said.sender.claims[0])
    answer = to(said.address, Text("20 €"), slot=said.slot, reply_to=said.external_id)
    public = await shop.channel.send(answer)
    told = await shop.next()
    assert isinstance(told, EchoReceived)
    assert (told.external_id, told.reply_to, told.slot) == (public.external_id, said.external_id, said.slot)
    shop.io.files[FILE] = Content("a.png", "image/png", PNG)
    await shop.channel.send(to(said.address, Image(file_id=FILE), slot=said.slot))
    photo = await shop.next()
    assert isinstance(photo, EchoReceived)
    assert isinstance(photo.parts[0], Image)
    shown = await shop.parts(type="comment", file=shop.upload("b.png", PNG, "image/png"))
    assert isinstance(shown[0], Image)
    assert shown[0].source is not None
    assert (await shop.channel.fetch_media(PAGE, shown[0].source)).data == PNG
    second = await shop.said(text="And in red?", customer="bob", room=said.address, reply_to=said.external_id)
    assert (second.reply_to, second.sender.name) == (said.external_id, "Bob")
    reacted = await shop.fact(type="reaction", target=said.external_id, emoji="👍", room=said.address)
    assert isinstance(reacted, Reacted)
    edited = await shop.fact(type="edit", target=said.external_id, text="How much is it?", room=said.address)
    assert isinstance(edited, MessageEdited)
    for action, code in (("hide", "messenger.comment_hidden"), ("unhide", "messenger.comment_unhidden")):
        moderated = await shop.fact(action=action, target=said.external_id, room=said.address)
        assert isinstance(moderated, EchoReceived)
        assert (moderated.slot, moderated.reply_to) == (said.slot, said.external_id)
        assert [part.code for part in moderated.parts if isinstance(part, Notice)] == [code]
    gone = await shop.fact(type="revoke", target=said.external_id, room=said.address)
    assert isinstance(gone, MessageRecalled)
    wall = await shop.said(type="visitor_post", text="Love your shop")
    assert (wall.slot, wall.external_id) == (f"post:{wall.address}", wall.address)


async def test_a_comment_is_answered_in_private_once(shop: Shop) -> None:
    said = await shop.said(type="comment", text="How much?")
    private = to(f"comment:{said.external_id}", Text("More here"))
    await shop.sent(private)
    assert shop.sandbox.ledger()[0]["to"] == said.sender.claims[0].value
    with pytest.raises(Refused) as twice:
        await shop.channel.send(private)
    assert twice.value.code == "10900"
    answered = await shop.said(text="thank you")
    assert answered.sender.claims == said.sender.claims
    late = await shop.said(type="comment", text="And in red?")
    shop.shift(8 * DAY)
    with pytest.raises(Refused):
        await shop.channel.send(to(f"comment:{late.external_id}", Text("too late")))


async def test_who_posts_on_the_wall_is_answered_in_private(shop: Shop) -> None:
    wall = await shop.said(type="visitor_post", text="Love your shop")
    private = to(f"comment:{wall.external_id}", Text("Thank you!"))
    await shop.sent(private)
    assert shop.sandbox.ledger()[0]["to"] == wall.sender.claims[0].value
    with pytest.raises(Refused) as twice:
        await shop.channel.send(private)
    assert twice.value.code == "10900"


async def test_two_pages_of_one_connection_keep_apart(shop: Shop) -> None:
    here = await shop.said(text="to the shop")
    shop.sandbox.post(
        "/sandbox/play", platform="messenger", account=SECOND, customer="ann", text="to the second"
    )
    there = await shop.next()
    assert isinstance(there, MessageReceived)
    assert (here.account, there.account) == (PAGE, SECOND)
    assert there.sender.claims[0].space == f"messenger:{SECOND}"
    assert there.sender.claims != here.sender.claims
    answer = Outbound(SECOND, there.address, [Text("from the second")], "key-2")
    await shop.channel.send(answer)
    assert [entry["account"] for entry in shop.sandbox.ledger()] == [SECOND]
    assert set(shop.io.kept) >= {f"page:{SECOND}:{mark(shop.settings['access_token'])}"}
    with pytest.raises(Refused):  # ids of people mean something on one page only
        await shop.channel.send(Outbound(PAGE, there.address, [Text("wrong page")], "key-3"))


async def test_a_page_token_that_ends_is_fetched_anew(shop: Shop) -> None:
    ann = await shop.said(text="hi")
    await shop.sent(to(ann.address, Text("one")))
    shop.change(page_token="EAA" + "another" * 8)
    await shop.sent(to(ann.address, Text("two")))
    assert shop.io.kept[f"page:{PAGE}:{mark(shop.settings['access_token'])}"] == "EAA" + "another" * 8
    shop.change(page_token="EAA" + "third" * 8, access_token="EAA" + "changed" * 8)
    with pytest.raises(Reauthorise):
        await shop.channel.send(to(ann.address, Text("three")))
    assert [entry["text"] for entry in shop.sandbox.ledger()] == ["one", "two"]


async def test_the_end_of_the_token_is_told_a_week_before(shop: Shop) -> None:
    now = int(time.time())
    with_app = shop.channel
    without = shop.connect(app_id="")
    for adapter in (with_app, without):
        shop.change(token_expires_at=now + 8 * DAY)
        assert await adapter.check(shop.door.url) == []
        shop.change(token_expires_at=now + 6 * DAY)
        (ends,) = await adapter.check(shop.door.url)
        assert (ends.status, ends.code) == ("amber", "token_ends")
        shop.change(token_expires_at=0, scopes=["pages_messaging"])
        (lacking,) = await adapter.check(shop.door.url)
        assert (lacking.status, lacking.code) == ("amber", "permissions_missing")
        shop.change(scopes=[])
    shop.change(token_expires_at=now - 1)
    with pytest.raises(Reauthorise, match="expired"):
        await with_app.check(shop.door.url)


async def test_failures_are_told_apart_on_the_wire(shop: Shop) -> None:
    ann = await shop.said(text="hi")
    wanted: list[tuple[dict[str, Any], type[Outcome]]] = [
        ({"kind": "error", "code": 613}, Retry),
        ({"kind": "error", "code": 1200}, Retry),
        ({"kind": "error", "code": 2}, Retry),
        ({"kind": "http", "code": 502}, Retry),
        ({"kind": "error", "code": 100}, Refused),
        ({"kind": "error", "code": 10}, Refused),
        ({"kind": "error", "code": 200}, Reauthorise),
        ({"kind": "error", "code": 368}, Reauthorise),
        ({"kind": "drop_after"}, InDoubt),
    ]
    for fault, outcome in wanted:
        shop.sandbox.post("/sandbox/faults", platform="messenger", **fault)
        with pytest.raises(outcome) as failed:
            await shop.channel.send(to(ann.address, Text("x")))
        assert shop.settings["page_token"] not in str(failed.value)
    shop.play(action="block")
    with pytest.raises(Refused) as blocked:
        await shop.channel.send(to(ann.address, Text("x")))
    assert blocked.value.unreachable
    with pytest.raises(Reauthorise):
        await shop.connect(access_token="EAArevoked").probe()


async def test_greeting_menu_and_button_stand_on_the_pages(shop: Shop) -> None:
    fancy = shop.connect(greeting="Hello!", menu="Hours = HOURS; Shop = https://shop.example/")
    await fancy.register(shop.door.url)
    await shop.said(text="hi")
    (chat,) = shop.sandbox.control.get("/sandbox/state").json()["chats"]
    assert [row[0]["title"] for row in chat["keyboard"]] == ["Hours", "Shop"]
    assert await shop.parts(type="press", button="menu:0") == [Choice("HOURS", "Hours")]


async def test_a_webhook_signed_with_another_secret_is_refused(shop: Shop) -> None:
    shop.change(app_secret="of another app")
    shop.play(text="hi")
    for _ in range(100):
        if shop.door.refused:
            break
        await asyncio.sleep(0.05)
    assert shop.door.refused >= 1
    assert shop.door.calls.empty()
