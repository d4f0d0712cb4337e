"""Random schemas prove the catalogue: its SQL makes it again, and a difference's SQL ends the difference.

Many more of them: pytest tests/integration/migrate/test_catalog_properties.py --hypothesis-profile thorough
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aias_core.database.scratch import ScratchServer, scratch_server
from aias_core.migrate.catalog.difference import compare_catalogs
from aias_core.migrate.catalog.repair import build_schema_sql, build_statements
from aias_core.migrate.catalog.snapshot import Catalog, read_catalog, read_fingerprint
from support.schemas import Element, build_sql, choose_elements, make_elements, make_migrations

SEEDS = st.integers(0, 2**32)
FEW = settings.default.max_examples // 3 if settings.default else 33
quick = settings(
    max_examples=FEW,
    derandomize=FEW < 100,  # the same few schemas each time, so that a failure belongs to the change that brought it
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)


class Workbench:
    """Two databases, emptied for each example by dropping what stands in them."""

    def __init__(self, server: ScratchServer) -> None:
        self.first, self.second = (self._open(server) for _ in range(2))

    @staticmethod
    def _open(server: ScratchServer) -> psycopg.Connection:
        connection = psycopg.connect(server.dsn(server.create_database()).reveal(), autocommit=True)
        connection.execute("SET ROLE aias_owner")
        return connection

    def make(self, connection: psycopg.Connection, elements: list[Element]) -> Catalog:
        clear(connection)
        connection.execute(build_sql(elements).encode())
        return read_catalog(connection)


def clear(connection: psycopg.Connection) -> None:
    connection.execute("SET client_min_messages = error; DROP SCHEMA IF EXISTS app CASCADE")


def execute_each(connection: psycopg.Connection, statements: list[str]) -> None:
    for statement in statements:
        try:
            connection.execute(statement.encode())
        except psycopg.Error as exc:
            raise AssertionError("\n".join([f"{exc} in: {statement}", *statements])) from exc


@pytest.fixture(scope="module")
def bench() -> Iterator[Workbench]:
    with scratch_server() as server:
        yield Workbench(server)


@given(seed=SEEDS)
@settings(quick)
def test_the_schema_of_a_catalogue_makes_the_same_catalogue(bench: Workbench, seed: int) -> None:
    catalog = bench.make(bench.first, make_elements(seed))
    clear(bench.second)
    bench.second.execute(build_schema_sql(catalog).encode())
    copy = read_catalog(bench.second)
    assert compare_catalogs(catalog, copy) == []
    assert copy.fingerprint == catalog.fingerprint == read_fingerprint(bench.first)
    assert build_schema_sql(copy) == build_schema_sql(catalog)


@given(seed=SEEDS, other=SEEDS, related=st.booleans())
@settings(quick)
def test_the_statements_between_two_catalogues_end_the_difference(
    bench: Workbench, seed: int, other: int, related: bool
) -> None:
    wanted = bench.make(bench.first, choose_elements(make_elements(seed), seed))
    found = bench.make(bench.second, choose_elements(make_elements(seed if related else other), other))
    execute_each(bench.second, build_statements(wanted, found))
    changed = read_catalog(bench.second)
    assert compare_catalogs(wanted, changed) == []
    assert changed.fingerprint == wanted.fingerprint


@given(seed=SEEDS)
@settings(quick, max_examples=FEW // 3)
def test_a_random_migration_and_its_down_leave_the_catalogue_as_it_was(bench: Workbench, seed: int) -> None:
    clear(bench.first)
    for migration in make_migrations(seed, 4):
        before = read_catalog(bench.first)
        bench.first.execute(migration.up.encode())
        after = read_fingerprint(bench.first)
        bench.first.execute(migration.down.encode())
        assert compare_catalogs(before, read_catalog(bench.first)) == []
        bench.first.execute(migration.up.encode())
        assert read_fingerprint(bench.first) == after
