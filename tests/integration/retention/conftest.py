from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest

from aias_core.database.connection import connect
from aias_core.retention.stores import Stores
from support.backups import object_storage

if TYPE_CHECKING:
    from aias_core.objectstore import ObjectStore
    from support.servers import PostgresServer


BUCKET = "exports"


@pytest.fixture(scope="session")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """Object storage with the bucket of exports."""
    with object_storage(tmp_path_factory.mktemp("objects")) as store:
        store.client().create_bucket(Bucket=BUCKET)
        yield store


@pytest.fixture
def stores(postgres_server: PostgresServer, operational: str, analytics: str) -> Stores:
    """Both databases, fresh, as the migrator; no object storage."""
    dsns = (postgres_server.dsn(name, "aias_migrator") for name in (operational, analytics))
    return Stores("test", *dsns)


@pytest.fixture
def whole(stores: Stores, objects: ObjectStore) -> Stores:
    """The same with object storage: what the erasure of an organization needs."""
    return replace(stores, objects=objects, buckets=(BUCKET,))


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
