"""The resources and data sources that our modules use, by the names that Terraform gives them."""

from __future__ import annotations

from collections.abc import Mapping

from aias_services.linode_simulator.provider.kind import Kind, Source
from aias_services.linode_simulator.provider.kinds import (
    databases,
    domains,
    instances,
    kubernetes,
    networks,
    storage,
)

_MODULES = (networks, kubernetes, databases, storage, domains, instances)

KINDS: Mapping[str, Kind] = {kind.name: kind for module in _MODULES for kind in module.KINDS}
SOURCES: Mapping[str, Source] = {source.name: source for source in instances.SOURCES}
