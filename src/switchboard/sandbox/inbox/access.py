"""Whom an access token speaks for: a person or system user, a page, an Instagram account, the app itself."""

import contextlib
import hashlib
import hmac
import json
from typing import Any, Literal

import msgspec

from switchboard.sandbox.inbox.errors import InboxError, no_such
from switchboard.sandbox.state import PlatformAccount
from switchboard.sandbox.web import NotMine, Request, Upload
from switchboard.sandbox.world import World

Json = dict[str, Any]
KINDS = {"messenger", "instagram"}


class Caller(msgspec.Struct, frozen=True):
    """Who asks. A user sees all accounts of their token; a page itself and the Instagram account behind it."""

    kind: Literal["user", "page", "instagram", "app"]
    accounts: list[PlatformAccount]
    token: str


def page_id(account: PlatformAccount) -> str:
    """The page of an account: itself, or the one that an Instagram account is linked to."""
    return account.id if account.platform == "messenger" else str(account.settings["page_id"])


def linked(account: PlatformAccount) -> bool:
    """Whether it is reached through a page (Facebook login)."""
    return account.platform == "messenger" or account.settings["login"] == "facebook"


class Access:
    """Base of the handlers."""

    def __init__(self, world: World) -> None:
        self.world = world

    def accounts(self) -> list[PlatformAccount]:
        """Every page and professional account here."""
        return [a for a in self.world.state.accounts.values() if a.platform in KINDS]

    def caller(self, request: Request, fields: Json | None = None) -> Caller:
        """The token's owner; NotMine for tokens that none of ours gave out, unless the path names an account of ours."""
        token = request.bearer or str((fields or {}).get("access_token") or "")
        for kind in ("page", "user", "instagram", "app"):
            mine = [a for a in self.accounts() if self._speaks(kind, a, token)]
            if mine:
                if kind == "user" and 0 < ends(mine[0]) <= self.world.clock.now():
                    raise InboxError(190, "Error validating access token: Session has expired", subcode=463)
                self._prove(request, fields or {}, mine[0], token)
                return Caller(kind, mine, token)
        named = set(request.path.split("/"))
        if any({a.id, page_id(a) if linked(a) else a.id} & named for a in self.accounts()) or self._was_given(
            token
        ):
            raise InboxError(190)
        raise NotMine

    def _was_given(self, token: str) -> bool:
        """Whether a token was good once: the words for its end are ours."""
        return any(
            token in a.kept.get("tokens", {}) or token in a.kept.get("revoked", ()) for a in self.accounts()
        )

    def _speaks(self, kind: str, account: PlatformAccount, token: str) -> bool:
        settings = account.settings
        if kind == "app":
            return hmac.compare_digest(f"{settings['app_id']}|{settings['app_secret']}", token)
        if kind == "instagram":
            until = tokens(account, self.world.clock.now()).get(token) if not linked(account) else None
            return until is not None and until > self.world.clock.now()
        name = "page_token" if kind == "page" else "access_token"
        return linked(account) and hmac.compare_digest(str(settings[name]), token)

    def _prove(self, request: Request, fields: Json, account: PlatformAccount, token: str) -> None:
        """Where the proof of the app secret comes along it must fit."""
        given = str(request.query.get("appsecret_proof") or fields.get("appsecret_proof") or "")
        wanted = hmac.new(account.settings["app_secret"].encode(), token.encode(), hashlib.sha256).hexdigest()
        if given and not hmac.compare_digest(wanted, given):
            raise InboxError(100, "Invalid appsecret_proof provided in the API argument")

    def one(self, request: Request, ident: str, fields: Json | None = None) -> PlatformAccount:
        """The account that a path's id (or `me`) means, for calls that want its own token."""
        caller = self.caller(request, fields)
        if caller.kind in {"user", "app"}:
            raise InboxError(210)
        if ident == "me":
            return self._preferred(caller, fields or {}, request)
        for account in caller.accounts:
            if ident in {account.id, page_id(account) if linked(account) else account.id}:
                return account
        raise no_such(ident, request.method)

    def _preferred(self, caller: Caller, fields: Json, request: Request) -> PlatformAccount:
        """`platform=instagram` or the lack of a page of its own lead to the Instagram account."""
        wanted = str(fields.get("platform") or request.query.get("platform") or "messenger").lower()
        return next((a for a in caller.accounts if a.platform == wanted), caller.accounts[0])

    def own(self, request: Request, fields: Json | None = None) -> list[PlatformAccount]:
        """All accounts that the token may act for."""
        caller = self.caller(request, fields)
        if caller.kind in {"user", "app"}:
            raise InboxError(210)
        return caller.accounts


def ends(account: PlatformAccount) -> int:
    """When the token of a person or system user ends (Unix seconds), 0 for never: the setting `token_expires_at`."""
    return int(account.settings.get("token_expires_at") or 0)


def tokens(account: PlatformAccount, now: float) -> dict[str, float]:
    """Tokens of an account with Instagram login and when they end; the first is the setting."""
    found: dict[str, float] = account.kept.setdefault("tokens", {})
    first = str(account.settings["access_token"])
    if first not in found:
        found[first] = now + 60 * 86_400
        account.kept.setdefault("made", {})[first] = now - 86_401
    return found


def form(request: Request) -> tuple[Json, dict[str, Upload]]:
    """Fields and files of any kind of body; objects and lists may be written as JSON in a form's text."""
    fields, files = request.form()
    for name, value in fields.items():
        if isinstance(value, str) and value[:1] in {"{", "["}:
            with contextlib.suppress(ValueError):
                fields[name] = json.loads(value)
    return fields, files
