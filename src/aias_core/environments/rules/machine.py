"""Rules of an environment on this machine: its ports."""

from __future__ import annotations

from aias_core.environments.components import load_components
from aias_core.environments.rules.inspection import Inspection
from aias_core.environments.schema import LocalProfile


def check_ports(inspection: Inspection[LocalProfile]) -> None:
    """A fixed port belongs to a component, and to one only."""
    known = {
        component.name if port == "main" else f"{component.name}.{port}"
        for component in load_components().values()
        for port in component.ports
    }
    holders: dict[int, str] = {}
    for label, port in inspection.profile.ports.fixed.items():
        path = ("ports", "fixed", label)
        if label not in known:
            fix = f"one of: {', '.join(sorted(name for name in known if '.' not in name))}"
            inspection.refuse("unknown-component", path, f"there is no component or port '{label}'", fix)
        if port in holders:
            problem = f"port {port} is given to '{holders[port]}' and to '{label}'"
            inspection.refuse("duplicate-port", path, problem, "give one of them another port")
        holders.setdefault(port, label)


CHECKS = (check_ports,)
