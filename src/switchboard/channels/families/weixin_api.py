"""Calls of Tencent's message platforms: access tokens, error codes by what delivery can do about them, files both ways.

Errors come with HTTP 200 and an `errcode`. The access token stands in the address, so no text of ours quotes an address.
"""

import mimetypes
from collections.abc import Awaitable, Callable, Mapping, Sequence
from email.message import Message
from typing import Any

from switchboard.channels.api import (
    Content,
    InDoubt,
    Io,
    Outcome,
    Reauthorise,
    Refused,
    Response,
    Retry,
    Source,
    Token,
    redact,
)
from switchboard.channels.families.weixin import text
from switchboard.channels.reading import Json, mark, obj

WEIXIN = "https://api.weixin.qq.com"
WECOM = "https://qyapi.weixin.qq.com"
LARGEST_MEDIA = 25_000_000
MINUTE, HOUR = 60.0, 3600.0

# Global return codes of the two platforms; where a number means two things, they call for the same outcome.
TOKEN_GONE = {40001, 40014, 41001, 42001, 42007}
"""Access token wrong, over or not the newest: a new one helps, unless the secret is wrong."""
ADMINISTRATOR = {
    40002, 40013, 40056, 40125, 40164, 41002, 41004, 48001, 48002, 48004, 50002, 60011, 60020, 61004,
}  # fmt: skip
"""AppID or secret wrong, our address not on the list, no permission, account blocked."""
BUSY = {-1, 6000, 45033}
WEIXIN_WAITS: Mapping[int, float] = {45011: MINUTE, 45009: HOUR}
"""Too many calls this minute, too many today."""
WECOM_WAITS: Mapping[int, float] = {45009: MINUTE, 45011: MINUTE}
UNREACHABLE = {40003, 43004, 43019}
"""No such person, does not follow us, blocked us."""


class WeixinApi:
    """One account's API. `label` names the platform in texts, `secrets` never show in them."""

    def __init__(
        self,
        io: Io,
        root: str,
        label: str,
        secrets: Sequence[str],
        name: str,
        grant: Callable[..., Awaitable[Json]],
        waits: Mapping[int, float],
    ) -> None:
        self._io = io
        self._root = root
        self._label = label
        self._secrets = [one for one in secrets if one]
        self._name = name
        self._grant = grant
        self._waits = waits

    async def call(
        self,
        method: str,
        path: str,
        *,
        shown: bool = False,
        params: Mapping[str, str] | None = None,
        **request: Any,
    ) -> Json:
        """Return the answer to one call; raises the outcome that its error means.

        `shown`: something appears at a customer, so an answer that can't be read leaves it in doubt.
        """
        answer, token = await self.ask(method, path, params=params, **request)
        return self.told(answer, token, shown=shown)

    async def ask(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, **request: Any
    ) -> tuple[Response, str]:
        """Return the raw answer to one call and the token it was made with; asked again once with a new token."""
        refused = ""
        while True:
            token = await self._token(refused)
            answer = await self._io.http.request(
                method, f"{self._root}{path}", params={"access_token": token, **(params or {})}, **request
            )
            if refused or _errcode(answer) not in TOKEN_GONE:
                return answer, token
            refused = token

    def told(self, answer: Response, token: str = "", *, shown: bool = False) -> Json:
        """Return what an answer says, or raise what its error means; `token` is kept out of its words."""
        try:
            said = answer.json()
        except Retry:
            said = None
        if not isinstance(said, dict):
            if answer.status >= 300:
                raise self._by_status(answer, shown=shown)
            unread = InDoubt if shown else Retry
            raise unread(f"{self._label}: the answer could not be read", code=str(answer.status))
        code = _errcode(answer)
        if code:
            raise self._outcome(code, text(said, "errmsg"), token)
        if answer.status >= 300:
            raise self._by_status(answer, shown=shown)
        return said

    async def upload(self, kind: str, content: Content) -> str:
        """Store a file for three days and return its media id. Nobody is told of it: in doubt, try again."""
        mime = content.mime.partition(";")[0].strip().lower() or "application/octet-stream"
        files = {"media": (_named(content.name, mime), content.data, mime)}
        try:
            said = await self.call(
                "POST", "/cgi-bin/media/upload", params={"type": kind}, files=files, timeout=120
            )
        except InDoubt as error:
            raise Retry(f"The upload was not answered: {error}") from None
        media = text(said, "media_id") or text(said, "thumb_media_id")
        if not media:
            raise Retry(f"{self._label}: the upload was answered without a media id")
        return media

    async def download(self, source: Source) -> Content:
        """Return a file of a customer's; Refused once the platform has dropped it (after three days).

        A picture's address, where one came along, may outlive it.
        """
        try:
            answer = await self._by_id_or_address(source)
        except InDoubt as error:
            raise Retry(f"The download was not answered: {error}") from None
        mime = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Content(_file_name(answer, mime), mime, answer.body)

    # -- inside ------------------------------------------------------------------------------------------------------

    async def _token(self, refused: str) -> str:
        async def fetch() -> Token:
            try:
                return _token_of(await self._grant(self.granted, refused), self._label)
            except InDoubt as error:
                raise Retry(f"{self._label} did not answer for a token: {error}") from None

        return await self._io.token(self._name, fetch, refused)

    async def granted(self, method: str, path: str, **request: Any) -> Json:
        """Return the answer to a call that wants no access token, because it hands one out."""
        return self.told(await self._io.http.request(method, f"{self._root}{path}", **request))

    async def _by_id_or_address(self, source: Source) -> Response:
        if not source.ref:
            return await self._plain(source.url)
        try:
            return await self._file(source.ref)
        except Refused:
            if not source.url:
                raise
        return await self._plain(source.url)

    async def _file(self, media: str) -> Response:
        """Ask for a media id: bytes come back, or for a video the address where it lies."""
        answer, token = await self.ask(
            "GET", "/cgi-bin/media/get", params={"media_id": media}, timeout=120, max_bytes=LARGEST_MEDIA
        )
        said = self._json(answer)
        if not said and answer.status < 300:
            return answer
        video = text(self.told(answer, token), "video_url")
        if not video:
            raise Refused(f"{self._label}: there is no such file", code="gone")
        return await self._plain(video)

    async def _plain(self, url: str) -> Response:
        if not url.startswith(("https://", "http://")):
            raise Refused(f"{self._label}: the message names no file", code="gone")
        answer = await self._io.http.request("GET", url, timeout=120, max_bytes=LARGEST_MEDIA)
        if answer.status >= 300:
            raise self._by_status(answer, shown=False)
        return answer

    def _json(self, answer: Response) -> Json:
        kind = answer.headers.get("content-type", "")
        if "content-disposition" in answer.headers or not (
            "json" in kind or "text/plain" in kind or answer.body[:1] == b"{"
        ):
            return {}
        try:
            return obj(answer.json())
        except Retry:
            return {}

    def _outcome(self, code: int, errmsg: str, token: str) -> Outcome:
        told = redact(errmsg or "error", [*self._secrets, *([token] if token else [])])
        words = f"{self._label}: {told[:500]} ({code})"
        shown = str(code)
        if code in TOKEN_GONE or code in ADMINISTRATOR:
            return Reauthorise(words, code=shown)
        if code in BUSY or code in self._waits:
            return Retry(words, code=shown, after=self._waits.get(code))
        return Refused(words, code=shown, unreachable=code in UNREACHABLE)

    def _by_status(self, answer: Response, *, shown: bool) -> Outcome:
        words, code = f"{self._label} answered {answer.status}", str(answer.status)
        if answer.status in (401, 403):
            return Reauthorise(words, code=code)
        if answer.status in (429, 503) or (answer.status >= 500 and not shown):
            return Retry(words, code=code, after=_after(answer))
        if answer.status >= 500:
            return InDoubt(words, code=code)
        return Refused(words, code=code)


