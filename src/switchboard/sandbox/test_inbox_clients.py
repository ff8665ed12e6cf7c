"""facebook-business (Meta's own library) and pymessenger against the sandbox; pywa checks what the webhooks prove."""

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from facebook_business.adobjects.application import Application  # type: ignore[import-untyped]  # publishes no types
from facebook_business.adobjects.comment import Comment  # type: ignore[import-untyped]  # publishes no types
from facebook_business.adobjects.igmedia import IGMedia  # type: ignore[import-untyped]  # publishes no types
from facebook_business.adobjects.iguser import IGUser  # type: ignore[import-untyped]  # publishes no types
from facebook_business.adobjects.page import Page  # type: ignore[import-untyped]  # publishes no types
from facebook_business.adobjects.pagepost import PagePost  # type: ignore[import-untyped]  # publishes no types
from facebook_business.adobjects.user import User  # type: ignore[import-untyped]  # publishes no types
from facebook_business.api import FacebookAdsApi  # type: ignore[import-untyped]  # publishes no types
from facebook_business.exceptions import FacebookRequestError  # type: ignore[import-untyped]  # publishes no types
from facebook_business.session import FacebookSession  # type: ignore[import-untyped]  # publishes no types
from pymessenger.bot import Bot  # type: ignore[import-untyped]  # publishes no types
from pywa.utils import webhook_updates_validator

from switchboard.sandbox.conftest import Hook, Running

LIBRARIES = {"messenger": "facebook-business, pymessenger", "instagram": "facebook-business"}

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
DAY = 86_400


class Shop:
    """One page or professional account, the library in its hands, and its webhooks."""

    def __init__(self, sandbox: Running, hook: Hook, platform: str, **settings: Any) -> None:
        self.sandbox, self.hook = sandbox, hook
        sandbox.post("/sandbox/customers", id="ann", name="Ann Lee", username="ann.lee")
        self.account = sandbox.post(
            f"/sandbox/platforms/{platform}", name="Shop", webhook_url=hook.url, settings=settings
        )
        self.settings: dict[str, Any] = self.account["settings"]
        self.sessions: list[FacebookSession] = []
        self.seen = 0

    def api(self, token: str, secret: str | None = None) -> FacebookAdsApi:
        session = FacebookSession(self.settings["app_id"], secret or self.settings["app_secret"], token)
        session.GRAPH = self.sandbox.url
        session.requests.trust_env = False
        self.sessions.append(session)
        return FacebookAdsApi(session)

    @property
    def own(self) -> FacebookAdsApi:
        return self.api(self.settings["page_token"])

    def play(self, **wish: Any) -> list[str]:
        return self.sandbox.play(self.account, "ann", **wish)

    def entry(self) -> dict[str, Any]:
        """The only entry of the next webhook, whose signature is good."""
        self.seen += 1
        self.hook.wait(lambda bodies: len(bodies) >= self.seen)
        headers, body = self.hook.calls[self.seen - 1]
        proof = headers["x-hub-signature-256"]
        assert webhook_updates_validator(self.settings["app_secret"], body, proof)
        assert not webhook_updates_validator(self.settings["app_secret"], body + b" ", proof)
        (entry,) = json.loads(body)["entry"]
        assert entry["id"] == self.account["id"]
        return dict(entry)

    def item(self, **wish: Any) -> dict[str, Any]:
        """What comes of something that Ann does in private."""
        self.play(**wish)
        (item,) = self.entry()["messaging"]
        return dict(item)

    def change(self, **wish: Any) -> dict[str, Any]:
        """What comes of something that she does on the wall."""
        self.play(**wish)
        (change,) = self.entry()["changes"]
        return dict(change["value"])

    def close(self) -> None:
        for session in self.sessions:
            session.requests.close()


@pytest.fixture
def fb(sandbox: Running, hook: Hook) -> Iterator[Shop]:
    fields = [
        "messages",
        "messaging_postbacks",
        "message_reactions",
        "message_edits",
        "messaging_referrals",
        "feed",
    ]
    made = Shop(sandbox, hook, "messenger", fields=fields, verify_token="right")
    yield made
    made.close()


