"""Tencent Cloud's adapter against the sandbox over real HTTP: replies in, templates out, reports, refusals."""

import asyncio
from typing import Any

import pytest

from switchboard.channels.api import (
    BadPayload,
    Inbound,
    InDoubt,
    MessageReceived,
    Outbound,
    Outcome,
    Part,
    Reauthorise,
    ReceiptReceived,
    Refused,
    Retry,
    Sent,
    Template,
    Text,
    Unreadable,
)
from switchboard.channels.loopback import Door, LoopbackIo, Sandbox
from switchboard.channels.sms_tencent.channel import TencentChannel, TencentConfig

WIRE = {"sms_tencent": "the sandbox over HTTP"}

APP = "1400006666"
MEI, WEI, ANN = "+8613800000001", "+8613800000002", "+85251000001"
REPLY = "您咨询的问题已有答复：明天发货"


class Shop:
    """An application at Tencent Cloud, three customers, and the facts that come of what they do."""

    def __init__(self, sandbox: Sandbox, door: Door, io: LoopbackIo) -> None:
        self.sandbox, self.door, self.io = sandbox, door, io
        for name, number in (("mei", MEI), ("wei", WEI), ("ann", ANN)):
            sandbox.post("/sandbox/customers", id=name, name=name, phone=number.strip("+"))
        self.settings: dict[str, Any] = self.change(limits=False)
        self.channel = self.connect()
        door.channel = self.channel

    def connect(self, **more: Any) -> TencentChannel:
        """Return the adapter with the account's settings, or with others."""
        names = ("secret_id", "secret_key", "sdk_app_id")
        known = {
            **{name: self.settings[name] for name in names},
            "sign_name": self.settings["sign"],
            "reply_template": "2400001",
            "reply_template_abroad": "2400004",
        }
        return TencentChannel(TencentConfig(**{**known, **more}), self.io)

    def change(self, **settings: Any) -> dict[str, Any]:
        """Change how the account behaves at Tencent Cloud."""
        made = self.sandbox.post(
            "/sandbox/platforms/sms_tencent", id=APP, webhook_url=self.door.url, settings=settings
        )
        found: dict[str, Any] = made["settings"]
        return found

    def play(self, customer: str = "mei", **wish: Any) -> None:
        """Somebody does something."""
        self.sandbox.post("/sandbox/play", platform="sms_tencent", account=APP, customer=customer, **wish)

    def fault(self, **wish: Any) -> None:
        """Let the next call fail."""
        self.sandbox.post("/sandbox/faults", platform="sms_tencent", **wish)

    async def facts(self, count: int = 1) -> list[Inbound]:
        """Return so many facts, in however many calls they come."""
        found: list[Inbound] = []
        while len(found) < count:
            found += await asyncio.to_thread(self.door.facts)
        assert len(found) == count
        return found

    async def receipt(self) -> ReceiptReceived:
        """Return the one report that comes."""
        (fact,) = await self.facts()
        assert isinstance(fact, ReceiptReceived), fact
        return fact


@pytest.fixture
def shop(sandbox: Sandbox, door: Door, io: LoopbackIo) -> Shop:
    return Shop(sandbox, door, io)


def to(address: str, *parts: Part, key: str = "0190a1b2-0000-7000-8000-000000000001-0") -> Outbound:
    return Outbound(APP, address, parts or [Text("明天发货")], key)


# -- the account -------------------------------------------------------------------------------------------


async def test_the_application_is_found(shop: Shop) -> None:
    (account,) = await shop.channel.probe()
    assert (account.external_id, account.name) == (APP, shop.settings["sign"])


async def test_the_form_shows_tencents_own_reason(shop: Shop) -> None:
    wanted: list[tuple[dict[str, str], type[Outcome], str]] = [
        ({"secret_key": "not-the-secret-key"}, Reauthorise, "check your signature is correct"),
        ({"secret_id": "AKIDnobody"}, Reauthorise, "SecretId is not found"),
        ({"sdk_app_id": "1400000000"}, Reauthorise, "does not belong to this account"),
        ({"sign_name": "别家"}, Refused, "has no sign 【别家】"),
        ({"region": "ap-mars"}, Reauthorise, "ap-mars"),
    ]
    for wrong, outcome, words in wanted:
        with pytest.raises(outcome, match=words) as refused:
            await shop.connect(**wrong).probe()
        assert shop.settings["secret_key"] not in str(refused.value)


