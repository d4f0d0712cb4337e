"""Rules of what is deployed into a cluster: known components, their needs, and the names that refer to one another."""

from __future__ import annotations

from collections.abc import Iterable

from aias_core.environments.components import Component
from aias_core.environments.rules.inspection import Inspection
from aias_core.environments.schema import LinodeProfile

MOCK = "mock-model"


def list_enabled(profile: LinodeProfile, registry: dict[str, Component]) -> list[str]:
    """The components that the environment consists of; without GPUs none that needs one."""
    off = {name for name, choice in profile.components.items() if not choice.enabled}
    return [
        component.name
        for component in registry.values()
        if "linode" in component.targets
        and component.name not in off
        and (profile.gpu.enabled or not component.needs_gpu)
    ]


def check_components(inspection: Inspection[LinodeProfile]) -> None:
    """Every component is registered, and what it needs is there."""
    profile, registry = inspection.profile, inspection.registry
    for name in profile.components.keys() - registry.keys():
        fix = f"one of: {', '.join(registry)}"
        inspection.refuse("unknown-component", ("components", name), f"there is no component '{name}'", fix)
    enabled = set(list_enabled(profile, registry))
    for name in sorted(enabled):
        _check_needs(inspection, registry[name], enabled)
    asked = (name for name, choice in profile.components.items() if choice.enabled and name in registry)
    for name in asked:
        if registry[name].needs_gpu and not profile.gpu.enabled:
            problem = f"'{name}' needs GPUs, which are off"
            inspection.refuse("unmet-dependency", ("components", name), problem, "set gpu.enabled to true")


def _check_needs(inspection: Inspection[LinodeProfile], component: Component, enabled: set[str]) -> None:
    for needed in component.depends_on:
        if needed not in enabled:
            problem = f"'{component.name}' needs '{needed}', which is off"
            fix = f"switch '{needed}' on, or '{component.name}' off"
            inspection.refuse("unmet-dependency", ("components", needed), problem, fix)
    if component.one_of and not enabled.intersection(component.one_of):
        problem = f"'{component.name}' has none of: {', '.join(component.one_of)}"
        inspection.warn("unmet-dependency", ("gpu", "enabled"), problem, "set gpu.enabled to true to serve models")


def check_mock(inspection: Inspection[LinodeProfile]) -> None:
    """Nobody is served by the mock model in production."""
    profile = inspection.profile
    if inspection.extends("production") and MOCK in list_enabled(profile, inspection.registry):
        path = ("components", MOCK, "enabled")
        inspection.refuse("mock-in-production", path, "the mock model would answer customers", "set it to false")


def check_references(inspection: Inspection[LinodeProfile]) -> None:
    """Namespaces name quotas that exist; secrets name namespaces and components that do."""
    profile = inspection.profile
    for name, namespace in profile.namespaces.items():
        if namespace.quota is not None:
            _check_known(inspection, ("namespaces", name, "quota"), [namespace.quota], profile.quotas, "quota")
    for name, secret in profile.secrets.items():
        path = ("secrets", name)
        _check_known(inspection, (*path, "namespaces"), secret.namespaces, profile.namespaces, "namespace")
        _check_known(inspection, (*path, "consumers"), secret.consumers, inspection.registry, "component")


def _check_known(
    inspection: Inspection[LinodeProfile], path: tuple[str, ...], names: list[str], known: Iterable[str], what: str
) -> None:
    for name in names:
        if name not in known:
            problem, fix = f"there is no {what} '{name}'", f"one of: {', '.join(known)}"
            inspection.refuse(f"unknown-{what}", path, problem, fix)


CHECKS = (check_components, check_mock, check_references)
