"""What has to be put right in a state of Terraform's by hand. Format: version 4, `terraform state pull`."""

from __future__ import annotations

import json
from typing import Any

CLUSTER = "linode_lke_cluster"
# The same word as in terraform/modules/lke.
EXTERNAL_POOL_TAG = "pool:external"


def keep_own_pools(state: bytes, tag: str) -> bytes:
    """The state in which clusters hold only their own pools: those without the tag, by which they know the others."""
    document = json.loads(state)
    for resource in document["resources"]:
        if resource["type"] == CLUSTER:
            for instance in resource["instances"]:
                _keep_own_pools(instance["attributes"], tag)
    document["serial"] += 1
    return json.dumps(document, indent=2).encode()


def _keep_own_pools(cluster: dict[str, Any], tag: str) -> None:
    cluster["pool"] = [pool for pool in cluster["pool"] if tag not in (pool.get("tags") or ())]
    cluster["external_pool_tags"] = [tag]
