"""pywa, a public WhatsApp client library, against the sandbox over real HTTP."""

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx
import pytest
from pywa import errors as wa_errors
from pywa.client import WhatsApp
from pywa.handlers import UserMarketingPreferencesHandler
from pywa.types.callback import (
    BaseCarouselCard,
    Button,
    ImageCarouselCard,
    Section,
    SectionList,
    SectionRow,
    URLButton,
    VideoCarouselCard,
)
from pywa.types.others import Contact
from pywa.types.templates import TemplateLanguage
from pywa.types.user_preferences import UserMarketingPreferences

from switchboard.sandbox.conftest import Hook, Running

LIBRARIES = {"whatsapp": "pywa"}

JPEG = b"\xff\xd8\xff\xe0" + b"0" * 50


class Redirected(httpx.Client):
    """pywa sets Meta's address itself; this client goes to the sandbox instead."""

    def __init__(self, url: str) -> None:
        self._sandbox = url
        super().__init__(trust_env=False)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "base_url":
            value = f"{self._sandbox}/v23.0"
        super().__setattr__(name, value)


Connect = Callable[..., WhatsApp]


@pytest.fixture
def client(sandbox: Running) -> Iterator[Connect]:
    """Makes a client for a number; closed after the test."""
    sessions: list[Redirected] = []

    def connect(number: dict[str, Any], token: str = "") -> WhatsApp:
        sessions.append(Redirected(sandbox.url))
        return WhatsApp(
            phone_id=number["id"],
            token=token or number["token"],
            session=sessions[-1],
            waba_id=number["waba_id"],
        )

    yield connect
    for session in sessions:
        session.close()


@pytest.fixture
def number(sandbox: Running, hook: Hook) -> dict[str, Any]:
    sandbox.post("/sandbox/customers", id="ann", name="Ann", phone="4915112345678", user_id="DE.77")
    return sandbox.post(
        "/sandbox/whatsapp/numbers", webhook_url=hook.url, receipts="read", verify_token="right"
    )


def statuses(bodies: list[dict[str, Any]], message_id: str) -> list[str]:
    changes = [c for b in bodies for e in b["entry"] for c in e["changes"]]
    return [s["status"] for c in changes for s in c["value"].get("statuses", []) if s["id"] == message_id]


def told_of(message_id: str, wanted: list[str], bodies: list[dict[str, Any]]) -> bool:
    return statuses(bodies, message_id) == wanted


def test_everything_is_sent_and_receipts_come_back(
    sandbox: Running, number: dict[str, Any], hook: Hook, client: Connect
) -> None:
    wa = client(number)
    asked = sandbox.play(number, "ann", text="hi")[0]
    sent = wa.send_message("+49 151 12345678", "Hello 你好", reply_to_message_id=asked)
    hook.wait(lambda bodies: statuses(bodies, sent.id) == ["sent", "delivered", "read"])
    media = wa.upload_media(JPEG, mime_type="image/jpeg", filename="a.jpg")
    assert media is not None
    wa.send_image("4915112345678", media.id, caption="picture")
    wa.send_document(
        "4915112345678",
        wa.upload_media(b"%PDF", mime_type="application/pdf", filename="a.pdf"),
        filename="a.pdf",
    )
    wa.send_location("4915112345678", 31.2, 121.4, name="Shop", address="Road")
    wa.send_contact("4915112345678", Contact(name=Contact.Name(formatted_name="Bob", first_name="Bob")))
    wa.send_reaction("4915112345678", "🔥", asked)
    wa.send_message("4915112345678", "Choose", buttons=[Button("Yes", "y"), Button("No", "n")])
    wa.send_message(
        "4915112345678",
        "Pick",
        buttons=SectionList("Open", [Section("One", [SectionRow("A", "a", "first"), SectionRow("B", "b")])]),
    )
    wa.mark_message_as_read(asked)
    wa.indicate_typing(asked)
    assert [e["kind"] for e in sandbox.ledger()] == [
        "text",
        "image",
        "document",
        "location",
        "contact",
        "reaction",
        "interactive",
        "interactive",
    ]
    bubbles = sandbox.bubbles(number, "ann")
    assert bubbles[0]["status"] == "read"
    assert bubbles[0]["reactions"] == {"business": "🔥"}
    assert bubbles[1]["reply_to"] == asked
    assert bubbles[2]["attachments"][0]["content_type"] == "image/jpeg"
    assert wa.get_business_phone_number().display_phone_number == number["display_phone_number"]
    assert {t.name for t in wa.get_templates()} >= {"hello_world", "order_update"}


