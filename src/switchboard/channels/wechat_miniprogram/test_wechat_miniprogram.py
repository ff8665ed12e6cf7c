"""Mini-program customer service under the contract, and its oddities."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from switchboard.channels.api import (
    BadSignature,
    Button,
    Card,
    Cards,
    Content,
    Inbound,
    InDoubt,
    MessageReceived,
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
from switchboard.channels.families.test_weixin import AT, DESK, Desk, sample, shape
from switchboard.channels.reading import mark
from switchboard.channels.wechat_miniprogram.channel import (
    WechatMiniProgramChannel,
    WechatMiniProgramConfig,
)

APP = DESK.owner
ANN = "oMiniAnn0000000000000000001"
OK = Answer(json={"errcode": 0, "errmsg": "ok"})
CONFIG: Mapping[str, Any] = {
    "app_id": APP,
    "app_secret": "app-secret-of-the-tests",
    "token": DESK.token,
    "encoding_aes_key": DESK.key,
}
KEPT_AS = f"access:{APP}:{mark(CONFIG['app_secret'])}"


def said(code: int, errmsg: str = "no") -> Answer:
    """An error as WeChat tells it: with HTTP 200."""
    return Answer(json={"errcode": code, "errmsg": f"{errmsg} rid: 665c-1"})


class TestWechatMiniProgram(ChannelContract):
    kind = "wechat_miniprogram"
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
        (said(42001), Reauthorise),
        (said(48001, "api unauthorized"), Reauthorise),
        (said(45009, "reach max api daily quota limit"), Retry),
        (said(45015, "response out of time limit"), Refused),
        (said(45047, "out of response count limit"), Refused),
        (said(40003, "invalid openid"), Refused),
        (Answer(status=502, text="<html>Bad Gateway</html>"), InDoubt),
    ]
    challenge: ClassVar[Mapping[str, str]] = {**DESK.proof(), "echostr": "4375120948345356249"}
    challenge_answer = b"4375120948345356249"
    media = Source(ref="media-image-2")
    samples = ("webhook/*.*", "shop/*.json", "logistics/*.json")

    def request(self, body: bytes, path: Path) -> RawRequest:
        """Every fixture and sample travels sealed, in an envelope of its own format."""
        envelope, _ = DESK.envelope(body, path.suffix.removeprefix("."))
        return msgspec.structs.replace(super().request(body, path), body=envelope)

    def signed(self, request: RawRequest, config: Mapping[str, Any]) -> RawRequest:
        """The proof stands in the query."""
        desk = Desk(str(config["token"]), DESK.key, APP)
        if request.body.startswith(b"{"):
            sealed = str(json.loads(request.body)["Encrypt"])
        else:
            sealed = request.body.partition(b"<Encrypt><![CDATA[")[2].partition(b"]]>")[0].decode()
        return msgspec.structs.replace(request, query=desk.proof(sealed, at=request.received_at))

    async def deliver(
        self, message: Outbound, answers: Sequence[Answer], files: Mapping[str, Content]
    ) -> tuple[Sent, list[Request]]:
        """Sends start with a token that was fetched before."""
        io = ScriptedIo(answers, files)
        io.kept[KEPT_AS] = "access-token-of-the-tests"
        sent = await self.channel(io).send(message)
        return sent, io.scripted.requests


def channel(*answers: Answer, **changes: Any) -> tuple[WechatMiniProgramChannel, ScriptedIo]:
    """The adapter before a scripted WeChat that gave it a token earlier."""
    io = ScriptedIo(answers or [OK])
    io.kept[KEPT_AS] = "access-token-of-the-tests"
    config = msgspec.convert({**CONFIG, **changes}, WechatMiniProgramConfig)
    return WechatMiniProgramChannel(config, io), io


def to_ann(part: Part) -> Outbound:
    """Something for Ann."""
    return Outbound(APP, ANN, [part], "m1:0")


def told(facts: list[Inbound]) -> MessageReceived:
    """The one message among the facts."""
    (fact,) = facts
    assert isinstance(fact, MessageReceived)
    return fact


def test_all_four_ways_of_pushing_say_the_same() -> None:
    """JSON and XML, plain and sealed."""
    fields = {
        "ToUserName": "gh", "FromUserName": ANN, "CreateTime": 1780000000, "MsgType": "text", "Content": "在吗", "MsgId": 7,
    }  # fmt: skip
    as_json = json.dumps(fields).encode()
    as_xml = (
        "<xml>" + "".join(f"<{name}>{value}</{name}>" for name, value in fields.items()) + "</xml>"
    ).encode()
    sealed, _ = channel()
    plain, _ = channel(encoding_aes_key="")
    found = []
    for body, form in ((as_json, "json"), (as_xml, "xml")):
        bare = RawRequest("POST", "https://d.example", DESK.proof(), {}, body, AT)
        plain.verify(bare)
        with pytest.raises(BadSignature):
            sealed.verify(bare)
        wrapped = DESK.post(body, form)
        sealed.verify(wrapped)
        found += [told(plain.parse(bare)), told(sealed.parse(wrapped))]
    assert found.count(found[0]) == 4
    assert found[0].external_id == "7"


def test_opening_the_chat_allows_answers_of_its_own() -> None:
    """Two of them within a minute: the manifest counts, the fact names the window."""
    mini, _ = channel()
    body = {"FromUserName": ANN, "CreateTime": 1, "MsgType": "event", "Event": "user_enter_tempsession"}
    assert told(mini.parse(DESK.post(json.dumps(body).encode(), "json"))).opens == "enter"
    windows = TestWechatMiniProgram().manifest.windows
    assert [(one.opened_by, one.messages) for one in windows] == [("message", 5), ("enter", 2)]
    assert 50 < windows[1].hours * 3600 <= 60


async def test_no_answer_is_a_doubt_that_may_not_be_repeated() -> None:
    """WeChat takes no key of ours and gives no id."""
    for part in (Text("hello"), Template("tpl", "zh_CN")):
        mini, _ = channel(Answer(fails="timeout"))
        with pytest.raises(InDoubt) as doubt:
            await mini.send(to_ann(part))
        assert not doubt.value.repeatable


async def test_who_did_not_agree_to_a_notification_can_still_be_answered() -> None:
    """43101 concerns the template."""
    mini, _ = channel(said(43101, "user refuse to accept the msg"))
    with pytest.raises(Refused) as refused:
        await mini.send(to_ann(Template("tpl", "zh_CN")))
    assert not refused.value.unreachable


async def test_notifications_without_permission_leave_the_channel_alone() -> None:
    """48001 concerns one interface; a secret that is wrong concerns all."""
    mini, _ = channel(said(48001, "api unauthorized"))
    with pytest.raises(Refused):
        await mini.send(to_ann(Template("tpl", "zh_CN")))
    mini, _ = channel(said(50002, "user limited"))
    with pytest.raises(Reauthorise):
        await mini.send(to_ann(Template("tpl", "zh_CN")))


async def test_a_page_without_a_picture_is_refused_in_words() -> None:
    """Nothing leaves."""
    mini, io = channel()
    for card in (Card("Order", buttons=[Button("o", "Open", url="pages/order")]), Card("Only words")):
        with pytest.raises(Refused):
            await mini.send(to_ann(Cards([card])))
    assert not io.scripted.requests


async def test_typing_is_shown_and_the_quota_is_looked_after() -> None:
    """As for Official Accounts."""
    mini, io = channel()
    await mini.mark_read(APP, ANN, "1", typing=True)
    assert io.scripted.requests[0].json == {"touser": ANN, "command": "Typing"}
    mini, _ = channel(Answer(json={"errcode": 0, "quota": {"daily_limit": 1000, "remain": 9}}))
    assert [one.code for one in await mini.check("https://desk.example/hooks/s")] == ["quota_low"]


def test_a_notification_has_the_fields_of_the_published_request() -> None:
    """A name that WeChat doesn't know would be passed over in silence; the template's own fields are ours to name."""
    model = sample("wechat_miniprogram/api/CgibinMessageSubscribeSendRequest.json")
    golden = json.loads((Path(__file__).parent / "sends" / "notification.json").read_bytes())
    body = {**golden["requests"][0]["json"], "data": {}}
    assert shape(body, model) == []
    assert shape({**body, "template": ""}, model) == ["template"]
