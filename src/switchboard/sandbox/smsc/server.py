"""The SMSC: who may bind, what it takes, what it has for whom, and what goes wrong when a test wants it."""

import asyncio
import contextlib
import itertools
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from switchboard.sandbox.smsc.frames import COMMANDS, RESP, Broken, Fields, Frame, Sm, next_frame, sm_of
from switchboard.sandbox.smsc.shorts import Short, fits, receipt, shown, written

BAD_LENGTH, BAD_STATE, ALREADY_BOUND, SYSTEM_ERROR = 0x01, 0x04, 0x05, 0x08
INVALID_SOURCE, INVALID_DESTINATION, WRONG_PASSWORD, WRONG_ID, THROTTLED = 0x0A, 0x0B, 0x0E, 0x0F, 0x58
KEPT = 20_000


@dataclass
class Settings:
    """How this SMSC behaves. `accounts` are system ids and passwords."""

    accounts: dict[str, str] = field(default_factory=lambda: {"desk": "sesame"})
    window: int = 20
    """Deliveries that may wait for their answer on one connection."""
    receipts: bool = True
    receipt_seconds: float = 0.0
    receipt_tlvs: bool = True
    receipt_ids: str = "same"
    """How receipts write the ids of submits, which are hexadecimal: same or decimal."""
    first_id: int = 0x1A2B3C
    per_second: int = 0
    """Submits that an account may make in one second; 0: any number."""
    single: bool = False
    """Whether an account may bind only once for each direction."""
    enquire_seconds: float = 0.0


@dataclass
class Faults:
    """What shall go wrong next. Statuses are used up, one for each submit."""

    bind_status: int = 0
    submit_statuses: deque[int] = field(default_factory=deque)
    silent: bool = False
    """Take submits and never answer them."""
    hang_up_on_submit: bool = False
    """Take the next submit, then drop the connection without an answer."""
    states: dict[str, str] = field(default_factory=dict)
    """Final states by destination, else DELIVRD."""


@dataclass
class Fate:
    """What becomes of one submit."""

    status: int = 0
    """Refused with this command_status."""
    state: str = "DELIVRD"
    """What its receipt will say; empty: there is none."""
    seconds: float = 0.0
    """The answer takes so long."""
    answered: bool = True
    cut: Literal["", "before", "after"] = ""
    """The connection breaks before the message is taken, or after that and without an answer."""


