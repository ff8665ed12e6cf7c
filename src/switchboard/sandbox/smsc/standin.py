"""The SMSC as a part of the sandbox: system ids are its accounts, its phones belong to the sandbox's people."""

import itertools
import secrets
import time
from typing import Any, ClassVar

from switchboard.sandbox.faults import Fault
from switchboard.sandbox.smsc.frames import Sm
from switchboard.sandbox.smsc.server import (
    INVALID_DESTINATION,
    INVALID_SOURCE,
    SYSTEM_ERROR,
    THROTTLED,
    Fate,
    Settings,
    Smsc,
    refusal,
)
from switchboard.sandbox.smsc.shorts import STATES, Phones, Short, coding_for, encode, written
from switchboard.sandbox.standin import Look, Move, StandIn
from switchboard.sandbox.state import Bubble, Chat, Customer, PlatformAccount, digits
from switchboard.sandbox.web import Refused
from switchboard.sandbox.world import World

Json = dict[str, Any]
NEVER_DELIVERED = {"EXPIRED", "DELETED", "UNDELIV", "REJECTD", "UNKNOWN"}
WORDS = {
    "EXPIRED": "The phone is off",
    "UNDELIV": "Nobody has this number",
}
CODES = (THROTTLED, 0x14, SYSTEM_ERROR, INVALID_DESTINATION, INVALID_SOURCE, 0x45, 0x0E, 0x0D)
STATES_KEPT = 20_000


