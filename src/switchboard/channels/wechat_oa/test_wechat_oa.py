"""Official Accounts under the contract, and their oddities."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import msgspec
import pytest

from switchboard.channels.api import (
    AccountChanged,
    BadPayload,
    BadSignature,
    Card,
    Cards,
    Claim,
    Content,
    Image,
    InDoubt,
    Outbound,
    Outcome,
    Part,
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
from switchboard.channels.families.test_weixin import DESK, Desk, sample
from switchboard.channels.reading import mark
from switchboard.channels.wechat_oa.channel import WechatOaChannel, WechatOaConfig

APP = DESK.owner
TOKEN = "access-token-of-the-tests"
ANN = "oDeskAnn00000000000000000001"
OK = Answer(json={"errcode": 0, "errmsg": "ok"})
CONFIG: Mapping[str, Any] = {
    "app_id": APP,
    "app_secret": "app-secret-of-the-tests",
    "token": DESK.token,
    "encoding_aes_key": DESK.key,
    "mini_program_app_id": "wxminiprogram0001",
}
KEPT_AS = f"access:{APP}:{mark(CONFIG['app_secret'])}"


def said(code: int, errmsg: str = "no") -> Answer:
    """An error as WeChat tells it: with HTTP 200."""
    return Answer(json={"errcode": code, "errmsg": f"{errmsg} rid: 665c-1"})


def granted(value: str) -> Answer:
    """A new access token."""
    return Answer(json={"access_token": value, "expires_in": 7200})


class TestWechatOa(ChannelContract):
    kind = "wechat_oa"
    config: ClassVar[Mapping[str, Any]] = CONFIG
    rotated: ClassVar[Mapping[str, Any]] = {"token": "tokenafterrotation"}
    # What the signature covers is the ciphertext, not every byte around it: see families/test_weixin.py.
    proof = "token"
    answer = OK
    situations: ClassVar[Mapping[str, Answer]] = {
        "unavailable": said(-1, "system error"),
        "bad_request": said(47001, "data format error"),
        "unauthorised": said(40001, "invalid credential, access_token is invalid or not latest"),
    }
    errors: ClassVar[Sequence[tuple[Answer, type[Outcome]]]] = [
        (said(40014), Reauthorise),
        (said(42001), Reauthorise),
        (said(40013), Reauthorise),
        (said(40164, "invalid ip, not in whitelist"), Reauthorise),
        (said(48001, "api unauthorized"), Reauthorise),
        (said(48004), Reauthorise),
        (said(50002), Reauthorise),
        (said(45009, "reach max api daily quota limit"), Retry),
        (said(45011), Retry),
        (said(45015, "response out of time limit"), Refused),
        (said(45047, "out of response count limit"), Refused),
        (said(45002, "content size out of limit"), Refused),
        (said(45098, "msgmenu list size is out of limit"), Refused),
        (said(40003, "invalid openid"), Refused),
        (said(43004, "require subscribe"), Refused),
        (Answer(status=502, text="<html>Bad Gateway</html>"), InDoubt),
        (Answer(status=503, text="<html>"), Retry),
        (Answer(text="not JSON"), InDoubt),
    ]
    challenge: ClassVar[Mapping[str, str]] = {**DESK.proof(), "echostr": "4375120948345356249"}
    challenge_answer = b"4375120948345356249"
    media = Source(ref="media-image-3")
    samples = ("webhook/*.xml",)

    def request(self, body: bytes, path: Path) -> RawRequest:
        """Every fixture and sample travels sealed."""
        return msgspec.structs.replace(super().request(body, path), body=DESK.envelope(body)[0])

    def signed(self, request: RawRequest, config: Mapping[str, Any]) -> RawRequest:
        """The proof stands in the query."""
        desk = Desk(str(config["token"]), DESK.key, APP)
        sealed = request.body.partition(b"<Encrypt><![CDATA[")[2].partition(b"]]>")[0].decode()
        return msgspec.structs.replace(request, query=desk.proof(sealed, at=request.received_at))

    async def deliver(
        self, message: Outbound, answers: Sequence[Answer], files: Mapping[str, Content]
    ) -> tuple[Sent, list[Request]]:
        """Sends start with a token that was fetched before."""
        io = ScriptedIo(answers, files)
        io.kept[KEPT_AS] = TOKEN
        sent = await self.channel(io).send(message)
        return sent, io.scripted.requests


def channel(*answers: Answer, **changes: Any) -> tuple[WechatOaChannel, ScriptedIo]:
    """The adapter before a scripted WeChat that gave it a token earlier."""
    io = ScriptedIo(answers or [OK])
    io.kept[KEPT_AS] = TOKEN
    return WechatOaChannel(msgspec.convert({**CONFIG, **changes}, WechatOaConfig), io), io


def to_ann(part: Part | None = None) -> Outbound:
    """Something for Ann."""
    return Outbound(APP, ANN, [part or Text("hello")], "m1:0")


def pushed(body: str) -> RawRequest:
    """A sealed push."""
    return DESK.post(f"<xml>{body}</xml>".encode())


async def test_a_refused_token_is_fetched_anew_once() -> None:
    """Then the message goes out; nothing is sent twice."""
    oa, io = channel(said(42001), granted("a-new-token"), OK)
    await oa.send(to_ann())
    paths = [one.url.partition("weixin.qq.com")[2] for one in io.scripted.requests]
    assert paths == ["/cgi-bin/message/custom/send", "/cgi-bin/stable_token", "/cgi-bin/message/custom/send"]
    assert io.scripted.requests[1].json["force_refresh"] is False
    assert io.scripted.requests[2].params["access_token"] == "a-new-token"


async def test_another_secret_never_meets_the_token_of_the_one_before() -> None:
    oa, io = channel(granted("fresh"), OK, app_secret="another")
    await oa.send(to_ann())
    asked, sent = io.scripted.requests
    assert asked.json["secret"] == "another"
    assert sent.params["access_token"] == "fresh"


async def test_a_token_that_wechat_clings_to_is_forced_out() -> None:
    """The stable token comes back the same until it is told to change."""
    oa, io = channel(said(40001), granted(TOKEN), granted("forced"), OK)
    await oa.send(to_ann())
    assert io.scripted.requests[2].json["force_refresh"] is True
    assert io.scripted.requests[3].params["access_token"] == "forced"


async def test_a_token_refused_twice_turns_the_channel_red() -> None:
    """One attempt more, not a loop."""
    oa, io = channel(said(40001), granted("other"), said(40001))
    with pytest.raises(Reauthorise):
        await oa.send(to_ann())
    assert len(io.scripted.requests) == 3


async def test_a_token_that_nobody_answered_for_leaves_no_doubt() -> None:
    """Nothing was sent yet."""
    io = ScriptedIo([Answer(fails="timeout")])
    oa = WechatOaChannel(msgspec.convert(CONFIG, WechatOaConfig), io)
    with pytest.raises(Retry):
        await oa.send(to_ann())


async def test_no_answer_is_a_doubt_that_may_not_be_repeated() -> None:
    """WeChat takes no key of ours and gives no id."""
    for part in (Text("hello"), Template("tpl", "zh_CN")):
        oa, _ = channel(Answer(fails="timeout"))
        with pytest.raises(InDoubt) as doubt:
            await oa.send(to_ann(part))
        assert not doubt.value.repeatable


async def test_people_who_left_are_told_apart_from_closed_windows() -> None:
    """Only the first kind is unreachable."""
    for code, unreachable in ((43004, True), (40003, True), (45015, False), (45047, False)):
        oa, _ = channel(said(code))
        with pytest.raises(Refused) as refused:
            await oa.send(to_ann())
        assert refused.value.unreachable is unreachable


async def test_templates_without_permission_leave_the_channel_alone() -> None:
    """48001 concerns one interface; the other kind of template may be allowed."""
    oa, _ = channel(said(48001, "api unauthorized"), said(48001, "api unauthorized"))
    with pytest.raises(Refused):
        await oa.send(to_ann(Template("tpl", "zh_CN")))
    oa, io = channel(said(48001, "api unauthorized"), OK)
    await oa.send(to_ann(Template("tpl", "zh_CN", ["thing1=x", "page=pages/o"])))
    assert [one.url.rpartition("/message/")[2] for one in io.scripted.requests] == [
        "template/send",
        "subscribe/bizsend",
    ]


async def test_a_template_that_was_refused_is_not_tried_as_a_notification() -> None:
    """Only one that WeChat doesn't know may be of the other kind; no answer at all is a doubt."""
    for answer, outcome in (
        (said(43004), Refused),
        (said(47003), Refused),
        (Answer(fails="timeout"), InDoubt),
    ):
        oa, io = channel(answer)
        with pytest.raises(outcome):
            await oa.send(to_ann(Template("tpl", "zh_CN")))
        assert len(io.scripted.requests) == 1


