"""Douyin under the contract, and its oddities."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import msgspec
import pytest

from switchboard.channels.api import (
    AccountChanged,
    BadPayload,
    BadSignature,
    Content,
    Image,
    MessageReceived,
    Outbound,
    Outcome,
    Part,
    Post,
    RawRequest,
    Reauthorise,
    Refused,
    Retry,
    Sent,
    Source,
    Template,
    Text,
)
from switchboard.channels.contract import Answer, ChannelContract, Request, ScriptedIo
from switchboard.channels.douyin.channel import DouyinChannel, DouyinConfig, accounts_of
from switchboard.channels.douyin.openapi import OpenApi
from switchboard.channels.douyin.outbound import CARDS

SHOP = "5f1c7a52-shop-4c1e-9d3b-000000000001"
REFRESH = "rft.refresh-token-of-the-tests"
CONFIG: Mapping[str, Any] = {
    "client_key": "awtestkey0000001",
    "client_secret": "client-secret-of-the-tests",
    "accounts": f"{SHOP} {REFRESH}",
}
SAMPLES = os.environ.get("SWITCHBOARD_SAMPLES", "")
SENT = Answer(
    json={"extra": {"error_code": 0}, "data": {"error_code": 0, "description": ""}, "msg_id": "@U0VOVC0x=="}
)

OF_APP = Answer(json={"data": {"access_token": "clt.1", "expires_in": 7200, "error_code": 0}})


def said(code: int, words: str = "no", **headers: str) -> Answer:
    """An error as Douyin tells it: with HTTP 200."""
    data = {"error_code": code, "description": words}
    return Answer(
        json={"data": data, "extra": {**data, "sub_error_code": 0, "sub_description": ""}}, headers=headers
    )


def refreshed(token: str, left: int = 2_592_000) -> Answer:
    """A new access token."""
    data = {
        "access_token": token, "expires_in": "1296000", "open_id": SHOP, "refresh_token": REFRESH,
        "refresh_expires_in": str(left), "error_code": 0, "description": "",
    }  # fmt: skip
    return Answer(json={"data": data, "message": "success"})


def signed(body: bytes, client_secret: str) -> str:
    """Douyin's proof: hex of SHA-1 over secret and body."""
    return hashlib.sha1(client_secret.encode() + body).hexdigest()


class HeldTokens(ScriptedIo):
    """A world in which all tokens have been fetched before."""

    async def token(self, name: str, fetch: Any, instead_of: str = "") -> str:
        """Return the one kept, or another one when it was refused."""
        del fetch
        return f"act.{name.partition(':')[0]}" + ("-new" if instead_of else "")


class TestDouyin(ChannelContract):
    kind = "douyin"
    config: ClassVar[Mapping[str, Any]] = CONFIG
    rotated: ClassVar[Mapping[str, Any]] = {"client_secret": "client-secret-after-rotation"}
    answer = SENT
    situations: ClassVar[Mapping[str, Answer]] = {
        "slow_down": said(28003018, "too fast", **{"retry-after": "7"}),
        "bad_request": said(2100005, "Parameter error"),
        "unauthorised": said(2190002, "access_token无效"),
    }
    errors: ClassVar[Sequence[tuple[Answer, type[Outcome]]]] = [
        (said(28003070, "回复次数已用完"), Refused),
        (said(28003080, "消息已过期"), Refused),
        (said(28003082, "消息对象不匹配"), Refused),
        (said(28003095, "互动经营工作台已配置策略"), Refused),
        (said(28003101, "用户被封禁"), Refused),
        (said(2190001, "quota已用完"), Refused),
        (said(28001018, "应用未获得该能力"), Reauthorise),
        (said(28001016, "当前应用已被封禁或下线"), Reauthorise),
        (said(28001005, "系统内部错误，请重试"), Retry),
        (said(2100004, "系统繁忙"), Retry),
        (Answer(json={"err_no": 28001006, "err_msg": "网络调用错误"}), Retry),
        (Answer(status=401, json={}), Reauthorise),
        (Answer(status=400, json={}), Refused),
    ]
    media = Source(ref="@Qk9OVg== @TVNH==")
    samples = ("webhook/*.json",)

    def sign(self, request: RawRequest, config: Mapping[str, Any]) -> Mapping[str, str]:
        """The header that the body gets."""
        return {"x-douyin-signature": signed(request.body, str(config["client_secret"]))}

    async def deliver(
        self, message: Outbound, answers: Sequence[Answer], files: Mapping[str, Content]
    ) -> tuple[Sent, list[Request]]:
        """Send with tokens at hand; how they are fetched has tests of its own."""
        io = HeldTokens(answers, files)
        sent = await self.channel(io).send(message)
        return sent, io.scripted.requests


