"""The command line: `switchboard serve | demo | migrate | create`."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any

import asyncpg
import click

from switchboard.app.config import Settings, SettingsError, from_environment
from switchboard.app.logs import configure
from switchboard.app.serve import ROLES, database, serve
from switchboard.core.errors import Problem
from switchboard.db.embedded import PostgresUnavailable
from switchboard.db.migrate import MigrationError, migrate


@click.group()
@click.version_option(package_name="switchboard")
def main() -> None:
    """Switchboard: every customer channel, one desk."""
    configure()


@main.command("serve")
@click.option("--roles", default=",".join(ROLES), show_default=True, help="web, worker or both, by comma")
@click.option("--host", default=None, help="address to listen on")
@click.option("--port", type=int, default=None, help="port to listen on")
def serve_command(roles: str, host: str | None, port: int | None) -> None:
    """Serve the product; several processes on one database behave as one system."""
    chosen = tuple(role.strip() for role in roles.split(",") if role.strip())
    if not chosen or set(chosen) - set(ROLES):
        raise click.UsageError(f"--roles takes {' and '.join(ROLES)}, by comma.")
    settings = _settings(host=host, port=port)
    _run(serve(settings, chosen, ready=_announce), settings)


async def _announce(process: Any) -> None:
    settings: Settings = process.runtime.settings
    click.echo(f"Switchboard ({', '.join(process.roles)}) is ready at {settings.url}")


@main.command("migrate")
def migrate_command() -> None:
    """Bring the database up to date and stop."""
    settings = _settings()

    async def work() -> None:
        dsn, server = await database(settings)
        try:
            for name in await migrate(dsn):
                click.echo(f"applied {name}")
        finally:
            if server is not None:
                await server.stop()

    _run(work(), settings)


@main.command("create")
@click.option("--workspace", required=True, help="name of the company")
@click.option("--email", required=True, help="e-mail address of its first administrator")
@click.option("--name", required=True, help="the administrator's name")
@click.option("--locale", default="zh-CN", show_default=True)
@click.password_option()
def create_command(workspace: str, email: str, name: str, locale: str, password: str) -> None:
    """Create a workspace with its first administrator."""
    settings = _settings()
    _run(_create(settings, workspace, email, name, locale, password), settings)


async def _create(settings: Settings, workspace: str, email: str, name: str, locale: str, password: str) -> None:
    dsn, server = await database(settings)
    try:
        await migrate(dsn)
        await found_workspace(dsn, workspace, email, name, locale, password)
        click.echo(f"Workspace {workspace} is there; {email} can sign in.")
    finally:
        if server is not None:
            await server.stop()


@main.command("demo")
@click.option("--host", default=None, help="address to listen on")
@click.option("--port", type=int, default=None, help="port to listen on")
@click.option("--contacts", type=int, default=2000, show_default=True, help="how many customers the demo workspace has")
def demo_command(host: str | None, port: int | None, contacts: int) -> None:
    """Serve a demo workspace that looks lived in, with the sandbox beside it."""
    settings = _settings(host=host, port=port)
    _run(demo(settings, contacts), settings)


def _settings(**override: object) -> Settings:
    try:
        return from_environment(**override)
    except SettingsError as error:
        _fail(str(error))


def _run(work: Coroutine[Any, Any, None], settings: Settings) -> None:
    """Run to the end; every trouble an operator can mend is one sentence."""
    try:
        import_loop().run(work)
    except KeyboardInterrupt:
        pass
    except (PostgresUnavailable, MigrationError, SettingsError, Problem) as error:
        _fail(str(error))
    except asyncpg.PostgresError as error:
        _fail(f"The database refuses: {error}")
    except OSError as error:
        if error.errno == 98:
            _fail(f"Port {settings.port} on {settings.host} is taken; choose another with --port or SWITCHBOARD_PORT.")
        if settings.database_url:
            _fail(f"The database can't be reached: {error.strerror or error}. Check SWITCHBOARD_DATABASE_URL.")
        _fail(str(error))


def _fail(sentence: str) -> Any:
    click.echo(f"switchboard: {sentence}", err=True)
    sys.exit(1)


__all__ = ["asyncio", "main"]
