"""wechatpy and WeRoBot against the stand-in of mini-programs over real HTTP, and the three stand-ins beside each other."""

import io
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from wechatpy import WeChatClient, parse_message  # type: ignore[import-untyped]  # publishes no types
from wechatpy.crypto import WeChatCrypto  # type: ignore[import-untyped]  # publishes no types
from wechatpy.exceptions import InvalidSignatureException, WeChatClientException  # type: ignore[import-untyped]  # no types
from wechatpy.utils import check_signature  # type: ignore[import-untyped]  # publishes no types
from werobot.crypto import MessageCrypt  # type: ignore[import-untyped]  # publishes no types

from switchboard.sandbox.conftest import Running
from switchboard.sandbox.weixin.conftest import Callback, detour

LIBRARIES = {"wechat_miniprogram": "wechatpy, WeRoBot"}

JPEG = b"\xff\xd8\xff\xe0" + b"0" * 50
APP = "wxaaaaaaaaaaaaaaaa"
Json = dict[str, Any]


@pytest.fixture
def account(sandbox: Running, callback: Callback) -> Json:
    sandbox.post("/sandbox/customers", id="mei", name="林美", language="zh-CN")
    return sandbox.post("/sandbox/platforms/wechat_miniprogram", id=APP, webhook_url=callback.url)


@pytest.fixture
def client(sandbox: Running, account: Json) -> Iterator[WeChatClient]:
    made = WeChatClient(account["id"], account["settings"]["app_secret"])
    detour(made._http, sandbox.url)
    yield made
    made._http.close()


def opened(account: Json, call: tuple[dict[str, str], bytes]) -> Json:
    """A callback in JSON, verified and decrypted by both libraries."""
    query, body = call
    settings, signed = account["settings"], (call[0]["msg_signature"], call[0]["timestamp"], call[0]["nonce"])
    check_signature(settings["token"], query["signature"], query["timestamp"], query["nonce"])
    sealed = json.loads(body)
    box = WeChatCrypto(settings["token"], settings["encoding_aes_key"], account["id"])
    plain = box.decrypt_message(sealed, *signed)
    with pytest.raises(InvalidSignatureException):
        box.decrypt_message(sealed, "0" * 40, *signed[1:])
    other = MessageCrypt(settings["token"], settings["encoding_aes_key"], account["id"])
    found: Json = json.loads(
        other.decrypt_message(query["timestamp"], query["nonce"], signed[0], sealed["Encrypt"])
    )
    assert json.loads(plain) == found
    assert found["FromUserName"] == query["openid"]
    return found


def code(call: Any, *arguments: Any, **named: Any) -> int:
    """The platform's refusal as the library tells it."""
    with pytest.raises(WeChatClientException) as refused:
        call(*arguments, **named)
    found: int = refused.value.errcode
    return found


def test_messages_go_both_ways_within_the_windows(
    sandbox: Running, account: Json, callback: Callback, client: WeChatClient
) -> None:
    sandbox.play(account, "mei", action="enter", session_from="product-7")
    entered = opened(account, callback.wait(1)[0])
    assert (entered["Event"], entered["SessionFrom"]) == ("user_enter_tempsession", "product-7")
    openid = entered["FromUserName"]
    send = client.message
    send.send_text(openid, "您好")
    send.send_text(openid, "请说")
    assert code(send.send_text, openid, "third") == 45047
    sandbox.post("/sandbox/clock", shift_seconds=61)
    assert code(send.send_text, openid, "late") == 45015
    sandbox.play(account, "mei", text="在吗 😀")
    said = opened(account, callback.wait(2)[1])
    assert (said["Content"], type(said["MsgId"]), type(said["CreateTime"])) == ("在吗 😀", int, int)
    client.post("message/custom/typing", data={"touser": openid, "command": "Typing"})
    picture = client.media.upload("image", ("a.jpg", io.BytesIO(JPEG), "image/jpeg"))["media_id"]
    send.send_image(openid, picture)
    send.send_link(openid, {"title": "单", "description": "述", "url": "https://a.example", "thumb_url": ""})
    page = {"title": "单", "appid": APP, "pagepath": "pages/a", "thumb_media_id": picture}
    send.send_mini_program_page(openid, page)
    send.send_text(openid, "four")
    send.send_text(openid, "five")
    assert code(send.send_text, openid, "six") == 45047
    assert code(client.media.upload, "voice", ("a.amr", io.BytesIO(b"x"), "audio/amr")) == 40004
    sandbox.play(account, "mei", text="more")
    assert code(send.send_voice, openid, picture) == 40008
    kinds = ["text", "text", "image", "link", "miniprogrampage", "text", "text"]
    assert [entry["kind"] for entry in sandbox.ledger()] == kinds


