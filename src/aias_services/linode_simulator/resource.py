"""What a type of resource is made of. Each is declared once, in `resources/`; `engine` serves all of them alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aias_services.linode_simulator.fields import Field, Values
from aias_services.linode_simulator.ledger import Price
from aias_services.linode_simulator.lifecycle import FREE, Hold, Phases
from aias_services.linode_simulator.refusals import Fault
from aias_services.linode_simulator.world import Record, World

READABLE = frozenset({"list", "view"})
EVERYTHING = READABLE | {"create", "update", "delete"}


@dataclass(slots=True)
class Draft:
    """A resource as it would be: what a check looks at before anything is changed."""

    world: World
    values: Values
    parent: Record | None = None
    record: Record | None = None
    given: Values = field(default_factory=dict)
    hold: Hold = FREE

    @property
    def is_new(self) -> bool:
        return self.record is None


Check = Callable[[Draft], Iterable[Fault]]
Hook = Callable[[Draft, Record], None]
Show = Callable[[World, Record], Values]
Leave = Callable[[World, Record], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One type: where it lives, its fields, states, limits, price and side effects.

    `key` names the fields that identify one in a path; `parent` is the kind that holds it, `holds` are the kinds that
    go with it. `unique` is the reason given for a label that is taken: by one of the account or, with `unique_within`,
    of the same parent or field. `capability` is what its region must have; `quota` the account limit it counts
    against. `purpose` are the fields by which two are the same one made twice; without a value in them, all that was
    asked. Hooks: `made`, `changed`, `gone`, `released`; `leaves` may refuse a deletion. `filterable` is what `X-Filter`
    may name, as documented. What is `beta`, and a field with its value in `beta_values`, is under `/v4beta` alone.
    """

    kind: str
    path: str
    scope: str
    fields: Mapping[str, Field]
    verbs: frozenset[str] = EVERYTHING
    key: tuple[str, ...] = ("id",)
    parent: str | None = None
    first_id: int = 1001
    unique: str | None = None
    unique_field: str = "label"
    unique_within: str | None = None
    purpose: tuple[str, ...] = ("label",)
    capability: str | None = None
    quota: str | None = None
    phases: Phases = ()
    price: Callable[[Record], Price | None] | None = None
    checks: tuple[Check, ...] = ()
    made: Hook | None = None
    changed: Hook | None = None
    leaves: Leave | None = None
    gone: Leave | None = None
    released: Leave | None = None
    holds: tuple[str, ...] = ()
    shown: Show | None = None
    entity: str | None = None
    action: str | None = None
    newest_first: bool = False
    filterable: tuple[str, ...] = ()
    beta: bool = False
    beta_values: Mapping[str, str] = field(default_factory=dict)

    @property
    def item_path(self) -> str:
        """The path of one: `/vpcs/{vpc}`, or with a key of several fields `/…/{bucket_region}/{bucket_label}`."""
        names = [self.kind] if self.key == ("id",) else [f"{self.kind}_{name}" for name in self.key]
        return self.path + "".join(f"/{{{name}}}" for name in names)


Registry = Mapping[str, Resource]


def dig(values: Values, path: str) -> Any:
    """The value at a dotted path, or None where there is nothing."""
    value: Any = values
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
