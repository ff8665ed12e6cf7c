"""One connection to the SMSC: bound, kept alive, with a window of requests that wait for their answers."""

import asyncio
import contextlib
import ssl
import time
from typing import Literal

import msgspec

from switchboard.channels.api import InDoubt, Io, Outcome, Reauthorise, Refused, Retry, Stream
from switchboard.channels.sms_smpp import pdu
from switchboard.channels.sms_smpp.config import SmppConfig
from switchboard.channels.sms_smpp.pdu import Pdu

Kind = Literal["transceiver", "receiver", "transmitter"]

CONNECT_SECONDS = 15
ANSWER_SECONDS = 30
WAITING_DELIVERIES = 1000
_COMMANDS = {
    "transceiver": pdu.BIND_TRANSCEIVER,
    "receiver": pdu.BIND_RECEIVER,
    "transmitter": pdu.BIND_TRANSMITTER,
}
_CREDENTIALS = (0x0D, 0x0E, 0x0F, 0x53)
_FULL = (0x58, 0x14)
FULL = tuple(map(pdu.name, _FULL))
"""Codes by which an SMSC says that it gets too much."""
_PASSING = (0x04, 0x05, 0x08, 0x64, 0xFF)
_NO_REASON = 0xFF
_NOBODY = (0x0B, 0x33, 0x50, 0x51)


