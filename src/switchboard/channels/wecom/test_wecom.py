"""WeCom customer service under the contract, and its oddities."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from switchboard.channels.api import (
    AccountChanged,
    BadSignature,
    Button,
    Card,
    Cards,
    Choices,
    Claim,
    Content,
    InDoubt,
    MessageReceived,
    Notice,
    Nudge,
    Outbound,
    Outcome,
    Part,
    RawRequest,
    Reauthorise,
    Refused,
    Retry,
    Sent,
    Source,
    Text,
)
from switchboard.channels.contract import Answer, ChannelContract, Request, ScriptedIo
from switchboard.channels.contract_case import RECEIVED_AT
from switchboard.channels.families.test_weixin import DESK, Desk, sample, shape
from switchboard.channels.wecom.channel import WecomChannel, WecomConfig

CORP = "ww1234567890abcdef"
PLATFORM = Desk(DESK.token, DESK.key, CORP)
KF, ANN = "wkDesk00000000000000000000000001", "wmAnn000000000000000000000000001"
TOKEN = "access-token-of-the-tests"
SENT = Answer(json={"errcode": 0, "errmsg": "ok", "msgid": "9b3f"})
ECHO = PLATFORM.seal(b"1616140317555161061")
CONFIG: Mapping[str, Any] = {
    "corp_id": CORP,
    "app_secret": "app-secret-of-the-tests",
    "token": DESK.token,
    "encoding_aes_key": DESK.key,
    "mini_program_app_id": "wxminiprogram0001",
}


class HeldTokens(ScriptedIo):
    """A world in which the token has been fetched before."""

    async def token(self, name: str, fetch: Any, instead_of: str = "") -> str:
        """Return the one kept; fetch another when it was refused."""
        self.kept.setdefault(name, TOKEN)
        return await super().token(name, fetch, instead_of)


def said(code: int, errmsg: str = "no") -> Answer:
    """An error as WeCom tells it: with HTTP 200."""
    return Answer(json={"errcode": code, "errmsg": f"{errmsg}, hint: [1]"})


def signed_query(*more: str, token: str = DESK.token, at: datetime = RECEIVED_AT) -> dict[str, str]:
    """WeCom signs only with the ciphertext."""
    signed = Desk(token, DESK.key, CORP).proof(*more, at=at)
    return {name: value for name, value in signed.items() if name != "signature"}


class TestWecom(ChannelContract):
    kind = "wecom"
    config: ClassVar[Mapping[str, Any]] = CONFIG
    rotated: ClassVar[Mapping[str, Any]] = {"token": "tokenafterrotation"}
    # What the signature covers is the ciphertext, not every byte around it: see families/test_weixin.py.
    proof = "token"
    items = ("msg_list.*",)
    answer = SENT
    situations: ClassVar[Mapping[str, Answer]] = {
        "unavailable": said(-1, "system busy"),
        "bad_request": said(40035, "invalid parameter"),
        "unauthorised": said(40014, "invalid access_token"),
    }
    errors: ClassVar[Sequence[tuple[Answer, type[Outcome]]]] = [
        (said(42001), Reauthorise),
        (said(40001, "invalid credential"), Reauthorise),
        (said(48002, "api forbidden"), Reauthorise),
        (said(60020, "not allow to access from your ip"), Reauthorise),
        (said(45009, "api freq out of limit"), Retry),
        (said(95001, "send msg count limit"), Refused),
        (said(95002, "send msg time limit"), Refused),
        (said(95013, "session already ended"), Refused),
        (said(95018, "send msg session status invalid"), Refused),
        (Answer(status=502, text="<html>Bad Gateway</html>"), InDoubt),
    ]
    challenge: ClassVar[Mapping[str, str]] = {**signed_query(ECHO), "echostr": ECHO}
    challenge_answer = b"1616140317555161061"
    media = Source(ref="media-image")
    samples = ("webhook/*/*.xml",)

    def request(self, body: bytes, path: Path) -> RawRequest:
        """Callbacks travel sealed; what they announce is fetched."""
        if path.suffix == ".json":
            return RawRequest("POLL", f"poll:{KF}", {}, {}, body, RECEIVED_AT)
        return msgspec.structs.replace(super().request(body, path), body=PLATFORM.envelope(body)[0])

    def signed(self, request: RawRequest, config: Mapping[str, Any]) -> RawRequest:
        """The proof stands in the query; what was fetched carries none: of it comes the callback that announces it."""
        if request.method == "POLL":
            mark = hashlib.sha256(request.body).hexdigest()
            told = f"<xml><Event>kf_msg_or_event</Event><Token>{mark}</Token><OpenKfId>{KF}</OpenKfId></xml>"
            body = PLATFORM.envelope(told.encode())[0]
            request = msgspec.structs.replace(request, method="POST", body=body)
        sealed = request.body.partition(b"<Encrypt><![CDATA[")[2].partition(b"]]>")[0].decode()
        query = signed_query(sealed, token=str(config["token"]), at=request.received_at)
        return msgspec.structs.replace(request, query=query)

    async def deliver(
        self, message: Outbound, answers: Sequence[Answer], files: Mapping[str, Content]
    ) -> tuple[Sent, list[Request]]:
        """Sends start with a token that was fetched before."""
        io = HeldTokens(answers, files)
        sent = await self.channel(io).send(message)
        return sent, io.scripted.requests


def channel(*answers: Answer) -> tuple[WecomChannel, ScriptedIo]:
    """The adapter before a scripted WeCom that gave it a token earlier."""
    io = HeldTokens(answers or [SENT])
    return WecomChannel(msgspec.convert(CONFIG, WecomConfig), io), io


def to_ann(part: Part | None = None, **more: Any) -> Outbound:
    """Something for Ann."""
    return Outbound(KF, ANN, [part or Text("hello")], "m1:0", **more)


def synced(*texts: str, cursor: str = "c2", more: int = 0) -> Answer:
    """An answer to sync_msg with texts of Ann."""
    listed = [
        {
            "msgid": f"id-{words}",
            "open_kfid": KF,
            "external_userid": ANN,
            "send_time": 1780000000,
            "origin": 3,
            "msgtype": "text",
            "text": {"content": words},
        }
        for words in texts
    ]
    return Answer(
        json={"errcode": 0, "errmsg": "ok", "next_cursor": cursor, "has_more": more, "msg_list": listed}
    )


def paths(io: ScriptedIo) -> list[str]:
    """What was called."""
    return [one.url.partition("weixin.qq.com/cgi-bin/")[2] for one in io.scripted.requests]


# -- reading ---------------------------------------------------------------------------------------------------------


async def test_a_poll_goes_on_where_the_last_one_ended_and_shows_the_callbacks_token() -> None:
    """The cursor is the account's own; more is said as long as WeCom has more."""
    wecom, io = channel(synced("one", more=1), synced("two", cursor="c3"))
    first = await wecom.poll(KF, "c1", "ENC-token")
    assert (first.cursor, first.more) == ("c2", True)
    second = await wecom.poll(KF, first.cursor, "ENC-token")
    assert (second.cursor, second.more) == ("c3", False)
    assert [one.json.get("cursor") for one in io.scripted.requests] == ["c1", "c2"]
    assert [one.json["token"] for one in io.scripted.requests] == ["ENC-token"] * 2
    assert [one.json["open_kfid"] for one in io.scripted.requests] == [KF] * 2
    assert {one.json["limit"] for one in io.scripted.requests} == {40}
    again = RawRequest("POLL", f"poll:{KF}", {}, {}, first.raw, RECEIVED_AT)
    assert wecom.parse(again) == list(first.facts)


