"""An environment that takes signed plans only, and those who sign."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aias_core.environments.schema import LinodeProfile
from support.campaign import Account
from support.months import Person


def as_production_of(account: Account, directory: Path) -> list[Person]:
    """Makes it an environment that takes plans which these two signed."""
    people = [Person("ada", directory), Person("grace", directory)]
    account.profile = as_production(account.profile, {one.name: one.public for one in people})
    return people


def as_production(profile: LinodeProfile, approvers: Mapping[str, str]) -> LinodeProfile:
    consent = profile.approvals.model_copy(update={"approvers": dict(approvers)})
    return profile.model_copy(update={"name": "production", "approvals": consent})


def sign_plan(account: Account, plan_id: str, *people: Person) -> None:
    for one in people:
        account.environment().plan_shelf.approve(plan_id, one.name, one.key, choice="approve", comment="")
