"""SMS by SMPP 3.4: a bind to an operator's or aggregator's SMSC."""

from switchboard.channels.sms_smpp.channel import SmppChannel

CHANNEL = SmppChannel
