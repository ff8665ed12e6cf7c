"""Feeds the live sockets of this process from the log: reads each change once, encodes it once per class of clients."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import msgspec
import structlog

from switchboard.app.looking import Lookers
from switchboard.app.runtime import Runtime
from switchboard.core import events as e
from switchboard.db import log as event_log
from switchboard.db.bus import wait
from switchboard.db.log import Logged
from switchboard.db.pool import TRANSIENT, Tx
from switchboard.workspace import counting, live, projection, reads
from switchboard.workspace.rows import Viewer

log = structlog.get_logger()
QUEUE = 2000
"""Frames a client may be behind before it is told to resynchronise."""
SLOWLY_SECONDS = 0.25
CROWD = 500
"""Among so many screens, what changes with every conversation is told half as often; among twice as many, a third."""
PATIENCE = 5
"""Failures in a row, the database being there, after which the hub goes on behind what it can't tell."""
CATCH_UP = 2000
"""Events a returning client may have missed before it has to take a new snapshot."""


class Client:
    """One live socket: who looks, at what, and what is still to be sent to it."""

    def __init__(self, viewer: Viewer, name: str) -> None:
        self.viewer = viewer
        self.name = name
        self.subscription = live.Subscription()
        self.hidden: set[UUID] = set()
        """Conversations followed that have left the viewer's sight: they went to another team."""
        self.recheck = asyncio.Event()
        """Set when the viewer's rights may have changed."""
        self.looking: UUID | None = None
        self.waiting: list[bytes] = []
        self.ready = asyncio.Event()
        self.lagging = False
        self.counters_due = False

    def follows(self, conversation: UUID) -> bool:
        """Tell whether messages of a conversation go to this client."""
        return conversation in self.subscription.conversations and conversation not in self.hidden

    def subscribe(self, subscription: live.Subscription) -> None:
        """Follow these from now on, instead of what was followed before."""
        self.subscription = subscription
        self.hidden = set()

    def put(self, frame: bytes) -> None:
        """Queue a frame; a client too far behind is told to resynchronise instead."""
        if len(self.waiting) >= QUEUE:
            self.resynchronise()
        if not self.lagging:
            self.waiting.append(frame)
        self.ready.set()

    def resynchronise(self) -> None:
        """Tell the client to take a new snapshot, instead of what waits for it."""
        self.waiting.clear()
        self.lagging = True
        self.ready.set()


def frame(cursor: int, kind: str, data: Any) -> bytes:
    """Encode one frame."""
    return msgspec.json.encode({"cursor": cursor, "type": kind, "data": data})


def _previous_assignees(logged: list[Logged]) -> dict[UUID, set[UUID | None]]:
    """Return who had, or has got, the conversations that changed hands."""
    before: dict[UUID, set[UUID | None]] = defaultdict(set)
    for one in logged:
        if isinstance(one.event, e.ConversationAssigned):
            before[one.event.subject] |= {one.event.previous_id, one.event.agent_id}
        elif isinstance(one.event, e.WorkEnded):
            before[one.event.subject].add(one.event.agent_id)
        elif isinstance(one.event, e.ConversationQueued):
            before[one.event.subject].add(one.event.previous_id)
    return before


def _agents_of(event: e.Event) -> set[UUID]:
    """Return the agents whose availability or load an event changed."""
    match event:
        case e.PresenceChanged(subject=agent):
            return {agent}
        case e.ConversationAssigned(agent_id=agent, previous_id=previous):
            return {agent} if previous is None else {agent, previous}
        case e.WorkEnded(agent_id=one) | e.ConversationQueued(previous_id=one) if one is not None:
            return {one}
        case _:
            return set()


