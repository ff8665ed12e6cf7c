"""Amazon Alexa: a custom skill whose questions are answered by people, in the same breath or at a later turn."""

from switchboard.channels.voice_alexa.channel import AlexaChannel

CHANNEL = AlexaChannel
