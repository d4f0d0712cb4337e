"""What is seen of an environment by somebody who may only look, or of which a part does not answer."""

from __future__ import annotations

import pytest

from aias_core.environments.linode.preflight import ONLY_READ, WRITTEN
from aias_core.environments.linode.up import UpOptions
from aias_core.errors import DependencyUnreachable, PrerequisiteMissing
from support.campaign import Account

KUBERNETES = {"kind": "dropped", "path": "/kubernetes/**"}


@pytest.fixture
def account(account: Account) -> Account:
    """One whose environment is up."""
    account.bring_up()
    return account


def test_a_control_plane_that_does_not_answer_is_said_and_stops_no_plan(account: Account) -> None:
    account.control("POST", "faults", {**KUBERNETES, "times": 1000})
    plan = account.environment().survey().plan
    assert plan.changes == ()
    assert [one.verdict for one in plan.checks if one.name == "inside the cluster"] == ["unknown"]
    assert isinstance(plan.find_difference(), DependencyUnreachable)


def test_a_run_mends_what_could_not_be_seen(account: Account) -> None:
    account.control("POST", "faults", {**KUBERNETES, "times": 1000})

    def answer_again(_: object) -> None:
        account.control("DELETE", "faults")

    result = account.environment().up(UpOptions(during_maintenance=True), answer_again, lambda _: None)
    assert result.changed
    assert account.environment().survey().plan.is_empty


def test_a_run_past_a_silent_control_plane_is_a_decision(account: Account) -> None:
    account.control("POST", "faults", {**KUBERNETES, "times": 1000})
    with pytest.raises(DependencyUnreachable, match="under maintenance is not known"):
        account.bring_up()


def test_a_state_that_cannot_be_read_is_a_warning_of_the_status(account: Account) -> None:
    (account.directory / "simulation.json").unlink()
    health = account.environment().status()
    assert health.find_fault() is None
    assert [text.partition(":")[0] for text in health.warnings] == ["Whether a run was not finished is not known"]


def test_a_token_that_may_only_look_is_enough_to_plan_and_not_to_apply(account: Account) -> None:
    account.tokens += 1
    scopes = " ".join(f"{scope}:read_only" for scope in (*WRITTEN, *ONLY_READ))
    account.control("POST", "tokens", {"token": f"campaign-{account.tokens}", "scopes": scopes})
    assert account.environment().survey().plan.is_empty
    with pytest.raises(PrerequisiteMissing, match="lacks the scopes: linodes:read_write"):
        account.bring_up()
