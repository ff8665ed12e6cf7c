"""What the API needs of the running product. The composition root provides it; the API never imports that."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol
from uuid import UUID

import msgspec

from switchboard.api.connects import Connects
from switchboard.blobs import Blobs
from switchboard.core.events import Event
from switchboard.core.outcomes import Response
from switchboard.db.pool import Database
from switchboard.secrecy import Sealer


class ApiSettings(Protocol):
    """The settings that the API reads."""

    @property
    def url(self) -> str: ...
    @property
    def secure_cookies(self) -> bool: ...
    @property
    def cookie_name(self) -> str: ...
    @property
    def max_file(self) -> int: ...


class Fetches(Protocol):
    """Fetches under the address guard; raises the outcomes of `core.outcomes`."""

    async def request(self, method: str, url: str, *, timeout: float, max_bytes: int) -> Response:
        """Return the answer, whatever its status."""
        ...


class Replays(Protocol):
    """Lets dead letters try again."""

    async def fact(self, workspace: UUID, fact_id: UUID) -> bool:
        """Let a parked fact try again; false when there is none. Raises Conflict."""
        ...

    async def raw(self, workspace: UUID, raw_id: UUID) -> bool:
        """Read an unreadable body once more; false when there is none. Raises Conflict while it still can't
        be read.
        """
        ...


class ApiContext(msgspec.Struct, frozen=True, kw_only=True):
    """Databases, files and keys of this process, and what the API asks of the loops."""

    settings: ApiSettings
    db: Database
    """As the owner of the tables: look-ups before a workspace is known, and search."""
    api_db: Database
    """Under row-level security: everything else."""
    announce: Callable[[Iterable[Event]], None]
    """Wakes the loops that events concern; called after commit."""
    say: Callable[[dict[str, Any]], None]
    """Tells all processes small passing news (ids only) that is never kept."""
    link: Callable[[UUID, UUID, str], str]
    """Makes the signed link of a file: workspace, file, name."""
    http: Fetches
    """Outgoing HTTP under the address guard."""
    replayer: Replays
    connector: Connects
    blobs: Blobs
    sealer: Sealer
