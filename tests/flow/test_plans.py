"""Frequent queries use their indexes once the tables are as large, and the workspaces as unequal, as in real life."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from switchboard.contacts.commands import SQL as CONTACTS
from switchboard.core.analyser import index_terms, query_terms, to_tsquery_text, to_tsvector_text
from switchboard.core.ids import new_id
from switchboard.db.filters import compose
from switchboard.db.log import SQL as LOG
from switchboard.db.sql import Query
from switchboard.delivery.commands import SQL as DELIVERY
from switchboard.ingest.commands import SQL as INGEST
from switchboard.routing.commands import SQL as ROUTING
from switchboard.workspace.projection import SQL as WORKSPACE
from tests.flow.conftest import NOW
from tests.plugins.postgres import apart, fresh_database

BIG, SMALL = new_id(), new_id()
AGENT, TEAM, CHANNEL, CONNECTION, CONVERSATION = (new_id() for _ in range(5))
LARGE = {
    "inbox_row",
    "search_document",
    "message",
    "outbound",
    "event",
    "fact",
    "work",
    "conversation",
    "identity",
}


@pytest.fixture(scope="module")
def loaded(postgres_server: str, migrated_template: str) -> Iterator[str]:
    """A database with tens of thousands of rows in one workspace and few in another, analysed."""
    database = fresh_database(postgres_server, migrated_template)
    dsn = next(database)
    apart(_load(dsn))
    yield dsn
    next(database, None)


async def _load(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for workspace, count in ((BIG, 30_000), (SMALL, 300)):
            await connection.execute(
                "insert into workspace (id, name, slug) values ($1, 'x', $2)", workspace, str(workspace)
            )
            for statement in FILL:
                await connection.execute(statement.replace(":count", str(count)).replace(":workspace", f"'{workspace}'::uuid")
                                         .replace(":agent", f"'{AGENT}'::uuid").replace(":team", f"'{TEAM}'::uuid")
                                         .replace(":channel", f"'{CHANNEL}'::uuid").replace(":connection", f"'{CONNECTION}'::uuid"))  # fmt: skip
            texts = [
                "订单 退款 order refund",
                "你好 hello",
                "配送 地址 delivery address",
                "发票 invoice number",
            ]
            terms = [
                to_tsvector_text(workspace, index_terms(f"{text} w{nr}"))
                for nr, text in enumerate(texts * 250)
            ]
            await connection.execute(
                "insert into search_document (workspace_id, id, kind, conversation_id, at, terms) "
                "select $1, gen_random_uuid(), 'message', gen_random_uuid(), now() - n * interval '1 minute', ($2::text[])[1 + n % 1000]::tsvector "
                "from generate_series(1, $3::int) n", workspace, terms, count,
            )  # fmt: skip
        await connection.execute("vacuum analyze")
    finally:
        await connection.close()


FILL = (
    """insert into inbox_row select :workspace, gen_random_uuid(), 1, n, gen_random_uuid(), 'Name', null,
        case when n % 10 = 0 then 'open' else 'resolved' end, n % 10 = 0, 1, 'case', '', case when n % 7 = 0 then :channel end, 'web', '{web}',
        case when n % 50 = 0 then :team end, case when n % 200 = 0 then :agent end, 'hello', now() - n * interval '1 minute', 'in',
        case when n % 40 = 0 then now() - n * interval '1 minute' end, 0, '{}', null from generate_series(1, :count) n""",
    "insert into contact (workspace_id, id) select :workspace, gen_random_uuid() from generate_series(1, :count / 10)",
    """insert into identity (workspace_id, id, contact_id, space, value) select workspace_id, gen_random_uuid(), id, 'phone', id::text
        from contact where workspace_id = :workspace""",
    """insert into conversation (workspace_id, id, contact_id, slot, status, last_position) select workspace_id, gen_random_uuid(), id, 'case',
        'open', 10 from contact where workspace_id = :workspace""",
    """insert into message (workspace_id, id, conversation_id, position, direction, author_kind, channel_id, parts, external_id,
        occurred_at, received_at)
        select workspace_id, gen_random_uuid(), id, n, case when n % 3 = 0 then 'out' else 'in' end, 'contact', :channel, '[]',
        id || '-' || n, now(), now() from conversation, generate_series(1, 10) n where workspace_id = :workspace""",
    """insert into outbound (workspace_id, id, message_id, piece, pieces, conversation_id, connection_id, channel_id, address, body, status,
        external_id) select workspace_id, gen_random_uuid(), id, 0, 1, conversation_id, :connection, :channel, conversation_id::text, '{}',
        case when position = 3 and random() < 0.01 then 'queued' else 'read' end, id::text from message
        where direction = 'out' and workspace_id = :workspace""",
    """insert into work (workspace_id, conversation_id, state, assignee_id) select workspace_id, id, case when random() < 0.02 then 'queued'
        when random() < 0.05 then 'assigned' else 'done' end, :agent from conversation where workspace_id = :workspace""",
    """insert into event (id, workspace_id, pos, type, subject, data) select gen_random_uuid(), :workspace,
        n + (select coalesce(max(pos), 0) from event), 'message_filed', gen_random_uuid(), '{}' from generate_series(1, :count) n""",
    """insert into fact (workspace_id, id, lane, body, received_at, parked_at, error) select :workspace, gen_random_uuid(), n % 1024, '{}', now(),
        case when n % 100 <> 0 then now() end, 'x' from generate_series(1, :count) n""",
)


async def plan(dsn: str, query: Query, /, **values: Any) -> dict[str, set[str]]:
    """Explain a query with its values; return for each large table the ways it is read."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("set jit = off")
        text = await connection.fetchval(f"explain (format json) {query.text}", *query.arguments(values))
    finally:
        await connection.close()
    found: dict[str, set[str]] = {}
    _walk(msgspec.json.decode(text)[0]["Plan"], found)
    return found


