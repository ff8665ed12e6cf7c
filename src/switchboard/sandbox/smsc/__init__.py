"""A stand-in SMSC: an SMPP 3.4 server with phones behind it, faults on request, and a record of all it was sent."""

from switchboard.sandbox.smsc.server import Faults, Settings, Smsc
from switchboard.sandbox.smsc.shorts import Short

__all__ = ["Faults", "Settings", "Short", "Smsc"]
