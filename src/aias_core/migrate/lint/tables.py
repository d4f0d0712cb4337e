"""Rules about the schema that all files of a directory make together."""

from __future__ import annotations

from collections.abc import Iterator, Set

from aias_core.migrate.lint.finding import Finding
from aias_core.migrate.lint.rule import Rule, named_rule
from aias_core.migrate.outline import SUFFIXES, Constraint, Outline, Place, Relation, base_of

TABLE_COMMENT = named_rule("table-without-comment", "the dictionary is made of comments", "COMMENT ON TABLE")
COLUMN_COMMENT = named_rule("column-without-comment", "the dictionary is made of comments", "COMMENT ON COLUMN")
CONSTRAINT_NAME = named_rule(
    "constraint-name",
    "errors are told apart by the name of the constraint",
    "<table>_<columns>_pkey|key|fkey|check|excl",
)
INDEX_NAME = named_rule(
    "index-name", "an index is found by its table's name", "<table>_<columns>_idx, or _key for a key"
)
TRIGGER_NAME = named_rule("trigger-name", "a trigger is found by its table's name", "<table>_<what>_tg")
ROW_SECURITY = named_rule(
    "tenant-without-row-security",
    "a table with org_id must hide the rows of other tenants, from its owner too",
    "ENABLE and FORCE ROW LEVEL SECURITY, and a policy on org_id",
)
KEY_INDEX = named_rule(
    "foreign-key-without-index",
    "a change of the other table reads this one from end to end",
    "an index that begins with the columns of the key",
)
PARTITION_KEY = named_rule(
    "key-without-partition-column",
    "a key of a partitioned table must hold its partition key",
    "the partition columns added to the key",
)
TOUCH_TRIGGER = named_rule(
    "updated-at-without-trigger", "updated_at is kept by a trigger", "CREATE TRIGGER ... BEFORE UPDATE ... FOR EACH ROW"
)
COLUMN_POLICY = named_rule(
    "column-without-policy",
    "nobody has said how harmful it is and how long it lives",
    "an entry in migrations/data-policy.yaml",
)
NULLABLE_KEY = named_rule(
    "unique-nullable-column",
    "rows with a null are never equal, so the key lets them repeat",
    "NOT NULL, NULLS NOT DISTINCT, or a partial unique index",
    "warning",
)
WEAK_INDEX = named_rule(
    "boolean-leads-index", "a boolean halves the table at best", "another leading column, or a partial index", "warning"
)


def judge_tables(outline: Outline, known_columns: Set[tuple[str, str]] | None) -> Iterator[Finding]:
    """The findings about all tables; `known_columns` are those of the data policy, None where there is none."""
    for table in outline.relations.values():
        if table.kind == "table" and table.parent is None:
            yield from _judge_columns(table, known_columns)
            yield from _judge_protection(table)
            yield from _judge_names(table, outline)
            yield from _judge_keys(table, outline)


def _report(rule: Rule, place: Place, subject: str) -> Finding:
    return Finding(*place, rule.id, f"'{subject}': {rule.why}", rule.safer, rule.severity)


def _judge_columns(table: Relation, known: Set[tuple[str, str]] | None) -> Iterator[Finding]:
    if not table.commented:
        yield _report(TABLE_COMMENT, table.place, table.name)
    for column in table.columns.values():
        subject = f"{table.name}.{column.name}"
        if not column.commented:
            yield _report(COLUMN_COMMENT, column.place, subject)
        if known is not None and (table.name, column.name) not in known:
            yield _report(COLUMN_POLICY, column.place, subject)


def _judge_protection(table: Relation) -> Iterator[Finding]:
    if "org_id" in table.columns and not (table.row_security and table.forced and table.policies):
        yield _report(ROW_SECURITY, table.place, table.name)
    if "updated_at" in table.columns and not any(trigger.before_update for trigger in table.triggers.values()):
        yield _report(TOUCH_TRIGGER, table.place, table.name)


def _judge_names(table: Relation, outline: Outline) -> Iterator[Finding]:
    prefix = f"{base_of(table.name)}_"
    for constraint in table.constraints.values():
        suffix = SUFFIXES[constraint.kind]
        if constraint.kind != "NOTNULL" and not _is_named(constraint.name, prefix, (suffix,)):
            yield _report(CONSTRAINT_NAME, constraint.place, constraint.name)
    for index in outline.indexes.values():
        if index.table == table.name and not _is_named(base_of(index.name), prefix, ("idx", "key", "pkey")):
            yield _report(INDEX_NAME, index.place, index.name)
    for trigger in table.triggers.values():
        if not _is_named(trigger.name, prefix, ("tg",)):
            yield _report(TRIGGER_NAME, trigger.place, trigger.name)


def _is_named(name: str, prefix: str, suffixes: tuple[str, ...]) -> bool:
    return name.startswith(prefix) and name.endswith(tuple(f"_{suffix}" for suffix in suffixes))


def _judge_keys(table: Relation, outline: Outline) -> Iterator[Finding]:
    indexes = list(outline.list_indexes(table.name))
    for key in table.list_constraints("FOREIGN"):
        size = len(key.columns)
        if not any(set(index.columns[:size]) == set(key.columns) for index in indexes):
            yield _report(KEY_INDEX, key.place, key.name)
    for key in table.list_constraints("PRIMARY", "UNIQUE"):
        if table.key and not set(table.key) <= set(key.columns):
            yield _report(PARTITION_KEY, key.place, key.name)
        if _repeats_nulls(table, key):
            yield _report(NULLABLE_KEY, key.place, key.name)
    for index in indexes:
        leading = table.columns.get(index.columns[0]) if index.columns else None
        if leading is not None and leading.type == "bool" and not index.partial:
            yield _report(WEAK_INDEX, index.place, index.name)


def _repeats_nulls(table: Relation, key: Constraint) -> bool:
    columns = [table.columns[name] for name in key.columns if name in table.columns]
    return key.kind == "UNIQUE" and not key.nulls_not_distinct and not all(column.not_null for column in columns)
