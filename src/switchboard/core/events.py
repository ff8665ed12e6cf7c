"""What happened: the catalogue of the log. Ids and small facts only, never message content or personal data.

`room` is the room that may emit an event. `Step`s travel between the verbs of one transaction and are never logged.
"""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from switchboard.core.commands import AnyCommand, Command
from switchboard.core.facts import Inbound, MessageEdited, MessageRecalled
from switchboard.core.parts import Part


class Event(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="type"):
    """One line of the log. `subject` is the entity whose order matters (conversation, contact, agent, channel)."""

    room: ClassVar[str] = ""
    workspace_id: UUID
    subject: UUID


class ContactChanged(Event, frozen=True, omit_defaults=True, tag="contact_changed"):
    """A contact was created or edited; `what` is created, edited, identified or reach."""

    room: ClassVar[str] = "contacts"
    what: str


class ContactsMerged(Event, frozen=True, omit_defaults=True, tag="contacts_merged"):
    """`merged_id` now is part of the subject."""

    room: ClassVar[str] = "contacts"
    merged_id: UUID
    merge_id: UUID


class ContactsUnmerged(Event, frozen=True, omit_defaults=True, tag="contacts_unmerged"):
    """`restored_id` is a contact of its own again."""

    room: ClassVar[str] = "contacts"
    restored_id: UUID
    merge_id: UUID


class ConversationOpened(Event, frozen=True, omit_defaults=True, tag="conversation_opened"):
    """A case began, or began again when `reopened`."""

    room: ClassVar[str] = "conversations"
    contact_id: UUID
    channel_id: UUID | None = None
    priority: int = 1
    reopened: bool = False
    assignee_id: UUID | None = None


class ConversationResolved(Event, frozen=True, omit_defaults=True, tag="conversation_resolved"):
    """A case ended."""

    room: ClassVar[str] = "conversations"
    by_id: UUID | None = None


class ConversationChanged(Event, frozen=True, omit_defaults=True, tag="conversation_changed"):
    """`what` is status, edited, read, or moved (its contact changed by a merge)."""

    room: ClassVar[str] = "conversations"
    what: str


class MessageFiled(Event, frozen=True, omit_defaults=True, tag="message_filed"):
    """Something was said; the subject is the conversation."""

    room: ClassVar[str] = "conversations"
    message_id: UUID
    position: int
    direction: str
    author_kind: str
    channel_id: UUID | None = None
    author_id: UUID | None = None
    backfill: bool = False


class MessageChanged(Event, frozen=True, omit_defaults=True, tag="message_changed"):
    """`what` is edited, recalled, media or reaction; the subject is the conversation."""

    room: ClassVar[str] = "conversations"
    message_id: UUID | None
    what: str


class MediaWanted(Event, frozen=True, omit_defaults=True, tag="media_wanted"):
    """A message holds media that still lies with the platform; the subject is the conversation."""

    room: ClassVar[str] = "conversations"
    message_id: UUID
    channel_id: UUID
    raw_id: UUID | None = None


class ConversationQueued(Event, frozen=True, omit_defaults=True, tag="conversation_queued"):
    """A conversation waits for somebody; `reason` is opened, transferred, returned or reopened."""

    room: ClassVar[str] = "routing"
    team_id: UUID | None = None
    reason: str = "opened"
    previous_id: UUID | None = None


class ConversationAssigned(Event, frozen=True, omit_defaults=True, tag="conversation_assigned"):
    """Somebody has it now; `by` is router, or the agent who did it."""

    room: ClassVar[str] = "routing"
    agent_id: UUID
    previous_id: UUID | None = None
    by_id: UUID | None = None


class WorkEnded(Event, frozen=True, omit_defaults=True, tag="work_ended"):
    """The conversation is nobody's work any more; its last assignee has room again."""

    room: ClassVar[str] = "routing"
    agent_id: UUID | None = None


class PresenceChanged(Event, frozen=True, omit_defaults=True, tag="presence_changed"):
    """An agent came, went, or is busy; the subject is the agent."""

    room: ClassVar[str] = "routing"
    status: str