async def test_a_sign_that_was_turned_down_is_told_with_the_reason(shop: Shop) -> None:
    shop.change(sign_status=-1, sign_review="资质不符")
    with pytest.raises(Refused, match="not approved: 资质不符"):
        await shop.channel.probe()


# -- in ----------------------------------------------------------------------------------------------------


async def test_replies_come_in(shop: Shop) -> None:
    for said in ("什么时候到？", "😀 ok", "长" * 500, "TD", ""):
        shop.play(text=said)
        (fact,) = await shop.facts()
        assert isinstance(fact, MessageReceived)
        assert (fact.account, fact.address, fact.parts) == (APP, MEI, [Text(said)])
        (claim,) = fact.sender.claims
        assert (claim.space, claim.value, claim.verified) == ("phone", MEI, True)
        assert fact.occurred_at is not None


async def test_people_abroad_reply_too(shop: Shop) -> None:
    shop.play("ann", text="Where is it?")
    (fact,) = await shop.facts()
    assert isinstance(fact, MessageReceived)
    assert (fact.address, fact.sender.claims[0].value) == (ANN, ANN)


async def test_replies_of_several_people_are_told_apart(shop: Shop) -> None:
    for name in ("mei", "wei", "ann"):
        shop.play(name, text="在吗")
    found = await shop.facts(3)
    assert {fact.address for fact in found if isinstance(fact, MessageReceived)} == {MEI, WEI, ANN}
    assert len({fact.dedupe_key for fact in found}) == 3


async def test_what_we_answered_is_not_pushed_again(shop: Shop) -> None:
    """The answer is the one that Tencent Cloud waits for."""
    shop.play(text="在吗")
    await shop.facts()
    await asyncio.sleep(0.5)
    assert shop.door.calls.empty()


async def test_a_reply_with_a_masked_number_is_kept_as_unreadable(shop: Shop) -> None:
    shop.play(text="x", raw={"mobile": "138****0001"})
    (fact,) = await shop.facts()
    assert isinstance(fact, Unreadable)


async def test_nothing_but_json_is_taken(shop: Shop) -> None:
    """Nothing is signed, so whoever has the address is believed; what is no push is refused all the same."""
    await shop.io.http.request("POST", shop.door.url, content=b"mobile=1")
    with pytest.raises(BadPayload):
        await asyncio.to_thread(shop.door.facts)


# -- out ---------------------------------------------------------------------------------------------------


async def test_templates_arrive_and_are_reported(shop: Shop) -> None:
    code = "【沙盒商店】验证码1234，5分钟内有效，请勿告诉他人。"
    wanted: list[tuple[str, Part, str]] = [
        (MEI, Text("明天发货"), f"【沙盒商店】{REPLY}"),
        (ANN, Text("on its way"), "We have answered your question: on its way"),
        (MEI, Template("2400001", "zh_CN", ["明天发货"], REPLY), f"【沙盒商店】{REPLY}"),
        (MEI, Template("2400002", "zh_CN", ["1234", "5"], "x"), code),
        (ANN, Template("2400003", "en", ["SY-1"], "x"), "Your order SY-1 is on its way."),
    ]
    for number, part, text in wanted:
        sent = await shop.channel.send(to(number, part))
        entry = shop.sandbox.ledger()[-1]
        assert (entry["to"], entry["text"], entry["id"]) == (number, text, sent.external_id)
        receipt = await shop.receipt()
        assert (receipt.account, receipt.external_id, receipt.status) == (APP, sent.external_id, "delivered")
        assert (receipt.key, receipt.code, receipt.error) == (number, "", "")


async def test_a_phone_that_is_off_is_reported_with_the_reason(shop: Shop) -> None:
    shop.play(action="block")
    sent = await shop.channel.send(to(MEI))
    receipt = await shop.receipt()
    assert (receipt.external_id, receipt.status) == (sent.external_id, "failed")
    assert (receipt.code, receipt.error) == ("002", "关机或不在服务区")


async def test_reports_come_several_at_once(shop: Shop) -> None:
    sent: list[Sent] = await asyncio.gather(*(shop.channel.send(to(MEI, key=f"k-{nr}")) for nr in range(20)))
    found = await shop.facts(20)
    assert {fact.external_id for fact in found if isinstance(fact, ReceiptReceived)} == {
        one.external_id for one in sent
    }


