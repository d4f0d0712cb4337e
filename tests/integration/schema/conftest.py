from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg
import pytest

from aias_core.database.connection import connect

if TYPE_CHECKING:
    from support.servers import PostgresServer


@pytest.fixture
def owner(postgres_server: PostgresServer, operational: str) -> Iterator[psycopg.Connection]:
    """A connection to a fresh operational database that acts as the owner of its tables, autocommit."""
    with psycopg.connect(postgres_server.dsn(operational, "aias_migrator").reveal(), autocommit=True) as connection:
        connection.execute("SET ROLE aias_owner")
        yield connection


@pytest.fixture(params=["operational", "analytics"])
def database(request: pytest.FixtureRequest, postgres_server: PostgresServer) -> str:
    """The name of a fresh database, each of both in turn."""
    return postgres_server.clone(request.param)


@pytest.fixture
def superuser(postgres_server: PostgresServer, database: str) -> Iterator[psycopg.Connection]:
    """A superuser's connection to the fresh database, autocommit, with this month's partitions."""
    with connect(postgres_server.superuser(database), autocommit=True) as connection:
        if database.startswith("analytics"):
            connection.execute("SELECT aias.ensure_month_partitions(now(), 1)")
        yield connection
