"""The SQL from one catalogue to another: what goes, then what changes and comes, each in an order that can run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from aias_core.errors import InvalidInput
from aias_core.migrate.catalog.alter import alter_object, attach_column, changes_type, detach_column
from aias_core.migrate.catalog.order import invert, reaches, sort_keys
from aias_core.migrate.catalog.snapshot import Catalog, CatalogObject, Key

_GOES_WITH_ITS_SUBJECT = {
    "column_option",
    "comment",
    "grant",
    "grant_option",
    "index_option",
    "owner",
    "replica_identity",
    "revoke",
    "row_security",
    "trigger_state",
}
_STANDS_ALONE = _GOES_WITH_ITS_SUBJECT | {"sequence_owner", "table"}
_STAYS_ON_A_COLUMN = {"comment", "grant", "grant_option", "revoke"}
PREAMBLE = "SET check_function_bodies = off"


class CatalogUnwritable(InvalidInput):
    """The database holds an object that cannot be written as SQL"""


def build_statements(expected: Catalog, found: Catalog) -> list[str]:
    """The statements that make `found` like `expected`, to be run one by one, each committed before the next.

    A column that only changes keeps its values; one that is unexpected is dropped with them.
    """
    if expected.objects == found.objects:
        return []
    change = _Change(expected, found, _list_rebuilt(expected, found))
    return [PREAMBLE, *change.iter_removals(), *change.iter_additions()]


def build_schema_sql(catalog: Catalog) -> str:
    """The whole catalogue as a script for an empty database. Raises CatalogUnwritable naming what has no SQL here."""
    for item in catalog.list_kind("unwritable"):
        raise CatalogUnwritable(f"The {item.name} cannot be written as SQL", hint="take it out of the migrations")
    statements = build_statements(catalog, Catalog(()))
    return "".join(f"{statement};\n" for statement in statements)


def _list_rebuilt(expected: Catalog, found: Catalog) -> set[Key]:
    """What is in both but must go and come again: for its own sake, or for that of something it needs."""
    wanted, there = expected.by_key, found.by_key
    changed = [key for key, item in wanted.items() if key in there and item != there[key]]
    rebuilt = {key for key in changed if alter_object(wanted[key], there[key]) is None}
    retyped = {key for key in changed if key[0] == "column" and changes_type(wanted[key], there[key])}
    dependents = invert({item.key: item.needs for item in found.objects})
    stack = [*(key for key in there if key not in wanted), *rebuilt, *retyped]
    while stack:
        key = stack.pop()
        stays = _keeps_values(key, wanted, there) and ("table", there[key].table) not in rebuilt
        for dependent in dependents[key]:
            is_seen = dependent in rebuilt and key[0] != "table"
            if not is_seen and not (stays and dependent[0] in _STAYS_ON_A_COLUMN):
                rebuilt.add(dependent)
                stack.append(dependent)
    return {key for key in rebuilt if key in wanted and key in there}


def _keeps_values(key: Key, wanted: Mapping[Key, CatalogObject], there: Mapping[Key, CatalogObject]) -> bool:
    if key[0] != "column" or key not in wanted or key not in there:
        return False
    return not wanted[key].facts["generated"] and not there[key].facts["generated"]


@dataclass
class _Change:
    """What goes, what comes, and what only changes, between two catalogues."""

    expected: Catalog
    found: Catalog
    rebuilt: set[Key]

    def __post_init__(self) -> None:
        self.wanted, self.there = self.expected.by_key, self.found.by_key
        self.removed = {key for key in self.there if key not in self.wanted} | self.rebuilt
        self.made = {key for key in self.wanted if key not in self.there} | self.rebuilt
        self.altered = {key for key, o in self.wanted.items() if key not in self.made and o != self.there[key]}
        self.detached = {
            key
            for key in self.rebuilt
            if _keeps_values(key, self.wanted, self.there) and ("table", self.there[key].table) not in self.rebuilt
        }

    def iter_removals(self) -> Iterator[str]:
        """Dependents first; what goes with its table or its subject is not named."""
        holder = {key: self._find_removed_holder(self.there[key]) for key in self.removed}
        for key in reversed(_sort_held(holder, self.there)):
            item = self.there[key]
            if key in self.detached:
                yield detach_column(item)
            elif not self._goes_with_subject(item):
                yield item.removed_by

    def iter_additions(self) -> Iterator[str]:
        """What is needed first; columns and defaults stand inside their new tables."""
        needs = {key: item.needs for key, item in self.wanted.items()}
        holder = {key: key for key in self.altered}
        for key in self.made:
            holder[key] = self._find_made_holder(self.wanted[key], needs)
        inside = invert({key: [other] for key, other in holder.items() if key != other})
        for key in _sort_held(holder, self.wanted):
            item = self.wanted[key]
            if key in self.detached:
                yield from attach_column(item, self.there[key])
            elif key in self.altered:
                yield from alter_object(item, self.there[key]) or ()
            elif item.kind in ("table", "column"):
                yield self._write_with_columns(item, inside[key])
            elif item.kind != "unwritable":
                yield item.made_by

    def _find_removed_holder(self, item: CatalogObject) -> Key:
        table = ("table", item.table or "")
        if item.kind in _STANDS_ALONE or table not in self.removed:
            return item.key
        elsewhere = [key for key in item.needs if key in self.removed and self.there[key].table != item.table]
        return item.key if elsewhere and item.kind != "column" else table

    def _goes_with_subject(self, item: CatalogObject) -> bool:
        if item.kind not in _GOES_WITH_ITS_SUBJECT or not item.needs:
            return False
        return item.needs[0] in self.removed and item.needs[0] not in self.detached

    def _find_made_holder(self, item: CatalogObject, needs: Mapping[Key, tuple[Key, ...]]) -> Key:
        table, column = ("table", item.table or ""), ("column", item.name)
        whole = table if table in self.made else column
        if item.kind == "column" and whole == table:
            return table
        if item.kind != "default" or column not in self.made or column in self.detached:
            return item.key
        tables = {key for key in self.made if key[0] in ("table", "column")} if len(item.needs) > 1 else set()
        return item.key if reaches((key for key in item.needs if key != column), tables, needs) else whole

    def _write_with_columns(self, item: CatalogObject, inside: list[Key]) -> str:
        defaults = {key[1]: self.wanted[key].facts["expression"] for key in inside if key[0] == "default"}
        if item.kind == "column":
            return f"ALTER TABLE {item.table} ADD COLUMN {_define(item, defaults)}"
        columns = sorted((self.wanted[key] for key in inside if key[0] == "column"), key=lambda c: c.facts["position"])
        lines = ",\n    ".join(_define(column, defaults) for column in columns)
        return item.made_by.replace(" ()", f" (\n    {lines}\n)" if lines else " ()", 1)


def _define(column: CatalogObject, defaults: Mapping[str, str]) -> str:
    definition: str = column.facts["definition"]
    if column.name not in defaults:
        return definition
    ending = " NOT NULL" if column.facts["not_null"] else ""
    return f"{definition.removesuffix(ending)} DEFAULT {defaults[column.name]}{ending}"


def _sort_held(holder: Mapping[Key, Key], objects: Mapping[Key, CatalogObject]) -> list[Key]:
    """The holders in the order of what they and all that they hold need."""
    needs: dict[Key, set[Key]] = {key: set() for key in holder.values()}
    for key, other in holder.items():
        needs[other].update(holder[need] for need in objects[key].needs if need in holder)
    return sort_keys(needs)
