"""WeCom customer service (企业微信 · 微信客服): notified by encrypted callbacks, read by sync_msg."""

from switchboard.channels.wecom.channel import WecomChannel

CHANNEL = WecomChannel
