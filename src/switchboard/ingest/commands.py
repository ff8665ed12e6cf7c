"""Accept facts, hand them to their lanes, park what fails by itself."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from switchboard.core.commands import AnyCommand
from switchboard.core.events import Arrived, Due, Filed
from switchboard.core.facts import AccountChanged, Inbound, Unreadable, lane_key
from switchboard.core.ids import lane_of, new_id
from switchboard.core.text import bounded, scrub, scrub_deep
from switchboard.db.pool import Tx, columns
from switchboard.db.sql import load

SQL = load(__file__)
MAX_DEPTH = 8
SEEN_LONGER = timedelta(days=60)
_facts = msgspec.json.Decoder(Inbound)
_commands = msgspec.json.Decoder(AnyCommand)


class _Tag(msgspec.Struct):
    """What tells a command from a fact."""

    command: str = ""


_tag = msgspec.json.Decoder(_Tag)


class Delivery(msgspec.Struct, frozen=True):
    """One request, mail or poll as it came, with the facts read from it. `channels` maps accounts to channels.

    `body_path` is set when the body was large and lies in a file; `error` when the envelope could not be read.
    """

    workspace_id: UUID
    connection_id: UUID
    received_at: datetime
    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None
    facts: Sequence[Inbound]
    channels: dict[str, UUID]
    body_path: str | None = None
    error: str | None = None


async def accept(tx: Tx, deliveries: Sequence[Delivery]) -> int:
    """Store deliveries in one statement; facts seen before are left out. Returns how many facts are new."""
    raws: list[tuple[Any, ...]] = []
    facts: list[tuple[Any, ...]] = []
    for one in deliveries:
        raw_id = new_id()
        raws.append((one.workspace_id, raw_id, one.connection_id, one.received_at, one.method, scrub(one.url),
                     scrub_deep(one.headers), one.body, one.body_path, one.error and scrub(one.error)))  # fmt: skip
        for fact in one.facts:
            channel = one.channels.get(fact.account)
            error = _reason_to_park(fact, channel)
            facts.append((one.workspace_id, new_id(), one.connection_id, channel, raw_id,
                          lane_of(one.connection_id, lane_key(fact)), _clean(fact), one.received_at,
                          bounded(fact.dedupe_key), error and scrub(error)))  # fmt: skip
    raw = list(zip(*raws, strict=True))
    fact_columns = list(zip(*facts, strict=True)) if facts else [()] * 10
    return int(
        await tx.value(
            SQL.accept,
            raw_workspaces=raw[0],
            raw_ids=raw[1],
            raw_connections=raw[2],
            raw_received=raw[3],
            raw_methods=raw[4],
            raw_urls=raw[5],
            raw_headers=raw[6],
            raw_bodies=raw[7],
            raw_paths=raw[8],
            raw_errors=raw[9],
            **dict(zip(_FACT_COLUMNS, fact_columns, strict=True)),
        )
    )


_FACT_COLUMNS = (
    "workspaces", "ids", "connections", "channels", "raws", "lanes", "bodies", "received", "keys", "errors",
)  # fmt: skip


def _reason_to_park(fact: Inbound, channel: UUID | None) -> str | None:
    """Say why a fact goes to the administrator rather than to its lane; None for nearly all."""
    if isinstance(fact, Unreadable):
        return fact.reason[:2000] or "unreadable"
    known = channel is not None or isinstance(fact, AccountChanged)
    return None if known else f"unknown account {fact.account[:80]}"


def _clean(fact: Inbound | AnyCommand) -> msgspec.Raw:
    """Encode a fact; what can't be kept (NUL, lone surrogates, endless numbers) is replaced here and nowhere else."""
    try:
        data = msgspec.json.encode(fact)
    except (UnicodeEncodeError, OverflowError):
        data = msgspec.json.encode(scrub_deep(msgspec.to_builtins(fact, builtin_types=(datetime, UUID))))
    if b"\\u0000" in data:
        data = msgspec.json.encode(scrub_deep(msgspec.json.decode(data)))
    return msgspec.Raw(data)


async def file_back(tx: Tx, filed: Sequence[Filed], depth: int) -> None:
    """File commands and held facts for their lanes, `depth` causes deep. A chain longer than eight is parked."""
    if not filed:
        return
    rows = [
        (one.workspace_id, new_id(), one.connection_id, one.channel_id, one.raw_id,
         lane_of(one.connection_id or one.workspace_id, one.lane_key), _clean(one.body), one.cause_id, depth,
         "chain of causes is too long" if depth > MAX_DEPTH else None)
        for one in filed
    ]  # fmt: skip
    names = (
        "workspaces",
        "ids",
        "connections",
        "channels",
        "raws",
        "lanes",
        "bodies",
        "causes",
        "depths",
        "errors",
    )
    await tx.run(SQL.file_commands, **columns(names, rows))


