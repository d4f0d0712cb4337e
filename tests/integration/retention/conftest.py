from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg
import pytest

from aias_core.database.connection import connect
from aias_core.retention.stores import Stores

if TYPE_CHECKING:
    from support.servers import PostgresServer


@pytest.fixture
def stores(postgres_server: PostgresServer, operational: str, analytics: str) -> Stores:
    """Both databases, fresh, as the migrator; no object storage."""
    dsns = (postgres_server.dsn(name, "aias_migrator") for name in (operational, analytics))
    return Stores("test", *dsns)


@pytest.fixture
def raw_operational(postgres_server: PostgresServer, operational: str) -> Iterator[psycopg.Connection]:
    """A superuser's connection to the operational database, autocommit."""
    with connect(postgres_server.superuser(operational), autocommit=True) as connection:
        yield connection


@pytest.fixture
def raw_analytics(postgres_server: PostgresServer, analytics: str) -> Iterator[psycopg.Connection]:
    """A superuser's connection to the analytics database, autocommit, with its partitions."""
    with connect(postgres_server.superuser(analytics), autocommit=True) as connection:
        connection.execute("SELECT aias.ensure_month_partitions(now(), 4)")
        yield connection
