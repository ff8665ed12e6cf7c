"""Telegram bots and business connections, by webhook or long poll (Bot API 10.1)."""

from switchboard.channels.telegram.channel import TelegramChannel

CHANNEL = TelegramChannel
