"""Fields of bodies and answers: type, who may write it, limits. Bodies are refused for unknown and wrong ones."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from aias_services.linode_simulator.refusals import Fault

Values = dict[str, Any]
PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


class Access(Enum):
    """Who writes a field, and whether it is answered."""

    ANY = "at creation and later"
    CREATE = "at creation"
    UPDATE = "later"
    SECRET = "at creation, never answered"
    ANSWER = "by the platform"


AT_CREATION = (Access.ANY, Access.CREATE, Access.SECRET)
LATER = (Access.ANY, Access.UPDATE)

MAY_BE_NULL = ("array", "object")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field. `low` and `high` bound a length, a count or a value, by the type."""

    type: str
    access: Access = Access.ANY
    required: bool = False
    nullable: bool = False
    default: Any = None
    choices: tuple[Any, ...] = ()
    low: int | None = None
    high: int | None = None
    pattern: str | None = None
    reason: str = "Invalid value"
    item: Field | None = None
    parts: Mapping[str, Field] | None = None

    @property
    def answered(self) -> bool:
        return self.access is not Access.SECRET

    def writable(self, *, creating: bool) -> bool:
        return self.access in (AT_CREATION if creating else LATER)


def text(**limits: Any) -> Field:
    """A string."""
    return Field(type="string", **limits)


def integer(**limits: Any) -> Field:
    """A whole number; true and false are none."""
    return Field(type="integer", **limits)


def number(**limits: Any) -> Field:
    """Any number."""
    return Field(type="number", **limits)


def boolean(**limits: Any) -> Field:
    """True or false."""
    return Field(type="boolean", **limits)


def many(item: Field, **limits: Any) -> Field:
    """A list of alike items; empty unless given."""
    return Field(type="array", item=item, **{"default": [], **limits})


def shape(parts: Mapping[str, Field], **limits: Any) -> Field:
    """An object with these fields and no others."""
    return Field(type="object", parts=parts, **limits)


def mapping(item: Field | None = None, **limits: Any) -> Field:
    """An object with any keys."""
    return Field(type="object", item=item, **limits)


def answer(field: Field) -> Field:
    """The same field, written by the platform alone."""
    return replace(field, access=Access.ANSWER)


def fixed(field: Field) -> Field:
    """The same field, settled at creation."""
    return replace(field, access=Access.CREATE)


def later(field: Field) -> Field:
    """The same field, which can be set only on what exists."""
    return replace(field, access=Access.UPDATE)


def secret(field: Field) -> Field:
    """The same field, taken at creation and never answered."""
    return replace(field, access=Access.SECRET)


def accept(parts: Mapping[str, Field], body: Values, *, creating: bool) -> tuple[Values, list[Fault]]:
    """What a body sets, with defaults at creation, and every fault in it; what the platform writes is passed over."""
    faults = [unexpected(name, name) for name in body if name not in parts]
    taken: Values = {}
    for name, field in parts.items():
        if not field.writable(creating=creating):
            continue
        if name in body:
            taken[name] = copy.deepcopy(field.default) if body[name] is None else _given(field, body[name])
            faults += check(field, body[name], name)
        elif creating and field.required:
            faults.append(Fault(f"{name} is required", name))
        elif creating:
            taken[name] = copy.deepcopy(field.default)
    return taken, faults


def _given(field: Field, value: Any) -> Any:
    """A value without the lists and maps in it that are null: these count as not given."""
    if isinstance(value, list) and field.item:
        return [_given(field.item, item) for item in value]
    if not isinstance(value, dict) or field.parts is None:
        return value
    parts = field.parts
    return {
        name: _given(parts[name], item) if name in parts else item
        for name, item in value.items()
        if item is not None or (name in parts and parts[name].nullable)
    }


def unexpected(name: str, path: str) -> Fault:
    """The fault of a field that nobody knows."""
    return Fault(f"Additional properties are not allowed ('{name}' was unexpected)", path)


def check(field: Field, value: Any, path: str) -> Iterator[Fault]:
    """Every fault of one value."""
    if value is None:
        if not field.nullable and (field.required or field.type not in MAY_BE_NULL):
            yield Fault("Must not be null", path)
        return
    if not _is_of_type(field, value):
        yield Fault(f"Must be of type {field.type.title()}", path)
        return
    yield from _check_limits(field, value, path)
    if field.type == "array" and field.item:
        for index, item in enumerate(value):
            yield from check(replace(field.item, required=True), item, f"{path}[{index}]")
    elif field.type == "object":
        yield from _check_object(field, value, path)


def _is_of_type(field: Field, value: Any) -> bool:
    return isinstance(value, PYTHON_TYPES[field.type]) and (field.type == "boolean" or not isinstance(value, bool))


def _check_limits(field: Field, value: Any, path: str) -> Iterator[Fault]:
    if field.choices and value not in field.choices:
        yield Fault("Must be one of " + ", ".join(map(str, field.choices)), path)
    size = value if field.type in ("integer", "number") else len(value) if field.type in ("string", "array") else None
    if size is not None and not (_at_least(size, field.low) and _at_most(size, field.high)):
        yield Fault(_limit_reason(field), path)
    elif field.pattern and not re.fullmatch(field.pattern, value):
        yield Fault(field.reason, path)


def _at_least(size: float, low: int | None) -> bool:
    return low is None or size >= low


def _at_most(size: float, high: int | None) -> bool:
    return high is None or size <= high


def _limit_reason(field: Field) -> str:
    bounds = f"{field.low if field.low is not None else 0}-{field.high if field.high is not None else ''}"
    if field.type == "string":
        return f"Length must be {bounds} characters"
    return f"Must have {bounds} items" if field.type == "array" else f"Must be {bounds}"


def _check_object(field: Field, value: Values, path: str) -> Iterator[Fault]:
    if field.parts is None:
        for name, item in value.items():
            yield from check(field.item, item, f"{path}.{name}") if field.item else ()
        return
    for name, item in value.items():
        if name not in field.parts:
            yield unexpected(name, f"{path}.{name}")
        elif field.parts[name].access is not Access.ANSWER:
            yield from check(field.parts[name], item, f"{path}.{name}")
    for name, part in field.parts.items():
        if part.required and name not in value:
            yield Fault(f"{path}.{name} is required", f"{path}.{name}")


def complete(parts: Mapping[str, Field], values: Values) -> Values:
    """An answer: every field that is answered, in order, with its value or its default."""
    return {name: _complete(field, values.get(name)) for name, field in parts.items() if field.answered}


def _complete(field: Field, value: Any) -> Any:
    if value is None:
        if field.nullable or field.parts is None:
            return field.default
        value = {}
    if field.parts is not None:
        return complete(field.parts, value)
    if field.type == "array" and field.item and field.item.parts is not None:
        return [complete(field.item.parts, item) for item in value]
    return value