def weixin_api(io: Io, label: str, app_id: str, app_secret: str, secrets: Sequence[str]) -> WeixinApi:
    """Return the API of an Official Account or mini-program, with the token that one fetcher does not take from another."""
    body = {"grant_type": "client_credential", "appid": app_id, "secret": app_secret}

    async def grant(ask: Callable[..., Awaitable[Json]], refused: str) -> Json:
        said = await ask("POST", "/cgi-bin/stable_token", json={**body, "force_refresh": False})
        if refused and text(said, "access_token") == refused:
            # Twenty times a day at most, so only when the platform clings to the token that it has just refused.
            said = await ask("POST", "/cgi-bin/stable_token", json={**body, "force_refresh": True})
        return said

    root = io.platform_url("wechat", WEIXIN)
    return WeixinApi(io, root, label, secrets, f"access:{app_id}:{mark(app_secret)}", grant, WEIXIN_WAITS)


def wecom_api(io: Io, label: str, corp_id: str, secret: str, secrets: Sequence[str]) -> WeixinApi:
    """Return the API of a WeCom corporation for one app's secret: each app has tokens of its own."""

    async def grant(ask: Callable[..., Awaitable[Json]], refused: str) -> Json:
        del refused
        return await ask("GET", "/cgi-bin/gettoken", params={"corpid": corp_id, "corpsecret": secret})

    name = f"access:{corp_id}:{mark(secret)}"
    return WeixinApi(io, io.platform_url("wecom", WECOM), label, secrets, name, grant, WECOM_WAITS)


# -- small things ----------------------------------------------------------------------------------------------------


def _errcode(answer: Response) -> int:
    """Return the error code of an answer, 0 for none (files and good answers of old have no such field)."""
    if answer.body[:200].lstrip()[:1] != b"{":
        return 0
    try:
        digits = text(answer.json(), "errcode")
    except Retry:
        return 0
    return int(digits) if digits.removeprefix("-").isdecimal() and len(digits) < 12 else 0


def _token_of(said: Json, label: str) -> Token:
    value, seconds = text(said, "access_token"), text(said, "expires_in")
    if not value:
        raise Reauthorise(f"{label} gave no token for these credentials.", code="no_token")
    return Token(value, max(60.0, float(seconds)) if seconds.isdecimal() and len(seconds) < 9 else 7000)


def _after(answer: Response) -> float | None:
    given = answer.headers.get("retry-after", "")
    return float(given) if given.isascii() and given.isdigit() and len(given) < 7 else None


EXTENSIONS = {"image/jpeg": ".jpg", "audio/amr": ".amr", "audio/mpeg": ".mp3", "video/mp4": ".mp4"}


def _named(name: str, mime: str) -> str:
    """Return a file name with an ending, which the platform goes by."""
    if "." in name:
        return name
    return f"{name or 'file'}{EXTENSIONS.get(mime) or mimetypes.guess_extension(mime) or ''}"


def _file_name(answer: Response, mime: str) -> str:
    header = Message()
    header["content-disposition"] = answer.headers.get("content-disposition", "")[:500].replace("\n", "")
    found = header.get_filename() or ""
    name = found.replace("\\", "/").rpartition("/")[2][-150:]
    return name or _named("", mime)
