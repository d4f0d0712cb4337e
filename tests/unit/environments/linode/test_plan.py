from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aias_core.environments.linode.adoption import BUCKET, CLUSTER, KEY, RECORD, Existing
from aias_core.environments.linode.cost import Estimate
from aias_core.environments.linode.dangers import Danger
from aias_core.environments.linode.inside import Inside
from aias_core.environments.linode.plan import EnvironmentPlan, find_plan_dangers, refuse_new_dangers
from aias_core.environments.linode.plan_cost import PlanCost
from aias_core.environments.linode.terraform_plan import ResourceChange, TerraformPlan
from aias_core.errors import Conflict
from support.terraform import make_change

NOTHING = EnvironmentPlan(
    environment="small",
    simulated=True,
    changes=(),
    repaired=(),
    adopted=(),
    dangers=(),
    inside=Inside([], []),
    cost=PlanCost(Estimate([]), Estimate([])),
    checks=(),
    serial=1,
    profile_sha256="0" * 64,
)


def _policy(name: str, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "env-small", "resourceVersion": "7"}
    return {"kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def _terraform(*changes: ResourceChange) -> TerraformPlan:
    return TerraformPlan(
        file=Path("none"), changes=changes, drift=(), outputs={}, is_empty=False, terraform_version="none"
    )


@pytest.mark.parametrize(
    "parts",
    [
        {"inside": Inside([_policy("deny", ingress=[])], [])},
        {"inside": Inside([_policy("deny", ingress=[{}])], [])},
        {"inside": Inside([], [_policy("deny")])},
        {"repaired": (make_change(CLUSTER, "delete,create", {}, {}, ["tainted"]),)},
        {"adopted": (Existing("a", CLUSTER, "aias-small", "/lke/clusters/1", "1"),)},
        {"profile_sha256": "1" * 64},
    ],
    ids=["a manifest", "another specification", "a surplus", "a repair", "an adoption", "another profile"],
)
def test_what_people_agree_to_is_all_that_is_done(parts: Mapping[str, Any]) -> None:
    others = [NOTHING, replace(NOTHING, inside=Inside([_policy("deny", ingress=["other"])], []))]
    assert replace(NOTHING, **parts).sha256 not in {one.sha256 for one in others}


def test_what_the_cluster_writes_into_a_surplus_object_makes_no_other_plan() -> None:
    old, new = _policy("deny"), _policy("deny")
    new["metadata"]["resourceVersion"] = "8"
    plans = [replace(NOTHING, inside=Inside([], [one])) for one in (old, new)]
    assert plans[0].sha256 == plans[1].sha256


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (make_change(BUCKET, "delete,create", {}, {}, ["tainted"]), []),
        (make_change(BUCKET, "delete,create", {}, {}, ["region"]), ["this"]),
        (make_change(BUCKET, "delete,create", {}, {}, ["region", "tainted"]), ["this"]),
        (make_change(RECORD, "delete,create", {}, {}, ["tainted"]), ["this"]),
        (make_change(KEY, "delete,create", {}, {}, ["tainted"]), []),
    ],
    ids=["looked at", "moved", "moved and tainted", "not looked at", "not precious"],
)
def test_what_is_tainted_is_no_danger_only_where_it_is_looked_at_instead(
    change: ResourceChange, names: list[str]
) -> None:
    assert [one.name for one in find_plan_dangers(_terraform(change))] == names


def test_a_second_danger_of_the_same_resource_is_a_new_one() -> None:
    first = Danger("firewall.edge", "linode_lke_cluster", "edge", "more may reach the control plane")
    second = replace(first, what="the nodes of the cluster's own pool are replaced")
    agreed = replace(NOTHING, dangers=(first,))
    refuse_new_dangers(agreed, [first])
    with pytest.raises(Conflict, match="own pool are replaced"):
        refuse_new_dangers(agreed, [first, second])
