"""Facebook Messenger, and the comments on a page's posts, through Meta's Graph API."""

from switchboard.channels.messenger.channel import MessengerChannel

CHANNEL = MessengerChannel