async def test_a_cursor_that_stands_still_does_not_spin() -> None:
    """Whatever has_more says."""
    wecom, _ = channel(synced(cursor="c1", more=1))
    assert not (await wecom.poll(KF, "c1")).more
    wecom, _ = channel(Answer(json={"errcode": 0, "errmsg": "ok"}))
    assert (await wecom.poll(KF, "c1")).cursor == "c1"


async def test_the_first_look_back_is_history_and_a_told_message_is_not() -> None:
    """Three days come with an empty cursor."""
    for cursor, hint, history in (("", "", True), ("", "ENC", False), ("c1", "", False)):
        wecom, _ = channel(synced("one"))
        (fact,) = (await wecom.poll(KF, cursor, hint)).facts
        assert isinstance(fact, MessageReceived)
        assert fact.backfill is history


async def test_history_is_history_to_its_last_page() -> None:
    """Forty messages come at once; the thousandth of three days is no newer than the first."""
    pages = [synced("old", cursor="c1", more=1), synced("older", cursor="c2"), synced("new", cursor="c3")]
    wecom, io = channel(*pages)
    cursor, history = "", []
    for hint in ("", "ENC", "ENC"):
        polled = await wecom.poll(KF, cursor, hint)
        cursor = polled.cursor
        history += [fact.backfill for fact in polled.facts if isinstance(fact, MessageReceived)]
    assert history == [True, True, False]
    assert [one.json.get("cursor") for one in io.scripted.requests] == [None, "c1", "c2"]
    assert cursor == "c3"


