"""The removal of an environment where plans bind: by a signed plan, for a ticket, and of nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aias_core import ids
from aias_core.approvals import ApprovalMissing
from aias_core.environments.linode.down import DownOptions, DownResult
from aias_core.environments.linode.inside import open_access
from aias_core.environments.linode.plan import ONLOOKER
from aias_core.environments.linode.removal_plan import RemovalPlan, plan_removal
from aias_core.environments.linode.up import UpOptions
from aias_core.errors import Conflict, PrerequisiteMissing, Refused
from support.campaign import Account
from support.consent import as_production_of, sign_plan
from support.graph import CLUSTER
from support.months import Person
from support.state import open_journal

CLUSTERS = "/lke/clusters"


def _down(account: Account, **options: Any) -> DownResult:
    return account.environment().down(DownOptions(**options), lambda _: None)


def _save(account: Account, *, volumes: bool = False) -> str:
    environment = account.environment()
    return environment.save_plan(plan_removal(environment, volumes=volumes))


@pytest.fixture
def people(account: Account, tmp_path: Path) -> list[Person]:
    """Those whose word counts in a production that is up."""
    found = as_production_of(account, tmp_path)
    environment = account.environment()
    plan_id = environment.save_plan(environment.survey().plan)
    sign_plan(account, plan_id, *found)
    account.bring_up(UpOptions(plan_id=plan_id, change="CHG-1"))
    return found


def test_production_goes_by_a_plan_that_two_others_signed_and_for_a_ticket(
    account: Account, people: list[Person]
) -> None:
    with pytest.raises(Refused, match="saved plans only") as refused:
        _down(account)
    assert "aias env plan production --destroy --save" in str(refused.value.hint)
    plan_id = _save(account)
    with pytest.raises(Refused, match="for a ticket only"):
        _down(account, plan_id=plan_id)
    sign_plan(account, plan_id, people[0])
    with pytest.raises(ApprovalMissing, match="needs 2 approvals, 1 given"):
        _down(account, plan_id=plan_id, ticket="T-1")
    assert len(account.rows(CLUSTERS)) == 1
    sign_plan(account, plan_id, people[1])
    assert _down(account, plan_id=plan_id, ticket="T-1").changed
    assert account.rows(CLUSTERS) == []
    journals = account.environment().state.journals
    details = open_journal(journals, journals.list_runs()[-1], ONLOOKER).details
    assert (details["ticket"], details["plan"]) == ("T-1", plan_id)
    assert _down(account).changed is False


def test_a_signed_plan_is_for_what_it_tells_only(account: Account, people: list[Person]) -> None:
    plan_id = _save(account)
    sign_plan(account, plan_id, *people)
    with pytest.raises(Conflict, match="is not what would be done now") as refused:
        _down(account, volumes=True, plan_id=plan_id, ticket="T-1")
    assert "aias env plan production --destroy --volumes --save" in str(refused.value.hint)
    account.profile = account.profile.model_copy(update={"tags": ["team:blue"]})
    with pytest.raises(Conflict, match="is for 'aias env down'"):
        account.bring_up(UpOptions(plan_id=plan_id, change="CHG-1"))
    with pytest.raises(Conflict, match="is not what would be done now"):
        _down(account, plan_id=plan_id, ticket="T-1")
    assert len(account.rows(CLUSTERS)) == 1


def test_what_an_unfinished_up_made_goes_by_a_signed_plan_only(account: Account, people: list[Person]) -> None:
    environment = account.environment()
    with environment.state.held(0, lambda _: None) as lease:
        environment.state.journals.begin(str(ids.new_id()), "up", lease).intend(f"create {CLUSTER}")
    with pytest.raises(Refused, match="removed by saved plans only") as refused:
        environment.clean_up(UpOptions(), lambda _: None, lambda _: None)
    assert "aias env plan production --destroy --save" in str(refused.value.hint)
    assert len(account.rows(CLUSTERS)) == 1


def test_a_plan_for_up_removes_nothing(account: Account, people: list[Person]) -> None:
    environment = account.environment()
    plan_id = environment.save_plan(environment.survey().plan)
    sign_plan(account, plan_id, *people)
    with pytest.raises(Conflict, match="is for 'aias env up'"):
        _down(account, plan_id=plan_id, ticket="T-1")


def test_what_was_signed_is_looked_at_again_under_the_lease(account: Account, people: list[Person]) -> None:
    plan_id = _save(account)
    sign_plan(account, plan_id, *people)

    def add(text: str) -> None:
        if text.endswith("lock…"):
            tags = ["aias", "env:production"]
            body = {"domain": "later.example.org", "type": "master", "soa_email": "a@example.org", "tags": tags}
            account.environment().opened.account.create("domain", body)

    options = DownOptions(plan_id=plan_id, ticket="T-1")
    with pytest.raises(Conflict, match="is not what would be done now"):
        account.environment().down(options, add)
    assert len(account.rows(CLUSTERS)) == 1
    assert account.environment().state.journals.find_unfinished(ONLOOKER) is None


def _interrupt(account: Account, people: list[Person]) -> None:
    """Leaves a removal that was agreed to half done."""
    plan_id = _save(account)
    sign_plan(account, plan_id, *people)
    account.fail(("DELETE", f"{CLUSTERS}/*", 1), "revoked")
    with pytest.raises(PrerequisiteMissing):
        _down(account, plan_id=plan_id, ticket="T-1")
    account.control("DELETE", "faults")
    account.new_token()


def test_what_two_signed_is_gone_on_with(account: Account, people: list[Person]) -> None:
    _interrupt(account, people)
    assert _down(account).changed
    assert account.rows(CLUSTERS) == []


def test_more_than_two_signed_takes_a_plan_of_its_own_and_goes_on_in_the_same_run(
    account: Account, people: list[Person]
) -> None:
    _interrupt(account, people)
    with pytest.raises(Refused, match="saved plans only"):
        _down(account, volumes=True)
    more = _save(account, volumes=True)
    sign_plan(account, more, *people)
    run_id = account.environment().state.journals.list_runs()[-1]
    assert _down(account, volumes=True, keep_state=True, plan_id=more, ticket="T-2").kept
    assert account.environment().state.journals.list_runs()[-1] == run_id
    assert account.rows(CLUSTERS) == account.rows("/databases/postgresql/instances") == []


def test_a_plan_that_the_run_was_ended_before_it_took_it_up_is_not_used_up(
    account: Account, people: list[Person]
) -> None:
    _interrupt(account, people)
    more = _save(account, volumes=True)
    sign_plan(account, more, *people)
    environment = account.environment()
    environment.plan_shelf.mark_applied(more, environment.state.journals.list_runs()[-1], "")
    assert _down(account, volumes=True, keep_state=True, plan_id=more, ticket="T-2").changed
    with pytest.raises(Conflict, match="was applied before"):
        environment.plan_shelf.mark_applied(more, str(ids.new_id()), "")


def test_a_plan_tells_what_goes_what_stays_and_what_it_costs(account: Account) -> None:
    account.bring_up()
    plan = plan_removal(account.environment(), volumes=False)
    assert {"cluster", "instance"} < {kind for kind, _ in plan.removes}
    assert [kind for kind, _ in plan.keeps] == ["database", "bucket"]
    costs = plan.cost.as_record()
    assert 0 < float(costs["after_monthly"]) < float(costs["before_monthly"])
    assert plan_removal(account.environment(), volumes=True).keeps == ()


def _ask_for_workloads(account: Account) -> set[tuple[str, str]]:
    """Has the cluster make a volume and a NodeBalancer: their kinds and ids."""
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}
    service = {"type": "LoadBalancer", "ports": [{"port": 443}]}
    asked = {"persistentvolumeclaims": ("PersistentVolumeClaim", claim), "services": ("Service", service)}
    with open_access(account.environment().opened.account, "small") as cluster:
        assert cluster is not None
        for path, (kind, spec) in asked.items():
            body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "data"}, "spec": spec}
            cluster.call("POST", f"/api/v1/namespaces/env-small/{path}", body)
    made = {"volume": "/volumes", "nodebalancer": "/nodebalancers"}
    return {(kind, str(row["id"])) for kind, path in made.items() for row in account.rows(path)}


def test_a_plan_tells_what_workloads_have_in_the_account(account: Account) -> None:
    account.bring_up()
    before = plan_removal(account.environment(), volumes=True)
    made = _ask_for_workloads(account)
    assert {kind for kind, _ in made} == {"volume", "nodebalancer"}
    plan = plan_removal(account.environment(), volumes=True)
    assert made <= {(one["kind"], one["id"]) for one in plan.rows() if one["effect"] == "delete"}
    assert plan.sha256 != before.sha256
    costs = plan.cost.as_record()
    assert float(costs["before_monthly"]) > float(before.cost.as_record()["before_monthly"])
    assert not any("workloads" in text for text in costs["not_included"])
    kept = {one["kind"]: one["effect"] for one in plan_removal(account.environment(), volumes=False).rows()}
    assert (kept["volume"], kept["nodebalancer"]) == ("keep", "delete")


def test_a_volume_whose_cluster_is_gone_is_told_of_by_the_journal(account: Account) -> None:
    account.bring_up()
    _ask_for_workloads(account)
    account.fail(("PUT", "/volumes/*", 1), "revoked")
    with pytest.raises(PrerequisiteMissing):
        _down(account)
    account.control("DELETE", "faults")
    account.new_token()
    assert account.rows(CLUSTERS) == []
    plan = plan_removal(account.environment(), volumes=True)
    assert "volume" in {kind for kind, _ in plan.removes}


def test_a_plan_says_that_a_cluster_did_not_answer(account: Account) -> None:
    account.bring_up()
    known = plan_removal(account.environment(), volumes=True)
    account.control("POST", "faults", {"kind": "dropped", "path": "/kubernetes/**", "times": 1000})
    plan = plan_removal(account.environment(), volumes=True)
    assert (known.as_record()["workloads"], plan.as_record()["workloads"]) == ("known", "not known")
    assert plan.rows() == known.rows()
    assert plan.sha256 != known.sha256
    assert any("workloads" in text for text in plan.cost.as_record()["not_included"])


def test_nodes_that_were_replaced_make_no_other_plan(account: Account) -> None:
    account.bring_up()
    before = plan_removal(account.environment(), volumes=False)
    cluster = f"{CLUSTERS}/{account.rows(CLUSTERS)[0]['id']}"
    account.environment().opened.account.post(f"{cluster}/recycle")
    assert _ids(plan_removal(account.environment(), volumes=False)) != _ids(before)
    assert plan_removal(account.environment(), volumes=False).sha256 == before.sha256


def _ids(plan: RemovalPlan) -> set[Any]:
    return {row.get("id") for _, row in plan.removes}


def test_what_is_protected_has_no_plan(account: Account) -> None:
    account.profile = account.profile.model_copy(update={"protect": True})
    with pytest.raises(Refused, match="is protected"):
        plan_removal(account.environment(), volumes=False)
