from __future__ import annotations

import pytest

from aias_core.environments.components import get_component, load_components, stop_levels
from aias_core.errors import NotFound

COMPONENTS = load_components()


def test_every_component_stands_after_what_it_depends_on() -> None:
    seen: set[str] = set()
    for component in COMPONENTS.values():
        assert set(component.depends_on) <= seen
        seen.add(component.name)


def test_nobody_stops_before_those_that_depend_on_it() -> None:
    level_of = {name: level for level, names in enumerate(stop_levels(COMPONENTS)) for name in names}
    assert level_of.keys() == COMPONENTS.keys()
    for component in COMPONENTS.values():
        assert all(level_of[component.name] < level_of[needed] for needed in component.depends_on)


def test_preferred_ports_and_variables_are_each_used_once() -> None:
    ports = [p for c in COMPONENTS.values() for p in c.ports.values() if p is not None]
    variables = [c.port_variable(name) for c in COMPONENTS.values() for name in c.ports]
    assert len(ports) == len(set(ports))
    assert len(variables) == len(set(variables))


@pytest.mark.parametrize(
    ("component", "port", "variable"),
    [
        ("router", "main", "AIAS_LOCAL_ROUTER_PORT"),
        ("nats", "monitor", "AIAS_LOCAL_NATS_MONITOR_PORT"),
        ("objects", "main", "AIAS_LOCAL_S3_PORT"),
        ("mock-model-1", "ops", "AIAS_LOCAL_MOCK_MODEL_1_OPS_PORT"),
    ],
)
def test_port_variable_is_the_documented_one(component: str, port: str, variable: str) -> None:
    assert COMPONENTS[component].port_variable(port) == variable


def test_unknown_component_lists_the_known_ones() -> None:
    with pytest.raises(NotFound) as caught:
        get_component(COMPONENTS, "redis")
    assert "router" in str(caught.value.hint)
