"""Numbers for combinations of dimensions, remembered per connection, because they never change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import msgspec
from psycopg.pq import TransactionStatus

from aias_core.analytics.ingest.batch import SERIES_COLUMNS
from aias_core.database.queries import load_queries

if TYPE_CHECKING:
    from psycopg import Connection

REMEMBERED = 200_000
ERASED = 0

_queries = load_queries(__file__)
_known: WeakKeyDictionary[Connection, dict[bytes, int]] = WeakKeyDictionary()


def number_series(connection: Connection, series: Sequence[bytes]) -> list[int]:
    """The number of each combination, given as the members of a JSON array in the order of SERIES_COLUMNS.

    New ones get a number. Inside a transaction they may be rolled back, so they are not remembered then. Those of
    somebody who was erased are `ERASED`: their events are not stored.
    """
    known = _known.setdefault(connection, {})
    if len(known) > REMEMBERED:
        known.clear()
    if missing := set(series).difference(known):
        added = _add(connection, missing)
        if connection.info.transaction_status == TransactionStatus.IDLE:
            known.update(added)
        else:
            known = {**known, **added}
    return [known[one] for one in series]


def _add(connection: Connection, missing: set[bytes]) -> dict[bytes, int]:
    added = _ask(connection, "insert_series", sorted(missing))  # in one order, so that no two workers wait in a circle
    known_to_others = missing.difference(added)
    if known_to_others:
        added |= _ask(connection, "list_series", known_to_others)
    return dict.fromkeys(missing, ERASED) | added


def _ask(connection: Connection, query: str, series: Iterable[bytes]) -> dict[bytes, int]:
    values = zip(*(msgspec.json.decode(b"[%b]" % one) for one in series), strict=True)
    columns = {name: list(column) for name, column in zip(SERIES_COLUMNS, values, strict=True)}
    rows = connection.execute(_queries[query], columns)
    return {msgspec.json.encode(row[1:])[1:-1]: row[0] for row in rows}
