"""The guard's table of addresses, the operator's exceptions, and names that lie."""

import time
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.core.outcomes import Refused, Retry
from switchboard.net.guard import BLOCKED, Guard, is_public

REFUSED = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",
    "2001:0:53aa:64c::7f00:1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:808:808::1",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%1",
    "2600::1%1",
    "fec0::1",
    "ff02::1",
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700::1111",
    "2400:3200::1",
    "2a00:1450::1",
]


def answering(*addresses: str) -> Guard:
    return Guard(resolver=lambda host, port: addresses)


@pytest.mark.parametrize("address", REFUSED)
async def test_refuses_with_one_text(address: str) -> None:
    with pytest.raises(Refused) as refusal:
        await answering(address).resolve("shop.example", 443)
    assert str(refusal.value) == BLOCKED


@pytest.mark.parametrize("address", PUBLIC)
async def test_lets_public_addresses_pass(address: str) -> None:
    assert (await answering(address).resolve("shop.example", 443)).address == address


@pytest.mark.parametrize(
    "spelling",
    ["127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "017700000001", "[::1]", "localhost", "LOCALHOST."],
)
async def test_refuses_every_spelling_of_loopback(spelling: str) -> None:
    """Through the real resolver, which reads the odd forms that browsers read."""
    with pytest.raises(Refused, match="private or reserved"):
        await Guard().resolve(spelling, 80)


async def test_picks_the_usable_one_of_mixed_answers() -> None:
    assert (await answering("10.0.0.1", "::1", "8.8.8.8").resolve("mixed.example", 1)).address == "8.8.8.8"


@pytest.mark.parametrize(
    ("entry", "host", "port", "address", "passes"),
    [
        ("127.0.0.1:9000", "any.example", 9000, "127.0.0.1", True),
        ("127.0.0.1:9000", "any.example", 9001, "127.0.0.1", False),
        ("10.0.0.0/8", "mail.lan", 25, "10.9.9.9", True),
        ("10.0.0.0/8", "mail.lan", 25, "11.0.0.1", True),
        ("10.0.0.0/8", "mail.lan", 25, "192.168.0.1", False),
        ("10.1.2.3", "mail.lan", 25, "10.1.2.3", True),
        ("mail.lan:993", "MAIL.LAN.", 993, "192.168.0.9", True),
        ("mail.lan:993", "mail.lan", 25, "192.168.0.9", False),
        ("mail.lan:993", "other.lan", 993, "192.168.0.9", False),
        ("[::1]:25", "local.example", 25, "::1", True),
        ("fd00::/8", "six.example", 25, "fd00::7", True),
        ("127.0.0.0/8", "mapped.example", 25, "::ffff:127.0.0.1", False),
    ],
)
async def test_the_operators_exceptions(entry: str, host: str, port: int, address: str, passes: bool) -> None:
    guard = Guard([entry], resolver=lambda name, number: [address])
    if passes:
        assert (await guard.resolve(host, port)).address == address
    else:
        with pytest.raises(Refused, match="private or reserved"):
            await guard.resolve(host, port)


@pytest.mark.parametrize(
    "entry", ["", "mail.lan", "mail.lan:0", "mail.lan:99999", "10.0.0.1/8", ":25", "10.0.0.0/8:25"]
)
def test_a_bad_exception_is_told_at_start(entry: str) -> None:
    with pytest.raises(ValueError, match="outbound_allow"):
        Guard([entry])


async def test_an_unknown_name_is_for_later() -> None:
    def nobody(host: str, port: int) -> list[str]:
        raise OSError

    with pytest.raises(Retry):
        await Guard(resolver=nobody).resolve("nobody.example", 25)


async def test_a_slow_name_server_ends_in_time() -> None:
    def slow(host: str, port: int) -> list[str]:
        time.sleep(0.5)
        return ["8.8.8.8"]

    begin = time.monotonic()
    with pytest.raises(Retry, match="didn't answer"):
        await Guard(resolver=slow).resolve("slow.example", 25, timeout=0.05)
    assert time.monotonic() - begin < 0.4


@pytest.mark.parametrize("host", ["a\0b", "x" * 300, "ü" * 80, "\ud800.example"])
async def test_not_a_name(host: str) -> None:
    with pytest.raises((Refused, Retry)):
        await Guard().resolve(host, 80)


@given(st.ip_addresses(v=4))
def test_agrees_with_the_standard_library_on_what_is_private(address: IPv4Address) -> None:
    """Whatever the library calls private, loopback, link-local, multicast or reserved, we refuse too."""
    odd = address.is_private or address.is_multicast or address.is_reserved or address.is_link_local
    assert not (odd and is_public(address))
