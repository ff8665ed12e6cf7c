"""The way out: every outgoing connection passes the address guard here. Owns no tables.

`Guard` decides where we may connect, `GuardedHttp` speaks HTTP through it, `redact` cleans texts of others.
"""

from switchboard.net.guard import BLOCKED, Guard, Stream
from switchboard.net.http import GuardedHttp
from switchboard.net.redaction import redact

__all__ = ["BLOCKED", "Guard", "GuardedHttp", "Stream", "redact"]
