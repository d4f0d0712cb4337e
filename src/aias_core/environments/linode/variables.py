"""What a profile says, as the variables of the root `terraform/environment`. Every value comes from the profile."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from aias_core.errors import InvalidInput

if TYPE_CHECKING:
    from aias_core.environments.schema import LinodeProfile, Pool

# The state bucket is there before Terraform starts and is in no state of Terraform's.
STATE_BUCKET = "state"
BACKUP_BUCKET = "backups"
SERVICE_KEY = "services"
NODES = "nodes"
_INLINE_NAMES = ("general", "ops")
_NODE_BITS = 4


def build_variables(profile: LinodeProfile, name: str) -> dict[str, Any]:
    """The variables by name, as plain values. Raises InvalidInput when no pool may be part of the cluster."""
    return {
        "environment": name,
        "region": profile.region,
        "tags": build_tags(profile, name),
        "network": _build_network(profile),
        "cluster": _build_cluster(profile),
        "database": {
            "type": profile.database.type,
            "nodes": profile.database.nodes,
            "version": profile.database.version,
        },
        "storage": _build_storage(profile, name),
        "domain": profile.domain,
        "api_version": profile.account.api_version,
    }


def build_tags(profile: LinodeProfile, name: str) -> list[str]:
    """The tags of everything that belongs to an environment."""
    return sorted({"aias", f"env:{name}", "managed-by:aias", *profile.tags})


def list_pools(profile: LinodeProfile) -> dict[str, Pool]:
    """The pools that the environment has: those for GPUs only where GPUs are enabled."""
    return {name: pool for name, pool in sorted(profile.cluster.pools.items()) if profile.gpu.enabled or not pool.gpu}


def list_key_labels(profile: LinodeProfile) -> list[str]:
    """What the keys to the buckets are called."""
    storage = _build_storage(profile, profile.name)
    return [f"{storage['prefix']}-{key}" for key in storage["keys"]]


def find_inline_pool(pools: dict[str, Pool]) -> str:
    """The one pool that is made with the cluster: `general` or `ops`, else the first without GPUs and taints.

    Raises InvalidInput when there is none.
    """
    plain = [key for key, pool in sorted(pools.items()) if not pool.gpu and not pool.taints]
    named = next((key for key in _INLINE_NAMES if key in plain), None)
    if named is None and not plain:
        raise InvalidInput(
            "No node pool can run the cluster's own services: each has GPUs or taints",
            hint="add a pool named 'general' without taints below 'cluster.pools' of the profile",
        )
    return named or plain[0]


def _build_cluster(profile: LinodeProfile) -> dict[str, Any]:
    cluster, pools = profile.cluster, list_pools(profile)
    return {
        "version": cluster.version,
        "tier": cluster.tier,
        "high_availability": cluster.ha,
        "audit_logs": False,
        "acl": {"enabled": cluster.acl.enabled, "ipv4": cluster.acl.ipv4, "ipv6": cluster.acl.ipv6},
        "inline_pool": find_inline_pool(pools),
        "pools": {key: _build_pool(pool) for key, pool in pools.items()},
    }


def _build_pool(pool: Pool) -> dict[str, Any]:
    least, most = pool.minimum or pool.count, pool.maximum or pool.count
    return {
        "type": pool.type,
        "count": pool.count,
        "autoscaler": {"min": least, "max": most} if most > least else None,
        "labels": pool.labels,
        "taints": {key: {"value": taint.value, "effect": taint.effect} for key, taint in pool.taints.items()},
    }


def _build_network(profile: LinodeProfile) -> dict[str, Any]:
    network = profile.network
    return {
        "vpc_cidr": network.vpc_cidr,
        "subnets": {NODES: _first_part(network.vpc_cidr), **network.subnets},
        "ingress_cidrs": network.ingress_cidrs,
        "egress_cidrs": network.egress_cidrs,
    }


def _first_part(cidr: str) -> str:
    """The subnet of the nodes where the profile names none: the first sixteenth of the VPC."""
    whole = ipaddress.ip_network(cidr, strict=False)
    return str(next(whole.subnets(prefixlen_diff=min(_NODE_BITS, whole.max_prefixlen - whole.prefixlen))))


def _build_storage(profile: LinodeProfile, name: str) -> dict[str, Any]:
    buckets = {key: bucket for key, bucket in sorted(profile.buckets.items()) if key != STATE_BUCKET}
    services = [key for key in buckets if key != BACKUP_BUCKET]
    opened = {SERVICE_KEY: services, BACKUP_BUCKET: [key for key in buckets if key == BACKUP_BUCKET]}
    return {
        "prefix": f"{profile.bucket_prefix}-{name}",
        "buckets": {
            key: {"versioned": bucket.versioned, "expire_days": bucket.expire_days} for key, bucket in buckets.items()
        },
        "keys": {key: {"buckets": names} for key, names in opened.items() if names},
    }
