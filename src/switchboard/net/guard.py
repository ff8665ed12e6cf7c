"""The address guard: which hosts we may connect to, decided on the very address that we then use.

Checking a name and letting a library resolve it again leaves a gap in which the answer can change (DNS
rebinding). So a name is resolved once, here, and the caller connects to the address returned.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

import msgspec

from switchboard.core.outcomes import Refused, Retry

BLOCKED: Final = (
    "This address can't be used: it is private or reserved. The operator of this installation can allow it "
    "(setting outbound_allow)."
)

# Own lists (IANA's special-purpose registries): `is_global` differs between patch releases of Python.
_REFUSED_4: Final = tuple(
    IPv4Network(net)
    for net in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by carriers; also one cloud's metadata
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # one cloud's metadata, in public space
        "169.254.0.0/16",  # link-local; most clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; one cloud's metadata
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
# Only 2000::/3 is handed out; loopback, mapped, NAT64, unique local, link-local and multicast lie outside.
_GLOBAL_6: Final = IPv6Network("2000::/3")
_REFUSED_6: Final = tuple(
    IPv6Network(net)
    for net in (
        "2001::/23",  # protocol assignments, among them Teredo, which wraps IPv4
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which wraps IPv4
        "3fff::/20",  # documentation
    )
)

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Sequence[str]]
"""Name and port to addresses, blocking; raises `socket.gaierror`."""


class Stream(msgspec.Struct):
    """A checked target: connect to `address` and `port`, ask for `host` in TLS and HTTP."""

    host: str
    port: int
    address: str


class _Allowed(msgspec.Struct, frozen=True):
    """One entry of the operator's list: a network on every port, or a name or address on one port."""

    network: IPv4Network | IPv6Network | None = None
    host: str = ""
    port: int = 0

    def covers(self, host: str, port: int, address: Address) -> bool:
        if self.network is not None:
            return address in self.network and self.port in (0, port)
        return self.host == host and self.port == port


def _allowed(entry: str) -> _Allowed:
    """Read `10.0.0.0/8`, `10.1.2.3`, `127.0.0.1:9000`, `[::1]:25` or `mail.lan:993`; raises ValueError."""
    text = entry.strip().lower()
    try:
        return _Allowed(network=ip_network(text))
    except ValueError:
        pass
    host, colon, digits = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not digits.isdecimal() or not 0 < int(digits) < 65536 or "/" in text:
        raise ValueError(f"outbound_allow: {entry!r} is neither host:port nor a network such as 10.0.0.0/8")
    try:
        return _Allowed(network=ip_network(host), port=int(digits))
    except ValueError:
        return _Allowed(host=host, port=int(digits))


def _lookup(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]


def is_public(address: Address) -> bool:
    """Return whether an address is globally routed unicast. Forms that wrap an IPv4 address never are."""
    if isinstance(address, IPv4Address):
        return not any(address in net for net in _REFUSED_4)
    return address.scope_id is None and address in _GLOBAL_6 and not any(address in net for net in _REFUSED_6)


class Guard:
    """Decides on targets. `allow` is the operator's list; a bad entry raises ValueError at start."""

    def __init__(self, allow: Sequence[str] = (), *, resolver: Resolver = _lookup) -> None:
        self._allow = [_allowed(entry) for entry in allow]
        self._resolver = resolver
        # Not the loop's own threads: slow name servers must not hold up file access, nor the other way round.
        self._threads = ThreadPoolExecutor(max_workers=16, thread_name_prefix="resolve")

    async def resolve(self, host: str, port: int, *, timeout: float = 5) -> Stream:
        """Return the one address to connect to; raises Refused, or Retry when the name has none now."""
        name = host.strip().lower().rstrip(".").removeprefix("[").removesuffix("]")
        if not 0 < port < 65536:
            raise Refused("This is not a valid port.", code="dns")
        try:
            async with asyncio.timeout(timeout):
                loop = asyncio.get_running_loop()
                found = await loop.run_in_executor(self._threads, self._resolver, name, port)
        except TimeoutError:
            raise Retry(f"{name}: the name server didn't answer", code="dns") from None
        except OSError:  # gaierror among them
            raise Retry(f"{name}: no address found for this name", code="dns") from None
        except ValueError:  # not a name at all: UnicodeError, an embedded NUL
            raise Refused("This is not a valid host name.", code="dns") from None
        return Stream(host=name, port=port, address=self._choose(name, port, found))

    def _choose(self, host: str, port: int, found: Sequence[str]) -> str:
        # The resolver's own order puts what this machine has no route to at the end (RFC 6724).
        for text in found:
            address = ip_address(text)
            if self._may(host, port, address):
                return str(address)
        raise Refused(BLOCKED, code="address")

    def _may(self, host: str, port: int, address: Address) -> bool:
        return is_public(address) or any(entry.covers(host, port, address) for entry in self._allow)

    def close(self) -> None:
        """Let the threads go; running look-ups end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)
