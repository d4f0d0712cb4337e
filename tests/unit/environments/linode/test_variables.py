from __future__ import annotations

import json
from typing import Any

import pytest

from aias_core.environments.linode.terraform import build_environment
from aias_core.environments.linode.variables import build_variables
from aias_core.environments.schema import LinodeProfile
from aias_core.errors import InvalidInput

GENERAL = {"type": "g6-standard-4", "count": 2}
GPU = {"type": "g2-gpu-rtx4000a1-s", "count": 1, "gpu": True, "taints": {"gpu-workload": {"value": "true"}}}


def _profile(**more: Any) -> LinodeProfile:
    cluster = {"pools": {"general": GENERAL, "gpu": GPU}, **more.pop("cluster", {})}
    return LinodeProfile.model_validate({"name": "development", "cluster": cluster, **more})


def test_gpu_pools_are_part_of_it_only_when_enabled() -> None:
    without, enabled = (build_variables(_profile(gpu={"enabled": one}), "development") for one in (False, True))
    assert (list(without["cluster"]["pools"]), list(enabled["cluster"]["pools"])) == (["general"], ["general", "gpu"])
    taints = enabled["cluster"]["pools"]["gpu"]["taints"]
    assert taints == {"gpu-workload": {"value": "true", "effect": "NoSchedule"}}


@pytest.mark.parametrize(
    ("pools", "inline"),
    [
        ({"apps": GENERAL, "general": GENERAL}, "general"),
        ({"apps": GENERAL, "ops": GENERAL}, "ops"),
        ({"web": GENERAL, "apps": GENERAL}, "apps"),
    ],
    ids=["general", "ops", "first"],
)
def test_the_inline_pool_is_the_one_that_takes_everything(pools: dict[str, Any], inline: str) -> None:
    assert build_variables(_profile(cluster={"pools": pools}), "x")["cluster"]["inline_pool"] == inline


def test_a_cluster_of_tainted_pools_only_is_refused() -> None:
    with pytest.raises(InvalidInput, match="No node pool") as refused:
        build_variables(_profile(cluster={"pools": {"gpu": GPU}}, gpu={"enabled": True}), "x")
    assert refused.value.hint


def test_bounds_become_an_autoscaler_only_when_there_is_room_between_them() -> None:
    pools = {"general": GENERAL | {"minimum": 2, "maximum": 4}, "fixed": GENERAL | {"minimum": 2, "maximum": 2}}
    built = build_variables(_profile(cluster={"pools": pools}), "x")["cluster"]["pools"]
    assert (built["general"]["autoscaler"], built["fixed"]["autoscaler"]) == ({"min": 2, "max": 4}, None)


def test_the_state_bucket_is_not_terraforms_and_keys_open_what_they_are_for() -> None:
    buckets = {"state": {"versioned": True}, "backups": {"versioned": True}, "exports": {"expire_days": 90}}
    storage = build_variables(_profile(buckets=buckets, bucket_prefix="acme"), "development")["storage"]
    assert storage["prefix"] == "acme-development"
    assert sorted(storage["buckets"]) == ["backups", "exports"]
    assert storage["keys"] == {"services": {"buckets": ["exports"]}, "backups": {"buckets": ["backups"]}}


def test_the_subnet_of_the_nodes_is_a_part_of_the_network_unless_it_is_named() -> None:
    first = build_variables(_profile(network={"vpc_cidr": "10.7.0.0/16"}), "x")["network"]["subnets"]
    network = {"vpc_cidr": "10.7.0.0/16", "subnets": {"nodes": "10.7.64.0/18"}}
    named = build_variables(_profile(network=network), "x")["network"]["subnets"]
    assert (first, named) == ({"nodes": "10.7.0.0/20"}, {"nodes": "10.7.64.0/18"})


def test_tags_say_whose_it_is_besides_the_ones_of_the_profile() -> None:
    assert build_variables(_profile(tags=["team:ml"]), "development")["tags"] == [
        "aias",
        "env:development",
        "managed-by:aias",
        "team:ml",
    ]


def test_variables_reach_terraform_as_texts_or_json_and_nothing_stays_away() -> None:
    built = build_environment({"region": "fr-par", "tags": ["aias"], "domain": None, "count": 3, "open": False})
    assert built == {
        "TF_VAR_region": "fr-par",
        "TF_VAR_tags": json.dumps(["aias"]),
        "TF_VAR_count": "3",
        "TF_VAR_open": "false",
    }
