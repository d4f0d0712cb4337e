"""Every resource and operation of the fake API, gathered."""

from __future__ import annotations

from aias_services.linode_simulator.engine import build_operations
from aias_services.linode_simulator.resource import Resource
from aias_services.linode_simulator.resources import (
    account,
    balancers,
    billing,
    catalogues,
    compute,
    compute_actions,
    databases,
    domains,
    firewalls,
    kubernetes,
    kubernetes_actions,
    kubernetes_nodes,
    stackscripts,
    storage,
    volumes,
    vpcs,
)
from aias_services.linode_simulator.routing import Operation

REGISTRY: dict[str, Resource] = {
    resource.kind: resource
    for module in (
        account,
        balancers,
        compute,
        databases,
        domains,
        firewalls,
        kubernetes,
        kubernetes_nodes,
        stackscripts,
        storage,
        volumes,
        vpcs,
    )
    for resource in module.RESOURCES
}
OPERATIONS: tuple[Operation, ...] = (
    *(operation for resource in REGISTRY.values() for operation in build_operations(resource)),
    *account.OPERATIONS,
    *balancers.OPERATIONS,
    *billing.OPERATIONS,
    *catalogues.OPERATIONS,
    *compute_actions.OPERATIONS,
    *databases.OPERATIONS,
    *domains.OPERATIONS,
    *firewalls.OPERATIONS,
    *kubernetes_actions.OPERATIONS,
    *storage.OPERATIONS,
    *volumes.OPERATIONS,
)
