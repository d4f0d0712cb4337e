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

_queries = load_queries(__file__)
_known: WeakKeyDictionary[Connection, dict[bytes, int]] = WeakKeyDictionary()


def number_series(connection: Connection, series: Sequence[bytes]) -> list[int]:
    """The number of each combination, given as the members of a JSON array in the order of SERIES_COLUMNS.

    New ones get a number. Inside a transaction they may be rolled back, so they are not remembered then.
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


def _add(connection: Connection, missing: Iterable[bytes]) -> dict[bytes, int]:
    ordered = sorted(missing)
    values = zip(*(msgspec.json.decode(b"[%b]" % one) for one in ordered), strict=True)
    columns = {name: list(column) for name, column in zip(SERIES_COLUMNS, values, strict=True)}
    connection.execute(_queries["insert_series"], columns)
    return {ordered[row[0]]: row[1] for row in connection.execute(_queries["list_series"], columns)}
