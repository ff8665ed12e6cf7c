"""LINE Official Account by the Messaging API."""

from switchboard.channels.line.channel import LineChannel

CHANNEL = LineChannel
