"""What a profile would say of a resource as it is."""

from __future__ import annotations

from aias_core.environments.linode.matching import describe_instances, format_settings, list_settings, nest_settings
from aias_core.environments.linode.terraform_state import Instance

POOL = {"label": "general", "type": "g6-standard-4", "count": 3, "autoscaler": [{"min": 2, "max": 6}]}


def test_settings_are_told_as_set_takes_them() -> None:
    settings = list_settings("linode_lke_cluster", "this", {"k8s_version": "1.35", "pool": [POOL]}, ["k8s_version"])
    assert format_settings(settings) == "cluster.version: '1.35'"


def test_an_attribute_without_a_field_has_no_setting() -> None:
    assert list_settings("linode_firewall", "edge", {"inbound": []}, ["inbound"]) == []


def test_resources_become_a_profile() -> None:
    plane = [{"high_availability": True, "acl": [{"enabled": True, "addresses": [{"ipv4": ["203.0.113.9/32"]}]}]}]
    cluster = {"id": 1, "k8s_version": "1.34", "control_plane": plane, "pool": [POOL]}
    rules = [{"expiration": [{"days": 30}]}]
    address = 'module.object_storage.linode_object_storage_bucket.this["builds"]'
    found = describe_instances(
        [
            Instance("module.lke.linode_lke_cluster.this", "linode_lke_cluster", "1", cluster, False),
            Instance(
                address, "linode_object_storage_bucket", "x", {"versioning": False, "lifecycle_rule": rules}, False
            ),
        ]
    )
    assert found == {
        "cluster": {
            "version": "1.34",
            "ha": True,
            "acl": {"enabled": True, "ipv4": ["203.0.113.9/32"]},
            "pools": {"general": {"type": "g6-standard-4", "count": 3, "minimum": 2, "maximum": 6}},
        },
        "buckets": {"builds": {"versioned": False, "expire_days": 30}},
    }
    assert nest_settings([]) == {}
