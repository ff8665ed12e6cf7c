"""The SMTP server that takes the product's mail (protocol: aiosmtpd)."""

import asyncio
import weakref
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from switchboard.sandbox.mail import letters
from switchboard.sandbox.state import Mailbox
from switchboard.sandbox.world import World

SIZE_LIMIT = 30 * 1024 * 1024
REPLIES = {
    421: "421 4.3.0 Service not available",
    450: "450 4.2.1 Mailbox busy, try again later",
    451: "451 4.3.0 Local error in processing",
    452: "452 4.2.2 Mailbox full",
    535: "535 5.7.8 Authentication credentials invalid",
    550: "550 5.1.1 No such user here",
    552: "552 5.3.4 Message too big",
    554: "554 5.7.1 Message refused",
}


class Post:
    """Callbacks of aiosmtpd."""

    def __init__(self, world: World) -> None:
        self._world = world

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, auth: Any
    ) -> AuthResult:
        """A mailbox's address and password."""
        del server, session, envelope, mechanism
        if isinstance(auth, LoginPassword):
            box = self._box(auth.login.decode("utf-8", "replace"))
            if box is not None and box.password.encode() == auth.password:
                return AuthResult(success=True, auth_data=box.address)
        return AuthResult(success=False, handled=False)

    def _box(self, address: str) -> Mailbox | None:
        wanted = address.strip().lower()
        return next((b for b in self._world.state.mailboxes.values() if b.address.lower() == wanted), None)

    async def handle_MAIL(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Only from the mailbox that is signed in; the empty sender of bounces is fine."""
        del server
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        if address and address.lower() != str(session.auth_data).lower():
            return "553 5.7.1 Sender address is not yours"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Show the mail on the phones of its recipients."""
        world = self._world
        box = self._box(str(session.auth_data))
        if box is None:
            return "530 5.7.0 Authentication required"
        fault = world.faults.take("email", box.id, sends=True)
        if fault is not None and fault.kind == "latency":
            await asyncio.sleep(fault.seconds)
        if fault is not None and fault.kind == "drop_before":
            _hang_up(server)
            return "421 dropped"
        if fault is not None and fault.kind in {"error", "http"}:
            return REPLIES.get(fault.code, f"{fault.code or 451} asked for")
        raw = envelope.original_content or b""
        for address in envelope.rcpt_tos:
            customer = world.store.customer_by_email(address) or world.store.new_customer(
                {"email": address, "name": address.partition("@")[0]}
            )
            bubble = letters.read(world, raw, box.id)
            world.note(
                message_id=bubble.id,
                platform="email",
                account=box.id,
                to=address,
                kind="mail",
                text=bubble.text,
                body={"subject": bubble.title, "headers": bubble.raw["headers"]},
                fault=fault,
            )
            world.show(world.store.chat("email", box.id, customer.id), bubble)
        if fault is not None and fault.kind == "drop_after":
            _hang_up(server)
        return "250 2.0.0 OK: queued"


def _hang_up(server: SMTP) -> None:
    transport = server.transport
    if isinstance(transport, asyncio.Transport):
        transport.abort()


class PostOffice:
    """The listening socket and everybody who is connected to it."""

    def __init__(self, world: World) -> None:
        self._post = Post(world)
        self._talks: weakref.WeakSet[SMTP] = weakref.WeakSet()

    async def serve(self, host: str, port: int) -> asyncio.Server:
        """Listen."""
        return await asyncio.get_running_loop().create_server(self._make, host, port)

    async def close(self) -> None:
        """Hang up."""
        for talk in list(self._talks):
            _hang_up(talk)

    def _make(self) -> SMTP:
        talk = SMTP(
            self._post,
            hostname="mail.sandbox.example",
            data_size_limit=SIZE_LIMIT,
            enable_SMTPUTF8=True,
            authenticator=self._post.authenticate,
            auth_require_tls=False,
            loop=asyncio.get_running_loop(),
        )
        self._talks.add(talk)
        return talk
