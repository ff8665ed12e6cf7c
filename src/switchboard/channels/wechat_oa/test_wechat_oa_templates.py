"""An Official Account's two lists of templates, at the sandbox over real HTTP."""

import asyncio
from typing import Any

import pytest

from switchboard.channels.api import ApprovedTemplate, MessageReceived, Outbound, Reauthorise, Template
from switchboard.channels.loopback import Door, LoopbackIo, Sandbox
from switchboard.channels.wechat_oa.channel import WechatOaChannel, WechatOaConfig

APP = "wx00000000000000aa"
FOLLOWERS = {
    "template_id": "order-update", "title": "订单状态通知",
    "content": "{{first.DATA}}\n订单编号：{{keyword1.DATA}}\n状态：{{ keyword2.DATA }}\n{{remark.DATA}}",
}  # fmt: skip
AGREED = {
    "template_id": "order-notice", "title": "订单进度", "content": "订单编号：{{character_string1.DATA}}",
    "agreed": True,
}  # fmt: skip


def connected(sandbox: Sandbox, io: LoopbackIo, **settings: Any) -> WechatOaChannel:
    """Return the adapter of an account with these settings at WeChat."""
    settings = {"templates": [FOLLOWERS, AGREED], "unlisted": [], **settings}
    made = sandbox.post("/sandbox/platforms/wechat_oa", id=APP, settings=settings)["settings"]
    names = ("app_id", "app_secret", "token", "encoding_aes_key")
    return WechatOaChannel(WechatOaConfig(**{name: made[name] for name in names}), io)


async def test_both_kinds_are_listed_with_their_fields(sandbox: Sandbox, io: LoopbackIo) -> None:
    first, second = await connected(sandbox, io).list_templates(APP)
    assert first == ApprovedTemplate(
        "order-update",
        "zh_CN",
        "订单状态通知\n{first}\n订单编号：{keyword1}\n状态：{keyword2}\n{remark}",
        ["first", "keyword1", "keyword2", "remark"],
        "订单状态通知",
        "互联网|电子商务",
        named=True,
    )
    assert second == ApprovedTemplate(
        "order-notice",
        "zh_CN",
        "订单进度\n订单编号：{character_string1}",
        ["character_string1"],
        "订单进度",
        "一次性订阅",
        named=True,
    )


async def test_one_permission_is_enough(sandbox: Sandbox, io: LoopbackIo) -> None:
    for missing, left in (("followers", "order-notice"), ("agreed", "order-update")):
        (found,) = await connected(sandbox, io, unlisted=[missing]).list_templates(APP)
        assert found.name == left
    with pytest.raises(Reauthorise, match="api unauthorized"):
        await connected(sandbox, io, unlisted=["followers", "agreed"]).list_templates(APP)


async def test_what_is_listed_is_sent_by_the_names_of_its_fields(
    sandbox: Sandbox, door: Door, io: LoopbackIo
) -> None:
    door.channel = channel = connected(sandbox, io)
    sandbox.post("/sandbox/customers", id="mei-t", name="林美")
    await asyncio.to_thread(sandbox.post, f"/sandbox/wechat_oa/{APP}/verify", url=door.url)
    sandbox.post("/sandbox/play", platform="wechat_oa", account=APP, customer="mei-t", text="在吗")
    *_, fact = await asyncio.to_thread(door.facts)
    assert isinstance(fact, MessageReceived)
    listed, _ = await channel.list_templates(APP)
    values = {"first": "您好", "keyword1": "A1=2", "keyword2": "已发货", "remark": "谢谢"}
    part = Template(
        listed.name, listed.language, [f"{name}={values[name]}" for name in listed.variables], "read"
    )
    await channel.send(Outbound(APP, fact.sender.claims[0].value, [part], "key"))
    assert "订单编号：A1=2" in sandbox.ledger()[-1]["text"]