async def claim(tx: Tx, lanes: int, limit: int) -> list[Arrived | Due]:
    """Lock lanes that have work and return what waits in them in order; two statements, so that the claim sees the lock.

    What this version can't decode is parked at once.
    """
    locked = [row["lane"] for row in await tx.rows(SQL.lock_lanes, start=random.randrange(1024), lanes=lanes)]
    if not locked:
        return []
    found: list[Arrived | Due] = []
    for row in await tx.rows(SQL.claim_facts, lanes=locked, limit=limit):
        try:
            found.append(_read(row))
        except msgspec.DecodeError as error:
            await tx.run(
                SQL.park_fact,
                workspace=row["workspace_id"],
                id=row["id"],
                error=f"can't be decoded: {error}"[:2000],
            )
    return found


def _read(row: Any) -> Arrived | Due:
    if _tag.decode(row["body"]).command:
        return Due(
            workspace_id=row["workspace_id"],
            fact_id=row["id"],
            command=_commands.decode(row["body"]),
            depth=row["depth"],
        )
    return Arrived(
        workspace_id=row["workspace_id"],
        fact_id=row["id"],
        connection_id=row["connection_id"],
        channel_id=row["channel_id"],
        received_at=row["received_at"],
        raw_id=row["raw_id"],
        fact=_facts.decode(row["body"]),
        depth=row["depth"],
    )


async def claim_one(tx: Tx, one: Arrived | Due) -> bool:
    """Lock one fact's lane and see that the fact is the first that waits in it: another worker may have been here meanwhile."""
    key = {"workspace": one.workspace_id, "id": one.fact_id}
    return bool(await tx.value(SQL.claim_one, **key)) and bool(await tx.value(SQL.still_first, **key))


async def finish(tx: Tx, done: Sequence[Arrived | Due]) -> None:
    """Remove facts carried out in this transaction; raises RuntimeError when another carried one out meanwhile."""
    removed = await tx.run(
        SQL.finish_facts, workspaces=[one.workspace_id for one in done], ids=[one.fact_id for one in done]
    )
    if removed != len(done):
        raise RuntimeError("facts were carried out twice; giving this attempt up")


async def park(tx: Tx, one: Arrived | Due, error: str) -> None:
    """Put one fact aside with its error."""
    await tx.run(SQL.park_fact, workspace=one.workspace_id, id=one.fact_id, error=scrub(error)[:2000])


async def prune(tx: Tx, before: datetime) -> tuple[list[str], bool]:
    """Forget raw bodies of before a moment, a bounded number at a time; return files to delete, and if more is left.

    What was seen is remembered longer, past the time for which any platform repeats itself (mail: 60 days).
    """
    seen = await tx.run(SQL.prune_seen, before=before - SEEN_LONGER)
    raws = await tx.rows(SQL.prune_raw, before=before)
    return [row["body_path"] for row in raws if row["body_path"]], bool(seen or raws)


async def raw_body(tx: Tx, workspace: UUID, raw: UUID) -> tuple[bytes | None, str | None]:
    """Return a raw body, or the path of the file it lies in."""
    row = await tx.row(SQL.raw_body, workspace=workspace, id=raw)
    return (row["body"], row["body_path"]) if row is not None else (None, None)


async def parked(tx: Tx, workspace: UUID, fact: UUID) -> Any:
    """Return a parked fact's row; None when there is none."""
    return await tx.row(SQL.parked_fact, workspace=workspace, id=fact)


async def raw(tx: Tx, workspace: UUID, raw_id: UUID) -> Any:
    """Return a raw body's row; None when there is none."""
    return await tx.row(SQL.raw_body, workspace=workspace, id=raw_id)


async def replay(tx: Tx, workspace: UUID, fact: UUID, channel: UUID | None) -> None:
    """Let a parked fact try again, by a channel if it had none."""
    await tx.run(SQL.replay_fact, workspace=workspace, id=fact, channel=channel)


async def discard(tx: Tx, workspace: UUID, letter: UUID) -> bool:
    """Put a dead letter away for good; false when there is none."""
    return bool(
        await tx.run(SQL.discard_fact, workspace=workspace, id=letter)
        or await tx.run(SQL.settle_raw, workspace=workspace, id=letter)
    )


async def settle_raw(tx: Tx, workspace: UUID, raw_id: UUID) -> None:
    """An unreadable body was read after all."""
    await tx.run(SQL.settle_raw, workspace=workspace, id=raw_id)
