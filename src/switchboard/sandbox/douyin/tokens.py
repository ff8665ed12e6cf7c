"""Who may call: the app's own token, an account's token, the refresh token that makes them, and the five times it is renewed."""

import hmac
import secrets
from typing import Any

from switchboard.sandbox.douyin.errors import DouyinError, by_data
from switchboard.sandbox.state import PlatformAccount
from switchboard.sandbox.web import Request, Response
from switchboard.sandbox.world import World

Json = dict[str, Any]
NAME = "douyin"
APP_SECONDS, ACCESS_SECONDS, REFRESH_SECONDS = 7_200, 15 * 86_400, 30 * 86_400
MOST_RENEWALS = 5
TOKENS_KEPT = 50


class Tokens:
    """The token endpoints, and the look at a token."""

    def __init__(self, world: World) -> None:
        self.world = world

    def accounts(self) -> list[PlatformAccount]:
        """Every Douyin account here."""
        return [a for a in self.world.state.accounts.values() if a.platform == NAME]

    def account(self, request: Request) -> PlatformAccount:
        """Return the account of `access-token`, which `open_id` has to name; DouyinError otherwise."""
        token = request.headers.get("access-token", "")
        if not token:
            raise DouyinError(28001003)
        for account in self.accounts():
            until = given(account, "access").get(token)
            if until is None:
                continue
            if until <= self.world.clock.now():
                raise DouyinError(28001008)
            if request.query.get("open_id") not in {account.id, None}:
                raise DouyinError(28001015)
            return account
        raise DouyinError(28001003)

    def app(self, request: Request) -> PlatformAccount:
        """Return an account of the app whose own token came."""
        token = request.headers.get("access-token", "")
        for account in self.accounts():
            until = given(account, "app").get(token)
            if until is not None and until > self.world.clock.now():
                return account
            if until is not None:
                raise DouyinError(28001008)
        raise DouyinError(28001003)

    async def client_token(self, request: Request) -> Response:
        """POST /oauth/client_token/ with key and secret."""
        form, _ = request.form()
        if form.get("grant_type") != "client_credential":
            raise DouyinError(10002, "grant_type")
        account = self._by_key(form)
        secret = str(account.settings["client_secret"])
        if not hmac.compare_digest(secret.encode(), str(form.get("client_secret") or "").encode()):
            raise DouyinError(10013)
        token = _give(account, "app", "clt.", self.world.clock.now() + APP_SECONDS)
        return by_data(access_token=token, expires_in=str(APP_SECONDS))

    async def refresh(self, request: Request) -> Response:
        """POST /oauth/refresh_token/: a form, as in its documentation."""
        form, _ = request.form()
        if form.get("grant_type") != "refresh_token":
            raise DouyinError(10002, "grant_type")
        account, until = self._by_refresh(form)
        now = self.world.clock.now()
        token = _give(account, "access", "act.", now + ACCESS_SECONDS)
        return by_data(
            access_token=token, expires_in=str(ACCESS_SECONDS), refresh_token=str(form["refresh_token"]),
            refresh_expires_in=str(int(until - now)), open_id=account.id, scope="im.direct_message,user_info",
        )  # fmt: skip

    async def renew(self, request: Request) -> Response:
        """POST /oauth/renew_refresh_token/: a new refresh token, five times at most; the old one is over."""
        form, _ = request.form()
        account, _ = self._by_refresh(form)
        if int(account.kept.get("renewed", 0)) >= MOST_RENEWALS:
            raise DouyinError(10020, "refresh_token 已达到续期次数上限")
        account.kept["renewed"] = int(account.kept.get("renewed", 0)) + 1
        account.settings["refresh_token"] = "rft." + secrets.token_hex(20)
        account.kept["refresh_until"] = self.world.clock.now() + REFRESH_SECONDS
        return by_data(refresh_token=account.settings["refresh_token"], expires_in=str(REFRESH_SECONDS))

    def _by_key(self, form: Json) -> PlatformAccount:
        key = form.get("client_key")
        account = next((a for a in self.accounts() if a.settings["client_key"] == key), None)
        if account is None:
            raise DouyinError(10003)
        return account

    def _by_refresh(self, form: Json) -> tuple[PlatformAccount, float]:
        self._by_key(form)
        for account in self.accounts():
            if account.settings["client_key"] != form["client_key"] or not account.settings.get(
                "authorised", True
            ):
                continue
            if account.settings["refresh_token"] == form.get("refresh_token"):
                until = float(
                    account.kept.setdefault("refresh_until", self.world.clock.now() + REFRESH_SECONDS)
                )
                if until > self.world.clock.now():
                    return account, until
        raise DouyinError(10010)


def given(account: PlatformAccount, kind: str) -> dict[str, float]:
    """Return tokens given out, and when they end; `kind` is access or app."""
    found: dict[str, float] = account.kept.setdefault(f"{kind}_tokens", {})
    return found


def _give(account: PlatformAccount, kind: str, prefix: str, until: float) -> str:
    tokens = given(account, kind)
    while len(tokens) >= TOKENS_KEPT:
        del tokens[next(iter(tokens))]
    token = prefix + secrets.token_hex(24)
    tokens[token] = until
    return token