class Hub:
    """All live sockets of one process, agents' and visitors' alike, behind one reading of the log."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._clients: dict[UUID, set[Client]] = defaultdict(set)
        self._hinted = runtime.bus.listener("followed:inbox")
        self._presence_due: dict[UUID, set[UUID]] = defaultdict(set)
        self._watchers: list[Callable[[Tx, list[Logged]], Any]] = []
        self._lookers = Lookers()
        self.position = self._upto = 0
        runtime.bus.hear(self._hear)

    def join(self, client: Client) -> None:
        """Start feeding a client."""
        self._clients[client.viewer.workspace_id].add(client)

    def leave(self, client: Client) -> None:
        """Stop feeding a client."""
        self._clients[client.viewer.workspace_id].discard(client)
        if client.looking is not None:
            self.looked(client, None)

    def watch(self, watcher: Callable[[Tx, list[Logged]], Any]) -> None:
        """Let somebody else (the widget's sockets) read along; awaited with each batch."""
        self._watchers.append(watcher)

    def agents(self) -> set[tuple[UUID, UUID]]:
        """Return who is connected here, as (workspace, agent)."""
        return {
            (client.viewer.workspace_id, client.viewer.agent_id)
            for clients in self._clients.values()
            for client in clients
        }

    async def run(self) -> None:
        """Follow the log from its end. Never returns."""
        started, failures = False, 0
        while True:
            try:
                # Reading only: no transaction, whose two ends would be two more round trips.
                async with self._runtime.db.connection() as connection:
                    tx = Tx(connection)
                    if not started:
                        self.position = await event_log.position(tx, "inbox") or 0
                        started = True
                    moved = await self._step(tx)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.warning("hub_interrupted", error=str(error) or repr(error))
                failures += not isinstance(error, TRANSIENT)
                if failures >= PATIENCE:
                    failures = 0
                    self._skip()
                await asyncio.sleep(0.2)
                continue
            failures = 0
            if not moved:
                await wait(self._hinted)

    def _skip(self) -> None:
        """Go on behind what can't be told, everybody with a new snapshot: one bad row must not hold all up."""
        log.error("hub_skipped", after=self.position, upto=self._upto)
        self.position = self._upto
        for client in [one for clients in self._clients.values() for one in clients]:
            client.resynchronise()

    async def _step(self, tx: Tx) -> bool:
        upto = self._upto = await event_log.position(tx, "inbox") or 0
        if upto <= self.position:
            return False
        logged = await event_log.read(tx, self.position, limit=1000, upto=upto)
        if not logged:
            return False
        concerned = [one for one in logged if self._clients.get(one.event.workspace_id)]
        if concerned:
            await self._spread(tx, concerned)
        for watcher in self._watchers:
            await watcher(tx, logged)
        self.position = logged[-1].pos
        return True

    async def _spread(self, tx: Tx, logged: list[Logged]) -> None:
        everybody = {one.event.workspace_id: list(self._clients[one.event.workspace_id]) for one in logged}
        await self._rows(tx, logged, everybody)
        await self._messages(tx, logged, everybody)
        self._others(logged, everybody)

    async def _rows(self, tx: Tx, logged: list[Logged], everybody: dict[UUID, list[Client]]) -> None:
        """Send the rows that events touch, as they are now: one encoding per class of viewers."""
        wanted = await projection.touched(tx, logged)
        rows = await reads.rows(tx, wanted, self._runtime.link) if wanted else {}
        before = _previous_assignees(logged)
        for workspace, clients in everybody.items():
            changes = [
                live.Change(rows[key], frozenset(before.get(key, ())))
                for owner, key in wanted
                if owner == workspace and key in rows
            ]
            if changes:
                self._to_classes(clients, changes, logged[-1].pos)

    def _to_classes(self, clients: list[Client], changes: list[live.Change], cursor: int) -> None:
        classes: dict[Any, list[Client]] = defaultdict(list)
        for client in clients:
            if client.subscription.views:
                classes[live.audience(client.viewer, client.subscription)].append(client)
            client.counters_due = client.counters_due or client.subscription.counters
        for members in classes.values():
            for change in changes:
                for kind, data in live.frames(members[0].viewer, members[0].subscription, change):
                    encoded = frame(cursor, kind, data)
                    for client in members:
                        client.put(encoded)
        for change in changes:
            self._to_readers(clients, change, cursor)

    def _to_readers(self, clients: list[Client], change: live.Change, cursor: int) -> None:
        """Who has a conversation open that is in none of their views gets its row all the same."""
        encoded = b""
        for client in clients:
            if change.row.id not in client.subscription.conversations:
                continue
            if not client.viewer.sees(change.row.assignee_id, change.row.team_id):
                client.hidden.add(change.row.id)
                continue
            client.hidden.discard(change.row.id)
            if not live.keys(client.viewer, client.subscription, change.row):
                encoded = encoded or frame(cursor, "conversation", {"keys": [], "row": change.row})
                client.put(encoded)

    async def _messages(self, tx: Tx, logged: list[Logged], everybody: dict[UUID, list[Client]]) -> None:
        wanted: dict[UUID, set[UUID]] = defaultdict(set)
        for one in logged:
            event = one.event
            if not isinstance(event, e.MessageFiled | e.MessageChanged | e.DeliveryChanged):
                continue
            followed = any(client.follows(event.subject) for client in everybody[event.workspace_id])
            if followed and event.message_id is not None:
                wanted[event.workspace_id].add(event.message_id)
        for workspace, ids in wanted.items():
            found = await reads.messages(
                tx, workspace, self._runtime.link, {"messages": {"messages": sorted(ids)}}, "position", 1000
            )
            for message in found:
                encoded = frame(logged[-1].pos, "message", {"row": message})
                for client in everybody[workspace]:
                    if client.follows(message.conversation_id):
                        client.put(encoded)

    def _others(self, logged: list[Logged], everybody: dict[UUID, list[Client]]) -> None:
        """Settings at once; presence is gathered, since under load it changes with every conversation."""
        settings: dict[UUID, set[str]] = defaultdict(set)
        for one in logged:
            event = one.event
            if isinstance(event, e.ChannelChanged):
                settings[event.workspace_id].add("channels")
            elif isinstance(event, e.SettingsChanged):
                settings[event.workspace_id].add(event.what)
                for client in everybody[event.workspace_id]:
                    if client.viewer.agent_id == event.subject:
                        client.recheck.set()
            else:
                self._presence_due[event.workspace_id] |= _agents_of(event)
        for workspace, what in settings.items():
            self._all(everybody[workspace], frame(logged[-1].pos, "changed", {"what": sorted(what)}))

    async def run_slowly(self) -> None:
        """Tell, a few times a second at most, what changes with every conversation: counters, agents' load. Never returns."""
        while True:
            crowd = sum(map(len, self._clients.values()))
            await asyncio.sleep(SLOWLY_SECONDS * (1 + crowd // CROWD))
            try:
                await self._tell_presence()
                await self._tell_counters()
            except Exception as error:
                log.warning("hub_interrupted", error=str(error) or repr(error))

    async def _tell_presence(self) -> None:
        due, self._presence_due = self._presence_due, defaultdict(set)
        for workspace, agents in due.items():
            clients = list(self._clients.get(workspace, ()))
            if not agents or not clients:
                continue
            async with self._runtime.db.connection() as connection:
                rows = await reads.presences(Tx(connection), workspace, sorted(agents))
            for row in rows:
                self._all(clients, frame(self.position, "presence", row))

    async def _tell_counters(self) -> None:
        """Counts are read once per workspace, and added up once per class of viewers."""
        for workspace, clients in list(self._clients.items()):
            due = [client for client in clients if client.counters_due]
            if not due:
                continue
            async with self._runtime.db.connection() as connection:
                tally = await reads.tally(Tx(connection), workspace)
            for nr, client in enumerate(due):
                client.counters_due = False
                client.put(frame(self.position, "counters", counting.counters(tally, client.viewer)))
                if nr % 50 == 49:
                    await asyncio.sleep(0)  # rows of conversations go first

    def _all(self, clients: Iterable[Client], encoded: bytes) -> None:
        for client in clients:
            client.put(encoded)

    async def resume(self, tx: Tx, client: Client, cursor: int) -> bool:
        """Send a returning client what it missed; false when that is too much or too long ago."""
        if not 0 < cursor <= self.position:
            return cursor == self.position
        logged = await event_log.read(tx, cursor, limit=CATCH_UP + 1, upto=self.position)
        if len(logged) > CATCH_UP or (logged and logged[0].pos != cursor + 1):
            return False
        mine = [one for one in logged if one.event.workspace_id == client.viewer.workspace_id]
        if mine:
            alone = {client.viewer.workspace_id: [client]}
            await self._rows(tx, mine, alone)
            await self._messages(tx, mine, alone)
            self._others(mine, alone)
        return True

    # -- passing news: typing, looking --------------------------------------------------------------------------------

    def looked(self, client: Client, conversation: UUID | None) -> None:
        """A client turned to another conversation."""
        previous, client.looking = client.looking, conversation
        for one in {one for one in (previous, conversation) if one is not None}:
            self._tell_looking(client.viewer.workspace_id, one)

    async def retell_looking(self) -> None:
        """Tell again who looks at what here: news may have been lost, and other processes forget what is not told again."""
        looked_at = {(key, c.looking) for key, clients in self._clients.items() for c in clients}
        for workspace, here in looked_at:
            if here is None:
                continue
            self._tell_looking(workspace, here)
            await asyncio.sleep(0.004)  # each its own notification, however many there are

    def _tell_looking(self, workspace: UUID, here: UUID) -> None:
        agents = {str(c.viewer.agent_id): c.name[:60] for c in self._clients[workspace] if c.looking == here}
        told = dict(sorted(agents.items())[:20])
        self._runtime.bus.say(
            {
                "looking": str(here),
                "workspace": str(workspace),
                "of": str(self._runtime.holder),
                "agents": told,
            }
        )

    def typed(self, client: Client, conversation: UUID) -> None:
        """An agent is typing."""
        self._runtime.bus.say(
            {"agent_typing": str(conversation), "workspace": str(client.viewer.workspace_id), "id": str(client.viewer.agent_id),
             "name": client.name[:60]}
        )  # fmt: skip

    def _hear(self, news: dict[str, Any]) -> None:
        workspace = UUID(news["workspace"]) if "workspace" in news else None
        clients = self._clients.get(workspace, set()) if workspace is not None else set()
        if "looking" in news:
            here = UUID(news["looking"])
            agents = self._lookers.heard(here, news["of"], news["agents"])
            data = {
                "conversation_id": here,
                "agents": [{"id": key, "name": name} for key, name in agents.items()],
            }
            self._all([c for c in clients if c.follows(here)], frame(self.position, "looking", data))
        elif "agent_typing" in news or "contact_typing" in news:
            kind = "agent" if "agent_typing" in news else "contact"
            here = UUID(news[f"{kind}_typing"])
            data = {"conversation_id": here, "by": {"kind": kind, "id": news["id"], "name": news["name"]}}
            self._all(
                [c for c in clients if c.follows(here) and str(c.viewer.agent_id) != news["id"]],
                frame(self.position, "typing", data),
            )
