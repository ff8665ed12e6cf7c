"""Customer service of a WeChat mini-program (小程序客服) by its message push and customer service messages."""

from switchboard.channels.wechat_miniprogram.channel import WechatMiniProgramChannel

CHANNEL = WechatMiniProgramChannel
