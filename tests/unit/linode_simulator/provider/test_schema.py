from __future__ import annotations

import pytest
from tf.types import Unknown

from aias_services.linode_simulator.provider.kinds.kubernetes import Cluster, NodePool
from aias_services.linode_simulator.provider.kinds.storage import StorageKey
from aias_services.linode_simulator.provider.schema import (
    NUMBER,
    STRING,
    STRING_SET,
    Block,
    Fields,
    State,
    complete,
    computed,
    either,
    optional,
    plan_change,
    plan_creation,
    required,
)
from aias_services.linode_simulator.provider.servicer import find_replacements

FIELDS: Fields = {
    "id": computed(STRING),
    "label": required(STRING),
    "tags": either(STRING_SET, default=[]),
    "region": optional(STRING),
    "updated": computed(STRING, moves=True),
    "pool": Block(fields={"id": computed(NUMBER), "type": required(STRING), "nodes": computed(NUMBER, moves=True)}),
    "plane": Block(fields={"open": either(STRING)}, computed=True),
}
BEFORE: State = {
    "id": "7",
    "label": "a",
    "tags": ["x", "y"],
    "region": None,
    "updated": "then",
    "pool": [{"id": 1, "type": "small", "nodes": 2}],
    "plane": [{"open": "no"}],
}


def test_something_new_has_defaults_and_what_is_decided_later() -> None:
    planned = plan_creation(FIELDS, complete(FIELDS, {"label": "a", "pool": [{"type": "small"}]}))
    assert planned["tags"] == []
    assert (planned["id"], planned["updated"], planned["region"]) == (Unknown, Unknown, None)
    assert planned["pool"] == [{"id": Unknown, "type": "small", "nodes": Unknown}]


def test_nothing_moves_when_nothing_is_asked() -> None:
    asked = BEFORE | {"tags": ["y", "x"], "plane": []}
    assert plan_change(FIELDS, BEFORE, asked) == BEFORE


def test_a_change_makes_unknown_only_what_it_may_move() -> None:
    planned = plan_change(FIELDS, BEFORE, BEFORE | {"label": "b"})
    assert (planned["id"], planned["label"], planned["updated"]) == ("7", "b", Unknown)
    assert planned["pool"] == BEFORE["pool"]


def test_a_changed_block_keeps_its_id_and_a_further_one_gets_one_later() -> None:
    pools = [{"id": 1, "type": "large", "nodes": 2}, {"id": None, "type": "small", "nodes": None}]
    planned = plan_change(FIELDS, BEFORE, BEFORE | {"pool": pools})
    assert [pool["id"] for pool in planned["pool"]] == [1, Unknown]
    assert [pool["nodes"] for pool in planned["pool"]] == [Unknown, Unknown]


@pytest.mark.parametrize(
    ("kind", "change", "replaced"),
    [
        (NodePool(), {"type": "g6-standard-6"}, ["type"]),
        (NodePool(), {"node_count": 5}, []),
        (Cluster(), {"region": "de-fra-2"}, ["region"]),
        (Cluster(), {"k8s_version": "1.35"}, []),
        (StorageKey(), {"bucket_access": [{"bucket_name": "b", "region": "r", "permissions": "p"}]}, ["bucket_access"]),
    ],
    ids=["type of a pool", "size of a pool", "region of a cluster", "version of a cluster", "buckets of a key"],
)
def test_another_resource_is_needed_only_for_what_cannot_be_changed(
    kind: NodePool | Cluster | StorageKey, change: State, replaced: list[str]
) -> None:
    before = complete(kind.fields, {})
    assert find_replacements(kind, before, before | change) == replaced


def test_an_import_names_what_it_lies_in() -> None:
    assert NodePool().import_state("5,9") == {"id": "9", "cluster_id": 5}
    with pytest.raises(ValueError, match="cluster_id,id"):
        NodePool().import_state("9")
