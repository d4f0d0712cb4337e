"""What the tables refuse, each by the name of its rule; every case is one statement on a valid beginning."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from aias_core import clock, ids
from support.rows import put

ACME, GLOBEX, ANA, BO, MODEL, PRICE, BUDGET, REQUEST = (ids.new_id() for _ in range(8))
SHA = b"s" * 32
LATER = clock.now() + timedelta(days=1)
KEY = {"name": "laptop", "prefix": "sk-aias-l-abcdef", "last4": "wxyz", "hash_kid": "k1", "scopes": ["inference.call"]}
PRICES = {"operation": "chat", "input_pico": 1, "cached_input_pico": 1, "output_pico": 1}


@pytest.fixture
def rows(owner: Connection) -> Connection:
    """Two organizations, Acme with its owner Ana, Bo, an enabled model with its price, a budget, a pending request."""
    for org_id, slug in ((ACME, "acme"), (GLOBEX, "globex")):
        put(owner, "organizations", org_id=org_id, slug=slug, display_name=slug)
    for user_id in (ANA, BO):
        put(owner, "users", user_id=user_id, status="active")
    put(owner, "memberships", org_id=ACME, user_id=ANA, role="owner")
    with owner.transaction():
        put_model(owner, model_id=MODEL)
        owner.execute(
            "INSERT INTO aias.model_prices (price_id, model_id, operation, input_pico, cached_input_pico, output_pico, "
            "effective_from) VALUES (%s, %s, 'chat', 1, 1, 1, now())",
            [PRICE, MODEL],
        )
    put_budget(owner, budget_id=BUDGET)
    put_request(owner, approval_id=REQUEST)
    return owner


def put_key(connection: Connection, **changes: Any) -> None:
    row = {**KEY, "api_key_id": ids.new_id(), "org_id": ACME, "secret_hash": uuid.uuid4().bytes * 2, **changes}
    put(connection, "api_keys", **row)


def put_model(connection: Connection, **changes: Any) -> None:
    row = {"model_id": ids.new_id(), "name": "m", "display_name": "m", "operations": ["chat"], "context_tokens": 10}
    put(connection, "models", **{**row, **changes})


def put_price(connection: Connection, **changes: Any) -> None:
    row = {"price_id": ids.new_id(), "model_id": MODEL, "effective_from": LATER, **PRICES, **changes}
    put(connection, "model_prices", **row)


def put_budget(connection: Connection, **changes: Any) -> None:
    row = {"budget_id": ids.new_id(), "org_id": ACME, "scope": "organization", "measure": "tokens", "period": "month"}
    put(connection, "budgets", **{**row, "limit_units": 100, "status": "active", **changes})


def put_window(connection: Connection, **changes: Any) -> None:
    row = {"budget_id": BUDGET, "window_start": clock.now(), "window_end": LATER, "org_id": ACME, "limit_units": 100}
    put(connection, "quota_windows", **{**row, **changes})


def put_request(connection: Connection, **changes: Any) -> None:
    row = {"approval_id": ids.new_id(), "kind": "migration", "environment": "production", "subject_sha256": SHA}
    known = {"summary": "{}", "risk": "safe", "risk_note": "none known", "requested_by": "ana", "authors": ["cy"]}
    put(connection, "approval_requests", **{**row, **known, "expires_at": LATER, **changes})


def vote(connection: Connection, approver: str, request: uuid.UUID = REQUEST) -> None:
    put(connection, "approval_decisions", approval_id=request, approver_id=approver, decision="approve")


def invite(connection: Connection, token: bytes) -> None:
    row = {"invite_id": ids.new_id(), "org_id": ACME, "email_hash": SHA, "hash_kid": "k1", "email_ciphertext": b"c"}
    known = {"email_enc_kid": "e1", "role": "viewer", "token_hash": token, "invited_by": ANA}
    put(connection, "invites", **row, **known, expires_at=clock.now() + timedelta(hours=72))


def set_acme(connection: Connection, change: str) -> None:
    connection.execute(f"UPDATE aias.organizations SET {change} WHERE org_id = '{ACME}'".encode())


def suspended_then_key(connection: Connection) -> None:
    set_acme(connection, "status = 'suspended', status_reason = 'unpaid'")
    put_key(connection)


def deleted_then(make: Callable[[Connection], None]) -> Callable[[Connection], None]:
    def act(connection: Connection) -> None:
        set_acme(connection, "status = 'pending_delete', deleted_at = now()")
        make(connection)

    return act


def twice(make: Callable[[Connection], None]) -> Callable[[Connection], None]:
    def act(connection: Connection) -> None:
        make(connection)
        make(connection)

    return act


def expired_request_vote(connection: Connection) -> None:
    request = ids.new_id()
    long_ago = clock.now() - timedelta(days=2)
    put_request(connection, approval_id=request, created_at=long_ago, expires_at=long_ago + timedelta(days=1))
    vote(connection, "bo", request)


def decided_request_vote(connection: Connection) -> None:
    connection.execute("UPDATE aias.approval_requests SET status = 'rejected'")
    vote(connection, "bo")


def grant_to_self(connection: Connection) -> None:
    put(connection, "platform_grants", user_id=ANA, role="system_admin", granted_by=ANA)
    put(connection, "platform_grants", user_id=BO, role="system_admin", granted_by=BO)


def shares_over_limit(connection: Connection) -> None:
    limit = ids.new_id()
    put(
        connection, "rate_limits", limit_id=limit, org_id=ACME, scope="organization", measure="requests", limit_units=10
    )
    for holder in ("one", "two"):
        put(connection, "rate_shares", limit_id=limit, holder=holder, org_id=ACME, share=6, expires_at=LATER)


def put_organization(connection: Connection, slug: str) -> None:
    put(connection, "organizations", org_id=ids.new_id(), slug=slug, display_name="x")


def put_member(connection: Connection) -> None:
    put(connection, "memberships", org_id=ACME, user_id=BO, role="viewer")


def run(statement: str) -> Callable[[Connection], None]:
    return lambda connection: exec_(connection, statement)


def put_project(connection: Connection) -> None:
    put(connection, "projects", project_id=ids.new_id(), org_id=ACME, slug="search", display_name="Search")


def backward_revision(connection: Connection) -> None:
    known = {
        "commit_id": "c1",
        "commit_time": clock.now(),
        "document_sha256": SHA,
        "document": "{}",
        "status": "synced",
    }
    put(connection, "declarative_revisions", revision_id=ids.new_id(), org_id=ACME, **known)
    connection.execute("UPDATE aias.declarative_revisions SET status = 'pending'")


REFUSED: dict[str, tuple[str, Callable[[Connection], None]]] = {
    "slug taken": ("organizations_slug_key", lambda c: put_organization(c, "acme")),
    "slug form": ("organizations_slug_check", lambda c: put_organization(c, "A b")),
    "slug changed": ("organizations_slug_fixed_tg", lambda c: set_acme(c, "slug = 'other'")),
    "currency changed": ("organizations_currency_fixed_tg", lambda c: set_acme(c, "currency = 'EUR'")),
    "suspended without reason": ("organizations_status_reason_check", lambda c: set_acme(c, "status = 'suspended'")),
    "last owner removed": ("memberships_last_owner_tg", run("UPDATE aias.memberships SET status = 'removed'")),
    "last owner demoted": ("memberships_last_owner_tg", run("UPDATE aias.memberships SET role = 'admin'")),
    "last owner deleted": ("memberships_last_owner_tg", run("DELETE FROM aias.memberships")),
    "member of a deleted organization": ("memberships_organization_tg", deleted_then(put_member)),
    "project of a deleted organization": ("projects_organization_tg", deleted_then(put_project)),
    "key of a suspended organization": ("api_keys_organization_tg", suspended_then_key),
    "key with two holders": (
        "api_keys_holder_check",
        lambda c: put_key(c, user_id=ANA, service_account_id=ids.new_id()),
    ),
    "key name taken": ("api_keys_org_id_name_idx", twice(put_key)),
    "key digest taken": (
        "api_keys_hash_kid_secret_hash_key",
        lambda c: [put_key(c, name=n, secret_hash=SHA) for n in "ab"],
    ),
    "second pending invite": ("invites_pending_idx", lambda c: [invite(c, t * 32) for t in (b"a", b"b")]),
    "erased with a name": ("users_erased_check", run("UPDATE aias.users SET status = 'erased', display_name = 'Ana'")),
    "platform role for oneself": ("platform_grants_granted_by_check", grant_to_self),
    "vote of the requester": ("approval_decisions_requester_check", lambda c: vote(c, "ana")),
    "vote of an author": ("approval_decisions_author_check", lambda c: vote(c, "cy")),
    "second vote": ("approval_decisions_pkey", twice(lambda c: vote(c, "bo"))),
    "vote on a decided request": ("approval_decisions_pending_check", decided_request_vote),
    "vote on an expired request": ("approval_decisions_expired_check", expired_request_vote),
    "changed request": (
        "approval_requests_content_fixed_tg",
        run("UPDATE aias.approval_requests SET subject_sha256 = sha256('x')"),
    ),
    "global model name taken": ("models_org_id_name_key", lambda c: put_model(c)),
    "tenant model name taken": (
        "models_org_id_name_key",
        twice(lambda c: put_model(c, org_id=ACME, status="disabled")),
    ),
    "enabled without price": ("models_price_check", lambda c: put_model(c, name="other")),
    "price in the past": (
        "model_prices_effective_from_check",
        lambda c: put_price(c, effective_from=clock.now() - timedelta(0, 60)),
    ),
    "price at the same start": ("model_prices_effective_from_key", twice(put_price)),
    "negative price": ("model_prices_output_pico_check", lambda c: put_price(c, output_pico=-1)),
    "negotiated price without list row": ("model_prices_list_price_id_check", lambda c: put_price(c, org_id=ACME)),
    "second active budget": ("budgets_active_idx", lambda c: put_budget(c)),
    "warn lines out of order": (
        "budgets_warn_percent_check",
        lambda c: put_budget(c, status="draft", warn_percent=[80, 50]),
    ),
    "window leased beyond its limit": ("quota_windows_limit_check", lambda c: put_window(c, leased_units=101)),
    "shares beyond the limit": ("rate_shares_limit_check", shares_over_limit),
    "revision taken back": ("declarative_revisions_forward_check", backward_revision),
}


def exec_(connection: Connection, statement: str) -> None:
    connection.execute(statement.encode())


@pytest.mark.parametrize("case", REFUSED)
def test_bad_data_is_refused_by_the_name_of_the_rule(rows: Connection, case: str) -> None:
    name, act = REFUSED[case]
    with pytest.raises(psycopg.errors.IntegrityError) as caught, rows.transaction():
        act(rows)
    assert caught.value.diag.constraint_name == name


def test_an_owner_may_leave_when_another_stays(rows: Connection) -> None:
    put(rows, "memberships", org_id=ACME, user_id=BO, role="owner")
    exec_(rows, f"UPDATE aias.memberships SET status = 'removed' WHERE user_id = '{ANA}'")
    with pytest.raises(psycopg.errors.CheckViolation):
        exec_(rows, f"UPDATE aias.memberships SET status = 'removed' WHERE user_id = '{BO}'")


def test_a_removed_member_can_be_invited_again(rows: Connection) -> None:
    put(rows, "memberships", org_id=ACME, user_id=BO, role="viewer")
    invite(rows, b"a" * 32)
    exec_(rows, "UPDATE aias.invites SET status = 'accepted', accepted_at = now()")
    exec_(rows, f"UPDATE aias.memberships SET status = 'removed' WHERE user_id = '{BO}'")
    invite(rows, b"b" * 32)
    exec_(rows, f"UPDATE aias.memberships SET status = 'active', role = 'developer' WHERE user_id = '{BO}'")


def test_a_key_is_rotated_under_its_name(rows: Connection) -> None:
    put_key(rows)
    exec_(rows, "UPDATE aias.api_keys SET status = 'rotating'")
    put_key(rows)


def test_two_tenants_and_two_revisions_serve_one_model_name_in_one_environment(rows: Connection) -> None:
    served: list[tuple[uuid.UUID, int]] = [(MODEL, 1), (MODEL, 2)]
    for org_id in (ACME, GLOBEX):
        model_id = ids.new_id()
        put_model(rows, model_id=model_id, org_id=org_id, status="disabled")
        served.append((model_id, 1))
    for number, (model_id, revision) in enumerate(served):
        revision_id = ids.new_id()
        put(rows, "model_revisions", revision_id=revision_id, model_id=model_id, revision=revision, served_name="m")
        place = {"environment": "production", "region": "nl-ams", "endpoint": f"http://b{number}", "status": "ready"}
        put(rows, "model_deployments", deployment_id=ids.new_id(), name="gpu", revision_id=revision_id, **place)
    row = rows.execute("SELECT count(*) FROM aias.model_deployments WHERE status = 'ready'").fetchone()
    assert row == (4,)


def test_every_instant_after_the_first_price_has_exactly_one_in_force(rows: Connection) -> None:
    for days in (1, 2, 5):
        put_price(rows, effective_from=clock.now() + timedelta(days=days))
    in_force = """SELECT count(*) FROM (SELECT effective_from AS starts, lead(effective_from) OVER w AS ends
        FROM aias.model_prices WHERE model_id = %s AND org_id IS NULL AND operation = 'chat' AND currency = 'USD'
        WINDOW w AS (ORDER BY effective_from)) p WHERE starts <= %s AND (ends IS NULL OR ends > %s)"""
    for hours in range(0, 200, 7):
        at = clock.now() + timedelta(hours=hours)
        assert rows.execute(in_force, [MODEL, at, at]).fetchone() == (1,)


def test_a_change_counts_the_row_version_up(rows: Connection) -> None:
    set_acme(rows, "display_name = 'Acme Inc.'")
    row = rows.execute(
        "SELECT row_version, updated_at > created_at FROM aias.organizations WHERE slug = 'acme'"
    ).fetchone()
    assert row == (2, True)


def test_settling_passes_the_line_and_an_exception_widens_it(rows: Connection) -> None:
    put_window(rows, leased_units=100)
    exec_(rows, "UPDATE aias.quota_windows SET leased_units = 0, settled_units = 120")
    with pytest.raises(psycopg.errors.CheckViolation):
        exec_(rows, "UPDATE aias.quota_windows SET leased_units = leased_units + 1")
    known = {
        "reason": "launch",
        "starts_at": clock.now() - timedelta(hours=1),
        "expires_at": LATER,
        "requested_by": "ana",
    }
    row = {"override_id": ids.new_id(), "org_id": ACME, "budget_id": BUDGET, "extra_units": 30, "approval_id": REQUEST}
    put(rows, "budget_overrides", **row, **known, status="approved")
    exec_(rows, "UPDATE aias.quota_windows SET leased_units = leased_units + 10")
    with pytest.raises(psycopg.errors.CheckViolation):
        exec_(rows, "UPDATE aias.quota_windows SET leased_units = leased_units + 1")
