"""DuerOS (Xiaodu): a custom skill whose questions are answered by people, in the same breath or at a later turn."""

from switchboard.channels.voice_dueros.channel import DuerosChannel

CHANNEL = DuerosChannel
