"""wechatpy and WeRoBot, two public client libraries, against the stand-in of service accounts over real HTTP."""

import io
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from wechatpy import WeChatClient, create_reply, parse_message  # type: ignore[import-untyped]  # publishes no types
from wechatpy.crypto import WeChatCrypto  # type: ignore[import-untyped]  # publishes no types
from wechatpy.exceptions import APILimitedException, InvalidSignatureException, WeChatClientException  # type: ignore[import-untyped]  # publishes no types
from wechatpy.utils import check_signature  # type: ignore[import-untyped]  # publishes no types
from werobot.crypto import MessageCrypt  # type: ignore[import-untyped]  # publishes no types
from werobot.parser import parse_user_msg  # type: ignore[import-untyped]  # publishes no types
from werobot.utils import get_signature  # type: ignore[import-untyped]  # publishes no types

from switchboard.sandbox.conftest import Running
from switchboard.sandbox.weixin.conftest import Callback, detour

LIBRARIES = {"wechat_oa": "wechatpy, WeRoBot"}

JPEG = b"\xff\xd8\xff\xe0" + b"0" * 50
Json = dict[str, Any]


@pytest.fixture
def account(sandbox: Running, callback: Callback) -> Json:
    sandbox.post("/sandbox/customers", id="mei", name="林美", language="zh-CN")
    return sandbox.post("/sandbox/platforms/wechat_oa", id="wx0123456789abcdef", webhook_url=callback.url)


@pytest.fixture
def client(sandbox: Running, account: Json) -> Iterator[WeChatClient]:
    made = WeChatClient(account["id"], account["settings"]["app_secret"])
    detour(made._http, sandbox.url)
    yield made
    made._http.close()


def crypto(account: Json) -> WeChatCrypto:
    settings = account["settings"]
    return WeChatCrypto(settings["token"], settings["encoding_aes_key"], account["id"])


def opened(account: Json, call: tuple[dict[str, str], bytes]) -> Any:
    """The callback as wechatpy verifies, decrypts and reads it."""
    query, body = call
    check_signature(account["settings"]["token"], query["signature"], query["timestamp"], query["nonce"])
    plain = crypto(account).decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"])
    return parse_message(plain)


def said(sandbox: Running, account: Json, callback: Callback, **wish: Any) -> Any:
    """Mei does something; what wechatpy reads of it."""
    before = len(callback.calls)
    sandbox.play(account, "mei", **wish)
    return opened(account, callback.wait(before + 1)[before])


def test_every_kind_of_message_is_sent(
    sandbox: Running, account: Json, callback: Callback, client: WeChatClient
) -> None:
    openid = said(sandbox, account, callback, text="你好").source
    assert client.message.send_text(openid, "您好 😀") == {"errcode": 0, "errmsg": "ok"}
    picture = client.media.upload("image", ("a.jpg", io.BytesIO(JPEG), "image/jpeg"))
    assert picture["type"] == "image"
    client.message.send_image(openid, picture["media_id"])
    voice = client.media.upload("voice", ("a.amr", io.BytesIO(b"#!AMR\n"), "audio/amr"))
    client.message.send_voice(openid, voice["media_id"])
    film = client.media.upload("video", ("a.mp4", io.BytesIO(b"mp4"), "video/mp4"))
    client.message.send_video(openid, film["media_id"], "片名", "说明")
    article = {"title": "新品", "description": "上市", "url": "https://shop.example/new", "image": ""}
    client.message.send_articles(openid, [article])
    said(sandbox, account, callback, text="再来")
    thumb = client.media.upload("thumb", ("t.jpg", io.BytesIO(JPEG), "image/jpeg"))["thumb_media_id"]
    client.message.send_music(openid, "https://a.example/1.mp3", "https://a.example/1.mp3", thumb, "歌", "曲")
    menu = {"head_content": "满意吗？", "list": [{"id": "101", "content": "满意"}], "tail_content": "谢谢"}
    client.message.send_msg_menu(openid, menu)
    page = {"title": "订单", "appid": "wxfeed", "pagepath": "pages/order", "thumb_media_id": thumb}
    client.message.send_mini_program_page(openid, page)
    client.message.send_card(openid, "card1")
    kinds = ["text", "image", "voice", "video", "news", "music", "msgmenu", "miniprogrampage", "wxcard"]
    assert [entry["kind"] for entry in sandbox.ledger()] == kinds
    assert {entry["to"] for entry in sandbox.ledger()} == {openid}
    bubbles = sandbox.bubbles(account, "mei")
    assert bubbles[1]["text"] == "您好 😀"
    assert bubbles[2]["attachments"][0]["size"] == len(JPEG)
    asked = next(b for b in bubbles if b["kind"] == "msgmenu")
    answer = said(sandbox, account, callback, type="press", reply_to=asked["id"], button="101")
    assert (answer.content, answer._data["bizmsgmenuid"]) == ("满意", "101")


