from __future__ import annotations

from dataclasses import replace

import pytest

from aias_core import service_settings
from aias_core.environments.components import load_components, load_registry
from aias_core.environments.registry import find_gaps, render_graph
from aias_core.service_settings import ServiceSettings

REGISTRY = load_registry()


def test_nothing_is_missing() -> None:
    assert find_gaps(REGISTRY) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"owner": ""}, "'owner' is missing"),
        ({"health": ""}, "'health' is missing"),
        ({"kind": "thing"}, "not a kind"),
        ({"depends_on": ("redis",)}, "'redis', which is not registered"),
        ({"one_of": ("redis",)}, "'redis', which is not registered"),
        ({"module": "aias_services.nothing"}, "does not exist"),
        ({"metrics": {"port": "nowhere", "path": "/metrics"}}, "'nowhere'"),
    ],
)
def test_an_entry_that_is_not_whole_is_a_gap(change: dict[str, object], problem: str) -> None:
    changed = {**REGISTRY, "router": replace(REGISTRY["router"], **change)}  # type: ignore[arg-type]
    assert any(problem in gap.problem for gap in find_gaps(changed) if gap.component == "router")


def test_a_service_without_an_entry_is_a_gap() -> None:
    without = {name: component for name, component in REGISTRY.items() if name != "analytics"}
    assert ("analytics", "the service 'aias_services.analytics' is not registered") in {
        (gap.component, gap.problem) for gap in find_gaps(without)
    }


def test_the_graph_has_every_need() -> None:
    lines = render_graph().splitlines()
    assert lines[0] == "graph TD"
    assert "    router --> identity" in lines
    assert "    router -.-> vllm" in lines


def test_instances_take_the_place_of_their_component_on_one_machine() -> None:
    local = load_components()
    assert {"mock-model-1", "mock-model-2"} <= set(local)
    assert "mock-model" not in local
    assert set(local["router"].depends_on) == {"postgres", "nats", "identity", "mock-model-1", "mock-model-2"}


@pytest.mark.parametrize(
    ("service", "model"),
    [("identity", "IdentitySettings"), ("router", "RouterSettings"), ("analytics", "AnalyticsSettings")],
)
def test_a_service_reads_every_variable_that_it_must_have_and_no_other(service: str, model: str) -> None:
    settings: type[ServiceSettings] = getattr(service_settings, model)
    own = {name: field for name, field in settings.model_fields.items() if name not in ServiceSettings.model_fields}
    registered = set(REGISTRY[service].variables)
    assert {f"AIAS_{name.upper()}" for name, field in own.items() if field.is_required()} <= registered
    assert registered <= {f"AIAS_{name.upper()}" for name in own}
