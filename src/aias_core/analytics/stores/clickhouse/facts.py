"""Facts from PostgreSQL into ClickHouse, as the text that COPY writes and TabSeparated reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, LiteralString

from aias_core.analytics.stores.clickhouse.server import ClickHouse
from aias_core.analytics.stores.protocol import Buckets
from aias_core.database.queries import load_queries

if TYPE_CHECKING:
    from psycopg import Connection

SLICE = timedelta(minutes=5)
"""What one value of text holds: at 15,000 facts a second no more than some 400 MB, and PostgreSQL's limit is 1 GB."""

_queries = load_queries(__file__)


def copy_facts(connection: Connection, server: ClickHouse, hours: Buckets, token: str = "") -> None:
    """Copies the facts of whole hours, with their series. With a `token` a second copy of the same hours is none."""
    _copy_series(connection, server, hours)
    server.load("usage_facts", _read_hours(connection, hours), token)


def stage_facts(connection: Connection, server: ClickHouse, hours: Buckets) -> int:
    """Makes the facts of whole hours the only staged ones; returns how many they are."""
    server.execute(_queries["forget_staged"])
    _copy_series(connection, server, hours)
    server.load("staged_facts", _read_slices(connection, hours))
    return int(server.read(_queries["count_staged"])[0][0])


def _copy_series(connection: Connection, server: ClickHouse, hours: Buckets) -> None:
    orgs = {org_id for some in hours.values() for org_id in some}
    server.load("usage_series", _copy(connection, _queries["copy_series"], {"orgs": list(orgs)}))


def _read_hours(connection: Connection, hours: Buckets) -> Iterator[bytes]:
    for hour, orgs in hours.items():
        yield from _copy(connection, _queries["copy_facts"], {"hour": hour, "orgs": list(orgs)})


def _read_slices(connection: Connection, hours: Buckets) -> Iterator[bytes]:
    for hour, orgs in hours.items():
        values = {"hour": f"{hour:%Y-%m-%d %H:%M:%S}", "orgs": list(orgs)}
        for number in range(timedelta(hours=1) // SLICE):
            start = hour + number * SLICE
            bounds = {"start": start, "end": start + SLICE}
            [text] = connection.execute(_queries["read_staged_facts"], {**values, **bounds}).fetchone() or (None,)
            if text is not None:
                yield text.encode() + b"\n"


def _copy(connection: Connection, statement: LiteralString, values: Mapping[str, Any]) -> Iterator[bytes]:
    from psycopg import ClientCursor

    with ClientCursor(connection).copy(statement, values) as rows:
        for block in rows:
            yield bytes(block)
