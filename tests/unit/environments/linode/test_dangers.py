from __future__ import annotations

from typing import Any

import pytest

from aias_core.environments.linode.dangers import find_dangers, refuse_protected
from aias_core.environments.linode.terraform_plan import ResourceChange
from aias_core.errors import Refused
from support.terraform import make_change

DROP = {"inbound_policy": "DROP", "inbound": []}
RULE = {"action": "ACCEPT", "protocol": "TCP", "ports": "443", "ipv4": ["192.0.2.0/24"], "ipv6": None}


def _acl(enabled: bool, *addresses: str) -> dict[str, Any]:
    return {"control_plane": [{"acl": [{"enabled": enabled, "addresses": [{"ipv4": list(addresses), "ipv6": []}]}]}]}


def _kept(days: int | None) -> dict[str, Any]:
    return {"label": "b", "lifecycle_rule": [{"expiration": [] if days is None else [{"days": days}]}]}


@pytest.mark.parametrize(
    ("change", "destroys"),
    [
        (make_change("linode_lke_cluster", "delete", {"label": "c"}), [True]),
        (make_change("linode_lke_node_pool", "delete,create", {"label": "p"}, {}, ["type"]), [True]),
        (make_change("linode_database_postgresql_v2", "delete", {"label": "d"}), [True]),
        (make_change("linode_object_storage_bucket", "delete", {"label": "b"}), [True]),
        (make_change("linode_domain_record", "delete", {"name": "api"}), [True]),
        (make_change("linode_firewall", "delete", {"label": "f"}), []),
        (make_change("linode_firewall", "update", DROP, DROP | {"inbound": [RULE]}), [False]),
        (make_change("linode_firewall", "update", DROP | {"inbound": [RULE]}, DROP), []),
        (make_change("linode_firewall", "update", DROP, {"inbound_policy": "ACCEPT"}), [False]),
        (make_change("linode_firewall", "update", {"inbound_policy": "ACCEPT"}, DROP), []),
        (make_change("linode_lke_cluster", "update", _acl(True, "192.0.2.0/24"), _acl(False)), [False]),
        (make_change("linode_lke_cluster", "update", _acl(True, "192.0.2.0/24"), _acl(True, "192.0.2.7/32")), []),
        (make_change("linode_lke_cluster", "update", _acl(True, "192.0.2.0/24"), _acl(True, "192.0.0.0/16")), [False]),
        (make_change("linode_lke_cluster", "update", {"pool": [{"type": "a"}]}, {"pool": [{"type": "b"}]}), [False]),
        (make_change("linode_object_storage_bucket", "update", _kept(90), _kept(30)), [False]),
        (make_change("linode_object_storage_bucket", "update", _kept(None), _kept(30)), [False]),
        (make_change("linode_object_storage_bucket", "update", _kept(30), _kept(90)), []),
        (make_change("linode_vpc", "create", None, {"label": "v"}), []),
    ],
)
def test_what_could_hurt_is_a_danger_and_nothing_else_is(change: ResourceChange, destroys: list[bool]) -> None:
    assert [one.destroys for one in find_dangers([change])] == destroys


def test_a_danger_is_agreed_to_by_the_name_that_people_know() -> None:
    (danger,) = find_dangers([make_change("linode_lke_cluster", "delete", {"label": "aias-production"})])
    assert danger.name == "aias-production"


def test_a_protected_environment_loses_no_database_and_may_lose_a_pool() -> None:
    refuse_protected(find_dangers([make_change("linode_lke_node_pool", "delete", {"label": "p"})]), "production")
    with pytest.raises(Refused, match="'production' is protected"):
        refuse_protected(
            find_dangers([make_change("linode_database_postgresql_v2", "delete", {"label": "d"})]), "production"
        )
