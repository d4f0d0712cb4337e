"""What is seen of an environment by somebody who may only look, or of which a part does not answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from aias_core.environments.linode.preflight import ONLY_READ, WRITTEN
from aias_core.environments.linode.up import UpOptions
from aias_core.errors import DependencyUnreachable, PrerequisiteMissing
from support.campaign import Account, make_account
from support.linode import simulator

KUBERNETES = {"kind": "dropped", "path": "/kubernetes/**"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    directory = tmp_path_factory.mktemp("looking")
    with simulator(directory) as running:
        yield make_account(running.url, directory)


@pytest.fixture
def account(shared: Account) -> Iterator[Account]:
    shared.profile = shared.original
    shared.numbers += 1
    shared.begin(shared.numbers)
    shared.environment().up(UpOptions(), lambda _: None, lambda _: None)
    yield shared
    shared.control("DELETE", "faults")


def test_a_control_plane_that_does_not_answer_is_said_and_stops_no_plan(account: Account) -> None:
    account.control("POST", "faults", {**KUBERNETES, "times": 1000})
    plan = account.environment().survey().plan
    assert plan.changes == ()
    assert [one.verdict for one in plan.checks if one.name == "inside the cluster"] == ["unknown"]
    assert isinstance(plan.find_difference(), DependencyUnreachable)


def test_a_run_mends_what_could_not_be_seen(account: Account) -> None:
    account.control("POST", "faults", KUBERNETES)
    result = account.environment().up(UpOptions(), lambda _: None, lambda _: None)
    assert result.changed
    assert account.environment().survey().plan.is_empty


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
        account.environment().up(UpOptions(), lambda _: None, lambda _: None)
