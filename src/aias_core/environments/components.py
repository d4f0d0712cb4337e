"""The component registry: what an environment consists of, read from `components.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aias_core.errors import NotFound
from aias_core.files import load_yaml

REGISTRY = Path(__file__).with_name("components.yaml")
Probe = str | Mapping[str, str]
_TUPLES = ("targets", "namespaces", "depends_on", "one_of", "variables")


@dataclass(frozen=True, slots=True)
class Component:
    """One part of an environment. `module` is set for our own services, which start as `python -m <module>`."""

    name: str
    ports: Mapping[str, int | None]
    kind: str = "service"
    owner: str = ""
    targets: tuple[str, ...] = ("local", "linode")
    linode_ports: Mapping[str, int] = field(default_factory=dict)
    health: Probe = ""
    metrics: Mapping[str, str] = field(default_factory=dict)
    namespaces: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    needs_gpu: bool = False
    instances: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    module: str | None = None
    memory_mib: int = 0
    liveness: Probe = ""
    variables: tuple[str, ...] = ()
    port_variables: Mapping[str, str] = field(default_factory=dict)
    database_role: str | None = None
    log_format: str = "json"
    stop_signal: str = "SIGTERM"
    stop_seconds: float = 10

    @property
    def is_service(self) -> bool:
        return self.module is not None

    def port_variable(self, port: str) -> str:
        """The variable that fixes one of its ports on one machine."""
        middle = "" if port == "main" else f"_{port}"
        default = f"AIAS_LOCAL_{self.name}{middle}_PORT".upper().replace("-", "_")
        return self.port_variables.get(port, default)

    def ports_on(self, target: str) -> Mapping[str, int | None]:
        """Its ports where it runs."""
        return self.linode_ports if target == "linode" and self.linode_ports else self.ports


def load_registry() -> dict[str, Component]:
    """Every component by name, as declared."""
    raw: dict[str, dict[str, Any]] = load_yaml(REGISTRY.read_text(encoding="utf-8"))
    return {name: _build(name, entry) for name, entry in raw.items()}


def load_components() -> dict[str, Component]:
    """The components that run on one machine, by name, each after what it depends on; instances one by one."""
    declared = [component for component in load_registry().values() if "local" in component.targets]
    names = {component.name: tuple(component.instances) or (component.name,) for component in declared}
    return {instance.name: instance for component in declared for instance in _expand(component, names)}


def _build(name: str, entry: dict[str, Any]) -> Component:
    lists: dict[str, Any] = {key: tuple(entry.pop(key)) for key in _TUPLES if key in entry}
    return Component(name=name, **lists, **entry)


def _expand(component: Component, names: Mapping[str, tuple[str, ...]]) -> Iterator[Component]:
    wanted = [*component.depends_on, *(name for name in component.one_of if name in names)]
    needs = tuple(instance for name in wanted for instance in names[name])
    for name in names[component.name]:
        ports = component.instances.get(name, component.ports)
        yield replace(component, name=name, ports=ports, depends_on=needs, one_of=(), instances={})


def get_component(components: Mapping[str, Component], name: str) -> Component:
    """The component of that name. Raises NotFound listing the known ones."""
    if name not in components:
        raise NotFound(f"There is no component '{name}'", hint=f"known are: {', '.join(components)}")
    return components[name]


def stop_levels(components: Mapping[str, Component]) -> list[list[str]]:
    """Which to stop together, in order: nobody stops before those that depend on it."""
    depth: dict[str, int] = {}
    for component in reversed(list(components.values())):
        users = [user.name for user in components.values() if component.name in user.depends_on]
        depth[component.name] = 1 + max((depth[user] for user in users), default=-1)
    return [[name for name in depth if depth[name] == level] for level in range(max(depth.values(), default=-1) + 1)]
