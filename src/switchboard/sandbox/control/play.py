"""Play the customer: `POST /sandbox/play`.

`{"platform", "account", "customer", "action", …}`; the action is one of message (the default), read, typing,
block, unblock, user_id_update. A message's `type` is the platform's word (text, image, voice, location, …) or
edit, revoke, reaction, press, which name an earlier message by `target` (press: `reply_to` and `button`).
"""

from typing import Any

from switchboard.sandbox.bot.incoming import Player
from switchboard.sandbox.custom import CustomChannel
from switchboard.sandbox.graph import hooks, incoming
from switchboard.sandbox.mail import letters
from switchboard.sandbox.platforms import Platforms
from switchboard.sandbox.standin import StandIn
from switchboard.sandbox.state import Bubble, Chat, Customer, PlatformAccount, WhatsAppNumber
from switchboard.sandbox.web import Refused, Request, Response, Router, json_response
from switchboard.sandbox.world import World

Json = dict[str, Any]
BATCH_LIMIT = 1_000


class Play:
    """Handlers."""

    def __init__(self, world: World, player: Player, custom: CustomChannel, platforms: Platforms) -> None:
        self._platforms = platforms
        self._world = world
        self._player = player
        self._custom = custom

    def routes(self, router: Router) -> None:
        """Register."""
        router.add("POST", "/sandbox/play", self.play)
        router.add("POST", "/sandbox/play/batch", self.batch)

    async def play(self, request: Request) -> Response:
        """One act; answers the chat's key and the ids of the messages that were made."""
        wish = request.json()
        chat, bubbles = self._act(wish, request.origin)
        return json_response({"chat": chat.key, "ids": [b.id for b in bubbles]}, 201)

    async def batch(self, request: Request) -> Response:
        """Several acts. WhatsApp messages of one account go out as ONE webhook with several senders."""
        body = request.json()
        items = body.get("items")
        if not isinstance(items, list) or not 1 <= len(items) <= BATCH_LIMIT:
            raise Refused(422, f"items: 1 to {BATCH_LIMIT} acts")
        shared = {k: v for k, v in body.items() if k != "items"}
        wishes = [{**shared, **item} for item in items]
        if shared.get("platform") == "whatsapp":
            number = self._number(shared)
            played = [self._whatsapp_message(number, w) for w in wishes]
            incoming.deliver(self._world, number, played)
            return json_response({"ids": [message["id"] for _, _, message in played]}, 201)
        ids = [b.id for w in wishes for b in self._act(w, request.origin)[1]]
        return json_response({"ids": ids}, 201)

    def _act(self, wish: Json, origin: str) -> tuple[Chat, list[Bubble]]:
        action, platform = str(wish.get("action") or "message"), str(wish.get("platform") or "")
        stand_in = self._platforms.by_name.get(platform)
        if stand_in is not None:
            return self._act_there(stand_in, action, wish, origin)
        if action == "message":
            return self._message(platform, wish, origin)
        customer = self._customer(wish)
        chat = self._chat(platform, customer, wish)
        if action == "read":
            self.read(chat)
        elif action == "typing":
            if platform not in {"whatsapp", "telegram", "custom", "email"}:
                raise Refused(422, "platform: whatsapp, telegram, custom or email")
        elif action in {"block", "unblock"}:
            self._block(platform, customer, chat, wish, blocked=action == "block")
        elif action == "user_id_update" and platform == "whatsapp":
            incoming.new_user_id(self._world, self._number(wish), customer, wish)
        else:
            raise Refused(422, f"action: {action} is not known on {platform}")
        return chat, []

    def _act_there(
        self, stand_in: StandIn, action: str, wish: Json, origin: str
    ) -> tuple[Chat, list[Bubble]]:
        account, customer = stand_in.account(str(wish.get("account"))), self._customer(wish)
        if account is None:
            raise Refused(404, f"account: there is no such {stand_in.name} account")
        chat = stand_in.chat(account, customer, wish)
        if action == "message":
            return chat, stand_in.message(account, customer, chat, wish, origin)
        if action == "read":
            self.read(chat)
        else:
            stand_in.act(account, customer, chat, action, wish)
            self._world.feed.publish("chat", chat=chat.key)
        return chat, []

    def _message(self, platform: str, wish: Json, origin: str) -> tuple[Chat, list[Bubble]]:
        state = self._world.state
        if platform == "whatsapp":
            number = self._number(wish)
            customer, chat, message = self._whatsapp_message(number, wish)
            incoming.deliver(self._world, number, [(customer, chat, message)])
            return chat, [Bubble(id=message["id"], side="customer", kind="", at=0)]
        if platform == "telegram":
            bot = state.bots.get(str(wish.get("account")))
            if bot is None:
                raise Refused(404, "account: there is no such bot")
            person = self._customer(wish) if wish.get("customer") else None
            return self._player.chat(bot, person, wish), self._player.play(bot, person, wish)
        customer = self._customer(wish)
        chat = self._chat(platform, customer, wish)
        if platform == "custom":
            return chat, [self._custom.play(state.links[chat.account], customer, wish, origin)]
        return chat, [letters.write(self._world, state.mailboxes[chat.account], customer, chat, wish)]

    def _whatsapp_message(self, number: WhatsAppNumber, wish: Json) -> tuple[Customer, Chat, Json]:
        customer = self._customer(wish)
        chat = self._world.store.chat("whatsapp", number.id, customer.id)
        message = incoming.play(self._world, number, customer, chat, wish)
        if wish.get("type") in incoming.SILENT:
            target = chat.find(str(wish.get("target") or ""))
            if target is not None:
                self._world.changed(chat, target)
        return customer, chat, message

    def _number(self, wish: Json) -> WhatsAppNumber:
        number = self._world.state.numbers.get(str(wish.get("account")))
        if number is None:
            raise Refused(404, "account: there is no such WhatsApp number")
        return number

    def _customer(self, wish: Json) -> Customer:
        customer = self._world.state.customers.get(str(wish.get("customer")))
        if customer is None:
            raise Refused(404, "customer: there is no such customer")
        return customer

    def _chat(self, platform: str, customer: Customer, wish: Json) -> Chat:
        state, account = self._world.state, str(wish.get("account"))
        tables: dict[str, tuple[str, Any]] = {
            "whatsapp": ("whatsapp", state.numbers),
            "telegram": ("telegram", state.bots),
            "custom": ("custom", state.links),
            "email": ("email", state.mailboxes),
        }
        if platform not in tables:
            raise Refused(422, "platform: whatsapp, telegram, custom or email")
        name, table = tables[platform]
        if account not in table:
            raise Refused(404, f"account: there is no such {platform} account")
        return self._world.store.chat(
            name, account, customer.id, str(wish.get("business_connection_id") or "")
        )

    def read(self, chat: Chat) -> None:
        """The customer looks at the chat: read receipts, where the platform has them."""
        chat.unread = 0
        account = self._world.state.accounts.get(chat.account)
        if isinstance(account, PlatformAccount) and account.platform == chat.platform:
            self._platforms.by_name[chat.platform].read(account, chat)
            return
        for bubble in chat.bubbles:
            if bubble.side != "business" or bubble.status in {"read", "failed"}:
                continue
            if chat.platform == "whatsapp":
                hooks.raise_status(self._world, self._world.state.numbers[chat.account], chat, bubble, "read")
            elif chat.platform == "custom":
                self._custom.receipt(self._world.state.links[chat.account], chat, bubble, "read")
            else:
                bubble.status = "read"
                self._world.changed(chat, bubble)

    def _block(self, platform: str, customer: Customer, chat: Chat, wish: Json, *, blocked: bool) -> None:
        chat.blocked = blocked
        if platform == "telegram":
            bot = self._world.state.bots[str(wish["account"])]
            self._player.membership(bot, customer, blocked=blocked)
        self._world.feed.publish("chat", chat=chat.key)
