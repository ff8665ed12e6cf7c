"""Alibaba Cloud's list of templates, at the sandbox over real HTTP: paged, only what passed the review, troubles in words."""

from typing import Any

import pytest

from switchboard.channels.api import (
    MOST_TEMPLATES,
    ApprovedTemplate,
    Outbound,
    Reauthorise,
    Template,
)
from switchboard.channels.loopback import Door, LoopbackIo, Sandbox
from switchboard.channels.sms_aliyun.channel import AliyunChannel, AliyunConfig

ID, SIGN, MEI = "1400500600700801", "沙盒商店", "+8613800000011"
ORDER = {
    "code": "SMS_1", "name": "发货", "content": "${name}您好，订单${order}已发货，${name}请查收。", "type": 1,
}  # fmt: skip


class Cloud:
    """An account at Alibaba Cloud whose templates a test chooses."""

    def __init__(self, sandbox: Sandbox, door: Door, io: LoopbackIo) -> None:
        self._sandbox, self._door, self._io = sandbox, door, io
        self.set([ORDER])

    def set(self, templates: list[dict[str, Any]], **config: str) -> AliyunChannel:
        """Return the adapter of the account with these templates."""
        made = self._sandbox.post(
            "/sandbox/platforms/sms_aliyun",
            id=ID,
            webhook_url=self._door.url,
            settings={"templates": templates},
        )
        keys = {name: made["settings"][name] for name in ("access_key_id", "access_key_secret")}
        return AliyunChannel(AliyunConfig(**{**keys, "sign_names": SIGN, **config}), self._io)


@pytest.fixture
def cloud(sandbox: Sandbox, door: Door, io: LoopbackIo) -> Cloud:
    return Cloud(sandbox, door, io)


async def test_only_what_passed_the_review_is_listed_with_its_variables(cloud: Cloud) -> None:
    waiting = {**ORDER, "code": "SMS_2", "audit": "AUDIT_STATE_INIT"}
    refused = {**ORDER, "code": "SMS_3", "audit": "AUDIT_STATE_NOT_PASS"}
    plain = {"code": "SMS_4", "name": "验证码", "content": "您的验证码为123456。", "type": 0}
    assert await cloud.set([waiting, ORDER, refused, plain]).list_templates(SIGN) == [
        ApprovedTemplate(
            "SMS_1",
            "zh_CN",
            "【沙盒商店】{name}您好，订单{order}已发货，{name}请查收。",
            ["name", "order"],
            "发货",
            "通知",
        ),
        ApprovedTemplate("SMS_4", "zh_CN", "【沙盒商店】您的验证码为123456。", [], "验证码", "验证码"),
    ]


async def test_all_pages_are_read_up_to_a_bound(cloud: Cloud) -> None:
    for count in (0, 49, 50, 51, 120, 560):
        channel = cloud.set([{**ORDER, "code": f"SMS_{number}"} for number in range(count)])
        found = [one.name for one in await channel.list_templates(SIGN)]
        assert found == [f"SMS_{number}" for number in range(min(count, MOST_TEMPLATES))], count


async def test_what_is_listed_can_be_sent_as_it_reads(cloud: Cloud, sandbox: Sandbox) -> None:
    sandbox.post("/sandbox/customers", id="mei-t", name="Mei", phone=MEI.strip("+"))
    channel = cloud.set([ORDER])
    (listed,) = await channel.list_templates(SIGN)
    part = Template(listed.name, listed.language, ["林女士", "A1"], "as previewed")
    await channel.send(Outbound(SIGN, MEI, [part], "0190a1b2-0000-7000-8000-000000000002-0"))
    assert sandbox.ledger()[-1]["text"] == f"【{SIGN}】林女士您好，订单A1已发货，林女士请查收。"


async def test_troubles_come_in_alibabas_words(cloud: Cloud) -> None:
    with pytest.raises(Reauthorise, match="SignatureDoesNotMatch"):
        await cloud.set([ORDER], access_key_secret="another-secret").list_templates(SIGN)
    strange = cloud.set([{**ORDER, "content": None}, {**ORDER, "code": None}])
    assert [(one.name, one.text) for one in await strange.list_templates(SIGN)] == [("SMS_1", "【沙盒商店】")]
