"""The App SDK as an app has it: built, in Node, without a page, against a real server over a line that breaks."""

import asyncio
import json
import re
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol
from uuid import uuid4

import pytest

from tests.sdk.line import Line, line_to
from tests.sdk.phone import Phone, phone, words
from tests.sdk.shop import Agent, Shop

WIRE = {"web": "the site widget in Chromium, the App SDK in Node and Chromium"}

pytestmark = pytest.mark.xdist_group("sdk")

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "app-sdk.md"
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc000000301010018dd8db00000000049454e44ae426082"
)
VOICE = b"ID3\x04\x00\x00\x00\x00\x00\x00" + b"\xff\xfb\x90\x00" * 200


def block(language: str) -> str:
    """Return the example in a language by which the guide says a company's server makes a token."""
    found = re.search(rf"^```{language}\n(.*?)^```", GUIDE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def python_token(shop: Shop, user: str, age: float = 0, secret: str = "", **known: str) -> str:
    """Make a token as the guide says in Python; `age` in seconds."""
    room: dict[str, Any] = {}
    exec(block("python"), room)
    room["time"] = SimpleNamespace(time=lambda: time.time() - age)
    return str(room["chat_token"](secret or shop.secret, shop.site, user, **known))


def node_token(shop: Shop, user: str, **known: Any) -> str:
    """Make a token as the guide says in Node."""
    given = json.dumps([shop.secret, shop.site, user, known])[1:-1]
    script = f"{block('js')}\nprocess.stdout.write(chatToken({given}))"
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script], capture_output=True, text=True, check=True
    )
    return done.stdout


class Run(Protocol):
    """Starts the app on the customer's phone."""

    def __call__(
        self, host: Callable[[], str] | None = None, **options: Any
    ) -> AbstractAsyncContextManager[Phone]: ...


@pytest.fixture
async def line(shop: Shop) -> AsyncIterator[Line]:
    async with line_to(shop.url) as made:
        yield made


@pytest.fixture
async def agent(shop: Shop) -> AsyncIterator[Agent]:
    async with shop.agent() as made:
        yield made


@pytest.fixture
def customer() -> str:
    """A new customer's name, also their id at the host."""
    return f"Li {uuid4().hex[:8]}"


@pytest.fixture
def run(sdk: Path, shop: Shop, line: Line, customer: str, tmp_path: Path) -> Run:
    def start(host: Callable[[], str] | None = None, **options: Any) -> AbstractAsyncContextManager[Phone]:
        signed_in = host or (lambda: python_token(shop, customer, name=customer))
        given = {"sdk": sdk, "server": line.url, "site": shop.site, "kept": tmp_path / "kept.json"}
        return phone(signed_in, **(given | options))

    return start


async def test_a_signed_in_customer_is_answered(run: Run, agent: Agent, customer: str) -> None:
    async with run() as app:
        await app.ready()
        await app.call("sendText", "Is the blue tent in stock?")
        case = await agent.case(customer)
        await agent.answer(case, "Yes, five of them.")
        await app.until_shown(("Is the blue tent in stock?", "read"), ("Yes, five of them.", None))
        assert app.told() == ["Yes, five of them."]
        assert app.heard("message")[0]["author"] == {"name": "Ann Archer"}
        assert app.asked == 1


async def test_pictures_voice_and_files_arrive_as_they_are(run: Run, agent: Agent, customer: str) -> None:
    terms = "Return within 30 days. 退货".encode()
    async with run() as app:
        await app.ready()
        await app.send_file("sendImage", "tent.png", "image/png", PICTURE)
        await app.send_file("sendVoice", "note.mp3", "audio/mpeg", VOICE, duration=2.5)
        await app.send_file("sendFile", "terms.txt", "text/plain", terms)
        case = await agent.case(customer)
        parts = [one["parts"][0] for one in await agent.messages(case, 3)]
        assert [part["type"] for part in parts] == ["image", "audio", "file"]
        assert [part["file"]["name"] for part in parts] == ["tent.png", "note.mp3", "terms.txt"]
        assert [await agent.read(part["file"]) for part in parts] == [PICTURE, VOICE, terms]
        assert (parts[1]["voice"], parts[1]["duration"]) == (True, 2.5)
        await app.until_shown(("[tent.png]", "filed"), ("[note.mp3]", "filed"), ("[terms.txt]", "filed"))
        shown = (await app.call("look"))["timeline"][2]["parts"][0]["file"]
        address = await app.call("address", shown["url"])
        assert await agent.read({"url": "/" + address.split("/", 3)[3]}) == terms


