"""Weibo: private messages of verified accounts by the fans' platform (粉丝服务平台), in developer mode."""

from switchboard.channels.weibo.channel import WeiboChannel

CHANNEL = WeiboChannel
