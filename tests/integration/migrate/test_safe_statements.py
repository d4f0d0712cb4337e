"""Every statement of the corpus that is called safe runs on a real server with rows in its tables."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from aias_core.database.scratch import ScratchServer, scratch_server
from support.corpus import Example
from support.reference import create_reference_database
from support.safe_statements import ALONE, iter_safe_examples

SAFE = list(iter_safe_examples())
REFUSED_IN_TRANSACTIONS = [example for example in SAFE if example.text.startswith(ALONE)]
TOGETHER = [example for example in SAFE if not example.text.startswith(ALONE)]


@pytest.fixture(scope="module")
def server() -> Iterator[ScratchServer]:
    with scratch_server() as running:
        yield running


@pytest.fixture(scope="module")
def template(server: ScratchServer) -> str:
    name = create_reference_database(server)
    with psycopg.connect(server.dsn(name).reveal(), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA aias")
    return name


def test_they_run_as_one_transaction_each(server: ScratchServer, template: str) -> None:
    failed: dict[str, str] = {}
    with psycopg.connect(server.dsn(server.create_database(template)).reveal()) as connection:
        for example in TOGETHER:
            try:
                run(connection, example)
            except psycopg.Error as exc:
                failed[example.text] = str(exc)
            connection.rollback()
    assert failed == {}


def run(connection: psycopg.Connection, example: Example) -> None:
    if example.before:
        connection.execute(example.before.encode())
    connection.execute(example.text.encode())


@pytest.mark.parametrize("example", REFUSED_IN_TRANSACTIONS, ids=lambda e: e.text.removeprefix(ALONE))
def test_what_needs_no_transaction_runs_without(server: ScratchServer, template: str, example: Example) -> None:
    with psycopg.connect(server.dsn(server.create_database(template)).reveal(), autocommit=True) as connection:
        for statement in example.text.removeprefix(ALONE).split(";"):
            connection.execute(statement.encode())