async def test_what_was_said_is_there_after_a_restart(
    run: Run, agent: Agent, line: Line, customer: str
) -> None:
    async with run() as app:
        await app.ready()
        await app.call("sendText", "one")
        case = await agent.case(customer)
        await agent.answer(case, "two")
        await app.until(lambda: app.told() == ["two"])
        line.cut()
        await app.until(lambda: app.heard("phase")[-1] == "waiting")
        await app.call("sendText", "three")
        await asyncio.sleep(0.1)  # for the phone's storage
    line.mend()
    await agent.answer(case, "four")
    async with run() as app:
        await app.ready()
        await app.until_shown(("one", "read"), ("two", None), ("four", None), ("three", "filed"))
        assert app.told() == ["four"]
    assert said(await agent.messages(case, 2)) == ["one", "three"]


async def test_what_is_unread_is_counted_and_read_marks_reach_the_desk(
    run: Run, shop: Shop, agent: Agent, customer: str, tmp_path: Path
) -> None:
    async with run(lambda: node_token(shop, customer, name=customer)) as app:
        await app.ready()
        await app.call("sendText", "Hello?")
        case = await agent.case(customer)
        await agent.answer(case, "Hello!")
        await agent.answer(case, "How can we help?")
        await app.until(lambda: app.heard("unread") == [1, 2])
        await agent.seen(case, "delivered")
        async with run(kept=tmp_path / "tablet.json") as tablet:
            await tablet.ready()
            assert (await tablet.call("look"))["unread"] == 2
            assert tablet.told() == []
            await app.call("markRead")
            assert app.heard("unread") == [1, 2, 0]
            await agent.seen(case, "read")
        async with run(kept=tmp_path / "tablet.json") as tablet:
            await tablet.ready()
            assert (await tablet.call("look"))["unread"] == 0


async def test_typing_is_seen_on_both_sides(run: Run, agent: Agent, customer: str) -> None:
    async with run() as app:
        await app.ready()
        await app.call("sendText", "Hello?")
        case = await agent.case(customer)
        await agent.watch(case)
        await app.call("typing")
        assert (await agent.hears("typing"))["conversation_id"] == case
        await agent.type(case)
        await app.until(lambda: app.heard("typing") == ["Ann Archer"])
        await agent.answer(case, "Hello!")
        await app.until(lambda: app.heard("typing") == ["Ann Archer", None])


async def test_a_broken_line_loses_and_doubles_nothing(
    run: Run, agent: Agent, line: Line, customer: str
) -> None:
    async with run() as app:
        await app.ready()
        await app.call("sendText", "asked 0")
        case = await agent.case(customer)
        for nr in range(1, 5):
            # The server has it, but its word for that is lost; what follows meets no line at all.
            line.deaf = True
            await app.call("sendText", f"asked {nr}")
            await agent.messages(case, 2 * nr)
            await agent.answer(case, f"answered {nr}")
            line.cut()
            await agent.answer(case, f"answered {nr} again")
            await app.call("sendText", f"asked {nr} again")
            line.mend()
            await app.hears_of(2 * nr)
            await agent.messages(case, 2 * nr + 1)
        pairs = [(f"{nr}", f"{nr} again") for nr in range(1, 5)]
        assert app.told() == [f"answered {one}" for pair in pairs for one in pair]
        asked = ["asked 0", *(f"asked {one}" for pair in pairs for one in pair)]
        assert said(await agent.messages(case, 9)) == asked
        shown = await app.shows()
        assert sorted(text for text, _ in shown) == sorted([*asked, *app.told()])
        assert [text for text, delivery in shown if delivery] == asked
        assert app.asked == 1


