"""The component registry: what an environment consists of, read from `components.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aias_core.errors import NotFound

_REGISTRY = Path(__file__).with_name("components.yaml")


@dataclass(frozen=True, slots=True)
class Component:
    """One supervised program. `module` is set for our own services, which start as `python -m <module>`."""

    name: str
    ports: Mapping[str, int | None]
    memory_mib: int
    liveness: str | Mapping[str, str]
    module: str | None = None
    depends_on: tuple[str, ...] = ()
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
        """The variable that fixes one of its ports."""
        middle = "" if port == "main" else f"_{port}"
        default = f"AIAS_LOCAL_{self.name}{middle}_PORT".upper().replace("-", "_")
        return self.port_variables.get(port, default)


def load_components() -> dict[str, Component]:
    """Every component by name, each after what it depends on."""
    import yaml

    raw: dict[str, dict[str, Any]] = yaml.safe_load(_REGISTRY.read_text(encoding="utf-8"))
    return {name: _build(name, entry) for name, entry in raw.items()}


def _build(name: str, entry: dict[str, Any]) -> Component:
    lists: dict[str, Any] = {key: tuple(entry.pop(key, ())) for key in ("depends_on", "variables")}
    return Component(name=name, **lists, **entry)


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
