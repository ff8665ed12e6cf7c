"""line-bot-sdk, LINE's own Python library, against the sandbox over real HTTP."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from linebot.v3.exceptions import InvalidSignatureError  # type: ignore[import-untyped]  # publishes no types
from linebot.v3.messaging import ApiClient, ApiException, Configuration, MessagingApi, MessagingApiBlob  # type: ignore[import-untyped]  # publishes no types
from linebot.v3.messaging import models as m
from linebot.v3.oauth import ApiClient as OAuthClient  # type: ignore[import-untyped]  # publishes no types
from linebot.v3.oauth import ChannelAccessToken
from linebot.v3.oauth import Configuration as OAuthConfiguration
from linebot.v3.oauth.exceptions import ApiException as OAuthException  # type: ignore[import-untyped]  # publishes no types
from linebot.v3.webhook import WebhookParser  # type: ignore[import-untyped]  # publishes no types

from switchboard.sandbox.conftest import Hook, Running

LIBRARIES = {"line": "line-bot-sdk"}

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
NOWHERE = "https://127.0.0.1:9/a.png"


class Desk:
    """An Official Account, the library in its hands, and what the library makes of the webhooks."""

    def __init__(self, sandbox: Running, hook: Hook) -> None:
        self.sandbox, self.hook = sandbox, hook
        sandbox.post("/sandbox/customers", id="ann", name="Ann Lee", language="ja")
        self.account = sandbox.post("/sandbox/platforms/line", name="Shop", webhook_url=hook.url)
        self.settings: dict[str, Any] = self.account["settings"]
        self.parser = WebhookParser(self.settings["channel_secret"])
        self.clients: list[ApiClient] = []
        self.api, self.blob = self.connect(self.settings["access_token"])
        self.seen = 0

    def connect(self, token: str) -> tuple[MessagingApi, MessagingApiBlob]:
        client = ApiClient(Configuration(host=self.sandbox.url, access_token=token))
        blob = ApiClient(Configuration(host=self.sandbox.url, access_token=token))
        self.clients += [client, blob]
        blobs = MessagingApiBlob(blob)
        blobs.line_base_path = self.sandbox.url
        return MessagingApi(client), blobs

    def event(self) -> Any:
        """The next event, verified and read by the library."""
        self.seen += 1
        self.hook.wait(lambda bodies: len(bodies) >= self.seen)
        headers, body = self.hook.calls[self.seen - 1]
        (event,) = self.parser.parse(body.decode(), headers["x-line-signature"])
        return event

    def play(self, **wish: Any) -> Any:
        """Ann does something; the event that comes of it."""
        self.sandbox.play(self.account, "ann", **wish)
        return self.event()


@pytest.fixture
def desk(sandbox: Running, hook: Hook) -> Iterator[Desk]:
    made = Desk(sandbox, hook)
    yield made
    for client in made.clients:
        client.rest_client.pool_manager.clear()
        client.close()


def push(desk: Desk, to: str, *messages: Any, key: str | None = None) -> Any:
    request = m.PushMessageRequest(to=to, messages=list(messages))
    return desk.api.push_message_with_http_info(request, x_line_retry_key=key).data


def failed(status: int, words: str = "") -> Any:
    return pytest.raises(ApiException, match=f"(?s)\\({status}\\).*{words}")


def test_tokens_are_given_out_verified_revoked_and_end(desk: Desk) -> None:
    who = {"client_id": desk.settings["channel_id"], "client_secret": desk.settings["channel_secret"]}
    with OAuthClient(OAuthConfiguration(host=desk.sandbox.url)) as client:
        oauth = ChannelAccessToken(client)
        short = oauth.issue_channel_token(grant_type="client_credentials", **who)
        assert short.expires_in == 30 * 86_400
        brief = oauth.issue_stateless_channel_token(
            grant_type="client_credentials", client_assertion_type="", client_assertion="", **who
        )
        assert brief.expires_in == 900
        assert desk.connect(brief.access_token)[0].get_bot_info().display_name == "Shop"
        assert oauth.verify_channel_token(short.access_token).client_id == who["client_id"]
        desk.sandbox.post("/sandbox/clock", shift_seconds=901)
        with failed(401):
            desk.connect(brief.access_token)[0].get_bot_info()
        oauth.revoke_channel_token(short.access_token)
        with pytest.raises(OAuthException):
            oauth.verify_channel_token(short.access_token)
        with pytest.raises(OAuthException):
            oauth.issue_channel_token(grant_type="client_credentials", client_id="1", client_secret="2")


def assertion(key: Any, channel: str, now: float) -> str:
    parts = [
        {"alg": "RS256", "typ": "JWT", "kid": "k"},
        {
            "iss": channel,
            "sub": channel,
            "aud": "https://api.line.me/",
            "exp": int(now) + 1500,
            "token_exp": 86_400,
        },
    ]
    text = ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts)
    proof = base64.urlsafe_b64encode(key.sign(text.encode(), PKCS1v15(), SHA256())).decode().rstrip("=")
    return f"{text}.{proof}"


def test_a_token_by_signed_assertion(desk: Desk) -> None:
    key, channel = generate_private_key(65537, 2048), desk.settings["channel_id"]
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    desk.sandbox.post("/sandbox/platforms/line", id=desk.account["id"], settings={"assertion_key": pem})
    how = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    with OAuthClient(OAuthConfiguration(host=desk.sandbox.url)) as client:
        oauth = ChannelAccessToken(client)
        made = oauth.issue_channel_token_by_jwt(client_assertion=assertion(key, channel, time.time()), **how)
        assert made.expires_in == 86_400
        assert desk.connect(made.access_token)[0].get_bot_info().user_id == desk.account["id"]
        other = generate_private_key(65537, 2048)
        with pytest.raises(OAuthException):
            oauth.issue_channel_token_by_jwt(client_assertion=assertion(other, channel, time.time()), **how)


def test_every_kind_of_event_is_signed_and_understood(desk: Desk) -> None:
    first = desk.play(text="你好 😀")
    assert (first.type, first.message.text, first.source.type) == ("message", "你好 😀", "user")
    quoted = desk.play(text="and?", reply_to=first.message.id)
    assert quoted.message.quoted_message_id == first.message.id
    assert desk.play(type="sticker").message.sticker_resource_type == "STATIC"
    assert desk.play(type="location").message.address
    key = desk.sandbox.upload("a.png", PNG, "image/png")
    assert desk.play(type="image", file=key).message.content_provider.type == "line"
    assert (
        desk.play(type="image", external="https://shop.example/a.png").message.content_provider.type
        == "external"
    )
    assert desk.play(type="voice", file=key).message.duration
    file = desk.play(type="document", file=key).message
    assert (file.file_name, file.file_size) == ("a.png", len(PNG))
    menu = desk.play(type="menu", data="d=1", params={"date": "2026-12-24"})
    assert (menu.postback.data, menu.postback.params) == ("d=1", {"date": "2026-12-24"})
    assert desk.play(type="revoke", target=first.message.id).unsend.message_id == first.message.id
    assert desk.play(action="block").type == "unfollow"
    assert desk.play(action="unblock").follow.is_unblocked
    assert desk.play(action="beacon").beacon.type == "enter"
    assert desk.play(action="link").link.result == "ok"
    assert type(desk.play(type="unknown")).__name__ == "UnknownEvent"
    for headers, body in desk.hook.calls:
        with pytest.raises(InvalidSignatureError):
            desk.parser.parse(body.decode() + " ", headers["x-line-signature"])


def test_replies_are_free_once_and_for_a_minute(desk: Desk) -> None:
    token = desk.play(text="hi").reply_token
    answer = m.ReplyMessageRequest(
        reply_token=token, messages=[m.TextMessage(text="one"), m.TextMessage(text="two")]
    )
    sent = desk.api.reply_message(answer).sent_messages
    assert len(sent) == 2
    with failed(400, "Invalid reply token"):
        desk.api.reply_message(answer)
    late = desk.play(text="again").reply_token
    desk.sandbox.post("/sandbox/clock", shift_seconds=61)
    with failed(400, "Invalid reply token"):
        desk.api.reply_message(m.ReplyMessageRequest(reply_token=late, messages=[m.TextMessage(text="late")]))
    assert [e["text"] for e in desk.sandbox.ledger()] == ["one", "two"]
    assert desk.api.get_message_quota_consumption().total_usage == 0


def test_every_kind_of_message_is_pushed_and_shown(desk: Desk) -> None:
    ann = desk.play(text="hi")
    to = ann.source.user_id
    pick = m.QuickReplyItem(action=m.PostbackAction(label="Tea", data="tea", display_text="Tea, please"))
    bubble = m.FlexContainer.from_json(
        '{"type":"bubble","body":{"type":"box","layout":"vertical","contents":[{"type":"text","text":"flexible"}]}}'
    )
    uri = m.URIAction(label="Look", uri="https://shop.example/")
    messages = [
        m.TextMessage(
            text="Which?", quick_reply=m.QuickReply(items=[pick]), quote_token=ann.message.quote_token
        ),
        m.ImageMessage(original_content_url=NOWHERE, preview_image_url=NOWHERE),
        m.AudioMessage(original_content_url=NOWHERE, duration=1000),
        m.LocationMessage(title="Shop", address="Road 1", latitude=31.2, longitude=121.4),
        m.VideoMessage(original_content_url=NOWHERE, preview_image_url=NOWHERE),
        m.StickerMessage(package_id="446", sticker_id="1988"),
        m.TemplateMessage(alt_text="t", template=m.ButtonsTemplate(text="Choose", actions=[uri])),
        m.TemplateMessage(
            alt_text="c", template=m.CarouselTemplate(columns=[m.CarouselColumn(text="One", actions=[uri])])
        ),
        m.FlexMessage(alt_text="f", contents=bubble),
    ]
    sent = [push(desk, to, message).sent_messages[0].id for message in messages]
    kinds = ["text", "image", "audio", "location", "video", "sticker", "template", "template", "flex"]
    assert [e["kind"] for e in desk.sandbox.ledger()] == kinds
    assert [e["id"] for e in desk.sandbox.ledger()] == sent
    assert {e["to"] for e in desk.sandbox.ledger()} == {to}
    bubbles = desk.sandbox.bubbles(desk.account, "ann")
    assert bubbles[1]["reply_to"] == ann.message.id
    pressed = desk.play(type="press", reply_to=sent[0], button="0")
    assert pressed.postback.data == "tea"
    assert desk.sandbox.bubbles(desk.account, "ann")[-1]["text"] == "Tea, please"
    assert desk.api.get_message_quota_consumption().total_usage == len(messages)


def test_a_retry_key_lets_a_push_through_once(desk: Desk) -> None:
    to, key = desk.play(text="hi").source.user_id, str(uuid4())
    desk.sandbox.post("/sandbox/faults", kind="error", code=500, platform="line")
    with failed(500):
        push(desk, to, m.TextMessage(text="x"), key=key)
    sent = push(desk, to, m.TextMessage(text="x"), key=key).sent_messages[0].id
    with failed(409, sent):
        push(desk, to, m.TextMessage(text="x"), key=key)
    assert len(desk.sandbox.ledger()) == 1
    desk.sandbox.post("/sandbox/clock", shift_seconds=86_401)
    assert push(desk, to, m.TextMessage(text="x"), key=key).sent_messages[0].id != sent


def test_errors_have_lines_own_form(desk: Desk) -> None:
    to = desk.play(text="hi").source.user_id
    with failed(401, "Authentication failed"):
        desk.connect("wrong")[0].get_bot_info()
    with failed(400, "property, 'to'"):
        push(desk, "U" + "0" * 32, m.TextMessage(text="x"))
    with failed(400, "messages\\[0\\].text"):
        push(desk, to, m.TextMessage(text="😀" * 2501))
    with failed(400, "stickerId"):
        push(desk, to, m.StickerMessage(package_id="1", sticker_id="1"))
    with failed(400, "HTTPS"):
        push(desk, to, m.ImageMessage(original_content_url="http://a.example/", preview_image_url=NOWHERE))
    desk.sandbox.post("/sandbox/platforms/line", id=desk.account["id"], settings={"monthly_limit": 1})
    push(desk, to, m.TextMessage(text="1"))
    with failed(429, "monthly limit"):
        push(desk, to, m.TextMessage(text="2"))
    assert desk.api.get_message_quota().value == 1


def test_files_people_groups_menus_and_signs_of_life(desk: Desk) -> None:
    key = desk.sandbox.upload("a.png", PNG, "image/png")
    image = desk.play(type="image", file=key)
    assert bytes(desk.blob.get_message_content(image.message.id)) == PNG
    slow = desk.play(type="video", preparing=30).message.id
    assert desk.blob.get_message_content_transcoding_by_message_id(slow).status == "processing"
    assert desk.blob.get_message_content_with_http_info(slow).status_code == 202
    desk.sandbox.post("/sandbox/clock", shift_seconds=31)
    assert desk.blob.get_message_content_transcoding_by_message_id(slow).status == "succeeded"
    to = image.source.user_id
    assert desk.api.get_profile(to).display_name == "Ann Lee"
    desk.api.show_loading_animation(m.ShowLoadingAnimationRequest(chat_id=to, loading_seconds=10))
    desk.api.mark_messages_as_read_by_token(
        m.MarkMessagesAsReadByTokenRequest(mark_as_read_token=image.message.mark_as_read_token)
    )
    assert desk.sandbox.bubbles(desk.account, "ann")[0]["status"] == "read"
    joined = desk.play(action="group", title="Family")
    room = joined.source.group_id
    assert (joined.type, desk.api.get_group_summary(room).group_name) == ("join", "Family")
    assert desk.api.get_group_member_profile(room, to).display_name == "Ann Lee"
    assert desk.play(text="hello all", room=room).source.group_id == room
    area = m.RichMenuArea(
        bounds=m.RichMenuBounds(x=0, y=0, width=10, height=10), action=m.PostbackAction(label="a", data="a")
    )
    size = m.RichMenuSize(width=2500, height=1686)
    request = m.RichMenuRequest(size=size, selected=True, name="menu", chat_bar_text="Menu", areas=[area])
    menu = desk.api.create_rich_menu(request).rich_menu_id
    desk.api.link_rich_menu_id_to_user(to, menu)
    assert desk.api.get_rich_menu_id_of_user(to).rich_menu_id == menu
    desk.api.set_default_rich_menu(menu)
    assert desk.api.get_default_rich_menu_id().rich_menu_id == menu
    assert desk.play(action="block").type == "unfollow"
    with failed(404):
        desk.api.get_profile(to)
    desk.sandbox.post("/sandbox/clock", shift_seconds=15 * 86_400)
    with failed(410):
        desk.blob.get_message_content(image.message.id)


def test_the_webhook_is_set_tried_and_called_again(desk: Desk) -> None:
    desk.api.set_webhook_endpoint(m.SetWebhookEndpointRequest(endpoint=desk.hook.url + "/2"))
    assert desk.api.get_webhook_endpoint().endpoint == desk.hook.url + "/2"
    told = desk.api.test_webhook_endpoint(m.TestWebhookEndpointRequest(endpoint=desk.hook.url))
    assert (told.success, told.status_code) == (True, 200)
    assert desk.hook.bodies() == [{"destination": desk.account["id"], "events": []}]
    desk.seen = 1
    desk.hook.answers += [500]
    first = desk.play(text="hi")
    again = desk.event()
    assert first.webhook_event_id == again.webhook_event_id
    assert (first.delivery_context.is_redelivery, again.delivery_context.is_redelivery) == (False, True)
