"""One request's work: who asks, one transaction, its events, and the answer kept for a repeated request.

The transaction opens when a handler asks for it, after the body was read; it commits only when the answer is
a good one, and
the answer leaves only after the commit. With an `Idempotency-Key` the sealed answer is stored in the same
transaction.
"""

import hashlib
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, Concatenate, ParamSpec, TypeVar, overload
from uuid import UUID

from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from switchboard import flow
from switchboard.api.context import ApiContext
from switchboard.api.problems import Lost, Replayed
from switchboard.core.commands import Actor, Command
from switchboard.core.errors import Conflict, Invalid, Problem
from switchboard.core.events import Event
from switchboard.db import requests
from switchboard.db.pool import Tx
from switchboard.staff import audit
from switchboard.staff.permission import Permission
from switchboard.staff.reads import Principal
from switchboard.workspace import reads as screens
from switchboard.workspace.rows import Viewer

P = ParamSpec("P")
T = TypeVar("T")
_PURPOSE = "answer"
_MOST_KEY = 200
MAX_BODY = 1_000_000
"""Largest body in JSON, bytes."""
FORM_BYTES = 16_384


class TooLarge(Problem):
    """A body beyond the limit."""

    status = 413
    code = "too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body may have at most {limit} bytes.")


class RolledBack(Exception):
    """The answer is an error, so nothing was done."""


def viewer_of(principal: Principal) -> Viewer:
    """Return what a person or key may see of conversations."""
    everything = principal.may(Permission.CONVERSATIONS_READ_ALL)
    return Viewer(principal.workspace_id, principal.id, everything, principal.team_ids)


