"""Short messages over an operator's SMSC: one account, one or several numbers of ours."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import ClassVar

import msgspec

from switchboard.channels.api import (
    Account,
    BadSignature,
    Inbound,
    Io,
    Outbound,
    Polled,
    RawRequest,
    Refused,
    Retry,
    Sent,
)
from switchboard.channels.sms_smpp import inbound
from switchboard.channels.sms_smpp.bind import Bind
from switchboard.channels.sms_smpp.config import SmppConfig
from switchboard.channels.sms_smpp.outbound import messages_of
from switchboard.channels.sms_smpp.session import session
from switchboard.channels.sms_smpp.trunk import trunk


class SmppChannel:
    """One account at an SMSC. `parse` reads what the session keeps: PDUs put together to messages."""

    config_type: ClassVar[type[msgspec.Struct]] = SmppConfig

    def __init__(self, config: SmppConfig, io: Io) -> None:
        self._config = config
        self._io = io

    def verify(self, request: RawRequest) -> None:
        """Everything comes over our own connection; nothing is accepted at a web address."""
        if request.method != "POLL":
            raise BadSignature("SMPP has no webhook")

    def parse(self, request: RawRequest) -> list[Inbound]:
        """Return the facts of what a session brought."""
        return inbound.facts_of(request.body, self._config)

    def session(self, load: Callable[[str], Awaitable[str]]) -> AsyncGenerator[tuple[str, Polled], None]:
        """Stay bound and yield what comes."""
        return session(self._io, self._config, trunk(self._config), load)

    async def send(self, message: Outbound) -> Sent:
        """Send one message in as many parts as it needs."""
        messages = messages_of(message, self._config)
        return Sent(await trunk(self._config).send(self._io, messages, message.idempotency_key))

    async def probe(self) -> list[Account]:
        """Bind once, unless we are bound already; an administrator waits, so what would pass by itself is told as it is."""
        live = trunk(self._config).session
        if live is None or not live.open_still:
            kind = "transceiver" if self._config.bind == "transceiver" else "receiver"
            try:
                bind = await Bind.open(self._io, self._config, kind)  # type: ignore[arg-type]  # both are of the literal
                await bind.close()
            except Retry as error:
                if error.code != "ESME_RALYBND":  # this very account is bound, so it is known
                    raise Refused(str(error), code=error.code) from None
        return [Account(account, account) for account in self._config.accounts()]
