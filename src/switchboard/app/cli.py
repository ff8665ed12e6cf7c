"""The command line: `switchboard serve | demo | migrate | create`."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any, NoReturn

import asyncpg
import click
import uvloop

from switchboard.app.config import Settings, SettingsError, from_environment, is_port_set
from switchboard.app.database import DatabaseUnreachable, database
from switchboard.app.demo import DemoError, demo
from switchboard.app.founding import found_workspace
from switchboard.app.logs import configure
from switchboard.app.pages import is_built
from switchboard.app.serve import ROLES, PortTaken, Process, serve
from switchboard.core.errors import Problem
from switchboard.db.embedded import PostgresUnavailable
from switchboard.db.migrate import MigrationError, migrate
from switchboard.secrecy import BadKey

SENTENCES = (
    PostgresUnavailable,
    DatabaseUnreachable,
    MigrationError,
    SettingsError,
    PortTaken,
    BadKey,
    Problem,
    DemoError,
)
"""What an operator can mend: the exception's text is the sentence to show."""


@click.group()
@click.version_option(package_name="switchboard")
def main() -> None:
    """Switchboard: every customer channel, one desk."""
    configure()


@main.command("serve")
@click.option("--roles", default=",".join(ROLES), show_default=True, help="web, worker or both, by comma")
@click.option("--host", default=None, help="address to listen on")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=None, help="port to listen on; 0: any free one"
)
def serve_command(roles: str, host: str | None, port: int | None) -> None:
    """Serve the product; several processes on one database behave as one system."""
    chosen = tuple(role.strip() for role in roles.split(",") if role.strip())
    if not chosen or set(chosen) - set(ROLES):
        raise click.UsageError(f"--roles takes {' and '.join(ROLES)}, by comma.")
    if "web" in chosen:
        if not is_built():
            click.echo(
                "switchboard: The front end is not built, so there are no pages: run `make setup`.", err=True
            )
        settings = _settings(host=host, port=port)
        _run(serve(settings, chosen, _announce))
        return
    # Only the state of a worker is ever asked for, so unless told it takes a port that nobody else wants.
    settings = _settings(host=host)
    listening = port if port is not None else settings.port if is_port_set() else 0
    _run(serve(settings, chosen, _announce, port=listening))


async def _announce(process: Process) -> None:
    click.echo(f"Switchboard ({', '.join(process.roles)}) is ready at {process.runtime.settings.url}")


@main.command("migrate")
def migrate_command() -> None:
    """Bring the database up to date and stop."""
    settings = _settings()

    async def work() -> None:
        async with database(settings) as (dsn, _):
            for name in await migrate(dsn):
                click.echo(f"applied {name}")

    _run(work())


@main.command("create")
@click.option("--workspace", required=True, help="name of the company")
@click.option("--email", required=True, help="e-mail address of its first administrator")
@click.option("--name", required=True, help="the administrator's name")
@click.option("--locale", type=click.Choice(["zh-CN", "en"]), default="zh-CN", show_default=True)
@click.password_option(envvar="SWITCHBOARD_PASSWORD")
def create_command(workspace: str, email: str, name: str, locale: str, password: str) -> None:
    """Create a workspace with its first administrator."""
    settings = _settings()

    async def work() -> None:
        async with database(settings) as (dsn, _):
            await migrate(dsn)
            await found_workspace(dsn, workspace, email, name, locale, password)
        click.echo(f"Workspace {workspace} is there; {email} can sign in.")

    _run(work())


@main.command("demo")
@click.option("--host", default=None, help="address to listen on")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=None, help="port to listen on; 0: any free one"
)
@click.option(
    "--contacts", type=click.IntRange(50, 20_000), default=2000, show_default=True, help="how many customers"
)
@click.option("--live", is_flag=True, help="a few customers write every minute")
def demo_command(host: str | None, port: int | None, contacts: int, live: bool) -> None:
    """Serve a demo workspace that looks lived in, with the platforms' sandbox beside it."""
    _run(demo(_settings(host=host, port=port), contacts, live, click.echo))


def _settings(**override: object) -> Settings:
    try:
        return from_environment(**override)
    except SettingsError as error:
        fail(str(error))


async def _until_told(work: Coroutine[Any, Any, None]) -> None:
    """Let SIGTERM end the work in order even before the doors are open."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await task


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end; every trouble that an operator can mend is one sentence."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_until_told(work))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
    except SENTENCES as error:
        fail(str(error))
    except asyncpg.PostgresError as error:
        fail(f"The database refuses: {error}")
    except OSError as error:
        fail(f"{error.filename + ': ' if error.filename else ''}{error.strerror or error}.")


def fail(sentence: str) -> NoReturn:
    """Say it and leave."""
    click.echo(f"switchboard: {sentence}", err=True)
    sys.exit(1)