@pytest.fixture
def insta(sandbox: Running, hook: Hook) -> Iterator[Shop]:
    made = Shop(sandbox, hook, "instagram", fields=["feed"])
    yield made
    made.close()


def failed(code: int, subcode: int | None = None) -> Any:
    class Failed:
        def __enter__(self) -> None:
            pass

        def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
            assert isinstance(error, FacebookRequestError), error
            assert (error.api_error_code(), error.api_error_subcode()) == (code, subcode), error
            assert subcode is None or error.http_status() == 400, error
            return True

    return Failed()


def send(shop: Shop, to: str, message: dict[str, Any], **more: Any) -> dict[str, Any]:
    kind = Page if shop.account["platform"] == "messenger" else IGUser
    params = {"recipient": {"id": to}, "messaging_type": "RESPONSE", "message": message, **more}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library takes `tag` for an object
        sent = kind(shop.account["id"], api=shop.own).create_message(params=params)
    made: dict[str, Any] = sent.export_all_data()
    return made


def test_tokens_open_what_is_theirs(fb: Shop) -> None:
    user = fb.api(fb.settings["access_token"])
    (mine,) = User("me", api=user).get_accounts(fields=["id", "name", "access_token"])
    assert (mine["id"], mine["access_token"]) == (fb.account["id"], fb.settings["page_token"])
    with failed(100):
        User("me", api=fb.own).get_accounts()
    assert Page("me", api=fb.own).api_get(fields=["name"])["name"] == "Shop"
    with failed(210):
        Page(fb.account["id"], api=user).get_subscribed_apps()
    with failed(190, 460):
        Page(fb.account["id"], api=fb.api("EAAwrong")).api_get()
    with failed(100):
        Page("me", api=fb.api(fb.settings["page_token"], secret="wrong")).api_get()


def test_the_app_is_subscribed_and_pages_are_set_up(fb: Shop) -> None:
    app = fb.api(f"{fb.settings['app_id']}|{fb.settings['app_secret']}")
    params = {"object": "page", "callback_url": fb.hook.url, "verify_token": "right", "fields": ["messages"]}
    Application(fb.settings["app_id"], api=app).create_subscription(params=params)
    (row,) = Application(fb.settings["app_id"], api=app).get_subscriptions()
    assert (row["object"], row["callback_url"], row["active"]) == ("page", fb.hook.url, True)
    with failed(2200):
        wrong = {**params, "verify_token": "wrong"}
        Application(fb.settings["app_id"], api=app).create_subscription(params=wrong)
    own = Page(fb.account["id"], api=fb.own)
    own.create_subscribed_app(params={"subscribed_fields": ["messages", "feed"]})
    (subscribed,) = own.get_subscribed_apps()
    assert subscribed["subscribed_fields"] == ["messages", "feed"]
    own.delete_subscribed_apps()
    assert list(own.get_subscribed_apps()) == []
    action = {"type": "postback", "title": "Hours", "payload": "HOURS"}
    menu = [{"locale": "default", "call_to_actions": [action]}]
    with failed(100):
        own.create_messenger_profile(params={"persistent_menu": menu})
    own.create_messenger_profile(params={"get_started": {"payload": "GO"}, "persistent_menu": menu})
    (profile,) = own.get_messenger_profile(params={"fields": "get_started,greeting"})
    assert profile["get_started"] == {"payload": "GO"}


