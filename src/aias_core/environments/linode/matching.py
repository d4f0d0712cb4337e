"""What a profile would have to say for a resource to be as it is: the way from the account back to the profile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aias_core.environments.linode.adoption import BUCKET, CLUSTER, DATABASE, DOMAIN, POOL, SUBNET
from aias_core.environments.linode.terraform_state import Instance

Setting = tuple[tuple[str, ...], Any]


def list_settings(kind: str, name: str, real: Mapping[str, Any], attributes: Iterable[str]) -> list[Setting]:
    """The profile's keys with their values that hold what these attributes of a resource say; those that have none
    are left out. `name` is the key of a resource of which there are several.
    """
    return [setting for attribute in attributes for setting in _iter_settings(kind, name, real, attribute)]


def format_settings(settings: Iterable[Setting]) -> str:
    """In one line, as `--set` takes them."""
    return "; ".join(f"{'.'.join(path)}: {_format(value)}" for path, value in settings)


def nest_settings(settings: Iterable[Setting]) -> dict[str, Any]:
    """As a profile holds them."""
    nested: dict[str, Any] = {}
    for path, value in settings:
        level = nested
        for part in path[:-1]:
            level = level.setdefault(part, {})
        level[path[-1]] = value
    return nested


def describe_instances(instances: Iterable[Instance]) -> dict[str, Any]:
    """All that a profile would say of these resources."""
    settings = [
        setting
        for one in instances
        for setting in list_settings(one.type, _name_of(one), one.attributes, _ATTRIBUTES.get(one.type, ()))
    ]
    return nest_settings(settings)


_ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    CLUSTER: ("k8s_version", "tier", "control_plane", "pool"),
    POOL: ("type", "node_count", "autoscaler", "labels"),
    DATABASE: ("type", "cluster_size", "engine_id"),
    BUCKET: ("versioning", "lifecycle_rule"),
    SUBNET: ("ipv4",),
    DOMAIN: ("domain",),
}


def _name_of(instance: Instance) -> str:
    _, _, index = instance.address.rpartition('["')
    return index.removesuffix('"]')


def _iter_settings(kind: str, name: str, real: Mapping[str, Any], attribute: str) -> Iterator[Setting]:
    value = real.get(attribute)
    match kind, attribute:
        case "linode_lke_cluster", "k8s_version":
            yield ("cluster", "version"), value
        case "linode_lke_cluster", "tier" if value:
            yield ("cluster", "tier"), value
        case "linode_lke_cluster", "control_plane":
            yield from _iter_plane(next(iter(value or ()), {}))
        case "linode_lke_cluster", "pool":
            for pool in value or ():
                yield from _iter_pool(str(pool.get("label") or pool.get("id")), pool, pool.get("count"))
        case "linode_lke_node_pool", "type" | "node_count" | "autoscaler" | "labels":
            yield from _iter_pool(name, real, real.get("node_count"))
        case "linode_database_postgresql_v2", "type":
            yield ("database", "type"), value
        case "linode_database_postgresql_v2", "cluster_size":
            yield ("database", "nodes"), value
        case "linode_database_postgresql_v2", "engine_id":
            yield ("database", "version"), str(value).rpartition("/")[2]
        case "linode_object_storage_bucket", "versioning":
            yield ("buckets", name, "versioned"), value
        case "linode_object_storage_bucket", "lifecycle_rule":
            yield ("buckets", name, "expire_days"), _days_of(value)
        case "linode_vpc_subnet", "ipv4":
            yield ("network", "subnets", name), value
        case "linode_domain", "domain":
            yield ("domain",), value


def _iter_plane(plane: Mapping[str, Any]) -> Iterator[Setting]:
    acl: Mapping[str, Any] = next(iter(plane.get("acl") or ()), {})
    addresses: Mapping[str, Any] = next(iter(acl.get("addresses") or ()), {})
    yield ("cluster", "ha"), bool(plane.get("high_availability"))
    yield ("cluster", "acl", "enabled"), bool(acl.get("enabled"))
    for family in ("ipv4", "ipv6"):
        if addresses.get(family):
            yield ("cluster", "acl", family), sorted(addresses[family])


def _iter_pool(name: str, pool: Mapping[str, Any], count: Any) -> Iterator[Setting]:
    bounds = next(iter(pool.get("autoscaler") or ()), None)
    yield ("cluster", "pools", name, "type"), pool.get("type")
    yield ("cluster", "pools", name, "count"), count
    if bounds:
        yield ("cluster", "pools", name, "minimum"), bounds["min"]
        yield ("cluster", "pools", name, "maximum"), bounds["max"]
    if pool.get("labels"):
        yield ("cluster", "pools", name, "labels"), dict(pool["labels"])


def _days_of(rules: Any) -> int | None:
    days = [one["days"] for rule in rules or () for one in rule.get("expiration") or () if one.get("days")]
    return min(days, default=None)


def _format(value: Any) -> str:
    import yaml

    return str(yaml.safe_dump(value, default_flow_style=True, width=10_000)).removesuffix("\n").removesuffix("\n...")
