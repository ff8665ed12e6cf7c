"""Douyin's own client library (Node.js) against the sandbox over real HTTP; events in the form of the documentation.

The library is `@open-dy/open_api_sdk` of the npm registry; it has fixed addresses, so its process leads every HTTPS request
to the sandbox. Where it isn't installed, that part is skipped.
"""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from switchboard.sandbox.conftest import Hook, Running

LIBRARIES = {"douyin": "@open-dy/open_api_sdk (npm)"}

MODULES = Path(
    os.environ.get("SWITCHBOARD_NODE_MODULES", Path(__file__).parents[3] / "frontend/node_modules")
)
LIBRARY = MODULES / "@open-dy/open_api_sdk"
needs_library = pytest.mark.skipif(
    not LIBRARY.is_dir() or not shutil.which("node"), reason=f"npm's {LIBRARY.name} is not installed"
)
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 50
Json = dict[str, Any]

DRIVER = """
const https = require("https"), http = require("http"), { Readable } = require("stream");
const [library, sandbox] = process.argv.slice(1);
const there = new URL(sandbox);
https.request = (first, second, third) => {
  const base = typeof first === "string" || first instanceof URL ? new URL(first) : null;
  const given = base ? (typeof second === "object" ? second : {}) : first;
  const path = base ? base.pathname + base.search : given.path;
  const done = [first, second, third].find((one) => typeof one === "function");
  const { method, headers } = given;
  return http.request({ method, headers, path, hostname: there.hostname, port: there.port }, done);
};
const sdk = require(library);
let text = "";
process.stdin.on("data", (part) => (text += part)).on("end", async () => {
  const { key, secret, calls } = JSON.parse(text);
  const client = new sdk.default({ clientKey: key, clientSecret: secret });
  const build = (name, fields) => {
    const kind = sdk[name], types = kind.types(), made = {};
    for (const [field, value] of Object.entries(fields)) {
      const type = types[field];
      if (field === "image" && typeof value === "string") continue;
      made[field] = typeof type === "function" && type.types ? build(type.name, value) : value;
    }
    return new kind(made);
  };
  const results = [];
  for (const [method, request, fields] of calls) {
    try {
      const given = build(request, fields);
      if (typeof fields.image === "string") given.image = { filename: "a.png", contentType: "image/png",
        content: Readable.from([Buffer.from(fields.image, "base64")]) };
      results.push({ ok: await client[method](given) });
    } catch (error) {
      results.push({ code: error.code, message: error.message });
    }
  }
  console.log(JSON.stringify(results));
});
"""


