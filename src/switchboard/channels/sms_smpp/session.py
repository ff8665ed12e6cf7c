"""The long-lived side: what the SMSC delivers, put together, handed over, and answered only when it is stored."""

import hashlib
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable

import msgspec

from switchboard.channels.api import Io, Polled
from switchboard.channels.sms_smpp import inbound, pdu, receipts
from switchboard.channels.sms_smpp.bind import Bind
from switchboard.channels.sms_smpp.config import SmppConfig
from switchboard.channels.sms_smpp.inbound import Item
from switchboard.channels.sms_smpp.ledger import Ledger, LongOne
from switchboard.channels.sms_smpp.trunk import Trunk
from switchboard.channels.sms_smpp.userdata import user_data

BATCH = 200
LOOK_SECONDS = 5.0
HALF_SENT_SECONDS = 5.0
MOST_INCOMPLETE = 500
MOST_RECENT = 500
SUSPECT_SECONDS = 600.0
DOUBLED_SECONDS = 300.0


class Parts(msgspec.Struct):
    """The parts of a long message that have come so far, by number; `at` is when the first came.

    `digests` are those of the PDUs' bodies: a part that comes twice has another sequence number.
    """

    at: float
    total: int
    got: dict[str, str] = {}
    digests: dict[str, str] = {}


class Cursor(msgspec.Struct, omit_defaults=True):
    """What outlives a connection: incomplete messages, long ones of ours, and what may be delivered once more.

    `recent` are (digest, time) of PDUs that are stored, but whose answer may not have reached the SMSC; `whole` the same of the
    parts of messages that are complete, because some networks deliver a part twice.
    """

    parts: dict[str, Parts] = {}
    recent: list[tuple[str, float]] = []
    whole: list[tuple[str, float]] = []
    long: list[LongOne] = []

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """Return the saved cursor, or an empty one where nothing usable was saved."""
        try:
            return msgspec.json.decode(text or "{}", type=cls)
        except msgspec.DecodeError:
            return cls()


class Assembly:
    """Puts PDUs together to whole messages. Knows no connection and no clock; times are seconds since 1970."""

    def __init__(self, config: SmppConfig, cursor: Cursor, ledger: Ledger, nonce: str) -> None:
        self._config = config
        self._ledger = ledger
        self._nonce = nonce
        self._count = 0
        self._parts = dict(cursor.parts)
        self._suspects = list(cursor.recent)
        self._recent: list[tuple[str, float, float]] = []
        self._whole = dict(cursor.whole)
        ledger.restore(cursor.long)

    def take(self, one: pdu.Pdu, now: float, tick: float) -> list[Item]:
        """Take in one PDU and return what is complete with it. `tick` is the monotonic time, for `proven`."""
        text = inbound.text_of(one.packed())
        try:
            message = pdu.message_of(one)
        except pdu.Malformed:
            return [self._item([text])]
        if receipts.is_receipt(message):
            return self._receipt(message, text)
        digest = hashlib.sha256(one.body).hexdigest()[:24]
        if self._again(digest, now):
            return []
        self._recent.append((digest, now, tick))
        place = user_data(message).place
        if place is None:
            return [self._item([text])]
        if now - self._whole.get(digest, -DOUBLED_SECONDS) < DOUBLED_SECONDS:
            return []
        key = f"{message.source.number}>{message.destination.number}#{place.reference}/{place.total}"
        done = []
        known = self._parts.get(key)
        number = str(place.number)
        if known is not None and known.digests.get(number, digest) != digest:
            # The sender's counter has come round: the older message will not be completed any more.
            done.append(self._give_up(key))
            known = None
        if known is None:
            known = self._parts[key] = Parts(now, place.total)
        known.got[number] = text
        known.digests[number] = digest
        if len(known.got) == known.total:
            self._whole |= dict.fromkeys(known.digests.values(), now)
            done.append(self._give_up(key))
        return done

    def overdue(self, now: float) -> list[Item]:
        """Return what has waited too long for its missing parts, or is too much to keep."""
        limit = now - self._config.assemble_minutes * 60
        late = [key for key, one in self._parts.items() if one.at < limit]
        crowd = list(self._parts)[: max(0, len(self._parts) - MOST_INCOMPLETE)]
        return [self._give_up(key) for key in dict.fromkeys([*late, *crowd])]

    def cursor(self, now: float, proven: float) -> str:
        """Return what to save. What was answered before `proven` (monotonic) is known to have reached the SMSC."""
        self._recent = [one for one in self._recent if one[2] >= proven][-MOST_RECENT:]
        self._suspects = [one for one in self._suspects if now - one[1] < SUSPECT_SECONDS]
        recent = [*self._suspects, *((digest, at) for digest, at, _ in self._recent)][-MOST_RECENT:]
        whole = [one for one in self._whole.items() if now - one[1] < DOUBLED_SECONDS][-MOST_RECENT:]
        self._whole = dict(whole)
        return msgspec.json.encode(Cursor(self._parts, recent, whole, self._ledger.saved(now))).decode()

    def _receipt(self, message: pdu.Message, text: str) -> list[Item]:
        receipt = receipts.receipt_of(message, self._config.receipt_ids)
        if receipt is None:
            return [self._item([text])]
        verdict = self._ledger.settle(receipt.id, receipt.status)
        return [] if verdict.wait else [self._item([text], verdict.of)]

    def _again(self, digest: str, now: float) -> bool:
        """Tell whether this is what a former connection brought and couldn't confirm."""
        for index, (known, at) in enumerate(self._suspects):
            if known == digest and now - at < SUSPECT_SECONDS:
                del self._suspects[index]
                return True
        return False

    def _give_up(self, key: str) -> Item:
        got = self._parts.pop(key).got
        return self._item([got[number] for number in sorted(got, key=int)])

    def _item(self, texts: list[str], of: str = "") -> Item:
        self._count += 1
        return Item(f"{self._nonce}-{self._count}", texts, of)


async def session(
    io: Io, config: SmppConfig, trunk: Trunk, load: Callable[[str], Awaitable[str]]
) -> AsyncGenerator[tuple[str, Polled], None]:
    """Bind and yield what comes until the connection ends; raises Retry, Reauthorise or Refused.

    The caller stores a batch, cursor included, before it asks for the next; only then are the SMSC's PDUs answered.
    """
    account = config.system_id
    cursor = Cursor.read(await load(account))
    assembly = Assembly(config, cursor, trunk.ledger, secrets.token_hex(8))
    trunk.expect_session()
    both = config.bind == "transceiver"
    if both:
        await trunk.retire()
    bind = await Bind.open(io, config, "transceiver" if both else "receiver")
    try:
        trunk.session = bind if both else None
        yield account, Polled([], assembly.cursor(time.time(), bind.proven))
        while True:
            trunk.expect_session()
            arrived = await bind.batch(BATCH, LOOK_SECONDS, trunk.changed)
            if arrived:
                await trunk.landed(HALF_SENT_SECONDS)
            changed = trunk.changed.is_set()
            trunk.changed.clear()
            now, tick = time.time(), time.monotonic()
            items = [item for one in arrived for item in assembly.take(one, now, tick)]
            items += assembly.overdue(now)
            if not arrived and not items and not changed:
                continue
            raw = inbound.raw_of(items)
            yield (
                account,
                Polled(
                    inbound.facts_of(raw, config),
                    assembly.cursor(now, bind.proven),
                    raw=raw if items else b"",
                ),
            )
            await bind.answer(arrived)
    finally:
        trunk.expect_session()
        trunk.session = None
        await bind.close()
        await trunk.retire()
