"""Rules about the types of columns, in new tables too."""

from __future__ import annotations

import re

from aias_core.migrate.lint.parts import Part
from aias_core.migrate.lint.rule import rule
from aias_core.migrate.lint.scene import Scene
from aias_core.migrate.nodes import kind_of, list_strings, type_of
from aias_core.migrate.walk import SERIALS

_SMALL = {"int2", "int4", "smallserial", "serial2", "serial", "serial4"}
_LIMITED = re.compile(r"(?:varchar|bpchar)\((\d+)\)(?:\[\])?")
_LONGEST_CODE = 4


def _base(part: Part) -> str:
    return type_of(part.node).removesuffix("[]").partition("(")[0]


@rule(
    "serial-column",
    "type",
    why="its sequence has an owner, rights and a default of its own; on a table with rows it copies the whole table",
    safer="bigint GENERATED ALWAYS AS IDENTITY in a new table, or an identifier that the application makes",
    reach="any",
)
def serial_column(part: Part, _: Scene) -> bool:
    return _base(part) in SERIALS


@rule(
    "timestamp-without-zone",
    "type",
    why="the instant it means depends on a setting of the session",
    safer="timestamptz",
    reach="any",
)
def timestamp_without_zone(part: Part, _: Scene) -> bool:
    return _base(part) == "timestamp"


@rule(
    "json-column",
    "type",
    why="it has no equality, so DISTINCT, GROUP BY and UNION fail on it",
    safer="jsonb",
    reach="any",
)
def json_column(part: Part, _: Scene) -> bool:
    return _base(part) == "json"


@rule("float-column", "type", why="sums of it are rounded", safer="whole units as bigint, or numeric", reach="any")
def float_column(part: Part, _: Scene) -> bool:
    return _base(part) in ("float4", "float8")


@rule(
    "money-column",
    "type",
    why="its value depends on the locale of the server",
    safer="whole units as bigint beside a currency",
    reach="any",
)
def money_column(part: Part, _: Scene) -> bool:
    return _base(part) == "money"


@rule(
    "text-limit",
    "type",
    why="char pads, and a limit can only be made shorter by copying the table",
    safer="text with a named CHECK on its length",
    reach="any",
    severity="warning",
)
def text_limit(part: Part, scene: Scene) -> bool:
    limit = _LIMITED.fullmatch(type_of(part.node))
    table = scene.find_table(part.target)
    is_change = table is not None and part.detail in table.columns
    return limit is not None and int(limit[1]) > _LONGEST_CODE and not is_change


@rule(
    "small-key",
    "CreateStmt",
    why="a 32-bit key runs out, and changing its type copies the table",
    safer="bigint or uuid",
    reach="any",
)
def small_key(part: Part, _: Scene) -> bool:
    elements = part.node.tableElts or ()
    columns = {item.colname: item for item in elements if kind_of(item) == "ColumnDef"}
    keys = {name for name, item in columns.items() if _is_primary(item.constraints)}
    for item in elements:
        if kind_of(item) == "Constraint" and _is_primary((item,)) and len(item.keys or ()) == 1:
            keys |= set(list_strings(item.keys))
    return any(name in columns and type_of(columns[name].typeName) in _SMALL for name in keys)


def _is_primary(constraints: object) -> bool:
    items = constraints if isinstance(constraints, tuple) else ()
    return any(item.contype.name == "CONSTR_PRIMARY" for item in items)


@rule(
    "identifier-too-long",
    "statement",
    why="the server keeps 63 bytes of a name, so two names may become one",
    safer="a name of at most 63 bytes",
    reach="any",
)
def identifier_too_long(_: Part, scene: Scene) -> bool:
    return scene.has_long_name