def test_everything_private_is_told_with_both_signatures(fb: Shop) -> None:
    first = fb.item(text="你好 😀")
    assert first["message"]["text"] == "你好 😀"
    assert fb.item(text="and?", reply_to=first["message"]["mid"])["message"]["reply_to"]
    assert fb.item(type="sticker")["message"]["attachments"][0]["payload"]["sticker_id"]
    assert fb.item(type="location")["message"]["attachments"][0]["payload"]["coordinates"]["lat"]
    key = fb.sandbox.upload("a.png", PNG, "image/png")
    image = fb.item(type="image", file=key)["message"]["attachments"][0]
    assert fb.sandbox.http.get(image["payload"]["url"]).content == PNG
    fb.sandbox.post("/sandbox/clock", shift_seconds=8 * DAY)
    assert fb.sandbox.http.get(image["payload"]["url"]).status_code == 403
    assert fb.item(type="get_started")["postback"]["payload"] == "GET_STARTED"
    assert fb.item(type="ad")["message"]["referral"]["source"] == "ADS"
    assert fb.item(action="referral")["referral"]["type"] == "OPEN_THREAD"
    mid = first["message"]["mid"]
    assert fb.item(type="reaction", target=mid, emoji="🔥")["reaction"]["action"] == "react"
    assert fb.item(type="reaction", target=mid, emoji="")["reaction"]["action"] == "unreact"
    assert fb.item(type="edit", target=mid, text="hello")["message_edit"]["num_edit"] == 1
    assert fb.item(type="revoke", target=mid)["message"]["is_deleted"]
    assert fb.item(type="unsupported")["message"]["is_unsupported"]
    assert all(headers["x-hub-signature"].startswith("sha1=") for headers, _ in fb.hook.calls)


def test_messages_of_every_kind_are_sent_and_shown(fb: Shop, tmp_path: Path) -> None:
    asked = fb.item(text="hi")
    ann = asked["sender"]["id"]
    quick = {"content_type": "text", "title": "Tea", "payload": "TEA"}
    sent = send(
        fb, ann, {"text": "Which?", "quick_replies": [quick]}, reply_to={"mid": asked["message"]["mid"]}
    )
    assert sent["recipient_id"] == ann
    pressed = fb.item(type="press", reply_to=sent["message_id"], button="0")
    assert pressed["message"]["quick_reply"] == {"payload": "TEA"}
    bot = Bot(fb.settings["page_token"], app_secret=fb.settings["app_secret"])
    bot.graph_url = f"{fb.sandbox.url}/v24.0"
    assert bot.send_text_message(ann, "by another library")["recipient_id"] == ann
    buttons = [{"type": "postback", "title": "Buy", "payload": "BUY"}]
    button = bot.send_button_message(ann, "Now?", buttons)["message_id"]
    assert fb.item(type="press", reply_to=button, button="0")["postback"]["payload"] == "BUY"
    bot.send_generic_message(ann, [{"title": "Lamp", "subtitle": "20 €", "buttons": buttons}])
    picture = fb.sandbox.upload("a.png", PNG, "image/png")
    bot.send_image_url(ann, f"{fb.sandbox.url}/sandbox/media/{picture}")
    bot.send_action(ann, "typing_on")
    bot.send_action(ann, "mark_seen")
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    upload = fb.own.call(
        "POST",
        ("me", "message_attachments"),
        params={"message": {"attachment": {"type": "image", "payload": {"is_reusable": True}}}},
        files={"filedata": ("a.png", path.read_bytes(), "image/png")},
    ).json()
    send(fb, ann, {"attachment": {"type": "image", "payload": {"attachment_id": upload["attachment_id"]}}})
    kinds = ["text", "text", "template", "template", "image", "image"]
    assert [entry["kind"] for entry in fb.sandbox.ledger()] == kinds
    assert {entry["to"] for entry in fb.sandbox.ledger()} == {ann}
    bubbles = fb.sandbox.bubbles(fb.account, "ann")
    assert bubbles[0]["status"] == "read"
    assert bubbles[1]["reply_to"] == asked["message"]["mid"]
    assert bubbles[-1]["attachments"][0]["content_type"] == "image/png"
    assert fb.own.call("GET", (ann,), params={"fields": "first_name,last_name"}).json()["last_name"] == "Lee"


