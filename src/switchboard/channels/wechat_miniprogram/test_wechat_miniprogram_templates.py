"""A mini-program's list of notifications, at the sandbox over real HTTP."""

from typing import Any

import pytest

from switchboard.channels.api import MOST_TEMPLATES, ApprovedTemplate, Reauthorise
from switchboard.channels.loopback import LoopbackIo, Sandbox
from switchboard.channels.wechat_miniprogram.channel import (
    WechatMiniProgramChannel,
    WechatMiniProgramConfig,
)

APP = "wx00000000000000bb"
NOTICE = {
    "template_id": "n1",
    "title": "订单提醒",
    "content": "编号：{{character_string1.DATA}}\n状态：{{phrase2.DATA}}",
}


def connected(sandbox: Sandbox, io: LoopbackIo, **settings: Any) -> WechatMiniProgramChannel:
    """Return the adapter of a mini-program with these settings at WeChat."""
    settings = {"templates": [NOTICE], "unlisted": [], **settings}
    made = sandbox.post("/sandbox/platforms/wechat_miniprogram", id=APP, settings=settings)["settings"]
    names = ("app_id", "app_secret", "token", "encoding_aes_key")
    return WechatMiniProgramChannel(WechatMiniProgramConfig(**{name: made[name] for name in names}), io)


async def test_notifications_are_listed_with_their_fields(sandbox: Sandbox, io: LoopbackIo) -> None:
    channel = connected(sandbox, io, templates=[NOTICE, {**NOTICE, "template_id": "n2", "type": 3}])
    first, second = await channel.list_templates(APP)
    assert first == ApprovedTemplate(
        "n1",
        "zh_CN",
        "订单提醒\n编号：{character_string1}\n状态：{phrase2}",
        ["character_string1", "phrase2"],
        "订单提醒",
        "一次性订阅",
        named=True,
    )
    assert (second.name, second.category) == ("n2", "长期订阅")


async def test_there_may_be_none_or_too_many(sandbox: Sandbox, io: LoopbackIo) -> None:
    for count in (0, MOST_TEMPLATES, MOST_TEMPLATES + 1):
        many = [{**NOTICE, "template_id": str(nr)} for nr in range(count)]
        found = await connected(sandbox, io, templates=many).list_templates(APP)
        assert len(found) == min(count, MOST_TEMPLATES)


async def test_a_missing_permission_comes_in_wechats_words(sandbox: Sandbox, io: LoopbackIo) -> None:
    with pytest.raises(Reauthorise, match="api unauthorized"):
        await connected(sandbox, io, unlisted=["agreed"]).list_templates(APP)
