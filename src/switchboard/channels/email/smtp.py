"""Hands a mail to the outgoing server, and sorts every way in which that can end."""

import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from typing import Any

import aiosmtplib
from aiosmtplib import SMTPException, SMTPResponseException

from switchboard.channels.api import InDoubt, Io, Outcome, Reauthorise, Refused, Retry, Sent
from switchboard.channels.email import wire
from switchboard.channels.email.config import EmailConfig

_WRONG_LOGIN = {530, 534, 535, 538}
_WAIT = re.compile(r"\b(?:in|after|for) (\d{1,5}) ?(s|sec|secs|seconds|m|min|mins|minutes)\b", re.IGNORECASE)
_NOBODY = re.compile(r"\b5\.1\.[0-36]\b")


async def send(io: Io, config: EmailConfig, mail: EmailMessage, recipient: str) -> Sent:
    """Send one mail; raises Retry, Refused, Reauthorise, or InDoubt once the mail itself is on its way."""
    raw = mail.as_bytes()
    sender = config.address.lower()
    try:
        async with _signed_in(io, config) as client:
            await client.mail(sender, options=_options(client, raw))
            try:
                await client.rcpt(recipient)
            except aiosmtplib.SMTPRecipientRefused as error:
                raise said(error, config, unreachable=bool(_NOBODY.search(error.message))) from None
            await _data(client, raw, config)
    except Outcome as error:
        raise _redacted(error, config) from None
    return Sent(external_id=str(mail["Message-ID"]), status="sent")


async def probe(io: Io, config: EmailConfig) -> None:
    """Sign in and out; raises Reauthorise, Refused or Retry in the server's words."""
    try:
        async with _signed_in(io, config):
            pass
    except Outcome as error:
        raise _redacted(error, config) from None


@asynccontextmanager
async def _signed_in(io: Io, config: EmailConfig) -> AsyncIterator[aiosmtplib.SMTP]:
    host = config.smtp_host
    sock = await wire.connect(io, host, config.ports()[1])
    client = aiosmtplib.SMTP(
        hostname=host,
        sock=sock,
        use_tls=config.smtp_security == "tls",
        start_tls=config.smtp_security == "starttls",
        timeout=wire.ANSWER_SECONDS,
        local_hostname=config.address.rpartition("@")[2] or "localhost",
        **_credentials(config),
    )
    handed_over = False
    try:
        await client.connect()
        handed_over = True  # from here on the connection closes the socket, once its last bytes are out
        yield client
        await _farewell(client)
    except SMTPResponseException as error:
        raise said(error, config) from None
    except SMTPException as error:
        raise _silent(error, config) from None
    except (OSError, UnicodeError) as error:
        raise wire.refusal(error, host) from None
    finally:
        client.close()
        if not handed_over:
            sock.close()


def _credentials(config: EmailConfig) -> dict[str, Any]:
    user = config.smtp_user or config.login()
    password = config.smtp_password or config.password
    if config.access_token and not config.smtp_password:

        async def token() -> str:
            return config.access_token

        return {"username": user, "oauth_token_generator": token}
    return {"username": user, "password": password} if password else {}


def _options(client: aiosmtplib.SMTP, raw: bytes) -> list[str]:
    return [f"SIZE={len(raw)}"] if client.supports_extension("size") else []


async def _data(client: aiosmtplib.SMTP, raw: bytes, config: EmailConfig) -> None:
    try:
        await client.data(raw)
    except SMTPResponseException as error:
        raise said(error, config) from None
    except (SMTPException, OSError) as error:
        raise InDoubt(
            f"{config.smtp_host} took the mail but gave no answer: {error}", code="silence"
        ) from None


async def _farewell(client: aiosmtplib.SMTP) -> None:
    try:
        await client.quit(timeout=2)
    except (SMTPException, OSError):
        pass  # the mail has been taken; how the server says good-bye changes nothing


def said(error: SMTPResponseException, config: EmailConfig, *, unreachable: bool = False) -> Outcome:
    """Return the outcome of a server's answer: 4xx passes, 5xx stays."""
    words = f"{config.smtp_host}: {error.code} {' '.join(error.message.split())[:400]}"
    code = str(error.code)
    if error.code in _WRONG_LOGIN:
        return Reauthorise(words, code=code)
    if 500 <= error.code < 600:
        if isinstance(error, aiosmtplib.SMTPAuthenticationError):
            return Reauthorise(words, code=code)
        return Refused(words, code=code, unreachable=unreachable)
    wait = _WAIT.search(error.message)
    seconds = float(wait[1]) * (60 if wait[2].lower().startswith("m") else 1) if wait else None
    return Retry(words, code=code, after=seconds)


def _silent(error: SMTPException, config: EmailConfig) -> Outcome:
    words = f"{config.smtp_host}: {error.message}"
    if isinstance(error, aiosmtplib.SMTPServerDisconnected | aiosmtplib.SMTPTimeoutError):
        return Retry(words, code="lost")
    if isinstance(error, aiosmtplib.SMTPConnectError):
        if isinstance(error.__cause__, ssl.SSLError):
            return wire.refusal(error.__cause__, config.smtp_host)
        return Retry(words, code="connect")
    # No way to sign in that both sides know, or no STARTTLS: a matter of the settings.
    return Reauthorise(words, code="smtp")


def _redacted(error: Outcome, config: EmailConfig) -> Outcome:
    clean = wire.redacted(error, config)
    if isinstance(error, Retry) and isinstance(clean, Retry):
        clean.after = error.after
    if isinstance(error, Refused) and isinstance(clean, Refused):
        clean.unreachable = error.unreachable
    return clean