def channel(*answers: Answer, **changes: Any) -> tuple[DouyinChannel, ScriptedIo]:
    """The adapter before a scripted Douyin."""
    io = ScriptedIo(answers)
    return DouyinChannel(msgspec.convert({**CONFIG, **changes}, DouyinConfig), io), io


def to_ann(part: Part | None = None, **changes: Any) -> Outbound:
    """An answer to a customer's message."""
    message = Outbound(SHOP, "ann", [part or Text("hello")], "m1:0", handle="@conv== @msg==")
    return msgspec.structs.replace(message, **changes)


def posted(body: bytes) -> RawRequest:
    """A webhook."""
    now = datetime(2026, 6, 1, tzinfo=UTC)
    return RawRequest("POST", "https://desk.example/hooks/s", {}, {}, body, now)


# -- coming in -----------------------------------------------------------------------------------------------


def test_the_check_of_the_address_is_answered_only_when_it_is_signed() -> None:
    """Douyin signs it like anything else; the number comes back as a number."""
    douyin, _ = channel(SENT)
    body = b'{"event":"verify_webhook","client_key":"","content":{"challenge":12345678901234567}}'
    request = posted(body)
    with pytest.raises(BadSignature):
        douyin.verify(request)
    douyin.verify(
        msgspec.structs.replace(
            request, headers={"x-douyin-signature": signed(body, CONFIG["client_secret"])}
        )
    )
    assert douyin.parse(request) == []
    reply = douyin.ack(request)
    assert (reply.body, reply.content_type) == (b'{"challenge":12345678901234567}', "application/json")


@pytest.mark.parametrize("body", [b"", b"[]", b'{"event":"im_receive_msg","content":{"challenge":1}}',
                                  b'{"event":"verify_webhook","content":{"challenge":[1]}}'])  # fmt: skip
def test_nothing_else_gets_a_challenge_back(body: bytes) -> None:
    """An empty 200 does for events."""
    douyin, _ = channel(SENT)
    assert douyin.ack(posted(body)).body == b""


def test_a_withdrawn_authorisation_turns_only_that_account_red() -> None:
    """The console's test push names nobody."""
    douyin, _ = channel(SENT)
    for author, status in ((SHOP, "red"), ("", "amber"), ("somebody", "amber")):
        body = msgspec.json.encode({"event": "unauthorize", "from_user_id": author, "content": {}})
        (fact,) = douyin.parse(posted(body))
        assert isinstance(fact, AccountChanged)
        assert (fact.account, fact.status) == (author, status)


def test_a_message_opens_the_window_and_names_what_an_answer_needs() -> None:
    """Groups and comments know no window."""
    folder = Path(__file__).parent / "fixtures"
    douyin, _ = channel(SENT)
    found = {
        name: douyin.parse(posted((folder / f"{name}.json").read_bytes()))[0]
        for name in ("text", "group_text", "comment")
    }
    opened = {name: (fact.opens, bool(fact.reply_handle)) for name, fact in found.items() if isinstance(fact, MessageReceived)}  # fmt: skip
    assert opened == {"text": ("message", True), "group_text": ("", False), "comment": ("", False)}


def test_accounts_are_read_in_any_of_the_usual_forms() -> None:
    """What doesn't name both is left out."""
    assert accounts_of("a rft.1; b  rft.2\nc rft.3；d") == {"a": "rft.1", "b": "rft.2", "c": "rft.3"}
    assert accounts_of("") == {}


# -- going out -----------------------------------------------------------------------------------------------


async def test_an_answer_without_a_message_to_answer_is_refused_before_anything_is_sent() -> None:
    """Douyin has no other way to write to a person."""
    douyin, io = channel(SENT)
    with pytest.raises(Refused) as error:
        await douyin.send(to_ann(handle=""))
    assert error.value.code == "no_window"
    assert io.scripted.requests == []


@pytest.mark.parametrize(
    "part",
    [
        Template("unknown", "zh"),
        Template("video", "zh"),
        Template("auth_private_message_card", "zh", ["x"]),
    ],
)
async def test_cards_that_douyin_does_not_have_are_refused(part: Part) -> None:
    """In words that say what there is."""
    douyin, io = channel(SENT)
    with pytest.raises(Refused):
        await douyin.send(to_ann(part))
    assert io.scripted.requests == []


async def test_a_missing_permission_for_comments_leaves_the_connection_alone() -> None:
    """Private messages may well work."""
    for slot, outcome in (("post:@v", Refused), ("", Reauthorise)):
        io = HeldTokens([said(28001018, "应用未获得该能力")])
        douyin = DouyinChannel(msgspec.convert(CONFIG, DouyinConfig), io)
        with pytest.raises(outcome):
            await douyin.send(to_ann(slot=slot))


