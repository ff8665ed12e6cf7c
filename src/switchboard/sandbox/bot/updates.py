"""Updates: kept until the bot has them, by webhook or by long poll."""

import asyncio
from typing import Any

import msgspec

from switchboard.sandbox.bot.errors import BotError
from switchboard.sandbox.state import TelegramBot
from switchboard.sandbox.webhooks import Call, Target
from switchboard.sandbox.world import World

Json = dict[str, Any]
NOT_BY_DEFAULT = {"chat_member", "message_reaction", "message_reaction_count"}
LONGEST_POLL_SECONDS = 50


class Updates:
    """One per process."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._news: dict[str, asyncio.Event] = {}
        self._polling: dict[str, int] = {}

    def push(self, bot: TelegramBot, kind: str, content: Json, lane: str) -> None:
        """A new update, where the bot wants this kind."""
        wanted = kind in bot.allowed_updates if bot.allowed_updates else kind not in NOT_BY_DEFAULT
        if not wanted or len(bot.pending) >= self._world.config.updates_limit:
            return
        update: Json = {"update_id": bot.next_update, kind: content}
        bot.next_update += 1
        bot.pending[update["update_id"]] = update
        if bot.webhook_url:
            self._post(bot, update, lane)
        self._bell(bot).set()

    def _bell(self, bot: TelegramBot) -> asyncio.Event:
        return self._news.setdefault(bot.id, asyncio.Event())

    def _post(self, bot: TelegramBot, update: Json, lane: str) -> None:
        def target(_: bytes) -> Target | None:
            if not bot.webhook_url:
                return None
            headers = {"content-type": "application/json"}
            if bot.secret_token:
                headers["x-telegram-bot-api-secret-token"] = bot.secret_token
            return Target(bot.webhook_url, headers)

        def settled(call: Call) -> None:
            if not call.done:
                bot.last_error, bot.last_error_at = call.error, self._world.clock.now()
            if call.done or call.gave_up:
                bot.pending.pop(update["update_id"], None)

        body = msgspec.json.encode(update)
        self._world.outbox(bot.id).put(
            lane, body, target, platform="telegram", account=bot.id, settled=settled
        )

    def set_webhook(self, bot: TelegramBot, values: Json) -> bool:
        """Turn webhook delivery on, or off with an empty address."""
        url = str(values.get("url") or "")
        if url and not url.startswith(("https://", "http://")):
            raise BotError(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        secret = str(values.get("secret_token") or "")
        if secret and not (
            len(secret) <= 256 and all(c.isascii() and (c.isalnum() or c in "_-") for c in secret)
        ):
            raise BotError(400, "Bad Request: secret token contains unallowed characters")
        self._world.outbox(bot.id).clear()
        if values.get("drop_pending_updates"):
            bot.pending.clear()
        bot.webhook_url, bot.secret_token = url, secret if url else ""
        bot.max_connections = int(values.get("max_connections") or 40)
        if "allowed_updates" in values:
            bot.allowed_updates = [str(v) for v in values["allowed_updates"] or []]
        bot.last_error, bot.last_error_at = "", 0.0
        if url:
            for update in list(bot.pending.values()):
                self._post(bot, update, "pending")
        return True

    def webhook_info(self, bot: TelegramBot) -> Json:
        """WebhookInfo."""
        info: Json = {
            "url": bot.webhook_url,
            "has_custom_certificate": False,
            "pending_update_count": len(bot.pending),
        }
        if bot.webhook_url:
            info["max_connections"] = bot.max_connections
            info["ip_address"] = "127.0.0.1"
        if bot.allowed_updates:
            info["allowed_updates"] = bot.allowed_updates
        if bot.last_error:
            info["last_error_date"] = int(bot.last_error_at)
            info["last_error_message"] = bot.last_error
        return info

    async def get_updates(self, bot: TelegramBot, values: Json) -> list[Json]:
        """Long poll. A second caller ends the first one's wait with 409."""
        if bot.webhook_url:
            raise BotError(
                409,
                "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to "
                "delete the webhook first",
            )
        if "allowed_updates" in values:
            bot.allowed_updates = [str(v) for v in values["allowed_updates"] or []]
        offset = int(values.get("offset") or 0)
        if offset < 0:
            offset = sorted(bot.pending)[offset:][0] if bot.pending else 0
        for update_id in [u for u in bot.pending if u < offset]:
            del bot.pending[update_id]
        turn = self._polling[bot.id] = self._polling.get(bot.id, 0) + 1
        self._bell(bot).set()
        until = asyncio.get_running_loop().time() + min(int(values.get("timeout") or 0), LONGEST_POLL_SECONDS)
        while not bot.pending:
            left = until - asyncio.get_running_loop().time()
            if left <= 0:
                return []
            self._bell(bot).clear()
            try:
                await asyncio.wait_for(self._bell(bot).wait(), left)
            except TimeoutError:
                return []
            if self._polling[bot.id] != turn or bot.webhook_url:
                raise BotError(409, "Conflict: terminated by other getUpdates request")
        limit = min(max(int(values.get("limit") or 100), 1), 100)
        return [bot.pending[u] for u in sorted(bot.pending)[:limit]]
