"""Fetches mail by POP3: looks every so often, remembers what it has seen, leaves everything on the server."""

import asyncio
import poplib
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import cast

import msgspec

from switchboard.channels.api import BadPayload, Io, Outcome, Polled, Reauthorise, Refused, Retry
from switchboard.channels.email import mime, wire
from switchboard.channels.email.config import EmailConfig
from switchboard.channels.email.inbound import OVERSIZE, polled

# Real mails have longer lines than the standard allows, and the library would give up on them.
poplib._MAXLINE = 1_000_000  # type: ignore[attr-defined]  # the library's own limit, not published

MAX_SEEN = 5_000
_TEMPORARY = ("[IN-USE]", "[SYS/TEMP]", "[LOGIN-DELAY]", "LOCKED", "TOO MANY", "TRY AGAIN")


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which mails have been read: short hashes of their UIDLs, oldest first. None: never looked."""

    seen: list[str] | None = None

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """Return the saved cursor, or an empty one where nothing usable was saved."""
        try:
            return msgspec.json.decode(text or "{}", type=cls)
        except msgspec.DecodeError:
            return cls()

    def written(self) -> str:
        """Return the cursor as it is saved."""
        return msgspec.json.encode(self).decode()

    def plus(self, uidl: str) -> "Cursor":
        """Return the cursor with one more mail read."""
        return Cursor([*(self.seen or ()), short(uidl)][-MAX_SEEN:])


def short(uidl: str) -> str:
    """Return a hash that is short enough to keep thousands of."""
    return blake2b(uidl.encode("utf-8", "replace"), digest_size=6).hexdigest()


class _Client(poplib.POP3):
    """The protocol on a connection that is already there, to the address that the guard has checked."""

    def __init__(self, line: wire.Line, sock: socket.socket, host: str, port: int) -> None:
        self._given = sock
        line.closing.append(self.close)
        super().__init__(host, port)

    def _create_socket(self, timeout: float) -> socket.socket:  # noqa: ARG002  # poplib's signature
        return self._given


class Maildrop:
    """One signed-in session. All methods block and are called on the connection's thread."""

    def __init__(self, line: wire.Line, config: EmailConfig) -> None:
        """Sign in; raises Retry, Refused or Reauthorise."""
        host, (port, _) = config.incoming_host, config.ports()
        if config.access_token:
            raise Refused("Signing in with an access token works with IMAP only.", code="pop3")
        sock = wire.encrypted(line.sock, host) if config.incoming_security == "tls" else line.sock
        self.client = _Client(line, sock, host, port)
        if config.incoming_security == "starttls":
            self.client.stls(ssl.create_default_context())  # its own default checks no certificate
        try:
            self.client.user(config.login())
            self.client.pass_(config.password)
        except poplib.error_proto as error:
            words = in_words(error)
            if any(mark in words.upper() for mark in _TEMPORARY):
                raise Retry(words, code="pop3") from None
            raise Reauthorise(words, code="pop3") from None

    def listing(self) -> list[tuple[int, str]]:
        """Return (number, UIDL) of every mail in the drop, oldest first."""
        found = (line.split() for line in self.client.uidl()[1])
        return [(int(words[0]), words[1].decode("latin-1")) for words in found if len(words) == 2]

    def start(self, listing: list[tuple[int, str]], oldest: datetime | None) -> Cursor:
        """Return the cursor of a drop never looked at before: what is older than `oldest` counts as seen."""
        known = len(listing)
        while oldest is not None and known > 0:
            header = b"\r\n".join(self.client.top(listing[known - 1][0], 0)[1])
            try:
                when = mime.date_of(mime.header_of(header))
            except BadPayload:
                when = None
            if when is not None and when < oldest:
                break
            known -= 1
        return Cursor([short(uidl) for _, uidl in listing[:known]][-MAX_SEEN:])

    def fetch(self, number: int) -> bytes:
        """Return a mail, or only its header if it is too large."""
        answer = cast(bytes, self.client.list(number))  # with a number given it is one line
        size = int(answer.split()[2])
        if size > mime.MAX_BYTES:
            header = b"\r\n".join(self.client.top(number, 0)[1])
            return OVERSIZE + str(size).encode() + b"\r\n" + header
        return b"\r\n".join(self.client.retr(number)[1]) + b"\r\n"


def unread(listing: list[tuple[int, str]], cursor: Cursor) -> list[tuple[int, str]]:
    """Return the mails to fetch.

    The seen set is bounded, drops are not: mails listed before the first that we remember were read long ago.
    """
    seen = set(cursor.seen or ())
    known = [index for index, (_, uidl) in enumerate(listing) if short(uidl) in seen]
    first = known[0] if known and len(seen) >= MAX_SEEN else 0
    return [entry for entry in listing[first:] if short(entry[1]) not in seen]


def in_words(error: poplib.error_proto) -> str:
    """Return the server's own words."""
    words = error.args[0] if error.args else ""
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)


async def session(
    io: Io, config: EmailConfig, load: Callable[[str], Awaitable[str]]
) -> AsyncGenerator[tuple[str, Polled], None]:
    """Yield mails as they come, for ever; raises Retry when the connection breaks, Reauthorise, Refused."""
    account = config.address.lower()
    cursor = Cursor.read(await load(account))
    while True:
        async with aclosing(_look(io, config, cursor)) as looking:
            async for found, reached in looking:
                cursor = reached
                yield account, found
        await asyncio.sleep(config.poll_seconds)


async def _look(io: Io, config: EmailConfig, cursor: Cursor) -> AsyncGenerator[tuple[Polled, Cursor], None]:
    line = wire.Line(await wire.connect(io, config.incoming_host, config.ports()[0]))
    try:
        drop = await line.run(Maildrop, line, config)
        listing = await line.run(drop.listing)
        first = cursor.seen is None
        if first:
            days = config.backfill_days
            oldest = datetime.now(UTC) - timedelta(days=days) if days else None
            cursor = await line.run(drop.start, listing, oldest)
        yield Polled([], cursor.written()), cursor
        for number, uidl in unread(listing, cursor):
            raw = await line.run(drop.fetch, number)
            cursor = cursor.plus(uidl)
            yield await line.run(polled, raw, config, cursor.written(), backfill=first), cursor
            if config.after == "delete":
                await line.run(drop.client.dele, number)
        await line.run(drop.client.quit)
    except Outcome as error:
        raise wire.redacted(error, config) from None
    except (poplib.error_proto, OSError, ValueError, IndexError) as error:
        raise wire.redacted(outcome(error, config), config) from None
    finally:
        line.cut()


async def probe(io: Io, config: EmailConfig) -> None:
    """Sign in; raises Reauthorise, Refused or Retry in the server's words."""
    line = wire.Line(await wire.connect(io, config.incoming_host, config.ports()[0]))
    try:
        drop = await line.run(Maildrop, line, config)
        await line.run(drop.client.quit)
    except Outcome as error:
        raise wire.redacted(error, config) from None
    except (poplib.error_proto, OSError, ValueError, IndexError) as error:
        raise wire.redacted(outcome(error, config), config) from None
    finally:
        line.cut()


def outcome(error: Exception, config: EmailConfig) -> Outcome:
    """Return what a library's error means for the connection."""
    if isinstance(error, OSError):
        return wire.refusal(error, config.incoming_host)
    words = in_words(error) if isinstance(error, poplib.error_proto) else str(error)
    broken = "EOF" in words or "line too long" in words
    kind = Retry if broken or any(mark in words.upper() for mark in _TEMPORARY) else Refused
    return kind(f"{config.incoming_host}: {words}", code="pop3")
