"""The rest of the control API: customers, files, faults, clock, ledger, the page's own reads."""

import mimetypes
from typing import Any

import msgspec
from msgspec.structs import asdict

from switchboard.sandbox.control.accounts import Account, described
from switchboard.sandbox.control.play import Play
from switchboard.sandbox.faults import Fault
from switchboard.sandbox.graph.errors import CODES
from switchboard.sandbox.platforms import Platforms
from switchboard.sandbox.state import Chat
from switchboard.sandbox.web import Handler, Refused, Request, Response, Router, json_response
from switchboard.sandbox.world import World

Json = dict[str, Any]
CHATS_SHOWN = 300
CUSTOMERS_SHOWN = 500
LEDGER_PAGE = 10_000
SHOWN_INLINE = ("image/png", "image/jpeg", "image/webp", "image/gif", "audio/", "video/", "application/pdf")


class Desk:
    """Handlers."""

    def __init__(self, world: World, play: Play, platforms: Platforms) -> None:
        self._platforms = platforms
        self._world = world
        self._play = play

    def routes(self, router: Router) -> None:
        """Register."""
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/health", self.info),
            ("GET", "/sandbox/info", self.info),
            ("GET", "/sandbox/state", self.state),
            ("GET", "/sandbox/chats/(?P<key>.+)/bubbles", self.chat),
            ("POST", "/sandbox/chats/(?P<key>.+)/read", self.read_chat),
            ("GET", "/sandbox/events", self.events),
            ("GET", "/sandbox/customers", self.customers),
            ("POST", "/sandbox/customers", self.add_customer),
            ("PATCH", "/sandbox/customers/{id}", self.change_customer),
            ("DELETE", "/sandbox/customers/{id}", self.remove_customer),
            ("POST", "/sandbox/media", self.add_file),
            ("GET", "/sandbox/media/{key}", self.file),
            ("GET", "/sandbox/faults", self.faults),
            ("POST", "/sandbox/faults", self.add_fault),
            ("DELETE", "/sandbox/faults", self.clear_faults),
            ("DELETE", "/sandbox/faults/{id}", self.clear_faults),
            ("GET", "/sandbox/clock", self.clock),
            ("POST", "/sandbox/clock", self.set_clock),
            ("GET", "/sandbox/ledger", self.ledger),
            ("DELETE", "/sandbox/ledger", self.clear_ledger),
            ("GET", "/sandbox/webhooks", self.webhooks),
        ]
        for method, pattern, handler in table:
            router.add(method, pattern, handler)

    async def info(self, request: Request) -> Response:
        """Where everything listens."""
        host = self._world.config.mail_host
        return json_response(
            {
                "url": request.origin,
                "smtp": {"host": host, "port": self._world.smtp_port},
                "pop3": {"host": host, "port": self._world.pop3_port},
                "smpp": {"host": host, "port": self._world.smpp_port},
                "offset_seconds": self._world.clock.offset_seconds,
            }
        )

    async def state(self, request: Request) -> Response:
        """What the page needs at first: people, accounts and the latest chats without their messages."""
        world, state = self._world, self._world.state
        accounts: list[Account] = [
            *state.numbers.values(),
            *state.bots.values(),
            *state.links.values(),
            *state.mailboxes.values(),
            *state.accounts.values(),
        ]
        chats = sorted(state.chats.values(), key=lambda c: c.last_at, reverse=True)[:CHATS_SHOWN]
        people = {c.peer for c in chats}
        customers = [c for c in state.customers.values() if c.id in people]
        others = [c for c in state.customers.values() if c.id not in people]
        return json_response(
            {
                "customers": [*customers, *others[: max(0, CUSTOMERS_SHOWN - len(customers))]],
                "platforms": [{"name": n, **asdict(p.look)} for n, p in self._platforms.by_name.items()],
                "accounts": [
                    described(world, self._platforms, account, request.origin) for account in accounts
                ],
                "chats": [self._summary(chat) for chat in chats],
                "faults": world.faults.armed(),
                "offset_seconds": world.clock.offset_seconds,
            }
        )

    def _summary(self, chat: Chat) -> Json:
        last = chat.bubbles[-1] if chat.bubbles else None
        return {
            "key": chat.key,
            "platform": chat.platform,
            "account": chat.account,
            "peer": chat.peer,
            "business": chat.business,
            "title": chat.title,
            "blocked": chat.blocked,
            "unread": chat.unread,
            "keyboard": chat.keyboard,
            "last_at": chat.last_at,
            "last_inbound_at": chat.last_inbound_at,
            "last": {"kind": last.kind, "text": last.text[:80], "title": last.title, "side": last.side}
            if last
            else None,
            "typing_seconds": max(0.0, chat.typing_until - self._world.clock.now()),
        }

    def _chat(self, key: str) -> Chat:
        chat = self._world.state.chats.get(key)
        if chat is None:
            raise Refused(404, "there is no such chat")
        return chat

    async def chat(self, request: Request, key: str) -> Response:
        """One chat with all that is kept of it."""
        del request
        chat = self._chat(key)
        return json_response({**self._summary(chat), "bubbles": chat.bubbles})

    async def read_chat(self, request: Request, key: str) -> Response:
        """The customer has read everything."""
        del request
        self._play.read(self._chat(key))
        return json_response({"ok": True})

    async def events(self, request: Request) -> Response:
        """Changes as server-sent events."""
        del request
        return Response(
            self._world.feed.listen(), content_type="text/event-stream", headers={"cache-control": "no-store"}
        )

    async def customers(self, request: Request) -> Response:
        """Everybody."""
        del request
        return json_response({"items": list(self._world.state.customers.values())})

    async def add_customer(self, request: Request) -> Response:
        """A person; all fields are optional. With a known id the person is changed."""
        customer = self._world.store.new_customer(request.json())
        self._world.feed.publish("customers")
        return json_response(customer, 201)

    async def change_customer(self, request: Request, id: str) -> Response:  # noqa: A002
        """Change single fields."""
        if id not in self._world.state.customers:
            raise Refused(404, "there is no such customer")
        customer = self._world.store.new_customer({**request.json(), "id": id})
        self._world.feed.publish("customers")
        return json_response(customer)

    async def remove_customer(self, request: Request, id: str) -> Response:  # noqa: A002
        """Forget a person and their chats."""
        del request
        if id not in self._world.state.customers:
            raise Refused(404, "there is no such customer")
        self._world.store.forget_customer(id)
        self._world.feed.publish("customers")
        return json_response({"ok": True})

    async def add_file(self, request: Request) -> Response:
        """A file for a customer to send: multipart field `file`, or the raw body with `?name=`."""
        kind = request.headers.get("content-type", "")
        if kind.startswith("multipart/form-data"):
            _, files = request.form()
            if "file" not in files:
                raise Refused(422, "file: is missing")
            name, kind, content = files["file"].name, files["file"].content_type, files["file"].content
        else:
            name, content = request.query.get("name", "file.bin"), request.body
            kind = kind or mimetypes.guess_type(name)[0] or "application/octet-stream"
        media = self._world.store.keep(
            account="sandbox",
            name=name,
            content_type=kind.partition(";")[0],
            content=content,
            now=self._world.clock.now(),
        )
        return json_response(
            {"key": media.key, "content_type": media.content_type, "size": len(content)}, 201
        )

    async def file(self, request: Request, key: str) -> Response:
        """A file for the page; nothing in it may run."""
        del request
        media = self._world.state.media.get(key)
        if media is None:
            raise Refused(404, "there is no such file")
        inline = media.content_type.startswith(SHOWN_INLINE)
        headers = {
            "content-security-policy": "sandbox",
            "x-content-type-options": "nosniff",
            "content-disposition": "inline" if inline else "attachment",
        }
        kind = media.content_type if inline else "application/octet-stream"
        return Response(media.content, content_type=kind, headers=headers)

    async def faults(self, request: Request) -> Response:
        """What is armed, and WhatsApp's codes with their meaning."""
        del request
        codes = {str(code): title for code, (_, title, _) in CODES.items()}
        return json_response({"items": self._world.faults.armed(), "whatsapp_codes": codes})

    async def add_fault(self, request: Request) -> Response:
        """Ask for a failure; see faults.Fault for the fields."""
        fault = self._world.faults.add(msgspec.convert(request.json(), Fault))
        self._world.feed.publish("faults")
        return json_response(fault, 201)

    async def clear_faults(self, request: Request, id: str = "") -> Response:  # noqa: A002
        """Disarm one, or all."""
        del request
        self._world.faults.remove(id)
        self._world.feed.publish("faults")
        return json_response({"ok": True})

    async def clock(self, request: Request) -> Response:
        """The sandbox's time."""
        del request
        return json_response(
            {"now": self._world.clock.now(), "offset_seconds": self._world.clock.offset_seconds}
        )

    async def set_clock(self, request: Request) -> Response:
        """`{"shift_seconds": n}` moves it, `{"reset": true}` sets it right."""
        body = request.json()
        if body.get("reset"):
            self._world.clock.reset()
        self._world.clock.shift(float(body.get("shift_seconds") or 0))
        self._world.feed.publish("clock")
        return await self.clock(request)

    async def ledger(self, request: Request) -> Response:
        """Messages from the product after `?since=`, in order of arrival; at most `?limit=` (10,000)."""
        since, limit = request.query.get("since", "0"), request.query.get("limit", str(LEDGER_PAGE))
        if not since.isdigit() or not limit.isdigit():
            raise Refused(422, "since and limit must be numbers")
        return json_response(self._world.ledger.since(int(since), min(int(limit), LEDGER_PAGE)))

    async def clear_ledger(self, request: Request) -> Response:
        """Begin again at 1."""
        del request
        self._world.ledger.clear()
        return json_response({"ok": True})

    async def webhooks(self, request: Request) -> Response:
        """How many calls wait, how many were dropped, and the latest ones with their outcome."""
        limit = int(request.query.get("limit", "100"))
        return json_response(
            {
                "waiting": self._world.waiting(),
                "dropped": self._world.dropped(),
                "items": self._world.calls.latest(min(limit, 2_000)),
            }
        )
