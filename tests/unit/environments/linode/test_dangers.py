from __future__ import annotations

from typing import Any

import pytest

from aias_core.environments.linode.dangers import find_dangers, refuse_protected
from aias_core.environments.linode.terraform_plan import ResourceChange
from aias_core.errors import Refused

DROP = {"inbound_policy": "DROP", "inbound": []}
RULE = {"action": "ACCEPT", "protocol": "TCP", "ports": "443", "ipv4": ["192.0.2.0/24"], "ipv6": None}


def _change(kind: str, actions: str, before: Any = None, after: Any = None, reasons: Any = ()) -> ResourceChange:
    return ResourceChange(
        address=f"{kind}.this",
        type=kind,
        name="this",
        module="",
        actions=tuple(actions.split(",")),
        replace_reasons=tuple(reasons),
        before=before,
        after=after,
    )


def _acl(enabled: bool, *addresses: str) -> dict[str, Any]:
    return {"control_plane": [{"acl": [{"enabled": enabled, "addresses": [{"ipv4": list(addresses), "ipv6": []}]}]}]}


def _kept(days: int | None) -> dict[str, Any]:
    return {"label": "b", "lifecycle_rule": [{"expiration": [] if days is None else [{"days": days}]}]}


@pytest.mark.parametrize(
    ("change", "destroys"),
    [
        (_change("linode_lke_cluster", "delete", {"label": "c"}), [True]),
        (_change("linode_lke_node_pool", "delete,create", {"label": "p"}, {}, ["type"]), [True]),
        (_change("linode_database_postgresql_v2", "delete", {"label": "d"}), [True]),
        (_change("linode_object_storage_bucket", "delete", {"label": "b"}), [True]),
        (_change("linode_domain_record", "delete", {"name": "api"}), [True]),
        (_change("linode_firewall", "delete", {"label": "f"}), []),
        (_change("linode_firewall", "update", DROP, DROP | {"inbound": [RULE]}), [False]),
        (_change("linode_firewall", "update", DROP | {"inbound": [RULE]}, DROP), []),
        (_change("linode_firewall", "update", DROP, {"inbound_policy": "ACCEPT"}), [False]),
        (_change("linode_firewall", "update", {"inbound_policy": "ACCEPT"}, DROP), []),
        (_change("linode_lke_cluster", "update", _acl(True, "192.0.2.0/24"), _acl(False)), [False]),
        (_change("linode_lke_cluster", "update", _acl(True, "192.0.2.0/24"), _acl(True, "192.0.2.7/32")), []),
        (_change("linode_lke_cluster", "update", _acl(True, "192.0.2.0/24"), _acl(True, "192.0.0.0/16")), [False]),
        (_change("linode_lke_cluster", "update", {"pool": [{"type": "a"}]}, {"pool": [{"type": "b"}]}), [False]),
        (_change("linode_object_storage_bucket", "update", _kept(90), _kept(30)), [False]),
        (_change("linode_object_storage_bucket", "update", _kept(None), _kept(30)), [False]),
        (_change("linode_object_storage_bucket", "update", _kept(30), _kept(90)), []),
        (_change("linode_vpc", "create", None, {"label": "v"}), []),
    ],
)
def test_what_could_hurt_is_a_danger_and_nothing_else_is(change: ResourceChange, destroys: list[bool]) -> None:
    assert [one.destroys for one in find_dangers([change])] == destroys


def test_a_danger_is_agreed_to_by_the_name_that_people_know() -> None:
    (danger,) = find_dangers([_change("linode_lke_cluster", "delete", {"label": "aias-production"})])
    assert danger.name == "aias-production"


def test_a_protected_environment_loses_no_database_and_may_lose_a_pool() -> None:
    refuse_protected(find_dangers([_change("linode_lke_node_pool", "delete", {"label": "p"})]), "production")
    with pytest.raises(Refused, match="'production' is protected"):
        refuse_protected(
            find_dangers([_change("linode_database_postgresql_v2", "delete", {"label": "d"})]), "production"
        )
