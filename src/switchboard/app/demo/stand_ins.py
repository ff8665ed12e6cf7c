"""Which accounts of the sandbox's further platforms the demo connects, and how their settings are called on either side."""

from typing import Any

import msgspec

from switchboard.app.demo.platforms import Platforms


class StandIn(msgspec.Struct, frozen=True):
    """One account. `fields`: the adapter's settings, made from the sandbox's by `str.format`; a tuple where both call them the same.
    `first`: what its customers do when the demo starts for the first time. `settings`: of the account in the sandbox.
    """

    account: str
    name: str
    fields: dict[str, str] | tuple[str, ...]
    first: tuple[dict[str, Any], ...] = ()
    settings: dict[str, Any] = {}


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
    "wecom": StandIn(
        "ww5a0d0a11e0c0ffee",
        "山野集微信客服",
        ("corp_id", "app_secret", "token", "encoding_aes_key"),
        (
            {"customer": "wei", "action": "enter"},
            {"customer": "wei", "text": "从视频号过来的，直播间那款帐篷还有优惠吗？"},
        ),
    ),
    "wechat_miniprogram": StandIn(
        "wx5a0d0a11e0c0fee5",
        "山野集小程序",
        ("app_id", "app_secret", "token", "encoding_aes_key"),
        (
            {"customer": "mei", "action": "enter", "session_from": "商品页 云岭冲锋衣"},
            {"customer": "mei", "text": "这件冲锋衣有 S 码吗？"},
        ),
    ),
    "weibo": StandIn(
        "5500600700",
        "@山野集官方",
        ("app_secret", "access_token"),
        ({"customer": "wei", "text": "看到微博抽奖，请问中奖名单什么时候公布？"},),
    ),
    "sms_twilio": StandIn(
        "AC5a0d0a11e0c0ffee5a0d0a11e0c0ffee",
        "短信 Twilio",
        {"account_sid": "{id}", "auth_token": "{auth_token}"},
        ({"customer": "aisha", "text": "Is order SY2603461830 on its way?"},),
    ),
    "sms_smpp": StandIn(
        "shanye",
        "短信 SMPP",
        ("host", "port", "system_id", "password", "numbers"),
        ({"customer": "tom", "text": "Running late, can I still collect my tent tonight?"},),
        {"numbers": "+441632960021"},
    ),
    "sms_aliyun": StandIn(
        "1400500600700800",
        "短信 阿里云",
        {
            "access_key_id": "{access_key_id}",
            "access_key_secret": "{access_key_secret}",
            "sign_names": "{sign}",
            "reply_template": "SMS_24000001",
        },
        ({"customer": "mei", "text": "取件码收到了，谢谢"},),
        {"sign": "山野集", "limits": False},
    ),
    "sms_tencent": StandIn(
        "1400500600",
        "短信 腾讯云",
        {
            "secret_id": "{secret_id}",
            "secret_key": "{secret_key}",
            "sdk_app_id": "{sdk_app_id}",
            "sign_name": "{sign}",
            "reply_template": "2400001",
            "reply_template_abroad": "2400004",
        },
        ({"customer": "wei", "text": "快递放门卫了，谢谢"},),
        {"sign": "山野集", "limits": False},
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
    "voice_alexa": StandIn(
        "amzn1.ask.skill.5a0d0a11-e0c0-4fee-8a0d-0a11e0c0ffee",
        "Alexa",
        ("skill_id",),
        ({"customer": "tom", "text": "where is my parcel"},),
    ),
    "voice_dueros": StandIn(
        "5a0d0a11e0c04fee8a0d0a11e0c0ffee",
        "小度音箱",
        ("skill_id",),
        ({"customer": "wei", "text": "我的帐篷什么时候发货"},),
    ),
    "voice_tmall": StandIn(
        "55006",
        "天猫精灵",
        {"skill_id": "{skill_id}", "token": "{header_value}"},
        ({"customer": "mei", "text": "门店今天几点关门"},),
    ),
}
"""By kind."""
BASES = (
    "line",
    "line_data",
    "line_stickers",
    "messenger",
    "instagram",
    "instagram_login",
    "wechat",
    "wecom",
    "weibo",
    "weibo_api",
    "weibo_files",
    "douyin",
    "twilio",
    "twilio_messaging",
    "aliyun",
    "aliyun_international",
    "tencent_sms",
    "alexa_certificates",
    "dueros_certificates",
)
"""Names by which adapters ask for these platforms' addresses."""


async def open_stand_ins(platforms: Platforms) -> dict[str, dict[str, Any]]:
    """Make the accounts, or find them as they were; return the adapters' settings by kind."""
    found = {}
    for kind, one in STAND_INS.items():
        made = await platforms.post(f"platforms/{kind}", id=one.account, name=one.name, settings=one.settings)
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
