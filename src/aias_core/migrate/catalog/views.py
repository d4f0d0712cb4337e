"""Views as every server version writes them.

Until version 15 a column of a view's only relation is written with the relation's name before it, later without it (the
release notes of PostgreSQL 16; `varprefix` in ruleutils.c).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from aias_core.migrate.nodes import kind_of
from aias_core.migrate.statements import split_statements

_QUALIFIER = re.compile(r'(?:"(?:[^"]|"")+"|[^".]+)\.')
_OF_ITS_OWN = ("RangeSubselect", "WithClause", "JoinExpr")


@cache
def unqualify(definition: str) -> str:
    """The definition of a view without the name of its only relation; one of several relations is left as it is."""
    (statement,) = split_statements(definition, "a view")
    query = statement.node.query
    if query.fromClause is None or len(query.fromClause) != 1 or kind_of(query.fromClause[0]) == "JoinExpr":
        return definition
    places = sorted(node.location for node in _iter_columns(query) if len(node.fields) > 1)
    for place in reversed(places):
        if match := _QUALIFIER.match(definition, place):
            definition = definition[:place] + definition[match.end() :]
    return definition


def _iter_columns(item: Any) -> Iterator[Any]:
    """The column references of a query itself, those of queries inside it left out."""
    if isinstance(item, tuple):
        for part in item:
            yield from _iter_columns(part)
    elif kind_of(item) == "ColumnRef":
        if kind_of(item.fields[-1]) != "A_Star":
            yield item
    elif kind_of(item) == "SubLink":
        yield from _iter_columns(item.testexpr)
    elif hasattr(item, "__slots__") and kind_of(item) not in _OF_ITS_OWN:
        for name in item:
            yield from _iter_columns(getattr(item, name))
