"""What a run made that was not finished goes again, by name, whatever the run failed for; nothing older does."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from aias_core import ids
from aias_core.environments.linode.cleanup import CleanedUp
from aias_core.environments.linode.ownership import Owned
from aias_core.environments.linode.plan import ONLOOKER
from aias_core.environments.linode.up import UpOptions
from aias_core.errors import Conflict, LimitReached, NotFound, Partial, PrerequisiteMissing, Refused
from support.campaign import Account
from support.graph import CLUSTER
from support.settled import NAME, Settled


@pytest.fixture
def account(account: Account) -> Account:
    """One whose first run was left when it asked for a database."""
    account.fail(("POST", "/databases/postgresql/instances", 1), "revoked")
    with pytest.raises(PrerequisiteMissing, match="token"):
        account.bring_up()
    account.control("DELETE", "faults")
    account.new_token()
    return account


def _clean_up(account: Account) -> CleanedUp:
    return account.environment().clean_up(UpOptions(), lambda _: None, lambda _: None)


def test_what_the_run_made_is_told_by_name_removed_and_counted(account: Account) -> None:
    told: list[Owned] = []
    result = account.environment().clean_up(UpOptions(), told.extend, lambda _: None)
    assert {one.name for one in told if one.is_precious} == {"aias-small", "aias-small-backups", "extra"}
    assert result.removed == tuple(told)
    assert result.as_record()["counts"] == {"delete": 8}
    assert [one["kind"] for one in account.ledger()["billed_now"]] == ["object_storage"]
    assert account.rows("/vpcs") == []
    with pytest.raises(NotFound, match="no run of 'aias env up' that was not finished"):
        _clean_up(account)


def test_without_consent_nothing_goes_and_the_run_can_be_gone_on_with(account: Account) -> None:
    def refuse(own: Sequence[Owned]) -> None:
        raise Refused("no")

    with pytest.raises(Refused, match="no"):
        account.environment().clean_up(UpOptions(), refuse, lambda _: None)
    assert len(account.rows("/lke/clusters")) == 1
    account.bring_up(UpOptions(resume=True))
    assert account.environment().survey().plan.is_empty


def test_what_stands_in_the_way_of_a_run_does_not_stand_in_that_of_its_removal(account: Account) -> None:
    account.profile = account.profile.model_copy(update={"limits": {"database": 0}})
    with pytest.raises(LimitReached, match="database: 0 used, 1 more needed, 0 allowed"):
        account.bring_up()
    assert _clean_up(account).removed != ()


def test_a_limit_that_is_met_when_a_run_goes_on_takes_nothing_of_before(account: Account) -> None:
    account.fail(("POST", "/databases/postgresql/instances", 1), "400")
    with pytest.raises(LimitReached, match=f"Removed again: nothing. Kept: .*{re.escape(CLUSTER)}"):
        account.bring_up()
    clusters = account.rows("/lke/clusters")
    account.control("DELETE", "faults")
    account.raise_limits()
    account.bring_up()
    assert [one["id"] for one in account.rows("/lke/clusters")] == [one["id"] for one in clusters]


def test_what_is_protected_stays_and_the_run_can_be_gone_on_with(account: Account) -> None:
    open_profile = account.profile
    account.profile = open_profile.model_copy(update={"protect": True})
    with pytest.raises(Refused, match=r"is protected, and this would remove .*'aias-small'"):
        _clean_up(account)
    assert len(account.rows("/lke/clusters")) == 1
    account.profile = open_profile
    assert _clean_up(account).removed != ()


@pytest.mark.parametrize("protect", [False, True])
def test_a_rollback_is_given_up_where_nothing_is_protected(account: Account, protect: bool) -> None:
    state = account.environment().state
    with state.held(0, lambda _: None) as lease:
        state.journals.begin(str(ids.new_id()), "up", lease, rollback="v1")
    account.profile = account.profile.model_copy(update={"protect": protect})
    with pytest.raises(Conflict, match="The rollback to 'v1' was not finished") as refused:
        account.bring_up()
    assert ("--cleanup" in str(refused.value.hint)) is not protect


def test_a_cluster_that_never_becomes_ready_is_removed_without_waiting_for_it(account: Account) -> None:
    _clean_up(account)
    account.control("POST", "faults", {"kind": "stuck", "method": "POST", "path": "/lke/clusters"})
    with pytest.raises(Partial, match="after 20 minutes"):
        account.bring_up()
    began = account.offset
    assert CLUSTER in {one.address for one in _clean_up(account).removed}
    assert (account.offset - began < 60, account.rows("/lke/clusters")) == (True, [])


def test_a_removal_that_was_ended_before_it_forgot_the_cluster_goes_on(account: Account) -> None:
    def end(text: str) -> None:
        if text.startswith(f"Removing '{CLUSTER}'"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        account.environment().clean_up(UpOptions(), lambda _: None, end)
    linode = account.environment().opened.account
    for row in linode.list_all("/lke/clusters"):
        linode.delete(f"/lke/clusters/{row['id']}")
    assert CLUSTER in {one.address for one in _clean_up(account).removed}
    assert linode.list_all("/vpcs") == []


def test_a_run_of_another_command_is_neither_gone_on_with_nor_removed(account: Account) -> None:
    state = account.environment().state
    with state.held(0, lambda _: None) as lease:
        state.journals.begin(str(ids.new_id()), "nodes drain", lease)
    with pytest.raises(NotFound):
        account.bring_up(UpOptions(resume=True))
    with pytest.raises(NotFound):
        _clean_up(account)
    assert len(account.rows("/lke/clusters")) == 1


def test_the_command_that_applies_a_saved_plan_is_told_with_its_environment(
    place: Settled, capsys: pytest.CaptureFixture[str]
) -> None:
    code, record, said = place.run(capsys, "env", "plan", NAME, "--save")
    assert (code, f"aias env up {NAME} --plan {record['id']}" in said) == (0, True), said


def test_the_command_asks_for_the_name_of_what_is_precious(place: Settled, capsys: pytest.CaptureFixture[str]) -> None:
    state = place.open().state
    with state.held(0, lambda _: None) as lease:
        state.journals.begin(str(ids.new_id()), "up", lease).intend(f"create {CLUSTER}")
    code, _, said = place.run(capsys, "env", "up", NAME, "--cleanup", "--yes", "--no-input")
    assert (code, "--confirm aias-small" in said) == (6, True), said
    assert len(place.rows("/lke/clusters")) == 1
    assert state.journals.find_unfinished(ONLOOKER) is not None
