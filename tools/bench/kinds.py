"""Webhooks of every kind of channel, as the contract tests know them: the fixtures, signed as the platform signs."""

import importlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import msgspec

from switchboard.channels.api import RawRequest
from switchboard.channels.contract_case import Case
from switchboard.channels.registry import adapters

Inbox = tuple[Case, Path]
"""A kind's contract case, and one of its fixtures."""


def cases() -> Iterator[Case]:
    """Yield the contract case of every kind that has a webhook."""
    for kind, adapter in adapters().items():
        if not adapter.manifest.webhook:
            continue
        module = importlib.import_module(f"switchboard.channels.{kind}.test_{kind}")
        for found in vars(module).values():
            if isinstance(found, type) and issubclass(found, Case) and found.kind == kind:
                yield found()
                break


def request(case: Case, path: Path, body: bytes, url: str) -> RawRequest:
    """Return a body as the platform would post it to `url` just now, signed with the case's own credentials."""
    plain = msgspec.structs.replace(case.request(body, path), url=url, received_at=datetime.now(UTC))
    return case.signed(plain, case.config)


def written(asked: RawRequest, path: str, host: str) -> bytes:
    """Return a request as bytes for a socket."""
    query = f"?{urlencode(asked.query)}" if asked.query else ""
    lines = [
        f"POST {path}{query} HTTP/1.1",
        f"host: {host}",
        f"content-length: {len(asked.body)}",
        *(
            f"{name}: {value}"
            for name, value in asked.headers.items()
            if name not in {"host", "content-length"}
        ),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + asked.body
