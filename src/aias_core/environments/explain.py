"""What a profile says and where it says so: every value, one value with its history, and the model as JSON Schema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from aias_core.environments.assembly import DEFAULTS, Assembly
from aias_core.environments.components import REGISTRY, get_component, load_components, load_registry
from aias_core.environments.keypath import MISSING, KeyPath, format_path, iter_leaves, look_up, parse_path
from aias_core.environments.profiles import load_profile, read_assembly
from aias_core.environments.registry import describe_component
from aias_core.environments.templates import has_template
from aias_core.errors import NotFound
from aias_core.secret import redact, redact_all


@dataclass(frozen=True, slots=True)
class Setting:
    """One source of a value. `takes_away` is a null."""

    source: str
    line: int
    value: Any

    def as_record(self) -> dict[str, Any]:
        return {"source": self.source, "line": self.line, "value": self.value, "takes_away": self.value is None}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A value and every source that set it, the one in effect last; `template` is how the value was written."""

    environment: str
    key: str
    value: Any
    template: str | None
    settings: list[Setting]

    def as_record(self) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "key": self.key,
            "value": self.value,
            "template": self.template,
            "sources": [setting.as_record() for setting in self.settings],
        }


def explain_value(name: str, key: str, own: Path | None, overrides: Sequence[str] = ()) -> Explanation:
    """The value of a key and where it comes from. Raises NotFound for a key that the profile does not have."""
    path = parse_path(key)
    assembly = read_assembly(name, own, overrides)
    value = look_up(_dump(name, own, overrides), path)
    settings = [Setting(o.source, o.line, redact_all(o.value)) for o in assembly.origins(path)]
    if value is MISSING and not settings:
        raise _no_such_key(name, key, assembly)
    if not any(setting.value is not None for setting in settings) and value is not MISSING:
        settings = [Setting(DEFAULTS, 0, redact_all(value)), *settings]
    raw = look_up(assembly.raw, path)
    shown = None if value is MISSING else redact_all(value)
    return Explanation(name, format_path(path), shown, redact(raw) if has_template(raw) else None, settings)


def list_values(name: str, own: Path | None, overrides: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Every value of a profile with the place that set it. Raises NotFound, InvalidInput as `load_profile`."""
    assembly = read_assembly(name, own, overrides)
    return [
        {"key": format_path(path), "value": redact_all(value), "source": _place(assembly, path)}
        for path, value in iter_leaves(_dump(name, own, overrides))
    ]


def list_component_values(
    name: str, component: str, own: Path | None, overrides: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """What the registry says of a component, with the ports that the profile fixes. Raises NotFound."""

    assembly = read_assembly(name, own, overrides)
    known = load_registry() if assembly.target == "linode" else {**load_registry(), **load_components()}
    entry = get_component(known, component)
    rows = [
        {"key": f"ports.{port}", **_find_port(assembly, component, port, number)}
        for port, number in entry.ports_on(assembly.target).items()
    ]
    told = {key: value for key, value in describe_component(entry).items() if key not in ("component", "ports")}
    return [*rows, *({"key": key, "value": value, "source": str(REGISTRY)} for key, value in told.items())]


def _find_port(assembly: Assembly, component: str, port: str, number: int | None) -> dict[str, Any]:
    path = ("ports", "fixed", component if port == "main" else f"{component}.{port}")
    fixed = look_up(assembly.resolved, path)
    if fixed is MISSING:
        return {"value": number, "source": str(REGISTRY)}
    return {"value": fixed, "source": _place(assembly, path)}


def _place(assembly: Assembly, path: KeyPath) -> str:
    if path == ("name",):
        return assembly.file
    for layer in reversed(assembly.layers):
        if layer.sets(path):
            line = layer.find_line(path)
            return f"{layer.source}:{line}" if line else layer.source
    return DEFAULTS


def _dump(name: str, own: Path | None, overrides: Sequence[str]) -> dict[str, Any]:
    return load_profile(name, own, overrides).model_dump(mode="json")


def _no_such_key(name: str, key: str, assembly: Assembly) -> NotFound:
    from aias_core.environments.schema import list_keys

    known = {format_path(path) for path, _ in iter_leaves(assembly.raw)} | set(list_keys(assembly.target, ()))
    close = get_close_matches(key, sorted(known), n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"see every key with: aias env show {name}"
    return NotFound(f"The environment '{name}' has no key '{key}'", hint=hint)
