"""Douyin's adapter against the sandbox over real HTTP: events in, answers, comments and cards out, tokens to the end of the authorisation."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from switchboard.channels.api import (
    AccountChanged,
    Claim,
    Content,
    EchoReceived,
    Form,
    Image,
    Inbound,
    InDoubt,
    MessageRecalled,
    MessageReceived,
    Outbound,
    Part,
    ProfileReceived,
    Reauthorise,
    Refused,
    Retry,
    Sticker,
    Template,
    Text,
    Unsupported,
    Video,
)
from switchboard.channels.douyin.channel import DouyinChannel, DouyinConfig
from switchboard.channels.loopback import Door, LoopbackIo, Sandbox

WIRE = {"douyin": "the sandbox over HTTP"}

SHOP = "5f1c7a52-0000-4c1e-9d3b-000000000001"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
FILE = UUID(int=7)
DAY = 86_400


class Shop:
    """An account that has authorised our app, its customer Mei, and the facts that come of what she does."""

    def __init__(self, sandbox: Sandbox, door: Door, io: LoopbackIo) -> None:
        self.sandbox, self.door, self.io = sandbox, door, io
        account = sandbox.post("/sandbox/platforms/douyin", id=SHOP, name="灯具小店", webhook_url=door.url)
        sandbox.post("/sandbox/customers", id="mei", name="林美")
        self.settings: dict[str, Any] = account["settings"]
        self.channel = self.connect()
        door.channel = self.channel

    def connect(self, **more: str) -> DouyinChannel:
        """Return the adapter with the app's credentials, or with others."""
        known = {name: self.settings[name] for name in ("client_key", "client_secret")}
        known["accounts"] = f"{SHOP} {self.settings['refresh_token']}"
        return DouyinChannel(DouyinConfig(**{**known, **more}), self.io)

    def change(self, **settings: Any) -> None:
        """Change how the account behaves at Douyin."""
        self.sandbox.post("/sandbox/platforms/douyin", id=SHOP, settings=settings)

    def play(self, **wish: Any) -> str:
        """Mei, or the owner, does something; return the id of the message if there is one."""
        ids = self.sandbox.post("/sandbox/play", platform="douyin", account=SHOP, customer="mei", **wish)[
            "ids"
        ]
        return str(ids[0]) if ids else ""

    async def told(self) -> Inbound:
        """Return the next thing that Douyin tells."""
        (fact,) = await asyncio.to_thread(self.door.facts)
        return fact

    async def fact(self, **wish: Any) -> Inbound:
        """Return what becomes of something."""
        self.play(**wish)
        return await self.told()

    async def said(self, **wish: Any) -> MessageReceived:
        """Return a message of hers."""
        fact = await self.fact(**wish)
        assert isinstance(fact, MessageReceived), fact
        return fact

    async def send(self, message: MessageReceived, *parts: Part, **more: Any) -> str:
        """Answer a message of hers; the echo is left to `told`."""
        answer = Outbound(
            SHOP, message.address, parts, "key", handle=message.reply_handle, slot=message.slot, **more
        )
        return (await self.channel.send(answer)).external_id

    def shift(self, seconds: float) -> None:
        """Let time pass."""
        self.sandbox.post("/sandbox/clock", shift_seconds=seconds)

    def fault(self, **wish: Any) -> None:
        """Arm a failure."""
        self.sandbox.post("/sandbox/faults", platform="douyin", **wish)

    def upload(self, name: str, content: bytes, mime: str) -> str:
        """Put a file into Mei's phone."""
        answer = self.sandbox.control.post(
            f"/sandbox/media?name={name}", content=content, headers={"content-type": mime}
        )
        key: str = answer.json()["key"]
        return key


@pytest.fixture
def shop(sandbox: Sandbox, door: Door, io: LoopbackIo) -> Shop:
    """Authorised."""
    return Shop(sandbox, door, io)


# -- the account ---------------------------------------------------------------------------------------------


async def test_the_account_is_found_and_wrong_credentials_are_told_apart(shop: Shop) -> None:
    """Key, secret and authorisation, each in Douyin's own words and without our secrets."""
    assert [(one.external_id, one.name) for one in await shop.channel.probe()] == [(SHOP, "灯具小店")]
    wrong = {
        "client_key": ("aw0000000000000", "10003"),
        "client_secret": ("a-wrong-secret", "10013"),
        "accounts": (f"{SHOP} rft.wrong", "10010"),
    }
    for name, (value, code) in wrong.items():
        shop.io.kept.clear()
        with pytest.raises(Reauthorise) as refused:
            await shop.connect(**{name: value}).probe()
        assert refused.value.code == code
        assert value.rpartition(" ")[2] not in str(refused.value)


