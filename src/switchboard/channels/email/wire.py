"""Connections to mail servers: to the checked address only, one thread each, gone when we let go."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import msgspec

from switchboard.channels.api import Io, Outcome, Reauthorise, Retry, redact, secrets_of

CONNECT_SECONDS = 20
ANSWER_SECONDS = 60

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


async def connect(io: Io, host: str, port: int) -> socket.socket:
    """Return a connected, blocking socket to the address that the guard allows; raises Retry or Refused."""
    target = await io.resolve(host, port)
    family = socket.AF_INET6 if ":" in target.address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await asyncio.get_running_loop().sock_connect(sock, (target.address, target.port))
    except TimeoutError:
        sock.close()
        raise Retry(f"{host}:{port} does not answer", code="timeout") from None
    except OSError as error:
        sock.close()
        raise Retry(f"{host}:{port} can't be reached: {error.strerror or error}", code="connect") from None
    except BaseException:
        sock.close()
        raise
    sock.settimeout(ANSWER_SECONDS)
    return sock


def encrypted(sock: socket.socket, host: str) -> ssl.SSLSocket:
    """Return the socket under TLS, the certificate checked for the host's name. Blocks."""
    return ssl.create_default_context().wrap_socket(sock, server_hostname=host)


class Line:
    """One connection and the one thread that works on it.

    Mail libraries block. A thread of its own per mailbox keeps a slow server from taking the threads of the
    others, and `cut` (from any thread) ends whatever it waits for.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.closing: list[Callable[[], object]] = [sock.close]
        # Libraries swap their socket for a TLS one; a duplicate reaches the same connection all the time.
        self._handle = sock.dup()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mail")

    async def run(
        self, work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Result:
        """Do blocking work on the connection's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(*args, **kwargs))

    def cut(self) -> None:
        """Close the connection at once; what waits on it fails, and the thread ends after tidying up."""
        try:
            self._handle.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._handle.close()
        self._thread.submit(self._tidy)
        self._thread.shutdown(wait=False)

    def _tidy(self) -> None:
        for close in reversed(self.closing):
            try:
                close()
            except (OSError, EOFError):
                pass


def refusal(error: Exception, host: str) -> Outcome:
    """Return the outcome of a connection that failed below the mail protocol."""
    if isinstance(error, ssl.SSLCertVerificationError):
        # It stays so until somebody acts, and passwords must not travel meanwhile.
        return Reauthorise(f"the certificate of {host} is not valid: {error.verify_message}", code="tls")
    if isinstance(error, ssl.SSLError):
        return Retry(f"no encrypted connection to {host}: {error.reason or error}", code="tls")
    return Retry(f"{host}: the connection broke: {error}", code="lost")


def redacted(error: Outcome, config: msgspec.Struct) -> Outcome:
    """Return the same outcome without the secrets that a server may have repeated."""
    return type(error)(redact(str(error), secrets_of(config)), code=error.code)
