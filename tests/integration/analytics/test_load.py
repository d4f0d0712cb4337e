from __future__ import annotations

import gzip
import io
import os
import signal
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from aias_core import clock
from aias_core.analytics.ingest import load
from aias_core.analytics.ingest.files import open_events
from aias_core.analytics.ingest.load import OLD_LIMIT, LoadOptions, LoadReport, load_events
from aias_core.contracts import usage
from aias_core.database.connection import connect
from aias_core.errors import InvalidInput, NothingRan, Partial
from support.events import make_event
from support.killing import run_and_die

if TYPE_CHECKING:
    from support.servers import PostgresServer


def load_file(store: psycopg.Connection, path: Path, options: LoadOptions | None = None) -> LoadReport:
    with open_events(str(path), io.BytesIO()) as file:
        return load_events(store, file, options or LoadOptions())


def write(path: Path, lines: list[bytes]) -> Path:
    path.write_bytes(b"\n".join(lines))
    return path


def count(store: psycopg.Connection, table: str) -> int:
    [found] = store.execute(f"SELECT count(*) FROM aias.{table}".encode()).fetchone() or (0,)
    return int(found)


def test_a_file_is_stored_once_and_says_what_became_of_each_line(store: psycopg.Connection, tmp_path: Path) -> None:
    events = [make_event() for _ in range(10)]
    lines = [usage.encode(event) for event in events]
    changed = usage.encode(make_event(event_id=events[3].event_id, occurred_at=events[3].occurred_at, output_tokens=1))
    late = usage.encode(make_event(at=clock.now() - timedelta(hours=2)))
    path = write(tmp_path / "events", [*lines, b"", b"{", lines[0], b"{", changed, late])
    report = load_file(store, path, LoadOptions(batch=4))
    result = report.result
    assert (report.lines, result.accepted, result.duplicate, result.late, result.rejected) == (15, 11, 1, 1, 3)
    assert [(row["line"], row["reason"]) for row in report.rejects] == [
        (12, "malformed"),
        (14, "malformed"),
        (15, "conflict"),
    ]
    again = load_file(store, path).result
    assert (again.accepted, again.duplicate) == (0, 12)
    assert count(store, "usage_facts") == 11


def test_old_events_need_to_be_asked_for(store: psycopg.Connection, tmp_path: Path) -> None:
    ages = (30, 36, 399, 401)
    path = write(tmp_path / "old", [usage.encode(make_event(at=clock.now() - timedelta(days=age))) for age in ages])
    assert load_file(store, path).result.accepted == 1
    assert load_file(store, path, LoadOptions(oldest=OLD_LIMIT)).result.accepted == 2
    assert store.execute("SELECT aias.count_default_rows()").fetchall() == [(0,)]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("call", [12, 30, 55])
def test_a_killed_load_goes_on_where_it_stopped(
    store: psycopg.Connection, postgres_server: PostgresServer, tmp_path: Path, pack: type[bytes], call: int
) -> None:
    path = tmp_path / "events"
    path.write_bytes(pack(b"\n".join(usage.encode(make_event()) for _ in range(100))))
    dsn = postgres_server.dsn(store.info.dbname, "aias_analytics")

    def work() -> None:
        with connect(dsn, autocommit=True) as connection:
            load_file(connection, path, LoadOptions(batch=10))

    assert run_and_die(work, call)
    stored = count(store, "usage_facts")
    assert 0 < stored < 100
    report = load_file(store, path, LoadOptions(batch=10, resume=True))
    assert (report.lines, report.result.accepted, report.result.duplicate) == (100 - stored, 100 - stored, 0)
    assert report.resumed_at > 0
    assert count(store, "usage_facts") == count(store, "event_receipts") == 100
    assert load_file(store, path, LoadOptions(resume=True)).lines == 0


def test_an_interrupted_load_ends_as_partial_and_keeps_what_it_stored(
    store: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "events", [usage.encode(make_event()) for _ in range(50)])
    monkeypatch.setattr(load, "TELL_SECONDS", -1.0)
    with pytest.raises(Partial, match="10 stored"):
        load_file(store, path, LoadOptions(batch=10, tell=lambda _: os.kill(os.getpid(), signal.SIGINT)))
    assert count(store, "usage_facts") == 10
    assert load_file(store, path, LoadOptions(resume=True)).result.accepted == 40


def test_a_damaged_file_stores_what_came_before_the_damage(store: psycopg.Connection, tmp_path: Path) -> None:
    packed = gzip.compress(b"\n".join(usage.encode(make_event()) for _ in range(4_000)))
    (tmp_path / "cut").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(InvalidInput, match="damaged or cut off"):
        load_file(store, tmp_path / "cut", LoadOptions(batch=100))
    assert count(store, "usage_facts") > 1_000


def test_an_empty_file_loads_nothing(store: psycopg.Connection, tmp_path: Path) -> None:
    with pytest.raises(NothingRan):
        load_file(store, write(tmp_path / "empty", []))


def test_stdin_has_no_place_to_go_on_from(store: psycopg.Connection) -> None:
    with open_events("-", io.BytesIO(b"{}")) as file, pytest.raises(InvalidInput, match="stdin"):
        load_events(store, file, LoadOptions(resume=True))
