"""What has to be put right in a state of Terraform's by hand. Format: version 4, `terraform state pull`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aias_core.environments.linode.comparison import iter_instances

CLUSTER = "linode_lke_cluster"
# The same word as in terraform/modules/lke.
EXTERNAL_POOL_TAG = "pool:external"


@dataclass(frozen=True, slots=True)
class Instance:
    """One resource in a state, as Terraform addresses it."""

    address: str
    type: str
    id: str
    attributes: Mapping[str, Any]
    is_tainted: bool


def list_instances(state: Mapping[str, Any]) -> list[Instance]:
    """The managed resources of a state."""
    return list(_iter_managed(state))


def _iter_managed(state: Mapping[str, Any]) -> Iterator[Instance]:
    for resource in state.get("resources") or []:
        if resource.get("mode") == "managed":
            for address, attributes in iter_instances({"resources": [resource]}):
                is_tainted = attributes.get("(tainted)") == "tainted"
                yield Instance(address, resource["type"], str(attributes.get("id")), attributes, is_tainted)


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


def add_later(state: bytes, later: bytes) -> bytes:
    """A state with the resources that only a later one knows as well: what was made since is not forgotten."""
    older, newer = json.loads(state), json.loads(later)
    known = {address for address, _ in iter_instances(older)}
    for resource in newer["resources"]:
        if resource.get("mode") != "managed":
            continue
        made = [one for one in resource["instances"] if not _addresses({**resource, "instances": [one]}) & known]
        if made:
            _add(older["resources"], resource, made)
    return json.dumps({**older, "serial": older["serial"] + 1}, indent=2).encode()


def _addresses(resource: Mapping[str, Any]) -> set[str]:
    return {address for address, _ in iter_instances({"resources": [resource]})}


def _add(resources: list[dict[str, Any]], resource: Mapping[str, Any], instances: list[dict[str, Any]]) -> None:
    names = ("module", "mode", "type", "name")
    same = (one for one in resources if all(one.get(name) == resource.get(name) for name in names))
    found = next(same, None)
    if found is None:
        resources.append({**resource, "instances": instances})
    else:
        found["instances"] += instances
