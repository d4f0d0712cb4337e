from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aias_core import clock, ids
from aias_core.analytics.ingest.store import ingest_lines
from aias_core.analytics.rollup.run import run_rollup
from aias_core.approvals import ApprovalInvalid, ApprovalMissing, ApprovalPolicy
from aias_core.contracts import usage
from aias_core.errors import Conflict, DifferenceFound, InvalidInput, NotFound
from aias_core.finance.export.request import ExportRequest, Format, Scope
from aias_core.finance.export.verify import verify_file
from aias_core.finance.months.adjust import AdjustmentRequest, build_adjustment, encode_adjustment
from aias_core.finance.months.close import (
    Change,
    Outcome,
    PreconditionUnmet,
    close_month,
    diff_month,
    list_versions,
    restate_month,
)
from aias_core.finance.months.consent import (
    Consent,
    MonthApproval,
    read_approval,
    read_proposal,
)
from aias_core.finance.months.preconditions import Reconciled
from aias_core.windows import Grain, Window
from support.events import ORG, OTHER_ORG, make_event
from support.exports import Edit, export, read

ACTOR = Consent("grace@here")
ACME = Scope(ORG, "acme")


@pytest.fixture
def closable(store: psycopg.Connection, month: Window, monkeypatch: pytest.MonkeyPatch) -> Change:
    """A month that can be closed, 72 hours after its end."""
    set_watermark(store, month.end)
    stop_clock(monkeypatch, month.end + timedelta(hours=72))
    return Change(month, ACTOR, lambda *_: Reconciled(0, 0))


def set_watermark(store: psycopg.Connection, at: datetime) -> None:
    for stage in ("ingest", "rollup_hour", "rollup_day"):
        store.execute(
            "INSERT INTO aias.watermarks (stage, settled_through, complete_through) VALUES (%s, %s, %s) "
            "ON CONFLICT (stage) DO UPDATE SET complete_through = excluded.complete_through",
            [stage, at, at],
        )


def stop_clock(monkeypatch: pytest.MonkeyPatch, at: datetime) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)


def add_late_event(store: psycopg.Connection, month: Window, **changes: Any) -> None:
    event = make_event(at=month.end - timedelta(hours=5), **changes)
    ingest_lines(store, [usage.encode(event)], "late")
    run_rollup(store)


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
    store: psycopg.Connection, month: Window, closable: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aias_core.finance.months.close.list_versions", lambda *_: [])
    close_month(store, closable)
    with pytest.raises(Conflict, match="Somebody else"):
        close_month(store, closable)


class Person:
    """Somebody with a key in the profile."""

    def __init__(self, name: str, directory: Path) -> None:
        private = Ed25519PrivateKey.generate()
        self.name, self.key = name, directory / name
        no_password = serialization.NoEncryption()
        self.key.write_bytes(
            private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, no_password)
        )
        public = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        self.public = public.decode()


@pytest.fixture
def ada(tmp_path: Path) -> Person:
    return Person("ada", tmp_path)


@pytest.fixture
def guarded(closable: Change, ada: Person) -> Change:
    """The same month where a second person is needed."""
    return replace(closable, consent=replace(ACTOR, policy=ApprovalPolicy("production", True, {"ada": ada.public})))


def approve_change(outcome: Outcome, by: Person, **changes: Any) -> Any:
    proposal = replace(outcome.proposal, **changes.pop("proposal", {}))
    return MonthApproval.sign(
        changes.pop("name", by.name), by.key, proposal=proposal, **{"choice": "approve", "comment": "", **changes}
    )


def with_approval(change: Change, approval: Any) -> Change:
    return replace(change, consent=replace(change.consent, approval=approval))


def test_a_month_is_closed_with_the_consent_of_a_second_person(
    store: psycopg.Connection, month: Window, guarded: Change, ada: Person, tmp_path: Path
) -> None:
    with pytest.raises(ApprovalMissing, match="second person"):
        close_month(store, guarded)
    proposed = close_month(store, replace(guarded, dry_run=True))
    (tmp_path / "proposal.json").write_text(json.dumps(proposed.proposal.as_record()))
    approval = MonthApproval.sign(
        "ada", ada.key, choice="approve", comment="seen", proposal=read_proposal(tmp_path / "proposal.json")
    )
    (tmp_path / "approval.json").write_text(json.dumps(approval.as_record()))
    close_month(store, with_approval(guarded, read_approval(tmp_path / "approval.json")))
    assert list_versions(store, month)[0]["approval_id"] == approval.approval_id


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"choice": "reject"}, "says no"),
        ({"proposal": {"environment": "staging"}}, "is for the environment 'staging'"),
        ({"proposal": {"sha256": "0" * 64}}, "is for something else"),
        ({"proposal": {"action": "restate"}}, "is for something else"),
        ({"name": "mallory"}, "is not signed by the key of a known approver"),
        ({"name": "grace"}, "comes from who acts"),
    ],
    ids=lambda value: str(value),
)
def test_an_approval_that_does_not_count_is_refused(
    store: psycopg.Connection, guarded: Change, ada: Person, changes: dict[str, Any], reason: str
) -> None:
    proposed = close_month(store, replace(guarded, dry_run=True))
    with pytest.raises(ApprovalInvalid, match=reason):
        close_month(store, with_approval(guarded, approve_change(proposed, ada, **changes)))
    assert list_versions(store) == []