async def test_a_callbacks_token_that_is_over_does_not_lose_the_messages() -> None:
    """They are asked for without it, which WeCom only counts more strictly."""
    wecom, io = channel(said(95007, "invalid msg token"), synced("one"))
    assert len((await wecom.poll(KF, "c1", "ENC-old")).facts) == 1
    assert "token" not in io.scripted.requests[1].json


async def test_a_poll_that_is_not_answered_or_refused_for_now_is_repeated() -> None:
    """Nothing is lost by asking again."""
    for answer in (Answer(fails="timeout"), said(45009), Answer(status=502, text="<html>")):
        wecom, _ = channel(answer)
        with pytest.raises(Retry):
            await wecom.poll(KF, "c1", "ENC")


async def test_a_poll_renews_the_access_token() -> None:
    """By the app's secret."""
    wecom, io = channel(said(42001), Answer(json={"errcode": 0, "access_token": "new"}), synced("one"))
    assert (await wecom.poll(KF, "c1")).facts
    assert paths(io) == ["kf/sync_msg", "gettoken", "kf/sync_msg"]
    assert io.scripted.requests[2].params == {"access_token": "new"}


def test_a_callback_nudges_its_account_and_hands_its_token_on() -> None:
    """It holds nothing else."""
    wecom, _ = channel()
    body = f"<xml><Event>kf_msg_or_event</Event><Token>ENC</Token><OpenKfId>{KF}</OpenKfId></xml>"
    (nudge,) = wecom.parse(PLATFORM.post(body.encode()))
    assert isinstance(nudge, Nudge)
    assert (nudge.account, nudge.hint) == (KF, "ENC")


def test_what_only_a_poll_may_say_is_refused_at_the_door() -> None:
    """A body of sync_msg proves nothing, whatever method it comes with."""
    wecom, _ = channel()
    body = json.dumps(synced("forged").json).encode()
    for method in ("POST", "POLL"):
        for query in ({}, signed_query(), DESK.proof("x")):
            with pytest.raises(BadSignature):
                wecom.verify(RawRequest(method, f"poll:{KF}", query, {}, body, RECEIVED_AT))


def test_messages_beside_the_ciphertext_are_not_believed() -> None:
    """Only what was sealed is read, whatever else the body of a proven callback holds."""
    wecom, _ = channel()
    body = f"<xml><Event>kf_msg_or_event</Event><OpenKfId>{KF}</OpenKfId></xml>".encode()
    sealed = PLATFORM.seal(body)
    mixed = json.dumps({**synced("forged").json, "Encrypt": sealed}).encode()
    request = RawRequest("POST", "https://d.example", signed_query(sealed), {}, mixed, RECEIVED_AT)
    wecom.verify(request)
    assert [type(fact) for fact in wecom.parse(request)] == [Nudge]


