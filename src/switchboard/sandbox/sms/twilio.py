"""Twilio's stand-in: messages both ways, status callbacks, opt-outs, numbers and their webhook addresses."""

import secrets
from typing import Any, ClassVar

from switchboard.sandbox.sms import twilio_account as held
from switchboard.sandbox.sms.segments import segments
from switchboard.sandbox.sms.twilio_api import TwilioApi
from switchboard.sandbox.sms.twilio_errors import CODES, TwilioError
from switchboard.sandbox.standin import Look, Move, StandIn
from switchboard.sandbox.state import Bubble, Chat, Customer, PlatformAccount, attachment, digits
from switchboard.sandbox.web import Handler, Refused, Request, Response, Router
from switchboard.sandbox.webhooks import Call, Target
from switchboard.sandbox.world import World

Json = dict[str, Any]
FILES = ("image", "video", "audio", "voice", "document", "file")
CONNECT_ATTEMPTS = 2
"""A webhook that can't be connected to is tried once more; any other failure goes to the fallback address, if there is one."""
REPLIES = {
    "STOP": "You have successfully been unsubscribed. You will not receive any more messages from this number. "
    "Reply START to resubscribe.",
    "START": "You have successfully been re-subscribed to messages from this number. Reply HELP for help. "
    "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
    "HELP": "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
}


