"""The demo: a workspace that looks lived in, and the sandbox beside it."""

from collections.abc import Callable

from switchboard.app.config import Settings
from switchboard.app.serve import serve


class DemoError(Exception):
    """The demo can't start; the text is one sentence for the operator."""


async def demo(settings: Settings, contacts: int, live: bool, say: Callable[[str], None]) -> None:
    await serve(settings)
