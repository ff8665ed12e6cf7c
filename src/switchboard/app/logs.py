"""Logs: one line of JSON each, or readable lines on a terminal; never a secret, nor what a customer said."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

from switchboard.net.redaction import redact

LONGEST: Final = 8000
"""Characters of an error or of the way it took."""
_TOLD: Final = ("error", "exception")
_QUOTED: Final = re.compile(r"(invalid input for query argument \$\d+: |DETAIL:  ?).*")
"""Where the database and its client quote the row that they refuse."""


def discreet(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take secrets and quotations out of errors: adapters, platforms and the database put them into their texts."""
    for name in _TOLD:
        if isinstance(event.get(name), str):
            event[name] = redact(_QUOTED.sub(r"\1[…]", event[name]), limit=LONGEST)
    return event


def configure() -> None:
    """Set up logging for this process."""
    terminal = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            discreet,
            structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