async def test_no_text_quotes_the_token_or_the_address() -> None:
    """The token stands in the address."""
    oa, _ = channel(said(47001, f"bad request https://api.weixin.qq.com/x?access_token={TOKEN}"))
    with pytest.raises(Refused) as refused:
        await oa.send(to_ann())
    assert TOKEN not in str(refused.value)


async def test_a_card_that_cannot_be_shown_is_refused_in_words() -> None:
    """No address, or no mini-program to open."""
    oa, _ = channel()
    with pytest.raises(Refused):
        await oa.send(to_ann(Cards([Card("Only words")])))


async def test_quota_running_out_is_news_and_no_permission_to_ask_is_none() -> None:
    """A tenth is left."""
    for answer, codes in (
        (
            Answer(json={"errcode": 0, "quota": {"daily_limit": 1000, "used": 950, "remain": 50}}),
            ["quota_low"],
        ),
        (Answer(json={"errcode": 0, "quota": {"daily_limit": 1000, "used": 10, "remain": 990}}), []),
        (said(76021, "cgi_path not found"), []),
        (OK, []),
    ):
        oa, _ = channel(answer)
        assert [one.code for one in await oa.check("https://desk.example/hooks/s")] == codes


async def test_a_profile_joins_by_union_id() -> None:
    """Names are empty nowadays."""
    found = {
        "subscribe": 1, "openid": ANN, "nickname": "", "language": "zh_CN", "unionid": "u-ann",
        "subscribe_scene": "ADD_SCENE_QR_CODE", "qr_scene": 0, "qr_scene_str": "store-12", "remark": "",
    }  # fmt: skip
    oa, io = channel(Answer(json=found))
    profile = await oa.fetch_profile(APP, Claim(f"wechat:{APP}", ANN))
    assert profile.claims == [Claim("wechat:unionid", "u-ann")]
    assert profile.data == {"subscribe_scene": "ADD_SCENE_QR_CODE", "qr_scene_str": "store-12"}
    assert io.scripted.requests[0].params["openid"] == ANN