def sample(name: str) -> Any:
    """A file of the collected samples."""
    if not SAMPLES:
        pytest.skip("SWITCHBOARD_SAMPLES is not set: no message of the platform's documentation was compared")
    return json.loads((Path(SAMPLES) / "douyin" / name).read_bytes())


async def test_messages_have_the_form_of_the_documentation() -> None:
    """Every kind that it shows, made by us of the same values."""
    wanted = sample("api/IMSendMessageRequest.json")
    file = UUID(int=7)
    for content in wanted["content_list"]:
        ((name, held),) = [(key, value) for key, value in content.items() if key != "msg_type"]
        part: Part = Template(name, "", [str(held.get(one, "")) for one in CARDS.get(name, (0, ()))[1]])
        answers = [SENT]
        if name == "text":
            part = Text(held["text"])
        if name == "image":
            part = Image(file_id=file, mime="image/png")
            answers = [Answer(json={"image_id": held["media_id"]}), SENT]
        if name == "auth_private_message_card":
            app, person = held["app_info"], held["to_user_info"]
            part = Template(name, "", [app["app_id"], person["open_id"], person["app_id"]])
        io = HeldTokens(answers, {str(file): Content("a.png", "image/png", b"png")})
        douyin = DouyinChannel(msgspec.convert(CONFIG, DouyinConfig), io)
        handle = f"{wanted['conversation_id']} {wanted['msg_id']}"
        await douyin.send(Outbound(SHOP, wanted["to_user_id"], [part], "m1:0", handle=handle))
        places = {key: wanted[key] for key in ("msg_id", "conversation_id", "to_user_id")}
        assert io.scripted.requests[-1].json == {**places, "content": content}


async def test_answers_of_the_documentation_are_understood() -> None:
    """A token near its end, its exchange, the id of a message."""
    names = ("OAuthRefreshTokenResponse", "OAuthRenewRefreshTokenResponse", "IMSendMessageGroupResponse")
    douyin, io = channel(*[Answer(json=sample(f"api/{name}.json")) for name in names])
    sent = await douyin.send(to_ann(slot="group:@g", to="@g"))
    assert sent.external_id == sample("api/IMSendMessageGroupResponse.json")["msg_id"]
    assert io.scripted.requests[2].headers["access-token"] == "access_token"


@pytest.mark.parametrize("name", ["TextMessageEvent.json", "ImageMessageEvent.json", "ImageMessageEvent.xml"])
def test_the_older_customer_service_of_mini_programs_is_not_ours(name: str) -> None:
    """Douyin admits nobody to it any more; what it pushes is no event here, and no accident either."""
    if not SAMPLES:
        pytest.skip("SWITCHBOARD_SAMPLES is not set")
    douyin, _ = channel(SENT)
    with pytest.raises(BadPayload):
        douyin.parse(posted((Path(SAMPLES) / "douyin/miniapp_kf" / name).read_bytes()))


# -- tokens --------------------------------------------------------------------------------------------------


async def test_a_token_is_fetched_once_and_again_when_douyin_refuses_it() -> None:
    """The second attempt is made with the new one."""
    douyin, io = channel(refreshed("act.1"), SENT, said(28001008, "过期"), refreshed("act.2"), SENT)
    await douyin.send(to_ann())
    await douyin.send(to_ann())
    paths = [(one.url.removeprefix("https://open.douyin.com"), one.headers.get("access-token")) for one in io.scripted.requests]  # fmt: skip
    assert paths == [
        ("/oauth/refresh_token/", None), ("/im/send/msg/", "act.1"), ("/im/send/msg/", "act.1"),
        ("/oauth/refresh_token/", None), ("/im/send/msg/", "act.2"),
    ]  # fmt: skip
    assert io.scripted.requests[0].form == {
        "client_key": "awtestkey0000001", "grant_type": "refresh_token", "refresh_token": REFRESH,
    }  # fmt: skip


async def test_an_authorisation_that_is_over_needs_a_person() -> None:
    """10010: the account has to scan again."""
    douyin, _ = channel(said(10010, "refresh_token过期"))
    with pytest.raises(Reauthorise):
        await douyin.send(to_ann())


async def test_a_refresh_token_near_its_end_is_exchanged_and_the_new_one_used_from_then_on() -> None:
    """Each may be exchanged before it ends; the old one is worthless afterwards."""
    renewed = Answer(json={"data": {"error_code": 0, "expires_in": "2592000", "refresh_token": "rft.second"}})
    douyin, io = channel(
        refreshed("act.1", left=86_400), renewed, SENT, said(2190008), refreshed("act.2"), SENT
    )
    await douyin.send(to_ann())
    await douyin.send(to_ann())
    used = [one.form["refresh_token"] for one in io.scripted.requests if one.form]
    assert used == [REFRESH, REFRESH, "rft.second"]


