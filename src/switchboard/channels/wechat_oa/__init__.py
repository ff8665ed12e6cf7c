"""WeChat Official Account (公众号) by its message push and customer service messages."""

from switchboard.channels.wechat_oa.channel import WechatOaChannel

CHANNEL = WechatOaChannel
