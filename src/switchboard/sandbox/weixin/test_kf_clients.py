"""wechatpy, a public client library, against the stand-in of WeCom's customer service over real HTTP."""

import io
from collections.abc import Iterator
from typing import Any

import puremagic
import pytest
from wechatpy.exceptions import InvalidSignatureException, WeChatClientException  # type: ignore[import-untyped]  # no types
from wechatpy.work import parse_message  # type: ignore[import-untyped]  # publishes no types
from wechatpy.work.client import WeChatClient  # type: ignore[import-untyped]  # publishes no types
from wechatpy.work.crypto import WeChatCrypto  # type: ignore[import-untyped]  # publishes no types
from werobot.crypto import MessageCrypt  # type: ignore[import-untyped]  # publishes no types

from switchboard.sandbox.conftest import Running
from switchboard.sandbox.weixin.conftest import Callback, detour

LIBRARIES = {"wecom": "wechatpy, WeRoBot"}

JPEG = b"\xff\xd8\xff\xe0" + b"0" * 50
DESK, SECOND = "wkAAAAAAAAAAAAAAAA", "wkBBBBBBBBBBBBBBBB"
Json = dict[str, Any]


@pytest.fixture
def corp(sandbox: Running, callback: Callback) -> Json:
    sandbox.post("/sandbox/customers", id="mei", name="林美", language="zh-CN")
    desks = [{"open_kfid": DESK, "name": "售前"}, {"open_kfid": SECOND, "name": "售后"}]
    return sandbox.post(
        "/sandbox/platforms/wecom",
        id="ww0123456789abcdef",
        webhook_url=callback.url,
        settings={"kf_accounts": desks},
    )


@pytest.fixture
def client(sandbox: Running, corp: Json) -> Iterator[WeChatClient]:
    made = WeChatClient(corp["id"], corp["settings"]["app_secret"])
    detour(made._http, sandbox.url)
    yield made
    made._http.close()


def crypto(corp: Json) -> WeChatCrypto:
    return WeChatCrypto(corp["settings"]["token"], corp["settings"]["encoding_aes_key"], corp["id"])


class Follower:
    """Reads what is new, as a product does: a callback's token, then pages by cursor."""

    def __init__(self, corp: Json, callback: Callback, client: WeChatClient) -> None:
        self.corp, self.callback, self.client = corp, callback, client
        self.cursor = ""
        self.read = 0

    def token(self) -> str:
        query, body = self.callback.wait(self.read + 1)[self.read]
        self.read += 1
        signed = query["msg_signature"], query["timestamp"], query["nonce"]
        with pytest.raises(InvalidSignatureException):
            crypto(self.corp).decrypt_message(body, "0" * 40, *signed[1:])
        told = parse_message(crypto(self.corp).decrypt_message(body, *signed))
        assert told._data["Event"] == "kf_msg_or_event"
        found: str = told._data["Token"]
        return found

    def new(self) -> list[Json]:
        page = self.client.kf.sync_msg(self.token(), self.cursor)
        self.cursor = page["next_cursor"]
        found: list[Json] = page["msg_list"]
        return found


@pytest.fixture
def follower(corp: Json, callback: Callback, client: WeChatClient) -> Follower:
    return Follower(corp, callback, client)


def code(call: Any, *arguments: Any) -> int:
    """The platform's refusal as the library tells it."""
    with pytest.raises(WeChatClientException) as refused:
        call(*arguments)
    found: int = refused.value.errcode
    return found


