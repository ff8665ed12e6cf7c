"""Composes allow-listed fragments of a `queries.sql` into one statement: the only way to a dynamic WHERE.

A base query has `/*where*/` where conditions go and may have `/*order*/`. Fragments are queries whose names start with
`where_` or `order_`; each is one condition or one ORDER BY list with named parameters of its own.
"""

from functools import cache

from switchboard.db.sql import Queries, Query, parse


def compose(queries: Queries, base: str, conditions: tuple[str, ...], order: str = "") -> Query:
    """Return the base query with these fragments; unknown names raise AttributeError."""
    return _compose(
        getattr(queries, base),
        tuple(getattr(queries, f"where_{name}") for name in conditions),
        getattr(queries, f"order_{order}") if order else None,
    )


@cache
def _compose(base: Query, conditions: tuple[Query, ...], order: Query | None) -> Query:
    source = base.source.replace("/*where*/", "".join(f"\n  and ({one.source})" for one in conditions))
    if order is not None:
        source = source.replace("/*order*/", order.source)
    name = "_".join((base.name, *(one.name for one in conditions), order.name if order else "")).strip("_")
    (composed,) = parse(f"-- name: {name}\n-- {base.sentence}\n{source}")
    return composed
