"""Calls of the Graph API for pages and Instagram accounts: tokens, errors by what delivery can do about them."""

import json
import mimetypes
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from switchboard.channels.api import (
    Content,
    InDoubt,
    Io,
    Outcome,
    Reauthorise,
    Refused,
    Response,
    Retry,
    Sent,
    Source,
    redact,
)
from switchboard.channels.reading import Json, obj, rows, text

T = TypeVar("T")

VERSION = "v24.0"
LARGEST_MEDIA = 26_214_400
MOST_PAGES = 20

# Meta's error reference. Passing: rate limits, maintenance, overload, uploads that were cut short.
PASSING = {1, 2, 4, 17, 32, 341, 613, 1200, 80001, 80002, 80006}
# Needs an administrator: token, session, permission, account blocked for a breach of policy.
ADMINISTRATOR = {0, 3, 10, 102, 190, 368, *range(200, 300)}
# The reply window is over, or the person can't be written to: true of one message, not of the credentials.
WINDOW = {2018278, 2018065}
UNREACHABLE_CODES = {551}
UNREACHABLE = {1545041, 2018001, 2018108}
TOKEN_GONE = str(190)
PERMISSION = {"3", "10", *map(str, range(200, 300))}


class Graph:
    """One host of the Graph API. Texts of outcomes are the platform's own, without our secrets."""

    def __init__(self, io: Io, root: str, label: str, secrets: Sequence[str]) -> None:
        self._io = io
        self._label = label
        self._secrets = list(secrets)
        self._host = root
        self._root = f"{root}/{VERSION}"

    async def call(
        self,
        method: str,
        path: str,
        token: str,
        *,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        versioned: bool = True,
    ) -> Json:
        """Return the answer to one call; raises the outcome that its error means."""
        answer = await self._io.http.request(
            method,
            f"{self._root if versioned else self._host}/{path}",
            headers=_bearer(token),
            params=params,
            json=json,
        )
        if answer.status >= 300:
            raise self._outcome(answer, token)
        return obj(answer.json())

    async def send(self, path: str, token: str, body: Json) -> Sent:
        """Post a message or a comment; an answer that can't be understood leaves it in doubt.

        A permission that only answers by tag, templates or comments need says nothing of the connection: Refused.
        """
        answer = await self._io.http.request(
            "POST", f"{self._root}/{path}", headers=_bearer(token), json=body
        )
        if answer.status >= 300:
            error = self._outcome(answer, token)
            special = "tag" in body or body.get("messaging_type") == "UTILITY" or "recipient" not in body
            if special and isinstance(error, Reauthorise) and error.code.partition(".")[0] in PERMISSION:
                raise Refused(str(error), code=error.code)
            raise error
        try:
            return self.posted(obj(answer.json()))
        except Retry:
            return self.posted({})

    def posted(self, said: Json) -> Sent:
        """Return what an answer says was sent; InDoubt when it says nothing."""
        ident = text(said, "message_id") or text(said, "id")
        if not ident and not text(said, "recipient_id"):
            raise InDoubt(f"{self._label} took the message but gave no id for it")
        return Sent(external_id=ident)

    async def post_file(
        self, path: str, token: str, form: Mapping[str, str], field: str, content: Content
    ) -> Json:
        """Post a form with one file in it; raises InDoubt when no answer comes."""
        mime = content.mime.partition(";")[0].strip() or "application/octet-stream"
        name = content.name or f"file{mimetypes.guess_extension(mime) or ''}"
        answer = await self._io.http.request(
            "POST",
            f"{self._root}/{path}",
            headers=_bearer(token),
            form=form,
            files={field: (name, content.data, mime)},
            timeout=120,
        )
        if answer.status >= 300:
            raise self._outcome(answer, token)
        return obj(answer.json())

    async def upload(self, token: str, kind: str, content: Content, **more: str) -> str:
        """Store a file and return its attachment id. Nobody is told of it: in doubt, try again."""
        form = {
            **more,
            "message": json.dumps({"attachment": {"type": kind, "payload": {"is_reusable": True}}}),
        }
        try:
            said = await self.post_file("me/message_attachments", token, form, "filedata", content)
        except InDoubt as error:
            raise Retry(f"the upload was not answered: {error}") from None
        ident = text(said, "attachment_id")
        if not ident:
            raise Retry("the upload was answered without an attachment id")
        return ident

    async def download(self, source: Source) -> Content:
        """Return a file of a customer's by its signed address, which wants no token; Refused once it has expired."""
        if not source.url:
            raise Refused("the message named no file")
        try:
            answer = await self._io.http.request("GET", source.url, timeout=120, max_bytes=LARGEST_MEDIA)
        except InDoubt as error:
            raise Retry(f"the download was not answered: {error}") from None
        if answer.status >= 300:
            failure = self._outcome(answer, "")
            if isinstance(failure, Reauthorise) and not failure.code.startswith(TOKEN_GONE):
                # Signed addresses that are over answer 403 without another word.
                raise Refused(f"{self._label}: the file is no longer there", code=failure.code)
            raise failure
        mime = answer.headers.get("content-type", "").partition(";")[0].strip()
        return Content(name=_file_name(source.url, mime), mime=mime, data=answer.body)

    async def pages(self, path: str, token: str, params: Mapping[str, str]) -> list[Json]:
        """Return all rows of a list."""
        found: list[Json] = []
        asked = {**params, "limit": "100"}
        for _ in range(MOST_PAGES):
            page = await self.call("GET", path, token, params=asked)
            found += rows(page, "data")
            after = text(page, "paging", "cursors", "after")
            if not after or not text(page, "paging", "next"):
                break
            asked = {**asked, "after": after}
        return found

    async def own_pages(self, token: str, params: Mapping[str, str]) -> list[Json]:
        """Return all pages that a person or system user may manage, or the one page that the token speaks for."""
        try:
            return await self.pages("me/accounts", token, params)
        except Refused as error:
            if not error.code.startswith("100"):
                raise
            # A page has no pages.
            return [await self.call("GET", "me", token, params=params)]

    def _outcome(self, answer: Response, token: str) -> Outcome:
        """Return what an error answer means, by Meta's code where there is one, else by HTTP status."""
        try:
            error = obj(answer.json(), "error")
        except Retry:
            error = {}
        code, sub = _code(error, "code"), _code(error, "error_subcode")
        words = text(error, "error_user_msg") or text(error, "message") or f"HTTP {answer.status}"
        told = redact(f"{self._label}: {words}"[:1000], [*self._secrets, *([token] if token else [])])
        shown = str(answer.status) if code is None else str(code) if sub is None else f"{code}.{sub}"
        if sub in UNREACHABLE or code in UNREACHABLE_CODES:
            return Refused(told, code=shown, unreachable=True)
        if sub in WINDOW:
            return Refused(told, code=shown)
        if code in PASSING or error.get("is_transient") is True:
            return Retry(told, code=shown, after=_seconds(answer))
        if code in ADMINISTRATOR or answer.status == 401 or (code is None and answer.status == 403):
            return Reauthorise(told, code=shown)
        if answer.status >= 500 or answer.status == 429:
            return Retry(told, code=shown, after=_seconds(answer))
        return Refused(told, code=shown)


