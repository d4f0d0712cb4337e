"""The component registry as a whole: what is missing in it, and the graph of what needs what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from aias_core.environments.components import Component, load_registry

KINDS = ("store", "service", "model", "telemetry", "delivery")
SERVICES = "aias_services"
# A tool that people start for rehearsals, part of no environment.
NOT_DEPLOYED = frozenset({"linode_simulator"})


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that the registry lacks, or has without there being any."""

    component: str
    problem: str

    def as_record(self) -> dict[str, str]:
        return asdict(self)


def describe_registry() -> dict[str, Any]:
    """Every component as a row, and what is missing."""
    registry = load_registry()
    return {
        "components": [describe_component(component) for component in registry.values()],
        "missing": [gap.as_record() for gap in find_gaps(registry)],
    }


def describe_component(component: Component) -> dict[str, Any]:
    """The entry as a row."""
    return {
        "component": component.name,
        "kind": component.kind,
        "owner": component.owner,
        "targets": list(component.targets),
        "ports": {name: port for name, port in component.ports.items() if port is not None},
        "health": component.health if isinstance(component.health, str) else dict(component.health),
        "metrics": dict(component.metrics),
        "needs": [*component.depends_on, *([" or ".join(component.one_of)] if component.one_of else [])],
        "namespaces": list(component.namespaces),
        "variables": list(component.variables),
    }


def find_gaps(registry: Mapping[str, Component]) -> list[Gap]:
    """Services without an entry, entries without a service, needs that name nothing, entries that are not whole."""
    return [*_find_unregistered(registry), *(gap for c in registry.values() for gap in _find_faults(c, registry))]


def _find_unregistered(registry: Mapping[str, Component]) -> Iterator[Gap]:
    registered = {component.module for component in registry.values()}
    for name in _list_services():
        if f"{SERVICES}.{name}" not in registered:
            yield Gap(name, f"the service '{SERVICES}.{name}' is not registered")


def _list_services() -> list[str]:
    spec = find_spec(SERVICES)
    roots = [] if spec is None else [Path(place) for place in spec.submodule_search_locations or ()]
    found = {path.parent.name for root in roots for path in root.glob("*/__main__.py")}
    return sorted(found - NOT_DEPLOYED)


def _find_faults(component: Component, registry: Mapping[str, Component]) -> Iterator[Gap]:
    if component.module is not None and find_spec(component.module) is None:
        yield Gap(component.name, f"the module '{component.module}' does not exist")
    for needed in (*component.depends_on, *component.one_of):
        if needed not in registry:
            yield Gap(component.name, f"it needs '{needed}', which is not registered")
    if component.kind not in KINDS:
        yield Gap(component.name, f"'{component.kind}' is not a kind; there are: {', '.join(KINDS)}")
    for field in ("owner", "health"):
        if not getattr(component, field):
            yield Gap(component.name, f"'{field}' is missing")
    for what, probe in (("health", component.health), ("metrics", component.metrics)):
        if isinstance(probe, Mapping) and probe and probe["port"] not in component.ports:
            yield Gap(component.name, f"'{what}' names the port '{probe['port']}', which it does not have")


def render_graph(registry: Mapping[str, Component] | None = None) -> str:
    """The components and their needs as a Mermaid graph; where one of several is enough, the lines are dotted."""
    known = load_registry() if registry is None else registry
    nodes = [f"    {name}[{name}]" for name in known]
    needs = [f"    {c.name} --> {needed}" for c in known.values() for needed in c.depends_on]
    choices = [f"    {c.name} -.-> {needed}" for c in known.values() for needed in c.one_of]
    return "\n".join(["graph TD", *nodes, *needs, *choices])
