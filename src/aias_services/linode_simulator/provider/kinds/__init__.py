"""The resources and data sources that our modules use, by the names that Terraform gives them."""

from __future__ import annotations

from collections.abc import Mapping

from aias_services.linode_simulator.provider.kind import Kind, Source
from aias_services.linode_simulator.provider.kinds import kubernetes, networks

_KINDS = (*networks.KINDS, *kubernetes.KINDS)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _KINDS}
SOURCES: Mapping[str, Source] = {}