def test_windows_close_by_time_and_by_count(
    sandbox: Running, account: Json, callback: Callback, client: WeChatClient
) -> None:
    openid = said(sandbox, account, callback, text="hi").source
    for _ in range(5):
        client.message.send_text(openid, "x")
    assert code(client.message.send_text, openid, "sixth") == 45047
    said(sandbox, account, callback, text="again")
    sandbox.post("/sandbox/clock", shift_seconds=48 * 3600 + 1)
    assert code(client.message.send_text, openid, "late") == 45015
    said(sandbox, account, callback, action="menu", key="help")
    for _ in range(3):
        client.message.send_text(openid, "x")
    assert code(client.message.send_text, openid, "fourth") == 45047
    sandbox.post("/sandbox/clock", shift_seconds=61)
    assert code(client.message.send_text, openid, "late") == 45015
    said(sandbox, account, callback, action="unfollow")
    assert code(client.message.send_text, openid, "gone") == 45015
    assert len(sandbox.ledger()) == 8


def test_the_days_calls_run_out(
    sandbox: Running, account: Json, callback: Callback, client: WeChatClient
) -> None:
    settings = {**account["settings"], "daily_limit": 2}
    sandbox.http.patch(f"/sandbox/accounts/{account['id']}", json={"settings": settings})
    openid = said(sandbox, account, callback, text="hi").source
    client.message.send_text(openid, "x")
    asked = {"cgi_path": "/cgi-bin/message/custom/send"}
    assert client.post("openapi/quota/get", data=asked)["quota"] == {
        "daily_limit": 2,
        "used": 1,
        "remain": 1,
    }
    client.message.send_text(openid, "x")
    with pytest.raises(APILimitedException):
        client.message.send_text(openid, "x")
    sandbox.post("/sandbox/clock", shift_seconds=86_400)
    client.message.send_text(openid, "tomorrow")


def code(call: Any, *arguments: Any) -> int:
    """The platform's refusal as the library tells it."""
    with pytest.raises(WeChatClientException) as refused:
        call(*arguments)
    found: int = refused.value.errcode
    return found


def test_bad_requests_get_the_platforms_codes(
    sandbox: Running, account: Json, callback: Callback, client: WeChatClient
) -> None:
    openid = said(sandbox, account, callback, text="hi").source
    assert code(client.message.send_text, "oNobody", "x") == 40003
    assert code(client.message.send_text, openid, "") == 44004
    assert code(client.message.send_text, openid, "好" * 683) == 45002
    assert code(client.message.send_image, openid, "nothing") == 40007
    article = {"title": "a", "description": "b", "url": "https://a.example"}
    assert code(client.message.send_articles, openid, [article, article]) == 45008
    assert code(client.media.upload, "sticker", ("a.jpg", io.BytesIO(JPEG), "image/jpeg")) == 40004
    assert code(client.media.upload, "thumb", ("a.jpg", io.BytesIO(bytes(65_537)), "image/jpeg")) == 45001
    assert code(client.media.upload, "image", ("a.pdf", io.BytesIO(b"%PDF"), "application/pdf")) == 40005
    sandbox.post("/sandbox/faults", kind="error", code=48001, platform="wechat_oa")
    assert code(client.message.send_text, openid, "x") == 48001
    assert sandbox.ledger() == []


