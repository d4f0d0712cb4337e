"""What is left of a command that was refused or ended halfway: a profile, a rollback, plans on the disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from aias_core.environments.linode.maintenance import begin_maintenance
from aias_core.environments.linode.plan import EnvironmentPlan
from aias_core.environments.linode.rollback import RollbackOptions
from aias_core.environments.linode.scaling import scale_pool
from aias_core.environments.linode.target import LinodeEnvironment
from aias_core.environments.profiles import load_profile
from aias_core.environments.schema import LinodeProfile
from aias_core.errors import Conflict, LockHeld, PrerequisiteMissing, Refused
from support.campaign import NAME, Account

DATABASES = "/databases/postgresql/instances"


def _roll_back(account: Account, to: str) -> Any:
    return account.environment().rollback(RollbackOptions(to, "C-1"), lambda _: None, lambda _: None)


def test_a_rollback_that_was_interrupted_is_finished_by_itself_only(account: Account) -> None:
    account.bring_up()
    good = account.environment().state.versions.list_versions("backup")[-1].name
    database = account.profile.database.model_copy(update={"nodes": 2})
    account.profile = account.profile.model_copy(update={"database": database})
    account.bring_up()
    account.fail(("PUT", f"{DATABASES}/{_database(account)['id']}", 1), "revoked")
    with pytest.raises(PrerequisiteMissing):
        _roll_back(account, good)
    account.control("DELETE", "faults")
    account.new_token()
    with pytest.raises(Conflict, match=r"rollback to .* was not finished") as refused:
        account.bring_up()
    assert f"--to {good} --change C-1" in str(refused.value.hint)
    _roll_back(account, good)
    assert _database(account)["cluster_size"] == 1
    account.bring_up()
    assert _database(account)["cluster_size"] == 2


def _database(account: Account) -> dict[str, Any]:
    return account.rows(DATABASES)[0]


def test_plans_of_processes_that_are_gone_are_removed(account: Account) -> None:
    environment = account.environment()
    directory = account.directory / "terraform"
    directory.mkdir()
    ours, theirs = directory / f"{os.getpid()}-plan.tfplan", directory / "99999999-plan.tfplan"
    for file in (ours, theirs):
        file.write_text("a state")
    environment.ensure_state_bucket()
    with environment.workshop(environment.state, None):
        assert theirs.exists()
    with environment.state.held(0, lambda _: None) as lease, environment.workshop(environment.state, lease):
        assert [file.name for file in directory.glob("*.tfplan")] == [ours.name]


def test_a_profile_is_as_it_was_after_a_scale_that_began_nothing(account: Account) -> None:
    own = account.directory.parent / "profiles"
    text = (own / f"{NAME}.yaml").read_text()
    account.bring_up()
    state = account.environment().state
    with state.held(0, lambda _: None), pytest.raises(LockHeld):
        _scale(account, own)
    assert (own / f"{NAME}.yaml").read_text() == text

    def interrupt(_: EnvironmentPlan) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _scale(account, own, interrupt)
    assert (own / f"{NAME}.yaml").read_text() == text


def test_under_maintenance_a_scale_must_be_said_to_be_part_of_it(account: Account) -> None:
    own = account.directory.parent / "profiles"
    account.bring_up()
    begin_maintenance(account.environment(), "new disks", None)
    with pytest.raises(Refused, match="new disks"):
        _scale(account, own)
    _scale(account, own, during_maintenance=True)
    assert account.environment().profile.cluster.pools["extra"].count == 2


def _scale(account: Account, own: Path, consent: Any = lambda _: None, *, during_maintenance: bool = False) -> None:
    def open_environment() -> LinodeEnvironment:
        profile = load_profile(NAME, own)
        assert isinstance(profile, LinodeProfile)
        account.profile = profile
        return account.environment()

    given = (open_environment, own, "extra", 2, consent, lambda _: None)
    scale_pool(*given, during_maintenance=during_maintenance)
