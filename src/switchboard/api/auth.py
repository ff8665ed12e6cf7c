"""Who asks, and whether they may: the guard before every endpoint.

An endpoint declares one permission (`may(…)`), public ones `Permission.PUBLIC`. Cookie sessions need the CSRF
header on everything
but reads; a Bearer token is a session token or an API key and needs none, since browsers never send it by
themselves.
"""

import hashlib
import secrets
from datetime import UTC, datetime
from typing import Any

from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from litestar.params import SkipValidation
from litestar.types import Scope

from switchboard.api.context import ApiContext
from switchboard.api.desk import Desk
from switchboard.core.errors import Forbidden, Problem, Unauthenticated
from switchboard.staff import entrance
from switchboard.staff import reads as staff
from switchboard.staff.permission import Permission
from switchboard.staff.reads import Principal

CSRF_HEADER = "X-CSRF-Token"
SAFE = ("GET", "HEAD")
Connection = ASGIConnection[Any, Any, Any, Any]
WithDesk = NamedDependency[SkipValidation[Desk]]
"""Type of a handler's argument `desk`."""
WithContext = NamedDependency[SkipValidation[ApiContext]]
"""Type of a public handler's argument `context`."""


def may(permission: Permission) -> dict[str, Any]:
    """Return the `opt` of an endpoint that needs a permission: `@get("/agents",
    opt=may(Permission.PEOPLE_READ))`.
    """
    return {"permission": permission}


def context_of(scope: Scope) -> ApiContext:
    """Return the context the API was created with."""
    context: ApiContext = scope["litestar_app"].state.context
    return context


async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let a request pass to its endpoint, or raise Unauthenticated, Forbidden, or Problem for a body of the
    wrong type.
    """
    method = str(connection.scope.get("method", "GET"))
    if method == "OPTIONS":
        return
    permission = handler.opt.get("permission")
    if not isinstance(permission, Permission):
        raise RuntimeError(f"{handler} declares no permission")
    _check_type(connection, str(handler.opt.get("accepts", "application/json")))
    if permission is Permission.PUBLIC:
        return
    context = context_of(connection.scope)
    principal, by_cookie = await identify(context, connection)
    if by_cookie and method not in SAFE:
        given = connection.headers.get(CSRF_HEADER, "")
        if not secrets.compare_digest(given.encode(), principal.csrf.encode()):
            raise Forbidden(f"The {CSRF_HEADER} header is missing or wrong.", code="csrf")
    if not principal.may(permission):
        raise Forbidden("You may not do that.")
    key = connection.headers.get("Idempotency-Key", "") if method == "POST" else ""
    url = connection.url
    target = f"{method} {url.path}?{url.query}"
    digest: hashlib._Hash = connection.scope["state"]["digest"]
    connection.scope["state"]["desk"] = Desk(context, principal, target, key, digest)


def _check_type(connection: Connection, accepted: str) -> None:
    length = connection.headers.get("Content-Length", "0")
    if length == "0" and "Transfer-Encoding" not in connection.headers:
        return
    given = connection.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if given != accepted:
        wrong = Problem(f"Send this as {accepted}.", code="unsupported_type")
        wrong.status = 415
        raise wrong


async def identify(context: ApiContext, connection: Connection) -> tuple[Principal, bool]:
    """Return who asks, and whether a cookie says so; raises Unauthenticated. Notes now and then that they
    were here.
    """
    scheme, _, bearer = connection.headers.get("Authorization", "").partition(" ")
    by_cookie = not scheme
    token = connection.cookies.get(context.settings.cookie_name, "") if by_cookie else bearer.strip()
    if not token or (scheme and scheme.lower() != "bearer"):
        raise Unauthenticated("Sign in first.")
    async with context.db.transaction() as tx:
        principal = await staff.by_token(tx, token)
        if principal is None or (by_cookie and principal.kind != "agent"):
            raise Unauthenticated("This session or key has ended; sign in again.")
        seen = principal.last_seen_at
        if seen is None or (datetime.now(UTC) - seen).total_seconds() > entrance.TOUCH_EVERY:
            if principal.session_id is not None:
                await entrance.touch(tx, principal.workspace_id, principal.session_id)
            else:
                await entrance.touch_key(tx, principal.workspace_id, principal.id)
    return principal, by_cookie


async def desk(scope: Scope) -> Desk:
    """Provide the request's desk to handlers."""
    found: Desk = scope["state"]["desk"]
    return found


async def context(scope: Scope) -> ApiContext:
    """Provide the context to handlers that are public."""
    return context_of(scope)
