"""Facts from PostgreSQL into ClickHouse, as the text that COPY writes and TabSeparated reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, LiteralString

from aias_core.analytics.stores.clickhouse.server import ClickHouse
from aias_core.analytics.stores.protocol import Buckets
from aias_core.database.queries import load_queries

if TYPE_CHECKING:
    from psycopg import Connection

STORED, STAGED = "usage_facts", "staged_facts"

_queries = load_queries(__file__)


def copy_facts(connection: Connection, server: ClickHouse, table: str, hours: Buckets, token: str = "") -> None:
    """Copies the facts of whole hours, with their series. With a `token` a second copy of the same hours is none."""
    if not hours:
        return
    orgs = {org_id for some in hours.values() for org_id in some}
    server.load("usage_series", _read(connection, _queries["copy_series"], {"orgs": list(orgs)}))
    server.load(table, _read_hours(connection, hours), token)


def stage_facts(connection: Connection, server: ClickHouse, hours: Buckets) -> int:
    """Makes the facts of whole hours the only staged ones; returns how many they are."""
    server.execute(_queries["forget_staged"])
    copy_facts(connection, server, STAGED, hours)
    return int(server.read(_queries["count_staged"])[0][0])


def _read_hours(connection: Connection, hours: Buckets) -> Iterator[bytes]:
    for hour, orgs in hours.items():
        yield from _read(connection, _queries["copy_facts"], {"hour": hour, "orgs": list(orgs)})


def _read(connection: Connection, statement: LiteralString, values: Mapping[str, Any]) -> Iterator[bytes]:
    from psycopg import ClientCursor

    with ClientCursor(connection).copy(statement, values) as rows:
        for block in rows:
            yield bytes(block)
