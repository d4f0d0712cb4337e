from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest

from aias_core import clock, windows
from aias_core.analytics.ingest.store import ingest_lines
from aias_core.analytics.rollup.run import run_rollup
from aias_core.approvals import ApprovalPolicy
from aias_core.contracts import usage
from aias_core.database.connection import connect
from aias_core.finance.months.close import Change
from aias_core.finance.months.preconditions import Reconciled
from aias_core.objectstore import ObjectStore
from aias_core.windows import Window
from support.backups import object_storage
from support.events import OTHER_ORG, make_event
from support.exports import Edit
from support.months import ACTOR, Person, set_watermark, stop_clock
from support.strict_storage import StrictStorage, strict_storage

if TYPE_CHECKING:
    from support.servers import PostgresServer


@pytest.fixture
def month(store: psycopg.Connection) -> Window:
    """A month with usage of two organizations; one has a name that a spreadsheet would run."""
    store.execute("DELETE FROM aias.dim_organizations WHERE slug = 'globex'")
    store.execute("INSERT INTO aias.dim_organizations VALUES (%s, 'globex', '=1+1', 'customer')", [OTHER_ORG])
    window = windows.month_window((windows.month_of(clock.now()) - timedelta(days=1)).strftime("%Y-%m"))
    last_day = window.end - timedelta(hours=2)
    events = [
        make_event(at=last_day - timedelta(hours=h), input_tokens=7 * h, cached_input_tokens=h) for h in range(60)
    ]
    events += [make_event(at=last_day, org_id=OTHER_ORG, output_tokens=3), make_event(at=window.end)]
    ingest_lines(store, [usage.encode(event) for event in events], "test")
    run_rollup(store)
    return window


@pytest.fixture
def edit(store: psycopg.Connection, postgres_server: PostgresServer) -> Edit:
    """Changes the store as nobody but a superuser may."""

    def run_statement(statement: LiteralString, parameters: list[Any]) -> None:
        with connect(postgres_server.superuser(store.info.dbname), autocommit=True) as connection:
            connection.execute(statement, parameters)

    return run_statement


@pytest.fixture(scope="package")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """A server of object storage with one bucket."""
    with object_storage(tmp_path_factory.mktemp("objects")) as store:
        yield store


@pytest.fixture
def strict(objects: ObjectStore) -> Iterator[StrictStorage]:
    """The same server seen through something stricter."""
    with strict_storage(objects) as storage:
        yield storage


@pytest.fixture
def closable(store: psycopg.Connection, month: Window, monkeypatch: pytest.MonkeyPatch) -> Change:
    """A month that can be closed, 72 hours after its end."""
    set_watermark(store, month.end)
    stop_clock(monkeypatch, month.end + timedelta(hours=72))
    return Change(month, ACTOR, lambda *_: Reconciled(0, 0))


@pytest.fixture
def ada(tmp_path: Path) -> Person:
    return Person("ada", tmp_path)


@pytest.fixture
def guarded(closable: Change, ada: Person) -> Change:
    """The same month where a second person is needed."""
    return replace(closable, consent=replace(ACTOR, policy=ApprovalPolicy("production", True, {"ada": ada.public})))
