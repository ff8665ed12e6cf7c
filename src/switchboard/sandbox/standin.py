"""What a platform's stand-in is: a subclass of StandIn in a folder of its own, named in `platforms.py`."""

from typing import Any, ClassVar

import msgspec

from switchboard.sandbox.state import Bubble, Chat, Customer, PlatformAccount
from switchboard.sandbox.web import Refused, Router
from switchboard.sandbox.world import World

Json = dict[str, Any]


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """Something a customer can do beyond writing, as a line in the page's attachment sheet.

    `wish` is what `POST /sandbox/play` gets; `ask` names a field of it for which the page asks first.
    """

    en: str
    zh: str
    wish: Json
    ask: str = ""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How the page shows a platform."""

    en: str
    zh: str
    color: str
    """Of the app's mark, `#rrggbb`."""
    mark: str
    """One or two letters in it."""
    shown: tuple[str, ...] = ()
    """Settings that one types into the product."""
    codes: tuple[int, ...] = ()
    """Error codes of the platform for `POST /sandbox/faults`, the likeliest first."""
    files: tuple[str, ...] = ("image", "video", "audio", "document")
    """Kinds of files that a customer can send here."""
    moves: tuple[Move, ...] = ()
    menu: tuple[str, ...] = ()
    """What else than answering can be done to a message: edit, revoke, reaction."""
    window_hours: float = 0.0
    """How long after the customer's last word the business may write; 0 = always."""
    calls: bool = True
    """Whether it calls a webhook address; else the product keeps a line to it."""


class StandIn:
    """Answers the platform's own paths and plays its customers' side.

    Errors of the platform's paths have the platform's form and are its own business; `Refused` is for the sandbox's
    control API. Webhooks go out by `world.outbox(account.id).put(chat.key, body, target, …)`, so that those of one
    chat keep their order and are repeated. Whatever the product sends is written down by `world.note` and shown by
    `world.show`.
    """

    name: ClassVar[str]
    """The platform in chats, faults, ledger and the control API."""
    look: ClassVar[Look]

    def __init__(self, world: World) -> None:
        self.world = world

    def routes(self, router: Router) -> None:
        """Register the platform's paths. A handler raises `NotMine` where the path belongs to a sibling."""

    async def start(self) -> None:
        """Open what the platform listens on beside HTTP; raises OSError."""

    async def stop(self) -> None:
        """Close it again."""

    def invent(self, given: Json) -> tuple[str, str, Json]:
        """Return id, name and settings (tokens, secrets, app ids) of a new account where `given` has none."""
        raise NotImplementedError

    def described(self, account: PlatformAccount, origin: str) -> Json:
        """Return what else one needs to connect this account (addresses)."""
        del account, origin
        return {}

    def chat(self, account: PlatformAccount, customer: Customer, wish: Json) -> Chat:
        """Return the chat in which a wish happens.

        Groups and comments under posts have chats of their own with a `title`; the page names such a one in
        `wish["room"]` by its `peer`.
        """
        del wish
        return self.world.store.chat(self.name, account.id, customer.id)

    def message(
        self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json, origin: str
    ) -> list[Bubble]:
        """The customer writes (`wish` is the body of `POST /sandbox/play`): show it, tell the product by webhook."""
        raise NotImplementedError

    def act(self, account: PlatformAccount, customer: Customer, chat: Chat, action: str, wish: Json) -> None:
        """The customer does something else: follow, unfollow, typing, block, unblock, scan …"""
        del account, customer, chat, wish
        raise Refused(422, f"action: {action} is not known on {self.name}")

    def read(self, account: PlatformAccount, chat: Chat) -> None:
        """The customer looks at the chat; a platform with read receipts tells the product."""
        del account
        for bubble in chat.bubbles:
            if bubble.side == "business" and bubble.status not in {"read", "failed"}:
                bubble.status = "read"
                self.world.changed(chat, bubble)

    # -- what most stand-ins need --------------------------------------------------------------------------------

    def accounts(self) -> list[PlatformAccount]:
        """Return the accounts of this platform."""
        return [a for a in self.world.state.accounts.values() if a.platform == self.name]

    def account(self, account_id: str) -> PlatformAccount | None:
        """Return one of them."""
        found = self.world.state.accounts.get(account_id)
        return found if found is not None and found.platform == self.name else None
