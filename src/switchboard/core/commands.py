"""What a person, a rule or a clock wants. Carried out by `flow.run`, whichever door they come through."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from switchboard.core.parts import Part


class Actor(msgspec.Struct, frozen=True):
    """Who wants it: an agent, a bot, the system itself (id None) or an API key."""

    kind: str
    id: UUID | None = None


SYSTEM = Actor("system")


class Command(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="command"):
    """One wish, in one workspace, by somebody."""

    workspace_id: UUID
    by: Actor = SYSTEM


class WriteMessage(Command, frozen=True, kw_only=True, omit_defaults=True, tag="write_message"):
    """Answer in a conversation, or leave a private note. `channel_id` None: the default reply channel; `address`
    empty: the one used last on it.

    `expected_version` None: whatever happened meanwhile. Raises Conflict, Invalid, NotFound.
    """

    conversation_id: UUID
    message_id: UUID
    parts: list[Part]
    at: datetime
    channel_id: UUID | None = None
    address: str = ""
    reply_to: UUID | None = None
    note: bool = False
    expected_version: int | None = None
    client_id: UUID | None = None
    links: dict[UUID, str] = {}
    """Public addresses of the files in `parts`, for channels that can't carry a file itself."""


class StartConversation(Command, frozen=True, kw_only=True, omit_defaults=True, tag="start_conversation"):
    """Open a case with a contact from our side, reachable by an address of one channel."""

    conversation_id: UUID
    contact_id: UUID
    channel_id: UUID
    address: str
    identity_id: UUID
    at: datetime


class ChangeStatus(Command, frozen=True, kw_only=True, omit_defaults=True, tag="change_status"):
    """Resolve, reopen, pend or snooze (`until`)."""

    conversation_id: UUID
    status: str
    at: datetime
    until: datetime | None = None
    expected_version: int | None = None


class EditConversation(Command, frozen=True, kw_only=True, omit_defaults=True, tag="edit_conversation"):
    """Change priority, subject or tags; None leaves as it is."""

    conversation_id: UUID
    priority: int | None = None
    subject: str | None = None
    tags: list[str] | None = None


class MarkRead(Command, frozen=True, kw_only=True, omit_defaults=True, tag="mark_read"):
    """Somebody of ours has seen everything up to a position."""

    conversation_id: UUID
    position: int


class StoreMedia(Command, frozen=True, kw_only=True, omit_defaults=True, tag="store_media"):
    """Replace the parts of a message whose media was fetched (or could not be)."""

    message_id: UUID
    parts: list[Part]


class Take(Command, frozen=True, kw_only=True, omit_defaults=True, tag="take"):
    """I want this one. Raises Conflict when another has it already."""

    conversation_id: UUID
    agent_id: UUID
    at: datetime
    expected_version: int | None = None


class Assign(Command, frozen=True, kw_only=True, omit_defaults=True, tag="assign"):
    """Give it to an agent, or to a team's queue, or (both None) back to the common queue."""

    conversation_id: UUID
    at: datetime
    agent_id: UUID | None = None
    team_id: UUID | None = None
    note: str = ""
    expected_version: int | None = None


class SetPresence(Command, frozen=True, kw_only=True, omit_defaults=True, tag="set_presence"):
    """An agent says how available they are; going offline gives their work back after `return_work`."""

    agent_id: UUID
    status: str
    at: datetime
    return_work: bool = False


class SetCapacity(Command, frozen=True, kw_only=True, omit_defaults=True, tag="set_capacity"):
    """How many conversations an agent answers at once."""

    agent_id: UUID
    capacity: int


class EditContact(Command, frozen=True, kw_only=True, omit_defaults=True, tag="edit_contact"):
    """Change a contact's own fields; absent keys stay."""

    contact_id: UUID
    changes: dict[str, Any]


class DescribeContact(Command, frozen=True, kw_only=True, omit_defaults=True, tag="describe_contact"):
    """Note what a platform told on request. The name counts where we had none, or only `unnamed` (a bare id)."""

    contact_id: UUID
    name: str = ""
    unnamed: str = ""
    language: str = ""
    avatar_file: UUID | None = None
    identities: list[tuple[str, str]] = []
    attributes: dict[str, Any] = {}


class CreateContact(Command, frozen=True, kw_only=True, omit_defaults=True, tag="create_contact"):
    """Add a contact by hand, with identifiers (space, value) that somebody typed in: claimed, not verified."""

    contact_id: UUID
    name: str
    identities: list[tuple[str, str]] = []


class MergeContacts(Command, frozen=True, kw_only=True, omit_defaults=True, tag="merge_contacts"):
    """Make two contacts one; `merge_id` is the record by which it can be undone."""

    merge_id: UUID
    kept_id: UUID
    merged_id: UUID
    at: datetime
    reason: str = "by hand"


class UndoMerge(Command, frozen=True, kw_only=True, omit_defaults=True, tag="undo_merge"):
    """Take a merge apart again; nothing that was said meanwhile is lost."""

    merge_id: UUID
    at: datetime


class Resend(Command, frozen=True, kw_only=True, omit_defaults=True, tag="resend"):
    """Send a failed or doubtful message again, by a person's hand."""

    message_id: UUID
    at: datetime


class FallBack(Command, frozen=True, kw_only=True, omit_defaults=True, tag="fall_back"):
    """A message surely won't go out by its channel: say it by the fallback channel, where there is one and it may be."""

    message_id: UUID


AnyCommand = (
    WriteMessage
    | StartConversation
    | ChangeStatus
    | EditConversation
    | MarkRead
    | StoreMedia
    | Take
    | Assign
    | SetPresence
    | SetCapacity
    | EditContact
    | DescribeContact
    | CreateContact
    | MergeContacts
    | UndoMerge
    | Resend
    | FallBack
)
"""Every command there is, for decoding those that were filed back."""
