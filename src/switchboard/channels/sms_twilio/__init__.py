"""SMS and MMS by Twilio's Programmable Messaging."""

from switchboard.channels.sms_twilio.channel import TwilioChannel

CHANNEL = TwilioChannel