class Desk:
    """What a handler works with. `key` is the Idempotency-Key, `digest` the running SHA-256 of the body."""

    def __init__(
        self, context: ApiContext, principal: Principal, target: str, key: str, digest: "hashlib._Hash"
    ) -> None:
        self.context = context
        self.principal = principal
        self.viewer = viewer_of(principal)
        self._target = target
        self._key = key
        self._digest = digest
        self._request_hash = b""
        self._stack = AsyncExitStack()
        self._tx: Tx | None = None
        self._events: list[Event] = []
        self._afterwards: list[Callable[[], Awaitable[None]]] = []

    def public_address(self, file_id: UUID, name: str) -> str:
        """Return a file's whole signed address, as other hosts may fetch it for a while."""
        return self.context.settings.url + self.context.link(self.workspace, file_id, name)

    @property
    def workspace(self) -> UUID:
        return self.principal.workspace_id

    @property
    def actor(self) -> Actor:
        return self.principal.actor

    @property
    def worker(self) -> Actor:
        """Who takes work on by what they do: a person; a key never has a conversation."""
        return self.actor if self.principal.kind == "agent" else Actor("bot")

    async def begin(self, content: bytes | None = None) -> Tx:
        """Open the request's transaction. `content` stands for the body where the same content may come as
        other bytes.
        """
        if self._tx is None:
            self._tx = await self._stack.enter_async_context(self.context.api_db.transaction(self.workspace))
            if self._key:
                await self._replay(self._tx, self._digest.digest() if content is None else content)
        return self._tx

    async def _replay(self, tx: Tx, content: bytes) -> None:
        if len(self._key) > _MOST_KEY or not self._key.isprintable():
            raise Problem(
                f"An Idempotency-Key has at most {_MOST_KEY} visible characters.",
                code="invalid_input",
                field="Idempotency-Key",
            )
        self._request_hash = hashlib.sha256(self._target.encode() + b"\n" + content).digest()
        if not await requests.lock(tx, self.workspace, self._actor_key, self._key):
            raise Conflict("The same request is being carried out just now.", code="in_progress")
        found = await requests.find(tx, self.workspace, self._actor_key, self._key)
        if found is None:
            return
        if found.request_hash != self._request_hash:
            raise Invalid(
                "This Idempotency-Key was used for another request.",
                code="key_reused",
                field="Idempotency-Key",
            )
        self._key = ""  # it is kept already
        raise Replayed(
            found.status, self.context.sealer.open(found.answer, workspace=self.workspace, purpose=_PURPOSE)
        )

    @property
    def _actor_key(self) -> str:
        return f"{self.principal.kind}:{self.principal.id}"

    async def run(self, tx: Tx, *commands: Command) -> list[Event]:
        """Carry out commands with all that follows; who loses a race is told how the conversation is now."""
        try:
            events = await flow.run(tx, commands)
        except Conflict as conflict:
            if conflict.conversation is None:
                raise
            row = await screens.fresh(tx, self.workspace, conflict.conversation, self.context.link)
            raise Lost(
                conflict, row if row and self.viewer.sees(row.assignee_id, row.team_id) else None
            ) from None
        self._events += events
        return events

    @overload
    async def carry(
        self,
        tx: Tx,
        verb: Callable[Concatenate[Tx, P], Awaitable[list[Event]]],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None: ...
    @overload
    async def carry(
        self,
        tx: Tx,
        verb: Callable[Concatenate[Tx, P], Awaitable[tuple[T, list[Event]]]],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T: ...
    @overload
    async def carry(
        self,
        tx: Tx,
        verb: Callable[Concatenate[Tx, P], Awaitable[bool]],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> bool: ...
    async def carry(self, tx: Tx, verb: Callable[..., Awaitable[Any]], /, *args: Any, **kwargs: Any) -> Any:
        """Let a verb of administration work; its events are logged, and announced after commit."""
        value, events = await flow.carry(tx, verb, *args, **kwargs)
        self._events += events
        return value

    async def audit(self, tx: Tx, action: str, target: object = "", **detail: Any) -> None:
        """Write down who did what, in the same transaction."""
        by = Actor(self.principal.kind, self.principal.id)
        await audit.record(tx, self.workspace, by, action, str(target), detail)

    def afterwards(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something after the commit and before the answer leaves; it must not raise."""
        self._afterwards.append(work)

    async def finish(self, status: int, body: bytes) -> None:
        """Commit when the answer is a good one, storing it under its key; roll back otherwise. Then wake the
        loops.
        """
        if self._tx is None:
            return
        if status >= 400 or status < 200:
            await self.abandon()
            return
        if self._key and self._request_hash:
            sealed = self.context.sealer.seal(body, workspace=self.workspace, purpose=_PURPOSE)
            await requests.store(
                self._tx, self.workspace, self._actor_key, self._key, self._request_hash, status, sealed
            )
        await self._stack.aclose()
        self._tx = None
        if self._events:
            self.context.announce(self._events)
        for work in self._afterwards:
            await work()

    async def abandon(self) -> None:
        """Roll back."""
        if self._tx is not None:
            self._tx = None
            reason = RolledBack()
            await self._stack.__aexit__(RolledBack, reason, None)


class UnitOfWork(ASGIMiddleware):
    """Keeps an answer back until its work is committed."""

    scopes = (ScopeType.HTTP,)

    def _limit(self, scope: Scope) -> int:
        """How many bytes a body may have: a file's limit with room for the form around it, or that of a
        request in JSON.
        """
        context: ApiContext = scope["litestar_app"].state.context
        return context.settings.max_file + FORM_BYTES if scope["route_handler"].opt.get("file") else MAX_BODY

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        held: list[Message] = []
        desk: Desk | None = None
        digest = hashlib.sha256()
        scope["state"]["digest"] = digest

        limit = self._limit(scope)
        size, declared = 0, Headers.from_scope(scope).get("content-length", "")

        async def read() -> Any:
            nonlocal size
            message = await receive()
            if message["type"] == "http.request":
                size += len(message.get("body", b""))
                if size > limit or (declared.isdigit() and int(declared) > limit):
                    raise TooLarge(limit)
                digest.update(message.get("body", b""))
            return message

        async def hold(message: Message) -> None:
            held.append(message)

        try:
            await next_app(scope, read, hold)
            desk = scope["state"].get("desk")
            if desk is not None:
                status = next((one["status"] for one in held if one["type"] == "http.response.start"), 500)
                body = b"".join(one["body"] for one in held if one["type"] == "http.response.body")
                await desk.finish(status, body)
        except BaseException:
            if (desk := scope["state"].get("desk")) is not None:
                await desk.abandon()
            raise
        for message in held:
            await send(message)