def test_messages_go_both_ways(
    sandbox: Running, corp: Json, follower: Follower, client: WeChatClient
) -> None:
    sandbox.play(corp, "mei", text="在吗")
    (asked,) = follower.new()
    person = asked["external_userid"]
    assert (asked["msgtype"], asked["text"], asked["origin"]) == ("text", {"content": "在吗"}, 3)
    assert (person[:2], asked["open_kfid"]) == ("wm", DESK)
    send = client.kf_message
    assert send.send_text(person, DESK, "您好 😀", "my-id_1")["msgid"] == "my-id_1"
    assert code(send.send_text, person, DESK, "again", "my-id_1") == 40058
    picture = client.media.upload("image", ("a.jpg", io.BytesIO(JPEG), "image/jpeg"))["media_id"]
    send.send_image(person, DESK, picture)
    voice = client.media.upload("voice", ("a.amr", io.BytesIO(b"#!AMR\n"), "audio/amr"))["media_id"]
    send.send_voice(person, DESK, voice)
    film = client.media.upload("video", ("a.mp4", io.BytesIO(b"mp4"), "video/mp4"))["media_id"]
    send.send_video(person, DESK, film)
    paper = client.media.upload("file", ("a.pdf", io.BytesIO(b"%PDF"), "application/pdf"))["media_id"]
    send.send_file(person, DESK, paper)
    assert code(send.send_text, person, DESK, "sixth") == 95001
    sandbox.play(corp, "mei", text="还有呢")
    follower.new()
    lines = [
        {"type": "click", "click": {"id": "101", "content": "满意"}},
        {"type": "view", "view": {"url": "https://a.example", "content": "官网"}},
        {"type": "text", "text": {"content": "谢谢"}},
    ]
    send.send_msgmenu(person, DESK, "满意吗？", lines, "再见")
    card = {"title": "单", "desc": "述", "url": "https://a.example", "thumb_media_id": picture}
    page = {"appid": "wxfeed", "title": "单", "thumb_media_id": picture, "pagepath": "pages/a"}
    place = {"latitude": 31.2, "longitude": 121.4, "name": "店", "address": "路"}
    # the library's own methods for these three put the content under a wrong name
    send.send(person, DESK, msg={"msgtype": "link", "link": card})
    send.send(person, DESK, msg={"msgtype": "miniprogram", "miniprogram": page})
    send.send(person, DESK, msg={"msgtype": "location", "location": place})
    kinds = ["text", "image", "voice", "video", "file", "msgmenu", "link", "miniprogram", "location"]
    assert [entry["kind"] for entry in sandbox.ledger()] == kinds
    asked = next(b for b in sandbox.bubbles(corp, "mei") if b["kind"] == "msgmenu")
    assert [b["kind"] for b in asked["buttons"]] == ["reply", "url"]
    sandbox.play(corp, "mei", type="press", reply_to=asked["id"], button="101")
    assert follower.new()[0]["text"] == {"content": "满意", "menu_id": "101"}


def test_every_kind_of_customers_message_and_recall(
    sandbox: Running, corp: Json, follower: Follower, client: WeChatClient
) -> None:
    files = {
        "image": ("a.jpg", JPEG, "image/jpeg"),
        "voice": ("a.amr", b"#!AMR", "audio/amr"),
        "video": ("a.mp4", b"mp4", "video/mp4"),
        "document": ("a.pdf", b"%PDF", "application/pdf"),
    }
    for kind, (name, content, of_type) in files.items():
        sandbox.play(corp, "mei", type=kind, file=sandbox.upload(name, content, of_type))
        (message,) = follower.new()
        told = message[message["msgtype"]]
        # the library's own download leaves its session; this is the same call inside it
        assert client.get("media/get", params={"media_id": told["media_id"]}).content == content
    cards = ["location", "link", "business_card", "miniprogram", "channels", "channels_shop_product"]
    cards += ["channels_shop_order", "merged_msg", "meeting", "schedule", "note"]
    for kind in cards:
        sandbox.play(corp, "mei", type=kind)
        (message,) = follower.new()
        assert message["msgtype"] == kind
        assert kind in message
    (said,) = sandbox.play(corp, "mei", text="oops")
    assert follower.new()[0]["msgid"] == said
    sandbox.play(corp, "mei", type="revoke", target=said)
    (event,) = follower.new()
    assert "open_kfid" not in event
    assert event["event"]["event_type"] == "user_recall_msg"
    assert event["event"]["recall_msgid"] == said


