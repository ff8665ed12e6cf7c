"""Access to the state within bounds: find people and messages, add to chats, keep files."""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import msgspec

from switchboard.sandbox.state import COLORS, Bubble, Chat, Customer, Media, State, digits


class Bounds(msgspec.Struct, frozen=True):
    """How much is kept."""

    chats: int
    bubbles: int
    media_bytes: int


class Store:
    """Access to the state within its bounds."""

    def __init__(self, state: State, bounds: Bounds) -> None:
        self.state = state
        self._bounds = bounds
        self._media_bytes = sum(len(m.content) for m in state.media.values())
        self._recent: OrderedDict[str, None] = OrderedDict.fromkeys(state.chats)
        self._people: dict[str, str] = {}
        self._said: dict[tuple[str, str, str], str] = {}
        for customer in state.customers.values():
            self._index(customer)
        for chat in state.chats.values():
            for bubble in chat.bubbles:
                self._said[chat.platform, chat.account, bubble.id] = chat.key

    def _index(self, customer: Customer) -> None:
        for name in _names(customer):
            self._people[name] = customer.id

    def _person(self, name: str) -> Customer | None:
        return self.state.customers.get(self._people.get(name, ""))

    def customer_by_phone(self, phone: str) -> Customer | None:
        """The person with this number; signs and spaces do not matter."""
        return self._person("phone:" + "".join(c for c in phone if c.isdigit()))

    def customer_by_user_id(self, user_id: str) -> Customer | None:
        """The person with this WhatsApp user id."""
        return self._person(f"user:{user_id}")

    def customer_by_telegram(self, telegram_id: int) -> Customer | None:
        """The person with this Telegram id."""
        return self._person(f"telegram:{telegram_id}")

    def customer_by_email(self, address: str) -> Customer | None:
        """The person with this address."""
        return self._person(f"email:{address.strip().lower()}")

    def known_as(self, customer: Customer, space: str, make: Callable[[], str]) -> str:
        """The person's id in a space, made when they come there first."""
        if space not in customer.handles:
            customer.handles[space] = make()
            self._index(customer)
        return customer.handles[space]

    def customer_known_as(self, space: str, handle: str) -> Customer | None:
        """The person with this id in this space."""
        return self._person(f"{space}={handle}")

    def new_customer(self, given: dict[str, Any]) -> Customer:
        """Make a person; whatever is not given is invented. An id that exists is changed instead."""
        fields = {k: v for k, v in given.items() if v is not None}
        number = self.state.counter
        self.state.counter += 1
        customer_id = str(fields.pop("id", "") or f"c{number}")
        old = self.state.customers.get(customer_id)
        invented = (
            msgspec.to_builtins(old)
            if old
            else {
                "name": f"Customer {number}",
                "color": COLORS[number % len(COLORS)],
                "phone": "8613" + digits(9),
                "user_id": "CN." + digits(16),
                "telegram_id": 700_000_000 + secrets.randbelow(200_000_000),
                "email": f"{customer_id}@customers.example",
            }
        )
        customer = msgspec.convert({**invented, **fields, "id": customer_id}, Customer)
        for name in _names(old) if old else ():
            self._people.pop(name, None)
        self.state.customers[customer_id] = customer
        self._index(customer)
        return customer

    def chat(self, platform: str, account: str, peer: str, business: str = "") -> Chat:
        """The chat, made when it is new."""
        key = ":".join(filter(None, (platform, account, business, peer)))
        chat = self.state.chats.get(key)
        if chat is None:
            while len(self.state.chats) >= self._bounds.chats:
                self._drop(self._recent.popitem(last=False)[0])
            chat = Chat(key=key, platform=platform, account=account, peer=peer, business=business)
            self.state.chats[key] = chat
        self._recent[key] = None
        self._recent.move_to_end(key)
        return chat

    def _drop(self, key: str) -> None:
        chat = self.state.chats.pop(key, None)
        if chat is None:
            return
        for bubble in chat.bubbles:
            self._said.pop((chat.platform, chat.account, bubble.id), None)

    def forget(self, account: str) -> None:
        """Drop an account's chats."""
        for key in [k for k, c in self.state.chats.items() if c.account == account]:
            self._recent.pop(key, None)
            self._drop(key)

    def forget_customer(self, customer_id: str) -> None:
        """Drop a person and their chats."""
        for name in _names(self.state.customers.pop(customer_id)):
            self._people.pop(name, None)
        for key in [k for k, c in self.state.chats.items() if c.peer == customer_id]:
            self._recent.pop(key, None)
            self._drop(key)

    def say(self, chat: Chat, bubble: Bubble) -> None:
        """Append a message."""
        chat.bubbles.append(bubble)
        self._said[chat.platform, chat.account, bubble.id] = chat.key
        while len(chat.bubbles) > self._bounds.bubbles:
            self._said.pop((chat.platform, chat.account, chat.bubbles.pop(0).id), None)
        chat.last_at = bubble.at
        if bubble.side == "customer":
            chat.last_inbound_at = bubble.at
            chat.unread = 0
        else:
            chat.unread += 1

    def find(self, platform: str, account: str, bubble_id: str) -> tuple[Chat, Bubble] | None:
        """A message of this account by its platform id (for ids that are unique per account)."""
        chat = self.state.chats.get(self._said.get((platform, account, bubble_id), ""))
        bubble = chat.find(bubble_id) if chat else None
        return (chat, bubble) if chat and bubble else None

    def keep(
        self,
        *,
        account: str,
        name: str,
        content_type: str,
        content: bytes,
        now: float,
        key: str = "",
        expires_at: float = 0.0,
    ) -> Media:
        """Store a file; the oldest give way."""
        media = Media(
            key=key or secrets.token_urlsafe(18),
            account=account,
            name=name,
            content_type=content_type,
            content=content,
            created_at=now,
            expires_at=expires_at,
        )
        self.state.media[media.key] = media
        self._media_bytes += len(content)
        while self._media_bytes > self._bounds.media_bytes and len(self.state.media) > 1:
            oldest = next(iter(self.state.media))
            self._media_bytes -= len(self.state.media.pop(oldest).content)
        return media


def _names(customer: Customer) -> tuple[str, ...]:
    return (
        f"phone:{customer.phone}",
        f"user:{customer.user_id}",
        f"telegram:{customer.telegram_id}",
        f"email:{customer.email.lower()}",
        *(f"{space}={handle}" for space, handle in customer.handles.items()),
    )
