"""Up on a small environment in a simulated account: what is refused, what is given back, what is resumed."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
from dataclasses import replace
from typing import Any

import pytest

from aias_core.environments.linode.down import DownOptions
from aias_core.environments.linode.journal import Journal
from aias_core.environments.linode.plan import EnvironmentPlan
from aias_core.environments.linode.terraform import OnProgress, ignore
from aias_core.environments.linode.terraform_plan import TerraformPlan
from aias_core.environments.linode.up import UpOptions
from aias_core.environments.schema import ControlPlaneAcl, LinodeProfile
from aias_core.errors import Conflict, InvalidInput, LimitReached, LockHeld, Partial, Refused
from support.campaign import Account
from support.graph import BUCKET, CLUSTER, DATABASE, EDGE, NODES, VPC
from support.provisioning import InProcessProvisioner
from support.state import open_journal


def _change(account: Account, **parts: Any) -> LinodeProfile:
    account.profile = account.profile.model_copy(update=parts)
    return account.profile


def test_a_second_up_writes_nothing_anywhere(account: Account) -> None:
    account.bring_up()
    account.control("DELETE", "calls")
    stored = sorted(account.environment().state.store.list("small/"))
    result = account.bring_up()
    assert (result.changed, account.writes()) == (False, [])
    assert sorted(account.environment().state.store.list("small/")) == stored


def test_a_key_that_was_made_twice_is_there_once(account: Account) -> None:
    account.fail(("POST", "/object-storage/keys", 1), "500 after")
    account.bring_up()
    keys = account.rows("/object-storage/keys")
    assert [one["label"] for one in keys] == ["aias-small-backups"]
    assert account.environment().survey().plan.is_empty


def test_a_database_that_is_still_being_made_is_waited_for_and_taken_over(account: Account) -> None:
    account.bring_up()
    environment, profile = account.environment(), account.profile
    path = "/databases/postgresql/instances"
    environment.opened.account.delete(f"{path}/{environment.opened.account.list_all(path)[0]['id']}")
    account.control("POST", "faults", {"kind": "stuck", "method": "POST", "path": path, "seconds": 300})
    size = {"type": profile.database.type, "cluster_size": profile.database.nodes}
    where = {"label": "aias-small", "region": profile.region, "engine": f"postgresql/{profile.database.version}"}
    made = environment.opened.account.create("database", {**where, **size})
    assert account.environment().survey().plan.cost.as_record()["delta_monthly"] == "0.00"
    account.bring_up()
    rows = environment.opened.account.list_all(path)
    assert [(row["id"], row["status"]) for row in rows] == [(made["id"], "active")]


@pytest.mark.parametrize(("address", "label"), [(NODES, "aias-small-nodes"), (EDGE, "aias-small-edge")])
def test_a_firewall_that_was_deleted_by_hand_is_made_again(account: Account, address: str, label: str) -> None:
    account.bring_up()
    linode = account.environment().opened.account
    before = {row["label"]: row["id"] for row in linode.list_all("/networking/firewalls")}
    linode.delete(f"/networking/firewalls/{before[label]}")
    assert [one.address for one in account.environment().survey().plan.changes] == [address]
    account.bring_up()
    after = {row["label"]: row["id"] for row in linode.list_all("/networking/firewalls")}
    assert (after.keys(), after[label] != before[label]) == (before.keys(), True)
    assert account.environment().survey().plan.is_empty


def test_what_another_run_did_since_the_survey_is_planned_anew_and_not_done_twice(account: Account) -> None:
    said: list[str] = []
    account.environment().up(UpOptions(), lambda _: account.bring_up(), said.append)
    assert not [text for text in said if "stale" in text]
    assert len(account.ledger()["billed_now"]) == 4


class Forgetful(InProcessProvisioner):
    """Says that it did what it did not."""

    def apply(self, plan: TerraformPlan, on_progress: OnProgress = ignore) -> None:
        """As one whose changes Linode takes and does not keep."""


def test_what_never_becomes_as_planned_is_given_up_and_named(account: Account) -> None:
    environment = replace(account.environment(), make=Forgetful)
    with pytest.raises(Partial, match=re.escape(f"there still is to create '{VPC}'")):
        environment.up(UpOptions(), lambda _: None, lambda _: None)


def test_a_refused_limit_gives_back_what_this_run_made_and_keeps_what_was_there(account: Account) -> None:
    account.fail(("POST", "/databases/postgresql/instances", 1), "400")
    with pytest.raises(LimitReached, match="Account Limit reached") as refused:
        account.bring_up()
    assert CLUSTER in refused.value.message
    assert [one["kind"] for one in account.ledger()["billed_now"]] == ["object_storage"]
    account.control("DELETE", "faults")
    account.raise_limits()
    account.bring_up()
    kept = {one["kind"] for one in account.ledger()["billed_now"]}
    assert kept == {"database", "linode", "object_storage"}


def test_two_at_once_the_second_one_hears_who_is_at_work(account: Account) -> None:
    environment = account.environment()
    environment.ensure_state_bucket()
    with environment.state.held(0, lambda _: None, "ada"), pytest.raises(LockHeld, match="of 'ada' on"):
        account.bring_up()
    assert account.rows("/vpcs") == []


def test_an_access_list_without_the_caller_is_refused(account: Account) -> None:
    acl = ControlPlaneAcl(enabled=True, ipv4=["192.0.2.0/24"])
    _change(account, cluster=account.profile.cluster.model_copy(update={"acl": acl}))
    with pytest.raises(Refused, match="lock this machine out"):
        account.bring_up()
    assert account.writes() == []


def test_a_state_that_is_missing_while_resources_are_there_stops_everything(account: Account) -> None:
    account.bring_up()
    store = account.environment().state.store
    for key in store.list("small/"):
        store.delete(key)
    account.control("DELETE", "calls")
    with pytest.raises(Conflict, match="has no state, and these are in the account") as refused:
        account.bring_up()
    assert "aias env import small" in str(refused.value.hint)
    assert account.writes() == []


def test_a_name_that_somebody_else_took_is_refused(account: Account) -> None:
    environment = account.environment()
    environment.opened.account.create("firewall", {"label": "aias-small-edge", "rules": _RULES, "tags": ["theirs"]})
    account.control("DELETE", "calls")
    with pytest.raises(Conflict, match="aias-small-edge"):
        account.bring_up()
    assert account.writes() == []


@pytest.mark.parametrize(
    ("parts", "code"),
    [({"region": "nowhere"}, 2), ({"region": "gb-lon", "gpu": True}, 2), ({"version": "1.19"}, 2)],
    ids=["unknown-region", "region-without-gpus", "retired-version"],
)
def test_what_the_region_does_not_offer_is_refused_before_anything_is_touched(
    account: Account, parts: dict[str, Any], code: int
) -> None:
    cluster = account.profile.cluster
    changes: dict[str, Any] = {"region": parts.get("region", "fr-par")}
    if "version" in parts:
        changes["cluster"] = cluster.model_copy(update={"version": parts["version"]})
    if "gpu" in parts:
        pool = next(iter(cluster.pools.values())).model_copy(update={"type": "g2-gpu-rtx4000a1-s", "gpu": True})
        changes["cluster"] = cluster.model_copy(update={"pools": {**cluster.pools, "gpu": pool}})
        changes["gpu"] = account.profile.gpu.model_copy(update={"enabled": True})
    _change(account, **changes)
    with pytest.raises(InvalidInput) as refused:
        account.bring_up()
    assert (int(refused.value.exit_code), account.writes()) == (code, [])


def test_a_danger_nobody_agreed_to_is_not_done(account: Account) -> None:
    account.bring_up()
    _change(account, protect=True)
    with pytest.raises(Refused, match="is protected"):
        account.environment().down(DownOptions(), lambda _: None)
    assert len(account.rows("/lke/clusters")) == 1


def test_a_late_cluster_is_waited_for_and_not_replaced(account: Account) -> None:
    account.control(
        "POST",
        "faults",
        {"kind": "503", "method": "GET", "path": "/lke/clusters/*/kubeconfig", "times": 11, "retry_after": "0"},
    )
    said: list[str] = []
    account.environment().up(UpOptions(), lambda _: None, said.append)
    assert any("is good after all" in text for text in said)
    assert [row["id"] for row in account.rows("/lke/clusters")] == [500_001]


def test_a_bucket_that_terraform_saw_half_made_keeps_its_data(account: Account) -> None:
    account.bring_up()
    account.control("POST", "contents", {"region": "fr-par", "bucket": "aias-small-backups", "objects": 3, "size": 10})
    environment = account.environment()
    state = environment.state
    with state.held(0, lambda _: None) as lease, environment.workshop(state, lease) as workshop:
        assert isinstance(workshop.terraform, InProcessProvisioner)
        workshop.terraform.taint(BUCKET)
    plan = environment.survey().plan
    assert ([one.address for one in plan.repaired], plan.changes) == ([BUCKET], ())
    account.bring_up()
    assert environment.survey().plan.is_empty
    assert environment.opened.account.get("/object-storage/buckets/fr-par/aias-small-backups")["objects"] == 3


def test_a_run_that_was_killed_at_any_line_of_its_journal_is_gone_on_with_from_elsewhere(account: Account) -> None:
    lines = _count_lines(account)
    assert lines > 20
    for line in range(1, lines):
        account.numbers += 1
        account.begin(account.numbers)
        _kill_at(account, line)
        _move_away(account)
        result = account.bring_up()
        assert result.resumed
        ledger = account.ledger()
        assert (line, ledger["billed_twice"], len(ledger["billed_now"])) == (line, [], 4)
    assert account.environment().survey().plan.is_empty


def _count_lines(account: Account) -> int:
    account.bring_up()
    environment = account.environment()
    (run,) = environment.state.journals.list_runs()
    with environment.state.held(0, lambda _: None) as lease:
        return len(open_journal(environment.state.journals, run, lease).entries)


def _kill_at(account: Account, line: int) -> None:
    """Ends a process of its own with signal 9 once so many lines are in its journal."""
    child = multiprocessing.get_context("fork").Process(target=_die_at, args=(account, line))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL


def _die_at(account: Account, line: int) -> None:
    account.is_near, append = False, Journal.append

    def append_and_die(journal: Journal, *args: Any, **rest: Any) -> int:
        seq = append(journal, *args, **rest)
        if seq == line:
            os.kill(os.getpid(), signal.SIGKILL)
        return seq

    Journal.append = append_and_die  # type: ignore[method-assign]
    account.bring_up()
    os._exit(0)


def _move_away(account: Account) -> None:
    """Another directory with the same store, as on another machine."""
    elsewhere = account.directory.with_name(f"{account.directory.name}-elsewhere")
    elsewhere.mkdir()
    for part in ("store", "secrets"):
        if (account.directory / part).exists():
            (account.directory / part).rename(elsewhere / part)
    (elsewhere / "simulation.json").write_text("{}")
    account.directory = elsewhere


def test_consent_sees_the_plan_with_its_price_and_may_refuse(account: Account) -> None:
    seen: list[EnvironmentPlan] = []

    def refuse(plan: EnvironmentPlan) -> None:
        seen.append(plan)
        raise Refused("no")

    with pytest.raises(Refused, match="no"):
        account.environment().up(UpOptions(), refuse, lambda _: None)
    assert seen[0].count() == {"create": 9, "update": 0, "replace": 0, "delete": 0}
    assert seen[0].cost.as_record()["before_monthly"] == "0.00"
    assert account.writes() == []


def test_a_replacement_is_a_danger_with_the_name_to_type(account: Account) -> None:
    account.bring_up()
    environment = account.environment()
    state = environment.read_state()
    with environment.workshop(state, None) as workshop:
        found = workshop.plan(destroy=True)
    from aias_core.environments.linode.dangers import find_dangers

    dangers = {one.address: (one.name, one.destroys) for one in find_dangers(found.changes)}
    assert dangers[DATABASE] == ("aias-small", True)
    assert NODES not in dangers


_RULES = {"inbound_policy": "DROP", "outbound_policy": "ACCEPT", "inbound": [], "outbound": []}
