"""Whatever a client sends, the three stand-ins refuse it as Tencent does: HTTP 200 and a code, never a fault of their own."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from switchboard.sandbox.app import Sandbox
from switchboard.sandbox.conftest import FAST, Running
from switchboard.sandbox.weixin.conftest import Callback

Json = dict[str, Any]
ODD: tuple[Any, ...] = (None, "", "x", 0, -1, 10**30, True, [], ["x"], [None], {}, {"x": 1}, "好" * 3000)
NESTED: tuple[Any, ...] = (
    {"scene": None},
    {"scene": {"scene_id": "x"}},
    [{"sub_button": [None]}],
    [{"openid": 1}],
)
ROW = {"type": "click", "click": {"id": "1", "content": "x"}, "id": "1", "content": "x"}
ARTICLE = {"title": "x", "description": "x", "url": "https://a.example", "picurl": ""}
CONTENTS: dict[str, Json] = {
    "text": {"content": "x", "menu_id": "1"},
    "image": {"media_id": ""},
    "voice": {"media_id": ""},
    "video": {"media_id": "", "title": "x", "description": "x"},
    "file": {"media_id": ""},
    "music": {"musicurl": "https://a.example", "hqmusicurl": "", "title": "x", "thumb_media_id": ""},
    "news": {"articles": [ARTICLE]},
    "mpnews": {"media_id": ""},
    "mpnewsarticle": {"article_id": "x"},
    "msgmenu": {"head_content": "x", "list": [ROW], "tail_content": "x"},
    "wxcard": {"card_id": "x"},
    "link": {"title": "x", "desc": "x", "description": "x", "url": "https://a.example", "thumb_media_id": ""},
    "miniprogrampage": {"title": "x", "appid": "wx1", "pagepath": "pages/a", "thumb_media_id": ""},
    "miniprogram": {"title": "x", "appid": "wx1", "pagepath": "pages/a", "thumb_media_id": ""},
    "location": {"name": "x", "address": "x", "latitude": 1, "longitude": 2},
    "business_card": {"userid": "x"},
    "ca_link": {"link_url": "https://a.example"},
}
"""Messages by type, each of which fits."""
FIELDS = ("first", "keyword1", "keyword2", "remark", "character_string1", "phrase2")
API = {
    "/cgi-bin/message/custom/send": ["touser", "msgtype", "customservice", *CONTENTS],
    "/cgi-bin/message/custom/typing": ["touser", "command"],
    "/cgi-bin/message/template/send": ["touser", "template_id", "data", "url", "miniprogram"],
    "/cgi-bin/message/subscribe/bizsend": ["touser", "template_id", "data", "page"],
    "/cgi-bin/user/info/batchget": ["user_list"],
    "/cgi-bin/user/info/updateremark": ["openid", "remark"],
    "/cgi-bin/qrcode/create": ["action_name", "action_info", "expire_seconds"],
    "/cgi-bin/menu/create": ["button"],
    "/cgi-bin/openapi/quota/get": ["cgi_path"],
    "/cgi-bin/clear_quota": ["appid"],
}
KF = {
    "/cgi-bin/kf/send_msg": ["touser", "open_kfid", "msgid", "msgtype", *CONTENTS],
    "/cgi-bin/kf/send_msg_on_event": ["code", "msgid", "msgtype", *CONTENTS],
    "/cgi-bin/kf/sync_msg": ["cursor", "token", "limit", "voice_format", "open_kfid"],
    "/cgi-bin/kf/service_state/get": ["open_kfid", "external_userid"],
    "/cgi-bin/kf/service_state/trans": ["open_kfid", "external_userid", "service_state", "servicer_userid"],
    "/cgi-bin/kf/customer/batchget": ["external_userid_list", "need_enter_session_context"],
    "/cgi-bin/kf/account/list": ["offset", "limit"],
    "/cgi-bin/kf/add_contact_way": ["open_kfid", "scene"],
}
MINI = {
    "/cgi-bin/message/custom/send": ["touser", "msgtype", *CONTENTS],
    "/cgi-bin/message/subscribe/send": ["touser", "template_id", "data", "page"],
}


QUERIES = {
    "wechat_oa": [
        "user/info",
        "media/get",
        "media/get/jssdk",
        "user/get",
        "menu/get",
        "getcallbackip",
        "token",
    ],
    "wecom": ["media/get", "kf/account/list", "kf/servicer/list", "gettoken"],
    "wechat_miniprogram": ["media/get", "get_api_domain_ip", "token"],
}
PATHS = {"wechat_oa": API, "wecom": KF, "wechat_miniprogram": MINI}


def good(person: str, desk: str) -> Json:
    """Fields that fit, of which one at a time is made odd."""
    button = {"type": "click", "name": "a", "key": "k"}
    return {
        "touser": person,
        "open_kfid": desk,
        "external_userid": person,
        "msgtype": "text",
        "text": {"content": "x"},
        "template_id": "order-update",
        "action_name": "QR_SCENE",
        "action_info": {"scene": {"scene_id": 1}},
        "button": [{"name": "a", "sub_button": [button]}],
        "user_list": [{"openid": person}],
        "openid": person,
        "service_state": 1,
        "external_userid_list": [person],
        "command": "Typing",
        "data": {name: {"value": "x"} for name in FIELDS},
    }


def odd_bodies(fields: list[str], base: Json) -> Iterator[Json]:
    """The good body with one field made odd, and within a message each of its own fields."""
    for name in fields:
        typed = {"msgtype": name} if name in CONTENTS else {}
        for odd in ODD:
            yield {**base, **typed, name: odd}
            for inner, fits in CONTENTS.get(name, {}).items():
                yield {**base, **typed, name: {**CONTENTS[name], inner: odd}}
                if isinstance(fits, list):
                    yield {**base, **typed, name: {**CONTENTS[name], inner: [odd]}}
        for nested in NESTED:
            yield {**base, **typed, name: nested}


class Desk:
    """One stand-in within this process, an account of it, and a customer who may be written to without end."""

    def __init__(self, http: httpx.AsyncClient, sandbox: Sandbox) -> None:
        self.http, self.sandbox = http, sandbox
        self.token = ""
        self.base: Json = {}
        self.bad: list[tuple[str, Any, str]] = []

    async def open(self, kind: str) -> str:
        """Make the account, let Mei write, take a token; return the account's id."""
        await self.http.post("/sandbox/customers", json={"id": "mei", "name": "林美"})
        account = (await self.http.post(f"/sandbox/platforms/{kind}", json={})).json()
        settings, wish = account["settings"], {"platform": kind, "account": account["id"], "customer": "mei"}
        await self.http.post("/sandbox/play", json={**wish, "text": "hi"})
        shown = await self.http.get(f"/sandbox/chats/{kind}:{account['id']}:mei/bubbles")
        said = shown.json()["bubbles"][0]["raw"]
        if kind == "wecom":
            query = {"corpid": account["id"], "corpsecret": settings["app_secret"]}
            given = await self.http.get("/cgi-bin/gettoken", params=query)
            self.base = good(said["external_userid"], settings["kf_accounts"][0]["open_kfid"])
        else:
            query = {
                "appid": account["id"],
                "secret": settings["app_secret"],
                "grant_type": "client_credential",
            }
            given = await self.http.get("/cgi-bin/token", params=query)
            self.base = good(said["FromUserName"], "")
        self.token = given.json()["access_token"]
        files = {"media": ("a.jpg", b"\xff\xd8\xff", "image/jpeg")}
        made = await self.http.post(
            f"/cgi-bin/media/upload?access_token={self.token}&type=image", files=files
        )
        for content in CONTENTS.values():
            for name in {"media_id", "thumb_media_id"} & set(content):
                content[name] = made.json()["media_id"]
        kept = self.sandbox.world.state.accounts[account["id"]].kept
        kept["allowed"] = {f"{self.base['touser']}:order-notice": 10**6}
        for windows in kept["windows"].values():
            for window in windows.values():
                window[1] = 10**6
        made_id: str = account["id"]
        return made_id

    async def try_out(self, path: str, **request: Any) -> int:
        """Call, and write down what is no answer of Tencent's."""
        answer = await self.http.post(f"{path}?access_token={self.token}", **request)
        if answer.status_code != 200:
            self.bad.append((path, request, answer.text))
            return 0
        code: int = answer.json().get("errcode", 0)
        return code