async def test_what_tencent_refuses_is_refused_with_its_code(shop: Shop) -> None:
    wanted: list[tuple[Part, str]] = [
        (Template("1", "zh_CN", [], "x"), "FailedOperation.TemplateIncorrectOrUnapproved"),
        (
            Template("2400002", "zh_CN", ["1"], "x"),
            "FailedOperation.TemplateParamSetNotMatchApprovedTemplate",
        ),
        (Template("2400003", "en", ["1"], "x"), "UnsupportedOperation.GlobalTemplateToChineseMainlandPhone"),
        (Text("见 https://a.example"), "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter"),
        (Text("长" * 500), "InvalidParameterValue.ContentLengthLimit"),
    ]
    for part, code in wanted:
        with pytest.raises(Refused) as refused:
            await shop.channel.send(to(MEI, part))
        assert (refused.value.code, refused.value.unreachable) == (code, False)
    for number in ("+8612", "+861380000000"):
        with pytest.raises(Refused) as refused:
            await shop.channel.send(to(number))
        assert refused.value.unreachable
    assert shop.sandbox.ledger() == []


async def test_who_unsubscribed_can_not_be_reached(shop: Shop) -> None:
    shop.play(text="TD")
    await shop.facts()
    with pytest.raises(Refused) as refused:
        await shop.channel.send(to(MEI))
    assert (refused.value.code, refused.value.unreachable) == (
        "FailedOperation.PhoneNumberInBlacklist",
        True,
    )


async def test_the_second_message_in_half_a_minute_waits(shop: Shop) -> None:
    shop.change(limits=True)
    await shop.channel.send(to(MEI))
    with pytest.raises(Retry) as later:
        await shop.channel.send(to(MEI))
    assert later.value.after == 30
    shop.sandbox.post("/sandbox/clock", shift_seconds=31)
    await shop.channel.send(to(MEI))


async def test_each_error_becomes_its_outcome(shop: Shop) -> None:
    """1031 and 1033 are an empty package and a debt: the channel turns red, messages wait."""
    table: dict[type[Outcome], tuple[int, ...]] = {
        Refused: (1002, 1012, 1014),
        Retry: (1007, 1013, 1022, 1025, 4290, 5000),
        InDoubt: (1008,),
        Reauthorise: (1006, 1009, 1020, 1031, 1033, 4001, 4003, 4004),
    }
    for outcome, numbers in table.items():
        for number in numbers:
            shop.fault(kind="error", code=number)
            with pytest.raises(outcome) as failed:
                await shop.channel.send(to(MEI))
            assert type(failed.value) is outcome, number
            assert failed.value.code
    assert shop.sandbox.ledger() == []
    assert (await shop.channel.send(to(MEI))).external_id


async def test_a_broken_line_is_doubt_only_where_it_is(shop: Shop) -> None:
    wanted: list[tuple[str, int, type[Outcome], int]] = [
        ("drop_before", 0, InDoubt, 0),
        ("http", 502, InDoubt, 0),
        ("http", 503, Retry, 0),
        ("drop_after", 0, InDoubt, 1),
    ]
    for kind, code, outcome, delivered in wanted:
        shop.fault(kind=kind, code=code)
        with pytest.raises(outcome):
            await shop.channel.send(to(MEI))
        assert len(shop.sandbox.ledger()) == delivered


async def test_two_applications_do_not_hear_of_each_other(shop: Shop) -> None:
    """Each pushes to its own address; a sign that is the other's is refused."""
    other = shop.sandbox.post(
        "/sandbox/platforms/sms_tencent", id="1400007777", settings={"sign": "别家", "limits": False}
    )
    keys = {name: other["settings"][name] for name in ("secret_id", "secret_key", "sdk_app_id")}
    second = shop.connect(**keys, sign_name="别家")
    await second.send(to(MEI))
    with pytest.raises(Refused, match="signature"):
        await shop.connect(**keys).send(to(MEI))
    await shop.channel.send(to(WEI))
    assert (await shop.receipt()).key == WEI
    assert [one["account"] for one in shop.sandbox.ledger()] == ["1400007777", APP]
