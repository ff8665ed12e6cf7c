"""Fetches mail by IMAP: everything since the cursor, then IDLE (or looking again) for what comes."""

import asyncio
import imaplib
import socket
import ssl
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, date, datetime, timedelta

import msgspec
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError, LoginError

from switchboard.channels.api import Io, Outcome, Polled, Reauthorise, Refused, Retry
from switchboard.channels.email import mime, wire
from switchboard.channels.email.config import EmailConfig
from switchboard.channels.email.inbound import OVERSIZE, polled

IDLE_SECONDS = 9 * 60
"""How long one IDLE lasts: the standard allows 29 minutes, routers forget a silent connection after 10."""

_RECHECKS = 5
_TEMPORARY = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]", "[OVERQUOTA]", "TOO MANY", "TRY AGAIN")


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Up to where the folder has been read.

    Of mails up to UID `history`, those that arrived before `before` are back-fill. `at` is when the newest
    mail read had arrived; the place to look again from, should the server number the folder anew.
    """

    uidvalidity: int = 0
    uid: int = 0
    at: datetime | None = None
    history: int = 0
    before: datetime | None = None

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


class _OnSocket(imaplib.IMAP4):
    """The protocol on a connection that is already there, to the address that the guard has checked."""

    def __init__(self, sock: socket.socket, host: str, port: int) -> None:
        self._given = sock
        super().__init__(host, port)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:  # noqa: ARG002  # imaplib's signature
        return self._given


class _Client(IMAPClient):  # type: ignore[misc]  # the library has no types
    def __init__(self, sock: socket.socket, host: str, port: int) -> None:
        self._given = sock
        super().__init__(host, port, ssl=False, timeout=wire.ANSWER_SECONDS)
        self.normalise_times = False

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802  # the library's hook
        return _OnSocket(self._given, self.host, self.port)


class Folder:
    """One open folder. All methods block and are called on the connection's thread."""

    def __init__(self, line: wire.Line, config: EmailConfig) -> None:
        """Sign in and open the folder; raises Retry, Refused or Reauthorise."""
        self.config = config
        host, (port, _) = config.incoming_host, config.ports()
        sock = wire.encrypted(line.sock, host) if config.incoming_security == "tls" else line.sock
        self.client = _Client(sock, host, port)
        line.closing.append(self.client.shutdown)
        if config.incoming_security == "starttls":
            self.client.starttls()
        self._login()
        if self.client.has_capability("ID"):
            # Some Chinese providers refuse SELECT to programs that have not told their name.
            self.client.id_({"name": "Switchboard"})
        found = self.client.select_folder(config.folder, readonly=config.after == "keep")
        self.uidvalidity = int(found[b"UIDVALIDITY"])
        self.uidnext = int(found.get(b"UIDNEXT") or self._last_uid() + 1)
        self.can_idle = bool(self.client.has_capability("IDLE"))
        self.rechecks = 0

    def _login(self) -> None:
        config = self.config
        try:
            if config.access_token:
                self.client.oauth2_login(config.login(), config.access_token)
            else:
                self.client.login(config.login(), config.password)
        except LoginError as error:
            words = str(error)
            if any(mark in words.upper() for mark in _TEMPORARY):
                raise Retry(words, code="imap") from None
            raise Reauthorise(words, code="imap") from None
        except UnicodeError:
            raise Reauthorise("user name and password may only hold ASCII characters", code="imap") from None

    def _last_uid(self) -> int:
        return max(self.client.search(["UID", "*"]), default=0)

    def _since(self, day: date) -> int:
        """Return the last UID before the mails that arrived on or after a day."""
        return min(self.client.search(["SINCE", day]), default=self.uidnext) - 1

    def place(self, cursor: Cursor, now: datetime) -> Cursor:
        """Return where to go on reading: at the cursor, or afresh where it says nothing about this folder."""
        if cursor.uidvalidity == self.uidvalidity:
            return cursor
        if cursor.at is not None:
            start = self._since((cursor.at - timedelta(days=1)).date())
        elif self.config.backfill_days:
            start = self._since((now - timedelta(days=self.config.backfill_days)).date())
        else:
            start = self.uidnext - 1
        return Cursor(self.uidvalidity, start, at=cursor.at, history=self.uidnext - 1, before=cursor.at)

    def newer(self, uid: int) -> list[int]:
        """Return the UIDs after one, in order."""
        self._announced()
        # "n:*" always names the newest mail, even if it is older than n.
        return sorted(found for found in self.client.search(["UID", f"{uid + 1}:*"]) if found > uid)

    def fetch(self, uid: int) -> tuple[bytes, datetime] | None:
        """Return a mail and when it arrived; only its header if it is too large; None if it is gone."""
        about = self.client.fetch([uid], ["RFC822.SIZE", "INTERNALDATE"]).get(uid)
        if about is None or b"RFC822.SIZE" not in about:
            return None
        size, at = int(about[b"RFC822.SIZE"]), about.get(b"INTERNALDATE") or datetime.now(UTC)
        part = b"BODY[HEADER]" if size > mime.MAX_BYTES else b"BODY[]"
        raw = self.client.fetch([uid], [part.replace(b"BODY", b"BODY.PEEK")]).get(uid, {}).get(part)
        if not isinstance(raw, bytes):
            return None
        if size > mime.MAX_BYTES:
            raw = OVERSIZE + str(size).encode() + b"\r\n" + raw
        return raw, at.astimezone(UTC)

    def leave(self, uid: int) -> None:
        """Do with a mail that is safely stored what the administrator wants."""
        if self.config.after == "seen":
            self.client.add_flags([uid], [rb"\Seen"], silent=True)
        elif self.config.after == "delete":
            self.client.delete_messages([uid], silent=True)
            if self.client.has_capability("UIDPLUS"):
                self.client.uid_expunge([uid])

    def wait(self, seconds: float) -> None:
        """Return when mail has come, or the time is over."""
        if self._announced() and self.rechecks < _RECHECKS:
            # It came while we were reading, and IDLE would not announce it again. Some servers always say so.
            self.rechecks += 1
            return
        self.rechecks = 0
        until = time.monotonic() + seconds
        self.client.idle()
        if self._unread():
            until = 0.0
        while (left := until - time.monotonic()) > 0:
            news = self.client.idle_check(timeout=left)
            # No news before the time is over means that the connection has gone: idle_done will say so.
            if not news or any(b"EXISTS" in line for line in news if isinstance(line, tuple)):
                break
        self.client.idle_done()

    def _unread(self) -> bool:
        """Tell whether news came together with the answer to IDLE, where no wait on the socket shows them."""
        sock = self.client.socket()
        sock.setblocking(False)
        try:
            return bool(self.client._imap.file.peek(1))
        except ssl.SSLWantReadError:
            return False
        finally:
            sock.settimeout(wire.ANSWER_SECONDS)

    def _announced(self) -> bool:
        """Tell whether the server has announced mail since this was last asked."""
        return bool(self.client._imap.response("EXISTS")[1] != [None])


