"""Put the past of chats in place without telling the product: `POST /sandbox/history`.

`{"items": [{"platform", "account", "customer", "bubbles": [{"side", "text", "at", "id"?}]}]}`; `at` is in
Unix seconds. Reply windows are open or shut by it as if it had been played.
"""

import secrets
from collections.abc import Container
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from switchboard.sandbox.bot.objects import private_chat
from switchboard.sandbox.state import Bubble, Customer, Side
from switchboard.sandbox.web import Refused, Request, Response, Router, json_response
from switchboard.sandbox.world import World


class PastBubble(msgspec.Struct, frozen=True):
    """One message of the past; on Telegram the sandbox numbers it itself."""

    side: Side
    text: str
    at: float
    id: str = ""


class PastChat(msgspec.Struct, frozen=True):
    """What one account and one customer said to each other."""

    platform: str
    account: str
    customer: str
    bubbles: list[PastBubble]


class Past(msgspec.Struct, frozen=True):
    """At most a thousand chats at once."""

    items: Annotated[list[PastChat], Meta(max_length=1000)]


class History:
    """The handler."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self, router: Router) -> None:
        """Register."""
        router.add("POST", "/sandbox/history", self.add)

    async def add(self, request: Request) -> Response:
        """Append to chats; answers how many messages were put in place."""
        past = msgspec.convert(request.json(), Past)
        for chat in past.items:
            self._check(chat)
        for chat in past.items:
            self._place(chat, self._world.state.customers[chat.customer])
        self._world.feed.publish("customers")
        return json_response({"bubbles": sum(len(chat.bubbles) for chat in past.items)}, 201)

    def _check(self, chat: PastChat) -> None:
        state = self._world.state
        tables: dict[str, Container[str]] = {
            "whatsapp": state.numbers,
            "telegram": state.bots,
            "custom": state.links,
            "email": state.mailboxes,
        }
        others = [a.id for a in state.accounts.values() if a.platform == chat.platform]
        if chat.account not in tables.get(chat.platform, others):
            raise Refused(404, f"account: there is no such {chat.platform} account")
        if chat.customer not in state.customers:
            raise Refused(404, "customer: there is no such customer")

    def _place(self, past: PastChat, customer: Customer) -> None:
        chat = self._world.store.chat(past.platform, past.account, customer.id)
        for one in past.bubbles:
            bubble_id = one.id or "past" + secrets.token_hex(10)
            raw = {}
            if past.platform == "telegram":
                bubble_id = str(chat.next_id)
                raw = {"message_id": chat.next_id, "date": int(one.at), "chat": private_chat(customer)}
                chat.next_id += 1
            status: Literal["read", ""] = "read" if one.side == "business" else ""
            kind = "mail" if past.platform == "email" else "text"
            bubble = Bubble(
                id=bubble_id, side=one.side, kind=kind, at=one.at, text=one.text, status=status, raw=raw
            )
            self._world.store.say(chat, bubble)
        chat.unread = 0
