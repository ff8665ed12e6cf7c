"""Who opens a live socket: the session of its cookie, or the session token or API key in its address."""

from http.cookies import CookieError, SimpleCookie

from switchboard.api.desk import viewer_of
from switchboard.app.door import Scope
from switchboard.app.runtime import Runtime
from switchboard.staff import reads as staff
from switchboard.staff.permission import Permission
from switchboard.workspace.rows import Viewer


async def identify(runtime: Runtime, scope: Scope, token: str) -> tuple[Viewer, str] | None:
    """Return what they may see and their name; None for who may not read conversations."""
    found = token or cookie(scope, runtime.settings.cookie_name)
    if not found:
        return None
    async with runtime.db.transaction() as tx:
        principal = await staff.by_token(tx, found)
    if principal is None or not principal.may(Permission.CONVERSATIONS_READ):
        return None
    return viewer_of(principal), principal.name


def cookie(scope: Scope, name: str) -> str:
    """Return a cookie's value, empty when it was not sent."""
    for key, value in scope["headers"]:
        if key == b"cookie":
            try:
                jar = SimpleCookie(value.decode("latin-1"))
            except CookieError:
                continue
            if name in jar:
                return jar[name].value
    return ""
