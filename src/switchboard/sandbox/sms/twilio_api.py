"""The REST API of Twilio: messages, media, numbers, the messaging service."""

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

import httpx

from switchboard.sandbox.faults import Fault
from switchboard.sandbox.sms import twilio_account as held
from switchboard.sandbox.sms.segments import segments
from switchboard.sandbox.sms.twilio_account import Fields, one
from switchboard.sandbox.sms.twilio_errors import MAGIC_FROM, MAGIC_TO, UNDELIVERED, TwilioError
from switchboard.sandbox.state import Bubble, Chat, PlatformAccount, attachment
from switchboard.sandbox.web import NotMine, Request, Response, json_response
from switchboard.sandbox.world import FetchFailed, World, after, before

Json = dict[str, Any]
NAME = "sms_twilio"
LONGEST = 1600
MOST_MEDIA = 10


class TwilioApi:
    """Handlers. `call_back` posts a signed form."""

    def __init__(self, world: World, call_back: Callable[..., None]) -> None:
        self.world = world
        self._call_back = call_back

    def _mine(self, request: Request, sid: str) -> PlatformAccount:
        account = held.authorised(self.world, request, NAME)
        if sid != account.id:
            raise TwilioError(20404, request.path)
        return account

    async def _begin(self, account: PlatformAccount, *, sends: bool) -> tuple[Fault | None, Response | None]:
        fault = self.world.faults.take(NAME, account.id, sends=sends)
        early = await before(fault)
        if early is None and fault is not None and fault.kind == "error":
            raise TwilioError(fault.code or 20500)
        if sends and account.settings.get("status", "active") != "active":
            raise TwilioError(20005)
        return fault, early

    # -- messages ------------------------------------------------------------------------------------------

    async def send(self, request: Request, sid: str) -> Response:
        """POST Messages.json"""
        account = self._mine(request, sid)
        fault, early = await self._begin(account, sends=True)
        if early is not None:
            return early
        form = held.fields(request)
        to, sender, by_service = self._addressed(account, form)
        body, media = one(form, "Body"), form.get("MediaUrl", [])
        callback = self._checked(account, form, body, media, to)
        customer = self.world.store.customer_by_phone(to)
        chat = self.world.store.chat(NAME, account.id, customer.id if customer else to)
        bubble = Bubble(
            id=("MM" if media else "SM") + secrets.token_hex(16), side="business", kind="image" if media else "text",
            at=self.world.clock.now(), text=body, status="queued", raw={k: v[-1] for k, v in form.items()},
        )  # fmt: skip
        status = "accepted" if by_service else "queued"
        kept = self.keep(
            account,
            bubble.id,
            bubble,
            frm=sender,
            to=to,
            direction="outbound-api",
            status=status,
            media=len(media),
        )
        kept["messaging_service_sid"] = by_service or None
        answer = json_response(dict(kept), 201)
        if by_service:
            kept["from"] = sender
        self.world.show(chat, bubble)
        self.world.note(
            message_id=bubble.id, platform=NAME, account=account.id, to=to, kind=bubble.kind, text=body,
            body={**bubble.raw, "MediaUrl": media} if media else bubble.raw, fault=fault,
        )  # fmt: skip
        code = fault.code if fault is not None and fault.kind == "status" else 0
        if code == 0 and (customer is None or chat.blocked):
            code = 30005 if customer is None else 30003
        self.world.spawn(self._deliver(account, chat, bubble, callback, media, code))
        return after(fault, answer)

    def _addressed(self, account: PlatformAccount, form: Fields) -> tuple[str, str, str]:
        if not one(form, "To"):
            raise TwilioError(21604)
        to = held.normal(one(form, "To"))
        if to in MAGIC_TO:
            raise TwilioError(MAGIC_TO[to], to)
        sender, by_service = one(form, "From"), one(form, "MessagingServiceSid")
        if by_service:
            if by_service != account.settings["messaging_service_sid"]:
                raise TwilioError(21701, by_service)
            if not held.numbers(account):
                raise TwilioError(21703)
            return to, sender or next(iter(held.numbers(account))), by_service
        if not sender:
            raise TwilioError(21603)
        if sender in MAGIC_FROM:
            raise TwilioError(MAGIC_FROM[sender], sender)
        if sender not in held.numbers(account) and sender not in account.settings.get("senders", []):
            raise TwilioError(21659, sender)
        return to, sender, ""

    def _checked(self, account: PlatformAccount, form: Fields, body: str, media: list[str], to: str) -> str:
        if not body and not media:
            raise TwilioError(21602)
        if len(body) > LONGEST:
            raise TwilioError(21617)
        if len(media) > MOST_MEDIA:
            raise TwilioError(21623)
        for url in media:
            if not _is_url(url):
                raise TwilioError(21620, url)
        callback = one(form, "StatusCallback")
        if callback and not _is_url(callback):
            raise TwilioError(21609, callback)
        if to in held.opted_out(account):
            raise TwilioError(21610)
        return callback or str(held.messaging_service(account)["status_callback"] or "")

    async def _deliver(
        self, account: PlatformAccount, chat: Chat, bubble: Bubble, callback: str, media: list[str], code: int
    ) -> None:
        for url in media:
            try:
                file = await self.world.fetch(url, account.id)
            except FetchFailed as error:
                bubble.error, code = str(error), 11200
                continue
            bubble.attachments.append(attachment(file, file.content_type.partition("/")[0]))
        steps = ["sent", "delivered"]
        if code:
            steps = ["failed"] if code == 11200 or code in UNDELIVERED else ["sent", "undelivered"]
        for status in steps:
            await asyncio.sleep(self.world.config.receipt_delay_seconds)
            self._status(account, chat, bubble, callback, status, code if status == steps[-1] else 0)

    def _status(
        self, account: PlatformAccount, chat: Chat, bubble: Bubble, callback: str, status: str, code: int
    ) -> None:
        bubble.status = "failed" if code else status
        bubble.error = f"ErrorCode {code}" if code else bubble.error
        self.world.changed(chat, bubble)
        kept = held.messages(account).get(bubble.id)
        if kept is None:
            return
        kept.update(status=status, date_updated=held.rfc2822(self.world.clock.now()), error_code=code or None)
        if status == "sent":
            kept["date_sent"] = kept["date_updated"]
        if not callback:
            return
        form = {
            "AccountSid": account.id, "ApiVersion": held.VERSION, "From": kept["from"], "To": kept["to"],
            "MessageSid": bubble.id, "SmsSid": bubble.id, "MessageStatus": status, "SmsStatus": status,
        }  # fmt: skip
        if kept["messaging_service_sid"]:
            form["MessagingServiceSid"] = kept["messaging_service_sid"]
        if code:
            form["ErrorCode"] = str(code)
        self._call_back(account, f"status:{bubble.id}", callback, form)

    def keep(
        self, account: PlatformAccount, sid: str, bubble: Bubble, *,
        frm: str, to: str, direction: str, status: str, media: int = 0,
    ) -> Json:  # fmt: skip
        """Keep a message as the API shows it."""
        now = held.rfc2822(self.world.clock.now())
        uri = f"/{held.VERSION}/Accounts/{account.id}/Messages/{sid}"
        made: Json = {
            "sid": sid, "account_sid": account.id, "api_version": held.VERSION, "body": bubble.text,
            "date_created": now, "date_updated": now, "date_sent": None if status != "received" else now,
            "direction": direction, "error_code": None, "error_message": None, "from": frm, "to": to,
            "messaging_service_sid": None, "num_media": str(media or len(bubble.attachments)),
            "num_segments": str(segments(bubble.text)), "price": None, "price_unit": "USD", "status": status,
            "subresource_uris": {"media": f"{uri}/Media.json"}, "uri": f"{uri}.json",
        }  # fmt: skip
        held.messages(account)[sid] = made
        return made

    async def list_messages(self, request: Request, sid: str) -> Response:
        """GET Messages.json, newest first; filters To, From, PageSize."""
        account = self._mine(request, sid)
        wanted = {name: request.query[name] for name in ("To", "From") if name in request.query}
        found = [
            m for m in reversed(held.messages(account).values())
            if all(m[name.lower()] == value for name, value in wanted.items())
        ]  # fmt: skip
        return json_response(_page(request, "messages", found))

    async def message(self, request: Request, sid: str, message: str) -> Response:
        """Read, redact (POST Body=) or delete a message."""
        account = self._mine(request, sid)
        kept = held.messages(account).get(message)
        if kept is None:
            raise TwilioError(20404, request.path)
        if request.method == "DELETE":
            del held.messages(account)[message]
            return Response(status=204)
        if request.method == "POST":
            kept["body"] = one(held.fields(request), "Body")
        return json_response(kept)

    # -- media ---------------------------------------------------------------------------------------------

    async def list_media(self, request: Request, sid: str, message: str) -> Response:
        """GET Media.json of a message."""
        account = self._mine(request, sid)
        found = self.world.store.find(NAME, account.id, message)
        files = found[1].attachments if found else []
        listed = [
            {"sid": f.key, "parent_sid": message, "account_sid": account.id, "content_type": f.content_type,
             "uri": f"{request.path.removesuffix('.json')}/{f.key}.json"}
            for f in files
        ]  # fmt: skip
        return json_response(_page(request, "media_list", listed))

    async def media(self, request: Request, sid: str, message: str, media: str) -> Response:
        """A file: with .json its description, without it an address that needs no credentials."""
        account = self._mine(request, sid)
        fault, early = await self._begin(account, sends=False)
        if early is not None:
            return early
        key, found = media.removesuffix(".json"), self.world.store.find(NAME, account.id, message)
        file = self.world.state.media.get(key)
        if file is None or found is None or key not in [a.key for a in found[1].attachments]:
            raise TwilioError(20404, request.path)
        if request.method == "DELETE":
            del self.world.state.media[key]
            return Response(status=204)
        if media.endswith(".json"):
            return json_response({"sid": key, "parent_sid": message, "content_type": file.content_type})
        moved = Response(status=307, headers={"location": f"{request.origin}/twilio-media/{key}"})
        return after(fault, moved)

    async def stored(self, request: Request, key: str) -> Response:
        """The file itself, on another host in reality."""
        del request
        file = self.world.state.media.get(key)
        if file is None or not key.startswith("ME"):
            return Response(status=404)
        return Response(file.content, content_type=file.content_type)

    # -- account, numbers, messaging service ---------------------------------------------------------------

    async def accounts(self, request: Request) -> Response:
        """GET Accounts.json"""
        account = held.authorised(self.world, request, NAME)
        return json_response(_page(request, "accounts", [_account_json(account)]))

    async def account(self, request: Request, sid: str) -> Response:
        """GET Accounts/{sid}.json"""
        account = self._mine(request, sid)
        _, early = await self._begin(account, sends=False)
        return early or json_response(_account_json(account))

    async def list_numbers(self, request: Request, sid: str) -> Response:
        """GET IncomingPhoneNumbers.json"""
        account = self._mine(request, sid)
        _, early = await self._begin(account, sends=False)
        if early is not None:
            return early
        wanted = request.query.get("PhoneNumber", "")
        found = [held.number_json(account, n) for n in held.numbers(account) if not wanted or wanted in n]
        return json_response(_page(request, "incoming_phone_numbers", found))

    async def number(self, request: Request, sid: str, number: str) -> Response:
        """Read a number, or set its addresses."""
        account = self._mine(request, sid)
        found = next((n for n in held.numbers(account) if held.number_sid(account, n) == number), None)
        if found is None:
            raise TwilioError(20404, request.path)
        if request.method == "POST":
            form, names = (
                held.fields(request),
                {
                    "SmsUrl": "sms_url",
                    "SmsFallbackUrl": "sms_fallback_url",
                    "StatusCallback": "status_callback",
                },
            )
            for name in names.keys() & form.keys():
                if one(form, name) and not _is_url(one(form, name)):
                    raise TwilioError(21609, one(form, name))
                held.numbers(account)[found][names[name]] = one(form, name)
        return json_response(held.number_json(account, found))

    async def services(self, request: Request) -> Response:
        """GET /v1/Services of messaging.twilio.com"""
        account = held.authorised(self.world, request, NAME)
        return json_response(
            {
                "services": [held.messaging_service(account)],
                "meta": {"key": "services", "page": 0, "page_size": 50},
            }
        )

    async def one_service(self, request: Request, service: str) -> Response:
        """Read the messaging service, or set its addresses."""
        if not service.startswith("MG"):
            raise NotMine
        account = held.authorised(self.world, request, NAME)
        found = held.messaging_service(account)
        if found["sid"] != service:
            raise TwilioError(20404, request.path)
        if request.method == "POST":
            form = held.fields(request)
            names = {"InboundRequestUrl": "inbound_request_url", "StatusCallback": "status_callback"}
            for name in names.keys() & form.keys():
                found[names[name]] = one(form, name) or None
            if "UseInboundWebhookOnNumber" in form:
                found["use_inbound_webhook_on_number"] = (
                    one(form, "UseInboundWebhookOnNumber").lower() == "true"
                )
        return json_response(found)

    async def service_numbers(self, request: Request, service: str) -> Response:
        """The senders of the messaging service."""
        account = held.authorised(self.world, request, NAME)
        if held.messaging_service(account)["sid"] != service:
            raise TwilioError(20404, request.path)
        found = [
            {
                "sid": held.number_sid(account, n),
                "service_sid": service,
                "phone_number": n,
                "country_code": "US",
            }
            for n in held.numbers(account)
        ]
        return json_response(
            {"phone_numbers": found, "meta": {"key": "phone_numbers", "page": 0, "page_size": 50}}
        )

    async def unknown(self, request: Request) -> Response:
        """Any other path."""
        held.authorised(self.world, request, NAME)
        raise TwilioError(20404, request.path)


def _is_url(value: str) -> bool:
    try:
        url = httpx.URL(value)
    except httpx.InvalidURL:
        return False
    return url.scheme in {"http", "https"} and bool(url.host)


def _account_json(account: PlatformAccount) -> Json:
    return {
        "sid": account.id, "friendly_name": account.name, "status": account.settings.get("status", "active"),
        "type": "Full", "owner_account_sid": account.id, "uri": f"/{held.VERSION}/Accounts/{account.id}.json",
    }  # fmt: skip


def _page(request: Request, key: str, rows: list[Json]) -> Json:
    size = request.query.get("PageSize", "50")
    size = size if size.isdigit() else "50"
    return {
        key: rows[: int(size)], "page": 0, "page_size": int(size), "start": 0, "end": max(0, len(rows) - 1),
        "uri": request.path, "first_page_uri": request.path, "next_page_uri": None, "previous_page_uri": None,
    }  # fmt: skip
