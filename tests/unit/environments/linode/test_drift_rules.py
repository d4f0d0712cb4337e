"""How much a change weighs: by attribute, with what moves by itself left out; what has no rule is major."""

from __future__ import annotations

from typing import Any

import pytest

from aias_core.environments.linode.drift_rules import Severity, Surroundings, compare_attributes, worst

OURS = ["aias", "env:small", "managed-by:aias"]
POOL = {"label": "general", "count": 2, "autoscaler": [{"min": 2, "max": 4}], "nodes": [{"id": "a"}]}
NODES = Surroundings(
    existing=frozenset({1, 2, 9}), own=frozenset({1, 2}), addresses=frozenset({"203.0.113.1", "203.0.113.2"})
)


def _weigh(kind: str, before: dict[str, Any], after: dict[str, Any], around: Surroundings = NODES) -> Severity:
    return worst(one.severity for one in compare_attributes(kind, before, after, around))


@pytest.mark.parametrize(
    ("kind", "before", "after", "severity"),
    [
        pytest.param("linode_domain", {"updated": "x"}, {"updated": "y"}, "none", id="what Linode writes"),
        pytest.param("linode_domain", {"tags": OURS}, {"tags": [*OURS, "x"]}, "minor", id="a tag more"),
        pytest.param("linode_domain", {"tags": OURS}, {"tags": OURS[1:]}, "major", id="one of our tags less"),
        pytest.param("linode_domain", {"description": "x"}, {"description": "y"}, "minor", id="a description"),
        pytest.param("linode_vpc", {"description": "x"}, {"description": "y"}, "major", id="whose a VPC is"),
        pytest.param("linode_domain", {"ttl_sec": 0}, {"ttl_sec": 300}, "major", id="no rule"),
        pytest.param(
            "linode_lke_cluster",
            {"pool": [POOL]},
            {"pool": [{**POOL, "count": 3, "nodes": []}]},
            "none",
            id="scaled within its bounds",
        ),
        pytest.param(
            "linode_lke_cluster", {"pool": [POOL]}, {"pool": [{**POOL, "count": 5}]}, "major", id="beyond its bounds"
        ),
        pytest.param(
            "linode_lke_node_pool", {"node_count": 1}, {"node_count": 2}, "major", id="a pool of a fixed size"
        ),
        pytest.param(
            "linode_firewall",
            {"inbound": [{"label": "a", "ports": "80"}]},
            {"inbound": [{"label": "b", "ports": "80"}]},
            "minor",
            id="the label of a rule",
        ),
        pytest.param(
            "linode_firewall",
            {"inbound": [{"label": "a", "ports": "80"}]},
            {"inbound": [{"label": "a", "ports": "22"}]},
            "major",
            id="the port of a rule",
        ),
        pytest.param("linode_firewall", {"linodes": [1]}, {"linodes": [1, 2]}, "none", id="a new node behind it"),
        pytest.param("linode_firewall", {"linodes": [1, 3]}, {"linodes": [1]}, "none", id="a node that is gone"),
        pytest.param("linode_firewall", {"linodes": [1]}, {"linodes": [1, 9]}, "major", id="somebody else behind it"),
        pytest.param("linode_firewall", {"linodes": [1, 2]}, {"linodes": [1]}, "major", id="a node taken out"),
        pytest.param(
            "linode_database_postgresql_v2",
            {"allow_list": ["203.0.113.1"]},
            {"allow_list": ["203.0.113.2/32", "203.0.113.1"]},
            "none",
            id="the list follows the nodes",
        ),
        pytest.param(
            "linode_database_postgresql_v2", {"allow_list": []}, {"allow_list": ["0.0.0.0/0"]}, "major", id="opened"
        ),
    ],
)
def test_a_change_weighs_what_its_rule_says(
    kind: str, before: dict[str, Any], after: dict[str, Any], severity: Severity
) -> None:
    assert _weigh(kind, before, after) == severity
