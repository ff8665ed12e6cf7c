"""Calls of Douyin's open platform: tokens of the app and of each account, errors by what delivery can do about them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from switchboard.channels.api import (
    InDoubt,
    Io,
    Outcome,
    Reauthorise,
    Refused,
    Response,
    Retry,
    Token,
    redact,
)
from switchboard.channels.douyin.payloads import number, obj
from switchboard.channels.reading import Json, mark, text

T = TypeVar("T")

API = "https://open.douyin.com"
FOR_GOOD_SECONDS = 315_360_000
DAY_SECONDS = 86_400
RENEW_SECONDS = 7 * DAY_SECONDS
"""A refresh token with less life left than this is exchanged for a new one, which Douyin allows five times."""
ASK_SECONDS = 2 * DAY_SECONDS

TOKEN_GONE = {10008, 2190002, 2190008, 28001003, 28001008}
"""Access token wrong or over: a new one helps."""
PERMISSION = {10004, 2190004, 28001012, 28001018}
"""The app may not do this, or the account hasn't allowed it."""
ADMINISTRATOR = {10002, 10003, 10010, 10013, 2190015, 28001015, 28001016} | PERMISSION
PASSING = {10020, 2100004, 28001005, 28001006, 28003018, 28029014}
"""Busy, network trouble inside Douyin, too fast."""
UNREACHABLE = {28003101}


class OpenApi:
    """One app of the open platform. Texts of outcomes are Douyin's own, without our secrets."""

    def __init__(self, io: Io, client_key: str, client_secret: str, refresh: Mapping[str, str]) -> None:
        self._io = io
        self._root = io.platform_url("douyin", API)
        self._client_key = client_key
        self._client_secret = client_secret
        self._refresh = refresh

    async def as_account(self, account: str, use: Callable[[str], Awaitable[T]]) -> T:
        """Do something with an account's token, once more with a new one when Douyin no longer takes it."""
        given = self._refresh.get(account, "")
        if not given:
            raise Refused("This connection holds no authorisation for this Douyin account.", code="no_token")

        async def token(refused: str = "") -> str:
            return await self._io.token(
                f"account:{account}:{mark(given)}", lambda: self._refreshed(account, given), refused
            )

        return await self._with(token, use)

    async def as_app(self, use: Callable[[str], Awaitable[T]]) -> T:
        """Do something with the app's own token."""

        return await self._with(self.app_token, use)

    async def app_token(self, refused: str = "") -> str:
        """Return the app's own token, which shows that key and secret belong together."""
        return await self._io.token(f"app:{mark(self._client_secret)}", self._of_app, refused)

    async def _with(self, token: Callable[[str], Awaitable[str]], use: Callable[[str], Awaitable[T]]) -> T:
        first = await token("")
        try:
            return await use(first)
        except Reauthorise as error:
            if error.code not in map(str, TOKEN_GONE):
                raise
            return await use(await token(first))

    async def call(
        self, method: str, path: str, token: str, *, message: bool = False, **request: Any
    ) -> Json:
        """Return the answer to one call; raises the outcome that its error means.

        `message`: something appears at a customer, so an answer that can't be read leaves it in doubt.
        """
        secrets = [token, *self._secrets()]
        headers = {"access-token": token} if token else {}
        answer = await self._io.http.request(method, f"{self._root}{path}", headers=headers, **request)
        return told(answer, secrets, message=message)

    async def download(self, url: str, headers: Mapping[str, str] | None = None) -> Response:
        """Return a file that a customer sent."""
        try:
            answer = await self._io.http.request("GET", url, headers=headers, timeout=120)
        except InDoubt as error:
            raise Retry(f"the download was not answered: {error}") from None
        if answer.status >= 300:
            raise _by_status(answer, "Douyin does not give the file away")
        return answer

    # -- tokens --------------------------------------------------------------------------------------------

    async def _of_app(self) -> Token:
        body = {
            "grant_type": "client_credential",
            "client_key": self._client_key,
            "client_secret": self._client_secret,
        }
        return _token(await self._grant("/oauth/client_token/", json=body))

    async def _refreshed(self, account: str, given: str) -> Token:
        """Return a new access token; keeps the refresh token alive as long as Douyin lets us."""
        name = f"refresh:{account}:{mark(given)}"

        async def first() -> Token:
            return Token(given, FOR_GOOD_SECONDS)

        kept = await self._io.token(name, first)
        form = {"client_key": self._client_key, "grant_type": "refresh_token", "refresh_token": kept}
        found = await self._grant("/oauth/refresh_token/", form=form)
        if number(found, "data", "refresh_expires_in") < RENEW_SECONDS:
            await self._renew(name, kept)
        fresh = _token(found)
        # Asked for again long before it ends, so that an exchange that failed in Douyin's bad hour is tried once more.
        return Token(fresh.value, min(fresh.seconds, ASK_SECONDS))

    async def _renew(self, name: str, kept: str) -> None:
        form = {"client_key": self._client_key, "refresh_token": kept}
        try:
            found = await self._grant("/oauth/renew_refresh_token/", form=form)
        except Outcome:
            # Renewed five times already, or not allowed to this app: the account has to authorise it again some day.
            return
        fresh = text(found, "data", "refresh_token")

        async def latest() -> Token:
            return Token(fresh, FOR_GOOD_SECONDS)

        if fresh and fresh != kept:
            await self._io.token(name, latest, kept)

    async def _grant(self, path: str, **request: Any) -> Json:
        try:
            return await self.call("POST", path, "", **request)
        except InDoubt as error:
            raise Retry(f"Douyin did not answer for a token: {error}") from None

    def _secrets(self) -> list[str]:
        return [self._client_secret, *self._refresh.values()]


