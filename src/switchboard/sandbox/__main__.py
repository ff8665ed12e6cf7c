"""`python -m switchboard.sandbox`: serve, and print `{"url", "smtp", "pop3", "smpp"}` on one line when ready."""

import argparse
import asyncio
import sys

import msgspec
import structlog
import uvicorn

from switchboard.sandbox.app import Sandbox
from switchboard.sandbox.config import Config


class Server(uvicorn.Server):
    """Tells the addresses once the sockets are open."""

    def __init__(self, config: uvicorn.Config, sandbox: Sandbox) -> None:
        super().__init__(config)
        self._sandbox = sandbox

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]  # socket.socket
        """Open, then print."""
        await super().startup(sockets)  # type: ignore[arg-type]  # as above
        if not self.started:
            return
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        world = self._sandbox.world
        ready = {
            "url": f"http://{host}:{port}",
            "smtp": {"host": world.config.mail_host, "port": world.smtp_port},
            "pop3": {"host": world.config.mail_host, "port": world.pop3_port},
            "smpp": {"host": world.config.mail_host, "port": world.smpp_port},
        }
        sys.stdout.write(msgspec.json.encode(ready).decode() + "\n")
        sys.stdout.flush()


def main() -> None:
    """Read the command line and serve until a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m switchboard.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 = any free port")
    defaults = Config()
    for field in msgspec.structs.fields(Config):
        flag = "--" + field.name.replace("_", "-")
        value = getattr(defaults, field.name)
        if isinstance(value, bool):
            parser.add_argument(flag, action="store_true")
        else:
            parser.add_argument(flag, type=type(value), default=value)
    given = vars(parser.parse_args())
    host, port = given.pop("host"), given.pop("port")
    # Whoever started us reads one line of standard output and no more: a full pipe would stop everything.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    sandbox = Sandbox(Config(**given))
    settings = uvicorn.Config(
        sandbox,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
        lifespan="on",
    )
    asyncio.run(Server(settings, sandbox).serve())


if __name__ == "__main__":
    main()