class Exchange(Smsc):
    """The SMSC with the sandbox's accounts, faults and phones behind it."""

    def __init__(self, stand_in: "Smpp") -> None:
        # Ids from the clock, so that none is given twice, even after a restart.
        super().__init__(Settings(accounts={}, first_id=time.time_ns() // 1000))
        self._stand_in = stand_in
        self._world = stand_in.world
        self._phones = Phones()
        self._states: dict[str, str] = {}
        self._struck: Fault | None = None

    def password(self, system_id: str) -> str | None:
        """Return what the account's settings say."""
        account = self._stand_in.bound(system_id)
        return None if account is None else str(account.settings["password"])

    def refuses_bind(self, system_id: str) -> int:
        """Return the code of a fault that is meant for any call."""
        account = self._stand_in.bound(system_id)
        fault = self._world.faults.take(Smpp.name, account.id, sends=False) if account is not None else None
        return (fault.code or SYSTEM_ERROR) if fault is not None and fault.kind in ("error", "http") else 0

    def fate(self, system_id: str, sm: Sm) -> Fate:
        """Decide as the account's settings, the customer's phone and armed faults say."""
        account = self._stand_in.bound(system_id)
        if account is None:
            return Fate(status=SYSTEM_ERROR)
        fault = self._struck = self._world.faults.take(Smpp.name, account.id, sends=True)
        state = self._stand_in.state_of(account, sm)
        if fault is not None:
            match fault.kind:
                case "error":
                    return Fate(fault.code or SYSTEM_ERROR)
                case "http":  # there is no HTTP here; something in between has failed
                    return Fate(SYSTEM_ERROR)
                case "drop_before":
                    return Fate(cut="before")
                case "status":
                    state = STATES.get(fault.code, "UNDELIV")
        if sm.source not in self._stand_in.sources(account):
            return Fate(INVALID_SOURCE)
        if self._too_fast(system_id, int(account.settings["per_second"])):
            return Fate(THROTTLED)
        dropped = fault is not None and fault.kind == "drop_after"
        seconds = fault.seconds if fault is not None and fault.kind == "latency" else 0.0
        return Fate(refusal(sm), state, seconds, cut="after" if dropped else "")

    def taken(self, system_id: str, identifier: str, sm: Sm, fate: Fate) -> None:
        """Show what is whole with this submit."""
        self._states[identifier] = fate.state
        while len(self._states) > STATES_KEPT:
            del self._states[next(iter(self._states))]
        if (short := self._phones.take(identifier, sm)) is None:
            return
        states = [self._states.pop(part, fate.state) for part in short.parts]
        failed = [one for one in states if one in NEVER_DELIVERED]
        account = self._stand_in.bound(system_id)
        if account is not None:
            self._stand_in.shows(account, short, sm, failed[0] if failed else states[0], self._struck)


class Smpp(StandIn):
    """Accounts of an operator that speaks SMPP 3.4. What is for an account waits until it binds."""

    name: ClassVar[str] = "sms_smpp"
    look: ClassVar[Look] = Look(
        en="SMS (SMPP)",
        zh="短信（SMPP）",
        color="#3a7d5d",
        mark="SP",
        shown=("host", "port", "system_id", "password", "numbers"),
        codes=CODES,
        files=(),
        calls=False,
        moves=(
            Move(
                en="Long message, its parts in the wrong order",
                zh="长短信（分条乱序到达）",
                wish={"order": "reversed"},
                ask="text",
            ),
            Move(
                en="Message that arrives twice in parts",
                zh="短信（分条重复到达）",
                wish={"order": "doubled"},
                ask="text",
            ),
            Move(en="Switch the phone off", zh="关机", wish={"action": "block"}),
            Move(en="Switch the phone on", zh="开机", wish={"action": "unblock"}),
        ),
    )

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.smsc = Exchange(self)
        # Phones count their long messages; a number that comes again at once would be a network's repetition.
        self._references = itertools.count(secrets.randbelow(0x10000))

    async def start(self) -> None:
        """Listen; what accounts say of host and port is brought up to date, because ports change."""
        config = self.world.config
        self.smsc.settings.receipt_seconds = config.receipt_delay_seconds
        self.world.smpp_port = await self.smsc.start(config.mail_host, config.smpp_port)
        for account in self.accounts():
            account.settings |= self._address()

    async def stop(self) -> None:
        """Hang up on everybody."""
        await self.smsc.stop()

    def invent(self, given: Json) -> tuple[str, str, Json]:
        """An account with one number; the system id is the account's own. A password has at most 8 characters."""
        account_id = str(given.get("id") or "desk" + digits(4))
        settings = {
            **self._address(),
            "system_id": account_id[:15],
            "password": secrets.token_hex(4),
            "numbers": "+1555" + digits(7),
            "per_second": 0,
            "receipts": True,
        }
        return account_id, "Sandbox Shop", settings

    def _address(self) -> Json:
        return {"host": self.world.config.mail_host, "port": self.world.smpp_port}

    def bound(self, system_id: str) -> PlatformAccount | None:
        """Return the account that binds by a system id."""
        return next((one for one in self.accounts() if one.settings["system_id"] == system_id), None)

    def numbers(self, account: PlatformAccount) -> list[str]:
        """Return the account's numbers and names as its settings list them."""
        return [one.strip() for one in str(account.settings["numbers"]).split(",") if one.strip()]

    def sources(self, account: PlatformAccount) -> set[str]:
        """Return what may stand in source_addr."""
        return {number.removeprefix("+") for number in self.numbers(account)}

    # -- the product's side --------------------------------------------------------------------------------

    def state_of(self, account: PlatformAccount, sm: Sm) -> str:
        """Return how a message ends: by whether somebody has the number, and whether their phone is on; empty where nobody is told."""
        if not account.settings["receipts"]:
            return ""
        customer = self.world.store.customer_by_phone(sm.destination)
        if customer is None:
            return "UNDELIV"
        return "EXPIRED" if self.world.store.chat(self.name, account.id, customer.id).blocked else "DELIVRD"

    def shows(
        self, account: PlatformAccount, short: Short, last: Sm, state: str, fault: Fault | None
    ) -> None:
        """Put a whole message onto the phone and into the ledger. It is known by its first part's id."""
        customer = self.world.store.customer_by_phone(short.destination)
        chat = self.world.store.chat(self.name, account.id, customer.id if customer else short.destination)
        body = {
            "source_addr": short.source,
            "destination_addr": short.destination,
            "data_coding": last.coding,
            "message_ids": short.parts,
        }
        bubble = Bubble(
            id=short.parts[0],
            side="business",
            kind="text",
            at=self.world.clock.now(),
            text=short.text,
            status="sent",
            footer=short.source if len(self.numbers(account)) > 1 else "",
            raw=body,
        )
        self.world.show(chat, bubble)
        self.world.note(
            message_id=bubble.id, platform=self.name, account=account.id, to=short.destination, kind="text",
            text=short.text, body=body, fault=fault,
        )  # fmt: skip

        def arrive() -> None:
            if state in NEVER_DELIVERED:
                bubble.status, bubble.error = "failed", WORDS.get(state, state)
            elif state == "DELIVRD":
                bubble.status = "delivered"
            self.world.changed(chat, bubble)

        self.smsc.after(self.smsc.settings.receipt_seconds, arrive)

    # -- the customer's side -------------------------------------------------------------------------------

    def message(
        self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json, origin: str
    ) -> list[Bubble]:
        """A text to one of the numbers (`number` says which, the first by default).

        `long` (udh8, udh16, sar, payload), `coding` (0, 3, 8) and `order` (reversed, doubled, or places from 0) say how it
        travels. SMPP has no ids for what customers write.
        """
        del origin
        if str(wish.get("type") or "text") != "text":
            raise Refused(422, "type: a short message is text")
        number = str(wish.get("number") or next(iter(self.numbers(account)), ""))
        if number not in self.numbers(account):
            raise Refused(404, "number: the account has no such number")
        text = str(wish.get("text") or "")
        parts = written(
            customer.phone,
            number.removeprefix("+"),
            text,
            coding=_coding(text, wish),
            long=_one_of(wish, "long", ("udh8", "udh16", "sar", "payload")),
            reference=next(self._references) & 0xFFFF,
        )
        places = _places(wish.get("order"), len(parts))
        bubble = Bubble(
            id=secrets.token_hex(8),
            side="customer",
            kind="text",
            at=self.world.clock.now(),
            text=text,
            raw={"destination_addr": number, "data_coding": parts[0].coding, "parts": len(parts)},
        )
        self.world.show(chat, bubble)
        for place in places:
            self.smsc.deliver(str(account.settings["system_id"]), parts[place])
        return [bubble]

    def act(self, account: PlatformAccount, customer: Customer, chat: Chat, action: str, wish: Json) -> None:
        """The phone is off (messages to it expire) and on again; the line is cut."""
        if action in {"block", "unblock"}:
            chat.blocked = action == "block"
        elif action == "hang_up":
            self.smsc.hang_up()
        elif action != "typing":
            super().act(account, customer, chat, action, wish)

    def read(self, account: PlatformAccount, chat: Chat) -> None:
        """Nobody learns that a text message was read."""
        del account
        chat.unread = 0


def _one_of(wish: Json, name: str, known: tuple[str, ...]) -> str:
    said = str(wish.get(name) or known[0])
    if said not in known:
        raise Refused(422, f"{name}: {', '.join(known)}")
    return said


def _coding(text: str, wish: Json) -> int:
    """Return the wished data_coding, or what a phone would choose; `Refused` where it has no letter for the text."""
    given = wish.get("coding")
    if given is None:
        return coding_for(text)
    if given not in (0, 3, 8):
        raise Refused(422, "coding: 0 (GSM), 3 (Latin-1) or 8 (UCS-2)")
    try:
        encode(text, given)
    except (KeyError, UnicodeEncodeError):
        raise Refused(422, "coding: it has no letters for this text") from None
    return int(given)


def _places(order: Any, count: int) -> list[int]:
    places = list(range(count))
    if order in (None, ""):
        return places
    if order == "reversed":
        return places[::-1]
    if order == "doubled":
        return [place for place in places for _ in range(2)]
    if not isinstance(order, list) or not all(isinstance(one, int) and 0 <= one < count for one in order):
        raise Refused(422, f"order: reversed, doubled, or numbers from 0 to {count - 1}")
    return order