async def test_a_video_is_fetched_where_wechat_says_it_lies() -> None:
    """Other files come as bytes, with their name in a header."""
    oa, io = channel(Answer(json={"video_url": "http://v.example/1.mp4"}), Answer(data=b"mp4"))
    assert (await oa.fetch_media(APP, Source(ref="m"))).data == b"mp4"
    assert io.scripted.requests[1].params == {}
    headers = {"content-type": "image/jpeg", "content-disposition": 'attachment; filename="../a.jpg"'}
    oa, _ = channel(Answer(data=b"jpeg", headers=headers))
    assert await oa.fetch_media(APP, Source(ref="m")) == Content("a.jpg", "image/jpeg", b"jpeg")
    headers = {"content-type": "application/json", "content-disposition": 'attachment; filename="a.json"'}
    oa, _ = channel(Answer(data=b'{"errcode": 40007}', headers=headers))
    assert (await oa.fetch_media(APP, Source(ref="m"))).name == "a.json"


async def test_media_that_is_over_is_refused_and_an_old_token_is_renewed() -> None:
    """Errors of a download come as JSON."""
    oa, _ = channel(said(40007, "invalid media_id"))
    with pytest.raises(Refused):
        await oa.fetch_media(APP, Source(ref="m"))
    oa, _ = channel(said(42001), granted("new"), Answer(data=b"x", headers={"content-type": "image/png"}))
    assert (await oa.fetch_media(APP, Source(ref="m"))).data == b"x"


