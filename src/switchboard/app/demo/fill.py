"""Writes the demo's past straight into the tables, then lets the read models catch up.

All in one transaction: a first start that is interrupted leaves nothing half written. It goes round the
verbs, since three months of them would take minutes.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import msgspec

from switchboard import flow
from switchboard.app.demo.accounts import Line
from switchboard.app.demo.company import AGENTS, FILLED, Company
from switchboard.app.demo.past import tell
from switchboard.app.demo.pictures import NAMES, picture
from switchboard.app.demo.platforms import Platforms
from switchboard.app.demo.story import Case, Customer, Said, Story
from switchboard.app.runtime import Runtime
from switchboard.blobs import StoredFile
from switchboard.blobs import commands as blob_commands
from switchboard.core.events import ContactChanged, ConversationOpened, Event, MessageFiled
from switchboard.core.ids import new_id
from switchboard.core.parts import Image, Part, Text, preview
from switchboard.db import log as event_log
from switchboard.db.log import Logged
from switchboard.db.pool import Tx
from switchboard.tenancy import commands as tenancy
from switchboard.workspace import projection, search

CHUNK = 1000
Say = Callable[[str], None]
TABLES = (
    "contact", "identity", "conversation", "conversation_channel", "message", "outbound", "work",
    "assignment", "presence",
)  # fmt: skip
STATUS = {
    "resolved": "resolved",
    "queued": "new",
    "assigned": "open",
    "pending": "pending",
    "snoozed": "snoozed",
}
WORK = {
    "resolved": "done",
    "queued": "queued",
    "assigned": "assigned",
    "pending": "assigned",
    "snoozed": "assigned",
}
RECEIPT = {"whatsapp": "read", "telegram": "sent", "email": "sent", "custom": "delivered", "web": "read"}
DIRECTION = {"c": "in", "a": "out", "n": "note"}


class _Thread(msgspec.Struct, frozen=True):
    """One conversation's ids and where its customer is reached."""

    id: UUID
    contact: UUID
    identity: UUID
    line: Line
    address: str


class Filler:
    """Turns a story into rows: dictionaries of columns, by table."""

    def __init__(
        self,
        company: Company,
        lines: dict[str, Line],
        files: Sequence[StoredFile],
        story: Story,
        now: datetime,
    ) -> None:
        self._company = company
        self._lines = lines
        self._files = files
        self._story = story
        self._now = now
        self._dice = Random(7)
        self._load = [0] * len(AGENTS)
        self.rows: dict[str, list[dict[str, Any]]] = {table: [] for table in TABLES}
        self.opened: list[Event] = []
        self.said: list[Event] = []
        self.known: list[Event] = []

    def _add(self, table: str, **row: Any) -> None:
        self.rows[table].append({"workspace_id": self._company.workspace, **row})

    def fill(self) -> None:
        """Make all rows, and the events that the read models go by."""
        people = [self._contact(one) for one in self._story.customers]
        for case in self._story.cases:
            contact, identities = people[case.customer]
            line, customer = self._lines[case.channel], self._story.customers[case.customer]
            address = customer.addresses[case.channel]
            thread = _Thread(_id(case.said[0].at), contact, identities[case.channel], line, address)
            self._conversation(case, thread)
            for nr, said in enumerate(case.said, 1):
                self._message(thread, said, nr)
            self._work(case, thread)
        for agent, load in zip(self._company.agents, self._load, strict=True):
            self._add("presence", agent_id=agent, status="offline", capacity=load + 10, load=load)

    def _contact(self, one: Customer) -> tuple[UUID, dict[str, UUID]]:
        contact = _id(one.since)
        self._add(
            "contact", id=contact, name=one.name, level=one.level, language=one.language, notes=one.notes,
            tags=[*one.tags, one.level] if one.level else one.tags, attributes={"city": one.city},
            created_at=one.since, last_seen_at=one.seen or one.since,
        )  # fmt: skip
        found: dict[str, UUID] = {}
        for channel, address in one.addresses.items():
            line, found[channel] = self._lines[channel], _id(one.since)
            self._add(
                "identity", id=found[channel], contact_id=contact, space=line.space, value=address,
                verified=line.kind != "email", created_at=one.since,
            )  # fmt: skip
        changed = ContactChanged(workspace_id=self._company.workspace, subject=contact, what="created")
        self.known.append(changed)
        return contact, found

    def _conversation(self, case: Case, thread: _Thread) -> None:
        over, last, line = case.state == "resolved", case.said[-1], thread.line
        inbound = [nr for nr, said in enumerate(case.said) if said.agent is None]
        answered = max((nr for nr, said in enumerate(case.said) if said.turn.who == "a"), default=-1)
        unread = [] if over else [nr for nr in inbound if nr > answered]
        subject = case.topic if line.kind == "email" else ""
        self._add(
            "conversation", id=thread.id, contact_id=thread.contact, slot="case", status=STATUS[case.state],
            priority=case.priority, subject=subject, tags=case.tags if answered >= 0 else [],
            channel_id=line.channel,
            version=1 + sum(said.agent is not None for said in case.said), last_position=len(case.said),
            inbound_count=len(inbound), seen_count=len(inbound) - len(unread), opened_at=case.said[0].at,
            resolved_at=last.at + timedelta(minutes=3) if over else None,
            snoozed_until=self._now + timedelta(hours=20) if case.state == "snoozed" else None,
            last_at=last.at, last_direction=DIRECTION[last.turn.who],
            waiting_since=case.said[unread[0]].at if unread else None, preview=preview(self._parts(last)),
        )  # fmt: skip
        self._add(
            "conversation_channel", conversation_id=thread.id, channel_id=line.channel,
            address=thread.address, identity_id=thread.identity, subject=subject,
            verified=line.kind != "email", last_inbound_at=case.said[inbound[-1]].at,
        )  # fmt: skip
        self.opened.append(
            ConversationOpened(
                workspace_id=self._company.workspace, subject=thread.id, contact_id=thread.contact
            )
        )

    def _message(self, thread: _Thread, said: Said, nr: int) -> None:
        message, direction, parts = _id(said.at), DIRECTION[said.turn.who], self._parts(said)
        author = thread.contact if said.agent is None else self._company.agents[said.agent]
        kind = "contact" if said.agent is None else "agent"
        channel = None if direction == "note" else thread.line.channel
        self._add(
            "message", id=message, conversation_id=thread.id, position=nr, direction=direction,
            author_kind=kind, author_id=author, channel_id=channel,
            identity_id=thread.identity if said.agent is None else None,
            address="" if direction == "note" else thread.address, parts=parts,
            external_id=f"demo-{message}" if direction == "in" else None, occurred_at=said.at,
            received_at=said.at, filed_at=said.at,
        )  # fmt: skip
        self.said.append(
            MessageFiled(
                workspace_id=self._company.workspace, subject=thread.id, message_id=message, position=nr,
                direction=direction, author_kind=kind, author_id=author, channel_id=channel,
            )
        )  # fmt: skip
        if direction == "out":
            self._sent(thread, said, message, parts)

    def _sent(self, thread: _Thread, said: Said, message: UUID, parts: list[Part]) -> None:
        line = thread.line
        lost = line.kind == "whatsapp" and self._dice.random() < 0.01
        status = "failed" if lost else RECEIPT[line.kind]
        if status == "read" and self._dice.random() < 0.12:
            status = "delivered"
        self._add(
            "outbound", id=_id(said.at), message_id=message, piece=0, pieces=1, conversation_id=thread.id,
            connection_id=line.connection, channel_id=line.channel, address=thread.address,
            body={"parts": parts}, status=status, attempts=1, first_tried_at=said.at, due_at=said.at,
            external_id=f"demo-{message}",
            code="131026" if lost else "", error="WhatsApp: Message undeliverable" if lost else "",
            created_at=said.at, updated_at=said.at,
        )  # fmt: skip

    def _work(self, case: Case, thread: _Thread) -> None:
        team, start, state = self._company.teams[case.team], case.said[0].at, WORK[case.state]
        agent = None if state == "queued" else self._company.agents[case.agent]
        self._load[case.agent] += state == "assigned"
        self._add(
            "work", conversation_id=thread.id, state=state, team_id=team, assignee_id=agent,
            priority=case.priority, version=2 if agent else 1, queued_at=start,
            assigned_at=start if agent else None,
        )  # fmt: skip
        if agent is not None:
            self._add(
                "assignment", id=_id(start), conversation_id=thread.id, agent_id=agent, team_id=team,
                by_kind="system", at=start,
            )  # fmt: skip

    def _parts(self, said: Said) -> list[Part]:
        if said.turn.picture is None:
            return [Text(said.turn.text)]
        file = self._files[said.turn.picture]
        image = Image(
            file_id=file.id, name=file.name, mime=file.mime, size=file.size, caption=said.turn.text,
            width=file.width or 0, height=file.height or 0,
        )  # fmt: skip
        return [image]


