"""Saved plans and the consent to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aias_core import ids
from aias_core.approvals import ApprovalInvalid, ApprovalMissing
from aias_core.environments.linode.kept_profiles import digest_profile
from aias_core.environments.linode.plan import ONLOOKER
from aias_core.environments.linode.rollback import RollbackOptions
from aias_core.environments.linode.up import UpOptions
from aias_core.errors import Conflict, NotFound, PrerequisiteMissing, Refused
from support.campaign import Account
from support.consent import as_production, as_production_of, sign_plan
from support.months import Person


def _save(account: Account) -> str:
    environment = account.environment()
    return environment.save_plan(environment.survey().plan)


def _apply(account: Account, plan_id: str | None, change: str | None = None) -> Any:
    options = UpOptions(plan_id=plan_id, change=change)
    return account.environment().up(options, lambda _: None, lambda _: None)


def test_a_saved_plan_is_applied_once(account: Account) -> None:
    plan_id = _save(account)
    assert _apply(account, plan_id).changed
    account.profile = account.profile.model_copy(update={"tags": ["team:blue"]})
    with pytest.raises(Conflict, match="was applied before"):
        _apply(account, plan_id)


def test_a_plan_whose_run_was_ended_before_it_began_is_not_used_up(account: Account) -> None:
    plan_id = _save(account)
    account.environment().plan_shelf.mark_applied(plan_id, str(ids.new_id()), "")
    assert _apply(account, plan_id).changed


def test_a_plan_of_another_profile_is_refused_and_nothing_is_made(account: Account) -> None:
    plan_id = _save(account)
    account.profile = account.profile.model_copy(update={"tags": ["team:blue"]})
    with pytest.raises(Conflict, match="is not what would be done now"):
        _apply(account, plan_id)
    assert account.rows("/vpcs") == []


def test_a_plan_that_nobody_saved_is_not_found(account: Account) -> None:
    with pytest.raises(NotFound, match="no saved plan"):
        _apply(account, "019ab1c2-0000-7000-8000-000000000000")


def test_production_takes_a_plan_that_two_others_signed(account: Account, tmp_path: Path) -> None:
    people = as_production_of(account, tmp_path)
    with pytest.raises(Refused, match="saved plans only"):
        _apply(account, None)
    plan_id = _save(account)
    with pytest.raises(Refused, match="part of a change"):
        _apply(account, plan_id)
    sign_plan(account, plan_id, people[0])
    with pytest.raises(ApprovalMissing, match="needs 2 approvals, 1 given") as missing:
        _apply(account, plan_id, "CHG-1")
    assert f"aias env approve {plan_id} --env production" in str(missing.value.hint)
    sign_plan(account, plan_id, people[1])
    assert _apply(account, plan_id, "CHG-1").changed


def test_what_two_signed_is_gone_on_with_and_nothing_else_is(account: Account, tmp_path: Path) -> None:
    people = as_production_of(account, tmp_path)
    plan_id = _save(account)
    for person in people:
        sign_plan(account, plan_id, person)
    account.fail(("POST", "/lke/clusters", 1), "revoked")
    with pytest.raises(PrerequisiteMissing, match="token"):
        _apply(account, plan_id, "CHG-1")
    account.control("DELETE", "faults")
    account.new_token()
    agreed = account.profile
    account.profile = agreed.model_copy(update={"tags": ["team:blue"]})
    with pytest.raises(Refused, match="saved plans only"):
        _apply(account, None)
    with pytest.raises(Conflict, match="was applied before"):
        _apply(account, plan_id, "CHG-1")
    account.profile = agreed
    assert _apply(account, plan_id, "CHG-1").resumed


def test_an_unfinished_run_of_another_command_is_no_consent(account: Account, tmp_path: Path) -> None:
    as_production_of(account, tmp_path)
    environment = account.environment()
    environment.ensure_state_bucket()
    with environment.state.held(0, lambda _: None) as lease:
        environment.state.journals.begin(str(ids.new_id()), "nodes drain", lease)
    with pytest.raises(Refused, match="saved plans only") as refused:
        _apply(account, None)
    assert "aias env up production --plan ID" in str(refused.value.hint)


def test_a_run_that_is_ended_meanwhile_is_no_consent(account: Account, tmp_path: Path) -> None:
    as_production_of(account, tmp_path)
    environment = account.environment()
    environment.ensure_state_bucket()
    details = {"profile": digest_profile(account.profile)}
    with environment.state.held(0, lambda _: None) as lease:
        environment.state.journals.begin(str(ids.new_id()), "up", lease, **details)

    def end_it(_: Any) -> None:
        with environment.state.held(0, lambda _: None) as lease:
            run = environment.state.journals.find_unfinished(lease)
            assert run is not None
            run.end("failed")

    with pytest.raises(Refused, match="saved plans only"):
        environment.up(UpOptions(), end_it, lambda _: None)
    assert environment.opened.account.list_all("/vpcs") == []


def test_a_plan_that_somebody_was_quicker_with_leaves_no_open_run(account: Account) -> None:
    plan_id, environment = _save(account), account.environment()

    def be_quicker(_: Any) -> None:
        run_id, state = str(ids.new_id()), environment.state
        environment.plan_shelf.mark_applied(plan_id, run_id, "")
        with state.held(0, lambda _: None) as lease:
            state.journals.begin(run_id, "up", lease, plan=plan_id).end("succeeded")

    with pytest.raises(Conflict, match="was applied before") as refused:
        environment.up(UpOptions(plan_id=plan_id), be_quicker, lambda _: None)
    assert "aias env plan small --save" in str(refused.value.hint)
    assert environment.state.journals.find_unfinished(ONLOOKER) is None


def test_another_saved_plan_begins_a_run_of_its_own(account: Account) -> None:
    account.fail(("POST", "/lke/clusters", 1), "revoked")
    with pytest.raises(PrerequisiteMissing):
        _apply(account, None)
    account.control("DELETE", "faults")
    account.new_token()
    plan_id = _save(account)
    assert not _apply(account, plan_id).resumed
    with pytest.raises(Conflict, match="was applied before"):
        account.environment().plan_shelf.mark_applied(plan_id, "again", "")


def test_production_goes_back_by_a_saved_plan_too(account: Account, tmp_path: Path) -> None:
    ada = Person("ada", tmp_path)
    account.profile = as_production(account.profile, {"ada": ada.public})
    with pytest.raises(Refused, match="saved plans only"):
        account.environment().rollback(RollbackOptions("any", "CHG-1"), lambda _: None, lambda _: None)


def test_a_signature_for_another_plan_does_not_count(account: Account, tmp_path: Path) -> None:
    ada, _ = as_production_of(account, tmp_path)
    first, second = _save(account), _save(account)
    sign_plan(account, first, ada)
    store = account.environment().state.store
    (key,) = store.list(f"production/plans/{first}/approval-")
    store.put(key.replace(first, second), store.get(key) or b"")
    with pytest.raises(ApprovalInvalid, match="is for another plan"):
        _apply(account, second, "CHG-1")


def test_a_signature_of_somebody_else_does_not_count(account: Account, tmp_path: Path) -> None:
    ada, mallory = Person("ada", tmp_path), Person("mallory", tmp_path)
    account.profile = as_production(account.profile, {"ada": ada.public})
    plan_id = _save(account)
    account.environment().plan_shelf.approve(plan_id, "ada", mallory.key, choice="approve", comment="")
    with pytest.raises(ApprovalInvalid, match="not signed by the key"):
        _apply(account, plan_id, "CHG-1")