@pytest.mark.parametrize(
    ("event", "code", "words"),
    [
        ({}, "wecom.entered", "Opened the chat"),
        ({"scene": "store-12"}, "wecom.entered_by", "Opened the chat by store-12"),
        (
            {"wechat_channels": {"nickname": "茶", "scene": 2}},
            "wecom.entered_channels_2",
            "Opened the chat from Channels 茶, the live broadcast's products",
        ),
        (
            {"wechat_channels": {"nickname": "茶", "shop_nickname": "茶铺", "scene": 5}},
            "wecom.entered_channels_5",
            "Opened the chat from Channels 茶铺, an order's page of the shop",
        ),
        (
            {"wechat_channels": {"nickname": "茶", "scene": 99}},
            "wecom.entered_channels",
            "Opened the chat from Channels 茶",
        ),
        (
            {"wechat_channels": {"scene": 1}},
            "wecom.entered_channels",
            "Opened the chat from Channels, the home page",
        ),
    ],
)
def test_agents_see_by_which_way_somebody_came(event: dict[str, Any], code: str, words: str) -> None:
    """The live broadcast or the shop's order page say what it is about."""
    entered = {"event_type": "enter_session", "open_kfid": KF, "external_userid": ANN, **event}
    listed = {"msg_list": [{"msgid": "1", "origin": 4, "msgtype": "event", "event": entered}]}
    (fact,) = channel()[0].parse(
        RawRequest("POLL", f"poll:{KF}", {}, {}, json.dumps(listed).encode(), RECEIVED_AT)
    )
    assert isinstance(fact, MessageReceived)
    (notice,) = fact.parts
    assert isinstance(notice, Notice)
    assert (notice.code, notice.text) == (code, words)


def test_an_account_that_was_taken_away_is_amber() -> None:
    """The administrator should hear of it."""
    wecom, _ = channel()
    for field, status in (("AuthAddOpenKfId", "green"), ("AuthDelOpenKfId", "amber")):
        body = f"<xml><Event>kf_account_auth_change</Event><{field}>{KF}</{field}></xml>"
        (news,) = wecom.parse(PLATFORM.post(body.encode()))
        assert isinstance(news, AccountChanged)
        assert news.status == status


# -- sending ---------------------------------------------------------------------------------------------------------


async def test_our_message_id_stays_the_same_over_attempts_and_fits() -> None:
    """So WeCom never shows a message twice."""
    wecom, io = channel()
    for key in ("m1:0", "m1:0", "m2:0"):
        await wecom.send(Outbound(KF, ANN, [Text("x")], key))
    ids = [one.json["msgid"] for one in io.scripted.requests]
    assert ids[0] == ids[1] != ids[2]
    assert all(len(one) == 32 and one.isalnum() for one in ids)


async def test_a_message_id_that_wecom_knows_already_was_sent() -> None:
    """The answer of the first attempt got lost."""
    wecom, io = channel(said(95099, "msgid already existed"))
    assert (await wecom.send(to_ann())).external_id == io.scripted.requests[0].json["msgid"]


async def test_doubt_may_be_repeated_except_for_a_welcome() -> None:
    """The code is good once."""
    for handle, repeatable in (("", True), ("code", False)):
        wecom, _ = channel(Answer(fails="timeout"))
        with pytest.raises(InDoubt) as doubt:
            await wecom.send(to_ann(handle=handle))
        assert doubt.value.repeatable is repeatable


@pytest.mark.parametrize(
    ("state", "code"), [(2, "session_queued"), (3, "session_taken"), (4, "session_ended")]
)
async def test_a_session_that_is_not_ours_is_said_so(state: int, code: str) -> None:
    """WeCom gives none back from its queue or a colleague, and opens none that is over."""
    answer = Answer(json={"errcode": 0, "service_state": state, "servicer_userid": "zhangsan"})
    wecom, io = channel(said(95018), answer)
    with pytest.raises(Refused) as refused:
        await wecom.send(to_ann())
    assert refused.value.code == code
    assert paths(io) == ["kf/send_msg", "kf/service_state/get"]


async def test_a_new_session_is_taken_and_no_second_try_follows() -> None:
    """If WeCom still says no, that is the answer."""
    fresh = Answer(json={"errcode": 0, "service_state": 0})
    wecom, io = channel(said(95018), fresh, Answer(json={"errcode": 0}), said(95018))
    with pytest.raises(Refused):
        await wecom.send(to_ann())
    assert paths(io) == ["kf/send_msg", "kf/service_state/get", "kf/service_state/trans", "kf/send_msg"]
    assert io.scripted.requests[2].json == {"open_kfid": KF, "external_userid": ANN, "service_state": 1}


