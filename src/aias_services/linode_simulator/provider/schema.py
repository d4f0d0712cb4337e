"""Arguments and blocks of resources; states are plain values: dicts, lists, None and what is not known yet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tf.gen import tfplugin_pb2 as protocol
from tf.types import Unknown

State = dict[str, Any]
Type = str | list[Any]

STRING: Type = "string"
NUMBER: Type = "number"
BOOL: Type = "bool"
STRINGS: Type = ["list", "string"]
STRING_SET: Type = ["set", "string"]
NUMBER_SET: Type = ["set", "number"]
STRING_MAP: Type = ["map", "string"]


def objects(collection: str, **fields: Type) -> Type:
    """The type of a list or set of objects."""
    return [collection, ["object", fields]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """One attribute.

    `replaces`: another value needs another resource. `moves`: the platform may change it with any update.
    """

    type: Type
    required: bool = False
    optional: bool = False
    computed: bool = False
    sensitive: bool = False
    replaces: bool = False
    moves: bool = False
    default: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A nested block. `most` bounds a list; `computed`: the platform fills it when the configuration does not."""

    fields: Mapping[str, Field]
    is_set: bool = False
    most: int = 0
    computed: bool = False


Field = Argument | Block
Fields = Mapping[str, Field]


def required(kind: Type, **more: Any) -> Argument:
    return Argument(type=kind, required=True, **more)


def optional(kind: Type, **more: Any) -> Argument:
    return Argument(type=kind, optional=True, **more)


def either(kind: Type, **more: Any) -> Argument:
    """Optional, and computed where it is not given."""
    return Argument(type=kind, optional=True, computed=True, **more)


def computed(kind: Type, **more: Any) -> Argument:
    return Argument(type=kind, computed=True, **more)


def describe(fields: Fields) -> protocol.Schema:
    """The schema in Terraform's protocol."""
    return protocol.Schema(version=0, block=_describe_block(fields))


def _describe_block(fields: Fields) -> protocol.Schema.Block:
    return protocol.Schema.Block(
        attributes=[_describe_argument(name, one) for name, one in fields.items() if isinstance(one, Argument)],
        block_types=[_describe_nested(name, one) for name, one in fields.items() if isinstance(one, Block)],
    )


def _describe_argument(name: str, one: Argument) -> protocol.Schema.Attribute:
    return protocol.Schema.Attribute(
        name=name,
        type=json.dumps(one.type).encode(),
        required=one.required,
        optional=one.optional,
        computed=one.computed,
        sensitive=one.sensitive,
    )


def _describe_nested(name: str, one: Block) -> protocol.Schema.NestedBlock:
    modes = protocol.Schema.NestedBlock.NestingMode
    mode = modes.Value("SET" if one.is_set else "LIST")
    return protocol.Schema.NestedBlock(
        type_name=name, block=_describe_block(one.fields), nesting=mode, max_items=one.most
    )


def complete(fields: Fields, values: State) -> State:
    """A state with every attribute and block of the schema, and nothing else."""
    whole: State = {}
    for name, one in fields.items():
        value = values.get(name)
        if isinstance(one, Block):
            whole[name] = value if value is Unknown else [complete(one.fields, item) for item in value or ()]
        else:
            whole[name] = value
    return whole


def is_same(one: Field, left: Any, right: Any) -> bool:
    """Whether two values mean the same; the order within sets means nothing."""
    if left is Unknown or right is Unknown:
        return left is right
    if isinstance(one, Block):
        pairs = (sorted(left, key=_text), sorted(right, key=_text)) if one.is_set else (left, right)
        return len(left) == len(right) and all(
            is_same(part, a[name], b[name]) for a, b in zip(*pairs, strict=True) for name, part in one.fields.items()
        )
    if isinstance(left, list) and isinstance(right, list) and one.type[0] == "set":
        return sorted(left, key=_text) == sorted(right, key=_text)
    return bool(left == right)


def changed_fields(fields: Fields, before: State, after: State) -> list[str]:
    """The names of top-level fields whose values differ."""
    return [name for name, one in fields.items() if not is_same(one, before[name], after[name])]


def plan_creation(fields: Fields, proposed: State) -> State:
    """What is planned for something new: defaults filled in, what the platform decides unknown."""
    planned: State = {}
    for name, one in fields.items():
        value = proposed[name]
        if isinstance(one, Block):
            planned[name] = [plan_creation(one.fields, item) for item in value]
        elif value is None and one.computed:
            planned[name] = Unknown if one.default is None else one.default
        else:
            planned[name] = one.default if value is None else value
    return planned


def plan_change(fields: Fields, before: State, proposed: State) -> State:
    """What is planned for something that exists; equal to `before` when nothing is asked."""
    planned = _fill(fields, before, proposed)
    if not changed_fields(fields, before, planned):
        return before
    return planned | dict.fromkeys(_moving(fields), Unknown)


def _fill(fields: Fields, before: State, proposed: State) -> State:
    filled: State = {}
    for name, one in fields.items():
        value = proposed[name]
        if isinstance(one, Block):
            filled[name] = _fill_block(one, before[name], value)
        elif value is None and one.default is not None:
            filled[name] = one.default
        else:
            filled[name] = value
    return filled


def _fill_block(one: Block, before: list[State], proposed: list[State]) -> list[State]:
    if not proposed and one.computed:
        return before
    if one.is_set:
        return [plan_creation(one.fields, item) for item in proposed]
    return [
        plan_change(one.fields, before[at], item) if at < len(before) else plan_creation(one.fields, item)
        for at, item in enumerate(proposed)
    ]


def _moving(fields: Fields) -> Iterator[str]:
    return (name for name, one in fields.items() if isinstance(one, Argument) and one.moves)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=repr)