class Twilio(StandIn):
    """Programmable Messaging."""

    name: ClassVar[str] = "sms_twilio"
    look: ClassVar[Look] = Look(
        en="SMS (Twilio)",
        zh="短信（Twilio）",
        color="#f22f46",
        mark="Tw",
        shown=("auth_token", "numbers", "messaging_service_sid", "api_key", "api_secret"),
        codes=CODES,
        files=("image", "video", "audio", "document"),
        moves=(
            Move(en="STOP (opt out)", zh="STOP（退订）", wish={"text": "STOP"}),
            Move(en="START (opt in again)", zh="START（重新订阅）", wish={"text": "START"}),
            Move(en="HELP", zh="HELP（帮助）", wish={"text": "HELP"}),
            Move(en="Switch the phone off", zh="关机", wish={"action": "block"}),
            Move(en="Switch the phone on", zh="开机", wish={"action": "unblock"}),
        ),
    )

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._api = TwilioApi(world, self.call_back)

    def routes(self, router: Router) -> None:
        """Register api.twilio.com and messaging.twilio.com."""
        api, root = self._api, f"/{held.VERSION}/Accounts"
        one = f"{root}/{{sid}}"
        table: list[tuple[str, str, Handler]] = [
            ("GET", f"{root}\\.json", api.accounts),
            ("GET", f"{root}/(?P<sid>[^/]+)\\.json", api.account),
            ("POST", f"{one}/Messages\\.json", api.send),
            ("GET", f"{one}/Messages\\.json", api.list_messages),
            ("*", f"{one}/Messages/(?P<message>[^/]+)\\.json", api.message),
            ("GET", f"{one}/Messages/{{message}}/Media\\.json", api.list_media),
            ("*", f"{one}/Messages/{{message}}/Media/(?P<media>[^/]+)", api.media),
            ("GET", f"{one}/IncomingPhoneNumbers\\.json", api.list_numbers),
            ("*", f"{one}/IncomingPhoneNumbers/(?P<number>[^/]+)\\.json", api.number),
            ("GET", "/v1/Services", api.services),
            ("*", "/v1/Services/{service}", api.one_service),
            ("GET", "/v1/Services/{service}/PhoneNumbers", api.service_numbers),
            ("*", f"/{held.VERSION}/.*", api.unknown),
        ]
        for method, pattern, handler in table:
            router.add(method, pattern, _guard(handler))
        router.add("GET", "/twilio-media/{key}", api.stored)

    def invent(self, given: Json) -> tuple[str, str, Json]:
        """An account with one number."""
        settings = {
            "auth_token": secrets.token_hex(16),
            "api_key": "SK" + secrets.token_hex(16),
            "api_secret": secrets.token_urlsafe(24)[:32],
            "numbers": ["+1555" + digits(7)],
            "messaging_service_sid": "MG" + secrets.token_hex(16),
            "advanced_opt_out": True,
        }
        return str(given.get("id") or "AC" + secrets.token_hex(16)), "Sandbox Shop", settings

    # -- webhooks ------------------------------------------------------------------------------------------

    def call_back(
        self, account: PlatformAccount, lane: str, url: str, form: dict[str, str], spare: str = ""
    ) -> None:
        """Post a signed form. Twilio does not repeat what was answered badly; `spare` is asked instead, once."""
        refused: list[int] = []
        token = secrets.token_hex(16)

        def address() -> str:
            if all(status == 0 for status in refused) and len(refused) < CONNECT_ATTEMPTS:
                return url
            connected = [status for status in refused if status]
            return spare if len(connected) < 2 and len(refused) <= CONNECT_ATTEMPTS else ""

        def target(body: bytes) -> Target | None:
            del body
            to = address()
            if not to:
                return None
            headers = {
                "content-type": "application/x-www-form-urlencoded; charset=UTF-8",
                "x-twilio-signature": held.signature(str(account.settings["auth_token"]), to, form),
                "user-agent": "TwilioProxy/1.1",
                "i-twilio-idempotency-token": token,
            }
            return Target(to, headers)

        def settled(call: Call) -> None:
            if not call.done:
                refused.append(call.status)

        body = held.encoded(form)
        self.world.outbox(account.id).put(
            lane, body, target, platform=self.name, account=account.id, settled=settled
        )

    # -- the customer's side -------------------------------------------------------------------------------

    def message(
        self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json, origin: str
    ) -> list[Bubble]:
        """A text or MMS to one of the numbers (`number` says which, the first by default)."""
        kind = str(wish.get("type") or "text")
        if kind not in ("text", *FILES):
            raise Refused(422, f"type: a text message can't carry {kind}")
        number = str(wish.get("number") or next(iter(held.numbers(account))))
        if number not in held.numbers(account):
            raise Refused(404, "number: the account has no such number")
        keys = [*([wish["file"]] if wish.get("file") else []), *(wish.get("files") or [])]
        sources = [self.world.state.media.get(str(key)) for key in keys]
        if None in sources or (kind != "text" and not sources):
            raise Refused(400, "file: give the key that POST /sandbox/media answered")
        sid = str(wish.get("id") or ("MM" if sources else "SM") + secrets.token_hex(16))
        bubble = Bubble(
            id=sid, side="customer", kind=kind, at=self.world.clock.now(), text=str(wish.get("text") or "")
        )
        media = [
            self.world.store.keep(
                account=account.id, name=s.name, content_type=s.content_type, content=s.content,
                now=self.world.clock.now(), key="ME" + secrets.token_hex(16),
            )
            for s in sources if s is not None
        ]  # fmt: skip
        bubble.attachments = [attachment(m, kind if kind != "text" else "file") for m in media]
        word = bubble.text.strip().upper()
        form = self._inbound(account, customer, number, bubble, origin)
        subscription = self._subscription(account, customer, word)
        if subscription and account.settings.get("advanced_opt_out"):
            form["OptOutType"] = subscription
        form.update({str(k): str(v) for k, v in (wish.get("raw") or {}).items()})
        bubble.raw = dict(form)
        self._api.keep(
            account, sid, bubble, frm="+" + customer.phone, to=number, direction="inbound", status="received"
        )
        self.world.show(chat, bubble)
        address = held.inbound_address(account, number)
        if address:
            spare = str(held.numbers(account)[number]["sms_fallback_url"])
            self.call_back(account, chat.key, address, form, spare)
        if subscription:
            note = Bubble(
                id="SM" + secrets.token_hex(16), side="business", kind="text", at=self.world.clock.now(),
                text=REPLIES[subscription], status="delivered", footer="Twilio",
            )  # fmt: skip
            self.world.show(chat, note)
        return [bubble]

    def _inbound(
        self, account: PlatformAccount, customer: Customer, number: str, bubble: Bubble, origin: str
    ) -> dict[str, str]:
        form = {
            "ToCountry": "US", "ToState": "", "ToCity": "", "ToZip": "",
            "FromCountry": "", "FromState": "", "FromCity": "", "FromZip": "",
            "SmsMessageSid": bubble.id, "SmsSid": bubble.id, "MessageSid": bubble.id,
            "AccountSid": account.id, "SmsStatus": "received", "ApiVersion": held.VERSION,
            "NumMedia": str(len(bubble.attachments)), "NumSegments": str(segments(bubble.text)),
            "From": "+" + customer.phone, "To": number, "Body": bubble.text,
        }  # fmt: skip
        for index, one in enumerate(bubble.attachments):
            form[f"MediaContentType{index}"] = one.content_type
            form[f"MediaUrl{index}"] = (
                f"{origin}/{held.VERSION}/Accounts/{account.id}/Messages/{bubble.id}/Media/{one.key}"
            )
        return form

    def _subscription(self, account: PlatformAccount, customer: Customer, word: str) -> str:
        out, number = held.opted_out(account), "+" + customer.phone
        if word in held.STOP:
            if number not in out:
                out.append(number)
            return "STOP"
        if word in held.START and number in out:
            out.remove(number)
            return "START"
        return "HELP" if word in held.HELP else ""

    def act(self, account: PlatformAccount, customer: Customer, chat: Chat, action: str, wish: Json) -> None:
        """The phone is off (messages to it come back undelivered) and on again."""
        if action in {"block", "unblock"}:
            chat.blocked = action == "block"
        elif action != "typing":
            super().act(account, customer, chat, action, wish)

    def read(self, account: PlatformAccount, chat: Chat) -> None:
        """Nobody learns that a text message was read."""
        del account
        chat.unread = 0


def _guard(handler: Handler) -> Handler:
    async def guarded(request: Request, **names: str) -> Response:
        try:
            return await handler(request, **names)
        except TwilioError as error:
            return error.response()

    return guarded