async def session(
    io: Io, config: EmailConfig, load: Callable[[str], Awaitable[str]], idle_seconds: float = IDLE_SECONDS
) -> AsyncGenerator[tuple[str, Polled], None]:
    """Yield mails as they come, for ever; raises Retry when the connection breaks, Reauthorise, Refused.

    The caller has saved a mail and its cursor when it asks for the next; only then is it marked or deleted.
    """
    account = config.address.lower()
    saved = Cursor.read(await load(account))
    line = wire.Line(await wire.connect(io, config.incoming_host, config.ports()[0]))
    try:
        folder = await line.run(Folder, line, config)
        cursor = await line.run(folder.place, saved, datetime.now(UTC))
        yield account, Polled([], cursor.written())  # signed in: worth knowing, and worth remembering where
        while True:
            while waiting := await line.run(folder.newer, cursor.uid):
                for uid in waiting:
                    found = await line.run(folder.fetch, uid)
                    cursor = msgspec.structs.replace(cursor, uid=uid)
                    if found is None:
                        continue
                    raw, at = found
                    old = uid <= cursor.history and (cursor.before is None or at < cursor.before)
                    cursor = msgspec.structs.replace(cursor, at=max(at, cursor.at or at))
                    # Taking a large mail apart takes a second or two: not on the event loop.
                    yield account, await line.run(polled, raw, config, cursor.written(), backfill=old)
                    await line.run(folder.leave, uid)
            await _news(line, folder, config, idle_seconds)
    except Outcome as error:
        raise wire.redacted(error, config) from None
    except (IMAPClientError, OSError, ValueError, KeyError) as error:
        raise wire.redacted(outcome(error, config), config) from None
    finally:
        line.cut()


async def _news(line: wire.Line, folder: Folder, config: EmailConfig, idle_seconds: float) -> None:
    if folder.can_idle:
        await line.run(folder.wait, idle_seconds)
    else:
        await asyncio.sleep(config.poll_seconds)
        await line.run(folder.client.noop)


async def probe(io: Io, config: EmailConfig) -> None:
    """Sign in and open the folder; raises Reauthorise, Refused or Retry in the server's words."""
    line = wire.Line(await wire.connect(io, config.incoming_host, config.ports()[0]))
    try:
        folder = await line.run(Folder, line, config)
        await line.run(folder.client.logout)
    except Outcome as error:
        raise wire.redacted(error, config) from None
    except (IMAPClientError, OSError, ValueError, KeyError) as error:
        raise wire.redacted(outcome(error, config), config) from None
    finally:
        line.cut()


def outcome(error: Exception, config: EmailConfig) -> Outcome:
    """Return what a library's error means for the connection."""
    if isinstance(error, OSError):
        return wire.refusal(error, config.incoming_host)
    if isinstance(error, imaplib.IMAP4.abort):
        return Retry(f"{config.incoming_host}: the connection broke: {error}", code="lost")
    return Refused(f"{config.incoming_host}: {error}", code="imap")