class Bind:
    """A bound connection. `deliveries` are the SMSC's PDUs that want an answer, in order."""

    def __init__(
        self, config: SmppConfig, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.deliveries: asyncio.Queue[Pdu] = asyncio.Queue(WAITING_DELIVERIES)
        self.proven = 0.0
        """When we last asked something (monotonic) that has been answered: what we wrote before that has arrived."""
        self.used = time.monotonic()
        self.idle_seconds = 0.0
        """After so long without a message the connection is given up; 0: never."""
        self.over = asyncio.Event()
        self._why: Outcome | None = None
        self._config = config
        self._reader, self._writer = reader, writer
        self._window = asyncio.Semaphore(config.window)
        self._waiting: dict[int, tuple[int, asyncio.Future[Pdu]]] = {}
        self._sequence = 0
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def open(cls, io: Io, config: SmppConfig, kind: Kind) -> "Bind":
        """Connect and bind; raises Retry, Reauthorise or Refused (an address that the guard forbids)."""
        target = await io.resolve(config.host, config.port)
        bind = cls(config, *await _connect(target, config))
        bind._tasks.append(asyncio.create_task(bind._read()))
        body = pdu.bind_body(config.system_id, config.password, config.system_type)
        try:
            answer = await bind._ask(_COMMANDS[kind], body, CONNECT_SECONDS)
        except Outcome as error:
            await bind.close()
            raise Retry(f"{config.host} did not answer the bind: {error}", code="bind") from None
        except BaseException:
            await bind.close()
            raise
        if answer.status:
            await bind.close()
            raise _not_bound(answer.status, kind)
        bind._tasks.append(asyncio.create_task(bind._keep_alive()))
        return bind

    @property
    def open_still(self) -> bool:
        """Whether requests can be sent."""
        return not self.over.is_set()

    @property
    def idle(self) -> bool:
        """Whether nothing waits for an answer."""
        return not self._waiting

    def end(self) -> Outcome:
        """Return why the connection ended."""
        return self._why or Retry(f"{self._config.host} closed the connection.", code="lost")

    async def submit(self, message: pdu.Message) -> str:
        """Send one short message and return the SMSC's id for it.

        Raises Retry (surely not taken), Refused, Reauthorise, or InDoubt when the connection ended or nothing came.
        """
        async with self._window:
            if not self.open_still:
                raise Retry("The connection to the SMSC is down.", code="lost", after=1)
            self.used = time.monotonic()
            answer = await self._ask(pdu.SUBMIT_SM, pdu.submit_body(message), ANSWER_SECONDS)
        if answer.status:
            raise refusal(answer.status, self._config.throttle_seconds)
        return pdu.first_string(answer.body)

    async def batch(self, most: int, seconds: float, wake: asyncio.Event) -> list[Pdu]:
        """Return what has been delivered, empty after `seconds` or when `wake` is set; raises why the connection ended."""
        if self.deliveries.empty() and not wake.is_set():
            waits = [asyncio.create_task(one.wait()) for one in (self.over, wake)]
            arrival = asyncio.create_task(self.deliveries.get())
            try:
                await asyncio.wait([arrival, *waits], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in (arrival, *waits):
                    one.cancel()
            first = [arrival.result()] if arrival.done() and not arrival.cancelled() else []
        else:
            first = []
        while len(first) < most and not self.deliveries.empty():
            first.append(self.deliveries.get_nowait())
        if not first and self.over.is_set():
            raise self.end()
        return first

    async def answer(self, requests: list[Pdu]) -> None:
        """Tell the SMSC that these are safely stored. A connection that has ended meanwhile is found out later."""
        for one in requests:
            self._write(Pdu(one.command | pdu.RESPONSE, one.sequence, 0, b"\x00"))
        with contextlib.suppress(OSError):
            await self._writer.drain()

    async def close(self) -> None:
        """Unbind and hang up."""
        asking = self.open_still and len(self._tasks) > 1
        if asking:
            with contextlib.suppress(Outcome):
                await self._ask(pdu.UNBIND, b"", 1)
        self._finish(Retry("We closed the connection.", code="closed"))
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        self._writer.close()

    # -- inside ------------------------------------------------------------------------------------------

    async def _ask(self, command: int, body: bytes, seconds: float) -> Pdu:
        self._sequence = self._sequence % 0x7FFF_FFFF + 1
        sequence = self._sequence
        future: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()
        self._waiting[sequence] = command | pdu.RESPONSE, future
        try:
            self._write(Pdu(command, sequence, 0, body))
            async with asyncio.timeout(seconds):
                await self._writer.drain()
                return await future
        except TimeoutError:
            raise InDoubt(f"The SMSC did not answer within {seconds:.0f} seconds.", code="timeout") from None
        except OSError:
            raise InDoubt("The connection broke before the SMSC answered.", code="lost") from None
        finally:
            self._waiting.pop(sequence, None)

    def _write(self, one: Pdu) -> None:
        if not self._writer.is_closing():
            self._writer.write(one.packed())

    async def _read(self) -> None:
        """Take in what the SMSC sends until the connection ends."""
        why: Outcome = Retry(f"{self._config.host} closed the connection.", code="lost")
        try:
            while True:
                header = await self._reader.readexactly(pdu.HEADER.size)
                length, command, status, sequence = pdu.HEADER.unpack(header)
                if not pdu.HEADER.size <= length <= pdu.MAX_BYTES:
                    raise pdu.Malformed(f"a PDU of {length} bytes")
                body = await self._reader.readexactly(length - pdu.HEADER.size)
                if not await self._take(Pdu(command, sequence, status, body)):
                    why = Retry(f"{self._config.host} ended the session (unbind).", code="unbind")
                    return
        except pdu.Malformed as error:
            why = Retry(f"{self._config.host} does not speak SMPP ({error}).", code="protocol")
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self._finish(why)
            self._writer.close()

    async def _take(self, one: Pdu) -> bool:
        """Deal with one PDU; false when the SMSC says goodbye. Raises Malformed for an answer to something else."""
        if one.command & pdu.RESPONSE:
            wanted, future = self._waiting.get(one.sequence, (0, None))
            if future is not None and not future.done():
                if one.command not in (wanted, pdu.GENERIC_NACK):
                    raise pdu.Malformed(f"it answers 0x{wanted & ~pdu.RESPONSE:X} with 0x{one.command:08X}")
                refused = one.command == pdu.GENERIC_NACK and not one.status
                future.set_result(msgspec.structs.replace(one, status=_NO_REASON) if refused else one)
        elif one.command in (pdu.DELIVER_SM, pdu.DATA_SM):
            await self.deliveries.put(one)
        elif one.command == pdu.ENQUIRE_LINK:
            self._write(Pdu(one.command | pdu.RESPONSE, one.sequence))
        elif one.command == pdu.UNBIND:
            self._write(Pdu(one.command | pdu.RESPONSE, one.sequence))
            return False
        elif one.command != pdu.ALERT_NOTIFICATION:  # which wants no answer
            self._write(Pdu(pdu.GENERIC_NACK, one.sequence, 0x03))
        return True

    async def _keep_alive(self) -> None:
        """Ask now and then whether the other side is there; end the connection when it isn't."""
        while True:
            await asyncio.sleep(self._config.enquire_seconds)
            asked = time.monotonic()
            if self.idle_seconds and self.idle and asked - self.used > self.idle_seconds:
                await self.close()
                return
            try:
                await self._ask(pdu.ENQUIRE_LINK, b"", min(ANSWER_SECONDS, self._config.enquire_seconds))
            except Outcome:
                self._finish(Retry(f"{self._config.host} no longer answers.", code="timeout"))
                self._writer.transport.abort()
                return
            self.proven = asked

    def _finish(self, why: Outcome) -> None:
        if self.over.is_set():
            return
        self._why = why
        self.over.set()
        for _, future in self._waiting.values():
            if not future.done():
                future.set_exception(InDoubt("The connection ended before the SMSC answered.", code="lost"))
                future.exception()  # whoever waited may be gone


async def _connect(target: Stream, config: SmppConfig) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    where = f"{config.host}:{config.port}"
    context = ssl.create_default_context() if config.tls else None
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await asyncio.open_connection(
                target.address, target.port, ssl=context, server_hostname=config.host if context else None
            )
    except TimeoutError:
        raise Retry(f"{where} does not answer.", code="timeout") from None
    except ssl.SSLCertVerificationError as error:
        raise Reauthorise(
            f"The certificate of {config.host} is not valid: {error.verify_message}", code="tls"
        ) from None
    except OSError as error:
        raise Retry(
            f"{where} can't be reached: {error.strerror or 'connection failed'}", code="connect"
        ) from None


def _not_bound(status: int, kind: str) -> Outcome:
    words = f"The SMSC refused the bind ({kind}): {pdu.name(status)}"
    if status in (*_PASSING, *_FULL):
        return Retry(f"{words}.", code=pdu.name(status))
    hint = " Check system ID, password and system type." if status in _CREDENTIALS else ""
    return Reauthorise(f"{words}.{hint}", code=pdu.name(status))


def refusal(status: int, throttle_seconds: float) -> Outcome:
    """Return what a negative submit_sm_resp means; the SMSC has not taken the message."""
    code = pdu.name(status)
    if status in _FULL:
        return Retry(f"The SMSC wants us to slow down ({code}).", code=code, after=throttle_seconds)
    if status in _PASSING:
        return Retry(f"The SMSC can't take the message just now ({code}).", code=code)
    if status in _CREDENTIALS:
        return Reauthorise(f"The SMSC no longer accepts this account ({code}).", code=code)
    return Refused(f"The SMSC refused the message ({code}).", code=code, unreachable=status in _NOBODY)
