"""`/bot<token>/<method>` and `/file/bot<token>/<path>`."""

import mimetypes

import structlog

from switchboard.sandbox.bot import params
from switchboard.sandbox.bot.errors import BotError, asked_for
from switchboard.sandbox.bot.methods import Methods
from switchboard.sandbox.bot.sending import Sending
from switchboard.sandbox.bot.updates import Updates
from switchboard.sandbox.state import TelegramBot
from switchboard.sandbox.web import Refused, Request, Response, Router, json_response
from switchboard.sandbox.world import World, after, before

log = structlog.get_logger()
NAMES = {name.lower(): name for name in params.METHODS}
CARRIERS = {"forwardMessage", "copyMessage"}


class BotApi:
    """The door."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.updates = Updates(world)
        self._methods = Methods(world, self.updates, Sending(world))

    def routes(self, router: Router) -> None:
        """Register both paths."""
        router.add("*", "/bot(?P<token>[^/]+)/(?P<name>[A-Za-z]+)", self.call)
        router.add("GET", "/file/bot(?P<token>[^/]+)/(?P<path>.+)", self.download)

    def _bot(self, token: str) -> TelegramBot:
        bot = self.world.state.bots.get(token.partition(":")[0])
        if bot is None or bot.token != token:
            raise BotError(401, "Unauthorized")
        return bot

    async def call(self, request: Request, token: str, name: str) -> Response:
        """One method; names are not case-sensitive."""
        try:
            bot = self._bot(token)
            method = NAMES.get(name.lower())
            if method is None:
                raise BotError(404, "Not Found: method not found")
            sends = method in CARRIERS or (method.startswith("send") and method != "sendChatAction")
            fault = self.world.faults.take("telegram", bot.id, sends=sends)
            early = await before(fault)
            if early is not None:
                return early
            if fault is not None and fault.kind == "error":
                raise asked_for(fault.code)
            fields, files = request.form()
            values = params.read(method, fields, files)
            result = await self._methods.call(bot, method, values, files, fault)
        except BotError as error:
            return error.response()
        except (AttributeError, KeyError, TypeError) as error:
            # A JSON parameter holds something else than the object or list that it should be.
            log.info("sandbox_bot_unreadable", method=name, error=str(error))
            return BotError(400, "Bad Request: can't parse a JSON parameter").response()
        except Refused as error:
            return BotError(400, f"Bad Request: {error.reason}").response()
        return after(fault, json_response({"ok": True, "result": result}))

    async def download(self, request: Request, token: str, path: str) -> Response:
        """The bytes of a file that getFile named."""
        del request
        try:
            bot = self._bot(token)
        except BotError as error:
            return error.response()
        key = path.rpartition("/")[2].partition(".")[0]
        media = self.world.state.media.get(key)
        if (
            media is None
            or media.account != bot.id
            or self._methods.links.get(path, 0) < self.world.clock.now()
        ):
            return BotError(404, "Not Found").response()
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        return Response(media.content, content_type=kind)