async def test_a_long_absence_is_made_up_page_by_page(
    run: Run, agent: Agent, line: Line, customer: str, tmp_path: Path
) -> None:
    async with run() as app:
        await app.ready()
        await app.call("sendText", "Call me back")
        case = await agent.case(customer)
        line.cut()
        for nr in range(120):
            await agent.answer(case, f"{nr}")
        line.mend()
        await app.call("wake")
        await app.hears_of(120)
        assert app.told() == [f"{nr}" for nr in range(120)]
    async with run(kept=tmp_path / "tablet.json") as tablet:
        await tablet.ready()
        assert len(await tablet.shows()) < 100
        while await tablet.call("loadOlder"):
            pass
        assert [text for text, _ in await tablet.shows()] == ["Call me back", *(f"{nr}" for nr in range(120))]
        assert tablet.told() == []


async def test_a_token_that_expired_is_asked_for_again(
    run: Run, shop: Shop, agent: Agent, customer: str
) -> None:
    tokens = [
        python_token(shop, customer, age=600), python_token(shop, customer, secret="guessed"),
        *(python_token(shop, customer, name=customer) for _ in range(2)),
    ]  # fmt: skip
    async with run(lambda: tokens.pop(0)) as app:
        await app.ready()
        expired, forged = app.heard("error")
        assert (expired["status"], forged["status"]) == (403, 403)
        assert "expired" in expired["message"]
        assert "not signed" in forged["message"]
        await app.call("sendText", "one")
        case = await agent.case(customer)
        # The server's own token, too, may be one that it no longer knows.
        await app.call("spoil")
        await app.call("stop")
        await app.ready()
        assert (app.asked, tokens) == (4, [])
        await app.call("sendText", "two")
        assert said(await agent.messages(case, 2)) == ["one", "two"]
        await app.until_shown(("one", "filed"), ("two", "filed"))


async def test_who_signs_out_leaves_nothing_to_the_next(
    run: Run, shop: Shop, agent: Agent, customer: str, tmp_path: Path
) -> None:
    async with run() as app:
        await app.ready()
        await app.call("registerDevice", "fcm", "droid:token_1")
        with pytest.raises(AssertionError, match="body can't be read"):
            await app.call("registerDevice", "apns", "no such token")
        await app.call("sendText", "my secret")
        await agent.case(customer)
        await app.call("signOut")
        assert await app.shows() == []
    kept = (tmp_path / "kept.json").read_text()
    assert "droid" not in kept
    assert "secret" not in kept
    async with run(lambda: python_token(shop, f"not {customer}")) as app:
        await app.ready()
        assert await app.shows() == []


async def test_a_stranger_is_found_again_on_the_same_phone_only(
    run: Run, agent: Agent, customer: str, tmp_path: Path
) -> None:
    async with run(stranger=True) as app:
        await app.ready()
        await app.call("introduce", {"name": customer})
        await app.call("sendText", "Hello?")
        await agent.case(customer)
    async with run(stranger=True) as app:
        await app.ready()
        await app.until_shown(("Hello?", "filed"))
    async with run(stranger=True, kept=tmp_path / "tablet.json") as tablet:
        await tablet.ready()
        assert await tablet.shows() == []


async def test_the_sample_for_mini_programs_does_it_with_what_wechat_has(
    run: Run, agent: Agent, line: Line, customer: str, sdk: Path, mini: Path, tmp_path: Path
) -> None:
    weixin: dict[str, Any] = {"mini": mini, "sdk": sdk.with_name("index.cjs")}
    async with run(**weixin) as app:
        await app.ready()
        await app.send_file("sendImage", "tent.png", "image/png", PICTURE)
        case = await agent.case(customer)
        (picture,) = [one["parts"][0] for one in await agent.messages(case, 1)]
        assert (picture["type"], picture["file"]["name"]) == ("image", "tent.png")
        assert await agent.read(picture["file"]) == PICTURE
        await agent.answer(case, "Nice!")
        await app.hears_of(1)
        line.cut()
        await app.until(lambda: app.heard("phase")[-1] == "waiting")
        await app.call("sendText", "I take it")
    assert not (tmp_path / "tent.png").exists()
    await agent.answer(case, "Which size?")
    async with run(**weixin) as app:
        # The first attempt meets no line.
        await app.call("start")
        await app.until(lambda: "waiting" in app.heard("phase"))
        line.mend()
        await app.hears_of(1)
        assert app.told() == ["Which size?"]
        assert said(await agent.messages(case, 2)) == ["[tent.png]", "I take it"]


def said(messages: list[dict[str, Any]]) -> list[str]:
    """Return the words of messages."""
    return [words(one["parts"]) for one in messages]
