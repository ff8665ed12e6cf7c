"""Access tokens: what one is good for and how long, and a longer life for those of Instagram login."""

import secrets
from typing import Any

from switchboard.sandbox.inbox.access import Access, ends, page_id, tokens
from switchboard.sandbox.inbox.errors import InboxError
from switchboard.sandbox.state import PlatformAccount
from switchboard.sandbox.web import Request, Response, json_response

Json = dict[str, Any]
TOKEN_DAYS = 60
DAY = 86_400
PAGE_SCOPES = [
    "pages_show_list",
    "pages_messaging",
    "pages_utility_messaging",
    "pages_manage_metadata",
    "pages_read_engagement",
    "pages_read_user_content",
    "pages_manage_engagement",
    "business_management",
]
INSTAGRAM_SCOPES = ["instagram_basic", "instagram_manage_messages", "instagram_manage_comments"]


class Tokens(Access):
    """Handlers."""

    async def debug_token(self, request: Request) -> Response:
        """What a token is good for; asked with the app's token or with one that the app gave out."""
        caller = self.caller(request)
        if caller.kind == "instagram":
            raise InboxError(2500)
        given = request.query.get("input_token", "")
        if not given:
            raise InboxError(100, "The parameter input_token is required")
        app = caller.accounts[0].settings["app_id"]
        for kind in ("page", "user"):
            mine = [
                a for a in self.accounts() if self._speaks(kind, a, given) and a.settings["app_id"] == app
            ]
            if mine:
                return json_response({"data": self._told(kind, mine)})
        error = {"code": 190, "message": "Invalid OAuth access token.", "subcode": 463}
        return json_response({"data": {"error": error, "is_valid": False, "scopes": []}})

    def _told(self, kind: str, mine: list[PlatformAccount]) -> Json:
        settings = mine[0].settings
        until = ends(mine[0]) if kind == "user" else 0
        found: Json = {
            "app_id": settings["app_id"],
            "type": "PAGE" if kind == "page" else "SYSTEM_USER",
            "application": "Sandbox app",
            "expires_at": until,
            "data_access_expires_at": int(settings.get("data_access_expires_at") or 0),
            "is_valid": not until or until > self.world.clock.now(),
            "scopes": settings.get("scopes") or [*PAGE_SCOPES, *INSTAGRAM_SCOPES],
        }
        if not found["is_valid"]:
            found["error"] = {"code": 190, "message": "The session has expired.", "subcode": 463}
        if kind == "page":
            found["profile_id"] = page_id(mine[0])
        return found

    async def refresh(self, request: Request) -> Response:
        """Sixty more days for a token of Instagram login that is at least a day old."""
        account = next((a for a in self.accounts() if self._speaks("instagram", a, request.bearer)), None)
        if account is None:
            raise InboxError(190)
        if request.query.get("grant_type") != "ig_refresh_token":
            raise InboxError(100, "Unsupported grant_type")
        now = self.world.clock.now()
        made: dict[str, float] = account.kept.setdefault("made", {})
        if now - made.get(request.bearer, 0.0) < DAY:
            raise InboxError(100, "The access token must be at least 24 hours old to be refreshed")
        fresh = "IGAA" + secrets.token_urlsafe(60)
        tokens(account, now)[fresh] = now + TOKEN_DAYS * DAY
        made[fresh] = now
        told = {"access_token": fresh, "token_type": "bearer", "expires_in": TOKEN_DAYS * DAY}
        return json_response(
            {**told, "permissions": "instagram_business_basic,instagram_business_manage_messages"}
        )
