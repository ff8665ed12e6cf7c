"""The spine: which fact, command or event leads to which verbs, in which order, inside one transaction.

`REACTIONS` goes forward only, in the order of the floor plan; `FOLLOWERS` run behind the log. A verb takes a batch and
returns events (logged) and steps (handed on). What has to go backward is filed as a command (`Filed`).
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar, overload

from switchboard import (
    automation,
    connections,
    contacts,
    conversations,
    delivery,
    ingest,
    media,
    routing,
    workspace,
)
from switchboard.automation import commands as automation_verbs
from switchboard.automation import fallback
from switchboard.connections import commands as connection_verbs
from switchboard.contacts import by_hand, lookups, merging
from switchboard.contacts import commands as contact_verbs
from switchboard.conversations import changes, echoes, filing, joining
from switchboard.conversations import commands as conversation_verbs
from switchboard.core import commands as c
from switchboard.core import events as e
from switchboard.core import facts as f
from switchboard.db import log
from switchboard.db.pool import Tx
from switchboard.delivery import commands as delivery_verbs
from switchboard.delivery import devices
from switchboard.delivery import echoes as delivery_echoes
from switchboard.ingest import commands as ingest_verbs
from switchboard.media import commands as media_verbs
from switchboard.routing import commands as routing_verbs
from switchboard.workspace import projection, search

P = ParamSpec("P")
T = TypeVar("T")
Item = e.Arrived | e.Due | e.Event | e.Step | c.Command
Verb = Callable[[Tx, Sequence[Any]], Awaitable[Sequence[Any]]]

ROOMS = [
    room.__name__.rsplit(".", 1)[1]
    for room in (
        ingest,
        connections,
        contacts,
        conversations,
        media,
        routing,
        automation,
        delivery,
        workspace,
    )
]

REACTIONS: dict[type, tuple[Verb, ...]] = {
    f.AccountChanged: (connection_verbs.news,),
    # facts and commands about people
    f.IdentityChanged: (contact_verbs.change_identity,),
    f.ProfileReceived: (contact_verbs.get_to_know,),
    f.ReachChanged: (contact_verbs.change_reach,),
    f.MessageReceived: (contact_verbs.resolve,),
    f.EchoReceived: (contact_verbs.resolve,),
    f.Reacted: (contact_verbs.know_reactor,),
    c.EditContact: (contact_verbs.edit,),
    c.DescribeContact: (lookups.describe,),
    c.CreateContact: (by_hand.create,),
    c.MergeContacts: (merging.merge,),
    c.UndoMerge: (merging.undo,),
    # what was said
    e.ContactsMerged: (joining.join,),
    e.ContactsUnmerged: (joining.part,),
    e.Attributed: (filing.file,),
    e.EchoAttributed: (echoes.file_echoes,),
    e.ReactorKnown: (changes.react,),
    f.MessageEdited: (changes.change,),
    f.MessageRecalled: (changes.change,),
    c.StartConversation: (merging.hold, conversation_verbs.start),
    c.WriteMessage: (conversation_verbs.write,),
    c.ChangeStatus: (conversation_verbs.change_status,),
    c.EditConversation: (conversation_verbs.edit, routing_verbs.prioritise),
    c.MarkRead: (conversation_verbs.mark_read,),
    c.StoreMedia: (conversation_verbs.store_media,),
    e.MediaWanted: (media_verbs.want,),
    # who has it
    c.Take: (conversation_verbs.guard, routing_verbs.hold, conversation_verbs.guard, routing_verbs.take),
    c.Assign: (conversation_verbs.guard, routing_verbs.hold, conversation_verbs.guard, routing_verbs.assign),
    e.ConversationOpened: (routing_verbs.enqueue, automation_verbs.greet),
    e.ConversationResolved: (routing_verbs.finish,),
    e.MessageFiled: (routing_verbs.adopt,),
    c.SetPresence: (routing_verbs.set_presence,),
    c.SetCapacity: (routing_verbs.set_capacity,),
    c.FallBack: (fallback.fall_back,),
    # getting it out
    e.ReplyWritten: (delivery_verbs.enqueue,),
    e.EchoMatched: (delivery_echoes.settle,),
    f.ReceiptReceived: (delivery_verbs.receive,),
    c.Resend: (delivery_verbs.resend,),
}
"""What happens at once, in this order, in the same transaction."""

FOLLOWERS: dict[str, Callable[[Tx, Sequence[log.Logged]], Awaitable[None]]] = {
    "inbox": projection.project,
    "search": search.index,
    "traffic": connection_verbs.note_traffic,
    "lookups": lookups.want,
    "push": devices.want,
}
"""What follows the log, each by its own cursor, in its own transaction."""

FOLLOWED_TYPES: dict[str, tuple[type[e.Event], ...]] = {
    "inbox": projection.ABOUT,
    "search": search.ABOUT,
    "traffic": (e.MessageFiled,),
    "lookups": (e.ConversationOpened,),
    "push": (e.MessageFiled,),
}
"""Of which events each follower takes note; the others are passed over unread."""

_ORDER = {kind: nr for nr, kind in enumerate(REACTIONS)}


async def run(tx: Tx, items: Sequence[Item]) -> list[e.Event]:
    """Carry out facts and commands with all that follows from them; append the events to the log and return them.

    Items as many causes deep go together, so that what they file back is known to be one deeper.
    """
    logged: list[e.Event] = []
    for depth in sorted({_depth(item) for item in items}):
        filed: list[e.Filed] = []
        waiting: dict[type, list[Any]] = {}
        _sort([item for item in items if _depth(item) == depth], waiting, logged, filed)
        while waiting:
            kind = min(waiting, key=_ORDER.__getitem__)
            batch = waiting.pop(kind)
            for verb in REACTIONS[kind]:
                _sort(await verb(tx, batch), waiting, logged, filed)
        await ingest_verbs.file_back(tx, filed, depth + 1)
    await log.append(tx, logged)
    return logged


def _depth(item: Item) -> int:
    return item.depth if isinstance(item, e.Arrived | e.Due) else 0


def _sort(
    items: Sequence[Any], waiting: dict[type, list[Any]], logged: list[e.Event], filed: list[e.Filed]
) -> None:
    for item in items:
        if isinstance(item, e.Filed):
            filed.append(item)
            continue
        if isinstance(item, e.Event):
            logged.append(item)
        wish = item.command if isinstance(item, e.Due) else item
        kind = type(wish.fact) if isinstance(wish, e.Arrived) else type(wish)
        if kind in REACTIONS:
            waiting.setdefault(kind, []).append(wish)


@overload
async def carry(
    tx: Tx, verb: Callable[Concatenate[Tx, P], Awaitable[list[e.Event]]], /, *args: P.args, **kwargs: P.kwargs
) -> tuple[None, list[e.Event]]: ...
@overload
async def carry(
    tx: Tx,
    verb: Callable[Concatenate[Tx, P], Awaitable[tuple[T, list[e.Event]]]],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> tuple[T, list[e.Event]]: ...
@overload
async def carry(
    tx: Tx, verb: Callable[Concatenate[Tx, P], Awaitable[bool]], /, *args: P.args, **kwargs: P.kwargs
) -> tuple[bool, list[e.Event]]: ...
async def carry(
    tx: Tx, verb: Callable[..., Awaitable[Any]], /, *args: Any, **kwargs: Any
) -> tuple[Any, list[e.Event]]:
    """Let one verb of administration (staff, tenancy, connections) work and log its events: nothing follows from it here."""
    found = await verb(tx, *args, **kwargs)
    value, events = (
        found if isinstance(found, tuple) else (found, []) if isinstance(found, bool) else (None, found)
    )
    await log.append(tx, events)
    return value, events