def test_pages_cursors_and_the_callbacks_token(
    sandbox: Running, corp: Json, follower: Follower, client: WeChatClient
) -> None:
    settings = {**corp["settings"], "page_limit": 2, "untokened_burst": 3}
    sandbox.http.patch(f"/sandbox/accounts/{corp['id']}", json={"settings": settings})
    for number in range(5):
        sandbox.play(corp, "mei", text=str(number))
    sandbox.play(corp, "mei", text="second desk", open_kfid=SECOND)
    follower.callback.wait(6)
    token, cursor, texts, more = follower.token(), "", [], 1
    while more:
        page = client.kf.sync_msg(token, cursor, 1000)
        cursor, more = page["next_cursor"], page["has_more"]
        assert len(page["msg_list"]) <= 2
        texts += [one["text"]["content"] for one in page["msg_list"]]
    assert texts == ["0", "1", "2", "3", "4", "second desk"]
    assert client.kf.sync_msg(token, cursor)["msg_list"] == []
    only = client.post("kf/sync_msg", data={"token": token, "open_kfid": SECOND})["msg_list"]
    assert [one["text"]["content"] for one in only] == ["second desk"]
    assert code(client.kf.sync_msg, token, "garbage") == 40058
    assert code(client.kf.sync_msg, token, "", 1001) == 40058
    assert code(client.kf.sync_msg, "ENCwrong") == 95007
    sandbox.post("/sandbox/clock", shift_seconds=601)
    assert code(client.kf.sync_msg, token, cursor) == 95007
    for _ in range(3):
        client.post("kf/sync_msg", data={"cursor": cursor})
    with pytest.raises(WeChatClientException) as rationed:
        client.post("kf/sync_msg", data={"cursor": cursor})
    assert rationed.value.errcode == 45009
    sandbox.post("/sandbox/clock", shift_seconds=3 * 86_400)
    sandbox.play(corp, "mei", text="fresh")
    token = [follower.token() for _ in range(6)][-1]
    replayed = client.kf.sync_msg(token)["msg_list"]
    assert [one["text"]["content"] for one in replayed] == ["fresh"]


def test_welcome_codes_and_where_customers_come_from(
    sandbox: Running, corp: Json, follower: Follower, client: WeChatClient
) -> None:
    sandbox.play(corp, "mei", action="enter", scene="qr1", scene_param="a=1")
    event = follower.new()[0]["event"]
    assert (event["event_type"], event["scene"], event["scene_param"]) == ("enter_session", "qr1", "a=1")
    person = event["external_userid"]
    assert code(client.kf_message.send_text, person, DESK, "too early") == 95018
    greet = client.kf.send_msg_on_event
    text = {"text": {"content": "欢迎"}}
    assert code(greet, event["welcome_code"], "image", {"image": {"media_id": "x"}}) == 40007
    assert greet(event["welcome_code"], "text", text, "w-1")["msgid"] == "w-1"
    assert code(greet, event["welcome_code"], "text", text) == 41050
    sandbox.play(corp, "mei", action="enter")
    assert "welcome_code" not in follower.new()[0]["event"]
    sandbox.post("/sandbox/clock", shift_seconds=48 * 3600 + 1)
    sandbox.play(corp, "mei", action="enter", channels={"scene": 2, "nickname": "茶"})
    event = follower.new()[0]["event"]
    assert event["wechat_channels"] == {"scene": 2, "nickname": "茶"}
    sandbox.post("/sandbox/clock", shift_seconds=21)
    assert code(greet, event["welcome_code"], "text", text) == 41050
    data = {"external_userid_list": [person, "wmNobody"], "need_enter_session_context": 1}
    told = client.post("kf/customer/batchget", data=data)
    assert told["invalid_external_userid"] == ["wmNobody"]
    (profile,) = told["customer_list"]
    assert (profile["nickname"], profile["unionid"][:1]) == ("林美", "o")
    assert profile["enter_session_context"]["wechat_channels"]["scene"] == 2
    assert puremagic.from_string(sandbox.http.get(profile["avatar"]).content, mime=True) == "image/png"
    assert "enter_session_context" not in client.kf.batchget_customer(person)["customer_list"][0]
    sandbox.play(corp, "mei", action="enter", channels={"scene": 4})
    assert "shop_nickname" in follower.new()[0]["event"]["wechat_channels"]
    assert "enc_scene" in client.kf.add_contact_way(DESK, "qr1")["url"]
    assert [one["open_kfid"] for one in client.kf.get_account_list()["account_list"]] == [DESK, SECOND]
    assert [one["userid"] for one in client.kf.get_servicer_list(DESK)["servicer_list"]] == [
        "zhangsan",
        "lisi",
    ]


