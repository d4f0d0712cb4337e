"""Who must agree before a plan runs, and what agreement does not count."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aias_core import clock, signatures
from aias_core.approvals import ApprovalInvalid, ApprovalMissing, ApprovalPolicy, write_record
from aias_core.errors import InvalidInput, PrerequisiteMissing
from aias_core.migrate.apply import MigrationFailed
from aias_core.migrate.approval import Approval, approve_plans, read_approval
from aias_core.migrate.consent import read_consents
from aias_core.migrate.plan import Reach
from aias_core.migrate.repair import build_repair, repair
from aias_core.migrate.report import describe_plans, write_plans
from aias_core.migrate.runner import ReasonMissing, RunOptions, migrate, rollback
from aias_core.migrate.target import Target
from support.migrations import fetch, statuses_of, tables_of, write_migration

PEOPLE = ("ada", "grace", "linus")


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, Path]:
    """An OpenSSH key file for each person; the public line stands beside it."""
    paths = {}
    for name in PEOPLE:
        private = Ed25519PrivateKey.generate()
        paths[name] = tmp_path / name
        paths[name].write_bytes(
            private.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
            )
        )
        public = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        paths[name].with_suffix(".pub").write_bytes(public)
    return paths


@pytest.fixture
def policy(keys: dict[str, Path]) -> ApprovalPolicy:
    """Consent is required; two of the three people may give it."""
    lines = {name: keys[name].with_suffix(".pub").read_text() for name in ("ada", "grace")}
    return ApprovalPolicy("production", required=True, approvers=lines)


@pytest.fixture
def plan(target: Target, tmp_path: Path) -> Path:
    write_plans(describe_plans("production", [target]), tmp_path / "plan.json")
    return tmp_path / "plan.json"


def sign(plan: Path, keys: dict[str, Path], name: str) -> Approval:
    return approve_plans("production", plan, name, keys[name], decision="approve", comment="")


def options(
    policy: ApprovalPolicy, *approvals: Approval, plan: Path | None = None, actor: str = "me@host"
) -> RunOptions:
    common = read_consents(["x"], policy, plan)["x"]
    return RunOptions(replace(common, actor=actor, approvals=approvals), reason="a test")


def test_without_consent_nothing_runs(target: Target, policy: ApprovalPolicy) -> None:
    with pytest.raises(ApprovalMissing, match="needs 1 approval, 0 given"):
        migrate(target, options(policy))
    assert tables_of(target.dsn) == set()
    assert fetch(target.dsn, "SELECT status FROM aias_migrations.runs") == [("failed",)]


def test_with_consent_it_runs_once(
    target: Target, policy: ApprovalPolicy, keys: dict[str, Path], plan: Path, tmp_path: Path
) -> None:
    write_record(sign(plan, keys, "ada").as_record(), tmp_path / "signed")
    approval = read_approval(tmp_path / "signed")
    assert migrate(target, options(policy, approval, plan=plan)).versions
    rollback(target, Reach(steps=2), RunOptions(reason="again"))
    with pytest.raises(ApprovalInvalid, match="was used before"):
        migrate(target, options(policy, approval, plan=plan))


CHANGES: dict[str, tuple[Callable[[Approval], Approval], str]] = {
    "another plan": (lambda a: replace(a, plans={"x": "0" * 64}), "is for another plan"),
    "another environment": (lambda a: replace(a, environment="staging"), "is for the environment 'staging'"),
    "expired": (
        lambda a: replace(a, expires_at=clock.format_instant(clock.now() - timedelta(seconds=1))),
        "has expired",
    ),
    "a rejection": (lambda a: replace(a, decision="reject"), "says no"),
}
FORGERIES: dict[str, Callable[[Approval], Approval]] = {
    "altered": lambda a: replace(a, comment="fine"),
    "turned round": lambda a: replace(a, decision="reject"),
    "somebody else's name": lambda a: replace(a, approver="grace"),
    "an unknown name": lambda a: replace(a, approver="eve"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_consent_that_does_not_count(
    target: Target, policy: ApprovalPolicy, keys: dict[str, Path], plan: Path, case: str
) -> None:
    change, said = CHANGES[case]
    changed = change(sign(plan, keys, "ada"))
    agreed = replace(changed, signature=signatures.sign(changed.message(), keys["ada"]))
    with pytest.raises(ApprovalInvalid, match=said):
        migrate(target, options(policy, agreed))
    assert tables_of(target.dsn) == set()


@pytest.mark.parametrize("case", FORGERIES)
def test_consent_that_is_not_as_it_was_signed_does_not_count(
    target: Target, policy: ApprovalPolicy, keys: dict[str, Path], plan: Path, case: str
) -> None:
    with pytest.raises(ApprovalInvalid, match="is not signed by the key of a known approver"):
        migrate(target, options(policy, FORGERIES[case](sign(plan, keys, "ada"))))


def test_nobody_agrees_to_their_own_run_or_their_own_file(
    target: Target, policy: ApprovalPolicy, keys: dict[str, Path], tmp_path: Path
) -> None:
    assert target.directory is not None
    path = target.directory / "202610010001_two.up.sql"
    path.write_text("-- aias: author = grace\n" + path.read_text())
    write_plans(describe_plans("production", [target]), tmp_path / "plan.json")
    with pytest.raises(ApprovalInvalid, match="comes from who acts"):
        migrate(target, options(policy, sign(tmp_path / "plan.json", keys, "ada"), actor="ada@host"))
    with pytest.raises(ApprovalInvalid, match="comes from an author of the plan"):
        migrate(target, options(policy, sign(tmp_path / "plan.json", keys, "grace")))


def test_what_is_destructive_needs_two_people(
    target: Target, policy: ApprovalPolicy, keys: dict[str, Path], tmp_path: Path
) -> None:
    migrate(target)
    assert target.directory is not None
    write_migration(target.directory, "202610010002", "three", "DROP TABLE one;", "SELECT 1;")
    written = tmp_path / "plan.json"
    write_plans(describe_plans("production", [target]), written)
    ada, grace = sign(written, keys, "ada"), sign(written, keys, "grace")
    for approvals, error in (((ada,), True), ((ada, ada), True), ((ada, grace), False)):
        allowed = options(policy, *approvals)
        allowed = replace(allowed, consent=replace(allowed.consent, overrides=frozenset({"destructive"})))
        if error:
            with pytest.raises(ApprovalMissing, match="needs 2 approvals, 1 given"):
                migrate(target, allowed)
        else:
            assert migrate(target, allowed).versions == ["202610010002"]


def test_consent_covers_what_a_run_that_stopped_has_left(
    target: Target, policy: ApprovalPolicy, keys: dict[str, Path], plan: Path
) -> None:
    approval = sign(plan, keys, "ada")
    migrate(target, to="202610010000")
    with pytest.raises(ApprovalMissing):
        migrate(target, options(policy))
    assert migrate(target, options(policy, approval, plan=plan)).versions == ["202610010001"]


def test_an_altered_plan_file_is_refused(plan: Path, policy: ApprovalPolicy) -> None:
    document = json.loads(plan.read_bytes())
    document["plans"][0]["steps"].pop()
    plan.write_text(json.dumps(document))
    with pytest.raises(InvalidInput, match="was altered"):
        read_consents(["x"], policy, plan)


def test_a_key_that_is_none_is_refused(plan: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("not a key")
    with pytest.raises(PrerequisiteMissing, match="cannot be read"):
        approve_plans("production", plan, "ada", tmp_path / "key", decision="approve", comment="")
    with pytest.raises(InvalidInput, match="is for the environment 'production'"):
        approve_plans("staging", plan, "ada", tmp_path / "key", decision="approve", comment="")


def test_a_repaired_version_runs_again(target: Target) -> None:
    assert target.directory is not None
    write_migration(target.directory, "202610010002", "three", "SELECT 1 / count(*) FROM one;", "SELECT 1;")
    with pytest.raises(MigrationFailed):
        migrate(target)
    with pytest.raises(ReasonMissing):
        repair(target, "202610010002", "pending", RunOptions())
    done = repair(target, "202610010002", "pending", RunOptions(reason="a row was missing"))
    assert (done.before, done.after) == ("failed", "reverted")
    with psycopg.connect(target.dsn.reveal()) as connection:
        connection.execute("SET ROLE aias_owner")
        connection.execute("INSERT INTO one VALUES (1)")
    assert migrate(target).versions == ["202610010002"]


def test_a_version_marked_as_applied_keeps_the_chain(target: Target) -> None:
    migrate(target, to="202610010000")
    repair(target, "202610010001", "applied", RunOptions(reason="made by hand"))
    assert statuses_of(target.dsn) == {"202610010000": "applied", "202610010001": "applied"}
    assert migrate(target).versions == []


def test_a_repair_needs_consent_too(
    target: Target, policy: ApprovalPolicy, keys: dict[str, Path], tmp_path: Path
) -> None:
    migrate(target)
    with pytest.raises(ApprovalMissing, match="needs 2"):
        repair(target, "202610010001", "pending", options(policy))
    written = tmp_path / "plan.json"
    content = build_repair(target, "202610010001", "pending")
    write_plans({"environment": "production", "plans": [content.as_record()]}, written)
    signed = options(policy, sign(written, keys, "ada"), sign(written, keys, "grace"))
    assert repair(target, "202610010001", "pending", signed).after == "reverted"
