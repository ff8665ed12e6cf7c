"""A POP3 server (RFC 1939) over the mailboxes: what the customers wrote."""

import asyncio
from collections.abc import Callable

from switchboard.sandbox.state import Mail, Mailbox
from switchboard.sandbox.world import World

IDLE_SECONDS = 600.0
CAPABILITIES = ["CAPA", "TOP", "UIDL", "USER", "UTF8", "."]


class Session:
    """One connection: authorisation, then a fixed view of the mailbox; deletions count from QUIT on."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._user = ""
        self._box: Mailbox | None = None
        self._view: list[Mail] = []
        self._gone: set[str] = set()

    def answer(self, line: str) -> bytes:
        """The reply to one command."""
        word, _, rest = line.strip().partition(" ")
        arguments = rest.split() if word.upper() != "PASS" else [rest]
        free: dict[str, Callable[[list[str]], bytes]] = {
            "CAPA": lambda _: _lines("Capabilities", CAPABILITIES),
            "USER": self._name,
            "PASS": self._password,
            "UTF8": lambda _: b"+OK\r\n",
            "NOOP": lambda _: b"+OK\r\n",
            "QUIT": lambda _: self._quit(),
        }
        open_only: dict[str, Callable[[list[str]], bytes]] = {
            "STAT": lambda _: _ok(f"{len(self._left())} {sum(len(m.raw) for _, m in self._left())}"),
            "LIST": lambda a: self._list(a, lambda m: str(len(m.raw))),
            "UIDL": lambda a: self._list(a, lambda m: m.uid),
            "RETR": lambda a: self._text(a, None),
            "TOP": lambda a: self._text(a, int(a[1])),
            "DELE": self._delete,
            "RSET": self._reset,
        }
        name = word.upper()
        try:
            if name in free:
                return free[name](arguments)
            if name in open_only:
                return open_only[name](arguments) if self._box else b"-ERR sign in first\r\n"
        except (IndexError, KeyError, ValueError):
            return b"-ERR no such message\r\n"
        return b"-ERR unknown command\r\n"

    def _name(self, arguments: list[str]) -> bytes:
        self._user = arguments[0].lower()
        return b"+OK\r\n"

    def _password(self, arguments: list[str]) -> bytes:
        for box in self._world.state.mailboxes.values():
            if box.address.lower() == self._user and box.password == arguments[0]:
                self._box, self._view = box, list(box.mails)
                return _ok("maildrop ready")
        return b"-ERR [AUTH] invalid user or password\r\n"

    def _left(self) -> list[tuple[int, Mail]]:
        return [(i, m) for i, m in enumerate(self._view, 1) if m.uid not in self._gone]

    def _one(self, argument: str) -> Mail:
        return dict(self._left())[int(argument)]

    def _list(self, arguments: list[str], fact: Callable[[Mail], str]) -> bytes:
        if arguments:
            return _ok(f"{arguments[0]} {fact(self._one(arguments[0]))}")
        return _lines("", [*(f"{i} {fact(m)}" for i, m in self._left()), "."])

    def _text(self, arguments: list[str], lines: int | None) -> bytes:
        raw = self._one(arguments[0]).raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        if lines is not None:
            head, _, body = raw.partition(b"\r\n\r\n")
            raw = head + b"\r\n\r\n" + b"\r\n".join(body.split(b"\r\n")[:lines])
        stuffed = b"\r\n".join(b"." + x if x.startswith(b".") else x for x in raw.split(b"\r\n"))
        end = b".\r\n" if stuffed.endswith(b"\r\n") else b"\r\n.\r\n"
        return _ok("message follows") + stuffed + end

    def _delete(self, arguments: list[str]) -> bytes:
        self._gone.add(self._one(arguments[0]).uid)
        return _ok("deleted")

    def _reset(self, arguments: list[str]) -> bytes:
        del arguments
        self._gone.clear()
        return b"+OK\r\n"

    def _quit(self) -> bytes:
        if self._box is not None and self._gone:
            self._box.mails = [m for m in self._box.mails if m.uid not in self._gone]
        return b"+OK bye\r\n"


def _ok(text: str) -> bytes:
    return f"+OK {text}\r\n".encode()


def _lines(title: str, lines: list[str]) -> bytes:
    return _ok(title) + "".join(f"{line}\r\n" for line in lines).encode()


class PostOffice:
    """The listening socket and everybody who is connected to it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._talks: set[asyncio.Task[None]] = set()

    async def serve(self, host: str, port: int) -> asyncio.Server:
        """Listen."""
        return await asyncio.start_server(self._connected, host, port)

    async def close(self) -> None:
        """Hang up."""
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.create_task(self._talk(reader, writer))
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(self._world)
        try:
            writer.write(b"+OK POP3 ready\r\n")
            while True:
                line = await asyncio.wait_for(reader.readline(), IDLE_SECONDS)
                text = line.decode("utf-8", "replace")
                if not line:
                    break
                writer.write(session.answer(text))
                await writer.drain()
                if text.strip().upper() == "QUIT":
                    break
        except (OSError, TimeoutError, ValueError):
            pass
        finally:
            writer.close()