def test_tokens_end_after_two_hours_and_when_the_next_is_fetched(
    sandbox: Running, account: Json, callback: Callback, client: WeChatClient
) -> None:
    openid = said(sandbox, account, callback, text="hi").source
    first = client.access_token
    client.auto_retry = False
    sandbox.post("/sandbox/clock", shift_seconds=7201)
    assert code(client.message.send_text, openid, "x") == 42001
    client.auto_retry = True
    client.message.send_text(openid, "fetched anew by the library")
    second = client.access_token
    assert second != first
    secret = account["settings"]["app_secret"]
    query = {"grant_type": "client_credential", "appid": account["id"], "secret": secret}
    third = sandbox.http.get("/cgi-bin/token", params=query).json()["access_token"]
    client.auto_retry = False
    client.user.get(openid)
    sandbox.post("/sandbox/clock", shift_seconds=301)
    assert code(client.user.get, openid) == 40001
    stable = [sandbox.http.post("/cgi-bin/stable_token", json=query).json()["access_token"] for _ in range(2)]
    assert stable[0] == stable[1] != third
    forced = sandbox.http.post("/cgi-bin/stable_token", json={**query, "force_refresh": True}).json()
    assert forced["access_token"] != stable[0]
    told = sandbox.http.get("/cgi-bin/user/info", params={"access_token": stable[0], "openid": openid}).json()
    assert told["errcode"] == 40001
    good = sandbox.http.get("/cgi-bin/user/info", params={"access_token": third, "openid": openid}).json()
    assert good["subscribe"] == 1
    for wrong, errcode in (({"secret": "x"}, 40125), ({"appid": "wx1"}, 40013), ({"grant_type": "x"}, 40002)):
        refused = sandbox.http.get("/cgi-bin/token", params={**query, **wrong}).json()
        assert refused["errcode"] == errcode
    assert sandbox.http.get("/cgi-bin/user/info", params={"openid": openid}).json()["errcode"] == 41001