async def test_the_console_checks_the_address(shop: Shop) -> None:
    """The number comes back as a number, from us only; another secret can't answer."""

    async def verified() -> Any:
        shop.play(action="verify")
        await asyncio.sleep(0.3)
        return shop.sandbox.control.get(f"/sandbox/accounts/{SHOP}").json()["webhook_verified"]

    assert await verified() is True
    shop.door.channel = shop.connect(client_secret="another-secret")
    assert await verified() is False
    assert shop.door.refused == 1


# -- coming in -----------------------------------------------------------------------------------------------


async def test_everything_that_mei_can_say_becomes_a_fact(shop: Shop) -> None:
    """Words, files, stickers, cards, what Douyin shows in its app only; taken back."""
    first = await shop.said(text="在吗 😀 ]]> \u2028")
    assert first.parts == [Text("在吗 😀 ]]> \u2028")]
    (claim,) = first.sender.claims
    assert claim == Claim(f"douyin:{shop.settings['client_key']}", first.address)
    assert (first.account, first.sender.name, first.opens) == (SHOP, "林美", "message")
    assert first.sender.avatar is not None
    files: dict[str, tuple[str, type[Any]]] = {"image": ("image/png", Image), "video": ("video/mp4", Video)}
    for kind, (mime, wanted) in files.items():
        (part,) = (await shop.said(type=kind, file=shop.upload("a", PNG, mime))).parts
        assert isinstance(part, wanted)
        fetched = await shop.channel.fetch_media(SHOP, part.source)
        assert (fetched.data, fetched.mime) == (PNG, mime)
    (sticker,) = (await shop.said(type="sticker")).parts
    assert isinstance(sticker, Sticker)
    assert (sticker.width, sticker.source and sticker.source.url[:8]) == (240, "https://")
    assert (await shop.said(type="form", values={"手机号": "138****0000"})).parts == [
        Form({"手机号": "138****0000"})
    ]
    for kind in ("share", "other"):
        assert isinstance((await shop.said(type=kind)).parts[0], Unsupported)
    oops = await shop.said(text="oops")
    recalled = await shop.fact(type="revoke", target=oops.external_id)
    assert isinstance(recalled, MessageRecalled)
    assert recalled.external_id == oops.external_id
    shop.change(kind="website_app")
    hidden = (await shop.said(type="image", file=shop.upload("a.png", PNG, "image/png"))).parts
    assert isinstance(hidden[0], Unsupported)


async def test_a_picture_that_was_taken_back_is_gone(shop: Shop) -> None:
    """A refusal of the file, not trouble of the connection's."""
    said = await shop.said(type="image", file=shop.upload("a.png", PNG, "image/png"))
    await shop.fact(type="revoke", target=said.external_id)
    (part,) = said.parts
    assert isinstance(part, Image)
    assert part.source is not None
    with pytest.raises(Refused):
        await shop.channel.fetch_media(SHOP, part.source)


async def test_visits_groups_and_the_owners_own_words(shop: Shop) -> None:
    """Who came and from where; whatever is said on the phone shows here as well; a group has a slot of its own."""
    came = await shop.fact(action="enter", ad=True)
    assert isinstance(came, ProfileReceived)
    assert came.sender.profile["douyin_entry"]["ad"]["ad_name"] == "Summer"
    first = await shop.said(text="hi")
    assert came.sender.claims == first.sender.claims
    echo = await shop.fact(type="owner", text="我来")
    assert isinstance(echo, EchoReceived)
    assert (echo.address, echo.parts, echo.slot) == (first.address, [Text("我来")], "")
    joined = await shop.fact(action="group")
    assert isinstance(joined, AccountChanged)
    assert (joined.status, joined.code) == ("green", "douyin_group_fans_event")
    group = joined.data["content"]["im_group_id"]
    said = await shop.said(room=group, text="大家好")
    assert (said.slot, said.address, said.opens) == (f"group:{group}", group, "")
    assert said.sender.claims == first.sender.claims
    sent = await shop.send(said, Text("欢迎"))
    echoed = await shop.told()
    assert isinstance(echoed, EchoReceived)
    assert (echoed.external_id, echoed.slot, echoed.address) == (sent, f"group:{group}", group)
    assert shop.sandbox.ledger()[-1]["to"] == group


