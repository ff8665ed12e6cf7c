"""Failures that a test or a person asked for."""

import itertools
from typing import Literal

import msgspec

Kind = Literal["error", "http", "latency", "drop_before", "drop_after", "status"]


class Fault(msgspec.Struct, kw_only=True):
    """One wish.

    error        answer with the platform's error `code`, nothing is delivered
    http         answer with the bare HTTP status `code`, as a proxy in between would
    latency      answer after `seconds`
    drop_before  cut the connection, nothing is delivered
    drop_after   deliver, then cut the connection without an answer: the caller is in doubt
    status       WhatsApp: accept, then report `failed` with `code` by webhook
    """

    kind: Kind
    code: int = 0
    seconds: float = 0.0
    times: int = 1
    """How often it strikes; -1 = until it is removed."""
    platform: str = ""
    """whatsapp, telegram, custom, email; empty = any."""
    account: str = ""
    """Account id; empty = any."""
    scope: Literal["send", "any"] = "send"
    """Only calls that carry a message to a customer, or any call."""
    after: int = 0
    """Let this many matching calls pass first."""
    id: str = ""


class Faults:
    """Wishes in the order in which they were made."""

    def __init__(self) -> None:
        self._wishes: list[Fault] = []
        self._ids = itertools.count(1)

    def add(self, fault: Fault) -> Fault:
        """Arm it."""
        fault.id = f"f{next(self._ids)}"
        self._wishes.append(fault)
        return fault

    def remove(self, id: str = "") -> None:  # noqa: A002
        """Disarm one, or all."""
        self._wishes = [f for f in self._wishes if id and f.id != id]

    def armed(self) -> list[Fault]:
        """Those that will still strike."""
        return list(self._wishes)

    def take(self, platform: str, account: str, *, sends: bool) -> Fault | None:
        """The wish that strikes this call, used up once."""
        for fault in self._wishes:
            if fault.platform not in {"", platform} or fault.account not in {"", account}:
                continue
            if fault.scope == "send" and not sends:
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            if fault.times > 0:
                fault.times -= 1
                if fault.times == 0:
                    self._wishes.remove(fault)
            return fault
        return None
