"""Small readings of PostgreSQL's parse tree: names, types and expressions as plain values."""

from __future__ import annotations

from collections.abc import Iterator
from types import NoneType
from typing import Any

# The functions of pg_catalog that a default may call and that are not volatile; any other one counts as volatile.
STEADY_FUNCTIONS = frozenset(
    """
    abs age array_append array_fill array_length array_to_string btrim cardinality ceil chr concat concat_ws
    current_database current_schema current_setting date_part date_trunc decode encode extract floor format
    gcd hashtext inet_client_addr initcap int4range int8range json_build_object jsonb_build_array
    jsonb_build_object jsonb_object left length lower lpad ltrim make_date make_interval make_time
    make_timestamp make_timestamptz md5 mod now numrange octet_length position power quote_ident
    quote_literal quote_nullable regexp_replace repeat replace reverse right round rpad rtrim sha256 sign
    split_part sqrt statement_timestamp string_to_array strpos substr substring timezone to_char to_date
    to_hex to_json to_jsonb to_number to_timestamp transaction_timestamp translate trunc tsrange tstzrange
    upper version
    """.split()  # noqa: SIM905
)


def kind_of(node: Any) -> str:
    return type(node).__name__


def name_of(relation: Any) -> str:
    """A relation's name as it is written, without quotes; the schema `public` is not part of it."""
    return join_name(relation.schemaname, relation.relname)


def join_name(schema: str | None, name: str) -> str:
    return f"{schema}.{name}" if schema and schema != "public" else name


def list_strings(items: Any) -> tuple[str, ...]:
    return tuple(item.sval for item in items or ())


def join_strings(items: Any) -> str:
    """A dotted name of an object that the tree holds as a list of strings."""
    names = list_strings(items)
    return join_name(names[-2] if len(names) > 1 else None, names[-1])


def type_of(type_name: Any) -> str:
    """A type as `name`, `name(40)` or `name(10,2)`, with `[]` for arrays, without the schema of built-in types."""
    if type_name is None:
        return ""
    names = [name for name in list_strings(type_name.names) if name not in ("pg_catalog", "public")]
    bounds = [str(getattr(item.val, "ival", item)) for item in type_name.typmods or () if kind_of(item) == "A_Const"]
    arguments = f"({','.join(bounds)})" if bounds and names != ["interval"] else ""
    return ".".join(names) + arguments + ("[]" if type_name.arrayBounds else "")


def iter_nodes(root: Any) -> Iterator[Any]:
    """Every node of a tree, the root first."""
    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, tuple):
            pending.extend(node)
        elif not isinstance(node, str | int | NoneType):
            yield node
            pending.extend(getattr(node, slot) for slot in getattr(node, "__slots__", ()))


def list_columns(expression: Any) -> set[str]:
    """The columns that an expression names."""
    return {
        node.fields[-1].sval
        for node in iter_nodes(expression)
        if kind_of(node) == "ColumnRef" and kind_of(node.fields[-1]) == "String"
    }


def list_constants(expression: Any) -> set[str]:
    return {str(value) for node in iter_nodes(expression) if kind_of(node) == "A_Const" for value in _values(node)}


def list_functions(expression: Any) -> set[str]:
    """The functions that an expression calls, without the schema of built-in ones."""
    calls = (node for node in iter_nodes(expression) if kind_of(node) == "FuncCall")
    names = (list_strings(node.funcname) for node in calls)
    return {".".join(name for name in parts if name not in ("pg_catalog", "public")) for parts in names}


def constant_of(node: Any) -> Any:
    """The value of a constant, also under a cast; None for anything else."""
    while kind_of(node) == "TypeCast":
        node = node.arg
    return next(_values(node), None) if kind_of(node) == "A_Const" else None


def option_of(options: Any, name: str) -> Any:
    """The last option of that name, or None."""
    return next((option for option in reversed(options or ()) if option.defname == name), None)


def is_on(options: Any, name: str) -> bool:
    option = option_of(options, name)
    if option is None:
        return False
    value = getattr(option.arg, "sval", None) or getattr(option.arg, "boolval", getattr(option.arg, "ival", True))
    return value not in (False, 0, "false", "off", "no", "0")


def is_not_null_test(expression: Any) -> str | None:
    """The column of an expression that says no more than `column IS NOT NULL`."""
    if kind_of(expression) != "NullTest" or expression.nulltesttype.name != "IS_NOT_NULL":
        return None
    return expression.arg.fields[-1].sval if kind_of(expression.arg) == "ColumnRef" else None


def _values(node: Any) -> Iterator[Any]:
    if node.val is not None:
        yield next(
            getattr(node.val, slot) for slot in ("sval", "ival", "fval", "boolval", "bsval") if hasattr(node.val, slot)
        )