async def test_comments_come_in_and_are_answered_in_public(shop: Shop) -> None:
    """Under the comment, or under the video; ours come back as echoes; Douyin answers comments only there."""
    said = await shop.said(type="comment", text="多少钱？")
    item = said.address
    assert (said.slot, said.reply_to, said.parts) == (f"post:{item}", "", [Text("多少钱？")])
    assert said.sender.claims[0].space == f"douyin:{shop.settings['client_key']}"
    post = await shop.channel.fetch_post(SHOP, item)
    assert (post.text, post.url[:8]) == ("新品上市 · New in store", "https://")
    sent = ""
    for reply_to in (said.external_id, ""):
        sent = await shop.send(said, Text("199 元"), reply_to=reply_to)
        echo = await shop.told()
        assert isinstance(echo, EchoReceived)
        assert (echo.external_id, echo.reply_to, echo.slot) == (sent, reply_to, said.slot)
    assert [entry["body"].get("comment_id", "") for entry in shop.sandbox.ledger()] == [said.external_id, ""]
    nested = await shop.said(type="comment", room=item, text="谢谢", reply_to=sent)
    assert nested.reply_to == sent
    for post_id, reply_to in (("@unknown", ""), (item, "@unknown")):
        with pytest.raises(Refused):
            await shop.channel.send(
                Outbound(SHOP, post_id, [Text("x")], "k", slot=f"post:{post_id}", reply_to=reply_to)
            )
    with pytest.raises(Refused):
        await shop.channel.fetch_post(SHOP, "@unknown")
    shop.fault(kind="error", code=28001018)
    with pytest.raises(Refused) as forbidden:  # a permission of its own: messages go on
        await shop.send(said, Text("x"))
    assert forbidden.value.code == "28001018"


# -- going out -----------------------------------------------------------------------------------------------


async def test_every_kind_of_message_is_sent_and_echoed_under_the_same_id(shop: Shop) -> None:
    """A picture is stored at Douyin first, with the app's own token."""
    said = await shop.said(text="hi")
    item = (await shop.said(type="comment", text="好")).address
    joined = await shop.fact(action="group")
    assert isinstance(joined, AccountChanged)
    shop.io.files[FILE] = Content("a.png", "image/png", PNG)
    rounds: list[list[Part]] = [
        [
            Text("您好 😀"),
            Image(file_id=FILE, mime="image/png"),
            Template("video", "", [item]),
            Template("retain_consult_card", "", ["@card"]),
            Template("group_invitation", "", [joined.data["content"]["im_group_id"]]),
        ],
        [
            Template("applet_card", "", ["@t", "tt1", "pages/a", "id=1"]),
            Template("applet_coupon", "", ["7123456789012345678"]),
            Template("auth_private_message_card", "", ["tt1", "open", shop.settings["client_key"]]),
        ],
    ]
    ids: list[str] = []
    for parts in rounds:
        for part in parts:
            ids.append(await shop.send(said, part))
            echo = await shop.told()
            assert isinstance(echo, EchoReceived)
            assert (echo.external_id, echo.address) == (ids[-1], said.address)
        said = await shop.said(text="more")
    entries = shop.sandbox.ledger()
    assert [entry["id"] for entry in entries] == ids
    assert [entry["body"]["content"]["msg_type"] for entry in entries] == [1, 2, 3, 8, 9, 10, 11, 12]
    bubbles = shop.sandbox.control.get(f"/sandbox/chats/douyin:{SHOP}:mei/bubbles").json()["bubbles"]
    (picture,) = [one for one in bubbles if one["id"] == ids[1]]
    shown = shop.sandbox.control.get(f"/sandbox/media/{picture['attachments'][0]['key']}")
    assert (shown.content, shown.headers["content-type"]) == (PNG, "image/png")


async def test_six_answers_within_a_day_of_the_newest_message(shop: Shop) -> None:
    """Each message opens its own six; nobody can be written to without one."""
    said = await shop.said(text="hi")
    for _ in range(6):
        await shop.send(said, Text("x"))
        await shop.told()
    with pytest.raises(Refused) as seventh:
        await shop.send(said, Text("x"))
    assert seventh.value.code == "28003070"
    newer = await shop.said(text="still there?")
    await shop.send(newer, Text("yes"))
    await shop.told()
    shop.shift(DAY + 1)
    with pytest.raises(Refused) as late:
        await shop.send(newer, Text("late"))
    assert late.value.code == "28001007"
    with pytest.raises(Refused) as first:
        await shop.channel.send(Outbound(SHOP, newer.address, [Text("x")], "k"))
    assert first.value.code == "no_window"
    assert len(shop.sandbox.ledger()) == 7


