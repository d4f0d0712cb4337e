from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from aias_core import clock
from aias_core.analytics.ingest.store import ensure_partitions
from aias_core.database.connection import connect
from aias_core.migrate.target import Target
from support.events import MODEL, ORG, OTHER_ORG, PRICE, PRICE_ID

if TYPE_CHECKING:
    from support.servers import PostgresServer


@pytest.fixture(scope="session")
def stocked(postgres_server: PostgresServer) -> str:
    """The name of an analytics database to be copied: with partitions, two organizations, a model and its price."""
    name = postgres_server.clone("analytics")
    with connect(postgres_server.dsn(name, "aias_analytics"), autocommit=True) as connection:
        ensure_partitions(connection, clock.now())
        for org_id, slug in ((ORG, "acme"), (OTHER_ORG, "globex")):
            connection.execute(
                "INSERT INTO aias.dim_organizations VALUES (%s, %s, %s, 'customer')", [org_id, slug, slug]
            )
        connection.execute("INSERT INTO aias.dim_models VALUES (%s, 'mock-small')", [MODEL])
        connection.execute(
            "INSERT INTO aias.dim_prices VALUES (%s, %s, 'chat', 'USD', %s, %s, %s, 0, %s)",
            [
                PRICE_ID,
                MODEL,
                PRICE.input_pico,
                PRICE.cached_input_pico,
                PRICE.output_pico,
                datetime(2026, 1, 1, tzinfo=UTC),
            ],
        )
    return name


@pytest.fixture
def store(postgres_server: PostgresServer, stocked: str) -> Iterator[psycopg.Connection]:
    """A connection of the analytics role to a copy of it of the test's own."""
    with connect(postgres_server.dsn(postgres_server.clone(stocked), "aias_analytics"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def target(postgres_server: PostgresServer, migrations: Path) -> Target:
    """An empty database and a directory with two small migrations."""
    return Target("x", postgres_server.dsn(postgres_server.empty(), "aias_migrator"), migrations)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how many random histories were compared with their model, and how many runs were failed on purpose."""
    sums: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        sums.update(dict(report.user_properties))
    if sums["histories"]:
        terminalreporter.write_line(f"{sums['histories']} histories equal their model; {sums['crashes']} crashes")
    if sums["faulted"]:
        terminalreporter.write_line(f"{sums['faulted']} runs of up and down with a fault; each was completed")
