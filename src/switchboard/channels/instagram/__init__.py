"""Instagram: direct messages, story replies and mentions, comments; with Facebook login or Instagram login."""

from switchboard.channels.instagram.channel import InstagramChannel

CHANNEL = InstagramChannel