async def test_what_cannot_be_shown_is_refused_in_words() -> None:
    """A choice with too long an id, a picture without a page."""
    for part in (Choices("?", [Button("x" * 65, "x")]), Cards([Card("Only words")])):
        wecom, io = channel()
        with pytest.raises(Refused):
            await wecom.send(to_ann(part))
        assert not io.scripted.requests


# -- people and accounts ---------------------------------------------------------------------------------------------


async def test_a_profile_tells_name_union_id_and_the_way_they_came() -> None:
    """Strangers are refused."""
    found = {
        "external_userid": ANN, "nickname": "安", "avatar": "https://wx.example/a.png", "gender": 1, "unionid": "u-ann",
        "enter_session_context": {
            "scene": "store-12", "scene_param": "abc", "wechat_channels": {"nickname": "示例视频号", "scene": 1},
        },
    }  # fmt: skip
    wecom, io = channel(Answer(json={"errcode": 0, "customer_list": [found]}))
    profile = await wecom.fetch_profile(KF, Claim(f"wecom:{CORP}", ANN))
    assert (profile.name, profile.claims) == ("安", [Claim("wechat:unionid", "u-ann")])
    assert profile.data == {
        "scene": "store-12", "scene_param": "abc", "channels_nickname": "示例视频号", "channels_scene": "1",
    }  # fmt: skip
    assert io.scripted.requests[0].json["need_enter_session_context"] == 1
    wecom, _ = channel(Answer(json={"errcode": 0, "customer_list": [], "invalid_external_userid": [ANN]}))
    with pytest.raises(Refused):
        await wecom.fetch_profile(KF, Claim(f"wecom:{CORP}", ANN))


async def test_the_accounts_that_may_be_served_are_listed_page_by_page() -> None:
    """One connection serves them all, except those that only colleagues may manage."""
    many = [{"open_kfid": f"wk{nr}", "name": f"客服{nr}", "manage_privilege": True} for nr in range(100)]
    rest = [{"open_kfid": "wk100", "name": "", "manage_privilege": False}, {"open_kfid": "wk101", "name": ""}]
    wecom, io = channel(Answer(json={"account_list": many}), Answer(json={"account_list": rest}))
    accounts = await wecom.probe()
    assert [one.external_id for one in accounts[-2:]] == ["wk99", "wk101"]
    assert [one.json["offset"] for one in io.scripted.requests] == [0, 100]


async def test_published_answers_are_understood() -> None:
    """A customer, a colleague's session, a message and a welcome taken."""
    told = sample("wecom/kf_api/CgibinKfCustomerBatchGetResponse.json")
    wecom, _ = channel(Answer(json=told))
    (customer,) = told["customer_list"]
    profile = await wecom.fetch_profile(KF, Claim(f"wecom:{CORP}", customer["external_userid"]))
    assert (profile.name, profile.claims[0].value) == (customer["nickname"], customer["unionid"])
    context = customer["enter_session_context"]
    assert profile.data["scene"] == context["scene"]
    assert profile.data["channels_nickname"] == context["wechat_channels"]["nickname"]
    for name, handle in (("SendMessage", ""), ("SendMessageOnEvent", "code")):
        answer = sample(f"wecom/kf_api/CgibinKf{name}Response.json")
        wecom, _ = channel(Answer(json=answer))
        assert await wecom.send(to_ann(handle=handle)) == Sent(answer["msgid"])
    wecom, _ = channel(said(95018), Answer(json=sample("wecom/kf_api/CgibinKfServiceStateGetResponse.json")))
    with pytest.raises(Refused) as theirs:
        await wecom.send(to_ann())
    assert theirs.value.code == "session_taken"


def test_what_we_send_has_the_fields_of_the_published_request() -> None:
    """Every golden send; a name that WeCom doesn't know would be passed over in silence."""
    model = sample("wecom/kf_api/CgibinKfSendMessageRequest.json")
    sends = [
        json.loads(path.read_bytes())["requests"][-1]["json"]
        for path in (Path(__file__).parent / "sends").iterdir()
    ]
    messages = [body for body in sends if "touser" in body]
    assert len(messages) > 8
    assert [(body["msgtype"], shape(body, model)) for body in messages if shape(body, model)] == []