async def test_a_refresh_token_that_cannot_be_exchanged_is_used_to_its_end() -> None:
    """Five times already, or an app without that permission."""
    douyin, _ = channel(refreshed("act.1", left=86_400), said(10020, "超过刷新次数限制"), SENT)
    assert (await douyin.send(to_ann())).external_id == "@U0VOVC0x=="


async def test_no_token_stands_in_an_error() -> None:
    """Douyin may quote what it was given."""
    words = f"bad token act.1 of {REFRESH} and {CONFIG['client_secret']}"
    douyin, _ = channel(refreshed("act.1"), said(2100005, words))
    with pytest.raises(Refused) as error:
        await douyin.send(to_ann())
    assert str(error.value) == "Douyin: bad token … of … and …"


async def test_another_accounts_messages_are_refused() -> None:
    """There is no token for it."""
    douyin, io = channel(SENT)
    with pytest.raises(Refused):
        await douyin.send(to_ann(account="somebody-else"))
    assert io.scripted.requests == []


# -- looking up ----------------------------------------------------------------------------------------------


async def test_names_of_accounts_are_asked_for_and_dispensed_with() -> None:
    """`user_info` is a permission of its own."""
    douyin, _ = channel(
        OF_APP, refreshed("act.1"), Answer(json={"data": {"nickname": "灯具小店", "error_code": "0"}})
    )
    assert [(one.external_id, one.name) for one in await douyin.probe()] == [(SHOP, "灯具小店")]
    douyin, _ = channel(OF_APP, refreshed("act.1"), said(28001018, "no"))
    assert [(one.external_id, one.name) for one in await douyin.probe()] == [(SHOP, SHOP)]
    douyin, _ = channel(SENT, accounts="")
    with pytest.raises(Refused):
        await douyin.probe()


async def test_a_customers_picture_is_asked_for_by_message_and_fetched_with_the_accounts_token() -> None:
    """The address alone does not do."""
    found = Answer(
        json={
            "err_no": 0,
            "data": {"media_type": "image", "url": "https://im.douyin.example/i?a=1\\u0026b=2"},
        }
    )
    picture = Answer(data=b"jpeg", headers={"content-type": "image/jpeg"})
    douyin, io = channel(refreshed("act.1"), found, picture)
    content = await douyin.fetch_media(SHOP, Source(ref="@c+/== @m+/=="))
    assert (content.mime, content.data) == ("image/jpeg", b"jpeg")
    asked, fetched = io.scripted.requests[1:]
    assert asked.params == {"open_id": SHOP, "conversation_id": "@c+/==", "message_id": "@m+/=="}
    assert fetched.url == "https://im.douyin.example/i?a=1&b=2"
    assert fetched.headers == {"access-token": "act.1", "openid": SHOP}


async def test_an_address_from_a_webhook_is_never_shown_a_token() -> None:
    """Stickers lie on public servers."""
    douyin, io = channel(Answer(data=b"gif", headers={"content-type": "image/gif"}))
    await douyin.fetch_media(SHOP, Source(url="https://p3.douyinpic.example/1.gif"))
    assert io.scripted.requests[0].headers == {}


async def test_a_video_is_looked_up() -> None:
    """What stands above its comments."""
    video = {
        "title": "夏季台灯",
        "cover": "https://p3.douyinpic.example/c.jpeg",
        "share_url": "https://v.douyin.example/1",
    }
    douyin, io = channel(refreshed("act.1"), Answer(json={"data": {"error_code": 0, "list": [video]}}))
    assert await douyin.fetch_post(SHOP, "@v") == Post(
        text="夏季台灯", url=video["share_url"], picture=video["cover"]
    )
    assert io.scripted.requests[1].json == {"item_ids": ["@v"]}
    douyin, _ = channel(refreshed("act.1"), Answer(json={"data": {"error_code": 0, "list": []}}))
    with pytest.raises(Refused):
        await douyin.fetch_post(SHOP, "@v")


async def test_the_app_has_a_token_of_its_own_for_pictures() -> None:
    """No account's."""
    io = ScriptedIo([OF_APP, Answer(json={"err_no": 0})])
    api = OpenApi(io, "key", "client-secret-of-the-tests", {})

    async def use(value: str) -> str:
        return value

    assert await api.as_app(use) == "clt.1"
    assert io.scripted.requests[0].json == {
        "grant_type": "client_credential",
        "client_key": "key",
        "client_secret": "client-secret-of-the-tests",
    }
    assert json.dumps(io.scripted.requests[0].form) == "{}"
