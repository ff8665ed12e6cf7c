"""What all speakers share: somebody says something, the skill is asked over HTTP, its answer is spoken; sessions in between."""

import asyncio
import secrets
from typing import Any, ClassVar

import httpx
import msgspec

from switchboard.sandbox.standin import StandIn
from switchboard.sandbox.state import Bubble, Chat, Customer, PlatformAccount
from switchboard.sandbox.web import Refused
from switchboard.sandbox.world import World

Json = dict[str, Any]
LARGEST = 24 * 1024


class Wrong(Exception):
    """The skill's answer is none; the text says why."""


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What the person does: words, or one of the platform's own intents or events."""

    words: str = ""
    intent: str = ""
    event: str = ""
    """launch, ended, or an event of the platform's."""
    reason: str = ""


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """What a skill answered."""

    text: str = ""
    card: str = ""
    ends: bool = False
    attributes: Json = {}


class Session(msgspec.Struct, kw_only=True):
    """A talk, from opening the skill to its end; kept as builtins in the account."""

    id: str
    new: bool = True
    attributes: Json = {}
    at: float = 0.0


class Speaker(StandIn):
    """Base of the three. A turn at a time per person; the answer counts only within the platform's deadline."""

    deadline: ClassVar[float]
    """Seconds that the skill has."""
    quiet: ClassVar[float]
    """Seconds without a word after which a session is over."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._locks: dict[str, asyncio.Lock] = {}

    # -- what each platform says differently ---------------------------------------------------------------

    def turn(self, account: PlatformAccount, wish: Json) -> Turn:
        """Return what a wish means here."""
        del account
        return Turn(words=str(wish.get("text") or ""), intent=str(wish.get("intent") or ""))

    def envelope(
        self, account: PlatformAccount, customer: Customer, session: Session, turn: Turn, request_id: str
    ) -> Json:
        """Return the request's body."""
        raise NotImplementedError

    def headers(self, account: PlatformAccount, body: bytes) -> dict[str, str]:
        """Return what proves the request."""
        raise NotImplementedError

    def spoken(self, turn: Turn, answer: Json) -> Spoken:
        """Read the skill's answer; raises Wrong."""
        raise NotImplementedError

    # -- a turn --------------------------------------------------------------------------------------------

    def message(
        self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json, origin: str
    ) -> list[Bubble]:
        """Somebody says something to the speaker."""
        del origin
        if str(wish.get("type") or "text") != "text":
            raise Refused(422, "type: speakers hear words only")
        turn = self.turn(account, wish)
        bubble = Bubble(
            id=secrets.token_hex(8), side="customer", kind="text", at=self.world.clock.now(),
            text=turn.words or str(wish.get("text") or turn.intent),
        )  # fmt: skip
        self.world.show(chat, bubble)
        self.world.spawn(self._take(account, customer, chat, turn))
        return [bubble]

    def act(self, account: PlatformAccount, customer: Customer, chat: Chat, action: str, wish: Json) -> None:
        """Open the skill, or walk away from it."""
        if action in {"launch", "ended"}:
            turn = Turn(event=action, reason=str(wish.get("reason") or ""))
            self.world.spawn(self._take(account, customer, chat, turn))
        elif action != "typing":
            super().act(account, customer, chat, action, wish)

    def tell(self, account: PlatformAccount, customer: Customer, chat: Chat, event: str) -> None:
        """Send an event that is no part of a talk."""
        self.world.spawn(self._take(account, customer, chat, Turn(event=event)))

    async def _take(self, account: PlatformAccount, customer: Customer, chat: Chat, turn: Turn) -> None:
        async with self._locks.setdefault(chat.key, asyncio.Lock()):
            session = self._session(account, chat, turn)
            if session is None:
                return
            spoken = await self._ask(account, customer, chat, session, turn)
            if isinstance(spoken, str):
                self._say(chat, "", self._silence(spoken))
                if turn.event != "ended" and session.id:
                    broken = Turn(event="ended", reason="ERROR: " + spoken)
                    await self._ask(account, customer, chat, session, broken)
                _sessions(account).pop(chat.key, None)
                return
            if spoken.ends or turn.event == "ended":
                _sessions(account).pop(chat.key, None)
            elif session.id:
                session.new, session.attributes, session.at = False, spoken.attributes, self.world.clock.now()
                _sessions(account)[chat.key] = msgspec.to_builtins(session)

    def _silence(self, why: str) -> Bubble:
        now, ident = self.world.clock.now(), secrets.token_hex(8)
        return Bubble(
            id=ident, side="business", kind="notice", at=now, text=why, status="failed", error=why
        )  # fmt: skip

    def _session(self, account: PlatformAccount, chat: Chat, turn: Turn) -> Session | None:
        """Return the talk that goes on, or a new one; none when there is nothing to end."""
        kept = _sessions(account).get(chat.key)
        goes_on = kept is not None and self.world.clock.now() - kept["at"] < self.quiet
        if goes_on and turn.event != "launch":
            return msgspec.convert(kept, Session)
        if turn.event == "ended":
            return None
        outside = turn.event not in {"", "launch"}
        return Session(id="" if outside else secrets.token_hex(16))

    async def _ask(
        self, account: PlatformAccount, customer: Customer, chat: Chat, session: Session, turn: Turn
    ) -> Spoken | str:
        """Ask the skill; a text says why there is no answer."""
        request_id = secrets.token_hex(16)
        body = msgspec.json.encode(self.envelope(account, customer, session, turn, request_id))
        call = self.world.calls.begin(self.name, account.id, body)
        call.attempts = 1
        headers = {"content-type": "application/json; charset=utf-8", **self.headers(account, body)}
        try:
            answer = await self.world.client.post(
                account.webhook_url, content=body, headers=headers, timeout=self.deadline
            )
            call.status = answer.status_code
            spoken = self._read(turn, answer)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            call.error = f"{type(error).__name__}: {error}"
            return f"The skill did not answer in {self.deadline:g} s: {call.error}"
        except Wrong as error:
            call.error = str(error)
            return str(error)
        call.done = True
        if spoken.text:
            said = Bubble(
                id=request_id, side="business", kind="text", at=self.world.clock.now(), text=spoken.text,
                status="delivered", footer=spoken.card, raw=answer.json(),
            )  # fmt: skip
            self._say(chat, account.id, said, self.known(account, customer))
        return spoken

    def _read(self, turn: Turn, answer: httpx.Response) -> Spoken:
        if answer.status_code != 200:
            raise Wrong(f"The skill answered HTTP {answer.status_code}")
        if len(answer.content) > LARGEST:
            raise Wrong("The answer is larger than 24 kB")
        try:
            found = msgspec.json.decode(answer.content or b"{}", type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeError):
            raise Wrong("The answer is not JSON") from None
        return self.spoken(turn, found)

    def _say(self, chat: Chat, account: str, bubble: Bubble, to: str = "") -> None:
        self.world.show(chat, bubble)
        if account:
            self.world.note(
                message_id=bubble.id, platform=self.name, account=account, to=to, kind="speech",
                text=bubble.text, body=bubble.raw, fault=None,
            )  # fmt: skip

    def known(self, account: PlatformAccount, customer: Customer) -> str:
        """Return a person's id in the skill."""
        return self.world.store.known_as(customer, f"{self.name}:{account.id}", self.new_user)

    def new_user(self) -> str:
        """Return a fresh id in the platform's dress."""
        return secrets.token_hex(16)

    def read(self, account: PlatformAccount, chat: Chat) -> None:
        """What is spoken is heard."""
        del account
        chat.unread = 0


def _sessions(account: PlatformAccount) -> dict[str, Json]:
    found: dict[str, Json] = account.kept.setdefault("sessions", {})
    return found


def speech(held: Any, kinds: dict[str, str], longest: int) -> str:
    """Return the words of an outputSpeech; `kinds` names its types and where their text is. Raises Wrong."""
    if held is None:
        return ""
    kind = held.get("type") if isinstance(held, dict) else None
    if kind not in kinds:
        raise Wrong(f"outputSpeech.type: {kind}")
    text = held.get(kinds[kind])
    if not isinstance(text, str) or not 0 < len(text) <= longest:
        raise Wrong(f"outputSpeech.{kinds[kind]}: 1 to {longest} characters")
    return text