@pytest.mark.parametrize("kind", ["wechat_oa", "wecom", "wechat_miniprogram"])
async def test_nothing_breaks_a_stand_in(kind: str) -> None:
    sandbox = Sandbox(FAST)
    transport = httpx.ASGITransport(app=sandbox)
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as http:
        desk = Desk(http, sandbox)
        await desk.open(kind)
        codes = set()
        for path, fields in PATHS[kind].items():
            for raw in (b"", b"{", b"[]", b"null", b'{"touser": "\xff"}'):
                codes.add(await desk.try_out(path, content=raw))
            agreed = {"template_id": "order-notice"} if "subscribe" in path else {}
            for body in odd_bodies(fields, {**desk.base, **agreed}):
                codes.add(await desk.try_out(path, json=body))
    assert not desk.bad, desk.bad[:5]
    assert {0, 40003 if kind != "wecom" else 40096, 40008, 47001} <= codes


@pytest.mark.parametrize("kind", ["wechat_oa", "wecom", "wechat_miniprogram"])
async def test_odd_queries_uploads_and_wishes_break_nothing_either(kind: str) -> None:
    sandbox = Sandbox(FAST)
    transport = httpx.ASGITransport(app=sandbox)
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as http:
        desk = Desk(http, sandbox)
        account = await desk.open(kind)
        for path in QUERIES[kind]:
            for odd in ("", "x", "-1", "9" * 40, "好" * 3000, "[]"):
                for name in ("openid", "media_id", "open_kfid", "lang", "next_openid"):
                    answer = await http.get(
                        f"/cgi-bin/{path}", params={"access_token": desk.token, name: odd}
                    )
                    assert answer.status_code == 200, (path, name, odd)
        for odd in ODD:
            body = {"grant_type": "client_credential", "appid": account, "secret": "x", "force_refresh": odd}
            for name in body:
                answer = await http.post("/cgi-bin/stable_token", json={**body, name: odd})
                assert answer.status_code in ((200, 404) if kind == "wecom" else (200,)), (name, odd)
        url = f"/cgi-bin/media/upload?access_token={desk.token}&type="
        for of_kind in ("image", "voice", "video", "thumb", "file", "", "好"):
            for name, file in (("media", ("", b"", "")), ("media", ("a", b"x", "no-type")), ("other", b"x")):
                answer = await http.post(url + of_kind, files={name: file})
                assert answer.status_code == 200, (of_kind, name, file)
            for content in (b"", b"--x", b"\xff" * 100):
                headers = {"content-type": "multipart/form-data; boundary=x"}
                answer = await http.post(url + of_kind, content=content, headers=headers)
                assert answer.status_code == 200, (of_kind, content)
        bad = []
        for wish in odd_wishes():
            whose = {"platform": kind, "account": account, "customer": "mei"}
            answer = await http.post("/sandbox/play", json={**whose, **wish})
            if answer.status_code >= 500:
                bad.append(wish)
    assert not bad, bad[:5]


