"""The site widget. Its platform is this product: a socket builds the requests, the log carries answers."""

from switchboard.channels.web.channel import WebChannel

CHANNEL = WebChannel
