"""Sends: only the holder of a connection's lease claims them; paced, batched, each outcome written down."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from switchboard import flow
from switchboard.app.runtime import Live, Runtime
from switchboard.channels.api import InDoubt, Outbound, Reauthorise, Refused, Retry, Sent
from switchboard.connections import commands as connections
from switchboard.core.commands import FallBack
from switchboard.core.events import Event
from switchboard.core.ids import new_id
from switchboard.db import log as event_log
from switchboard.delivery import commands as delivery

log = structlog.get_logger()
CLAIM = 64
CLOSE_TRIES = 6


class Pace:
    """Keeps sends of one account within the platform's published rate: at most `per_second`, evenly spread."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1 / per_second
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for the next free place."""
        now = time.monotonic()
        self._next = max(self._next + self._gap, now)
        if self._next > now:
            await asyncio.sleep(self._next - now)


class Sender:
    """Sends what one connection has to send, as long as its lease is held."""

    def __init__(self, runtime: Runtime, connection: UUID) -> None:
        self._runtime = runtime
        self._connection = connection
        self._paces: dict[UUID, Pace] = {}
        self._turns: dict[str, float] = {}
        self._in_hand: dict[UUID, delivery.Piece] = {}
        self._ended: list[delivery.Ended] = []
        self._flying: dict[asyncio.Task[None], UUID] = {}
        self._begun: set[UUID] = set()
        self.wake = asyncio.Event()
        self._landed = asyncio.Event()

    async def run(self) -> None:
        """Never returns; cancelling it lets sends under way end within a few seconds and be written down."""
        try:
            sure = False
            while True:
                try:
                    if not sure:
                        await self._recover()
                    sure = True
                    await self._step()
                except asyncio.CancelledError:
                    raise
                except Exception as error:
                    sure = False  # a claim may have been committed that we never heard of
                    log.warning(
                        "sender_interrupted",
                        connection=str(self._connection),
                        error=str(error) or repr(error),
                    )
                    await asyncio.sleep(0.5)
        finally:
            await self._land()

    async def _recover(self) -> None:
        """Settle what a dead holder left in the middle, or a connection that broke while we claimed."""
        live = await self._runtime.connections.by_id(self._connection)
        if live is None:
            return
        async with self._runtime.db.transaction() as tx:
            found = await delivery.recover(
                tx, self._connection, self._mine(), live.adapter.manifest.idempotent
            )
            events = [one for one in found if isinstance(one, Event)]
            await event_log.append(tx, events)
        self._runtime.announce(events)

    async def _step(self) -> None:
        live = await self._runtime.connections.by_id(self._connection)
        room = live.adapter.manifest.rate.in_flight - len(self._flying) if live is not None else 0
        claimed = (
            await self._claim(min(room, CLAIM))
            if room > 0 and live is not None and live.row.status != "red" and live.speaks is None
            else []
        )
        for piece in claimed:
            assert live is not None
            task = asyncio.create_task(self._send(live, piece))
            self._flying[task] = piece.id
            task.add_done_callback(lambda done: self._flying.pop(done, None))
        await self._record()
        if not claimed:
            waits = [asyncio.create_task(self.wake.wait()), asyncio.create_task(self._landed.wait())]
            try:
                await asyncio.wait(waits, timeout=1, return_when=asyncio.FIRST_COMPLETED)
            finally:  # also when the sender itself is stopped: nobody else would ever end them
                for one in waits:
                    one.cancel()
            self.wake.clear()
            self._landed.clear()
            await self._record()

    async def _claim(self, limit: int) -> list[delivery.Piece]:
        async with self._runtime.db.transaction() as tx:
            claimed = await delivery.claim(tx, self._connection, new_id(), limit)
        self._in_hand |= {piece.id: piece for piece in claimed}
        return claimed

    def _mine(self) -> list[UUID]:
        """The batches of which something is in hand: claimed, its outcome not written down yet."""
        return list({piece.batch_id for piece in self._in_hand.values() if piece.batch_id is not None})

    async def _send(self, live: Live, piece: delivery.Piece) -> None:
        rate = live.adapter.manifest.rate
        await self._paces.setdefault(piece.channel_id, Pace(rate.per_second)).turn()
        if rate.per_recipient_seconds:
            await self._one_at_a_time(piece.address, rate.per_recipient_seconds)
        self._begun.add(piece.id)
        ended = await self._attempt(live, piece)
        self._ended.append(ended)  # not before the await: `_record` puts a new list there meanwhile
        self._landed.set()

    async def _one_at_a_time(self, address: str, gap: float) -> None:
        now = time.monotonic()
        turn = max(self._turns.get(address, 0.0), now)
        self._turns[address] = turn + gap
        if len(self._turns) > 10_000:
            self._turns = {key: value for key, value in self._turns.items() if value > now}
        if turn > now:
            await asyncio.sleep(turn - now)

    async def _attempt(self, live: Live, piece: delivery.Piece) -> delivery.Ended:
        """Hand one piece to the platform and tell how it ended."""
        now, body = datetime.now(UTC), piece.body
        late = bool(live.adapter.manifest.windows) and (body.free_until is None or now >= body.free_until)
        try:
            sent: Sent = await live.channel.send(
                Outbound(
                    account=live.account_of(piece.channel_id),
                    to=piece.address,
                    parts=piece.body.parts,
                    idempotency_key=piece.idempotency_key,
                    reply_to=piece.body.reply_to,
                    subject=piece.body.subject,
                    thread=piece.body.thread,
                    slot=piece.body.slot,
                    author=piece.body.author,
                    handle=handle_of(piece, live.adapter.manifest.handle_uses, now),
                    late=late,
                )
            )
        except Retry as outcome:
            return self._again(piece, outcome)
        except Refused as outcome:
            return delivery.Ended(
                piece, "failed", code=outcome.code or "refused", error=str(outcome), refused=True
            )
        except Reauthorise as outcome:
            await self._turn(live, "red", str(outcome), outcome.code)
            return delivery.Ended(piece, "queued", code=outcome.code or "reauthorise", error=str(outcome),
                                  retry_at=datetime.now(UTC) + timedelta(seconds=30))  # fmt: skip
        except InDoubt as outcome:
            if live.adapter.manifest.idempotent and outcome.repeatable:
                return self._again(piece, Retry(str(outcome), code=outcome.code))
            return delivery.Ended(piece, "in_doubt", code=outcome.code or "in_doubt", error=str(outcome))
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.exception("send_failed", kind=live.row.kind)
            return delivery.Ended(
                piece, "in_doubt", code="internal", error=f"The adapter failed: {type(error).__name__}"
            )
        if live.row.status == "grey":  # amber tells of something else than sending
            await self._turn(live, "green", "", "")
        return delivery.Ended(piece, sent.status, sent.external_id)

    def _again(self, piece: delivery.Piece, outcome: Retry) -> delivery.Ended:
        wait = (
            timedelta(seconds=outcome.after)
            if outcome.after is not None
            else delivery.backoff(piece.attempts)
        )
        if piece.attempts >= 60 or datetime.now(UTC) - piece.first_tried_at > timedelta(hours=24):
            return delivery.Ended(piece, "failed", code=outcome.code or "gave_up", error=str(outcome))
        return delivery.Ended(
            piece, "queued", code=outcome.code, error=str(outcome), retry_at=datetime.now(UTC) + wait
        )

    async def _turn(self, live: Live, status: str, reason: str, code: str) -> None:
        """Colour the connection. Trouble with that must not cost the outcome of the send it belongs to."""
        try:
            async with self._runtime.db.transaction() as tx:
                events = await connections.set_status(tx, live.row.id, status, reason)
                if status == "red":
                    await connections.note(
                        tx, live.row.workspace_id, live.row.id, "error", code or "reauthorise", reason
                    )
                await event_log.append(tx, events)
        except Exception as error:
            log.warning("status_not_set", connection=str(live.row.id), error=str(error) or repr(error))
        else:
            self._runtime.announce(events)

    async def _record(self) -> None:
        """Write down what ended since the last time, in one transaction."""
        if not self._ended:
            return
        ended, self._ended = self._ended, []
        try:
            async with self._runtime.db.transaction() as tx:
                events = await flow.run(tx, [*await delivery.record(tx, ended), *_ways_round(ended)])
        except BaseException:
            self._ended = ended + self._ended
            raise
        for one in ended:
            self._in_hand.pop(one.piece.id, None)
            self._begun.discard(one.piece.id)
        self._runtime.announce(events)
        self.wake.set()

    async def _land(self) -> None:
        """Give back what has not begun, give what has begun a few seconds, write down how it ended."""
        for task, piece in list(self._flying.items()):
            if piece not in self._begun:
                task.cancel()
                self._ended.append(delivery.Ended(self._in_hand[piece], "queued", retry_at=datetime.now(UTC)))
        if self._flying:
            await asyncio.wait(list(self._flying), timeout=CLOSE_TRIES)
        try:
            await self._record()
        except Exception as error:
            log.warning("outcomes_lost_to_recovery", connection=str(self._connection), error=str(error))


def handle_of(piece: delivery.Piece, uses: int, now: datetime) -> str:
    """Return the reply handle while it is fresh: on the first attempt only where one use spends it (the first may have)."""
    body = piece.body
    if body.handle_until is None or now >= body.handle_until:
        return ""
    return body.handle if piece.attempts == 1 or uses != 1 else ""


def _ways_round(ended: list[delivery.Ended]) -> list[FallBack]:
    """What the platform refused, nothing of it having gone out before."""
    return [
        FallBack(workspace_id=one.piece.workspace_id, message_id=one.piece.message_id)
        for one in ended
        if one.refused and one.piece.piece == 0
    ]
