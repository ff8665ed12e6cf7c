"""What a site's visitors and apps ask by plain requests: how the chat looks, a session, an upload, a device to be woken."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import msgspec

from switchboard import flow
from switchboard.app.door import Receive, Scope, Send, read_body
from switchboard.app.runtime import Runtime
from switchboard.app.sites import Site, Sites, allowed
from switchboard.app.uploads import UploadError, receive_upload
from switchboard.app.visitor_tokens import VisitorTokens
from switchboard.channels.web.host import BadProof, Person
from switchboard.delivery import devices

MAX_BODY = 20_000
UPLOADS_EACH = 200_000_000
"""Bytes one visitor may upload to one process between its restarts."""


class NewDevice(msgspec.Struct, frozen=True):
    """A phone that wants to be woken. `language` is that of the notification."""

    service: devices.Service
    token: devices.PushToken
    language: devices.Language = "en"


class GoneDevice(msgspec.Struct, frozen=True):
    """A phone that doesn't any more."""

    token: devices.PushToken


class VisitorDoors:
    """`/widget/{key}/config|sessions|files|devices`, from any page the site allows and from its apps."""

    def __init__(self, runtime: Runtime, sites: Sites, tokens: VisitorTokens) -> None:
        self._runtime = runtime
        self._sites = sites
        self._tokens = tokens
        self._uploaded: dict[str, int] = defaultdict(int)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        _, _, key, *rest = scope["path"].split("/")
        site = await self._sites.find(key)
        if site is None:
            await _json(send, 404, _problem("not_found", "There is no such widget."))
            return
        origin = header(scope, b"origin")
        if not allowed(site.config.allowed_origins, origin, self._runtime.settings.url):
            await _json(send, 403, _problem("foreign_origin", "This site may not use this widget."), origin)
            return
        match scope["method"], rest:
            case "OPTIONS", _:
                await _json(send, 204, None, origin)
            case "GET", ["config"]:
                await _json(send, 200, await self._config(site), origin)
            case "POST", ["sessions"]:
                await self._session(site, receive, send, origin)
            case "POST", ["files"]:
                await self._upload(site, scope, receive, send, origin)
            case "POST" | "DELETE", ["devices"]:
                await self._device(site, scope, receive, send, origin)
            case _:
                await _json(send, 404, _problem("not_found", "There is no such address."), origin)

    async def _config(self, site: Site) -> dict[str, Any]:
        config = site.config
        return {
            "name": config.name or site.live.row.name,
            "colour": config.colour,
            "greeting": {"en": config.greeting_en, "zh": config.greeting_zh},
            "offline_note": {"en": config.offline_note_en, "zh": config.offline_note_zh},
            "languages": config.languages,
            "online": await self._sites.online(site),
            "offline_form": config.offline_form,
            "pre_chat": config.pre_chat,
            "max_file_bytes": config.max_file_bytes,
        }

    async def _session(self, site: Site, receive: Receive, send: Send, origin: str) -> None:
        try:
            asked = msgspec.json.decode(await read_body(receive, MAX_BODY))
            token = asked.get("visitor_token") or ""
        except (ValueError, AttributeError, TimeoutError):
            await _json(send, 400, _problem("bad_request", "The body is not a JSON object."), origin)
            return
        try:
            person = site.channel.vouched(asked.get("user"), datetime.now(UTC))
        except BadProof as error:
            await _json(send, 403, _problem("bad_proof", str(error)), origin)
            return
        key = site.config.site_key
        if not isinstance(token, str) or not self._tokens.is_of(key, token, person.id):
            token = self._tokens.make(key, person.id)
        visitor = self._tokens.visitor(key, token)
        if person.id:
            await self._believe(site, str(visitor), person)
        answer = {"visitor_token": token, "visitor": {"id": visitor, "name": person.name}}
        await _json(send, 201, answer, origin)

    async def _believe(self, site: Site, visitor: str, person: Person) -> None:
        """File what the host's server vouches for."""
        known = {key: value for key, value in (("email", person.email), ("phone", person.phone)) if value} | {
            "name": person.name
        }
        facts = {
            "visitor": {"id": visitor, "user_id": person.id, "language": person.language, **known},
            "events": [{"type": "profile", **known}],
        }
        await self._sites.accept(site, facts)

    async def _upload(self, site: Site, scope: Scope, receive: Receive, send: Send, origin: str) -> None:
        visitor = self._visitor(site, scope)
        if visitor is None:
            await _json(send, 401, _problem("unauthorized", "Open a session first."), origin)
            return
        limit = min(site.config.max_file_bytes, self._runtime.settings.max_file)
        limit = max(0, min(limit, UPLOADS_EACH - self._uploaded[visitor]))
        self._uploaded[visitor] += limit  # until it is known how much: others may upload at the same time
        kept = 0
        try:
            stored = await receive_upload(self._runtime, site.live.row.workspace_id, scope, receive, limit)
            kept = stored.size
        except UploadError as error:
            await _json(send, error.status, _problem("upload_refused", str(error)), origin)
            return
        finally:
            self._uploaded[visitor] += kept - limit
        url = self._runtime.link(stored.workspace_id, stored.id, stored.name)
        view = {"id": stored.id, "name": stored.name, "mime": stored.mime, "size": stored.size, "url": url,
                "width": stored.width, "height": stored.height}  # fmt: skip
        await _json(send, 201, {key: value for key, value in view.items() if value is not None}, origin)

    async def _device(self, site: Site, scope: Scope, receive: Receive, send: Send, origin: str) -> None:
        visitor = self._visitor(site, scope)
        if visitor is None:
            await _json(send, 401, _problem("unauthorized", "Open a session first."), origin)
            return
        place = devices.Place(site.live.row.workspace_id, site.channel_id, visitor)
        try:
            body = await read_body(receive, MAX_BODY)
            async with self._runtime.db.transaction() as tx:
                if scope["method"] == "DELETE":
                    gone = msgspec.json.decode(body, type=GoneDevice)
                    await flow.carry(tx, devices.unregister, place, gone.token)
                else:
                    new = msgspec.json.decode(body, type=NewDevice)
                    await flow.carry(tx, devices.register, place, new.service, new.token, new.language)
        except (msgspec.DecodeError, TimeoutError, ValueError) as error:
            await _json(send, 400, _problem("bad_request", f"The body can't be read: {error}"), origin)
            return
        await _json(send, 204, None, origin)

    def _visitor(self, site: Site, scope: Scope) -> str | None:
        bearer = header(scope, b"authorization").removeprefix("Bearer ")
        return self._tokens.visitor(site.config.site_key, bearer)


def header(scope: Scope, name: bytes) -> str:
    """Return a request's header, empty when it was not sent."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _problem(code: str, detail: str) -> dict[str, Any]:
    return {"type": "about:blank", "title": code.replace("_", " "), "detail": detail, "code": code}


async def _json(send: Send, status: int, data: Any, origin: str = "") -> None:
    body = b"" if data is None else msgspec.json.encode(data)
    headers = [
        (b"content-type", b"application/json" if status < 400 else b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"access-control-allow-origin", origin.encode("latin-1") if origin else b"*"),
        (b"access-control-allow-headers", b"authorization, content-type"),
        (b"access-control-allow-methods", b"GET, POST, DELETE, OPTIONS"),
        (b"access-control-max-age", b"600"),
        (b"vary", b"origin"),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
