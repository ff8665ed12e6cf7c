"""Settings: one Struct, each field documented, read from `SWITCHBOARD_*` here and nowhere else."""

import os
import secrets
from pathlib import Path

import msgspec

from switchboard.net.guard import Guard
from switchboard.secrecy import BadKey, create_once, keys_from_text


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How this installation runs."""

    data: Path
    """One directory for everything kept: database, files, keys, logs (`SWITCHBOARD_DATA`, default ./var)."""
    database_url: str = ""
    """An outside PostgreSQL >= 15; empty: the embedded one (`SWITCHBOARD_DATABASE_URL`)."""
    pg_bin: str = ""
    """Directory with `postgres` and `initdb` to embed instead of the wheel's (`SWITCHBOARD_PG_BIN`)."""
    files_url: str = ""
    """Where files lie: an S3 address, or empty for a directory under `data` (`SWITCHBOARD_FILES_URL`)."""
    host: str = "127.0.0.1"
    """Address to listen on (`SWITCHBOARD_HOST`)."""
    port: int = 8000
    """Port to listen on (`SWITCHBOARD_PORT`)."""
    public_url: str = ""
    """Where browsers and platforms reach us; empty: http://host:port (`SWITCHBOARD_PUBLIC_URL`)."""
    secret_key: str = ""
    """Base64 key for secrets at rest; empty: a key file in `data` (`SWITCHBOARD_SECRET_KEY`)."""
    outbound_allow: tuple[str, ...] = ()
    """Private targets we may connect to: `host:port` or CIDR, by comma (`SWITCHBOARD_OUTBOUND_ALLOW`)."""
    base_urls: dict[str, str] = {}
    """Other addresses of platforms, `name=url` by comma; for the sandbox (`SWITCHBOARD_BASE_URLS`)."""
    max_body: int = 4_000_000
    """Largest request body of a webhook, bytes (`SWITCHBOARD_MAX_BODY`)."""
    max_file: int = 100_000_000
    """Largest file, bytes (`SWITCHBOARD_MAX_FILE`)."""
    raw_days: int = 30
    """How long raw bodies are kept, days (`SWITCHBOARD_RAW_DAYS`)."""
    pool: int = 10
    """Database connections of each pool of a process (`SWITCHBOARD_POOL`)."""
    secure_cookies: bool = False
    """Set cookies for https only; follows the public address."""
    cookie_name: str = "switchboard_session"
    """Name of the session cookie."""

    @property
    def url(self) -> str:
        """The public address without a slash at its end."""
        here = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104 - not bound to
        host = f"[{here}]" if ":" in here and not here.startswith("[") else here
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")


class SettingsError(Exception):
    """A setting that can't be used; the text is one sentence for the operator."""


def from_environment(**override: object) -> Settings:
    """Read the settings; arguments that are not None win."""
    values: dict[str, object] = {"data": Path(os.environ.get("SWITCHBOARD_DATA", "./var")).absolute()}
    for name in ("database_url", "pg_bin", "files_url", "host", "public_url", "secret_key"):
        if found := os.environ.get(f"SWITCHBOARD_{name.upper()}"):
            values[name] = found
    for name in ("port", "max_body", "max_file", "raw_days", "pool"):
        if found := os.environ.get(f"SWITCHBOARD_{name.upper()}"):
            if not found.isdigit():
                raise SettingsError(f"SWITCHBOARD_{name.upper()} must be a whole number, not {found!r}.")
            values[name] = int(found)
    if allow := os.environ.get("SWITCHBOARD_OUTBOUND_ALLOW"):
        values["outbound_allow"] = tuple(part.strip() for part in allow.split(",") if part.strip())
    if bases := os.environ.get("SWITCHBOARD_BASE_URLS"):
        values["base_urls"] = dict(_base(part.strip()) for part in bases.split(",") if part.strip())
    values |= {name: value for name, value in override.items() if value is not None}
    settings = Settings(**values)  # type: ignore[arg-type]  # each value was checked above
    _check(settings)
    return msgspec.structs.replace(settings, secure_cookies=settings.url.startswith("https://"))


def is_port_set() -> bool:
    """Tell whether the operator chose a port."""
    return bool(os.environ.get("SWITCHBOARD_PORT"))


def _base(text: str) -> tuple[str, str]:
    name, equals, url = text.partition("=")
    if not equals or not url.startswith(("http://", "https://")):
        raise SettingsError(f"SWITCHBOARD_BASE_URLS takes name=https://address by comma, not {text!r}.")
    return name.strip(), url.strip().rstrip("/")


def _check(settings: Settings) -> None:
    """Raise SettingsError for what could only fail later, in the middle of the start."""
    if not 0 <= settings.port < 65536:
        raise SettingsError(f"SWITCHBOARD_PORT must lie between 0 and 65535, not {settings.port}.")
    if settings.pool < 2:
        raise SettingsError("SWITCHBOARD_POOL must be at least 2.")
    if settings.public_url and not settings.public_url.startswith(("http://", "https://")):
        raise SettingsError("SWITCHBOARD_PUBLIC_URL must begin with http:// or https://.")
    try:
        Guard(settings.outbound_allow).close()
    except ValueError as error:
        words = str(error).removeprefix("outbound_allow: ")
        raise SettingsError(f"SWITCHBOARD_OUTBOUND_ALLOW: {words}.") from None
    try:
        if settings.secret_key:
            keys_from_text(settings.secret_key)
    except BadKey as error:
        raise SettingsError(f"SWITCHBOARD_SECRET_KEY: {error}.") from None


def link_key(settings: Settings) -> bytes:
    """Return the key that signs file links: made once and kept in the data directory."""
    path = settings.data / "link.key"
    if not path.exists():
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        create_once(path, secrets.token_bytes(32))
    return path.read_bytes()