def test_media_of_a_customer_comes_down_and_expires(
    sandbox: Running, number: dict[str, Any], hook: Hook, client: Connect
) -> None:
    wa = client(number)
    sandbox.play(number, "ann", type="image", file=sandbox.upload("a.jpg", JPEG, "image/jpeg"), text="see")
    image = hook.wait(len)[0]["entry"][0]["changes"][0]["value"]["messages"][0]["image"]
    assert image["caption"] == "see"
    found = wa.get_media_url(image["id"])
    assert found.sha256 == hashlib.sha256(JPEG).hexdigest()
    assert wa.get_media_bytes(url=found.url) == JPEG
    assert httpx.get(found.url, trust_env=False).status_code == 401
    sandbox.post("/sandbox/clock", shift_seconds=301)
    with pytest.raises(httpx.HTTPStatusError):
        wa.get_media_bytes(url=found.url)
    assert wa.get_media_bytes(url=wa.get_media_url(image["id"]).url) == JPEG
    sandbox.post("/sandbox/clock", shift_seconds=7 * 86400)
    with pytest.raises(wa_errors.WhatsAppError):
        wa.get_media_url(image["id"])


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (131026, wa_errors.MessageUndeliverable),
        (130429, wa_errors.RateLimitHit),
        (131056, wa_errors.TooManyMessages),
        (131000, wa_errors.UnknownError),
        (368, wa_errors.TemporarilyBlocked),
    ],
)
def test_errors_on_demand(
    sandbox: Running, number: dict[str, Any], code: int, kind: type[Exception], client: Connect
) -> None:
    sandbox.play(number, "ann", text="hi")
    sandbox.post("/sandbox/faults", kind="error", code=code, platform="whatsapp")
    wa = client(number)
    with pytest.raises(kind):
        wa.send_message("4915112345678", "x")
    assert wa.send_message("4915112345678", "x").id.startswith("wamid.")


def test_errors_that_the_platform_finds_itself(
    sandbox: Running, number: dict[str, Any], client: Connect
) -> None:
    with pytest.raises(wa_errors.ExpiredAccessToken) as refused:
        client(number, "EAAwrong").send_message("4915112345678", "x")
    assert refused.value.raw_response is not None
    assert refused.value.raw_response.status_code == 401
    wa = client(number)
    with pytest.raises(wa_errors.ReEngagementMessage):
        wa.send_message("4915112345678", "never wrote to us")
    sandbox.play(number, "ann", text="hi")
    wa.send_message("4915112345678", "inside")
    sandbox.post("/sandbox/clock", shift_seconds=24 * 3600 + 1)
    with pytest.raises(wa_errors.ReEngagementMessage):
        wa.send_message("4915112345678", "outside")
    with pytest.raises(wa_errors.InvalidParameter):
        wa.send_message("4915112345678", "x" * 4097)
    assert [e["text"] for e in sandbox.ledger()] == ["inside"]


