"""Two catalogues compared object by object, with the SQL that would make the second like the first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from aias_core.migrate.catalog.snapshot import Catalog, CatalogObject


@dataclass(frozen=True, slots=True)
class Difference:
    """One object that is missing, unexpected or different, and the statements that would end the difference."""

    kind: str
    name: str
    change: Literal["missing", "unexpected", "different"]
    expected: str | None
    found: str | None
    sql: tuple[str, ...]


def compare_catalogs(expected: Catalog, found: Catalog) -> list[Difference]:
    """What must be removed, then what must be changed and made, each in an order that can be executed."""
    wanted = {(o.kind, o.name): o for o in expected.objects}
    there = {(o.kind, o.name): o for o in found.objects}
    gone_tables = {o.name for key, o in there.items() if o.kind == "table" and key not in wanted}
    new_tables = {o.name for key, o in wanted.items() if o.kind == "table" and key not in there}
    unexpected = [_unexpected(o, gone_tables) for key, o in reversed(there.items()) if key not in wanted]
    rest = []
    for key, want in wanted.items():
        if key not in there:
            rest.append(_missing(want, expected, new_tables))
        elif want != there[key]:
            rest.append(_different(want, there[key]))
    return unexpected + rest


def build_schema_sql(catalog: Catalog) -> str:
    """The whole catalogue as statements, each object once."""
    empty = Catalog(())
    statements = [line for difference in compare_catalogs(catalog, empty) for line in difference.sql]
    return "SET check_function_bodies = off;\n" + "".join(f"{statement};\n" for statement in statements)


def _unexpected(item: CatalogObject, gone_tables: set[str]) -> Difference:
    goes_with_table = item.kind != "table" and item.table in gone_tables
    return Difference(
        item.kind, item.name, "unexpected", None, item.made_by, () if goes_with_table else (item.removed_by,)
    )


def _missing(item: CatalogObject, expected: Catalog, new_tables: set[str]) -> Difference:
    if item.kind == "table":
        columns = sorted(expected.list_kind("column", item.name), key=lambda column: column.facts["position"])
        inside = ",\n    ".join(column.facts["definition"] for column in columns)
        made_by = item.made_by.replace(" ()", f" (\n    {inside}\n)" if inside else " ()", 1)
        return Difference(item.kind, item.name, "missing", made_by, None, (made_by,))
    comes_with_table = item.kind == "column" and item.table in new_tables
    return Difference(item.kind, item.name, "missing", item.made_by, None, () if comes_with_table else (item.made_by,))


def _different(want: CatalogObject, found: CatalogObject) -> Difference:
    if want.kind == "column":
        sql = _alter_column(want, found)
    elif want.kind in ("comment", "function"):
        sql = (want.made_by,)
    else:
        sql = (found.removed_by, want.made_by)
    return Difference(want.kind, want.name, "different", want.made_by, found.made_by, sql)


def _alter_column(want: CatalogObject, found: CatalogObject) -> tuple[str, ...]:
    new, old = want.facts, found.facts
    if new["generated"] or old["generated"] or new["identity"] != old["identity"]:
        return found.removed_by, want.made_by
    quoted = want.name.removeprefix(f"{want.table}.")
    head = f"ALTER TABLE {want.table} ALTER COLUMN {quoted}"
    return tuple(f"{head} {clause}" for clause in _column_clauses(new, old, quoted))


def _column_clauses(new: Any, old: Any, quoted: str) -> list[str]:
    clauses = []
    if new["type"] != old["type"]:
        clauses.append(f"TYPE {new['type']} USING {quoted}::{new['type']}")
    if new["default"] != old["default"]:
        clauses.append("DROP DEFAULT" if new["default"] is None else f"SET DEFAULT {new['default']}")
    if new["not_null"] != old["not_null"]:
        clauses.append("SET NOT NULL" if new["not_null"] else "DROP NOT NULL")
    return clauses
