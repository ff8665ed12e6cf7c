"""The adapter against the sandbox over real HTTP: its own process, our guarded client, a webhook address on
loopback.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import httpx
import pytest

from switchboard.channels.api import (
    Account,
    Audio,
    BadSignature,
    Button,
    Card,
    Cards,
    Choice,
    Choices,
    ContactCard,
    Content,
    EchoReceived,
    File,
    Http,
    IdentityChanged,
    Image,
    Inbound,
    InDoubt,
    Location,
    MessageEdited,
    MessageRecalled,
    MessageReceived,
    Notice,
    Outbound,
    Outcome,
    Part,
    RawRequest,
    Reacted,
    Reauthorise,
    ReceiptReceived,
    Refused,
    Retry,
    Stream,
    Template,
    Text,
    Unreadable,
    Unsupported,
)
from switchboard.channels.contract_io import KeptTokens
from switchboard.channels.whatsapp.channel import Config, WhatsAppChannel
from switchboard.net.guard import Guard
from switchboard.net.http import GuardedHttp

WIRE = {"whatsapp": "the sandbox over HTTP"}

F = TypeVar("F", bound=Inbound)
FILE = UUID("01900000-0000-7000-8000-000000000001")
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108040000"
    "00b51c0c020000000b4944415478da6364f80f00010501012718e3660000000049454e44ae426082"
)


class World(KeptTokens):
    """Io that leads to the sandbox: real HTTP under a guard that lets exactly this loopback port through."""

    def __init__(self, sandbox: str) -> None:
        super().__init__()
        self.sandbox = sandbox
        self.guarded = GuardedHttp(Guard([urlsplit(sandbox).netloc]))
        self.http: Http = self.guarded
        self.files = {FILE: Content("part.png", "image/png", PNG)}

    async def resolve(self, host: str, port: int) -> Stream:
        raise AssertionError("WhatsApp speaks HTTP only")

    async def file(self, file_id: UUID) -> Content:
        return self.files[file_id]

    def platform_url(self, name: str, default: str) -> str:
        return self.sandbox if name == "whatsapp" else default


class Product:
    """The part of the product that these tests need: a webhook address that verifies, parses and keeps the
    facts.
    """

    def __init__(self, sandbox: str, world: World) -> None:
        self.control = httpx.Client(base_url=sandbox, trust_env=False, timeout=20)
        self.world = world
        self.facts: list[Inbound] = []
        self.forged = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), webhook_of(self))
        self._server.daemon_threads = True
        self.hook = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        for name in ("ann", "bob"):
            self.post("/sandbox/customers", id=name, name=name.title())
        self.number = self.post("/sandbox/whatsapp/numbers", receipts="delivered")
        self.config = Config(
            waba_id=self.number["waba_id"],
            access_token=self.number["token"],
            app_secret=self.number["app_secret"],
            verify_token=self.number["verify_token"],
        )
        self.channel = WhatsAppChannel(self.config, world)
        people = self.control.get("/sandbox/customers").json()["items"]
        self.phones = {person["id"]: "+" + person["phone"].lstrip("+") for person in people}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.control.close()

    def post(self, path: str, **body: Any) -> Any:
        answer = self.control.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def play(self, customer: str, **wish: Any) -> str:
        account = {"platform": "whatsapp", "account": self.number["id"], "customer": customer}
        ids = self.post("/sandbox/play", **account, **wish)["ids"]
        return str(ids[0]) if ids else ""

    def wait(self, kind: type[F], count: int = 1, good: Callable[[F], bool] = lambda _: True) -> list[F]:
        until = time.monotonic() + 5
        found: list[F] = []
        while time.monotonic() < until:
            found = [fact for fact in self.facts if isinstance(fact, kind) and good(fact)]
            if len(found) >= count:
                return found
            time.sleep(0.01)
        raise AssertionError(f"{count} of {kind.__name__} wanted, got {self.facts}")

    async def send(self, part: Part, to: str = "", key: str = "k1", **more: Any) -> str:
        message = Outbound(
            account=self.number["id"], to=to or self.phones["ann"], parts=[part], idempotency_key=key, **more
        )
        return (await self.channel.send(message)).external_id

    def ledger(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.control.get("/sandbox/ledger?since=0").json()["items"]
        return items


def webhook_of(product: Product) -> type[BaseHTTPRequestHandler]:
    """The webhook door: the platform's verification on GET, signed bodies on POST."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            reply = product.channel.challenge(self.raw(b""))
            self.answer(reply.status, reply.body)

        def do_POST(self) -> None:
            request = self.raw(self.rfile.read(int(self.headers["content-length"])))
            try:
                product.channel.verify(request)
            except BadSignature:
                product.forged += 1
                self.answer(401, b"")
                return
            product.facts += product.channel.parse(request)
            self.answer(200, b"")

        def raw(self, body: bytes) -> RawRequest:
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = dict(parse_qsl(urlsplit(self.path).query))
            return RawRequest(self.command, self.path, query, headers, body, datetime.now(UTC))

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    """`python -m switchboard.sandbox`, a process of its own."""
    command = [sys.executable, "-m", "switchboard.sandbox", "--port", "0", "--receipt-delay-seconds", "0.01"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        yield json.loads(child.stdout.readline())["url"]
        child.terminate()


@pytest.fixture
async def product(sandbox: str) -> AsyncIterator[Product]:
    """A fresh number, whose business account has been told our address by the adapter itself."""
    world = World(sandbox)
    made = Product(sandbox, world)
    made.control.delete("/sandbox/faults")
    made.control.delete("/sandbox/ledger")
    await made.channel.register(made.hook)
    yield made
    made.close()
    await world.guarded.aclose()


async def test_the_probe_finds_the_number_and_tells_the_platforms_reason(product: Product) -> None:
    shown = f"{product.number['verified_name']} ({product.number['display_phone_number']})"
    assert await product.channel.probe() == [Account(product.number["id"], shown)]
    wrong = Config(product.config.waba_id, "EAAwrong-token-0123", "s" * 12, "v" * 12)
    with pytest.raises(Reauthorise) as caught:
        await WhatsAppChannel(wrong, product.world).probe()
    assert "WhatsApp: " in str(caught.value)
    assert "EAAwrong" not in str(caught.value)


async def test_trouble_at_meta_is_noticed(product: Product) -> None:
    """Another address, a low quality rating, a ban, a subscription that is gone."""
    await product.channel.register(product.hook)
    assert await product.channel.check(product.hook) == []
    (elsewhere,) = await product.channel.check("https://elsewhere.example/hook")
    assert (elsewhere.status, elsewhere.code) == ("amber", "webhook_elsewhere")
    path = f"/sandbox/accounts/{product.number['id']}"
    for change, wanted in (
        ({"quality_rating": "RED"}, ("amber", "quality:RED")),
        ({"status": "BANNED"}, ("red", "status:BANNED")),
    ):
        assert product.control.patch(path, json=change).is_success
        (news,) = await product.channel.check(product.hook)
        assert (news.account, news.status, news.code) == (product.number["id"], *wanted)
    product.control.patch(path, json={"status": "CONNECTED", "quality_rating": "GREEN", "subscribed": False})
    assert [news.code for news in await product.channel.check(product.hook)] == ["not_subscribed"]


async def test_a_conversation_there_and_back(product: Product) -> None:
    first = product.play("ann", text="你好 😀")
    (received,) = product.wait(MessageReceived)
    assert received.external_id == first
    assert received.parts == [Text("你好 😀")]
    assert (received.address, received.sender.name) == (product.phones["ann"], "Ann")
    ident = await product.send(Text("Hello Ann"), received.address, key="key-1", reply_to=first)
    receipts = product.wait(ReceiptReceived, 2)
    assert {receipt.external_id for receipt in receipts} == {ident}
    assert {receipt.idempotency_key for receipt in receipts} == {"key-1"}
    assert {receipt.status for receipt in receipts} == {"sent", "delivered"}
    assert {receipt.key for receipt in receipts} == {received.sender.claims[0].value}
    product.play("ann", action="read")
    product.wait(ReceiptReceived, good=lambda receipt: receipt.status == "read")
    assert product.ledger()[-1]["body"]["context"] == {"message_id": first}
    await product.channel.mark_read(product.number["id"], received.address, first, typing=True)
    assert product.forged == 0


async def test_a_picture_comes_in_and_goes_out(product: Product) -> None:
    answer = product.control.post(
        "/sandbox/media?name=part.png", content=PNG, headers={"content-type": "image/png"}
    )
    product.play("ann", type="image", file=answer.json()["key"], text="broken")
    (received,) = product.wait(MessageReceived)
    (image,) = received.parts
    assert isinstance(image, Image)
    assert image.caption == "broken"
    assert image.source is not None
    content = await product.channel.fetch_media(product.number["id"], image.source)
    assert (content.data, content.mime) == (PNG, "image/png")
    await product.send(Image(file_id=FILE, mime="image/png", caption="this one?"))
    sent = product.ledger()[-1]["body"]
    assert sent["type"] == "image"
    assert sent["image"]["caption"] == "this one?"


async def test_everything_that_the_manifest_claims_is_taken(product: Product) -> None:
    product.play("ann", text="hi")
    parts: list[Part] = [
        Text("hi"),
        Audio(file_id=FILE, mime="audio/ogg", voice=True),
        File(file_id=FILE, name="a.pdf", mime="application/pdf"),
        Location(52.5, 13.4, "Shop"),
        ContactCard("Desk", ["+493012345"]),
        Choices("Site?", [Button("u", "Open", url="https://shop.example")]),
    ]
    for part in parts:
        await product.send(part)
    kinds = [entry["body"]["type"] for entry in product.ledger()]
    assert kinds == ["text", "audio", "document", "location", "contacts", "interactive"]
    # A template opens a conversation with somebody who never wrote.
    await product.send(Template("hello_world", "en_US"), product.phones["bob"])


async def test_buttons_and_lists_are_pressed(product: Product) -> None:
    product.play("ann", text="hi")
    asked = await product.send(Choices("Friday?", [Button("y", "Yes"), Button("n", "No")]))
    product.play("ann", type="press", reply_to=asked, button="n")
    rows = [Button("a", "Express", "next day"), Button("b", "Standard")]
    listed = await product.send(Choices("How?", rows, style="list"))
    product.play("ann", type="press", reply_to=listed, button="a")
    pressed = product.wait(MessageReceived, 3)[1:]
    assert [fact.parts for fact in pressed] == [[Choice("n", "No")], [Choice("a", "Express", "next day")]]
    assert [fact.reply_to for fact in pressed] == [asked, listed]


async def test_cards_are_shown_and_pressed(product: Product) -> None:
    product.play("ann", text="hi")
    key = product.control.post(
        "/sandbox/media?name=a.png", content=PNG, headers={"content-type": "image/png"}
    )
    url = f"{product.world.sandbox}/sandbox/media/{key.json()['key']}"
    product.world.files[FILE] = Content("a.png", "image/png", PNG, url=url)
    picture = Image(file_id=FILE, mime="image/png")
    lamp = Card("Lamp", "40 €", picture, [Button("lamp", "Take it")])
    several = await product.send(Cards([lamp, Card("Desk", "", picture, [Button("desk", "Take it")])]))
    delivered = lambda receipt: (receipt.external_id, receipt.status) == (several, "delivered")  # noqa: E731
    product.wait(ReceiptReceived, good=delivered)
    product.play("ann", type="press", reply_to=several, button="desk")
    alone = await product.send(Cards([lamp]))
    product.play("ann", type="press", reply_to=alone, button="lamp")
    await product.send(Cards([Card("Lamp", "40 €", picture)]))
    pressed = product.wait(MessageReceived, 3)[1:]
    assert [fact.parts for fact in pressed] == [[Choice("desk", "Take it")], [Choice("lamp", "Take it")]]
    assert [entry["body"]["type"] for entry in product.ledger()] == ["interactive", "interactive", "image"]


async def test_who_stops_marketing_messages_can_still_be_answered(product: Product) -> None:
    product.play("ann", text="hi")
    product.play("ann", type="user_preferences", value="stop")
    (told,) = product.wait(MessageReceived, 2)[1:]
    assert (told.opens, told.address) == ("", product.phones["ann"])
    assert [part.code for part in told.parts if isinstance(part, Notice)] == [
        "whatsapp_marketing_messages_stop"
    ]
    await product.send(Text("Your order is here"))
    advertisement = await product.send(Template("club_news", "en", ["Ann"]), key="k2")
    (failed,) = product.wait(ReceiptReceived, good=lambda receipt: receipt.status == "failed")
    assert (failed.external_id, failed.code) == (advertisement, "131050")
    product.play("ann", type="user_preferences", value="resume")
    again = await product.send(Template("club_news", "en", ["Ann"]), key="k3")
    product.wait(
        ReceiptReceived, good=lambda receipt: (receipt.external_id, receipt.status) == (again, "delivered")
    )


async def test_edits_reactions_and_oddities(product: Product) -> None:
    first = product.play("ann", text="tset")
    product.play("ann", type="edit", target=first, text="test")
    product.play("ann", type="reaction", target=first, emoji="👍")
    product.play("ann", type="unsupported")
    product.play("ann", type="revoke", target=first)
    product.play("ann", type="system", new_phone="4915199999999")
    assert product.wait(MessageEdited)[0].parts == [Text("test")]
    assert product.wait(MessageEdited)[0].external_id == first
    assert product.wait(Reacted)[0].emoji == "👍"
    assert product.wait(MessageRecalled)[0].external_id == first
    assert isinstance(product.wait(MessageReceived, 2)[1].parts[0], Unsupported)
    (moved,) = product.wait(IdentityChanged)
    assert (moved.previous.value, moved.current[0].value) == (product.phones["ann"], "+4915199999999")
    assert not [fact for fact in product.facts if isinstance(fact, Unreadable | EchoReceived)]


async def test_somebody_without_a_number_is_answered(product: Product) -> None:
    product.post("/sandbox/customers", id="eve", hides_phone=True, user_id="US.123")
    product.play("eve", text="who am I")
    (received,) = product.wait(MessageReceived)
    assert [(claim.space, claim.value) for claim in received.sender.claims] == [("whatsapp:bsuid", "US.123")]
    await product.send(Text("you are Eve"), received.address)
    assert product.ledger()[-1]["body"]["recipient"] == "US.123"
    product.play("eve", action="user_id_update", new_user_id="US.456")
    (changed,) = product.wait(IdentityChanged)
    assert (changed.previous.value, changed.current[0].value) == ("US.123", "US.456")


async def test_a_send_in_doubt_is_settled_by_its_status(product: Product) -> None:
    product.play("ann", text="hi")
    product.post("/sandbox/faults", kind="drop_after", platform="whatsapp")
    with pytest.raises(InDoubt):
        await product.send(Text("did you get it?"), key="key-in-doubt")
    (receipt, *_) = product.wait(ReceiptReceived)
    assert receipt.idempotency_key == "key-in-doubt"
    assert receipt.external_id == product.ledger()[-1]["id"]


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"kind": "error", "code": 190}, Reauthorise),
        ({"kind": "error", "code": 131031}, Reauthorise),
        ({"kind": "error", "code": 131056}, Retry),
        ({"kind": "error", "code": 130429}, Retry),
        ({"kind": "error", "code": 131000}, Retry),
        ({"kind": "error", "code": 131026}, Refused),
        ({"kind": "error", "code": 131047}, Refused),
        ({"kind": "error", "code": 132001}, Refused),
        ({"kind": "http", "code": 502}, Retry),
    ],
)
async def test_failures_are_sorted(product: Product, fault: dict[str, Any], outcome: type[Outcome]) -> None:
    product.play("ann", text="hi")
    product.post("/sandbox/faults", platform="whatsapp", **fault)
    with pytest.raises(outcome):
        await product.send(Text("hi"))
    assert product.ledger() == []