def test_pictures_and_cards_come_in(
    sandbox: Running, account: Json, callback: Callback, client: WeChatClient
) -> None:
    sandbox.play(account, "mei", type="image", file=sandbox.upload("a.jpg", JPEG, "image/jpeg"))
    picture = opened(account, callback.wait(1)[0])
    assert client.media.download(picture["MediaId"]).content == JPEG
    assert httpx.get(picture["PicUrl"], trust_env=False).content == JPEG
    sandbox.play(account, "mei", type="miniprogrampage", title="茶", page="pages/tea")
    card = opened(account, callback.wait(2)[1])
    assert (card["Title"], card["AppId"], card["PagePath"]) == ("茶", APP, "pages/tea")
    assert (
        client.media.download(card["ThumbMediaId"]).content
        == httpx.get(card["ThumbUrl"], trust_env=False).content
    )


def test_notices_need_a_permission_each(
    sandbox: Running, account: Json, callback: Callback, client: WeChatClient
) -> None:
    sandbox.play(account, "mei", action="allow")
    popup = opened(account, callback.wait(1)[0])
    assert popup["List"]["SubscribeStatusString"] == "accept"
    openid = popup["FromUserName"]
    data = {"character_string1": {"value": "A-1"}, "phrase2": {"value": "已发货"}}
    send = client.wxa.send_subscribe_message
    assert code(send, openid, "order-notice", {}) == 47003
    send(openid, "order-notice", data)
    sent = opened(account, callback.wait(2)[1])
    assert sent["List"]["ErrorCode"] == "0"
    assert code(send, openid, "order-notice", data) == 43101
    assert code(send, openid, "unknown", data) == 40037
    assert sandbox.ledger()[0]["text"] == "订单编号：A-1\n状态：已发货"
    sandbox.play(account, "mei", action="refuse")
    assert opened(account, callback.wait(3)[2])["List"]["SubscribeStatusString"] == "reject"


@pytest.mark.parametrize(
    ("form", "mode"), [("xml", "safe"), ("xml", "plain"), ("json", "plain"), ("json", "compatible")]
)
def test_every_format_of_the_console(
    sandbox: Running, account: Json, callback: Callback, form: str, mode: str
) -> None:
    settings = {**account["settings"], "format": form, "mode": mode}
    sandbox.http.patch(f"/sandbox/accounts/{APP}", json={"settings": settings})
    sandbox.play(account, "mei", action="enter", session_from="a=1&b=<2>")
    ((query, body),) = callback.wait(1)
    check_signature(settings["token"], query["signature"], query["timestamp"], query["nonce"])
    if form == "json":
        told = json.loads(body)
        assert ("Encrypt" in told) == (mode == "compatible")
    else:
        box = WeChatCrypto(settings["token"], settings["encoding_aes_key"], APP)
        signed = (query.get("msg_signature"), query["timestamp"], query["nonce"])
        told = parse_message(box.decrypt_message(body, *signed) if mode == "safe" else body)._data
    assert told["SessionFrom"] == "a=1&b=<2>"


def test_a_token_opens_its_own_platform_only(sandbox: Running, account: Json, client: WeChatClient) -> None:
    oa = sandbox.post("/sandbox/platforms/wechat_oa")
    corp = sandbox.post("/sandbox/platforms/wecom")
    others = [WeChatClient(oa["id"], oa["settings"]["app_secret"])]
    detour(others[0]._http, sandbox.url)
    query = {"corpid": corp["id"], "corpsecret": corp["settings"]["app_secret"]}
    corps = sandbox.http.get("/cgi-bin/gettoken", params=query).json()["access_token"]
    picture = ("a.jpg", io.BytesIO(JPEG), "image/jpeg")
    mine = client.media.upload("image", picture)["media_id"]
    assert code(others[0].media.download, mine) == 40007
    refused = sandbox.http.get("/cgi-bin/media/get", params={"access_token": corps, "media_id": mine}).json()
    assert refused["errcode"] == 40007
    assert client.media.download(mine).content == JPEG
    assert client.misc.get_wechat_ips() == others[0].misc.get_wechat_ips() == ["127.0.0.1"]
    for path in ("media/get", "user/info", "kf/account/list"):
        told = sandbox.http.get(f"/cgi-bin/{path}", params={"access_token": "never"}).json()
        assert told["errcode"] == (40014 if path.startswith("kf") else 40001)
    others[0]._http.close()