class Smsc:
    """The server. `submits` is what it has taken lately, in order, as (id, message).

    By itself it does as `settings` and `faults` say. A subclass may know its accounts from elsewhere (`password`), decide what
    happens (`refuses_bind`, `fate`) and look at what was taken (`taken`).
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.faults = Faults()
        self.submits: deque[tuple[str, Sm]] = deque(maxlen=KEPT)
        self.binds: list[tuple[str, str]] = []
        """All binds that succeeded: (system id, kind)."""
        self.attempts: list[tuple[str, str]] = []
        """All binds that were tried."""
        self.enquiries = 0
        """Answers to our own enquire_link."""
        self.unsolicited: list[str] = []
        """What clients did that the protocol forbids."""
        self._numbers = itertools.count(self.settings.first_id)
        self._queues: dict[str, deque[Sm]] = {}
        self._clients: set[_Client] = set()
        self._server: asyncio.Server | None = None
        self._recent: dict[str, deque[float]] = {}
        self._later: set[asyncio.Task[None]] = set()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen and return the port."""
        self._server = await asyncio.start_server(self._serve, host, port)
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    async def stop(self) -> None:
        """Hang up on everybody and listen no more."""
        if self._server is not None:
            self._server.close()
        self.hang_up()
        for task in [*self._later]:
            task.cancel()
        tasks = [client.task for client in self._clients if client.task is not None]
        await asyncio.gather(*tasks, *self._later, return_exceptions=True)

    def hang_up(self) -> None:
        """Drop all connections; what was delivered but not confirmed is delivered again later."""
        for client in [*self._clients]:
            client.abort()

    def shown(self) -> list[Short]:
        """Return what the customers' phones show."""
        return shown(self.submits)

    def writes(self, system_id: str, source: str, destination: str, text: str, **how: object) -> None:
        """Let a customer write to a number of this account; see `shorts.written`. `order` shuffles the parts."""
        order = how.pop("order", None)
        parts = written(source, destination, text, **how)  # type: ignore[arg-type]  # passed on as given
        for index in order if isinstance(order, list | tuple) else range(len(parts)):
            self.deliver(system_id, parts[index])

    def deliver(self, system_id: str, sm: Sm) -> None:
        """Put a message in the queue of an account."""
        self._queues.setdefault(system_id, deque()).append(sm)
        for client in self._clients:
            client.push()

    def waiting(self, system_id: str) -> int:
        """Return how many deliveries have not been confirmed."""
        unsure = sum(len(one.unsure) for one in self._clients if one.system_id == system_id)
        return len(self._queues.get(system_id, ())) + unsure

    # -- what is decided ---------------------------------------------------------------------------------

    def password(self, system_id: str) -> str | None:
        """Return an account's password; None where there is no such account."""
        return self.settings.accounts.get(system_id)

    def refuses_bind(self, system_id: str) -> int:
        """Return the command_status that a bind gets, whoever asks; 0 to look at the credentials."""
        del system_id
        return self.faults.bind_status

    def fate(self, system_id: str, sm: Sm) -> Fate:
        """Decide about a submit."""
        faults = self.faults
        status = faults.submit_statuses.popleft() if faults.submit_statuses else 0
        if not status and self._too_fast(system_id, self.settings.per_second):
            status = THROTTLED
        cut, faults.hang_up_on_submit = faults.hang_up_on_submit, faults.hang_up_on_submit and bool(status)
        return Fate(
            status or refusal(sm),
            faults.states.get(sm.destination, "DELIVRD") if self.settings.receipts else "",
            answered=not faults.silent,
            cut="after" if cut and not status else "",
        )

    def taken(self, system_id: str, identifier: str, sm: Sm, fate: Fate) -> None:
        """Do more with a message than to keep it."""

    # -- what clients ask --------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = _Client(self, writer)
        client.task = asyncio.current_task()
        self._clients.add(client)
        enquiring = asyncio.create_task(client.enquire(self.settings.enquire_seconds))
        try:
            while await self._answer(client, await next_frame(reader)):
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        except Broken as error:
            self.unsolicited.append(str(error))
        finally:
            enquiring.cancel()
            self._clients.discard(client)
            queue = self._queues.setdefault(client.system_id, deque())
            queue.extendleft(reversed(client.unsure.values()))
            client.unsure.clear()
            writer.close()

    async def _answer(self, client: "_Client", frame: Frame) -> bool:
        """Deal with one frame; false ends the connection."""
        if frame.is_response:
            if frame.name == "deliver_sm":
                client.unsure.pop(frame.sequence, None)
                client.push()
            elif frame.name == "enquire_link":
                self.enquiries += 1
            return True
        match frame.name:
            case "bind_transceiver" | "bind_receiver" | "bind_transmitter":
                return self._bind(client, frame)
            case "submit_sm":
                return self._submit(client, frame)
            case "enquire_link":
                client.reply(frame)
            case "unbind":
                client.reply(frame)
                return False
            case "query_sm" if client.kind:
                client.reply(frame, 0x67)
            case _:
                client.write(Frame(RESP, 0x03, frame.sequence))
        return True

    def _bind(self, client: "_Client", frame: Frame) -> bool:
        fields = Fields(frame.body)
        system_id, password = fields.cstring(), fields.cstring()
        kind = frame.name.removeprefix("bind_")
        self.attempts.append((system_id, kind))
        status, known = self.refuses_bind(system_id), self.password(system_id)
        if not status and known != password:
            status = WRONG_ID if known is None else WRONG_PASSWORD
        if not status and (client.kind or (self.settings.single and self._bound(system_id, kind))):
            status = ALREADY_BOUND
        if status:
            client.reply(frame, status)
            return False
        client.system_id, client.kind = system_id, kind
        self.binds.append((system_id, kind))
        client.reply(frame, 0, b"standin\0\x02\x10\0\x01\x34")
        client.push()
        return True

    def _bound(self, system_id: str, kind: str) -> bool:
        return any(
            one.system_id == system_id and (kind == one.kind or "transceiver" in (kind, one.kind))
            for one in self._clients
        )

    def _submit(self, client: "_Client", frame: Frame) -> bool:
        if client.kind not in ("transceiver", "transmitter"):
            self.unsolicited.append("submit_sm without a bind for it")
            client.reply(frame, BAD_STATE)
            return True
        sm = sm_of(frame.body)
        fate = self.fate(client.system_id, sm)
        if fate.cut == "before":
            client.abort()
            return False
        if fate.status:
            self.after(fate.seconds, lambda: client.reply(frame, fate.status))
            return True
        identifier = f"{next(self._numbers):08X}"
        self.submits.append((identifier, sm))
        self.taken(client.system_id, identifier, sm, fate)
        if fate.answered and not fate.cut:
            self.after(fate.seconds, lambda: client.reply(frame, 0, identifier.encode() + b"\0"))
        if sm.registered & 1 and fate.state:
            self._receipt(client.system_id, identifier, sm, fate.state)
        if fate.cut:
            client.abort()
        return not fate.cut

    def _too_fast(self, system_id: str, per_second: int) -> bool:
        if not per_second:
            return False
        now = time.monotonic()
        recent = self._recent.setdefault(system_id, deque())
        while recent and now - recent[0] > 1:
            recent.popleft()
        if len(recent) >= per_second:
            return True
        recent.append(now)
        return False

    def _receipt(self, system_id: str, identifier: str, sm: Sm, state: str) -> None:
        told = str(int(identifier, 16)) if self.settings.receipt_ids == "decimal" else identifier
        error = "000" if state in ("DELIVRD", "ACCEPTD", "ENROUTE") else "027"
        one = receipt(told, sm, state, error, tlvs=self.settings.receipt_tlvs)
        self.after(self.settings.receipt_seconds, lambda: self.deliver(system_id, one))

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        """Do something later, or at once."""
        if not seconds:
            do()
            return

        async def later() -> None:
            await asyncio.sleep(seconds)
            do()

        task = asyncio.create_task(later())
        self._later.add(task)
        task.add_done_callback(self._later.discard)


