"""What the analyser writes, read by PostgreSQL itself."""

import random
from uuid import UUID

import asyncpg

from switchboard.core.analyser import index_terms, lexemes, query_terms, to_tsquery_text, to_tsvector_text

WORKSPACE, OTHER = UUID(int=3), UUID(int=4)
RARE = [chr(0x20000 + number) for number in range(40_000)]
HOSTILE = [
    "it's \\ 'quoted' & | ! a:b (c) <->",
    "\0\ud800x",
    "".join(random.Random(1).choices(RARE, k=100_000)),
    " ".join(f"w{number}" for number in range(100_000)),
    "",
]
ASKED = [
    ("我的订单还没有发货", "订单", True),
    ("我的订单还没有发货", "货", True),
    ("我的订单还没有发货", "订货", False),
    ("call +86 138-0013-8000", "13800138000", True),
    ("call 13800138000", "+86 138 0013 8000", True),
    ("Café Straße", "CAFE stra", True),
    ("Café Straße", "traße", False),
    ("it's \\ quoted", "'quoted'", True),
]


async def test_postgresql_reads_what_we_write(database: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        for text in HOSTILE:
            terms = index_terms(text)
            vector = to_tsvector_text(WORKSPACE, terms)
            assert await connection.fetchval("select length($1::text::tsvector)", vector) == len(terms)
        odd = ["it's", "a\\b", "x y", "'", "\\"]
        vector = to_tsvector_text(WORKSPACE, odd)
        read = await connection.fetchval("select tsvector_to_array($1::text::tsvector)", vector)
        assert sorted(read) == sorted(lexemes(WORKSPACE, odd))
        for text, q, found in ASKED:
            for workspace in (WORKSPACE, OTHER):
                answer = await connection.fetchval(
                    "select $1::text::tsvector @@ $2::text::tsquery",
                    to_tsvector_text(WORKSPACE, index_terms(text)),
                    to_tsquery_text(workspace, query_terms(q)),
                )
                assert answer is (found and workspace == WORKSPACE), (text, q)
    finally:
        await connection.close()
