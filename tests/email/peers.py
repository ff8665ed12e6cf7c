"""The other side of a mail conversation: a server that keeps what it gets, an Io that leads to loopback."""

import asyncio
import base64
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import msgspec
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from switchboard.channels.api import Content, Stream
from switchboard.channels.contract_io import KeptTokens


class Target(msgspec.Struct):
    """Where a name leads; see `channels.api.Stream`."""

    host: str
    port: int
    address: str


class LoopbackIo(KeptTokens):
    """Leads every name to 127.0.0.1, at the port that stands for it (or the one asked for)."""

    def __init__(
        self, ports: Mapping[str, int] | None = None, files: Mapping[str, Content] | None = None
    ) -> None:
        super().__init__()
        self.ports = dict(ports or {})
        self.files = dict(files or {})
        self.asked: list[tuple[str, int]] = []
        self.http: Any = None

    async def resolve(self, host: str, port: int) -> Stream:
        """Return loopback, whatever the name, and remember that we were asked."""
        self.asked.append((host, port))
        return Target(host, self.ports.get(host, port), "127.0.0.1")

    async def file(self, file_id: UUID) -> Content:
        """Return a stored file."""
        return self.files[str(file_id)]

    def platform_url(self, name: str, default: str) -> str:
        """Return the default: mail has no base addresses."""
        return f"{default}{name}"


class Script(msgspec.Struct, frozen=True):
    """What the server says. Empty texts mean yes; `drop` is where it hangs up: mail, data or answer."""

    auth: str = ""
    sender: str = ""
    recipient: str = ""
    data: str = ""
    drop: str = ""
    password: str = ""
    token: str = ""


class Received(msgspec.Struct):
    """One mail that the server took."""

    sender: str
    recipients: list[str]
    data: bytes
    user: str


class _Handler:
    def __init__(self, script: Script, received: list[Received]) -> None:
        self.script, self.received = script, received

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802
        user, token, *_ = base64.b64decode(args[1]).decode().split("\x01")
        if token != f"auth=Bearer {self.script.token}":
            return AuthResult(success=False, handled=False)
        return AuthResult(success=True, auth_data=LoginPassword(user.removeprefix("user=").encode(), b""))

    async def handle_MAIL(  # noqa: N802  # the name that the library wants
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.script.drop == "mail":
            _hang_up(server)
        if not self.script.sender:
            envelope.mail_from = address
        return self.script.sender or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not self.script.recipient:
            envelope.rcpt_tos.append(address)
        return self.script.recipient or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.original_content or b""
        if self.script.drop != "data":
            data: LoginPassword | None = session.auth_data
            login = data.login.decode() if data else ""
            self.received.append(Received(envelope.mail_from or "", envelope.rcpt_tos, content, login))
        if self.script.drop in ("data", "answer"):
            _hang_up(server)
        return self.script.data or "250 2.0.0 queued"


def _hang_up(server: SMTP) -> None:
    transport: Any = server.transport
    transport.abort()


def _sign_in(script: Script, auth_data: Any) -> AuthResult:
    known = isinstance(auth_data, LoginPassword)
    if script.auth or (script.password and not (known and auth_data.password.decode() == script.password)):
        words = script.auth or "535 5.7.8 Error: authentication failed"
        return AuthResult(success=False, handled=False, message=words)
    return AuthResult(success=True, auth_data=auth_data)


@asynccontextmanager
async def mail_server(
    script: Script | None = None, *, tls: ssl.SSLContext | None = None, starttls: bool = False
) -> AsyncIterator[tuple[int, list[Received]]]:
    """Run an SMTP server on loopback; yields its port and what it takes."""
    script = script or Script()
    received: list[Received] = []
    loop = asyncio.get_running_loop()

    def connection() -> SMTP:
        return SMTP(
            _Handler(script, received),
            hostname="mx.desk.example",
            auth_require_tls=False,
            tls_context=tls if starttls else None,
            loop=loop,
            authenticator=lambda _server, _session, _envelope, _mechanism, data: _sign_in(script, data),
        )

    listener = await loop.create_server(connection, "127.0.0.1", 0, ssl=None if starttls else tls)
    try:
        yield listener.sockets[0].getsockname()[1], received
    finally:
        listener.close()
        await listener.wait_closed()


def closed_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


Pump = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes one way until either end closes."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


class Door:
    """What stands between a client and a server: its port, and a way to break every connection through it."""

    def __init__(self) -> None:
        self.port = 0
        self.writers: list[asyncio.StreamWriter] = []

    def slam(self) -> None:
        """Break all connections."""
        for writer in self.writers:
            writer.close()


Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _listening(handle: Handle, opened: Door, tls: ssl.SSLContext | None = None) -> AsyncIterator[None]:
    """Listen on loopback; on leaving, see every connection to its end."""
    handlers: list[asyncio.Task[None]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.writers.append(writer)
        await handle(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    def enter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.append(asyncio.create_task(answer(reader, writer)))

    server = await asyncio.start_server(enter, "127.0.0.1", 0, ssl=tls)
    opened.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()
        opened.slam()
        await asyncio.wait_for(asyncio.gather(*handlers, return_exceptions=True), 5)


@asynccontextmanager
async def door(
    inner: int, *, tls: ssl.SSLContext | None = None, to_client: Pump = pipe
) -> AsyncIterator[Door]:
    """Listen on loopback and lead on to another port there."""
    opened = Door()

    async def through(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", inner)
        opened.writers.append(back)
        await asyncio.gather(pipe(reader, back), to_client(there, writer))
        with suppress(OSError):
            await back.wait_closed()

    async with _listening(through, opened, tls):
        yield opened


@asynccontextmanager
async def token_imap(token: str) -> AsyncIterator[int]:
    """Run the few IMAP commands of a sign-in with an access token; Dovecot wants a token server beside it."""
    replies = {
        "CAPABILITY": "* CAPABILITY IMAP4rev1 AUTH=XOAUTH2\r\n",
        "EXAMINE": "* 0 EXISTS\r\n* OK [UIDVALIDITY 1] x\r\n* OK [UIDNEXT 1] x\r\n",
        "LOGOUT": "* BYE\r\n",
    }

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n")
        while line := await reader.readline():
            tag, command, *_ = line.decode().split()
            status = "OK"
            if command == "AUTHENTICATE":
                writer.write(b"+ \r\n")
                said = base64.b64decode(await reader.readline())
                status = "OK" if said.endswith(f"\x01auth=Bearer {token}\x01\x01".encode()) else "NO"
            writer.write(f"{replies.get(command, '')}{tag} {status} {command}\r\n".encode())

    opened = Door()
    async with _listening(answer, opened):
        yield opened.port