def test_states_decide_who_may_answer(
    sandbox: Running, corp: Json, follower: Follower, client: WeChatClient
) -> None:
    sandbox.play(corp, "mei", text="hi")
    person = follower.new()[0]["external_userid"]
    state = client.kf.get_service_state
    turn = client.kf.trans_service_state
    assert state(DESK, person)["service_state"] == 0
    turn(DESK, person, 1)
    client.kf_message.send_text(person, DESK, "as the assistant")
    queued = turn(DESK, person, 2)["msg_code"]
    assert code(client.kf_message.send_text, person, DESK, "x") == 95018
    client.kf.send_msg_on_event(queued, "text", {"text": {"content": "请稍候"}})
    assert code(turn, DESK, person, 1) == 95016
    assert code(turn, DESK, person, 3, "nobody") == 95014
    turn(DESK, person, 3, "lisi")
    assert state(DESK, person)["servicer_userid"] == "lisi"
    over = turn(DESK, person, 4)["msg_code"]
    assert code(client.kf_message.send_text, person, DESK, "x") == 95013
    lines = [{"type": "click", "click": {"id": "1", "content": "满意"}}]
    client.kf.send_msg_on_event(over, "msgmenu", {"msgmenu": {"head_content": "请评价", "list": lines}})
    assert code(turn, DESK, person, 1) == 95013
    sandbox.play(corp, "mei", text="one more thing")
    follower.new()
    assert state(DESK, person)["service_state"] == 0
    sandbox.play(corp, "mei", action="servicer", text="我来")
    changed, written = follower.new()
    assert (changed["event"]["change_type"], changed["event"]["new_servicer_userid"]) == (1, "zhangsan")
    assert (written["origin"], written["servicer_userid"]) == (5, "zhangsan")
    sandbox.post("/sandbox/clock", shift_seconds=48 * 3600 + 1)
    assert state(DESK, person)["service_state"] == 4
    assert code(client.kf_message.send_text, person, DESK, "late") == 95002
    assert client.kf.batchget_customer(person)["invalid_external_userid"] == [person]


def test_failures_come_late_or_at_once(
    sandbox: Running, corp: Json, follower: Follower, client: WeChatClient
) -> None:
    sandbox.play(corp, "mei", text="hi")
    person = follower.new()[0]["external_userid"]
    sandbox.play(corp, "mei", action="block")
    sent = client.kf_message.send_text(person, DESK, "refused")["msgid"]
    (event,) = follower.new()
    assert event["event"] == {
        "event_type": "msg_send_fail",
        "open_kfid": DESK,
        "external_userid": person,
        "fail_msgid": sent,
        "fail_type": 10,
    }
    assert code(client.kf_message.send_text, "wmNobody", DESK, "x") == 40096
    assert code(client.kf_message.send_text, person, "wkNothing", "x") == 95000
    assert code(client.kf_message.send_text, person, DESK, "x", "no spaces") == 40058
    assert code(client.media.upload, "voice", ("a.mp3", io.BytesIO(b"ID3"), "audio/mpeg")) == 301017
    sandbox.post("/sandbox/faults", kind="error", code=60020, platform="wecom")
    assert code(client.kf_message.send_text, person, DESK, "x") == 60020


def test_tokens_are_the_same_until_they_end(sandbox: Running, corp: Json, client: WeChatClient) -> None:
    first = client.access_token
    query = {"corpid": corp["id"], "corpsecret": corp["settings"]["app_secret"]}
    told = sandbox.http.get("/cgi-bin/gettoken", params=query).json()
    assert (told["errcode"], told["access_token"]) == (0, first)
    sandbox.post("/sandbox/clock", shift_seconds=7201)
    client.auto_retry = False
    assert code(client.kf.get_account_list) == 42001
    client.auto_retry = True
    assert client.kf.get_account_list()["errcode"] == 0
    assert client.access_token != first
    for wrong, errcode in (({"corpsecret": "x"}, 40001), ({"corpid": "ww1"}, 40013)):
        assert sandbox.http.get("/cgi-bin/gettoken", params={**query, **wrong}).json()["errcode"] == errcode
    bad = sandbox.http.get("/cgi-bin/kf/account/list", params={"access_token": "x"}).json()
    assert bad["errcode"] == 40014


def test_the_address_is_checked_with_an_encrypted_echo(
    sandbox: Running, corp: Json, callback: Callback
) -> None:
    def echo(query: dict[str, str]) -> str:
        signed = query["msg_signature"], query["timestamp"], query["nonce"]
        answer = crypto(corp).check_signature(*signed, query["echostr"])
        keeper = MessageCrypt(corp["settings"]["token"], corp["settings"]["encoding_aes_key"], corp["id"])
        theirs = keeper.decrypt_message(
            query["timestamp"], query["nonce"], query["msg_signature"], query["echostr"]
        )
        text = answer.decode() if isinstance(answer, bytes) else str(answer)
        assert text == (theirs.decode() if isinstance(theirs, bytes) else theirs)
        return text

    callback.echo = echo
    path = f"/sandbox/wecom/{corp['id']}/verify"
    assert sandbox.http.post(path, json={}).status_code == 200
    callback.echo = lambda query: query["echostr"]
    assert sandbox.http.post(path, json={}).status_code == 422
