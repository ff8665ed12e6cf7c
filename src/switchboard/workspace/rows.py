"""What goes to screens, in the shapes of the REST API and the live stream."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec


class ContactBrief(msgspec.Struct, frozen=True):
    """A contact as a list shows it."""

    id: UUID
    name: str
    avatar_url: str | None = None


class Conversation(msgspec.Struct, frozen=True):
    """One inbox row. `version` goes into `expected_version`; `pos` grows with every change."""

    id: UUID
    version: int
    pos: int
    contact: ContactBrief
    status: str
    priority: int
    slot: str
    subject: str
    channel_id: UUID | None
    kind: str
    kinds: list[str]
    team_id: UUID | None
    assignee_id: UUID | None
    preview: str
    last_at: datetime
    last_direction: str
    waiting_since: datetime | None
    unread: int
    tags: list[str]
    snoozed_until: datetime | None


class Author(msgspec.Struct, frozen=True):
    """Who said it: contact, agent, system, bot or platform (our own side, elsewhere)."""

    kind: str
    id: UUID | None
    name: str


class Trouble(msgspec.Struct, frozen=True):
    """Why a message was not delivered, in the platform's words."""

    code: str
    message: str


class ReplyTo(msgspec.Struct, frozen=True):
    """The message that is being answered."""

    id: UUID
    preview: str
    author_name: str


class ReactionView(msgspec.Struct, frozen=True):
    """One reaction."""

    emoji: str
    name: str


class Message(msgspec.Struct, frozen=True):
    """One message with all that is shown beside it. `parts` hold files with signed links."""

    id: UUID
    conversation_id: UUID
    position: int
    direction: str
    author: Author
    channel_id: UUID | None
    kind: str
    parts: list[dict[str, Any]]
    occurred_at: datetime
    filed_at: datetime
    status: str | None
    error: Trouble | None
    edited_at: datetime | None
    recalled_at: datetime | None
    reply_to: ReplyTo | None
    reactions: list[ReactionView]
    client_id: UUID | None
    backfill: bool


class Counters(msgspec.Struct, frozen=True):
    """Open conversations by view, team, channel and agent."""

    views: dict[str, int]
    by_team: dict[str, int]
    by_channel: dict[str, int]
    by_agent: dict[str, int]


class Viewer(msgspec.Struct, frozen=True):
    """Who looks. `everything`: supervisors and administrators; agents see their own, their teams' and team-less ones."""

    workspace_id: UUID
    agent_id: UUID
    everything: bool
    team_ids: frozenset[UUID] = frozenset()

    def sees(self, assignee_id: UUID | None, team_id: UUID | None) -> bool:
        """Tell whether a conversation may be seen; the same rule as the fragment `where_visible`."""
        return self.everything or assignee_id == self.agent_id or team_id is None or team_id in self.team_ids


class View(msgspec.Struct, frozen=True, omit_defaults=True):
    """A filter over conversations, as a client subscribes to it or pages through it. `assignee` is an id or `none`."""

    status: tuple[str, ...] = ("new", "open", "pending")
    assignee: str = ""
    team: UUID | None = None
    channel: UUID | None = None
    kind: str = ""
    tag: str = ""
    contact: UUID | None = None
    sort: str = "last"

    def holds(self, row: Conversation) -> bool:
        """Tell whether a row belongs to the view."""
        return (
            row.status in self.status
            and (
                not self.assignee
                or (
                    row.assignee_id is None
                    if self.assignee == "none"
                    else str(row.assignee_id) == self.assignee
                )
            )
            and (self.team is None or row.team_id == self.team)
            and (self.channel is None or row.channel_id == self.channel)
            and (not self.kind or row.kind == self.kind)
            and (not self.tag or self.tag in row.tags)
            and (self.contact is None or row.contact.id == self.contact)
            and (self.sort != "waiting" or row.waiting_since is not None)
        )
