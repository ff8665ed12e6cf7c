"""Builds the API: `create(context)` returns an ASGI application for /api/v1, /openapi.json and /docs.

Each module of endpoints has a list `HANDLERS`; `MODULES` names them all.
"""

from types import ModuleType
from typing import Any

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import Message, Scope

from switchboard.api import (
    administration,
    auth,
    channels,
    comments,
    contacts,
    conversations,
    description,
    files,
    health,
    letters,
    people,
    pictures,
    problems,
    searching,
    sessions,
    templates,
    work,
)
from switchboard.api.context import ApiContext
from switchboard.api.desk import MAX_BODY, UnitOfWork

PREFIX = "/api/v1"
MODULES: list[ModuleType] = [
    sessions,
    people,
    administration,
    channels,
    health,
    conversations,
    comments,
    work,
    contacts,
    files,
    pictures,
    templates,
    searching,
    letters,
]
HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"content-security-policy",
        b"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
]


async def _secure(message: Message, _: Scope) -> None:
    if message["type"] == "http.response.start":
        present = {name.lower() for name, _ in message["headers"]}
        message["headers"] = [*message["headers"], *(pair for pair in HEADERS if pair[0] not in present)]
        if b"cache-control" not in present:
            message["headers"] = [*message["headers"], (b"cache-control", b"no-store")]


def create(context: ApiContext) -> Litestar:
    """Return the API of one process."""
    handlers: list[Any] = [handler for module in MODULES for handler in module.HANDLERS]
    router = Router(
        PREFIX,
        route_handlers=handlers,
        guards=[auth.guard],
        middleware=[UnitOfWork()],
        dependencies={
            "desk": Provide(auth.desk),
            "context": Provide(auth.context),
        },
    )
    return Litestar(
        route_handlers=[router, *description.HANDLERS],
        exception_handlers=problems.HANDLERS,
        state=State({"context": context}),
        before_send=[_secure],
        request_max_body_size=MAX_BODY,
        logging_config=None,
        openapi_config=description.config(),
        debug=False,
    )