async def test_a_picture_that_is_over_may_still_stand_at_its_address() -> None:
    """The address carries no token of ours."""
    picture = Answer(data=b"jpeg", headers={"content-type": "image/jpeg"})
    oa, io = channel(said(40007, "invalid media_id"), picture)
    address = "http://mmbiz.example/mmbiz_jpg/a/0"
    assert (await oa.fetch_media(APP, Source(ref="m", url=address))).data == b"jpeg"
    assert (io.scripted.requests[1].url, io.scripted.requests[1].params) == (address, {})


async def test_typing_is_shown_and_reading_is_not() -> None:
    """There is no read mark."""
    oa, io = channel()
    await oa.mark_read(APP, ANN, "1", typing=False)
    await oa.mark_read(APP, ANN, "1", typing=True)
    assert [one.json for one in io.scripted.requests] == [{"touser": ANN, "command": "Typing"}]


def test_every_push_is_acknowledged_with_the_word_that_wechat_expects() -> None:
    """Anything else makes it tell the customer that the account is out of order."""
    oa, _ = channel()
    assert oa.ack(pushed("<MsgType>text</MsgType>")).body == b"success"


def test_a_plain_account_is_read_without_a_key_and_a_sealed_one_only_with_it() -> None:
    """Plain mode, safe mode, and the mode that sends both."""
    body = f"<xml><FromUserName>{ANN}</FromUserName><MsgType>text</MsgType><Content>hi</Content></xml>"
    open_, _ = channel(encoding_aes_key="")
    request = RawRequest(
        "POST", "https://d.example", DESK.proof(), {}, body.encode(), DESK.post(b"").received_at
    )
    open_.verify(request)
    assert open_.parse(request)
    closed, _ = channel()
    with pytest.raises(BadSignature):
        closed.verify(request)
    sealed = DESK.seal(body.encode())
    both = body.replace("<Content>hi", f"<Encrypt>{sealed}</Encrypt><Content>forged")
    mixed = msgspec.structs.replace(request, body=both.encode(), query=DESK.proof(sealed))
    closed.verify(mixed)
    assert [fact.parts for fact in closed.parse(mixed)] == [[Text("hi")]]  # type: ignore[union-attr]


def test_a_repeated_push_has_the_same_key_and_its_neighbours_have_others() -> None:
    """Events carry no id."""
    oa, _ = channel()
    event = f"<FromUserName>{ANN}</FromUserName><CreateTime>%s</CreateTime><MsgType>event</MsgType><Event>CLICK</Event>"
    keys = [
        oa.parse(pushed(f"{event % at}<EventKey>{key}</EventKey>"))[0].dedupe_key
        for at, key in ((1, "A"), (1, "A"), (1, "B"), (2, "A"))
    ]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_platform_news_without_a_person_is_news_and_a_message_without_one_is_unreadable() -> None:
    """Nobody is invented."""
    oa, _ = channel()
    (news,) = oa.parse(pushed("<MsgType>event</MsgType><Event>verify_expired</Event>"))
    assert isinstance(news, AccountChanged)
    assert news.status == "amber"
    with pytest.raises(BadPayload):
        oa.parse(pushed("<MsgType>text</MsgType><Content>hi</Content>"))


async def test_published_answers_are_understood() -> None:
    """A token, an upload, a message taken, somebody's profile."""
    picture = Image(file_id=UUID(int=1), mime="image/jpeg")
    names = ("token", "media_upload", "message_custom_send")
    answers = [Answer(json=sample(f"wechat_oa/api/wechatpy__{name}.json")) for name in names]
    io = ScriptedIo(answers, {str(picture.file_id): Content("a.jpg", "image/jpeg", b"jpeg")})
    oa = WechatOaChannel(msgspec.convert(CONFIG, WechatOaConfig), io)
    assert await oa.send(to_ann(picture)) == Sent()
    assert io.scripted.requests[1].params["access_token"] == answers[0].json["access_token"]
    assert io.scripted.requests[2].json["image"] == {"media_id": answers[1].json["media_id"]}
    told = sample("wechat_oa/api/wechatpy__user_info.json")
    oa, _ = channel(Answer(json=told))
    profile = await oa.fetch_profile(APP, Claim(f"wechat:{APP}", told["openid"]))
    assert (profile.name, profile.language) == (told["nickname"], "zh-CN")
    assert profile.claims == [Claim("wechat:unionid", told["unionid"].strip())]
    assert profile.avatar == Source(url=told["headimgurl"])