def told(answer: Response, secrets: Sequence[str], *, message: bool = False) -> Json:
    """Return what an answer says, or raise what its error means: Douyin tells errors with HTTP 200."""
    try:
        said = answer.json()
    except Retry:
        said = None
    if not isinstance(said, dict):
        if answer.status >= 300:
            raise _by_status(answer, f"Douyin answered {answer.status}")
        unread = InDoubt if message else Retry
        raise unread("Douyin's answer could not be read", code=str(answer.status))
    code, words = _error(said)
    shown = redact(f"Douyin: {words}"[:500], [one for one in secrets if one])
    if code in TOKEN_GONE or code in ADMINISTRATOR:
        raise Reauthorise(shown, code=str(code))
    if code in PASSING or 2_100_400 <= code < 2_100_500:
        raise Retry(shown, code=str(code), after=_after(answer))
    if answer.status >= 300:
        raise _by_status(answer, shown if words else f"Douyin answered {answer.status}")
    if code:
        raise Refused(shown, code=str(code), unreachable=code in UNREACHABLE)
    return said


def _by_status(answer: Response, words: str) -> Outcome:
    code = str(answer.status)
    if answer.status == 401:
        return Reauthorise(words, code=code)
    if answer.status == 429 or answer.status >= 500:
        return Retry(words, code=code, after=_after(answer))
    return Refused(words, code=code)


def _error(said: Any) -> tuple[int, str]:
    """Return code and words, wherever this part of the platform writes them."""
    for holder in (obj(said, "extra"), obj(said, "data"), said):
        for name in ("error_code", "err_no"):
            code = int(min(number(holder, name), 10**12))
            if code:
                names = ("sub_description", "description", "err_msg", "message")
                words = next(filter(None, (text(holder, one) for one in names)), "")
                return code, words or text(said, "message") or f"error {code}"
    return 0, text(said, "message") if not obj(said, "data") else ""


def _after(answer: Response) -> float | None:
    given = answer.headers.get("retry-after", "")
    return float(given) if given.isascii() and given.isdigit() and len(given) < 7 else None


def _token(found: Json) -> Token:
    value = text(found, "data", "access_token")
    if not value:
        raise Reauthorise("Douyin gave no token for these credentials.", code="no_token")
    return Token(value, max(60.0, number(found, "data", "expires_in")))
