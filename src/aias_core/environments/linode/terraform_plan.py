"""What Terraform would change, as it says itself in `show -json`; what is sensitive is masked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aias_core.secret import MASK

UNKNOWN = "(known after apply)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceChange:
    """One resource: `actions` is `create`, `update`, `delete`, `read`, `no-op`, or both of a replacement in order.

    `replace_reasons` names the attributes that force a replacement, or what else does (`tainted`).
    """

    address: str
    type: str
    name: str
    module: str
    actions: tuple[str, ...]
    replace_reasons: tuple[str, ...]
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @property
    def is_change(self) -> bool:
        return self.actions not in (("no-op",), ("read",))

    @property
    def is_replacement(self) -> bool:
        return len(self.actions) > 1

    @property
    def is_destruction(self) -> bool:
        """Whether the thing that is there now will be gone."""
        return "delete" in self.actions

    @property
    def changed_attributes(self) -> tuple[str, ...]:
        """Names of the top-level attributes whose values differ, sorted."""
        before, after = self.before or {}, self.after or {}
        return tuple(name for name in sorted({*before, *after}) if before.get(name) != after.get(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class TerraformPlan:
    """A plan: its file, which `apply` takes and which holds secrets, and what it says."""

    file: Path
    changes: tuple[ResourceChange, ...]
    drift: tuple[ResourceChange, ...]
    outputs: Mapping[str, Any]
    is_empty: bool
    terraform_version: str

    @property
    def created(self) -> tuple[ResourceChange, ...]:
        return tuple(one for one in self.changes if one.actions == ("create",))

    @property
    def updated(self) -> tuple[ResourceChange, ...]:
        return tuple(one for one in self.changes if one.actions == ("update",))

    @property
    def replaced(self) -> tuple[ResourceChange, ...]:
        return tuple(one for one in self.changes if one.is_replacement)

    @property
    def deleted(self) -> tuple[ResourceChange, ...]:
        return tuple(one for one in self.changes if one.actions == ("delete",))

    def count(self) -> dict[str, int]:
        """How many resources each effect touches."""
        groups = {"create": self.created, "update": self.updated, "replace": self.replaced, "delete": self.deleted}
        return {name: len(group) for name, group in groups.items()}


def read_plan(document: Mapping[str, Any], file: Path) -> TerraformPlan:
    """The plan in a document of `terraform show -json` (format 1.x, developer.hashicorp.com/terraform/internals)."""
    changes = tuple(map(_read_change, document.get("resource_changes", ())))
    outputs = document.get("output_changes", {})
    is_moving = any(one.is_change for one in changes)
    is_output_moving = any(change["actions"] != ["no-op"] for change in outputs.values())
    return TerraformPlan(
        file=file,
        changes=changes,
        drift=tuple(map(_read_change, document.get("resource_drift", ()))),
        outputs={name: _mask(change.get("after"), change.get("after_sensitive")) for name, change in outputs.items()},
        is_empty=not (is_moving or is_output_moving),
        terraform_version=str(document.get("terraform_version", "")),
    )


def _read_change(entry: Mapping[str, Any]) -> ResourceChange:
    change = entry["change"]
    after = _mask(change["after"], change.get("after_sensitive"))
    return ResourceChange(
        address=entry["address"],
        type=entry["type"],
        name=str(entry.get("index", entry["name"])),
        module=entry.get("module_address", ""),
        actions=tuple(change["actions"]),
        replace_reasons=_reasons(entry),
        before=_mask(change["before"], change.get("before_sensitive")),
        after=_reveal_unknown(after, change.get("after_unknown")) if change["after"] is not None else None,
    )


def _reasons(entry: Mapping[str, Any]) -> tuple[str, ...]:
    paths = [".".join(map(str, path)) for path in entry["change"].get("replace_paths", ())]
    reason = entry.get("action_reason", "")
    return (*paths, *(["tainted"] if reason == "replace_because_tainted" else []))


def _mask(value: Any, sensitive: Any) -> Any:
    if sensitive is True:
        return None if value is None else MASK
    if isinstance(value, dict) and isinstance(sensitive, dict):
        return {name: _mask(one, sensitive.get(name)) for name, one in value.items()}
    if isinstance(value, list) and isinstance(sensitive, list):
        marks = [*sensitive, *([None] * (len(value) - len(sensitive)))]
        return [_mask(one, mark) for one, mark in zip(value, marks, strict=False)]
    return value


def _reveal_unknown(value: Any, unknown: Any) -> Any:
    if unknown is True:
        return UNKNOWN
    if isinstance(value, dict) and isinstance(unknown, dict):
        names = {*value, *(name for name, mark in unknown.items() if mark)}
        return {name: _reveal_unknown(value.get(name), unknown.get(name)) for name in sorted(names)}
    if isinstance(value, list) and isinstance(unknown, list):
        marks = [*unknown, *([None] * (len(value) - len(unknown)))]
        return [_reveal_unknown(one, mark) for one, mark in zip(value, marks, strict=False)]
    return value
