"""The demo: a workspace that looks lived in, served with the platforms' sandbox beside it."""

from switchboard.app.demo.platforms import DemoError
from switchboard.app.demo.start import demo

__all__ = ["DemoError", "demo"]