def odd_wishes() -> Iterator[Json]:
    """Things that no page of ours would ask for."""
    for kind in (
        "text",
        "image",
        "location",
        "link",
        "press",
        "miniprogrampage",
        "channels",
        "merged_msg",
        "revoke",
    ):
        for name in (
            "text",
            "file",
            "location",
            "url",
            "title",
            "page",
            "reply_to",
            "button",
            "id",
            "raw",
            "target",
        ):
            for odd in ODD:
                yield {"type": kind, name: odd}
    for action in ("enter", "follow", "scan", "menu", "location", "allow", "servicer", "end", "block"):
        for name in ("scene", "session_from", "key", "kind", "location", "template_id", "channels", "text"):
            for odd in ODD:
                yield {"action": action, name: odd}


def test_odd_answers_to_a_push_are_shown_as_failures_and_the_next_push_goes_out(
    sandbox: Running, callback: Callback
) -> None:
    sandbox.post("/sandbox/customers", id="mei", name="林美")
    account = sandbox.post(
        "/sandbox/platforms/wechat_oa", webhook_url=callback.url, settings={"mode": "plain"}
    )
    sandbox.play(account, "mei", text="hi")
    person = sandbox.bubbles(account, "mei")[0]["raw"]["FromUserName"]
    head = f"<xml><ToUserName>{person}</ToUserName><MsgType>"
    odd = [
        "no",
        "<xml>",
        "{}",
        "<!DOCTYPE x [<!ENTITY a 'b'>]><xml><MsgType>&a;</MsgType></xml>",
        f"{head}text</MsgType></xml>",
        f"{head}text</MsgType><Content><a>1</a></Content></xml>",
        f"{head}image</MsgType><Image>words</Image></xml>",
        f"{head}image</MsgType></xml>",
        f"{head}news</MsgType><Articles>words</Articles></xml>",
        f"{head}news</MsgType><Articles><item>1</item><item>2</item></Articles></xml>",
        f"{head}music</MsgType><Music><ThumbMediaId><a/></ThumbMediaId></Music></xml>",
    ]
    callback.wait(1)
    for number, answer in enumerate(odd, 2):
        callback.answers.append(lambda *_, answer=answer: (200, answer.encode()))
        sandbox.play(account, "mei", text=answer)
        callback.wait(number)
    sandbox.play(account, "mei", text="last")
    callback.wait(len(odd) + 2)
    said = [one for one in sandbox.bubbles(account, "mei") if one["side"] == "customer"]
    assert [bool(one["error"]) for one in said] == [False, *(True for _ in odd), False]
