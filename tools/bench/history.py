"""Years of conversations, loaded at once: the rows that the pipe, the projector and the indexer would have
left behind.

Words and terms come from Python (the product's own analyser), everything else is made inside the database.
Indexes are taken off while the two big tables are filled and made again from their own definitions.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from switchboard.core.analyser import index_terms, to_tsvector_text
from switchboard.core.parts import Text
from switchboard.db.pool import Database, Tx, packed
from switchboard.db.sql import Query
from tools.bench.installation import SQL, Company, Installation, found, run
from tools.bench.words import people, texts

TEXTS = 60_000
SLICE = 20_000
NAME = "history"


class History(msgspec.Struct):
    """A loaded database."""

    dsn: str
    company: Company
    conversations: int
    messages: int
    seconds: float


class Place(msgspec.Struct):
    """Keeps one history for the benchmarks of a run that want the same."""

    kept: dict[int, History] = {}

    async def get(self, place: Installation, conversations: int) -> History:
        """Return the history of this size, loading it the first time."""
        if conversations not in self.kept:
            self.kept[conversations] = await load(place, conversations)
        return self.kept[conversations]


async def load(place: Installation, conversations: int) -> History:
    """Load a workspace of so many conversations, ten messages each on average."""
    begun = time.perf_counter()
    dsn = await place.database(NAME)
    company = await found(
        dsn, place.data(NAME), ["supervisor", "administrator"] + ["agent"] * 48, online=False
    )
    database = Database(dsn, size=1)
    await database.open()
    try:
        async with database.connection() as connection:
            await _samples(connection, company, conversations * 7 // 10)
            await _fill(Tx(connection), company, conversations)
            messages = int(await connection.fetchval("select count(*) from message"))
    finally:
        await database.close()
    await run(dsn, "vacuum analyze", "checkpoint")
    return History(dsn, company, conversations, messages, time.perf_counter() - begun)


async def _samples(connection: Any, company: Company, contacts: int) -> None:
    await connection.execute(SQL.make_samples.text)
    rows = [
        (nr, text[:120], packed([Text(text)]), to_tsvector_text(company.id, index_terms(text)))
        for nr, text in enumerate(texts(11, TEXTS), 1)
    ]
    named = [
        (nr, name, phone, to_tsvector_text(company.id, index_terms(f"{name} {phone}")))
        for nr, (name, phone) in enumerate(people(12, contacts), 1)
    ]
    await connection.copy_records_to_table("sample_person", records=named)
    await connection.executemany(SQL.add_sample.text, rows)


async def _fill(tx: Tx, company: Company, conversations: int) -> None:
    await tx.connection.execute(SQL.no_checks.text)
    of = {"workspace": company.id}
    contacts = conversations * 7 // 10
    kinds = list(company.channels)
    await tx.run(
        SQL.make_cases,
        total=conversations,
        people=contacts,
        agents=[one.id for one in company.agents[2:]],
        teams=company.teams,
        channels=[company.channels[kind] for kind in kinds],
        kinds=kinds,
    )
    await tx.run(SQL.make_contacts)
    await tx.run(SQL.analyse_samples)
    await tx.run(SQL.fill_contacts, **of)
    await tx.run(SQL.fill_identities, **of)
    await tx.run(SQL.fill_conversations, **of, texts=TEXTS)
    await tx.run(SQL.fill_channels, **of)
    await tx.run(SQL.fill_work, **of)
    await tx.run(SQL.fill_inbox, **of)
    await tx.run(SQL.fill_counters, **of)
    async with _bare(tx, "message"):
        await _slices(tx, SQL.fill_messages, company, conversations)
    async with _bare(tx, "search_document"):
        await _slices(tx, SQL.fill_documents, company, conversations)
        await tx.run(SQL.fill_people, **of)
    await tx.run(SQL.drop_samples)


async def _slices(tx: Tx, query: Query, company: Company, conversations: int) -> None:
    for first in range(1, conversations + 1, SLICE):
        await tx.run(query, workspace=company.id, texts=TEXTS, first=first, last=first + SLICE - 1)


@asynccontextmanager
async def _bare(tx: Tx, table: str) -> AsyncIterator[None]:
    """Fill a table without its indexes; they are made again from their own definitions."""
    indexes = await tx.rows(SQL.indexes, relation=table)
    for row in indexes:
        await tx.connection.execute(f"drop index {row['name']}")
    yield
    await tx.connection.execute("set maintenance_work_mem = '512MB'")
    for row in indexes:
        await tx.connection.execute(row["definition"])
