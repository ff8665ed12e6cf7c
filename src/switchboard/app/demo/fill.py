"""Writes the demo's past straight into the tables, then lets the read models catch up.

All in one transaction: a first start that is interrupted leaves nothing half written. It goes round the verbs, since three
months of them would take minutes; `test_demo` compares what lies in the tables with what the verbs and projectors say of it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from switchboard import flow
from switchboard.app.demo.accounts import Line
from switchboard.app.demo.company import AGENTS, FILLED, Company
from switchboard.app.demo.pictures import NAMES, picture
from switchboard.app.demo.story import Case, Customer, Said, Story
from switchboard.app.runtime import Runtime
from switchboard.blobs import StoredFile
from switchboard.blobs import commands as blob_commands
from switchboard.core.events import ContactChanged, ConversationOpened, MessageFiled
from switchboard.core.ids import new_id
from switchboard.core.parts import Image, Part, Text, preview
from switchboard.db import log as event_log
from switchboard.db.log import Logged
from switchboard.db.pool import Tx
from switchboard.tenancy import commands as tenancy
from switchboard.workspace import projection, search

CHUNK = 1000
Say = Callable[[str], None]
STATUS = {
    "resolved": "resolved",
    "queued": "new",
    "assigned": "open",
    "pending": "pending",
    "snoozed": "snoozed",
}
RECEIPT = {"whatsapp": "read", "telegram": "sent", "email": "sent", "custom": "delivered", "web": "read"}


class Rows:
    """What is to be written, by table: rows as dictionaries of columns, all of one table with the same ones."""

    def __init__(self) -> None:
        self.tables: dict[str, list[dict[str, Any]]] = {}

    def add(self, table: str, **row: Any) -> None:
        """Add a row."""
        self.tables.setdefault(table, []).append(row)

    async def write(self, tx: Tx) -> None:
        """Copy everything in, parents first."""
        for table, rows in self.tables.items():
            columns = list(rows[0])
            for start in range(0, len(rows), CHUNK):
                records = [tuple(row[name] for name in columns) for row in rows[start : start + CHUNK]]
                await tx.connection.copy_records_to_table(table, records=records, columns=columns)


class Filler:
    """Turns a story into rows."""

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
        self._dice = Random(7)  # noqa: S311 - which receipts came, not a secret
        self._load = [0] * len(AGENTS)
        self.rows = Rows()
        self.cases: list[tuple[UUID, UUID]] = []
        self.messages: list[MessageFiled] = []
        for table in (
            "contact",
            "identity",
            "conversation",
            "conversation_channel",
            "message",
            "outbound",
            "work",
            "assignment",
        ):
            self.rows.tables[table] = []

    def fill(self) -> None:
        """Make all rows."""
        people = [self._contact(one) for one in self._story.customers]
        for case in self._story.cases:
            contact, identities = people[case.customer]
            self._case(case, contact, identities)
        for nr, agent in enumerate(self._company.agents):
            self.rows.add(
                "presence", workspace_id=self._company.workspace, agent_id=agent, status="offline",
                capacity=max(10, self._load[nr] + 3), load=self._load[nr],
            )  # fmt: skip

    def _contact(self, one: Customer) -> tuple[UUID, dict[str, UUID]]:
        workspace, contact = self._company.workspace, _id(one.since)
        tags = [*one.tags, one.level] if one.level else one.tags
        self.rows.add(
            "contact", workspace_id=workspace, id=contact, name=one.name, level=one.level, language=one.language,
            notes=one.notes, tags=tags, attributes={"city": one.city}, created_at=one.since,
            last_seen_at=one.seen or one.since,
        )  # fmt: skip
        found: dict[str, UUID] = {}
        for channel, address in one.addresses.items():
            found[channel] = _id(one.since)
            line = self._lines[channel]
            self.rows.add(
                "identity", workspace_id=workspace, id=found[channel], contact_id=contact, space=line.space, value=address,
                verified=line.kind != "email", created_at=one.since,
            )  # fmt: skip
        return contact, found

    def _case(self, case: Case, contact: UUID, identities: dict[str, UUID]) -> None:
        workspace, line = self._company.workspace, self._lines[case.channel]
        conversation = _id(case.said[0].at)
        address = self._story.customers[case.customer].addresses[case.channel]
        parts = [self._parts(said) for said in case.said]
        inbound = [nr for nr, said in enumerate(case.said) if said.agent is None]
        answered = max((nr for nr, said in enumerate(case.said) if said.turn.who == "a"), default=-1)
        waiting = next((nr for nr in inbound if nr > answered), None) if case.state != "resolved" else None
        over, last = case.state == "resolved", case.said[-1]
        team = self._company.teams[case.team]
        self.rows.add(
            "conversation", workspace_id=workspace, id=conversation, contact_id=contact, slot="case",
            status=STATUS[case.state], priority=case.priority, subject=case.topic if line.kind == "email" else "",
            tags=case.tags if answered >= 0 else [], channel_id=line.channel, version=1 + sum(said.agent is not None for said in case.said),
            last_position=len(case.said), inbound_count=len(inbound),
            seen_count=len(inbound) if over or waiting is None else sum(nr < answered for nr in inbound),
            opened_at=case.said[0].at, resolved_at=last.at + timedelta(minutes=3) if over else None,
            snoozed_until=self._now + timedelta(hours=20) if case.state == "snoozed" else None, last_at=last.at,
            last_direction=_direction(last), waiting_since=None if waiting is None else case.said[waiting].at,
            preview=preview(parts[-1]),
        )  # fmt: skip
        self.rows.add(
            "conversation_channel", workspace_id=workspace, conversation_id=conversation, channel_id=line.channel,
            address=address, identity_id=identities[case.channel], subject=case.topic if line.kind == "email" else "",
            verified=line.kind != "email", last_inbound_at=case.said[inbound[-1]].at,
        )  # fmt: skip
        for nr, (said, said_parts) in enumerate(zip(case.said, parts, strict=True), 1):
            self._message(
                conversation, contact, identities[case.channel], line, address, said, said_parts, nr
            )
        self._work(case, conversation, team)
        self.cases.append((conversation, contact))

    def _message(
        self,
        conversation: UUID,
        contact: UUID,
        identity: UUID,
        line: Line,
        address: str,
        said: Said,
        parts: list[Part],
        nr: int,
    ) -> None:
        workspace, message = self._company.workspace, _id(said.at)
        direction = _direction(said)
        author = contact if said.agent is None else self._company.agents[said.agent]
        kind = "contact" if said.agent is None else "agent"
        channel = None if direction == "note" else line.channel
        self.rows.add(
            "message", workspace_id=workspace, id=message, conversation_id=conversation, position=nr, direction=direction,
            author_kind=kind, author_id=author, channel_id=channel, identity_id=identity if kind == "contact" else None,
            address="" if direction == "note" else address, parts=parts,
            external_id=f"demo-{message}" if direction == "in" else None, occurred_at=said.at, received_at=said.at,
            filed_at=said.at,
        )  # fmt: skip
        self.messages.append(
            MessageFiled(
                workspace_id=workspace, subject=conversation, message_id=message, position=nr, direction=direction,
                author_kind=kind, author_id=author, channel_id=channel,
            )
        )  # fmt: skip
        if direction == "out":
            self._sent(conversation, message, line, address, said, parts)

    def _sent(
        self, conversation: UUID, message: UUID, line: Line, address: str, said: Said, parts: list[Part]
    ) -> None:
        lost = line.kind == "whatsapp" and self._dice.random() < 0.01
        status = "failed" if lost else RECEIPT[line.kind]
        if status == "read" and self._dice.random() < 0.12:
            status = "delivered"
        self.rows.add(
            "outbound", workspace_id=self._company.workspace, id=_id(said.at), message_id=message, piece=0, pieces=1,
            conversation_id=conversation, connection_id=line.connection, channel_id=line.channel, address=address,
            body={"parts": parts}, status=status, attempts=1, first_tried_at=said.at, due_at=said.at,
            external_id=f"demo-{message}", code="131026" if lost else "",
            error="WhatsApp: Message undeliverable" if lost else "", created_at=said.at, updated_at=said.at,
        )  # fmt: skip

    def _work(self, case: Case, conversation: UUID, team: UUID) -> None:
        workspace, start = self._company.workspace, case.said[0].at
        taken = case.state != "queued"
        agent = self._company.agents[case.agent] if taken else None
        state = {"resolved": "done", "queued": "queued"}.get(case.state, "assigned")
        if state == "assigned":
            self._load[case.agent] += 1
        self.rows.add(
            "work", workspace_id=workspace, conversation_id=conversation, state=state, team_id=team, assignee_id=agent,
            priority=case.priority, version=2 if taken else 1, queued_at=start, assigned_at=start if taken else None,
        )  # fmt: skip
        if taken:
            self.rows.add(
                "assignment", workspace_id=workspace, id=_id(start), conversation_id=conversation, agent_id=agent,
                team_id=team, by_kind="system", at=start,
            )  # fmt: skip

    def _parts(self, said: Said) -> list[Part]:
        if said.turn.picture is None:
            return [Text(said.turn.text)]
        file = self._files[said.turn.picture]
        image = Image(
            file_id=file.id, name=file.name, mime=file.mime, size=file.size, caption=said.turn.text, width=file.width or 0,
            height=file.height or 0,
        )  # fmt: skip
        return [image]


def _direction(said: Said) -> str:
    return {"c": "in", "a": "out", "n": "note"}[said.turn.who]


def _id(at: datetime) -> UUID:
    return new_id(int(at.timestamp() * 1000))


async def fill(
    runtime: Runtime, company: Company, lines: dict[str, Line], story: Story, now: datetime, say: Say
) -> None:
    """Write the story, and the read models over it."""
    files = [
        await runtime.blobs.keep(company.workspace, f"{name}.jpg", picture(nr))
        for nr, name in enumerate(NAMES)
    ]
    filler = Filler(company, lines, files, story, now)
    filler.fill()
    count = sum(len(rows) for rows in filler.rows.tables.values())
    say(
        f"  {len(story.customers)} contacts, {len(story.cases)} conversations, {len(filler.messages)} messages …"
    )
    async with runtime.db.transaction() as tx:
        await blob_commands.record(tx, files, origin="demo")
        await filler.rows.write(tx)
        say(f"  {count} rows written; inbox and search index …")
        await _project(tx, company.workspace, filler, now)
        await _index(tx, company.workspace, filler, now)
        _, events = await flow.carry(tx, tenancy.edit, company.workspace, {"settings": {FILLED: True}})
    runtime.announce(events)


async def _project(tx: Tx, workspace: UUID, filler: Filler, now: datetime) -> None:
    position = await event_log.head(tx)
    for start in range(0, len(filler.cases), CHUNK):
        opened = [
            ConversationOpened(workspace_id=workspace, subject=conversation, contact_id=contact)
            for conversation, contact in filler.cases[start : start + CHUNK]
        ]
        await projection.project(tx, [Logged(position, now, event) for event in opened])


async def _index(tx: Tx, workspace: UUID, filler: Filler, now: datetime) -> None:
    for start in range(0, len(filler.messages), CHUNK):
        await search.index(tx, [Logged(0, now, event) for event in filler.messages[start : start + CHUNK]])
    contacts = [row["id"] for row in filler.rows.tables["contact"]]
    for start in range(0, len(contacts), CHUNK):
        changed = [
            ContactChanged(workspace_id=workspace, subject=key, what="created")
            for key in contacts[start : start + CHUNK]
        ]
        await search.index(tx, [Logged(0, now, event) for event in changed])
