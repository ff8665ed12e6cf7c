"""The other side of short messages: the stand-in SMSC, and an Io that leads to it on loopback."""

from typing import Any

from switchboard.channels.api import Content
from switchboard.channels.contract_io import KeptTokens
from switchboard.net.guard import Stream
from switchboard.sandbox.smsc import Settings, Smsc

__all__ = ["LoopbackIo", "Settings", "Smsc"]


class LoopbackIo(KeptTokens):
    """Leads every name to one port of 127.0.0.1."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port
        self.http: Any = None

    async def resolve(self, host: str, port: int) -> Stream:
        """Return loopback, whatever the name."""
        del port
        return Stream(host, self.port, "127.0.0.1")

    async def file(self, file_id: object) -> Content:
        """Short messages have no files."""
        raise AssertionError(f"a short message has no file {file_id}")

    def platform_url(self, name: str, default: str) -> str:
        """Return the default: there are no base addresses."""
        return f"{default}{name}"
