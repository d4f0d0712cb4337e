"""FOCUS files keep the rules of FOCUS 1.2; see support/focus.py."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from aias_core import clock, ids, windows
from aias_core.analytics.ingest.store import ingest_lines
from aias_core.analytics.rollup.run import run_rollup
from aias_core.contracts import usage
from aias_core.contracts.usage import Adjustment
from aias_core.finance.export.request import ExportRequest, Format, Kind
from aias_core.finance.export.verify import verify_file
from aias_core.finance.months.close import Change, close_month, restate_month
from aias_core.money import parse_amount
from aias_core.windows import Window
from support.events import MODEL, ORG, PRICE_ID, id_at, make_event
from support.exports import Edit, export, read
from support.focus import find_breaches
from support.months import add_late_event, set_watermark, stop_clock

PROJECT, NEGOTIATED = (UUID(f"01890000-0000-7000-8000-0000000000{end}") for end in ("b1", "b2"))


def export_focus(store: psycopg.Connection, window: Window, out: Path) -> list[dict[str, str]]:
    result = export(store, ExportRequest(window, kind=Kind.FOCUS), out)
    assert all(check["equal"] for check in verify_file(Path(result["file"]), store))
    return read(result["file"])


def store_adjustment(store: psycopg.Connection, amount: str, event: UUID | None = None) -> None:
    """An adjustment as the command makes it, at the instant of the stopped clock."""
    event_id = id_at(clock.now())
    adjustment = Adjustment(
        kind="adjustment",
        event_id=event_id,
        occurred_at=ids.instant_of(event_id),
        org_id=ORG,
        cost_pico=parse_amount(amount),
        ref_event_id=event,
        reason="why",
    )
    ingest_lines(store, [usage.encode(adjustment)], "adjust", adjustments=True)


def adjust(store: psycopg.Connection, amount: str, event: UUID | None = None) -> None:
    store_adjustment(store, amount, event)
    run_rollup(store)


def add_project(edit: Edit, labels: str) -> None:
    edit(
        "INSERT INTO aias.dim_projects (project_id, org_id, slug, display_name, labels) "
        "VALUES (%s, %s, 'chat', 'Chat', %s)",
        [PROJECT, ORG, labels],
    )


def find_event(store: psycopg.Connection, window: Window) -> UUID:
    query = "SELECT event_id FROM aias.usage_facts WHERE org_id = %s AND occurred_at >= %s AND occurred_at < %s"
    row = store.execute(query, [ORG, window.start, window.end]).fetchone()
    assert row is not None
    found: UUID = row[0]
    return found


def shown(rows: list[dict[str, str]]) -> Counter[tuple[str, Fraction]]:
    """The adjustments of a file: class and amount."""
    return Counter(
        (row["ChargeClass"], Fraction(row["BilledCost"])) for row in rows if row["ChargeCategory"] == "Adjustment"
    )


@pytest.fixture
def following(month: Window) -> Window:
    return windows.month_window(f"{month.end:%Y-%m}")


@pytest.fixture
def closed(store: psycopg.Connection, closable: Change, monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The month is closed, and it is an hour later; that instant."""
    close_month(store, closable)
    later = closable.window.end + timedelta(hours=73)
    stop_clock(monkeypatch, later)
    return later


def test_a_file_of_every_kind_of_row_keeps_the_rules(
    store: psycopg.Connection, month: Window, edit: Edit, tmp_path: Path
) -> None:
    add_project(edit, '{"team": "a", "=1": "b"}')
    edit(
        "INSERT INTO aias.dim_prices (price_id, model_id, operation, currency, input_pico, cached_input_pico, "
        "output_pico, request_pico, effective_from, org_id, list_price_id) "
        "SELECT %s, model_id, operation, currency, 7, 0, 300001, 13, effective_from, %s, price_id "
        "FROM aias.dim_prices WHERE price_id = %s",
        [NEGOTIATED, ORG, PRICE_ID],
    )
    own = {"price_id": NEGOTIATED, "project_id": PROJECT, "input_tokens": 1_234_567, "cached_input_tokens": 89}
    cost = (1_234_567 - 89) * 7 + 3 * 300_001 + 13
    event = make_event(at=month.end - timedelta(hours=1), output_tokens=3, cost_pico=cost, region="nl-ams", **own)
    ingest_lines(store, [usage.encode(event)], "test")
    adjust(store, "-0.000000000001")
    rows = export_focus(store, month, tmp_path) + export_focus(
        store, windows.month_window(f"{clock.now():%Y-%m}"), tmp_path
    )
    assert find_breaches(rows) == []
    assert {row["ChargeCategory"] for row in rows} == {"Usage", "Adjustment"}
    [paid] = [row for row in rows if row["SubAccountId"] and row["SkuMeter"] == "Output Tokens"]
    assert json.loads(paid["Tags"]) == {"team": "a", "=1": "b"}
    assert (paid["BilledCost"], paid["ListCost"]) == ("0.000000900003", "0.000001800000")
    listed = next(row for row in rows if not row["SubAccountId"] and row["SkuMeter"] == "Output Tokens")
    assert paid["SkuPriceId"] == listed["SkuPriceId"] == f"{MODEL}/chat/output"


