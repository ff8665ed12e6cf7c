"""Alibaba Cloud's adapter against the sandbox over real HTTP: replies in, templates and text out, reports, refusals."""

import asyncio
from typing import Any

import pytest

from switchboard.channels.api import (
    AccountChanged,
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
from switchboard.channels.sms_aliyun.channel import AliyunChannel, AliyunConfig

WIRE = {"sms_aliyun": "the sandbox over HTTP"}

ID = "1400500600700800"
SHOP, CLUB = "沙盒商店", "沙盒会员"
MEI, WEI, ANN = "+8613800000001", "+8613800000002", "+85251000001"
KEY = "0190a1b2-0000-7000-8000-000000000001-0"


class Shop:
    """An account at Alibaba Cloud with two signs, three customers, and the facts that come of what they do."""

    def __init__(self, sandbox: Sandbox, door: Door, io: LoopbackIo) -> None:
        self.sandbox, self.door, self.io = sandbox, door, io
        for name, number in (("mei", MEI), ("wei", WEI), ("ann", ANN)):
            sandbox.post("/sandbox/customers", id=name, name=name, phone=number.strip("+"))
        self.settings: dict[str, Any] = self.change(signs=[CLUB])
        self.channel = self.connect()
        door.channel = self.channel

    def connect(self, **more: Any) -> AliyunChannel:
        """Return the adapter with the account's settings, or with others."""
        known = {
            **{name: self.settings[name] for name in ("access_key_id", "access_key_secret")},
            "sign_names": f"{SHOP}\n{CLUB}",
            "reply_template": "SMS_24000001",
        }
        return AliyunChannel(AliyunConfig(**{**known, **more}), self.io)

    def change(self, **settings: Any) -> dict[str, Any]:
        """Change how the account behaves at Alibaba Cloud."""
        made = self.sandbox.post(
            "/sandbox/platforms/sms_aliyun", id=ID, webhook_url=self.door.url, settings=settings
        )
        found: dict[str, Any] = made["settings"]
        return found

    def play(self, customer: str = "mei", **wish: Any) -> None:
        """Somebody does something."""
        self.sandbox.post("/sandbox/play", platform="sms_aliyun", account=ID, customer=customer, **wish)

    def fault(self, **wish: Any) -> None:
        """Let the next call that sends fail."""
        self.sandbox.post("/sandbox/faults", platform="sms_aliyun", **wish)

    async def facts(self, count: int = 1) -> list[Inbound]:
        """Return so many facts, in however many calls they come."""
        found: list[Inbound] = []
        while len(found) < count:
            found += await asyncio.to_thread(self.door.facts)
        assert len(found) == count
        return found

    async def said(self) -> MessageReceived:
        """Return the one message that comes."""
        (fact,) = await self.facts()
        assert isinstance(fact, MessageReceived), fact
        return fact

    async def receipt(self) -> ReceiptReceived:
        """Return the one report that comes."""
        (fact,) = await self.facts()
        assert isinstance(fact, ReceiptReceived), fact
        return fact


@pytest.fixture
def shop(sandbox: Sandbox, door: Door, io: LoopbackIo) -> Shop:
    return Shop(sandbox, door, io)


def to(address: str, part: Part | None = None, key: str = KEY, sign: str = SHOP) -> Outbound:
    return Outbound(sign, address, [part or Text("明天发货")], key)


# -- the account -------------------------------------------------------------------------------------------


async def test_each_sign_is_a_channel(shop: Shop) -> None:
    assert [(one.external_id, one.name) for one in await shop.channel.probe()] == [(SHOP, SHOP), (CLUB, CLUB)]


async def test_the_form_shows_alibabas_own_reason(shop: Shop) -> None:
    wanted: list[tuple[dict[str, str], type[Outcome], str]] = [
        ({"access_key_secret": "not-the-secret"}, Reauthorise, "signature is not matched"),
        ({"access_key_id": "LTAInobody"}, Reauthorise, "access key is not found"),
        ({"sign_names": "别家"}, Refused, "短信签名不合法"),
    ]
    for wrong, outcome, words in wanted:
        with pytest.raises(outcome, match=words) as refused:
            await shop.connect(**wrong).probe()
        assert shop.settings["access_key_secret"] not in str(refused.value)
    shop.fault(kind="error", code=25, scope="any")
    with pytest.raises(Reauthorise, match="not authorized"):
        await shop.channel.probe()


async def test_a_sign_that_was_turned_down_is_told_with_the_reason(shop: Shop) -> None:
    shop.change(sign_status=2, sign_reason="资质不符")
    with pytest.raises(Refused, match="not approved: 资质不符"):
        await shop.channel.probe()


# -- in ----------------------------------------------------------------------------------------------------


async def test_replies_come_in(shop: Shop) -> None:
    for text in ("什么时候到？", "😀 ok", "长" * 500, "TD", ""):
        shop.play(text=text)
        fact = await shop.said()
        assert (fact.account, fact.address, fact.parts) == (SHOP, MEI, [Text(text)])
        (claim,) = fact.sender.claims
        assert (claim.space, claim.value, claim.verified) == ("phone", MEI, True)
        assert fact.occurred_at is not None


async def test_replies_go_to_the_sign_that_wrote(shop: Shop) -> None:
    await shop.channel.send(to(MEI, sign=CLUB))
    assert (await shop.receipt()).account == CLUB
    shop.play(text="谢谢")
    assert (await shop.said()).account == CLUB
    shop.play("wei", text="在吗")
    assert (await shop.said()).account == SHOP


async def test_replies_of_several_people_come_together(shop: Shop) -> None:
    for name in ("mei", "wei", "mei"):
        shop.play(name, text="在吗")
    found = await shop.facts(3)
    assert [fact.address for fact in found if isinstance(fact, MessageReceived)] == [MEI, WEI, MEI]
    assert len({fact.dedupe_key for fact in found}) == 3


async def test_what_we_answered_is_not_pushed_again(shop: Shop) -> None:
    """The answer is the one that Alibaba Cloud waits for."""
    shop.play(text="在吗")
    await shop.facts()
    await asyncio.sleep(0.5)
    assert shop.door.calls.empty()


async def test_what_can_not_be_read_is_kept_and_its_neighbours_pass(shop: Shop) -> None:
    shop.play(text="x", raw={"phone_number": "138****0001"})
    shop.play(text="y")
    broken, good = await shop.facts(2)
    assert isinstance(broken, Unreadable)
    assert isinstance(good, MessageReceived)
    assert good.parts == [Text("y")]


async def test_news_of_templates_are_told(shop: Shop) -> None:
    news = [{"template_code": "SMS_1", "template_status": "rejected", "reason": "变量不符"}]
    await shop.io.http.request("POST", shop.door.url, json=news)
    (fact,) = await shop.facts()
    assert isinstance(fact, AccountChanged)
    assert (fact.status, "变量不符" in fact.detail) == ("amber", True)


async def test_nothing_but_json_is_taken(shop: Shop) -> None:
    """Nothing is signed, so whoever has the address is believed; what is no push is refused all the same."""
    await shop.io.http.request("POST", shop.door.url, content=b"phone_number=1")
    with pytest.raises(BadPayload):
        await asyncio.to_thread(shop.door.facts)


# -- out ---------------------------------------------------------------------------------------------------


async def test_templates_and_text_arrive_and_are_reported(shop: Shop) -> None:
    wanted: list[tuple[str, str, Part, str]] = [
        (MEI, SHOP, Text("明天发货"), f"【{SHOP}】您咨询的问题已有答复：明天发货"),
        (
            WEI,
            CLUB,
            Template("SMS_24000002", "zh_CN", ["1234"], "x"),
            f"【{CLUB}】您的验证码为1234，请勿告诉他人。",
        ),
        (ANN, SHOP, Text("100% on time & well packed~ 你好 +"), "100% on time & well packed~ 你好 +"),
    ]
    for nr, (number, sign, part, text) in enumerate(wanted):
        key = f"{KEY[:-1]}{nr}"
        sent = await shop.channel.send(to(number, part, key, sign))
        entry = shop.sandbox.ledger()[-1]
        assert (entry["to"], entry["text"], entry["id"]) == (number, text, sent.external_id)
        receipt = await shop.receipt()
        assert (receipt.account, receipt.external_id, receipt.status) == (sign, sent.external_id, "delivered")
        assert (receipt.key, receipt.idempotency_key, receipt.error) == (number, key, "")
        assert receipt.occurred_at is not None


async def test_what_does_not_arrive_is_reported_with_the_reason(shop: Shop) -> None:
    shop.play(action="block")
    shop.play("ann", action="block")
    wanted = [(MEI, "MOBILE_NOT_ON_SERVICE", "手机停机、空号、关机"), (ANN, "EXPIRED", "before it expired")]
    for number, code, words in wanted:
        sent = await shop.channel.send(to(number))
        receipt = await shop.receipt()
        assert (receipt.external_id, receipt.status, receipt.code) == (sent.external_id, "failed", code)
        assert words in receipt.error


async def test_who_unsubscribed_gets_nothing(shop: Shop) -> None:
    """Alibaba Cloud takes the message all the same and reports the black list."""
    shop.play(text="TD")
    await shop.said()
    await shop.channel.send(to(MEI))
    receipt = await shop.receipt()
    assert (receipt.status, receipt.code) == ("failed", "MOBILE_IN_BLACK")


async def test_reports_come_several_at_once(shop: Shop) -> None:
    sent: list[Sent] = await asyncio.gather(*(shop.channel.send(to(MEI)) for _ in range(20)))
    found = await shop.facts(20)
    assert {fact.external_id for fact in found if isinstance(fact, ReceiptReceived)} == {
        one.external_id for one in sent
    }


async def test_what_alibaba_refuses_is_refused_with_its_code(shop: Shop) -> None:
    wanted: list[tuple[str, Part, str, bool]] = [
        (MEI, Template("SMS_1", "zh_CN", [], "x"), "isv.SMS_TEMPLATE_ILLEGAL", False),
        (MEI, Template("SMS_24000002", "zh_CN", ["1", "2"], "x"), "variables", False),
        (MEI, Text("见 https://a.example"), "isv.BLACK_KEY_CONTROL_LIMIT", False),
        (MEI, Text("长" * 500), "isv.PARAM_LENGTH_LIMIT", False),
        ("+8612000000001", Text("x"), "isv.MOBILE_NUMBER_ILLEGAL", True),
        (ANN, Template("SMS_24000001", "zh_CN", ["x"], "x"), "isv.MOBILE_NUMBER_ILLEGAL", True),
        (ANN, Text("长" * 1531), "PARAM_LENGTH_LIMIT", False),
    ]
    for number, part, code, unreachable in wanted:
        with pytest.raises(Refused) as refused:
            await shop.channel.send(to(number, part))
        assert (refused.value.code, refused.value.unreachable) == (code, unreachable)
    with pytest.raises(Refused) as refused:
        await shop.connect(sender_id="a name too long for it").send(to(ANN))
    assert refused.value.code == "INVALID_SENDERID"
    assert shop.sandbox.ledger() == []


async def test_the_second_code_in_a_minute_waits(shop: Shop) -> None:
    code = Template("SMS_24000002", "zh_CN", ["1234"], "x")
    await shop.channel.send(to(MEI, code))
    with pytest.raises(Retry) as later:
        await shop.channel.send(to(MEI, code))
    assert later.value.after == 60
    shop.sandbox.post("/sandbox/clock", shift_seconds=61)
    await shop.channel.send(to(MEI, code))


async def test_each_error_becomes_its_outcome(shop: Shop) -> None:
    """2 and 8 are an empty account and a stopped service: the channel turns red, messages wait."""
    table: dict[type[Outcome], tuple[int, ...]] = {
        Refused: (4, 5, 6, 7),
        Retry: (1, 3, 10, 21, 22),
        Reauthorise: (2, 8, 9, 11, 23, 24, 25),
    }
    for number in (MEI, ANN):
        await shop.channel.send(to(number))
        for outcome, codes in table.items():
            for code in codes:
                shop.fault(kind="error", code=code)
                with pytest.raises(outcome) as failed:
                    await shop.channel.send(to(number))
                assert type(failed.value) is outcome, (number, code)
                assert failed.value.code
        await shop.channel.send(to(number))
    assert len(shop.sandbox.ledger()) == 4


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
    # The report brings our key back, so the doubt doesn't last.
    receipt = await shop.receipt()
    assert (receipt.status, receipt.idempotency_key) == ("delivered", KEY)
