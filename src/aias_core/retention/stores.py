"""Where the data of an environment lies: both databases, opened together for one run at a time, and its objects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from aias_core.database.connection import connect, translated_errors
from aias_core.database.queries import load_queries
from aias_core.errors import LockHeld

if TYPE_CHECKING:
    from psycopg import Connection

    from aias_core.objectstore import ObjectStore
    from aias_core.secret import Secret

OWNER, RETENTION = "aias_owner", "aias_retention"
queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Stores:
    """How to reach both databases as the migrator, and the buckets of exports; without any, exports cannot be seen."""

    environment: str
    operational: Secret
    analytics: Secret
    objects: ObjectStore | None = None
    buckets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Databases:
    """An open connection to each database, autocommit, acting as the owner."""

    operational: Connection
    analytics: Connection

    def get(self, database: str) -> Connection:
        return self.operational if database == "operational" else self.analytics


@contextmanager
def opened(stores: Stores, *, alone: bool = False) -> Iterator[Databases]:
    """Both databases; `alone` keeps every other run that removes data out. Raises LockHeld, DependencyUnreachable."""
    with ExitStack() as stack:
        operational, analytics = (
            stack.enter_context(connect(dsn, f"database '{name}'", autocommit=True))
            for name, dsn in (("operational", stores.operational), ("analytics", stores.analytics))
        )
        if alone and not fetch_value(operational, "try_lock"):
            raise LockHeld("Another run is removing data", hint="wait until it has ended, then run it again")
        for connection in (operational, analytics):
            act_as(connection, OWNER)
        stack.enter_context(translated_errors(f"a database of '{stores.environment}'"))
        yield Databases(operational, analytics)


@contextmanager
def as_retention(databases: Databases) -> Iterator[None]:
    """Acts as the role that may call the purge functions and nothing else, on both databases."""
    connections = (databases.operational, databases.analytics)
    for connection in connections:
        act_as(connection, RETENTION)
    try:
        yield
    finally:
        for connection in connections:
            if not connection.closed:
                act_as(connection, OWNER)


def act_as(connection: Connection, role: str) -> None:
    """From now on the connection has the rights of a role."""
    connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))


def fetch_value(connection: Connection, query: str, *parameters: Any) -> Any:
    """The one value of a query's one row."""
    row = connection.execute(queries[query], parameters).fetchone()
    return row[0] if row else None