def library(sandbox: Running, account: Json, *calls: tuple[str, str, Json]) -> list[Json]:
    """What Douyin's library makes of the answers to these calls."""
    settings = account["settings"]
    asked = {"key": settings["client_key"], "secret": settings["client_secret"], "calls": calls}
    done = subprocess.run(
        [str(shutil.which("node")), "-e", DRIVER, str(LIBRARY), sandbox.url],
        input=json.dumps(asked), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    results: list[Json] = json.loads(done.stdout)
    return results


@pytest.fixture
def account(sandbox: Running, hook: Hook) -> Json:
    sandbox.post("/sandbox/customers", id="mei", name="林美")
    return sandbox.post("/sandbox/platforms/douyin", webhook_url=hook.url, name="沙盒商店")


def token(sandbox: Running, account: Json) -> str:
    settings = account["settings"]
    form = {
        "client_key": settings["client_key"],
        "grant_type": "refresh_token",
        "refresh_token": settings["refresh_token"],
    }
    answer = httpx.post(f"{sandbox.url}/oauth/refresh_token/", data=form, trust_env=False).json()
    return str(answer["data"].get("access_token") or answer["data"]["error_code"])


def content(event: Json) -> Json:
    found = event["content"]
    made: Json = json.loads(found) if isinstance(found, str) else found
    return made


def answer_to(event: Json, access: str, words: str = "你好") -> Json:
    held = content(event)
    return {
        "openId": event["to_user_id"],
        "accessToken": access,
        "toUserId": event["from_user_id"],
        "msgId": held["server_message_id"],
        "conversationId": held["conversation_short_id"],
        "content": {"msgType": 1, "text": {"text": words}},
    }


@needs_library
def test_the_library_gets_tokens_and_renews_them(sandbox: Running, account: Json) -> None:
    settings = account["settings"]
    refresh = {"clientKey": settings["client_key"], "grantType": "refresh_token"}
    first, wrong, refreshed, renewed, old = library(
        sandbox, account,
        ("oauthClientToken", "OauthClientTokenRequest",
         {"clientKey": settings["client_key"], "clientSecret": settings["client_secret"], "grantType": "client_credential"}),
        ("oauthClientToken", "OauthClientTokenRequest",
         {"clientKey": settings["client_key"], "clientSecret": "wrong", "grantType": "client_credential"}),
        ("oauthRefreshToken", "OauthRefreshTokenRequest", {**refresh, "refreshToken": settings["refresh_token"]}),
        ("oauthRenewRefreshToken", "OauthRenewRefreshTokenRequest",
         {"clientKey": settings["client_key"], "refreshToken": settings["refresh_token"]}),
        ("oauthRefreshToken", "OauthRefreshTokenRequest", {**refresh, "refreshToken": settings["refresh_token"]}),
    )  # fmt: skip
    assert first["ok"]["data"]["accessToken"].startswith("clt.")
    assert wrong["ok"]["data"]["errorCode"] == "10013"
    assert refreshed["ok"]["data"]["openId"] == account["id"]
    assert renewed["ok"]["data"]["refreshToken"].startswith("rft.")
    assert old["ok"]["data"]["errorCode"] == "10010"


@needs_library
def test_the_library_sends_every_kind_and_recalls(sandbox: Running, account: Json, hook: Hook) -> None:
    sandbox.play(account, "mei", text="在吗")
    (event,) = hook.wait(len)
    access = token(sandbox, account)
    settings = account["settings"]
    (given,) = library(
        sandbox, account,
        ("oauthClientToken", "OauthClientTokenRequest",
         {"clientKey": settings["client_key"], "clientSecret": settings["client_secret"], "grantType": "client_credential"}),
    )  # fmt: skip
    image = base64.b64encode(PNG).decode()
    upload = {"accessToken": given["ok"]["data"]["accessToken"], "image": image}
    (uploaded,) = library(sandbox, account, ("imagexClientUpload", "ImagexClientUploadRequest", upload))
    message = answer_to(event, access)
    kinds = [
        message["content"],
        {"msgType": 2, "image": {"mediaId": uploaded["ok"]["imageId"]}},
        {"msgType": 8, "retainConsultCard": {"cardId": "@card"}},
        {"msgType": 10, "appletCard": {"cardTemplateId": "@t", "appId": "tt1", "path": "p", "query": "{}"}},
    ]
    sent = library(
        sandbox,
        account,
        *[("sendMsg", "SendMsgRequest", {**message, "content": one}) for one in kinds],
        ("sendMsg", "SendMsgRequest", {**message, "content": {"msgType": 2, "image": {"mediaId": "@none"}}}),
    )
    assert [s.get("code") for s in sent] == [None, None, None, None, "28001007"]
    assert [e["kind"] for e in sandbox.ledger()] == ["text", "image", "card", "card"]
    bubbles = sandbox.bubbles(account, "mei")
    assert bubbles[2]["attachments"][0]["content_type"] == "image/png"
    recall = {
        "openId": account["id"],
        "accessToken": access,
        "msgId": sent[0]["ok"]["msgId"],
        "conversationId": message["conversationId"],
        "conversationType": 1,
    }
    (recalled,) = library(sandbox, account, ("recallMsg", "RecallMsgRequest", recall))
    assert recalled["ok"]["errNo"] == 0
    assert sandbox.bubbles(account, "mei")[1]["revoked"]
    said = hook.wait(lambda bodies: bodies[-1]["event"] == "im_recall_msg")
    assert [b["event"] for b in said] == ["im_receive_msg", *["im_send_msg"] * 4, "im_recall_msg"]
    assert content(said[1])["source"] == settings["client_key"]


@needs_library
def test_the_library_reads_files_videos_and_names(sandbox: Running, account: Json, hook: Hook) -> None:
    key = sandbox.upload("a.png", PNG, "image/png")
    sandbox.play(account, "mei", type="image", file=key)
    sandbox.play(account, "mei", type="comment", text="多少钱？")
    picture, comment = hook.wait(lambda bodies: len(bodies) == 2)
    access, held = token(sandbox, account), content(picture)
    who = {"openId": account["id"], "accessToken": access}
    where = {"conversationId": held["conversation_short_id"], "messageId": held["server_message_id"]}
    item = content(comment)["reply_to_item_id"]
    found, videos, user, replied, stranger = library(
        sandbox,
        account,
        ("messageResources", "MessageResourcesRequest", {**who, **where}),
        ("videoVideoData", "VideoVideoDataRequest", {**who, "itemIds": [item]}),
        ("oauthUserinfo", "OauthUserinfoRequest", who),
        (
            "itemCommentReply",
            "ItemCommentReplyRequest",
            {**who, "itemId": item, "commentId": content(comment)["comment_id"], "content": "199 元"},
        ),
        ("videoVideoData", "VideoVideoDataRequest", {**who, "openId": "somebody", "itemIds": [item]}),
    )
    assert held["message_type"] == "user_local_image"
    # The library names Douyin's host, so the address is one there.
    url = f"{sandbox.url}{httpx.URL(found['ok']['data']['url']).path}"
    headers = {"access-token": access, "openid": account["id"]}
    assert httpx.get(url, headers=headers, trust_env=False).content == PNG
    assert httpx.get(url, trust_env=False).status_code == 403
    assert [v["title"] for v in videos["ok"]["data"]["list"]] == ["新品上市 · New in store"]
    assert user["ok"]["data"]["nickname"] == "沙盒商店"
    assert replied["ok"]["data"]["commentId"]
    assert stranger["code"] == "28001015"


def test_events_are_signed_and_the_address_is_checked(sandbox: Running, account: Json, hook: Hook) -> None:
    sandbox.play(account, "mei", text="hi")
    hook.wait(len)
    ((headers, body),) = hook.calls
    secret = account["settings"]["client_secret"].encode()
    assert headers["x-douyin-signature"] == hashlib.sha1(secret + body).hexdigest()
    for says in (b"{}", b'{"challenge":1}'):  # no address knows the number before it is asked
        hook.body, count = says, len(hook.calls)
        sandbox.play(account, "mei", action="verify")
        until = time.monotonic() + 5
        while len(hook.calls) == count and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.1)
        assert isinstance(content(hook.bodies()[-1])["challenge"], int)
        assert sandbox.get(f"/sandbox/accounts/{account['id']}")["webhook_verified"] is False


