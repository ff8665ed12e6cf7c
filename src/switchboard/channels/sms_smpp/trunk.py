"""What one process shares of an account at an SMSC: the connection to send on, and the long messages under way."""

import asyncio
import time
from collections.abc import Sequence
from weakref import WeakKeyDictionary

from switchboard.channels.api import InDoubt, Io, Outcome, Reauthorise, Refused, Retry
from switchboard.channels.sms_smpp import pdu
from switchboard.channels.sms_smpp.bind import FULL, Bind
from switchboard.channels.sms_smpp.config import SmppConfig
from switchboard.channels.sms_smpp.ledger import Ledger
from switchboard.channels.sms_smpp.receipts import canonical

IDLE_SECONDS = 300.0
SESSION_SECONDS = 90.0
"""How long after a session's end the next one is expected: the runner's longest pause, and time to connect."""
MOST_PARTIAL = 1000
LONGEST_PAUSE = 5.0
"""So long a send waits by itself when the SMSC was too full; for longer it is put back into the queue."""
_WORST = (Refused, InDoubt, Reauthorise, Retry)

_TRUNKS: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[SmppConfig, "Trunk"]] = WeakKeyDictionary()


def trunk(config: SmppConfig) -> "Trunk":
    """Return the trunk of an account. The product builds adapters anew when a status changes; connections must outlive that."""
    known = _TRUNKS.setdefault(asyncio.get_running_loop(), {})
    if config not in known:
        known[config] = Trunk(config)
    return known[config]


class Trunk:
    """One account in one process. With bind = transceiver, sends go over the session's own connection while there is one."""

    def __init__(self, config: SmppConfig) -> None:
        self.session: Bind | None = None
        self.ledger = Ledger()
        self.changed = asyncio.Event()
        """Set when the ledger holds something that isn't saved yet."""
        self._config = config
        self._own: Bind | None = None
        self._opening = asyncio.Lock()
        self._session_at = float("-inf")
        self._next = self._quiet_until = 0.0
        self._partial: dict[str, dict[int, str]] = {}
        self._flying: set[asyncio.Future[None]] = set()

    # -- connections -------------------------------------------------------------------------------------

    def expect_session(self) -> None:
        """Leave the way to the SMSC to a session that begins, or has just ended and will begin again."""
        self._session_at = time.monotonic()

    async def retire(self) -> None:
        """Give up the connection that only sends, once its messages are answered."""
        async with self._opening:
            own, self._own = self._own, None
            if own is None:
                return
            for _ in range(50):
                if own.idle or not own.open_still:
                    break
                await asyncio.sleep(0.1)
            await own.close()

    async def bind(self, io: Io) -> Bind:
        """Return a connection to send on; raises Retry, Reauthorise or Refused."""
        if self._config.bind == "transceiver":
            if self.session is not None and self.session.open_still:
                return self.session
            if time.monotonic() - self._session_at < SESSION_SECONDS:
                # A second connection may cost the session its own: many accounts may bind only once.
                raise Retry("The connection to the SMSC is being restored.", code="connecting", after=2)
        async with self._opening:
            if self._own is None or not self._own.open_still:
                self._own = await Bind.open(io, self._config, "transmitter")
                self._own.idle_seconds = IDLE_SECONDS
            return self._own

    # -- sending -----------------------------------------------------------------------------------------

    async def send(self, io: Io, messages: Sequence[pdu.Message], key: str) -> str:
        """Send the parts of one message and return the id of the first; raises the worst that befell one of them."""
        if len(messages) == 1:
            return await self._submit(io, messages[0])
        taken = self._partial.pop(key, {})
        missing = [number for number in range(len(messages)) if number not in taken]
        flight: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._flying.add(flight)
        try:
            ends = await asyncio.gather(
                *(self._submit(io, messages[number]) for number in missing), return_exceptions=True
            )
            taken |= {number: end for number, end in zip(missing, ends, strict=True) if isinstance(end, str)}
            failures = [end for end in ends if isinstance(end, BaseException)]
            if failures:
                self._remember(key, taken)
                raise _worst(failures)
            ids = [taken[number] for number in range(len(messages))]
            self.ledger.add(ids, time.time())
            self.changed.set()
            return ids[0]
        finally:
            self._flying.discard(flight)
            flight.set_result(None)

    async def landed(self, seconds: float) -> None:
        """Return when what is half sent now has been sent, so that it is known whose part a receipt is for."""
        if self._flying:
            await asyncio.wait(list(self._flying), timeout=seconds)

    async def _submit(self, io: Io, message: pdu.Message) -> str:
        bind = await self.bind(io)
        await self._turn()
        try:
            identifier = await bind.submit(message)
        except Retry as refused:
            if refused.code in FULL:
                self._quiet_until = time.monotonic() + self._config.throttle_seconds
            raise
        return canonical(identifier, self._config.receipt_ids, ours=True)

    async def _turn(self) -> None:
        """Wait until the SMSC wants to hear from us again, and for the next place that the agreed throughput leaves free."""
        while (pause := self._quiet_until - time.monotonic()) > 0:
            if pause > LONGEST_PAUSE:
                raise Retry("The SMSC wants us to slow down.", code="throttled", after=pause)
            await asyncio.sleep(pause)
        if self._config.throughput:
            now = time.monotonic()
            self._next = max(self._next + 1 / self._config.throughput, now)
            await asyncio.sleep(self._next - now)

    def _remember(self, key: str, taken: dict[int, str]) -> None:
        """Keep which parts are through, so that the next attempt sends only the others."""
        if taken:
            self._partial[key] = taken
            while len(self._partial) > MOST_PARTIAL:
                del self._partial[next(iter(self._partial))]


def _worst(failures: Sequence[BaseException]) -> BaseException:
    for kind in _WORST:
        for failure in failures:
            if isinstance(failure, kind):
                return failure
    return next((one for one in failures if not isinstance(one, Outcome)), failures[0])
