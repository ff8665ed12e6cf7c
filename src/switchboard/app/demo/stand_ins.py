"""Which accounts of the sandbox's further platforms the demo connects, and how their settings are called on either side."""

from typing import Any

import msgspec

from switchboard.app.demo.platforms import Platforms


class StandIn(msgspec.Struct, frozen=True):
    """One account. `fields`: the adapter's settings, made from the sandbox's by `str.format`; a tuple where both call them the same.
    `first`: what its customers do when the demo starts for the first time.
    """

    account: str
    name: str
    fields: dict[str, str] | tuple[str, ...]
    first: tuple[dict[str, Any], ...] = ()


STAND_INS: dict[str, StandIn] = {
    "line": StandIn(
        "U5a0d0a11e0c0ffee5a0d0a11e0c0ffee",
        "山野集 LINE",
        ("channel_secret", "access_token"),
        (
            {"customer": "somchai", "text": "Sawadee krub, do you ship to Chiang Mai?"},
            {"customer": "somchai", "type": "sticker"},
        ),
    ),
    "wechat_oa": StandIn(
        "wx5a0d0a11e0c0ffee",
        "山野集公众号",
        ("app_id", "app_secret", "token", "encoding_aes_key"),
        (
            {"customer": "mei", "action": "follow"},
            {"customer": "mei", "text": "你好，看到推文里的云岭冲锋衣，杭州门店有货吗？"},
        ),
    ),
    "douyin": StandIn(
        "5a0d0a11-e0c0-4fee-8a0d-0a11e0c0ffee",
        "山野集抖音号",
        {
            "client_key": "{client_key}",
            "client_secret": "{client_secret}",
            "accounts": "{id} {refresh_token}",
        },
        (
            {"customer": "wei", "text": "视频里的炉头是哪一款？"},
            {"customer": "mei", "type": "comment", "text": "这条路线新手能走吗？"},
        ),
    ),
    "messenger": StandIn(
        "105550000000021",
        "Shanye Outfitters",
        ("access_token", "app_secret", "verify_token", "app_id"),
        (
            {"customer": "tom", "text": "Hi, is the Ridge tent still available in green?"},
            {"customer": "sofia", "type": "comment", "text": "Does it keep dry in real rain?"},
            {"customer": "aisha", "type": "comment", "text": "Price please, and do you have it in size S?"},
        ),
    ),
    "instagram": StandIn(
        "17845550000000022",
        "shanye.outfitters",
        ("access_token", "app_secret", "verify_token"),
        (
            {"customer": "aisha", "text": "Love the new pack! Which volume is it?"},
            {"customer": "tom", "type": "comment", "text": "Where was this taken?"},
        ),
    ),
}
"""By kind."""
BASES = ("line", "line_data", "messenger", "instagram", "instagram_login", "wechat", "douyin")
"""Names by which adapters ask for these platforms' addresses."""


async def open_stand_ins(platforms: Platforms) -> dict[str, dict[str, Any]]:
    """Make the accounts, or find them as they were; return the adapters' settings by kind."""
    found = {}
    for kind, one in STAND_INS.items():
        made = await platforms.post(f"platforms/{kind}", id=one.account, name=one.name)
        known = {**made["settings"], "id": made["id"]}
        if isinstance(one.fields, dict):
            found[kind] = {field: said.format(**known) for field, said in one.fields.items()}
        else:
            found[kind] = {field: known[field] for field in one.fields}
    return found


async def begin(platforms: Platforms) -> None:
    """Let customers come to every account."""
    for kind, one in STAND_INS.items():
        for wish in one.first:
            await platforms.post("play", platform=kind, account=one.account, **wish)
