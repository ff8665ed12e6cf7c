"""Any system that can sign a web request: messages in, messages out (docs/reference/custom-channel.md)."""

from switchboard.channels.custom.channel import CustomChannel

CHANNEL = CustomChannel
