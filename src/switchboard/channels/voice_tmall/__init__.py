"""Tmall Genie: a custom skill whose questions are answered by people, in the same breath or at a later turn."""

from switchboard.channels.voice_tmall.channel import TmallChannel

CHANNEL = TmallChannel
