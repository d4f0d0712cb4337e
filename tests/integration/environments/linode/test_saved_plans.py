"""Saved plans and the consent to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aias_core.approvals import ApprovalInvalid, ApprovalMissing
from aias_core.environments.linode.rollback import RollbackOptions
from aias_core.environments.linode.up import UpOptions
from aias_core.environments.schema import LinodeProfile
from aias_core.errors import Conflict, NotFound, Refused
from support.campaign import Account
from support.months import Person


def _save(account: Account) -> str:
    environment = account.environment()
    return environment.save_plan(environment.survey())


def _apply(account: Account, plan_id: str | None, change: str | None = None) -> Any:
    options = UpOptions(plan_id=plan_id, change=change)
    return account.environment().up(options, lambda _: None, lambda _: None)


def test_a_saved_plan_is_applied_once(account: Account) -> None:
    plan_id = _save(account)
    assert _apply(account, plan_id).changed
    account.profile = account.profile.model_copy(update={"tags": ["team:blue"]})
    with pytest.raises(Conflict, match="was applied before"):
        _apply(account, plan_id)


def test_a_plan_of_another_profile_is_refused_and_nothing_is_made(account: Account) -> None:
    plan_id = _save(account)
    account.profile = account.profile.model_copy(update={"tags": ["team:blue"]})
    with pytest.raises(Conflict, match="is not what would be done now"):
        _apply(account, plan_id)
    assert account.environment().opened.account.list_all("/vpcs") == []


def test_a_plan_that_nobody_saved_is_not_found(account: Account) -> None:
    with pytest.raises(NotFound, match="no saved plan"):
        _apply(account, "019ab1c2-0000-7000-8000-000000000000")


def test_production_takes_a_plan_that_two_others_signed(account: Account, tmp_path: Path) -> None:
    ada, grace = Person("ada", tmp_path), Person("grace", tmp_path)
    account.profile = _as_production(account.profile, {"ada": ada.public, "grace": grace.public})
    with pytest.raises(Refused, match="saved plans only"):
        _apply(account, None)
    plan_id = _save(account)
    with pytest.raises(Refused, match="part of a change"):
        _apply(account, plan_id)
    shelf = account.environment().plan_shelf
    shelf.approve(plan_id, "ada", ada.key, choice="approve", comment="")
    with pytest.raises(ApprovalMissing, match="needs 2 approvals, 1 given"):
        _apply(account, plan_id, "CHG-1")
    shelf.approve(plan_id, "grace", grace.key, choice="approve", comment="")
    assert _apply(account, plan_id, "CHG-1").changed


def test_production_goes_back_by_a_saved_plan_too(account: Account, tmp_path: Path) -> None:
    ada = Person("ada", tmp_path)
    account.profile = _as_production(account.profile, {"ada": ada.public})
    with pytest.raises(Refused, match="saved plans only"):
        account.environment().rollback(RollbackOptions("any", "CHG-1"), lambda _: None, lambda _: None)


def test_a_signature_of_somebody_else_does_not_count(account: Account, tmp_path: Path) -> None:
    ada, mallory = Person("ada", tmp_path), Person("mallory", tmp_path)
    account.profile = _as_production(account.profile, {"ada": ada.public})
    plan_id = _save(account)
    account.environment().plan_shelf.approve(plan_id, "ada", mallory.key, choice="approve", comment="")
    with pytest.raises(ApprovalInvalid, match="not signed by the key"):
        _apply(account, plan_id, "CHG-1")


def _as_production(profile: LinodeProfile, approvers: dict[str, str]) -> LinodeProfile:
    consent = profile.approvals.model_copy(update={"approvers": approvers})
    return profile.model_copy(update={"name": "production", "approvals": consent})
