"""Access tokens: fetched with the secret, good for two hours of the sandbox's clock, replaced by the next one.

`/cgi-bin/token` (service account, mini-program) makes a new token each time, and the one before it ends five minutes
later. `/cgi-bin/stable_token` gives the same one until shortly before its end, unless it is forced. WeCom's
`/cgi-bin/gettoken` gives the same one too.
"""

import hmac
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from switchboard.sandbox.faults import Fault
from switchboard.sandbox.state import PlatformAccount
from switchboard.sandbox.web import Handler, NotMine, Refused, Request, Response, json_response
from switchboard.sandbox.weixin.errors import WeixinError
from switchboard.sandbox.world import World, after, before

Json = dict[str, Any]
LIFE_SECONDS = 7_200
OVERLAP_SECONDS = 300
FORCED_PER_DAY, FORCED_PAUSE_SECONDS = 20, 30
MOST_TOKENS = 50
FAMILY = ("wechat_oa", "wechat_miniprogram", "wecom")
"""Stand-ins that answer some of the same paths."""


class Asked(msgspec.Struct, frozen=True):
    """A request with a good token."""

    request: Request
    account: PlatformAccount
    fault: Fault | None


Serve = Callable[[Asked], Awaitable[Response]]


class Access:
    """The doors of one of the stand-ins; `bad` is its code for a token that it has never given out."""

    def __init__(self, world: World, platform: str, bad: int = 40001) -> None:
        self.world = world
        self.platform = platform
        self._bad = bad

    # -- doors -------------------------------------------------------------------------------------------------------

    def door(self, serve: Serve, *, sends: bool = False) -> Handler:
        """The handler of a path that needs a token; `sends` where the call carries a message to a customer."""

        async def handle(request: Request) -> Response:
            try:
                account = self._holder(request)
                fault = self.world.faults.take(self.platform, account.id, sends=sends)
                early = await before(fault)
                if early is not None:
                    return early
                if fault is not None and fault.kind == "error":
                    raise WeixinError(fault.code)
                return after(fault, await serve(Asked(request, account, fault)))
            except WeixinError as error:
                return error.response()
            except Refused:
                return WeixinError(47001).response()

        return handle

    def _holder(self, request: Request) -> PlatformAccount:
        token = request.query.get("access_token", "")
        if not token:
            raise WeixinError(41001)
        now = self.world.clock.now()
        for account in self._family():
            given = tokens(account).get(token)
            if given is None:
                continue
            if account.platform != self.platform:
                raise NotMine
            if given["until"] <= now:
                raise WeixinError(self._bad if given["replaced"] else 42001)
            return account
        if not self.accounts():
            raise NotMine
        raise WeixinError(self._bad)

    def accounts(self) -> list[PlatformAccount]:
        """Accounts of this stand-in."""
        return [a for a in self._family() if a.platform == self.platform]

    def _family(self) -> list[PlatformAccount]:
        return [a for a in self.world.state.accounts.values() if a.platform in FAMILY]

    # -- giving out --------------------------------------------------------------------------------------------------

    async def token(self, request: Request) -> Response:
        """`GET /cgi-bin/token`: always a new one."""

        def give(account: PlatformAccount) -> Json:
            return self.issue(account, "token")

        return await self._give(request, request.query, give)

    async def stable_token(self, request: Request) -> Response:
        """`POST /cgi-bin/stable_token`: the same one, a new one shortly before its end or when forced."""
        try:
            given = request.json()
        except Refused:
            return WeixinError(47001).response()

        def give(account: PlatformAccount) -> Json:
            if given.get("force_refresh") is True:
                self._count_forced(account)
                return self.issue(account, "stable", overlap=0)
            return self.latest(account, "stable", OVERLAP_SECONDS) or self.issue(account, "stable")

        return await self._give(request, given, give)

    async def _give(self, request: Request, given: Json, give: Callable[[PlatformAccount], Json]) -> Response:
        del request
        try:
            if given.get("grant_type") != "client_credential":
                raise WeixinError(40002)
            if not given.get("appid"):
                raise WeixinError(41002)
            account = self.by_id(str(given["appid"]))
            if not given.get("secret"):
                raise WeixinError(41004)
            if not is_secret(account, str(given["secret"])):
                raise WeixinError(40125)
            fault = self.world.faults.take(self.platform, account.id, sends=False)
            early = await before(fault)
            if early is not None:
                return early
            if fault is not None and fault.kind == "error":
                raise WeixinError(fault.code)
            return after(fault, json_response(give(account)))
        except WeixinError as error:
            return error.response()

    def by_id(self, app_id: str) -> PlatformAccount:
        """The account; NotMine where a sibling has it, 40013 where nobody has."""
        found = self.world.state.accounts.get(app_id)
        if found is not None and found.platform == self.platform:
            return found
        if not self.accounts() or (found is not None and found.platform in FAMILY):
            raise NotMine
        raise WeixinError(40013)

    def issue(self, account: PlatformAccount, kind: str, *, overlap: float = OVERLAP_SECONDS) -> Json:
        """A new token; the one before it of the same kind goes on for `overlap` seconds."""
        given, now = tokens(account), self.world.clock.now()
        for old in given.values():
            if old["kind"] == kind and not old["replaced"]:
                old["until"] = min(old["until"], now + overlap)
                old["replaced"] = True
        while len(given) >= MOST_TOKENS:
            given.pop(next(iter(given)))
        made = f"{secrets.randbelow(90) + 10}_{secrets.token_urlsafe(99)}"
        given[made] = {"kind": kind, "until": now + LIFE_SECONDS, "replaced": False}
        return {"access_token": made, "expires_in": LIFE_SECONDS}

    def latest(self, account: PlatformAccount, kind: str, rest_seconds: float) -> Json | None:
        """The newest token of this kind with the seconds that it has, if those are more than `rest_seconds`."""
        now = self.world.clock.now()
        for token, given in reversed(tokens(account).items()):
            if given["kind"] == kind and not given["replaced"] and given["until"] - now > rest_seconds:
                return {"access_token": token, "expires_in": int(given["until"] - now)}
        return None

    def _count_forced(self, account: PlatformAccount) -> None:
        now = self.world.clock.now()
        times: list[float] = [t for t in account.kept.get("forced", []) if t > now - 86_400]
        if len(times) >= FORCED_PER_DAY:
            raise WeixinError(45009)
        if times and now - times[-1] < FORCED_PAUSE_SECONDS:
            raise WeixinError(45011)
        account.kept["forced"] = [*times, now]


def tokens(account: PlatformAccount) -> dict[str, Json]:
    """Tokens given out, oldest first: `{"kind", "until", "replaced"}`."""
    found: dict[str, Json] = account.kept.setdefault("tokens", {})
    return found


def is_secret(account: PlatformAccount, secret: str) -> bool:
    """Whether this is the account's secret."""
    return hmac.compare_digest(str(account.settings["app_secret"]).encode(), secret.encode())