def refusal(sm: Sm) -> int:
    """Return the command_status for a message that no network could carry."""
    if not (sm.destination.isdigit() and len(sm.destination) >= 3):
        return INVALID_DESTINATION
    return 0 if fits(sm) else BAD_LENGTH


class _Client:
    """One connection. `unsure` are deliveries that wait for their answer."""

    def __init__(self, smsc: Smsc, writer: asyncio.StreamWriter) -> None:
        self.system_id = self.kind = ""
        self.unsure: dict[int, Sm] = {}
        self.task: asyncio.Task[None] | None = None
        self._smsc = smsc
        self._writer = writer
        self._sequence = itertools.count(1)

    def write(self, frame: Frame) -> None:
        if not self._writer.is_closing():
            self._writer.write(frame.octets())

    def reply(self, frame: Frame, status: int = 0, body: bytes = b"") -> None:
        self.write(Frame(frame.number | RESP, status, frame.sequence, body))

    def push(self) -> None:
        """Deliver what waits, as far as the window allows."""
        if self.kind not in ("transceiver", "receiver") or self._writer.is_closing():
            return
        queue = self._smsc._queues.get(self.system_id, deque())
        while queue and len(self.unsure) < self._smsc.settings.window:
            sm, sequence = queue.popleft(), next(self._sequence)
            self.unsure[sequence] = sm
            self.write(Frame(COMMANDS["deliver_sm"], 0, sequence, sm.body()))

    async def enquire(self, seconds: float) -> None:
        """Ask now and then whether the client is there."""
        while seconds:
            await asyncio.sleep(seconds)
            self.write(Frame(COMMANDS["enquire_link"], 0, next(self._sequence)))

    def abort(self) -> None:
        with contextlib.suppress(OSError):
            self._writer.transport.abort()
