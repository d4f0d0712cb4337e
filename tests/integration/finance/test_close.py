from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aias_core import ids
from aias_core.analytics.ingest.store import ingest_lines
from aias_core.analytics.rollup.run import run_rollup
from aias_core.contracts import usage
from aias_core.errors import Conflict, DifferenceFound
from aias_core.finance.export.request import ExportRequest
from aias_core.finance.months.close import (
    Change,
    PreconditionUnmet,
    close_month,
    list_versions,
)
from aias_core.finance.months.preconditions import Reconciled
from aias_core.windows import Window
from support.events import ORG, make_event
from support.exports import Edit, export, read
from support.months import set_watermark, stop_clock


def test_a_closed_month_is_not_closed_again(store: psycopg.Connection, closable: Change) -> None:
    close_month(store, closable)
    with pytest.raises(Conflict, match="is closed, version 1"):
        close_month(store, closable)


def test_a_dry_run_shows_everything_and_changes_nothing(store: psycopg.Connection, closable: Change) -> None:
    shown = close_month(store, replace(closable, dry_run=True))
    assert list_versions(store) == []
    done = close_month(store, closable)
    assert (shown.content_sha256, shown.totals) == (done.content_sha256, done.totals)
    assert [item.precondition for item in shown.preconditions] == [
        *("month-over", "complete", "sources-sealed", "rolled-up", "reconciled", "costs-proven", "dead-letters")
    ]


@pytest.mark.parametrize("days", [(1,), (2, 1)], ids=["renamed", "renamed-and-back"])
def test_a_month_in_which_names_changed_is_closed_with_them(
    store: psycopg.Connection, month: Window, closable: Change, edit: Edit, tmp_path: Path, days: tuple[int, ...]
) -> None:
    for number, before_end in enumerate(days):
        renamed = ("acme", "Renamed")[(number + 1) % 2]
        store.execute("UPDATE aias.dim_organizations SET display_name = %s WHERE slug = 'acme'", [renamed])
        store.execute("UPDATE aias.dim_models SET name = %s", [f"model-{number}"])
        edit(
            "UPDATE aias.dim_versions SET valid_to = %s WHERE valid_to > %s",
            [month.end - timedelta(days=before_end), month.end],
        )
    opened = read(export(store, ExportRequest(month), tmp_path / "open")["file"])
    close_month(store, closable)
    closed = read(export(store, ExportRequest(month), tmp_path / "closed")["file"])
    assert [row["org_name"] for row in closed if row["org_slug"] == "acme"] == [
        *["acme"] * (3 - days[0]),
        *["Renamed"] * (days[0] - len(days) + 1),
        *["acme"] * (len(days) - 1),
    ]
    names = ("org_name", "model_name")
    assert [[row[name] for name in names] for row in closed] == [[row[name] for name in names] for row in opened]


def unseal(store: psycopg.Connection, month: Window) -> None:
    store.execute(
        "INSERT INTO aias.source_totals (source, org_id, hour, requests, input_tokens, output_tokens, cost_pico) "
        "VALUES ('router-1', %s, %s, 1, 1, 1, 1)",
        [ORG, month.start],
    )


def hold_back(store: psycopg.Connection, month: Window) -> None:
    store.execute(
        "INSERT INTO aias.sources (source, heartbeat_at, oldest_in_flight_at) VALUES ('router-1', %s, %s)",
        [month.end, month.end - timedelta(seconds=1)],
    )


def soil(store: psycopg.Connection, month: Window) -> None:
    store.execute(
        "INSERT INTO aias.dirty_hours (bucket_start, org_id, cause) VALUES (%s, %s, %s)",
        [month.start, ORG, ids.new_id()],
    )


def doubt(store: psycopg.Connection, month: Window) -> None:
    event = make_event(at=month.end - timedelta(hours=1), cost_pico=1)
    ingest_lines(store, [usage.encode(event)], "test")
    run_rollup(store)


def leave_a_letter(store: psycopg.Connection, month: Window) -> None:
    event = make_event(at=month.end - timedelta(hours=1), input_tokens=-1, cost_pico=0)
    ingest_lines(store, [usage.encode(event)], "test")


def rewind(store: psycopg.Connection, month: Window) -> None:
    set_watermark(store, month.end - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("obstacle", "name"),
    [
        (rewind, "complete"),
        (unseal, "sources-sealed"),
        (hold_back, "sources-sealed"),
        (soil, "rolled-up"),
        (doubt, "costs-proven"),
        (leave_a_letter, "dead-letters"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_each_unmet_precondition_refuses_by_its_name(
    store: psycopg.Connection, month: Window, closable: Change, obstacle: Any, name: str
) -> None:
    obstacle(store, month)
    shown = close_month(store, replace(closable, dry_run=True))
    assert name in [item.precondition for item in shown.unmet]
    with pytest.raises(PreconditionUnmet, match=f"^{name}"):
        close_month(store, closable)
    assert list_versions(store) == []


def test_an_open_month_is_not_closed(
    store: psycopg.Connection, month: Window, closable: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_clock(monkeypatch, month.end + timedelta(hours=72, microseconds=-1))
    with pytest.raises(PreconditionUnmet, match=r"^month-over"):
        close_month(store, closable)


@pytest.mark.parametrize("found", [Reconciled(1, 0), Reconciled(0, 1)], ids=["different", "open"])
def test_a_month_that_does_not_reconcile_is_not_closed(
    store: psycopg.Connection, closable: Change, found: Reconciled
) -> None:
    with pytest.raises(DifferenceFound, match=r"^reconciled"):
        close_month(store, replace(closable, reconcile=lambda *_: found))


def test_a_retired_source_does_not_hold_the_month(store: psycopg.Connection, month: Window, closable: Change) -> None:
    unseal(store, month)
    hold_back(store, month)
    store.execute("UPDATE aias.sources SET state = 'retired', retired_by = 'ops', retire_reason = 'gone'")
    assert close_month(store, closable).is_done


def test_dead_letters_may_be_waived_with_a_reason_that_is_kept(
    store: psycopg.Connection, month: Window, closable: Change
) -> None:
    leave_a_letter(store, month)
    close_month(store, replace(closable, waive_dead_letters="known to be noise"))
    (version,) = list_versions(store, month)
    assert [(w["precondition"], w["waived"]) for w in version["waivers"]] == [("dead-letters", "known to be noise")]