def _id(at: datetime) -> UUID:
    return new_id(int(at.timestamp() * 1000))


class Filling(msgspec.Struct, frozen=True):
    """What filling needs: the running product, the company with its channels, the sandbox, and the moment."""

    runtime: Runtime
    company: Company
    lines: dict[str, Line]
    platforms: Platforms
    now: datetime


async def fill(filling: Filling, story: Story, say: Say) -> None:
    """Write the story and the read models over it; raises DemoError."""
    runtime, company, now = filling.runtime, filling.company, filling.now
    files = [
        await runtime.blobs.keep(company.workspace, f"{name}.jpg", picture(nr))
        for nr, name in enumerate(NAMES)
    ]
    filler = Filler(company, filling.lines, files, story, now)
    filler.fill()
    say(f"  {len(filler.known)} contacts, {len(filler.opened)} conversations, {len(filler.said)} messages …")
    async with runtime.db.transaction() as tx:
        await blob_commands.record(tx, files, origin="demo")
        await _copy(tx, filler.rows)
        say("  written; inbox and search index …")
        position = await event_log.head(tx)
        for logged in _pages(filler.opened, position, now):
            await projection.project(tx, logged)
        for logged in [*_pages(filler.said, position, now), *_pages(filler.known, position, now)]:
            await search.index(tx, logged)
        _, events = await flow.carry(tx, tenancy.edit, company.workspace, {"settings": {FILLED: True}})
        await tell(filling.platforms, story)
    runtime.announce(events)


async def _copy(tx: Tx, rows: dict[str, list[dict[str, Any]]]) -> None:
    for table, found in rows.items():
        columns = list(found[0])
        records = [tuple(row.values()) for row in found]
        for start in range(0, len(records), CHUNK):
            page = records[start : start + CHUNK]
            await tx.connection.copy_records_to_table(table, records=page, columns=columns)


def _pages(events: Sequence[Any], position: int, now: datetime) -> list[list[Logged]]:
    return [
        [Logged(position, now, event) for event in events[start : start + CHUNK]]
        for start in range(0, len(events), CHUNK)
    ]
