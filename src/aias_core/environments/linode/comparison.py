"""What two states differ in: resources, and the names of changed attributes. Values are never shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

Change = Literal["added", "removed", "changed"]


def compare_states(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each resource and output that differs: its address, how, and which attributes. Empty when nothing does."""
    old, new = _collect(before), _collect(after)
    changes = []
    for address in sorted(old.keys() | new.keys()):
        names = _changed_names(old.get(address, {}), new.get(address, {}))
        change = _kind_of(address in old, address in new)
        if change != "changed" or names:
            changes.append({"address": address, "change": change, "attributes": names if change == "changed" else []})
    return changes


def _kind_of(was_there: bool, is_there: bool) -> Change:
    if was_there and is_there:
        return "changed"
    return "removed" if was_there else "added"


def _collect(state: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found = dict(iter_instances(state))
    for name, output in (state.get("outputs") or {}).items():
        found[f"output.{name}"] = {"value": output.get("value"), "type": output.get("type")}
    return found


def iter_instances(state: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Address and attributes of each resource; a tainted one has the attribute `(tainted)`."""
    for resource in state.get("resources") or []:
        parts = [resource.get("module"), "data" if resource.get("mode") == "data" else None]
        base = ".".join([part for part in parts if part] + [resource["type"], resource["name"]])
        for instance in resource.get("instances") or []:
            marks = {"(tainted)": instance["status"]} if "status" in instance else {}
            deposed = f" (deposed {instance['deposed']})" if "deposed" in instance else ""
            yield base + _format_index(instance) + deposed, {**(instance.get("attributes") or {}), **marks}


def _format_index(instance: Mapping[str, Any]) -> str:
    match instance.get("index_key"):
        case None:
            return ""
        case int() as number:
            return f"[{number}]"
        case name:
            return f'["{name}"]'


def _changed_names(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
