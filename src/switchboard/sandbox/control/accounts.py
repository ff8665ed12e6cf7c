"""Connect and change accounts; everything that is not given is invented, an id that exists is changed."""

import secrets
from typing import Any

import msgspec

from switchboard.sandbox.bot.incoming import Player
from switchboard.sandbox.graph import hooks
from switchboard.sandbox.graph.errors import GraphError
from switchboard.sandbox.platforms import Platforms
from switchboard.sandbox.state import (
    BusinessConnection,
    CustomLink,
    Mailbox,
    PlatformAccount,
    TelegramBot,
    TelegramGroup,
    WhatsAppNumber,
    digits,
)
from switchboard.sandbox.web import Refused, Request, Response, Router, json_response
from switchboard.sandbox.world import World

Json = dict[str, Any]
Account = WhatsAppNumber | TelegramBot | CustomLink | Mailbox | PlatformAccount


class Accounts:
    """Handlers under `/sandbox/`."""

    def __init__(self, world: World, player: Player, platforms: Platforms) -> None:
        self._world = world
        self._platforms = platforms
        self._player = player

    def routes(self, router: Router) -> None:
        """Register."""
        router.add("POST", "/sandbox/whatsapp/numbers", self.add_number)
        router.add("POST", "/sandbox/whatsapp/numbers/{id}/verify", self.verify)
        router.add("POST", "/sandbox/telegram/bots", self.add_bot)
        router.add("POST", "/sandbox/telegram/bots/{id}/groups", self.add_group)
        router.add("POST", "/sandbox/telegram/bots/{id}/connections", self.add_connection)
        router.add("POST", "/sandbox/custom", self.add_link)
        router.add("POST", "/sandbox/mailboxes", self.add_mailbox)
        router.add("POST", "/sandbox/platforms/{platform}", self.add_account)
        router.add("GET", "/sandbox/accounts/{id}", self.read)
        router.add("PATCH", "/sandbox/accounts/{id}", self.change)
        router.add("DELETE", "/sandbox/accounts/{id}", self.remove)

    def find(self, account_id: str) -> Account:
        """An account of any platform."""
        state = self._world.state
        for table in (state.numbers, state.bots, state.links, state.mailboxes, state.accounts):
            if account_id in table:
                return table[account_id]
        raise Refused(404, f"there is no account {account_id}")

    async def add_number(self, request: Request) -> Response:
        """A number of a business account; numbers of one WABA share app, token, secret and webhook."""
        given = request.json()
        numbers = self._world.state.numbers
        number_id = str(given.get("id") or digits(15))
        waba = str(
            given.get("waba_id") or (numbers[number_id].waba_id if number_id in numbers else digits(15))
        )
        sibling = next((n for n in numbers.values() if n.waba_id == waba), None)
        shared = ("app_id", "token", "app_secret", "verify_token", "webhook_url")
        invented: Json = {
            "app_id": digits(15),
            "token": "EAA" + secrets.token_urlsafe(40),
            "app_secret": secrets.token_hex(16),
            "verify_token": secrets.token_urlsafe(12),
            "display_phone_number": "+1 555 01" + digits(2) + " " + digits(4),
            "verified_name": "Sandbox Shop",
        }
        if sibling is not None:
            invented.update({name: getattr(sibling, name) for name in shared})
        old = msgspec.to_builtins(numbers[number_id]) if number_id in numbers else {}
        numbers[number_id] = msgspec.convert(
            {**invented, **old, **given, "id": number_id, "waba_id": waba}, WhatsAppNumber
        )
        return self._answer(request, numbers[number_id])

    async def verify(self, request: Request, id: str) -> Response:  # noqa: A002
        """Meta's handshake with the number's webhook address (or `url`, which is then kept)."""
        number = self.find(id)
        if not isinstance(number, WhatsAppNumber):
            raise Refused(404, "not a WhatsApp number")
        url = str(request.json().get("url") or number.webhook_url)
        try:
            await hooks.verify(self._world, url, number.verify_token)
        except GraphError as error:
            raise Refused(422, error.details) from error
        number.webhook_url = url
        return self._answer(request, number)

    async def add_bot(self, request: Request) -> Response:
        """A bot; the webhook is set by the product with setWebhook."""
        given = request.json()
        token = str(given.get("token") or "")
        bot_id = str(given.get("id") or token.partition(":")[0] or digits(10))
        if not bot_id.isdigit() or (token and token.partition(":")[0] != bot_id):
            raise Refused(422, "token: must be <id>:<secret> with the bot's numeric id")
        bots = self._world.state.bots
        old = msgspec.to_builtins(bots[bot_id], str_keys=True) if bot_id in bots else {}
        invented = {
            "token": f"{bot_id}:{secrets.token_urlsafe(26)}",
            "username": f"sandbox{bot_id[-4:]}_bot",
            "name": "Sandbox Shop",
        }
        bots[bot_id] = msgspec.convert({**invented, **old, **given, "id": bot_id}, TelegramBot, strict=False)
        return self._answer(request, bots[bot_id])

    def _bot(self, bot_id: str) -> TelegramBot:
        bot = self.find(bot_id)
        if not isinstance(bot, TelegramBot):
            raise Refused(404, "not a Telegram bot")
        return bot

    async def add_group(self, request: Request, id: str) -> Response:  # noqa: A002
        """A group, supergroup or channel with the bot in it; `migrated_to` makes a group answer with it."""
        bot, given = self._bot(id), request.json()
        kind = given.get("type", "supergroup")
        made = -int(digits(9)) if kind == "group" else -1_000_000_000_000 - int(digits(9))
        fields = {"id": made, "type": kind, "title": "Sandbox group", **given}
        group = msgspec.convert(fields, TelegramGroup)
        bot.groups = [*(g for g in bot.groups if g.id != group.id), group]
        self._world.store.chat("telegram", bot.id, str(group.id))
        self._world.feed.publish("accounts")
        return json_response(group, 201)

    async def add_connection(self, request: Request, id: str) -> Response:  # noqa: A002
        """A business connection; the bot is told by an update."""
        bot, given = self._bot(id), request.json()
        fields = {
            "id": secrets.token_urlsafe(16),
            "owner_id": int(digits(9)),
            "owner_name": "Shop owner",
            "date": int(self._world.clock.now()),
            **given,
        }
        one = msgspec.convert(fields, BusinessConnection)
        bot.connections = [*(c for c in bot.connections if c.id != one.id), one]
        self._player.connected(bot, one.id)
        self._world.feed.publish("accounts")
        return json_response(one, 201)

    async def add_link(self, request: Request) -> Response:
        """A custom channel."""
        given = request.json()
        links = self._world.state.links
        link_id = str(given.get("id") or "x" + digits(6))
        old = msgspec.to_builtins(links[link_id]) if link_id in links else {}
        invented = {"name": "Partner system", "secret": secrets.token_hex(24)}
        links[link_id] = msgspec.convert({**invented, **old, **given, "id": link_id}, CustomLink)
        return self._answer(request, links[link_id])

    async def add_mailbox(self, request: Request) -> Response:
        """A mailbox with SMTP and POP3."""
        given = request.json()
        boxes = self._world.state.mailboxes
        address = str(given.get("address") or f"service{digits(3)}@shop.example")
        box_id = str(given.get("id") or address)
        invented = {"password": secrets.token_urlsafe(12), "name": "Sandbox Shop"}
        old = boxes.get(box_id)
        fields = {**invented, **({"password": old.password, "name": old.name} if old else {}), **given}
        box = msgspec.convert({**fields, "id": box_id, "address": address}, Mailbox)
        if old is not None:
            box.mails, box.next_uid = old.mails, old.next_uid
        boxes[box_id] = box
        return self._answer(request, box)

    async def add_account(self, request: Request, platform: str) -> Response:
        """A page, official account, app or number; `settings` may be given in part."""
        stand_in = self._platforms.by_name.get(platform)
        if stand_in is None:
            raise Refused(404, f"there is no stand-in for {platform}")
        given, accounts = request.json(), self._world.state.accounts
        old = accounts.get(str(given.get("id")))
        if old is not None and old.platform != platform:
            raise Refused(422, f"id: belongs to a {old.platform} account")
        account_id, name, settings = stand_in.invent({**(old.settings if old else {}), **given})
        accounts[account_id] = PlatformAccount(
            id=account_id,
            platform=platform,
            name=str(given.get("name") or (old.name if old else name)),
            webhook_url=str(given.get("webhook_url") or (old.webhook_url if old else "")),
            settings={**settings, **(old.settings if old else {}), **(given.get("settings") or {})},
            kept=old.kept if old else {},
        )
        return self._answer(request, accounts[account_id])

    async def read(self, request: Request, id: str) -> Response:  # noqa: A002
        """One account with its secrets and the addresses under which it is reached."""
        return self._answer(request, self.find(id), 200)

    async def change(self, request: Request, id: str) -> Response:  # noqa: A002
        """Change single fields, or single settings."""
        account, wish = self.find(id), request.json()
        changed = {**msgspec.to_builtins(account, str_keys=True), **wish, "id": id}
        if isinstance(account, PlatformAccount) and isinstance(wish.get("settings"), dict):
            changed["settings"] = {**account.settings, **wish["settings"]}
        fresh = msgspec.convert(changed, type(account), strict=False)
        for name in fresh.__struct_fields__:
            setattr(account, name, getattr(fresh, name))
        return self._answer(request, account, 200)

    async def remove(self, request: Request, id: str) -> Response:  # noqa: A002
        """Forget an account with its chats."""
        del request
        self.find(id)
        state = self._world.state
        for table in (state.numbers, state.bots, state.links, state.mailboxes, state.accounts):
            table.pop(id, None)
        self._world.store.forget(id)
        self._world.outbox(id).clear()
        self._world.feed.publish("accounts")
        return json_response({"ok": True})

    def _answer(self, request: Request, account: Account, status: int = 201) -> Response:
        self._world.feed.publish("accounts")
        return json_response(described(self._world, self._platforms, account, request.origin), status)


def described(world: World, platforms: Platforms, account: Account, origin: str) -> Json:
    """An account with what one needs to connect it; mails and waiting updates as counts."""
    made: Json = msgspec.to_builtins(account, str_keys=True)
    made["waiting"] = world.outbox(account.id).waiting
    if isinstance(account, WhatsAppNumber):
        made.update(platform="whatsapp", api_url=origin)
    elif isinstance(account, TelegramBot):
        made.update(platform="telegram", api_url=origin, pending=len(account.pending))
    elif isinstance(account, CustomLink):
        made.update(platform="custom", send_url=f"{origin}/custom/{account.id}/messages")
    elif isinstance(account, PlatformAccount):
        more = platforms.by_name[account.platform].described(account, origin)
        del made["kept"]
        made.update(api_url=origin, **more)
    else:
        host = world.config.mail_host
        made.update(
            platform="email",
            mails=len(account.mails),
            smtp={"host": host, "port": world.smtp_port},
            pop3={"host": host, "port": world.pop3_port},
        )
    return made