def test_an_answer_needs_a_message_of_the_last_day_and_six_are_allowed(
    sandbox: Running, account: Json, hook: Hook
) -> None:
    access = token(sandbox, account)
    sandbox.play(account, "mei", action="enter")
    (event,) = hook.wait(len)
    held = content(event)
    body = {
        "to_user_id": event["from_user_id"],
        "msg_id": held["server_message_id"],
        "conversation_id": held["conversation_short_id"],
        "content": {"msg_type": 1, "text": {"text": "你好"}},
    }

    def code(**more: Any) -> int:
        answer = httpx.post(
            f"{sandbox.url}/im/send/msg/", params={"open_id": account["id"]}, json={**body, **more},
            headers={"access-token": access}, trust_env=False,
        )  # fmt: skip
        assert answer.status_code == 200
        number: int = answer.json()["extra"]["error_code"]
        return number

    assert code(msg_id="@unknown") == code(conversation_id="@x") == code(to_user_id="nobody") == 28001007
    assert [code() for _ in range(7)] == [0] * 6 + [28003070]
    sandbox.play(account, "mei", text="还有吗")
    newer = content(hook.wait(lambda bodies: bodies[-1]["event"] == "im_receive_msg")[-1])[
        "server_message_id"
    ]
    assert code(msg_id=newer) == 0
    sandbox.post("/sandbox/clock", shift_seconds=24 * 3600 + 1)
    assert code(msg_id=newer) == 28001007
    sandbox.post("/sandbox/clock", shift_seconds=15 * 86_400)
    assert code(msg_id=newer) == 28001008
    sandbox.play(account, "mei", action="unauthorize")
    assert hook.wait(lambda bodies: bodies[-1]["event"] == "unauthorize")
    assert code(msg_id=newer) == 28001003
    assert token(sandbox, account) == "10010"
    assert len(sandbox.ledger()) == 7


@pytest.mark.skipif("SWITCHBOARD_SAMPLES" not in os.environ, reason="no directory of samples is named")
def test_events_and_answers_have_the_form_of_the_documentation(
    sandbox: Running, account: Json, hook: Hook
) -> None:
    samples = Path(os.environ["SWITCHBOARD_SAMPLES"]) / "douyin"
    sandbox.play(account, "mei", type="comment", text="多少钱？")
    sandbox.play(account, "mei", action="group")
    group = sandbox.get("/sandbox/state")["chats"]
    room = next(c["peer"] for c in group if c["title"] == "粉丝群")
    sandbox.play(account, "mei", room=room, type="sticker")
    comment, joined, sticker = hook.wait(lambda bodies: len(bodies) == 3)

    def sample(name: str) -> Json:
        found: Json = json.loads((samples / name).read_text())
        return found

    for event, name in ((comment, "ItemCommentReplyEvent"), (joined, "GroupFansEventEvent")):
        wanted = sample(f"webhook/{name}.json")
        assert wanted.keys() <= event.keys()
        assert content(event).keys() == content(wanted).keys()
        assert isinstance(event["content"], type(wanted["content"]))
    wanted = sample("webhook/IMGroupReceiveMessageEvent.json")
    card = {"item_id", "card_id", "card_status", "card_data"}
    assert set(wanted["content"]) - card <= set(content(sticker))
    answer = httpx.post(
        f"{sandbox.url}/im/send/msg/group/", params={"open_id": account["id"]},
        json={"group_id": room, "content": {"msg_type": 1, "text": {"text": "hi"}}},
        headers={"access-token": token(sandbox, account)}, trust_env=False,
    ).json()  # fmt: skip
    wanted = sample("api/IMSendMessageGroupResponse.json")
    assert answer.keys() == wanted.keys()
    assert answer["extra"].keys() == wanted["extra"].keys()
    assert answer["data"] == wanted["data"]
