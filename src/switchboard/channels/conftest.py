"""Lets pytest explain the contract suite's assertions: which fact, which field, which request differs."""

import sys

import pytest

for name in ("case", "folder", "inbound", "io", "outbound"):
    if f"switchboard.channels.contract_{name}" not in sys.modules:
        pytest.register_assert_rewrite(f"switchboard.channels.contract_{name}")