def test_an_approval_of_other_figures_is_refused(
    store: psycopg.Connection, month: Window, guarded: Change, ada: Person
) -> None:
    proposed = close_month(store, replace(guarded, dry_run=True))
    add_late_event(store, month)
    with pytest.raises(ApprovalInvalid, match="is for something else"):
        close_month(store, with_approval(guarded, approve_change(proposed, ada)))


def test_an_approval_expires(
    store: psycopg.Connection, month: Window, guarded: Change, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposed = close_month(store, replace(guarded, dry_run=True))
    approval = approve_change(proposed, ada)
    stop_clock(monkeypatch, clock.now() + timedelta(hours=24))
    with pytest.raises(ApprovalInvalid, match="has expired"):
        close_month(store, with_approval(guarded, approval))


def test_an_approval_counts_once(store: psycopg.Connection, guarded: Change, ada: Person) -> None:
    proposed = close_month(store, replace(guarded, dry_run=True))
    approval = approve_change(proposed, ada)
    close_month(store, with_approval(guarded, approval))
    used = {row[0] for row in store.execute("SELECT approval_id FROM aias.month_closes")}
    with pytest.raises(ApprovalInvalid, match="used before"):
        with_approval(guarded, approval).consent.check(proposed.proposal, used)


def test_an_altered_approval_is_refused(store: psycopg.Connection, guarded: Change, ada: Person) -> None:
    proposed = close_month(store, replace(guarded, dry_run=True))
    forged = replace(approve_change(proposed, ada), comment="more")
    with pytest.raises(ApprovalInvalid, match="not signed"):
        close_month(store, with_approval(guarded, forged))


def test_an_adjustment_is_an_event_of_the_open_month(store: psycopg.Connection) -> None:
    request = AdjustmentRequest(ACME, "-12.50", "USD", "credit for an outage", ids.new_id())
    line = encode_adjustment(build_adjustment(request, ACTOR, ()))
    assert ingest_lines(store, [line], "adjust", adjustments=True).accepted == 1
    row = store.execute("SELECT cost_pico, reason, ref_event_id FROM aias.usage_facts WHERE kind = 'adjustment'")
    assert row.fetchall() == [(-12_500_000_000_000, "credit for an outage", request.event)]


@pytest.mark.parametrize("amount", ["", "ten", "0", "1/0", "0.0000000000001", "99999999"])
def test_an_amount_that_is_none_is_refused(amount: str) -> None:
    with pytest.raises(InvalidInput, match=r"amount|between"):
        build_adjustment(AdjustmentRequest(ACME, amount, "USD", "why"), ACTOR, ())


@pytest.mark.parametrize(("reason", "currency"), [("", "USD"), ("x" * 201, "USD"), ("why", "usd")])
def test_an_adjustment_that_breaks_the_contract_is_refused(reason: str, currency: str) -> None:
    with pytest.raises(InvalidInput):
        encode_adjustment(build_adjustment(AdjustmentRequest(ACME, "1", currency, reason), ACTOR, ()))


def test_an_adjustment_needs_its_own_consent(ada: Person) -> None:
    request = AdjustmentRequest(ACME, "-12.50", "USD", "credit")
    guarded = replace(ACTOR, policy=ApprovalPolicy("production", True, {"ada": ada.public}))
    with pytest.raises(ApprovalMissing):
        build_adjustment(request, guarded, ())
    approval = MonthApproval.sign("ada", ada.key, choice="approve", comment="", proposal=request.proposal("production"))
    agreed = replace(guarded, approval=approval)
    assert build_adjustment(request, agreed, ()).labels["approval_id"] == approval.approval_id
    with pytest.raises(ApprovalInvalid, match="something else"):
        build_adjustment(replace(request, amount="-125"), agreed, ())
