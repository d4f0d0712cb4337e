"""What must never be planned, whatever the environment: the rules that checkov has for Linode, and ours."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest

from aias_core.environments.linode.terraform_plan import ResourceChange, TerraformPlan
from support.terraform import bench, profile_variables

SETTLED, APPLIED = "development", "development, applied"
PROFILES = ("development", "staging", "production", "system")
WORLD = ("0.0.0.0/0", "::/0")


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, TerraformPlan]]:
    with bench(tmp_path_factory.mktemp("plans")) as started:
        started.terraform().init()
        found = {}
        for name in PROFILES:
            started.variables = profile_variables(name) | {"domain": f"{name}.example.com"}
            found[name] = started.terraform().plan()
        started.variables = profile_variables(SETTLED) | {"domain": f"{SETTLED}.example.com"}
        started.terraform().apply(started.terraform().plan())
        yield found | {APPLIED: started.terraform().plan()}


@pytest.fixture(params=PROFILES)
def plan(request: pytest.FixtureRequest, plans: dict[str, TerraformPlan]) -> TerraformPlan:
    return plans[request.param]


@pytest.fixture
def applied(plans: dict[str, TerraformPlan]) -> TerraformPlan:
    """A plan of what is there, in which everything is known."""
    return plans[APPLIED]


def _of(plan: TerraformPlan, kind: str) -> list[Any]:
    found = [change.after for change in plan.changes if change.type == kind]
    assert found, f"no {kind} is planned"
    return found


def _rules(plan: TerraformPlan) -> list[tuple[str, Any]]:
    return [(one["label"], rule) for one in _of(plan, "linode_firewall") for rule in one["inbound"]]


def _sources(rule: Any) -> list[str]:
    return [*(rule["ipv4"] or ()), *(rule["ipv6"] or ())]


def test_a_firewall_drops_what_no_rule_allows(plan: TerraformPlan) -> None:
    assert {one["inbound_policy"] for one in _of(plan, "linode_firewall")} == {"DROP"}


def test_ssh_is_open_to_nobody(plan: TerraformPlan) -> None:
    assert [label for label, rule in _rules(plan) if "22" in (rule["ports"] or "").split(",")] == []


def test_only_web_traffic_to_the_edge_comes_from_everywhere(plan: TerraformPlan) -> None:
    from_everywhere = {(label, rule["ports"]) for label, rule in _rules(plan) if set(_sources(rule)) & set(WORLD)}
    assert {label.rpartition("-")[2] for label, _ in from_everywhere} <= {"edge"}
    assert {ports for _, ports in from_everywhere} <= {"80", "443"}


def test_a_firewall_keeps_to_the_limits_of_the_platform(plan: TerraformPlan) -> None:
    for one in _of(plan, "linode_firewall"):
        rules = [*one["inbound"], *one["outbound"]]
        assert len(rules) <= 25
        assert max((len(_sources(rule)) for rule in rules), default=0) <= 255


def test_the_database_is_open_to_single_addresses_only(applied: TerraformPlan) -> None:
    (database,) = _of(applied, "linode_database_postgresql_v2")
    assert {ip_network(address).num_addresses for address in database["allow_list"]} == {1}
    assert len(database["allow_list"]) == len(_instances(applied))


def test_buckets_are_private(plan: TerraformPlan) -> None:
    buckets = _of(plan, "linode_object_storage_bucket")
    assert {(one["acl"], one["cors_enabled"]) for one in buckets} == {("private", False)}


def test_a_key_opens_buckets_of_its_environment_only(applied: TerraformPlan) -> None:
    buckets = {one["label"] for one in _of(applied, "linode_object_storage_bucket")}
    keys = [
        {access["bucket_name"] for access in one["bucket_access"]} for one in _of(applied, "linode_object_storage_key")
    ]
    assert all(opened and opened <= buckets for opened in keys)


def test_the_state_bucket_is_not_terraforms(plan: TerraformPlan) -> None:
    assert [one["label"] for one in _of(plan, "linode_object_storage_bucket") if one["label"].endswith("-state")] == []


def test_every_node_stands_behind_the_firewall(applied: TerraformPlan) -> None:
    (firewall,) = (one for one in _of(applied, "linode_firewall") if one["label"].endswith("-nodes"))
    assert set(firewall["linodes"]) == _instances(applied)


def test_one_pool_is_part_of_the_cluster(plan: TerraformPlan) -> None:
    (cluster,) = _of(plan, "linode_lke_cluster")
    assert len(cluster["pool"]) == 1


def _instances(plan: TerraformPlan) -> set[int]:
    (cluster,) = _of(plan, "linode_lke_cluster")
    others = [change.after or {} for change in plan.changes if change.type == "linode_lke_node_pool"]
    found = {node["instance_id"] for pool in [*cluster["pool"], *others] for node in pool["nodes"]}
    assert found
    return found


def test_the_control_plane_is_doubled_where_it_must_be(plans: dict[str, TerraformPlan]) -> None:
    doubled = {
        name: _of(plans[name], "linode_lke_cluster")[0]["control_plane"][0]["high_availability"] for name in PROFILES
    }
    assert doubled == {"development": False, "staging": False, "production": True, "system": True}


def test_gpus_are_planned_only_where_they_are_enabled(plans: dict[str, TerraformPlan]) -> None:
    with_gpus = {name for name in PROFILES if any(_is_gpu(change) for change in plans[name].changes)}
    assert with_gpus == {"system"}


def _is_gpu(change: ResourceChange) -> bool:
    return change.type == "linode_lke_node_pool" and "gpu" in (change.after or {})["type"]


def test_everything_that_can_bear_tags_bears_ours(plan: TerraformPlan) -> None:
    for change in plan.changes:
        after = change.after or {}
        if change.actions == ("create",) and "tags" in after and change.type != "linode_object_storage_bucket":
            assert {"aias", "managed-by:aias"} <= set(after["tags"]), change.address


def test_what_is_sensitive_is_masked(applied: TerraformPlan) -> None:
    (cluster,), (database,) = _of(applied, "linode_lke_cluster"), _of(applied, "linode_database_postgresql_v2")
    assert (cluster["kubeconfig"], database["root_password"]) == ("***", "***")
