from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from aias_core.database.connection import connect
from aias_core.errors import Conflict, DifferenceFound, InvalidInput, NotFound
from aias_core.finance.export.request import ExportRequest, Format, Scope
from aias_core.finance.export.verify import verify_file
from aias_core.finance.months.close import (
    Change,
    close_month,
    diff_month,
    list_versions,
    restate_month,
)
from aias_core.finance.months.preconditions import Reconciled
from aias_core.windows import Grain, Window
from support.events import ORG, OTHER_ORG
from support.exports import Edit, export, read
from support.months import add_late_event

if TYPE_CHECKING:
    from support.servers import PostgresServer


def test_a_closed_month_gives_the_same_bytes_after_late_events(
    store: psycopg.Connection, month: Window, closable: Change, tmp_path: Path
) -> None:
    outcome = close_month(store, closable)
    assert outcome.is_done
    before = [export(store, ExportRequest(month, format=form), tmp_path / "1" / form) for form in Format]
    add_late_event(store, month)
    after = [export(store, ExportRequest(month, format=form), tmp_path / "2" / form) for form in Format]
    assert [file["sha256"] for file in after] == [file["sha256"] for file in before]
    rows = read(before[0]["file"])
    assert {(row["month_status"], row["statement_version"]) for row in rows} == {("closed", "1")}
    assert before[0]["content_sha256"] == outcome.content_sha256
    assert Path(before[0]["file"]).name.endswith("_day_v1.csv")
    assert all(check["equal"] for check in verify_file(Path(before[0]["file"]), store))


def test_closing_changes_no_figure_of_the_month(
    store: psycopg.Connection, month: Window, closable: Change, tmp_path: Path
) -> None:
    left_out = {"month_status", "statement_version"}
    opened = read(export(store, ExportRequest(month), tmp_path / "open")["file"])
    close_month(store, closable)
    closed = read(export(store, ExportRequest(month), tmp_path / "closed")["file"])
    shown = [[{k: v for k, v in row.items() if k not in left_out} for row in rows] for rows in (opened, closed)]
    assert shown[0] == shown[1]
    cents = store.execute("SELECT amount_cents FROM aias.statement_lines ORDER BY line_no").fetchall()
    assert [f"{cent / 100:.2f}" for (cent,) in cents] == [row["amount"] for row in closed]


def test_a_month_of_a_closed_one_reads_the_statement_too(
    store: psycopg.Connection, month: Window, closable: Change, tmp_path: Path
) -> None:
    close_month(store, closable)
    add_late_event(store, month)
    result = export(store, ExportRequest(month, granularity=Grain.MONTH), tmp_path / "month")
    assert sum(total["requests"] for total in result["totals"]) == 61
    hours = export(store, ExportRequest(month, granularity=Grain.HOUR), tmp_path / "hour")
    assert sum(total["requests"] for total in hours["totals"]) == 62
    assert json.loads(Path(hours["manifest"]).read_text())["adds_up_to_statement"] is False


def test_names_in_a_statement_stay_when_the_organization_is_renamed(
    store: psycopg.Connection, month: Window, closable: Change, edit: Edit, tmp_path: Path
) -> None:
    close_month(store, closable)
    before = export(store, ExportRequest(month), tmp_path / "1")
    edit("UPDATE aias.dim_organizations SET slug = 'other', display_name = 'Other' WHERE org_id = %s", [ORG])
    edit("DELETE FROM aias.dim_versions WHERE subject_id = %s", [ORG])
    assert export(store, ExportRequest(month), tmp_path / "2")["sha256"] == before["sha256"]


def test_organizations_without_usage_and_of_kind_test_are_in_the_statement_as_in_the_file(
    store: psycopg.Connection, month: Window, closable: Change, tmp_path: Path
) -> None:
    idle = "01890000-0000-7000-8000-000000000000"
    store.execute("INSERT INTO aias.dim_organizations VALUES (%s, 'idle', 'Idle', 'customer')", [idle])
    store.execute("UPDATE aias.dim_organizations SET kind = 'test' WHERE slug = 'globex'")
    opened = read(export(store, ExportRequest(month), tmp_path / "open")["file"])
    close_month(store, closable)
    closed = read(export(store, ExportRequest(month), tmp_path / "closed")["file"])
    assert [row["org_slug"] for row in closed] == [row["org_slug"] for row in opened] == ["idle", *["acme"] * 3]
    test_org = export(store, ExportRequest(month, Scope(OTHER_ORG, "globex")), tmp_path / "test")
    assert test_org["row_count"] == 1


def test_a_restatement_adds_a_version_with_its_difference_and_keeps_the_old_one(
    store: psycopg.Connection, month: Window, closable: Change, tmp_path: Path
) -> None:
    first = close_month(store, closable)
    old = export(store, ExportRequest(month), tmp_path / "1")
    add_late_event(store, month, org_id=OTHER_ORG, output_tokens=100)
    outcome = restate_month(store, replace(closable, reason="late events of a cut-off router"))
    (change,) = outcome.diff
    assert (change["before"]["requests"], change["after"]["requests"]) == (1, 2)
    assert outcome.content_sha256 != first.content_sha256
    new = export(store, ExportRequest(month), tmp_path / "2")
    assert {row["month_status"] for row in read(new["file"])} == {"restated"}
    assert sum(total["requests"] for total in new["totals"]) == 62
    again = export(store, ExportRequest(month, statement=1), tmp_path / "3")
    assert again["sha256"] == old["sha256"]
    assert diff_month(store, month, 1, 2) == outcome.diff
    assert diff_month(store, month, 2) == []


def test_there_is_nothing_to_restate_when_nothing_has_changed(store: psycopg.Connection, closable: Change) -> None:
    close_month(store, closable)
    with pytest.raises(Conflict, match="Nothing has changed"):
        restate_month(store, replace(closable, reason="just so"))


def test_a_restatement_needs_a_closed_month_and_a_reason(store: psycopg.Connection, closable: Change) -> None:
    with pytest.raises(NotFound, match="is not closed"):
        restate_month(store, replace(closable, reason="why"))
    close_month(store, closable)
    with pytest.raises(InvalidInput, match="reason"):
        restate_month(store, closable)


def test_frozen_lines_that_read_back_otherwise_close_nothing(
    store: psycopg.Connection, closable: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aias_core.finance.months import statement

    monkeypatch.setattr(statement, "plain_csv_lines", lambda _: b"")
    with pytest.raises(DifferenceFound):
        close_month(store, closable)
    assert list_versions(store) == []


def test_of_two_people_who_close_at_once_one_closes(
    store: psycopg.Connection, postgres_server: PostgresServer, month: Window, closable: Change
) -> None:
    dsn = postgres_server.dsn(store.info.dbname, "aias_analytics")

    def close_meanwhile(*_: Any) -> Reconciled:
        with connect(dsn, autocommit=True) as other:
            assert close_month(other, closable).is_done
        return Reconciled(0, 0)

    with pytest.raises(Conflict, match="Somebody else"):
        close_month(store, replace(closable, reconcile=close_meanwhile))
    assert len(list_versions(store, month)) == 1
