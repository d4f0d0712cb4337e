"""The statements that change one object into another where it stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from aias_core.migrate.catalog.snapshot import CatalogObject

_REPEATABLE = ("comment", "owner", "default", "sequence_owner", "trigger_state", "replica_identity")
_FAMILIES = (
    frozenset({"smallint", "integer", "bigint", "numeric", "real", "double precision"}),
    frozenset({"text", "character varying", "character"}),
)
_SEQUENCE_OPTION = re.compile(r"START|INCREMENT|MINVALUE|MAXVALUE|CACHE|NO CYCLE|CYCLE")


def alter_object(want: CatalogObject, found: CatalogObject) -> list[str] | None:
    """What makes `found` like `want`; None where it can only be removed and made anew."""
    if want.kind in _REPEATABLE:
        return [want.made_by]
    match want.kind:
        case "column":
            return alter_column(want, found.facts)
        case "table":
            return _alter_table(want, found)
        case "type":
            return _alter_type(want, found)
        case "sequence":
            return [f"ALTER SEQUENCE {want.name} {want.facts['options']}"]
        case "function":
            same = all(want.facts[fact] == found.facts[fact] for fact in ("result", "arguments", "noun"))
            return [want.made_by] if same else None
        case "constraint" | "foreign_key" if found.made_by == f"{want.made_by} NOT VALID":
            return [f"ALTER TABLE {want.table} VALIDATE CONSTRAINT {want.name.removeprefix(f'{want.table}.')}"]
    return None


def changes_type(want: CatalogObject, found: CatalogObject) -> bool:
    """Whether a column changes so that what stands on it must be taken away first."""
    return any(want.facts[fact] != found.facts[fact] for fact in ("type", "collation"))


def detach_column(column: CatalogObject) -> str:
    """Frees a column of its type while that is made anew: its values wait as text."""
    waiting = _waiting_type(column.facts)
    quoted = column.facts["quoted"]
    return f"ALTER TABLE {column.table} ALTER COLUMN {quoted} TYPE {waiting} USING {quoted}::{waiting}"


def attach_column(want: CatalogObject, found: CatalogObject) -> list[str]:
    """Gives a detached column the type it should have, and the rest of what differs."""
    return alter_column(want, {**found.facts, "type": _waiting_type(found.facts), "collation": None}) or []


def alter_column(want: CatalogObject, old: Mapping[str, Any]) -> list[str] | None:
    """The changes of a column from old facts; None where a generated column is made, unmade or computed otherwise."""
    new = want.facts
    if new["generated"] != old["generated"] or (new["generated"] and new["type"] != old["type"]):
        return None
    return [f"ALTER TABLE {want.table} ALTER COLUMN {new['quoted']} {clause}" for clause in _column_clauses(new, old)]


def _column_clauses(new: Mapping[str, Any], old: Mapping[str, Any]) -> list[str]:
    clauses = []
    if old["identity"] and not new["identity"]:
        clauses.append("DROP IDENTITY")
    if (new["type"], new["collation"]) != (old["type"], old["collation"]):
        clauses.append(f"TYPE {new['type']}{new['collation'] or ''}{_conversion(new, old['type'])}")
    if new["not_null"] != old["not_null"]:
        clauses.append("SET NOT NULL" if new["not_null"] else "DROP NOT NULL")
    if new["identity"] and not old["identity"]:
        clauses.append(f"ADD{new['identity']}")
    elif new["identity"] != old["identity"] and new["identity"]:
        way = "ALWAYS" if new["identity_always"] else "BY DEFAULT"
        options = _SEQUENCE_OPTION.sub(r"SET \g<0>", new["identity_options"])
        clauses.append(f"SET GENERATED {way} {options}")
    return clauses


def _conversion(new: Mapping[str, Any], old_type: str) -> str:
    """Nothing where PostgreSQL converts by itself, perhaps without a rewrite; else by way of text, as all types can."""
    names = {name.partition("(")[0] for name in (new["type"], old_type)}
    if len(names) == 1 or any(names <= family for family in _FAMILIES):
        return ""
    return f" USING {new['quoted']}::pg_catalog.text::{new['type']}"


def _alter_table(want: CatalogObject, found: CatalogObject) -> list[str] | None:
    new, old = want.facts, found.facts
    if new["partition_key"] != old["partition_key"]:
        return None
    clauses = []
    if new["unlogged"] != old["unlogged"]:
        clauses.append("SET UNLOGGED" if new["unlogged"] else "SET LOGGED")
    names = {option.partition("=")[0] for option in (old["options"] or "").split(", ") if option}
    kept = {option.partition("=")[0] for option in (new["options"] or "").split(", ")}
    if gone := sorted(names - kept):
        clauses.append(f"RESET ({', '.join(gone)})")
    if new["options"] and new["options"] != old["options"]:
        clauses.append(f"SET ({new['options']})")
    return [f"ALTER TABLE {want.name} {clause}" for clause in clauses]


def _alter_type(want: CatalogObject, found: CatalogObject) -> list[str] | None:
    new, old = want.facts, found.facts
    if new["form"] != old["form"] or new["base"] != old["base"]:
        return None
    match new["form"]:
        case "e":
            return _add_labels(want.name, new["labels"], old["labels"])
        case "d":
            return [f"ALTER DOMAIN {want.name} {clause}" for clause in _domain_clauses(new, old)]
    return None


def _add_labels(name: str, new: list[str], old: list[str]) -> list[str] | None:
    if [label for label in new if label in old] != old:
        return None
    statements = []
    for place, label in enumerate(new):
        if label not in old:
            where = f"AFTER {_quote(new[place - 1])}" if place else f"BEFORE {_quote(old[0])}"
            statements.append(f"ALTER TYPE {name} ADD VALUE {_quote(label)} {where}")
    return statements


def _domain_clauses(new: Mapping[str, Any], old: Mapping[str, Any]) -> list[str]:
    clauses = []
    if new["default"] != old["default"]:
        clauses.append("DROP DEFAULT" if new["default"] is None else f"SET DEFAULT {new['default']}")
    if new["not_null"] != old["not_null"]:
        clauses.append("SET NOT NULL" if new["not_null"] else "DROP NOT NULL")
    return clauses


def _waiting_type(facts: Mapping[str, Any]) -> str:
    return "pg_catalog.text[]" if facts["type"].endswith("[]") else "pg_catalog.text"


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
