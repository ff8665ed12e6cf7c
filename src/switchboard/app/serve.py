"""Builds one process from its roles and serves it: hot doors as plain ASGI, everything else by the API."""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

import msgspec
import structlog
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from switchboard.api.app import create as create_api
from switchboard.api.context import ApiContext
from switchboard.app.accept import Acceptor
from switchboard.app.config import Settings
from switchboard.app.connecting import Connector
from switchboard.app.courtesy import Courtesies
from switchboard.app.database import database, watch
from switchboard.app.door import Door, Receive, Scope, Send, answer
from switchboard.app.housekeeping import Housekeeping, heartbeat
from switchboard.app.hub import Hub
from switchboard.app.identify import identify
from switchboard.app.lanes import Lanes, Router, Sequencer
from switchboard.app.leases import Leases
from switchboard.app.lookups import LookUps
from switchboard.app.media_worker import MediaWorker
from switchboard.app.pages import Pages
from switchboard.app.pusher import Pusher
from switchboard.app.replay import Replayer
from switchboard.app.runtime import Runtime
from switchboard.app.stream import Stream
from switchboard.app.widget import Widget
from switchboard.blobs import FileDoor
from switchboard.channels.api import Reply
from switchboard.db.migrate import migrate

log = structlog.get_logger()
ROLES = ("web", "worker")
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Process:
    """One process of the installation: its runtime, its loops, and for the web role its doors."""

    def __init__(self, settings: Settings, dsn: str, roles: tuple[str, ...]) -> None:
        self.runtime = Runtime(settings, dsn)
        self.roles = roles
        self.hub = Hub(self.runtime)
        self._acceptor = Acceptor(self.runtime)
        self._door = Door(self.runtime, self._acceptor)
        self._widget = Widget(self.runtime, self._acceptor, self.hub)
        self._tasks: list[asyncio.Task[None]] = []
        self.doors: dict[str, App] = {}
        """Further doors by the beginning of their paths; the demo hangs its shop here."""
        self.app: App = self._web() if "web" in roles else self._idle()

    def _web(self) -> App:
        runtime = self.runtime
        api = create_api(self._context())
        stream = Stream(runtime, self.hub, lambda scope, token: identify(runtime, scope, token))
        files = FileDoor(runtime.signer, runtime.blobs, runtime.files.row)
        pages = Pages(runtime.settings)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            path = scope.get("path", "")
            if scope["type"] == "websocket":
                if path == "/api/v1/stream":
                    await stream(scope, receive, send)
                elif path.startswith("/widget/"):
                    await self._widget.socket(scope, receive, send)
                else:
                    await receive()
                    await send({"type": "websocket.close", "code": 4404})
            elif path.startswith("/hooks/"):
                await self._door(scope, receive, send)
            elif path.startswith("/files/"):
                await files(scope, receive, send)
            elif path.startswith("/widget/"):
                await self._widget.http(scope, receive, send)
            elif path in ("/health", "/ready", "/metrics"):
                await self._state(path, send)
            elif path.startswith(("/api/", "/docs", "/openapi")):
                await api(scope, receive, send)  # type: ignore[arg-type]  # Litestar types ASGI messages more closely
            else:
                door = next((one for start, one in self.doors.items() if path.startswith(start)), pages)
                await door(scope, receive, send)

        return app

    def _context(self) -> ApiContext:
        runtime = self.runtime
        return ApiContext(
            settings=runtime.settings,
            db=runtime.db,
            api_db=runtime.api_db,
            announce=runtime.announce,
            say=runtime.bus.say,
            link=runtime.link,
            http=runtime.http,
            replayer=Replayer(runtime, self._acceptor),
            connector=Connector(runtime),
            blobs=runtime.blobs,
            sealer=runtime.sealer,
        )

    def _idle(self) -> App:
        async def app(scope: Scope, _: Receive, send: Send) -> None:
            await self._state(scope.get("path", ""), send)

        return app

    async def _state(self, path: str, send: Send) -> None:
        """`/health`: the process lives; `/ready`: it reaches the database; `/metrics`: Prometheus."""
        if path == "/metrics":
            await answer(send, Reply(200, generate_latest(), CONTENT_TYPE_LATEST))
        elif path == "/health":
            await answer(send, Reply(200, b'{"status":"ok"}', "application/json"))
        elif path == "/ready":
            try:
                async with asyncio.timeout(3), self.runtime.db.connection() as connection:
                    await connection.fetchval("select 1")
                await answer(send, Reply(200, b'{"status":"ok"}', "application/json"))
            except Exception:
                await answer(send, Reply(503, b'{"status":"database unreachable"}', "application/json"))
        else:
            await answer(send, Reply(404, b"not found"))

    async def start(self) -> None:
        """Connect and start the loops."""
        await self.runtime.open()
        loops: list[Coroutine[Any, Any, None]] = [self.runtime.bus.run(), self.runtime.connections.watch()]
        if "web" in self.roles:
            loops += [
                self.hub.run(),
                self.hub.run_slowly(),
                self._door.note_forgeries(),
                heartbeat(self.runtime, self.hub),
            ]
        if "worker" in self.roles:
            leases = Leases(self.runtime)
            Courtesies(self.runtime).serve_platforms(leases.holds)
            loops += [
                Lanes(self.runtime).run(),
                Sequencer(self.runtime, ("inbox",), number=True).run(),
                Sequencer(self.runtime, ("search", "traffic", "lookups", "push"), number=False).run(),
                Router(self.runtime).run(),
                leases.run(),
                MediaWorker(self.runtime).run(),
                LookUps(self.runtime).run(),
                Pusher(self.runtime).run(),
                Housekeeping(self.runtime).run(),
            ]
        self._tasks = [asyncio.create_task(loop) for loop in loops]
        _settle_memory()

    async def stop(self) -> None:
        """End the loops and let go of everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.runtime.close()


async def serve(
    settings: Settings,
    roles: tuple[str, ...] = ROLES,
    ready: Callable[[Process], Awaitable[None]] | None = None,
    port: int | None = None,
) -> None:
    """Run one process until it is told to stop; raises PortTaken, DatabaseUnreachable.

    `ready` works beside the open doors; its failure ends the process. `port` is where to listen when that is
    not the installation's own port.
    """
    listener = bind(settings.host, settings.port if port is None else port)
    if port is None:
        settings = msgspec.structs.replace(settings, port=listener.getsockname()[1])
    async with database(settings) as (dsn, server):
        await migrate(dsn)
        process = Process(settings, dsn, roles)
        await process.start()
        watcher = asyncio.create_task(watch(server)) if server is not None else None
        try:
            await _run(process, listener, ready)
        finally:
            if watcher is not None:
                watcher.cancel()
            await process.stop()


class PortTaken(Exception):
    """Nothing can listen where it should; the text is one sentence for the operator."""


def bind(host: str, port: int) -> socket.socket:
    """Listen before anything slow happens; raises PortTaken. Port 0 is any free one."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except (OSError, OverflowError) as error:
        listener.close()
        what = error.strerror if isinstance(error, OSError) else "the number is too large"
        raise PortTaken(
            f"Cannot listen on {host}, port {port} ({what}); choose another with --port or SWITCHBOARD_PORT."
        ) from error
    return listener


class _Server(uvicorn.Server):
    """Ends in order on a signal, and leaves what comes after to its caller."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for one in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(one, self.handle_exit, one, None)
        try:
            yield
        finally:
            # A second Ctrl-C may cut the cleaning up short; a second SIGTERM may not.
            loop.remove_signal_handler(signal.SIGINT)
            loop.add_signal_handler(signal.SIGTERM, int)


async def _run(
    process: Process, listener: socket.socket, ready: Callable[[Process], Awaitable[None]] | None
) -> None:
    config = uvicorn.Config(
        process.app,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_max_size=1_000_000,
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=65_536,
    )
    server = _Server(config)

    async def beside() -> None:
        try:
            if ready is not None:
                await ready(process)
        except BaseException:
            server.should_exit = True
            raise

    task = asyncio.create_task(beside())
    try:
        await server.serve(sockets=[listener])
    finally:
        if not task.done():
            task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _settle_memory() -> None:
    """Leave what lives as long as the process out of every collection, and collect less often: batches make thousands of
    short-lived objects, none of them in cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(25_000, 20, 20)