async def with_token(token: Callable[[str], Awaitable[str]], use: Callable[[str], Awaitable[T]]) -> T:
    """Do something with an account's token, once more with a new one when the platform says that it is no longer good.

    `token` gets the value that was refused, or nothing.
    """
    first = await token("")
    try:
        return await use(first)
    except Reauthorise as error:
        if not error.code.startswith(TOKEN_GONE):
            raise
        fresh = await token(first)
        if fresh == first:
            raise
        return await use(fresh)


async def person(asked: Awaitable[Json]) -> Json:
    """Return what a look-up of a person found.

    Who may not be looked up answers like a permission that is missing; that says nothing of the connection: Refused.
    """
    try:
        return await asked
    except Reauthorise as error:
        if error.code.startswith(TOKEN_GONE):
            raise
        raise Refused(str(error), code=error.code) from None


def place(ident: str) -> str:
    """Keep an id from outside inside its place in a path."""
    return quote(ident, safe="-_:@=")


# -- small things ------------------------------------------------------------------------------------------


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def _code(error: Json, name: str) -> int | None:
    digits = text(error, name)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None


def _seconds(answer: Response) -> float | None:
    given = answer.headers.get("retry-after", "")
    return float(given) if given.isascii() and given.isdigit() and len(given) < 7 else None


def _file_name(url: str, mime: str) -> str:
    last = unquote(url.partition("?")[0].rsplit("/", 1)[-1])[-150:]
    return last if "." in last else f"file{mimetypes.guess_extension(mime) or ''}"