def _walk(node: dict[str, Any], found: dict[str, set[str]]) -> None:
    if "Relation Name" in node:
        found.setdefault(node["Relation Name"], set()).add(node.get("Index Name", node["Node Type"]))
    elif "Index Name" in node:  # below a bitmap heap scan
        found.setdefault("", set()).add(node["Index Name"])
    for child in node.get("Plans", []):
        _walk(child, found)


def assert_indexed(found: dict[str, set[str]]) -> None:
    scanned = [table for table, ways in found.items() if table in LARGE and "Seq Scan" in ways]
    assert not scanned, f"{scanned} read from end to end: {found}"


INBOX: list[tuple[tuple[str, ...], dict[str, Any], str]] = [
    (("open",), {}, "inbox_open"),
    (("closed",), {}, "inbox_open"),
    (("open", "assignee"), {"assignee": AGENT}, "inbox_assignee"),
    (("open", "team"), {"team": TEAM}, "inbox_team"),
    (("open", "before"), {"before_at": NOW, "before_id": new_id()}, "inbox_open"),
    (("open", "channel"), {"channel": CHANNEL}, "inbox_"),
    (("open", "visible"), {"viewer": AGENT, "teams": [TEAM]}, "inbox_"),
]


@pytest.mark.parametrize("workspace", [BIG, SMALL], ids=["big", "small"])
@pytest.mark.parametrize(
    ("conditions", "values", "index"),
    INBOX,
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else "",
)
async def test_an_inbox_page_is_read_from_its_index(
    loaded: str, workspace: UUID, conditions: tuple[str, ...], values: dict[str, Any], index: str
) -> None:
    found = await plan(
        loaded, compose(WORKSPACE, "inbox_page", conditions, "last"), workspace=workspace, limit=50, **values
    )
    assert_indexed(found)
    if workspace == BIG:
        assert any(way.startswith(index) for ways in found.values() for way in ways), found


async def test_the_longest_waiting_are_read_from_their_index(loaded: str) -> None:
    found = await plan(
        loaded, compose(WORKSPACE, "inbox_page", ("open", "waiting"), "waiting"), workspace=BIG, limit=50
    )
    assert found["inbox_row"] == {"inbox_waiting"}


@pytest.mark.parametrize("q", ["退款", "refund", "w17"])
async def test_search_reads_words_by_their_index(loaded: str, q: str) -> None:
    values: dict[str, Any] = {
        "query": to_tsquery_text(BIG, query_terms(q)),
        "workspace": BIG,
        "kind": "message",
        "limit": 30,
        "channel": None,
    }
    newest = await plan(loaded, WORKSPACE.search_newest, **values, window=2000)
    assert newest["search_document"] == {"search_document_newest"}
    if q == "w17":
        everything = await plan(loaded, WORKSPACE.search_all, **values)
        assert "search_document_terms" in everything.get("", set()) | everything["search_document"]


async def test_a_timeline_is_read_from_its_index(loaded: str) -> None:
    query = compose(WORKSPACE, "timeline", ("conversation", "position_before"), "position_back")
    assert_indexed(await plan(loaded, query, workspace=BIG, limit=50, conversation=CONVERSATION, before=99))


@pytest.mark.parametrize(
    ("query", "values"),
    [
        (INGEST.lock_lanes, {"start": 5, "lanes": 64}),
        (INGEST.claim_facts, {"lanes": [1, 2, 3], "limit": 100}),
        (DELIVERY.claim, {"connection": CONNECTION, "batch": CONVERSATION, "limit": 20}),
        (DELIVERY.known_externals, {"channels": [CHANNEL], "externals": ["x"]}),
        (DELIVERY.message_status, {"workspaces": [BIG], "messages": [CONVERSATION]}),
        (ROUTING.waiting, {"workspace": BIG, "limit": 200}),
        (LOG.number_events, {"limit": 1000}),
        (LOG.head_position, {}),
        (LOG.prune_events, {"before": CONVERSATION}),
    ],
    ids=lambda value: value.name if isinstance(value, Query) else "",
)  # fmt: skip
async def test_the_loops_read_by_index(loaded: str, query: Query, values: dict[str, Any]) -> None:
    assert_indexed(await plan(loaded, query, **values))


async def test_contacts_are_listed_from_their_index(loaded: str) -> None:
    values = {"workspace": BIG, "before_at": NOW, "before_id": CONVERSATION, "limit": 51}
    assert (await plan(loaded, CONTACTS.list_contacts, **values))["contact"] == {"contact_recent"}
