from __future__ import annotations

import json
from typing import Any

from aias_core.environments.linode.comparison import compare_states


def state(*resources: dict[str, Any], **outputs: Any) -> dict[str, Any]:
    return {"resources": list(resources), "outputs": {name: {"value": value} for name, value in outputs.items()}}


def resource(name: str, *instances: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"mode": "managed", "type": "linode_lke_node_pool", "name": name, "instances": list(instances), **more}


def test_each_difference_has_its_address_and_the_names_of_its_attributes() -> None:
    before = state(
        resource("pools", {"index_key": "gpu", "attributes": {"type": "a", "count": 1}}, module="module.lke"),
        resource("old", {"attributes": {}}),
        password="hunter2",
    )
    after = state(
        resource("pools", {"index_key": "gpu", "attributes": {"type": "b", "count": 1}}, module="module.lke"),
        resource("new", {"index_key": 0, "attributes": {}}),
        password="hunter3",
    )
    assert compare_states(before, after) == [
        {"address": "linode_lke_node_pool.new[0]", "change": "added", "attributes": []},
        {"address": "linode_lke_node_pool.old", "change": "removed", "attributes": []},
        {"address": 'module.lke.linode_lke_node_pool.pools["gpu"]', "change": "changed", "attributes": ["type"]},
        {"address": "output.password", "change": "changed", "attributes": ["value"]},
    ]
    assert "hunter" not in json.dumps(compare_states(before, after))


def test_a_state_does_not_differ_from_itself() -> None:
    same = state(resource("main", {"attributes": {"tags": ["a"]}}), kubeconfig="x")
    assert compare_states(same, same) == []


def test_a_tainted_and_a_deposed_instance_are_told_apart() -> None:
    before = state(resource("main", {"attributes": {"id": 1}}))
    after = state(
        resource("main", {"attributes": {"id": 1}, "status": "tainted"}, {"attributes": {"id": 2}, "deposed": "ab"})
    )
    assert [(item["address"], item["change"]) for item in compare_states(before, after)] == [
        ("linode_lke_node_pool.main", "changed"),
        ("linode_lke_node_pool.main (deposed ab)", "added"),
    ]