def test_an_adjustment_of_a_month_closed_before_is_a_correction(
    store: psycopg.Connection, month: Window, following: Window, closed: datetime, tmp_path: Path
) -> None:
    event = make_event(at=closed - timedelta(minutes=1))
    ingest_lines(store, [usage.encode(event)], "test")
    adjust(store, "-5", find_event(store, month))
    adjust(store, "5")
    adjust(store, "1.5", event.event_id)
    rows = export_focus(store, following, tmp_path)
    assert shown(rows) == {("Correction", Fraction(-5)): 1, ("", Fraction("6.5")): 1}
    assert find_breaches(rows) == []


def test_a_correction_and_its_opposite_are_both_shown(
    store: psycopg.Connection, month: Window, following: Window, closed: datetime, tmp_path: Path
) -> None:
    adjust(store, "-9007", find_event(store, month))
    adjust(store, "9007")
    rows = export_focus(store, following, tmp_path)
    assert shown(rows) == {("Correction", Fraction(-9007)): 1, ("", Fraction(9007)): 1}


def test_an_adjustment_made_before_the_close_stays_none(
    store: psycopg.Connection, month: Window, following: Window, closable: Change, tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        stop_clock(patch, month.end + timedelta(hours=2))
        adjust(store, "-5", find_event(store, month))
    close_month(store, closable)
    assert shown(export_focus(store, following, tmp_path)) == {("", Fraction(-5)): 1}


def test_a_correction_that_no_rollup_has_seen_is_not_in_the_file(
    store: psycopg.Connection,
    month: Window,
    following: Window,
    closed: datetime,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    adjust(store, "-5", find_event(store, month))
    stop_clock(monkeypatch, closed + timedelta(minutes=5))
    store_adjustment(store, "-3", find_event(store, month))
    assert shown(export_focus(store, following, tmp_path)) == {("Correction", Fraction(-5)): 1}


def test_a_statement_keeps_its_corrections_when_the_facts_are_gone(
    store: psycopg.Connection,
    closable: Change,
    following: Window,
    closed: datetime,
    edit: Edit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    adjust(store, "-5", find_event(store, closable.window))
    set_watermark(store, following.end)
    stop_clock(monkeypatch, following.end + timedelta(hours=72))
    close_month(store, replace(closable, window=following))
    request = ExportRequest(following, kind=Kind.FOCUS, format=Format.PARQUET)
    before = export(store, request, tmp_path / "before")
    edit("ALTER TABLE aias.usage_facts DISABLE TRIGGER USER", [])
    edit("DELETE FROM aias.usage_facts", [])
    assert export(store, request, tmp_path / "after")["sha256"] == before["sha256"]
    rows = export_focus(store, following, tmp_path)
    assert shown(rows) == {("Correction", Fraction(-5)): 1}
    assert find_breaches(rows) == []


def test_a_restated_month_has_its_rows_anew_and_no_corrections(
    store: psycopg.Connection, month: Window, closable: Change, tmp_path: Path
) -> None:
    close_month(store, closable)
    add_late_event(store, month)
    restate_month(store, replace(closable, reason="late events"))
    rows = export_focus(store, month, tmp_path)
    assert {(row["ChargeClass"], row["x_StatementVersion"], row["x_MonthStatus"]) for row in rows} == {
        ("", "2", "restated")
    }
    assert find_breaches(rows) == []


def test_tags_are_the_labels_of_the_period(
    store: psycopg.Connection, month: Window, following: Window, edit: Edit, tmp_path: Path
) -> None:
    add_project(edit, '{"team": "b"}')
    edit(
        "INSERT INTO aias.dim_versions (dimension, subject_id, valid_to, org_id, valid_from, attributes) "
        'SELECT \'projects\', project_id, %s, org_id, %s, to_jsonb(p) || \'{"labels": {"team": "a"}}\' '
        "FROM aias.dim_projects p",
        [month.end, month.start],
    )
    events = [make_event(at=at, project_id=PROJECT) for at in (month.end - timedelta(hours=1), month.end)]
    ingest_lines(store, [usage.encode(event) for event in events], "test")
    run_rollup(store)
    tags = [{row["Tags"] for row in export_focus(store, window, tmp_path)} - {""} for window in (month, following)]
    assert tags == [{'{"team": "a"}'}, {'{"team": "b"}'}]


def test_equal_rows_are_equal_bytes_of_parquet(store: psycopg.Connection, month: Window, tmp_path: Path) -> None:
    request = ExportRequest(month, kind=Kind.FOCUS, format=Format.PARQUET)
    assert len({export(store, request, tmp_path / str(n))["sha256"] for n in range(4)}) == 1


@pytest.mark.parametrize(
    ("change", "breach"),
    [
        ({"ChargeClass": "Correct"}, "ChargeClass: Correct is not allowed"),
        ({"PricingQuantity": ""}, "PricingQuantity: is null in usage"),
        ({"ListCost": "1.0"}, "ListUnitPrice: times PricingQuantity is not ListCost"),
        ({"BilledCost": "1e3"}, "BilledCost: 1e3 has another form"),
        ({"ChargePeriodEnd": "2999-01-01T00:00:00Z"}, "ChargePeriodStart: is not within the billing period"),
        ({"Tags": '{"a": ["b"]}'}, "Tags: a value is no single one"),
        ({"RegionName": ""}, "RegionId: is without RegionName"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_the_rules_find_what_breaks_them(
    store: psycopg.Connection, month: Window, tmp_path: Path, change: dict[str, Any], breach: str
) -> None:
    rows = export_focus(store, month, tmp_path)
    assert breach in find_breaches([rows[0] | change, *rows[1:]])