class DeliveryChanged(Event, frozen=True, omit_defaults=True, tag="delivery_changed"):
    """How far one of our messages got; the subject is the conversation."""

    room: ClassVar[str] = "delivery"
    message_id: UUID
    status: str


class ChannelChanged(Event, frozen=True, omit_defaults=True, tag="channel_changed"):
    """A channel turned green, amber or red, or was renamed; the subject is the channel's connection."""

    room: ClassVar[str] = "connections"
    status: str


class SettingsChanged(Event, frozen=True, omit_defaults=True, tag="settings_changed"):
    """People, teams or settings were edited; `what` names the kind of thing, the subject the thing."""

    room: ClassVar[str] = "staff"
    what: str


# -- steps -----------------------------------------------------------------------------------------------------------


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A working value between two verbs of one transaction."""

    room: ClassVar[str] = ""
    workspace_id: UUID


class Arrived(Step, frozen=True, kw_only=True):
    """A fact with the channel it came by."""

    room: ClassVar[str] = "ingest"
    fact_id: UUID
    connection_id: UUID
    channel_id: UUID
    received_at: datetime
    fact: Inbound
    raw_id: UUID | None = None
    depth: int = 0


class Due(Step, frozen=True, kw_only=True):
    """A command that was filed back and whose turn has come; `depth` counts the causes before it."""

    room: ClassVar[str] = "ingest"
    fact_id: UUID
    command: Command
    depth: int


class Attributed(Step, frozen=True, kw_only=True):
    """A message whose speaker is known. `contact_id` owns the conversation (the room's for groups)."""

    room: ClassVar[str] = "contacts"
    arrived: Arrived
    contact_id: UUID
    author_id: UUID
    identity_id: UUID
    verified: bool


class EchoAttributed(Step, frozen=True, kw_only=True):
    """A message of our own side whose customer is known."""

    room: ClassVar[str] = "contacts"
    item: Attributed


class ReactorKnown(Step, frozen=True, kw_only=True):
    """A reaction whose author is known."""

    room: ClassVar[str] = "contacts"
    arrived: Arrived
    author_id: UUID


class ReplyWritten(Step, frozen=True, kw_only=True):
    """A message of ours that a channel has to carry out."""

    room: ClassVar[str] = "conversations"
    message_id: UUID
    conversation_id: UUID
    channel_id: UUID
    address: str
    parts: list[Part]
    author_kind: str = "agent"
    author_id: UUID | None = None
    reply_to: str = ""
    subject: str = ""
    thread: list[str] = []
    slot: str = ""
    links: dict[UUID, str] = {}
    opened: dict[str, datetime] = {}
    handle: str = ""
    handle_at: datetime | None = None


class EchoMatched(Step, frozen=True, kw_only=True):
    """An echo turned out to be a send of ours."""

    room: ClassVar[str] = "conversations"
    message_id: UUID
    piece: int
    channel_id: UUID
    external_id: str


class ChangeFiled(Step, frozen=True, kw_only=True):
    """An edit or a recall for a message."""

    room: ClassVar[str] = "ingest"
    channel_id: UUID
    received_at: datetime
    change: MessageEdited | MessageRecalled


class Filed(Step, frozen=True, kw_only=True):
    """A command or a fact for another lane or an earlier room, with its cause (the id of a fact, message or entity).

    A command's lane is that of its conversation: `lane_key` is the conversation's id, connection and channel are None.
    """

    room: ClassVar[str] = ""
    lane_key: str
    body: Inbound | AnyCommand
    connection_id: UUID | None = None
    channel_id: UUID | None = None
    cause_id: UUID | None = None
    raw_id: UUID | None = None


AnyEvent = (
    ContactChanged
    | ContactsMerged
    | ContactsUnmerged
    | ConversationOpened
    | ConversationResolved
    | ConversationChanged
    | MessageFiled
    | MessageChanged
    | MediaWanted
    | ConversationQueued
    | ConversationAssigned
    | WorkEnded
    | PresenceChanged
    | DeliveryChanged
    | ChannelChanged
    | SettingsChanged
)
"""Every event there is, for decoding and for the generated reference."""
