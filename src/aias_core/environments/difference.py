"""How two environments differ: values, components, variables, and secrets by name only."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from aias_core.environments.components import Component, load_registry
from aias_core.environments.explain import redact_all
from aias_core.environments.keypath import MISSING, KeyPath, format_path, iter_leaves, look_up
from aias_core.environments.profiles import load_profile
from aias_core.environments.schema import LinodeProfile, LocalProfile
from aias_core.environments.schema_faults import is_secret_field

Kind = Literal["value", "component", "variable", "secret"]
_THERE, _OTHER = "there", "another"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `first` and `second` are the values, None where one has none."""

    kind: Kind
    name: str
    first: Any
    second: Any

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


def compare_environments(first: str, second: str, own: Path | None) -> list[Difference]:
    """Everything in which two environments differ. Raises NotFound, InvalidInput as `load_profile`."""
    profiles = load_profile(first, own), load_profile(second, own)
    trees = tuple(profile.model_dump(mode="json", exclude={"name"}) for profile in profiles)
    components = tuple(_list_components(profile) for profile in profiles)
    variables = tuple({v: _THERE for c in group for v in c.variables} for group in components)
    return [
        *_compare_names("component", *({c.name: _THERE for c in group} for group in components)),
        *_compare_names("variable", *variables),
        *_compare_names("secret", *(dict(tree.get("secrets", {})) for tree in trees)),
        *_compare_values(*trees),
    ]


def _list_components(profile: LocalProfile | LinodeProfile) -> list[Component]:
    from aias_core.environments.rules.components import list_enabled

    registry = load_registry()
    if isinstance(profile, LinodeProfile):
        return [registry[name] for name in list_enabled(profile, registry)]
    return [component for component in registry.values() if "local" in component.targets]


def _compare_names(kind: Kind, first: dict[str, Any], second: dict[str, Any]) -> list[Difference]:
    """What only one of them has, and what differs: said, not shown."""
    rows = []
    for name in sorted({*first, *second}):
        pair = first.get(name), second.get(name)
        if pair[0] != pair[1]:
            both = None not in pair
            said = [None if value is None else _OTHER if both else _THERE for value in pair]
            rows.append(Difference(kind, name, *said))
    return rows


def _compare_values(first: dict[str, Any], second: dict[str, Any]) -> list[Difference]:
    paths = dict.fromkeys(path for tree in (first, second) for path, _ in iter_leaves(tree) if path[0] != "secrets")
    return [_compare_value(path, first, second) for path in sorted(paths) if _differs(path, first, second)]


def _differs(path: KeyPath, first: dict[str, Any], second: dict[str, Any]) -> bool:
    pair = look_up(first, path), look_up(second, path)
    # A map that is empty on one side only is told by its entries on the other.
    return pair[0] != pair[1] and not any(isinstance(value, dict) and value for value in pair)


def _compare_value(path: KeyPath, first: dict[str, Any], second: dict[str, Any]) -> Difference:
    pair = [look_up(tree, path) for tree in (first, second)]
    if is_secret_field(path):
        return Difference("secret", format_path(path), *(None if value is MISSING else _OTHER for value in pair))
    return Difference("value", format_path(path), *(None if value is MISSING else redact_all(value) for value in pair))
