"""The sandbox as an ASGI application."""

import asyncio
import contextlib
import mimetypes
from collections.abc import Awaitable, Callable
from importlib import resources
from typing import Any

import msgspec
import structlog

from switchboard.sandbox.bot.incoming import Player
from switchboard.sandbox.bot.routes import BotApi
from switchboard.sandbox.config import Config
from switchboard.sandbox.control.accounts import Accounts
from switchboard.sandbox.control.desk import Desk
from switchboard.sandbox.control.history import History
from switchboard.sandbox.control.play import Play
from switchboard.sandbox.custom import CustomChannel
from switchboard.sandbox.graph import routes as graph
from switchboard.sandbox.mail import pop3, smtp
from switchboard.sandbox.platforms import Platforms
from switchboard.sandbox.web import (
    NotMine,
    Receive,
    Refused,
    Request,
    Response,
    Router,
    Scope,
    Send,
    json_response,
    read_body,
    write,
)
from switchboard.sandbox.world import World

App = Callable[[Scope, Receive, Send], Awaitable[None]]
SAVE_SECONDS = 10.0
PEOPLE: list[dict[str, Any]] = [
    {"id": "mei", "name": "林美", "phone": "8613800000001", "language": "zh-CN", "username": "linmei"},
    {"id": "wei", "name": "陈伟", "phone": "8613800000002", "language": "zh-CN", "hides_phone": True},
    {"id": "aisha", "name": "Aisha Rahman", "phone": "60120000003", "username": "aisha_r"},
    {"id": "tom", "name": "Tom Becker", "phone": "4915100000004", "username": "tombecker"},
    {"id": "sofia", "name": "Sofia Marín", "phone": "34600000005", "language": "es"},
    {"id": "somchai", "name": "Somchai Dee", "phone": "66810000006", "language": "th"},
]
log = structlog.get_logger()


class Sandbox:
    """Routes requests and owns the background work."""

    def __init__(self, config: Config) -> None:
        self.world = World(config)
        self._router = Router()
        self._servers: list[asyncio.Server] = []
        self._saver: asyncio.Task[None] | None = None
        self._offices: tuple[smtp.PostOffice, pop3.PostOffice] = (
            smtp.PostOffice(self.world),
            pop3.PostOffice(self.world),
        )
        bot = BotApi(self.world)
        player = Player(self.world, bot.updates)
        custom = CustomChannel(self.world)
        platforms = self._platforms = Platforms(self.world)
        play = Play(self.world, player, custom, platforms)
        Accounts(self.world, player, platforms).routes(self._router)
        play.routes(self._router)
        Desk(self.world, play, platforms).routes(self._router)
        History(self.world).routes(self._router)
        custom.routes(self._router)
        bot.routes(self._router)
        platforms.routes(self._router)
        self._router.add("GET", "/(?P<name>[a-z]{0,40}(?:\\.[a-z]{1,9})?)", page)
        graph.routes(self.world, self._router)

    async def start(self) -> None:
        """Open the ports, make the first customers."""
        world, config = self.world, self.world.config
        if config.seed and not world.state.customers:
            for person in PEOPLE:
                world.store.new_customer(person)
        post, fetch = self._offices
        self._servers.append(await post.serve(config.mail_host, config.smtp_port))
        self._servers.append(await fetch.serve(config.mail_host, config.pop3_port))
        world.smtp_port, world.pop3_port = (s.sockets[0].getsockname()[1] for s in self._servers)
        await self._platforms.start()
        self._saver = asyncio.create_task(self._save_now_and_then())

    async def stop(self) -> None:
        """Close everything and write the state file."""
        for server in self._servers:
            server.close()
        for office in self._offices:
            await office.close()
        await self._platforms.stop()
        if self._saver is not None:
            self._saver.cancel()
        await self.world.close()

    async def _save_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(SAVE_SECONDS)
            self.world.save()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.start()
        except OSError as error:
            await send({"type": "lifespan.startup.failed", "message": f"cannot listen: {error}"})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        if body is None:
            await write(json_response({"error": "the body is too large"}, 413), send)
            return
        response = await self._answer(Request(scope, body))
        if isinstance(response.body, bytes):
            await write(response, send)
            return
        writing = asyncio.create_task(write(response, send))
        leaving = asyncio.create_task(_gone(receive))
        await asyncio.wait({writing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        for task in (writing, leaving):
            task.cancel()
        await asyncio.gather(writing, leaving, return_exceptions=True)

    async def _answer(self, request: Request) -> Response:
        origin = request.headers.get("origin")
        if origin and request.path.startswith("/sandbox/") and origin != request.origin:
            return json_response(
                {"error": "the control API is for the sandbox's own page and for programs"}, 403
            )
        try:
            for handler, names in self._router.find(request.method, request.path):
                with contextlib.suppress(NotMine):
                    return await handler(request, **names)
            return json_response({"error": f"the sandbox has no {request.method} {request.path}"}, 404)
        except Refused as error:
            return json_response({"error": error.reason}, error.status)
        except msgspec.ValidationError as error:
            return json_response({"error": str(error)}, 422)
        except Exception:
            log.exception("sandbox_failed", method=request.method, path=request.path)
            return json_response({"error": "the sandbox itself failed; see its log"}, 500)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def page(request: Request, name: str) -> Response:
    """A file of the phone page."""
    del request
    file = resources.files("switchboard.sandbox").joinpath("page", name or "index.html")
    if not file.is_file():
        return json_response({"error": "there is no such page"}, 404)
    kind = mimetypes.guess_type(name or "index.html")[0] or "application/octet-stream"
    sources = "'self' blob: data:"
    policy = f"default-src 'self'; img-src {sources}; media-src {sources}; style-src 'self' 'unsafe-inline'"
    headers = {"cache-control": "no-cache", "content-security-policy": policy}
    return Response(file.read_bytes(), content_type=f"{kind}; charset=utf-8", headers=headers)


def create(config: Config) -> App:
    """The application; give it to an ASGI server with lifespan."""
    return Sandbox(config)
