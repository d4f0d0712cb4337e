from __future__ import annotations

import csv
import hashlib
import json
import resource
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import psycopg
import pytest

from aias_core import clock, windows
from aias_core.analytics.ingest.store import ingest_lines
from aias_core.analytics.rollup.run import run_rollup
from aias_core.contracts import usage
from aias_core.errors import Conflict, PrerequisiteMissing
from aias_core.finance.job import run_export
from aias_core.objectstore import ObjectStore
from aias_core.secret import Secret
from aias_core.windows import Window
from support.events import MODEL, ORG, OTHER_ORG, PRICE, make_event

NO_STORE = ObjectStore("http://127.0.0.1:1", "none", Secret("none"))


@pytest.fixture
def month(store: psycopg.Connection) -> Window:
    """A month with usage of two organizations; one has a name that a spreadsheet would run."""
    store.execute("UPDATE aias.dim_organizations SET display_name = '=1+1' WHERE slug = 'globex'")
    window = windows.month_window((windows.month_of(clock.now()) - timedelta(days=1)).strftime("%Y-%m"))
    last_day = window.end - timedelta(hours=2)
    events = [
        make_event(at=last_day - timedelta(hours=h), input_tokens=7 * h, cached_input_tokens=h) for h in range(60)
    ]
    events += [make_event(at=last_day, org_id=OTHER_ORG, output_tokens=3), make_event(at=window.end)]
    ingest_lines(store, [usage.encode(event) for event in events], "test")
    run_rollup(store)
    return window


def read(path: str) -> list[dict[str, str]]:
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_file_holds_exactly_the_month_and_adds_up(store: psycopg.Connection, month: Window, tmp_path: Path) -> None:
    result = run_export(store, month, None, str(tmp_path), NO_STORE)
    rows = read(result["file"])
    assert sum(int(row["requests"]) for row in rows) == 61
    assert {row["period_end"] for row in rows} <= {
        (month.start + timedelta(days=d)).strftime("%Y-%m-%dT00:00:00Z") for d in range(32)
    }
    for row in rows:
        tokens = [int(row[f"billed_{kind}_tokens"]) for kind in ("input", "cached_input", "output")]
        pico = tokens[0] * PRICE.input_pico + tokens[1] * PRICE.cached_input_pico + tokens[2] * PRICE.output_pico
        assert Fraction(row["cost_exact"]) * 10**12 == pico
    manifest = json.loads(Path(result["manifest"]).read_text())
    assert manifest["row_count"] == len(rows)
    assert manifest["sha256"] == hashlib.sha256(Path(result["file"]).read_bytes()).hexdigest()
    for total in manifest["totals"]:
        own = [row for row in rows if row["org_id"] == total["org_id"]]
        assert sum(Fraction(row["amount_exact"]) for row in own) == Fraction(total["amount_exact"])
        assert sum(Fraction(row["amount"]) for row in own) == Fraction(total["amount"])


def test_equal_data_gives_equal_bytes(store: psycopg.Connection, month: Window, tmp_path: Path) -> None:
    hashes = {run_export(store, month, None, str(tmp_path / name), NO_STORE)["sha256"] for name in "ab"}
    assert len(hashes) == 1


def test_one_organization_is_exported_alone(store: psycopg.Connection, month: Window, tmp_path: Path) -> None:
    rows = read(run_export(store, month, (ORG, "acme"), str(tmp_path), NO_STORE)["file"])
    assert {row["org_id"] for row in rows} == {str(ORG)}
    assert {row["model_id"] for row in rows} == {str(MODEL)}


def test_a_cell_that_a_spreadsheet_would_run_is_neutralised(
    store: psycopg.Connection, month: Window, tmp_path: Path
) -> None:
    rows = read(run_export(store, month, (OTHER_ORG, "globex"), str(tmp_path), NO_STORE)["file"])
    assert {row["org_name"] for row in rows} == {"'=1+1"}


def test_an_existing_file_is_not_replaced_unless_forced(
    store: psycopg.Connection, month: Window, tmp_path: Path
) -> None:
    run_export(store, month, None, str(tmp_path), NO_STORE)
    with pytest.raises(Conflict, match="exists"):
        run_export(store, month, None, str(tmp_path), NO_STORE)
    assert run_export(store, month, None, str(tmp_path), NO_STORE, force=True)["row_count"]


def test_a_full_disk_leaves_nothing_half_written(store: psycopg.Connection, month: Window, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (512, hard))
    try:
        with pytest.raises(PrerequisiteMissing):
            run_export(store, month, None, str(tmp_path), NO_STORE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []
