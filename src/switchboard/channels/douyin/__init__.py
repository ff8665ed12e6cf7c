"""Douyin: private messages, fan groups and video comments of business accounts, by the open platform of Douyin."""

from switchboard.channels.douyin.channel import DouyinChannel

CHANNEL = DouyinChannel
