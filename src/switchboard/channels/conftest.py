"""Lets pytest explain the contract suite's assertions, and gives every adapter's tests a sandbox to talk to."""

import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from switchboard.channels.loopback import Door, LoopbackIo, Sandbox

for name in ("case", "folder", "inbound", "io", "outbound"):
    if f"switchboard.channels.contract_{name}" not in sys.modules:
        pytest.register_assert_rewrite(f"switchboard.channels.contract_{name}")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox that ends with the test."""
    running = Sandbox()
    yield running
    running.close()


@pytest.fixture
def door() -> Iterator[Door]:
    """A webhook address that ends with the test."""
    listening = Door()
    yield listening
    listening.close()


@pytest.fixture
async def io(sandbox: Sandbox) -> AsyncIterator[LoopbackIo]:
    """The way to the sandbox."""
    made = LoopbackIo(sandbox.url)
    yield made
    await made.wire.aclose()
    made.guard.close()