async def test_failures_on_the_wire_are_told_apart(shop: Shop) -> None:
    """Later, never, somebody must act, nobody knows."""
    said = await shop.said(text="hi")
    wanted: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"kind": "error", "code": 28003018}, Retry),
        ({"kind": "error", "code": 28001005}, Retry),
        ({"kind": "error", "code": 2100009}, Refused),
        ({"kind": "error", "code": 28001012}, Reauthorise),
        ({"kind": "error", "code": 28001016}, Reauthorise),
        ({"kind": "http", "code": 502}, Retry),
        ({"kind": "drop_before"}, InDoubt),
    ]
    for fault, outcome in wanted:
        shop.fault(**fault)
        with pytest.raises(outcome) as failed:
            await shop.send(said, Text("x"))
        assert shop.settings["client_secret"] not in str(failed.value)
    assert shop.sandbox.ledger() == []
    shop.fault(kind="drop_after")
    with pytest.raises(InDoubt):
        await shop.send(said, Text("once"))
    echo = await shop.told()  # and this is how it becomes known after all
    assert isinstance(echo, EchoReceived)
    assert (len(shop.sandbox.ledger()), echo.parts) == (1, [Text("once")])


# -- tokens --------------------------------------------------------------------------------------------------


async def test_an_authorisation_is_kept_alive_as_long_as_douyin_allows(shop: Shop) -> None:
    """An access token lasts 15 days, a refresh token 30 and is exchanged five times; the account then has to scan again."""
    first = shop.settings["refresh_token"]
    days = 0
    try:
        while days < 400:
            said = await shop.said(text=f"day {days}")
            await shop.send(said, Text("x"))
            await shop.told()
            days += 12
            shop.shift(12 * DAY)
            for name in list(shop.io.kept):
                if not name.startswith("refresh:"):
                    del shop.io.kept[name]  # the product fetches these again before they end
    except Reauthorise as error:
        assert error.code == "10010"  # noqa: PT017 (how long it took is what counts)
    assert 6 * 24 <= days <= 180
    settings = shop.sandbox.control.get(f"/sandbox/accounts/{SHOP}").json()["settings"]
    assert settings["refresh_token"] != first


async def test_tokens_that_are_refused_are_fetched_again_once(shop: Shop) -> None:
    """An account's token that is over, or that Douyin no longer knows; the app's own one as well."""
    shop.io.files[FILE] = Content("a.png", "image/png", PNG)
    picture = Image(file_id=FILE, mime="image/png")
    said = await shop.said(text="hi")
    await shop.send(said, picture)
    await shop.told()
    held = dict(shop.io.kept)
    shop.shift(15 * DAY + 1)
    said = await shop.said(text="two weeks later")
    await shop.send(said, picture)
    await shop.told()
    fresh = shop.io.kept
    assert {name for name in held if held[name] == fresh[name]} == {
        name for name in held if name.startswith("refresh:")
    }
    shop.fault(kind="error", code=28001003)
    await shop.send(said, Text("once more"))
    assert len(shop.sandbox.ledger()) == 3
    shop.fault(kind="error", code=28001003, times=9)
    with pytest.raises(Reauthorise):
        await shop.send(said, Text("always refused"))


async def test_a_withdrawn_authorisation_is_told_and_met(shop: Shop) -> None:
    """At once by the webhook, and by the next call."""
    said = await shop.said(text="hi")
    await shop.send(said, Text("x"))
    await shop.told()
    withdrawn = await shop.fact(action="unauthorize")
    assert isinstance(withdrawn, AccountChanged)
    assert (withdrawn.account, withdrawn.status) == (SHOP, "red")
    with pytest.raises(Reauthorise) as over:
        await shop.send(said, Text("x"))
    assert over.value.code == "10010"
    with pytest.raises(Reauthorise):
        await shop.channel.probe()


# -- proof ---------------------------------------------------------------------------------------------------


async def test_forged_events_are_refused(shop: Shop) -> None:
    """A flipped byte, no signature, another secret."""
    shop.play(text="right")
    genuine = await asyncio.to_thread(shop.door.calls.get, True, 10)
    proof = {"x-douyin-signature": genuine.headers["x-douyin-signature"]}
    async with httpx.AsyncClient(trust_env=False) as client:
        for body, headers, status in (
            (genuine.body, proof, 200),
            (genuine.body.replace(b"right", b"wrong"), proof, 401),
            (genuine.body + b" ", proof, 401),
            (genuine.body, {}, 401),
        ):
            answer = await client.post(shop.door.url, content=body, headers=headers)
            assert answer.status_code == status
    shop.change(client_secret="another-secret-altogether")
    shop.play(text="forged")
    for _ in range(250):
        await asyncio.sleep(0.02)
        if shop.door.refused >= 4:
            return
    raise AssertionError("an event signed with another secret was not refused")