def test_the_window_the_tag_and_limits_hold(fb: Shop) -> None:
    ann = fb.item(text="hi")["sender"]["id"]
    with failed(100):
        send(fb, ann, {"text": "x" * 2001})
    with failed(100, 2018001):
        send(fb, "1234567890123456", {"text": "x"})
    with failed(100, 2018074):
        send(fb, ann, {"attachment": {"type": "image", "payload": {"attachment_id": "1"}}})
    fb.sandbox.post("/sandbox/clock", shift_seconds=DAY + 1)
    with failed(10, 2018278):
        send(fb, ann, {"text": "late"})
    tagged = {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
    send(fb, ann, {"text": "a person"}, **tagged)
    fb.sandbox.post("/sandbox/clock", shift_seconds=6 * DAY)
    with failed(10, 2018278):
        send(fb, ann, {"text": "too late"}, **tagged)
    fb.item(type="ad")
    fb.sandbox.post("/sandbox/clock", shift_seconds=3 * DAY)
    send(fb, ann, {"text": "the advertisement opens a week"})
    fb.play(action="block")
    with failed(551, 1545041):
        send(fb, ann, {"text": "x"})
    fb.play(action="unblock")
    fb.sandbox.post("/sandbox/faults", kind="error", code=613, platform="messenger")
    with failed(613):
        send(fb, ann, {"text": "x"})
    assert [e["text"] for e in fb.sandbox.ledger()] == ["a person", "the advertisement opens a week"]


def test_receipts_and_echoes_come_back(fb: Shop) -> None:
    fields = ["messages", "message_echoes", "message_deliveries", "message_reads"]
    fb.sandbox.post(
        "/sandbox/platforms/messenger", id=fb.account["id"], settings={"fields": fields, "receipts": "read"}
    )
    ann = fb.item(text="hi")["sender"]["id"]
    sent = send(fb, ann, {"text": "x", "metadata": "key-1"})["message_id"]
    (echo,), (delivery,), (read,) = (fb.entry()["messaging"] for _ in range(3))
    assert (echo["sender"]["id"], echo["recipient"]["id"]) == (fb.account["id"], ann)
    assert (echo["message"]["mid"], echo["message"]["metadata"]) == (sent, "key-1")
    assert delivery["delivery"]["mids"] == [sent]
    assert read["read"]["watermark"] >= delivery["delivery"]["watermark"]
    elsewhere = fb.item(action="elsewhere", text="from the other inbox")
    assert (elsewhere["message"]["is_echo"], elsewhere["message"]["text"]) == (True, "from the other inbox")


def test_comments_are_answered_in_public_and_in_private(fb: Shop) -> None:
    said = fb.change(type="comment", text="How much?")
    assert (said["item"], said["verb"], said["parent_id"]) == ("comment", "add", said["post_id"])
    post = PagePost(said["post_id"], api=fb.own).api_get(fields=["message", "permalink_url"])
    assert post["permalink_url"].startswith("https://")
    answer = Comment(said["comment_id"], api=fb.own).create_comment(params={"message": "20 €"})
    told = fb.entry()["changes"][0]["value"]
    assert (told["comment_id"], told["from"]["id"]) == (answer["id"], fb.account["id"])
    assert told["parent_id"] == said["comment_id"]
    private = {"recipient": {"comment_id": said["comment_id"]}, "message": {"text": "More here"}}
    own = Page(fb.account["id"], api=fb.own)
    sent = own.create_message(params=private)
    assert sent["recipient_id"] == said["from"]["id"]
    with failed(10900):
        own.create_message(params=private)
    with failed(10, 2018278):
        send(fb, said["from"]["id"], {"text": "not before she answers"})
    assert [e["kind"] for e in fb.sandbox.ledger()] == ["comment", "text"]
    room = said["post_id"]
    changed = fb.change(type="edit", target=said["comment_id"], text="How much is it?", room=room)
    assert (changed["verb"], changed["message"]) == ("edited", "How much is it?")
    assert fb.change(type="revoke", target=said["comment_id"], room=room)["verb"] == "remove"
    late = fb.change(type="comment", text="And in red?")
    fb.sandbox.post("/sandbox/clock", shift_seconds=8 * DAY)
    with failed(10903):
        own.create_message(params={"recipient": {"comment_id": late["comment_id"]}, "message": {"text": "x"}})


def test_instagram_behind_a_page(insta: Shop) -> None:
    user = insta.api(insta.settings["access_token"])
    wanted = {"fields": "access_token,instagram_business_account{id,username}"}
    (mine,) = user.call("GET", ("me", "accounts"), params=wanted).json()["data"]
    assert mine["instagram_business_account"] == {"id": insta.account["id"], "username": "sandbox.shop"}
    asked = insta.item(text="hi")
    ann = asked["sender"]["id"]
    sent = send(insta, ann, {"text": "hello"})
    insta.entry()  # its echo
    with failed(100):
        send(insta, ann, {"text": "字" * 334})
    assert insta.own.call("GET", (ann,), params={"fields": "username"}).json()["username"] == "ann.lee"
    assert insta.item(type="story_mention")["message"]["attachments"][0]["type"] == "story_mention"
    assert insta.item(type="story_reply", text="🔥")["message"]["reply_to"]["story"]["url"]
    assert insta.item(type="share")["message"]["attachments"][0]["type"] == "share"
    insta.sandbox.post(f"/sandbox/chats/instagram:{insta.account['id']}:ann/read")
    (seen,) = insta.entry()["messaging"]
    assert seen["read"] == {"mid": sent["message_id"]}


def test_instagram_comments_and_mentions(insta: Shop) -> None:
    said = insta.change(type="comment", text="How much?")
    media = IGMedia(said["media"]["id"], api=insta.own)
    assert media.api_get(fields=["caption", "permalink"])["caption"]
    answer = insta.own.call("POST", (said["id"], "replies"), params={"message": "20 €"}).json()
    told = insta.entry()["changes"][0]["value"]
    assert (told["id"], told["parent_id"], told["from"]["id"]) == (
        answer["id"],
        said["id"],
        insta.account["id"],
    )
    with failed(100, 33):
        insta.own.call("POST", (said["id"], "comments"), params={"message": "x"})
    assert media.create_comment(params={"message": "New colours!"})["id"]
    insta.entry()
    with failed(230):
        insta.own.call("GET", (said["from"]["id"],), params={"fields": "name"})
    named = insta.change(type="mention", text="look at @sandbox.shop")
    own = IGUser(insta.account["id"], api=insta.own)
    what = f"mentioned_comment.comment_id({named['comment_id']}){{text,username}}"
    found = insta.own.call("GET", (insta.account["id"],), params={"fields": what}).json()["mentioned_comment"]
    assert (found["text"], found["username"]) == ("look at @sandbox.shop", "ann.lee")
    assert own.create_mention(params={**named, "message": "Thank you!"})["id"]
    assert [e["kind"] for e in insta.sandbox.ledger()] == ["comment", "comment", "mention"]


def test_instagram_by_itself_renews_its_token(sandbox: Running, hook: Hook) -> None:
    shop = Shop(sandbox, hook, "instagram", login="instagram", fields=["messages", "comments"])
    token = shop.settings["access_token"]

    def renew(given: str) -> dict[str, Any]:
        query = {"grant_type": "ig_refresh_token", "access_token": given}
        answer: dict[str, Any] = sandbox.http.get("/refresh_access_token", params=query).json()
        return answer

    me = shop.api(token).call("GET", ("me",), params={"fields": "user_id,username"}).json()
    assert (me["user_id"], me["username"]) == (shop.account["id"], "sandbox.shop")
    shop.play(type="comment", text="How much?")
    entry = shop.entry()
    assert (entry["field"], entry["value"]["text"]) == ("comments", "How much?")
    fresh = renew(token)
    assert fresh["expires_in"] == 60 * DAY
    assert renew(fresh["access_token"])["error"]["code"] == 100
    sandbox.post("/sandbox/clock", shift_seconds=59 * DAY)
    assert renew(fresh["access_token"])["access_token"] != fresh["access_token"]
    sandbox.post("/sandbox/clock", shift_seconds=2 * DAY)
    with failed(190, 460):
        shop.api(token).call("GET", ("me",))
    shop.close()
