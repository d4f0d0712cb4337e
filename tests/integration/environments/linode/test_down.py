"""Down on a small environment in a simulated account: what goes, what stays, what is not waited for."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from aias_core.environments.linode.adoption import find_existing
from aias_core.environments.linode.belongings import list_own
from aias_core.environments.linode.down import DownOptions, DownResult
from aias_core.environments.linode.inside import open_access
from aias_core.environments.linode.up import UpOptions
from aias_core.errors import Partial
from support.campaign import Account
from support.graph import PRIVATE_GRAPH, VPC
from support.provisioning import InProcessProvisioner
from support.settled import NAME, Settled
from support.terraform import make_change

DATABASES, SPACE = "/databases/postgresql/instances", "/api/v1/namespaces/env-small"
BALANCERS = "/nodebalancers"
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}
SERVICE = {"type": "LoadBalancer", "ports": [{"port": 443}]}


def _object(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def _down(account: Account, *, volumes: bool = False) -> DownResult:
    return account.environment().down(DownOptions(volumes, keep_state=True), lambda _: None)


def _kubernetes(account: Account, method: str, path: str, body: Any = None) -> Any:
    with open_access(account.environment().opened.account, "small") as cluster:
        assert cluster is not None
        return cluster.call(method, f"{SPACE}/{path}", body)


def test_a_second_down_writes_nothing_and_the_first_one_proves_what_is_left(account: Account) -> None:
    account.bring_up()
    database = account.rows(DATABASES)[0]
    removed = _down(account)
    assert (len(removed.removed), removed.orphans) == (8, ())
    assert removed.kept == (f"database 'aias-small' ({database['id']})", "bucket 'aias-small-state'")
    account.control("DELETE", "calls")
    assert (_down(account).changed, account.writes()) == (False, [])


def test_an_up_and_a_down_stay_below_every_published_ceiling(account: Account) -> None:
    account.control("PATCH", "settings", {"enforce_rates": True})
    account.bring_up()
    _down(account, volumes=True)
    rates = account.control("GET", "rates")
    assert (rates["breaches"], set(rates["most"])) == (
        {},
        {"lists", "others", "object storage", "object storage by second"},
    )


def test_a_network_goes_when_the_database_in_it_is_really_gone(account: Account) -> None:
    environment = replace(account.environment(), make=partial(InProcessProvisioner, graph=PRIVATE_GRAPH))
    environment.up(UpOptions(), lambda _: None, lambda _: None)
    lingering = {"kind": "linger", "method": "DELETE", "path": "/databases/**", "seconds": 60}
    account.control("POST", "faults", lingering)
    said: list[str] = []
    removed = environment.down(DownOptions(volumes=True, keep_state=True), said.append)
    assert any("still has devices attached" in text for text in said)
    assert (removed.orphans, account.rows("/vpcs")) == ((), [])


@pytest.mark.parametrize("fault", [{"kind": "lost_answer"}, {"kind": "linger", "seconds": 60}])
def test_the_state_tells_of_nothing_after_a_deletion_that_was_not_seen(account: Account, fault: dict[str, Any]) -> None:
    account.bring_up()
    account.control("POST", "faults", {"method": "DELETE", "path": "/vpcs/*", **fault})
    removed = _down(account, volumes=True)
    assert (removed.orphans, account.rows("/vpcs"), account.list_known()) == ((), [], [])
    assert VPC in removed.removed


def test_a_child_is_not_looked_for_where_its_parent_went_since_the_plan(account: Account) -> None:
    subnet = make_change("linode_vpc_subnet", "create", after={"vpc_id": 4711, "label": "nodes"})
    assert find_existing(account.environment().opened.account, [subnet], "small") == []


def test_the_database_that_stayed_is_taken_over_by_the_next_up(account: Account) -> None:
    account.bring_up()
    before = account.rows(DATABASES)[0]["id"]
    _down(account)
    account.bring_up()
    assert [row["id"] for row in account.rows(DATABASES)] == [before]
    assert account.environment().survey().plan.is_empty


def test_nobody_may_connect_to_a_database_whose_nodes_are_gone(account: Account) -> None:
    account.bring_up()
    database = f"{DATABASES}/{account.rows(DATABASES)[0]['id']}"
    account.environment().opened.account.update(database, {"allow_list": ["192.0.2.7/32"]})
    _down(account)
    assert account.rows(DATABASES)[0]["allow_list"] == []


def test_a_bucket_with_data_stays_unless_all_is_to_go(account: Account) -> None:
    account.bring_up()
    full = {"region": "fr-par", "bucket": "aias-small-backups", "objects": 3, "size": 10}
    account.control("POST", "contents", full)
    kept = _down(account).kept
    assert {"bucket 'aias-small-state'", "bucket 'aias-small-backups'"} < set(kept)
    assert _down(account, volumes=True).kept == ("bucket 'aias-small-state'",)
    assert {row["label"] for row in account.rows("/object-storage/buckets")} == {"aias-small-state"}
    assert account.rows(DATABASES) == []


def test_volumes_of_claims_stay_and_are_no_orphans_unless_all_is_to_go(account: Account) -> None:
    account.bring_up()
    claim = _object("PersistentVolumeClaim", "data", {**CLAIM, "storageClassName": "linode-block-storage"})
    _kubernetes(account, "POST", "persistentvolumeclaims", claim)
    used = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    pod = {"containers": [{"name": "x", "image": "registry.example.org/x:1"}], "volumes": [used]}
    _kubernetes(account, "POST", "pods", _object("Pod", "x", pod))
    volume = account.rows("/volumes")[0]
    result = _down(account)
    assert f"volume '{volume['label']}' ({volume['id']})" in result.kept
    assert result.orphans == ()
    assert _down(account).changed is False
    _down(account, volumes=True)
    assert account.rows("/volumes") == []


def test_what_workloads_had_is_waited_for_one_by_one_and_nothing_of_others(account: Account) -> None:
    account.bring_up()
    for name in ("data", "more"):
        claim = _object("PersistentVolumeClaim", name, {**CLAIM, "storageClassName": "linode-block-storage"})
        _kubernetes(account, "POST", "persistentvolumeclaims", claim)
        _kubernetes(account, "POST", "services", _object("Service", name, SERVICE))
    ours, volumes = ({row["id"] for row in account.rows(path)} for path in (BALANCERS, "/volumes"))
    theirs = account.environment().opened.account.create("nodebalancer", {"label": "ccm-theirs", "region": "fr-par"})
    account.control("POST", "faults", {"kind": "linger", "method": "DELETE", "path": "/volumes/*", "times": 2})
    account.control("PATCH", "settings", {"linger_seconds": 30})
    seen: list[set[int]] = []

    def look(text: str) -> None:
        if text.endswith("infrastructure…"):
            seen.append({row["id"] for row in account.rows(BALANCERS)})

    result = account.environment().down(DownOptions(volumes=True, keep_state=True), look)
    assert (seen, len(ours), len(volumes)) == ([{theirs["id"]}], 2, 2)
    assert len([one for one in result.removed if one.startswith("volume")]) == 2
    assert account.rows("/volumes") == []


def test_a_volume_that_stays_attached_is_named(account: Account) -> None:
    account.bring_up()
    _kubernetes(account, "POST", "persistentvolumeclaims", _object("PersistentVolumeClaim", "data", CLAIM))
    volume = account.rows("/volumes")[0]
    opened = account.environment().opened.account
    holder = opened.create("instance", {"label": "theirs", "region": "fr-par", "type": "g6-nanode-1"})
    opened.post(f"/volumes/{volume['id']}/attach", {"linode_id": holder["id"]})
    with pytest.raises(Partial, match=rf"not detached: volume '{volume['label']}' \({volume['id']}\)"):
        _down(account, volumes=True)
    opened.delete(f"/linode/instances/{holder['id']}")
    assert f"volume '{volume['label']}' ({volume['id']})" in _down(account, volumes=True).removed


def test_a_nodebalancer_that_is_not_freed_is_named_before_its_cluster_goes(account: Account) -> None:
    account.bring_up()
    environment = account.environment()
    _kubernetes(account, "POST", "services", _object("Service", "edge", SERVICE))
    _kubernetes(account, "POST", "services", _object("Service", "freed", SERVICE))
    balancer = environment.opened.account.list_all(BALANCERS)[0]
    environment.opened.account.update(f"{BALANCERS}/{balancer['id']}", {"label": "ccm-renamed"})
    with pytest.raises(Partial, match=rf"'ccm-renamed' \({balancer['id']}\)"):
        _down(account)
    assert len(account.rows("/lke/clusters")) == 1
    environment.opened.account.delete(f"{BALANCERS}/{balancer['id']}")
    assert _down(account).changed
    assert account.rows("/lke/clusters") == []


def test_a_cluster_that_never_becomes_ready_is_taken_down_without_waiting_for_it(account: Account) -> None:
    account.control("POST", "faults", {"kind": "stuck", "method": "POST", "path": "/lke/clusters"})
    with pytest.raises(Partial, match="after 20 minutes"):
        account.bring_up()
    began = account.offset
    _down(account, volumes=True)
    assert (account.offset - began < 60, account.rows("/lke/clusters")) == (True, [])


def test_a_key_of_an_environment_with_a_longer_name_is_not_its_own(account: Account) -> None:
    environment = account.environment()
    for label in ("aias-small-backups", "aias-small-2-backups"):
        environment.opened.account.create("key", {"label": label})
    assert [row["label"] for kind, row in list_own(environment) if kind == "key"] == ["aias-small-backups"]


def test_a_plan_of_a_removal_tells_what_goes_and_is_for_nothing_else(
    place: Settled, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found, said = place.run(capsys, "env", "plan", NAME, "--destroy", "--save")
    assert code == 0, said
    effects = {one["kind"]: one["effect"] for one in found["resources"]}
    assert (effects["cluster"], effects["database"]) == ("delete", "keep")
    assert f"aias env down {NAME} --plan {found['id']} --ticket ID" in said
    command = ("env", "down", NAME, "--volumes", "--plan", found["id"], "--confirm", NAME)
    assert place.run(capsys, *command)[0] == 5
    assert place.run(capsys, "env", "plan", NAME, "--volumes")[0] == 2
    assert len(place.rows("/lke/clusters")) == 1


def test_who_plans_a_removal_is_told_that_the_cluster_did_not_answer(
    place: Settled, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "is not known" not in place.run(capsys, "env", "plan", NAME, "--destroy")[2]
    place.api("POST", "/__simulator/faults", {"kind": "dropped", "path": "/kubernetes/**", "times": 1000})
    code, found, said = place.run(capsys, "env", "plan", NAME, "--destroy")
    place.api("DELETE", "/__simulator/faults")
    assert (code, found["workloads"]) == (0, "not known"), said
    assert "did not tell what its workloads have in the account: that is not known" in said


def test_terraform_lets_go_of_what_stays_and_removes_it_when_all_is_to_go(
    place: Settled, capsys: pytest.CaptureFixture[str]
) -> None:
    database = place.rows(DATABASES)[0]["id"]
    place.api("POST", "/__simulator/contents", {"region": "fr-par", "bucket": "aias-small-backups", "objects": 3})
    code, found, said = place.run(capsys, "env", "down", NAME, "--confirm", NAME)
    assert code == 0, said
    assert {f"database 'aias-small' ({database})", "bucket 'aias-small-backups'"} < set(found["kept"])
    assert ([row["id"] for row in place.rows(DATABASES)], place.rows("/lke/clusters")) == ([database], [])
    code, found, said = place.run(capsys, "env", "down", NAME, "--volumes", "--keep-state", "--confirm", NAME)
    assert (code, found["kept"]) == (0, ["bucket 'aias-small-state'"]), said
    assert place.rows(DATABASES) == []