def test_followers_codes_menus_and_templates(
    sandbox: Running, account: Json, callback: Callback, client: WeChatClient
) -> None:
    followed = said(sandbox, account, callback, action="follow", scene="1001")
    assert (followed.event, followed.scene_id) == ("subscribe_scan", "1001")
    person = client.user.get(followed.source)
    assert (person["subscribe"], person["qr_scene"], person["nickname"]) == (1, 1001, "")
    assert person["unionid"].startswith("o")
    assert client.user.get_followers()["data"]["openid"] == [followed.source]
    made = client.qrcode.create(
        {"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "门店1"}}}
    )
    scanned = said(sandbox, account, callback, action="scan", scene="门店1")
    assert (scanned.event, scanned.scene_id, scanned.ticket) == ("scan", "门店1", made["ticket"])
    assert client.menu.get() is None  # the library knows 46003
    below = [
        {"type": "click", "name": "人工", "key": "human"},
        {"type": "view", "name": "官网", "url": "https://a.example"},
    ]
    client.menu.create({"button": [{"name": "服务", "sub_button": below}]})
    assert client.menu.get()["menu"]["button"][0]["sub_button"][0]["key"] == "human"
    assert said(sandbox, account, callback, action="menu", key="human").event == "click"
    assert said(sandbox, account, callback, action="menu", key="官网").url == "https://a.example"
    client.menu.delete()
    assert code(client.menu.create, {"button": []}) == 40016
    fields = {name: {"value": name} for name in ("first", "keyword1", "keyword2", "remark")}
    sent = client.message.send_template(followed.source, "order-update", fields, url="https://shop.example/o")
    (done,) = [opened(account, call) for call in callback.wait(5)[4:]]
    assert (done.event, done.id, done.status) == ("templatesendjobfinish", sent["msgid"], "success")
    assert code(client.message.send_template, followed.source, "unknown", fields) == 40037
    said(sandbox, account, callback, action="unfollow")
    assert code(client.message.send_template, followed.source, "order-update", fields) == 43004
    assert client.user.get(followed.source)["subscribe"] == 0
    assert client.misc.get_wechat_ips() == ["127.0.0.1"]


def test_media_come_down_and_expire(
    sandbox: Running, account: Json, callback: Callback, client: WeChatClient
) -> None:
    picture = said(sandbox, account, callback, type="image", file=sandbox.upload("a.jpg", JPEG, "image/jpeg"))
    assert client.media.download(picture.media_id).content == JPEG
    assert httpx.get(picture.image, trust_env=False).content == JPEG
    voice = said(
        sandbox, account, callback, type="audio", file=sandbox.upload("a.amr", b"#!AMR", "audio/amr")
    )
    assert (voice.type, voice.format) == ("voice", "amr")
    assert client.get("media/get/jssdk", params={"media_id": voice.media_id}).content == b"#!AMR"
    film = said(sandbox, account, callback, type="video", file=sandbox.upload("a.mp4", b"mp4", "video/mp4"))
    link = client.media.download(film.media_id)["video_url"]
    assert httpx.get(link, trust_env=False).content == b"mp4"
    sandbox.post("/sandbox/clock", shift_seconds=3 * 86_400 + 1)
    assert code(client.media.download, picture.media_id) == 40007


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_both_libraries_verify_and_read_every_callback(
    sandbox: Running, account: Json, callback: Callback, mode: str
) -> None:
    settings = {**account["settings"], "mode": mode}
    sandbox.http.patch(f"/sandbox/accounts/{account['id']}", json={"settings": settings})
    plays: list[tuple[Json, str]] = [
        ({"text": "一 <b> ]]> & 😀"}, "text"),
        ({"type": "location"}, "location"),
        ({"type": "link"}, "link"),
        ({"type": "shortvideo"}, "shortvideo"),
        ({"type": "image", "file": sandbox.upload("a.jpg", JPEG, "image/jpeg")}, "image"),
        ({"action": "follow"}, "subscribe_event"),
        ({"action": "scan"}, "scan_event"),
        ({"action": "location"}, "location_event"),
        ({"action": "menu", "key": "k"}, "click_event"),
        ({"action": "unfollow"}, "unsubscribe_event"),
    ]
    for wish, _ in plays:
        sandbox.play(account, "mei", **wish)
    calls = callback.wait(len(plays))
    keeper = MessageCrypt(settings["token"], settings["encoding_aes_key"], account["id"])
    seen = []
    for query, body in calls:
        assert get_signature(settings["token"], query["timestamp"], query["nonce"]) == query["signature"]
        signed = (query.get("msg_signature", ""), query["timestamp"], query["nonce"])
        plain = body
        if mode != "plain":
            sealed = parse_encrypt(body)
            plain = keeper.decrypt_message(query["timestamp"], query["nonce"], signed[0], sealed)
            assert parse_message(crypto(account).decrypt_message(body, *signed)).source == query["openid"]
            with pytest.raises(InvalidSignatureException):
                crypto(account).decrypt_message(body, "0" * 40, *signed[1:])
        message = parse_user_msg(plain)
        seen.append(message.type)
        assert message.source == query["openid"] == parse_message(plain).source
    assert seen == [kind for _, kind in plays]
    shown = b"FromUserName" in calls[0][1]
    assert shown == (mode != "safe")


def parse_encrypt(body: bytes) -> str:
    """The sealed part, as wechatpy reads it."""
    start, end = b"<Encrypt><![CDATA[", b"]]></Encrypt>"
    return body[body.index(start) + len(start) : body.index(end)].decode()


def test_an_address_is_kept_only_after_the_handshake(
    sandbox: Running, account: Json, callback: Callback
) -> None:
    token = account["settings"]["token"]

    def echo(query: dict[str, str]) -> str:
        check_signature(token, query["signature"], query["timestamp"], query["nonce"])
        return query["echostr"]

    callback.echo = echo
    path = f"/sandbox/wechat_oa/{account['id']}/verify"
    assert sandbox.http.post(path, json={"url": f"{callback.url}?a=1"}).status_code == 200
    assert sandbox.get(f"/sandbox/accounts/{account['id']}")["webhook_url"] == f"{callback.url}?a=1"
    callback.echo = lambda _: "something else"
    assert sandbox.http.post(path, json={"url": f"{callback.url}?a=2"}).status_code == 422
    callback.echo = lambda query: echo({**query, "signature": "0"})
    assert sandbox.http.post(path, json={"url": f"{callback.url}?a=2"}).status_code == 422
    assert sandbox.get(f"/sandbox/accounts/{account['id']}")["webhook_url"] == f"{callback.url}?a=1"


def test_unanswered_messages_come_three_times(sandbox: Running, account: Json, callback: Callback) -> None:
    callback.answers = [lambda *_: (500, b"")] * 2
    sandbox.play(account, "mei", text="twice unlucky")
    ids = {opened(account, call).id for call in callback.wait(3)}
    assert len(ids) == 1
    signatures = {query["msg_signature"] for query, _ in callback.calls}
    assert len(signatures) == 3
    callback.answers = [lambda *_: (500, b"")] * 9
    sandbox.play(account, "mei", text="unlucky")
    callback.wait(6)
    until(lambda: "暂时无法提供服务" in sandbox.bubbles(account, "mei")[-1]["error"])
    assert len(callback.calls) == 6
    callback.answers = [lambda *_: (200, b'{"json": true}')]
    sandbox.play(account, "mei", text="odd")
    until(lambda: "出现故障" in sandbox.bubbles(account, "mei")[-1]["error"])
    assert len(callback.calls) == 7


def test_a_slow_answer_is_none(sandbox: Running, account: Json, callback: Callback) -> None:
    """Tencent waits five seconds; here less, by the sandbox's own limit."""
    sandbox.app.world.config = type(sandbox.app.world.config)(
        webhook_timeout_seconds=0.2, retry_first_seconds=0.02, receipt_delay_seconds=0.01
    )
    callback.answers = [lambda *_: (time.sleep(0.5), (200, b"success"))[1]]  # type: ignore[func-returns-value]
    sandbox.play(account, "mei", text="hello?")
    assert len({opened(account, call).id for call in callback.wait(2)}) == 1


def until(good: Any, seconds: float = 5) -> None:
    """Wait for it."""
    end = time.monotonic() + seconds
    while not good() and time.monotonic() < end:
        time.sleep(0.02)
    assert good()


@pytest.mark.parametrize("mode", ["plain", "safe"])
def test_passive_replies_are_shown(sandbox: Running, account: Json, callback: Callback, mode: str) -> None:
    settings = {**account["settings"], "mode": mode}
    sandbox.http.patch(f"/sandbox/accounts/{account['id']}", json={"settings": settings})

    def reply(query: dict[str, str], body: bytes) -> tuple[int, bytes]:
        if mode == "plain":
            return 200, create_reply("已收到", parse_message(body)).render().encode()
        answer = create_reply("已收到", opened(account, (query, body))).render()
        return 200, crypto(account).encrypt_message(answer, query["nonce"], query["timestamp"]).encode()

    callback.answers = [reply]
    sandbox.play(account, "mei", text="hi")
    until(lambda: len(sandbox.bubbles(account, "mei")) == 2)
    assert sandbox.bubbles(account, "mei")[1]["text"] == "已收到"
    assert [entry["text"] for entry in sandbox.ledger()] == ["已收到"]
    if mode == "safe":  # an answer that is not encrypted is none
        callback.answers = [lambda *_: (200, b"<xml><MsgType>text</MsgType></xml>")]
        sandbox.play(account, "mei", text="again")
        until(lambda: "出现故障" in sandbox.bubbles(account, "mei")[-1]["error"])
