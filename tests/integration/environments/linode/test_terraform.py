"""The modules, the driver and the stand-in provider together, against the fake Linode."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from aias_core.environments.linode.states import StateVersions
from aias_core.environments.linode.terraform import Progress, TerraformFailed
from aias_core.environments.linode.terraform_program import embedded_terraform
from support.terraform import POLL_MILLISECONDS, Bench, bench
from support.waiting import wait_until

CLUSTER = "module.lke.linode_lke_cluster.this"
GPU = 'module.lke.linode_lke_node_pool.this["gpu"]'
NODE_FIREWALL = "module.node_firewall[0].linode_firewall.this"
GPU_POOL = {"type": "g2-gpu-rtx4000a1-s", "count": 1, "labels": {"node-type": "gpu"}}


@pytest.fixture
def on_bench(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as started:
        yield started


def test_an_environment_comes_changes_and_goes(on_bench: Bench) -> None:
    on_bench.variables["cluster"]["pools"]["gpu"] = GPU_POOL
    on_bench.variables["domain"] = "dev.example.com"
    terraform, seen = on_bench.terraform(), list[Progress]()
    terraform.init()
    terraform.apply(terraform.plan(), seen.append)
    assert [one.state for one in seen if one.address == CLUSTER] == ["started", "done"]
    assert len(terraform.outputs()["cluster"]["instance_ids"]) == 3
    nodes = {row["ipv4"][0] for row in on_bench.api("GET", "/linode/instances")["data"]}
    (database,) = on_bench.api("GET", "/databases/postgresql/instances")["data"]
    assert set(database["allow_list"]) == nodes
    assert _behind_firewall(on_bench) == {row["id"] for row in on_bench.api("GET", "/linode/instances")["data"]}
    serial = on_bench.versions.find_newest()

    again = terraform.plan()
    assert (again.is_empty, again.count()) == (True, {"create": 0, "update": 0, "replace": 0, "delete": 0})
    assert on_bench.versions.find_newest() == serial

    firewall = terraform.outputs()["network"]["node_firewall_id"]
    open_rules = {"inbound_policy": "ACCEPT", "outbound_policy": "ACCEPT", "inbound": [], "outbound": []}
    on_bench.api("PUT", f"/networking/firewalls/{firewall}/rules", open_rules)
    on_bench.variables["cluster"]["pools"]["gpu"] = GPU_POOL | {"type": "g6-standard-4"}
    on_bench.variables["cluster"]["pools"]["general"]["labels"] = {"role": "other"}
    on_bench.variables["edge_address"] = "203.0.113.7"
    terraform = on_bench.terraform()
    plan = terraform.plan()
    (replaced,) = plan.replaced
    assert (replaced.address, replaced.replace_reasons) == (GPU, ("type",))
    drifted = {one.address: one.changed_attributes for one in plan.drift}
    assert drifted[NODE_FIREWALL][:2] == ("inbound", "inbound_policy")
    assert {one.address for one in plan.updated} >= {CLUSTER, NODE_FIREWALL}
    terraform.apply(plan)
    assert on_bench.api("GET", f"/networking/firewalls/{firewall}/rules")["inbound_policy"] == "DROP"
    assert "api.dev.example.com" in terraform.outputs()["dns"]["names"]

    removed = terraform.destroy()
    assert len(removed.deleted) == 22
    assert json.loads(terraform.state_pull())["resources"] == []
    assert on_bench.billed() == ["object_storage"]
    assert on_bench.control("ledger")["billed_twice"] == []


def test_a_late_kubeconfig_taints_the_cluster_and_untaint_keeps_it(on_bench: Bench) -> None:
    terraform = on_bench.terraform()
    terraform.init()
    late = {"kind": "503", "method": "GET", "path": "/lke/clusters/*/kubeconfig", "times": 10, "retry_after": None}
    on_bench.control("faults", late)
    with pytest.raises(TerraformFailed) as failed:
        terraform.apply(terraform.plan(targets=["module.lke"]))
    assert [fault.address for fault in failed.value.faults] == [CLUSTER]
    (change,) = (one for one in terraform.plan(targets=["module.lke"]).changes if one.address == CLUSTER)
    assert (change.is_replacement, change.replace_reasons) == (True, ("tainted",))
    terraform.untaint(CLUSTER)
    terraform.apply(terraform.plan(targets=["module.lke"]))
    assert [row["id"] for row in on_bench.api("GET", "/lke/clusters")["data"]] == [500_001]
    on_bench.control("faults", late)
    assert CLUSTER not in {one.address for one in terraform.plan(refresh=False).changes if one.is_change}


def test_what_exists_is_imported_and_not_made_again(on_bench: Bench) -> None:
    made = on_bench.api("POST", "/vpcs", {"label": "aias-development", "region": "fr-par"})
    terraform = on_bench.terraform()
    terraform.init()
    terraform.import_resource("module.network.linode_vpc.this", str(made["id"]))
    plan = terraform.plan(targets=["module.network.linode_vpc.this"])
    assert [one.actions for one in plan.changes] == [("update",)]
    assert plan.changes[0].changed_attributes == ("description", "updated")


def test_a_refusal_names_the_resource_and_what_was_made_stays_in_the_state(on_bench: Bench) -> None:
    terraform = on_bench.terraform()
    terraform.init()
    on_bench.control("faults", {"kind": "400", "method": "POST", "path": "/lke/clusters"})
    with pytest.raises(TerraformFailed, match="Account Limit reached") as failed:
        terraform.apply(terraform.plan(targets=["module.network", "module.lke"]))
    assert [one.address for one in failed.value.faults] == [CLUSTER]
    kinds = [one["type"] for one in json.loads(terraform.state_pull())["resources"]]
    assert sorted(kinds) == ["linode_firewall", "linode_vpc", "linode_vpc_subnet"]


def test_what_watches_may_stop_it_and_the_state_knows_what_was_made(on_bench: Bench) -> None:
    def stop(progress: Progress) -> None:
        if progress.state == "done":
            raise KeyboardInterrupt

    terraform = on_bench.terraform()
    terraform.init()
    plan = terraform.plan(targets=["module.network"])
    with pytest.raises(KeyboardInterrupt):
        terraform.apply(plan, stop)
    known = {instance["attributes"]["id"] for one in json.loads(terraform.state_pull())["resources"]
             for instance in one["instances"] if one["type"] == "linode_vpc"}  # fmt: skip
    assert known == {str(row["id"]) for row in on_bench.api("GET", "/vpcs")["data"]}


def test_an_interrupt_while_it_waits_keeps_what_was_made(on_bench: Bench) -> None:
    def interrupt() -> None:
        wait_until(lambda: bool(on_bench.api("GET", "/lke/clusters")["data"]))
        os.kill(os.getpid(), signal.SIGINT)

    terraform = on_bench.terraform()
    terraform.init()
    on_bench.control("faults", {"kind": "stuck", "method": "POST", "path": "/lke/clusters"})
    plan, waiting = terraform.plan(targets=["module.lke"]), Thread(target=interrupt)
    waiting.start()
    with pytest.raises(KeyboardInterrupt):
        terraform.apply(plan)
    waiting.join()
    (cluster,) = (one for one in json.loads(terraform.state_pull())["resources"] if one["type"] == "linode_lke_cluster")
    (made,) = on_bench.api("GET", "/lke/clusters")["data"]
    assert [(one["status"], one["attributes"]["id"]) for one in cluster["instances"]] == [("tainted", str(made["id"]))]


def test_a_workspace_comes_and_goes(on_bench: Bench) -> None:
    on_bench.root = "workspace"
    on_bench.variables = {
        "name": "amelie",
        "owner": "amelie",
        "region": "fr-par",
        "type": "g6-standard-2",
        "image": "linode/debian12",
        "created_at": "2026-10-01T00:00:00Z",
        "ttl_hours": 24,
        "ssh_keys": ["ssh-ed25519 AAAA"],
        "ssh_cidrs": ["203.0.113.0/24"],
        "user_data": "#cloud-config",
        "poll_milliseconds": POLL_MILLISECONDS,
    }
    terraform = on_bench.terraform()
    terraform.init()
    terraform.apply(terraform.plan())
    (machine,) = on_bench.api("GET", "/linode/instances")["data"]
    made = terraform.outputs()["workspace"]
    assert (made["instance_id"], made["addresses"]["ipv4"]) == (machine["id"], machine["ipv4"])
    assert made["expires_at"] == "2026-10-02T00:00:00Z"
    assert terraform.plan().is_empty
    terraform.destroy()
    assert on_bench.billed() == []


def test_an_enterprise_cluster_lives_in_the_network_and_its_database_is_private(on_bench: Bench) -> None:
    on_bench.variables["cluster"]["tier"] = "enterprise"
    on_bench.variables["api_version"] = "v4beta"
    on_bench.variables["cluster"]["version"] = "v1.34.6+lke2"
    on_bench.variables["cluster"]["acl"] = {"enabled": True, "ipv4": ["198.51.100.7/32"], "ipv6": []}
    terraform = on_bench.terraform()
    terraform.init()
    terraform.apply(terraform.plan(targets=["module.postgresql"]))
    (cluster,) = on_bench.api("GET", "/lke/clusters")["data"]
    (database,) = on_bench.api("GET", "/databases/postgresql/instances")["data"]
    assert cluster["vpc_id"] == database["private_network"]["vpc_id"]
    assert (database["allow_list"], database["private_network"]["public_access"]) == ([], False)
    assert _behind_firewall(on_bench) == {row["id"] for row in on_bench.api("GET", "/linode/instances")["data"]}
    assert terraform.plan(targets=["module.postgresql"]).is_empty


def test_a_state_that_could_not_be_stored_is_handed_over_and_not_left_behind(
    on_bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_lease_and_write(*arguments: Any) -> None:
        on_bench.lease.release()
        write(*arguments)

    write = StateVersions.write
    monkeypatch.setattr(StateVersions, "write", lose_lease_and_write)
    terraform = on_bench.terraform()
    terraform.init()
    plan = terraform.plan(targets=["module.network.linode_vpc.this"])
    with pytest.raises(TerraformFailed):
        terraform.apply(plan)
    unsaved = terraform.take_unsaved_state()
    assert unsaved is not None
    assert [one["type"] for one in json.loads(unsaved)["resources"]] == ["linode_vpc"]
    assert terraform.take_unsaved_state() is None


def test_the_terraform_inside_the_wheel_serves_the_same(on_bench: Bench) -> None:
    terraform = on_bench.terraform(program=embedded_terraform(), attached=False)
    terraform.init()
    plan = terraform.plan(targets=["module.network.linode_vpc.this"])
    assert plan.count()["create"] == 1
    terraform.apply(plan)
    assert [row["label"] for row in on_bench.api("GET", "/vpcs")["data"]] == ["aias-development"]


def test_a_cluster_is_adopted_with_its_pools_and_nothing_is_removed(on_bench: Bench) -> None:
    on_bench.variables["cluster"]["pools"]["gpu"] = GPU_POOL
    terraform = on_bench.terraform()
    terraform.init()
    terraform.apply(terraform.plan(targets=["module.lke"]))
    made = terraform.outputs()["cluster"]
    for address in (CLUSTER, GPU):
        terraform.remove_from_state(address)
    terraform.import_cluster(CLUSTER, str(made["id"]))
    terraform.import_resource(GPU, f"{made['id']},{made['pool_ids']['gpu']}")
    plan = terraform.plan(targets=["module.lke"])
    assert [(one.address, one.actions) for one in plan.changes if one.is_change] == []


def test_nodes_that_came_by_themselves_stay_and_are_protected_and_reach_the_database(on_bench: Bench) -> None:
    terraform = on_bench.terraform()
    terraform.init()
    parts = ["module.postgresql", "module.node_firewall"]
    terraform.apply(terraform.plan(targets=parts))
    made = terraform.outputs()["cluster"]
    on_bench.api("PUT", f"/lke/clusters/{made['id']}/pools/{made['pool_ids']['general']}", {"count": 4})
    plan = terraform.plan(targets=parts)
    changes = {one.address: one.changed_attributes for one in plan.updated}
    assert set(changes) == {"module.postgresql.linode_database_postgresql_v2.this", NODE_FIREWALL}
    assert "allow_list" in changes["module.postgresql.linode_database_postgresql_v2.this"]
    assert "linodes" in changes[NODE_FIREWALL]
    terraform.apply(plan)
    assert len(_behind_firewall(on_bench)) == 4
    (database,) = on_bench.api("GET", "/databases/postgresql/instances")["data"]
    assert len(database["allow_list"]) == 4


def _behind_firewall(on_bench: Bench) -> set[int]:
    (firewall,) = (
        one for one in on_bench.api("GET", "/networking/firewalls")["data"] if one["label"].endswith("-nodes")
    )
    return {one["id"] for one in firewall["entities"]}