def test_cards_side_by_side(sandbox: Running, number: dict[str, Any], client: Connect, hook: Hook) -> None:
    wa = client(number)
    sandbox.play(number, "ann", text="hi")
    url = f"{sandbox.url}/sandbox/media/{sandbox.upload('a.jpg', JPEG, 'image/jpeg')}"

    def card(name: str, *buttons: Button) -> ImageCarouselCard:
        return ImageCarouselCard(body=name, image=url, buttons=buttons)

    shop = URLButton(title="Look", url="https://shop.example")
    sent = wa.send_carousel(
        "4915112345678",
        body="New",
        cards=[card("Lamp", Button("Buy", "a")), card("Desk", Button("Buy", "b"))],
    )
    hook.wait(lambda bodies: statuses(bodies, sent.id) == ["sent", "delivered", "read"])
    sandbox.play(number, "ann", type="press", reply_to=sent.id, button="b")
    shown = sandbox.bubbles(number, "ann")[1]
    assert [one["product"] for one in shown["cards"]] == ["Lamp", "Desk"]
    assert [one["content_type"] for one in shown["attachments"]] == ["image/jpeg"] * 2
    linked = ImageCarouselCard(body="Lamp", image=url, buttons=shop)
    wa.send_carousel("4915112345678", body="New", cards=[linked, linked])
    lamp, film = card("Lamp", Button("Buy", "a")), VideoCarouselCard(video=url, buttons=[Button("Buy", "b")])
    wrongs: list[list[BaseCarouselCard]] = [
        [lamp],
        [card(str(n), Button("Buy", str(n))) for n in range(11)],
        [lamp, card("Desk", Button("Buy", "b"), Button("More", "c"))],
        [lamp, linked],
        [lamp, film],
        [lamp, lamp],
        [lamp, card("x" * 161, Button("Buy", "b"))],
        [lamp, card("1\n2\n3\n4", Button("Buy", "b"))],
    ]
    for wrong in wrongs:
        with pytest.raises(wa_errors.InvalidParameter):
            wa.send_carousel("4915112345678", body="New", cards=wrong)
    lost = ImageCarouselCard(image=f"{url}nowhere", buttons=[Button("Buy", "b")])
    failed = wa.send_carousel("4915112345678", body="New", cards=[lamp, lost])
    hook.wait(lambda bodies: statuses(bodies, failed.id) == ["failed"])


def test_marketing_messages_are_stopped_and_resumed(
    sandbox: Running, number: dict[str, Any], hook: Hook, client: Connect
) -> None:
    wa = client(number)
    seen: list[tuple[str, str]] = []
    reader = WhatsApp(
        phone_id=number["id"], token=number["token"], app_secret=number["app_secret"], server=None,
        session=Redirected(sandbox.url), verify_token="right",
    )  # fmt: skip

    def preference(_: WhatsApp, told: UserMarketingPreferences) -> None:
        seen.append((told.value, told.category))

    reader.add_handlers(UserMarketingPreferencesHandler(preference))

    def news() -> str:
        params = [{"type": "body", "parameters": [{"type": "text", "text": "Ann"}]}]
        return wa.send_template("4915112345678", "club_news", TemplateLanguage.ENGLISH, params).id

    for value in ("stop", "resume"):
        sandbox.play(number, "ann", type="user_preferences", value=value)
        hook.wait(lambda bodies: bodies[-1:] and "user_preferences" in str(bodies[-1]))
        assert reader.webhook_update_handler(hook.calls[-1][1])[1] == 200
        sent = news()
        wanted = ["failed"] if value == "stop" else ["sent", "delivered", "read"]
        hook.wait(partial(told_of, sent, wanted))
    assert seen == [("stop", "marketing_messages"), ("resume", "marketing_messages")]
    with pytest.raises(wa_errors.ReEngagementMessage):
        wa.send_message("4915112345678", "no window was opened by it")
    reader.api._session.close()


def test_pywa_accepts_signature_and_understands_every_webhook(
    sandbox: Running, number: dict[str, Any], hook: Hook
) -> None:
    reader = WhatsApp(
        phone_id=number["id"],
        token=number["token"],
        app_secret=number["app_secret"],
        server=None,
        session=Redirected(sandbox.url),
        verify_token="right",
    )
    seen: list[str] = []
    for kind in ("message", "callback_button", "callback_selection", "message_status"):
        getattr(reader, f"on_{kind}")(lambda _, update, kind=kind: seen.append(kind))
    first = sandbox.play(number, "ann", text="你好 https://a.example")[0]
    sandbox.play(number, "ann", type="location", reply_to=first)
    sandbox.play(number, "ann", type="voice", file=sandbox.upload("a.ogg", b"OggS", "audio/ogg"))
    sandbox.play(number, "ann", type="contacts", contacts=[{"name": {"formatted_name": "Bob"}}])
    sandbox.play(number, "ann", type="reaction", target=first, emoji="🙏")
    sandbox.play(number, "ann", type="unsupported")
    hook.wait(lambda bodies: len(bodies) == 6)
    for headers, body in hook.calls:
        assert reader.webhook_update_validator(body, headers["x-hub-signature-256"]) is None
        assert reader.webhook_update_validator(body + b" ", headers["x-hub-signature-256"]) is not None
        assert reader.webhook_update_handler(body)[1] == 200
    assert seen == ["message"] * 6
    reader.api._session.close()
