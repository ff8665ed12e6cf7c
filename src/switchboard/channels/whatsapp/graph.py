"""Calls of the Graph API, and its errors sorted by what delivery can do about them."""

import mimetypes
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

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
    redact,
)
from switchboard.channels.reading import Json, obj, rows, text

BASE = "https://graph.facebook.com"
VERSION = "v24.0"
LARGEST_MEDIA = 105_000_000
MOST_PAGES = 20

# Meta's error reference. Passing: rate limits, maintenance, overload.
PASSING = {1, 2, 4, 80007, 130429, 131000, 131016, 131056, 131057, 133004}
# Needs an administrator: token, permission, account locked, payment, registration, display name.
ADMINISTRATOR = {0, 3, 10, 33, 190, 368, 131005, 131031, 131037, 131042, 131045, 133010, *range(200, 300)}
# No other message will reach this person here either.
UNREACHABLE = {131026}
# One message in six seconds to one person, once a burst is used up.
PAIR_RATE, PAIR_SECONDS = 131056, 6.0


class Graph:
    """Graph API with one token. Texts of outcomes are the platform's own, without our secrets."""

    def __init__(self, io: Io, token: str, secrets: Sequence[str]) -> None:
        self._io = io
        self._secrets = list(secrets)
        self._headers = {"authorization": f"Bearer {token}"}
        self._root = f"{io.platform_url('whatsapp', BASE)}/{VERSION}"

    async def call(
        self, method: str, path: str, *, json: Any = None, params: Mapping[str, str] | None = None
    ) -> Json:
        """Return the answer to one call; raises the outcome that its error means."""
        answer = await self._io.http.request(
            method, f"{self._root}/{_safe(path)}", headers=self._headers, params=params, json=json
        )
        if answer.status >= 300:
            raise self._outcome(answer)
        return obj(answer.json())

    async def send(self, path: str, body: Json) -> Sent:
        """Post a message; an answer that can't be understood leaves it in doubt."""
        answer = await self._io.http.request(
            "POST", f"{self._root}/{_safe(path)}", headers=self._headers, json=body
        )
        if answer.status >= 300:
            raise self._outcome(answer)
        try:
            first = rows(obj(answer.json()), "messages")[0]
        except (Retry, IndexError):
            raise InDoubt("WhatsApp took the message but gave no id for it") from None
        return Sent(external_id=text(first, "id"))

    async def upload(self, account: str, content: Content, mime: str) -> str:
        """Store a file for 30 days and return its media id. Nobody is told of it: in doubt, try again."""
        name = content.name or f"file{mimetypes.guess_extension(mime) or ''}"
        try:
            answer = await self._io.http.request(
                "POST",
                f"{self._root}/{_safe(account)}/media",
                headers=self._headers,
                form={"messaging_product": "whatsapp", "type": mime},
                files={"file": (name, content.data, mime)},
                timeout=120,
            )
        except InDoubt as error:
            raise Retry(f"the upload was not answered: {error}") from None
        if answer.status >= 300:
            raise self._outcome(answer)
        media_id = text(answer.json(), "id")
        if not media_id:
            raise Retry("the upload was answered without a media id")
        return media_id

    async def download(self, account: str, media_id: str) -> Content:
        """Return a file of a customer's; Refused once the platform has forgotten it (7 days)."""
        if not media_id:
            raise Refused("the message named no file")
        try:
            facts = await self.call("GET", media_id, params={"phone_number_id": account})
            address, mime = text(facts, "url"), text(facts, "mime_type")
            if not address:
                raise Refused("WhatsApp gave no address for the file")
            answer = await self._io.http.request(
                "GET", address, headers=self._headers, timeout=120, max_bytes=LARGEST_MEDIA
            )
        except InDoubt as error:
            raise Retry(f"the download was not answered: {error}") from None
        if answer.status >= 300:
            raise self._outcome(answer)
        extension = mimetypes.guess_extension(mime.partition(";")[0].strip()) or ""
        return Content(name=f"{media_id}{extension}", mime=mime, data=answer.body)

    async def phone_numbers(self, waba_id: str) -> list[tuple[str, str]]:
        """Return (id, name) of every number of a business account."""
        found: list[tuple[str, str]] = []
        params = {"fields": "id,verified_name,display_phone_number", "limit": "100"}
        for _ in range(MOST_PAGES):
            page = await self.call("GET", f"{waba_id}/phone_numbers", params=params)
            for number in rows(page, "data"):
                name, shown = text(number, "verified_name"), text(number, "display_phone_number")
                if text(number, "id"):
                    found.append(
                        (text(number, "id"), f"{name} ({shown})" if name and shown else name or shown)
                    )
            after = text(page, "paging", "cursors", "after")
            if not after or not text(page, "paging", "next"):
                break
            params = {**params, "after": after}
        return found

    def _outcome(self, answer: Response) -> Outcome:
        """Return what an error answer means, by Meta's code where there is one, else by HTTP status."""
        try:
            error = obj(answer.json(), "error")
        except Retry:
            error = {}
        digits = text(error, "code")
        code = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None
        words = (
            text(error, "error_data", "details")
            or text(error, "error_user_msg")
            or text(error, "message")
            or f"HTTP {answer.status}"
        )
        told = redact(f"WhatsApp: {words}"[:1000], self._secrets)
        shown = digits[:20] or str(answer.status)
        after = _seconds(answer)
        if code in PASSING:
            return Retry(
                told, code=shown, after=PAIR_SECONDS if code == PAIR_RATE and after is None else after
            )
        if code in ADMINISTRATOR or (code is None and answer.status in {401, 403}):
            return Reauthorise(told, code=shown)
        if answer.status >= 500 or answer.status == 429:
            return Retry(told, code=shown, after=after)
        if answer.status == 401:
            return Reauthorise(told, code=shown)
        return Refused(told, code=shown, unreachable=code in UNREACHABLE)


def _safe(path: str) -> str:
    """Keep ids from outside inside their place in the path."""
    return quote(path, safe="/.-_:@=")


def _seconds(answer: Response) -> float | None:
    given = answer.headers.get("retry-after", "")
    return float(given) if given.isascii() and given.isdigit() and len(given) < 7 else None
