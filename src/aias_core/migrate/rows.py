"""Rows for a rehearsal: generated ones that the constraints accept, or some of the target's; and their checksums."""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from psycopg import sql

from aias_core.migrate.catalog.snapshot import Catalog, CatalogObject
from aias_core.migrate.history import queries

if TYPE_CHECKING:
    from psycopg import Connection

ATTEMPTS = 60
# One journey for all three; after an error the server skips the rest.
_ATTEMPT = sql.SQL("SAVEPOINT attempt; INSERT INTO {} {}; RELEASE attempt")
_LITERAL = re.compile(r"'((?:[^']|'')*)'::")
_NULLS, _NAMED = 0.1, 0.7
_TEXTS = {
    **dict.fromkeys(("integer", "bigint", "numeric", "real", "double precision", "numeric(38,0)"), "{n}"),
    **dict.fromkeys(("timestamp with time zone", "timestamp without time zone", "date"), "2026-10-{day:02}"),
    **dict.fromkeys(("inet", "cidr"), "192.0.2.{small}"),
    **dict.fromkeys(("json", "jsonb"), "{{}}"),
    "smallint": "{small}",
    "boolean": "true",
    "bytea": "\\x{hex}",
    "uuid": "{uuid}",
    "character(3)": "USD",
    "character(4)": "a1b2",
    "interval": "{small} hours",
    "int8range": "[{n},{n}]",
}


@dataclass(frozen=True, slots=True)
class TableRows:
    """How many rows a table has and the sum of their hashes, over the columns named."""

    columns: tuple[str, ...]
    count: int
    checksum: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A column that takes a value, and the literals that the table's constraints name beside it."""

    type: str
    may_be_null: bool
    literals: list[str]


def generate_rows(
    connection: Connection, catalog: Catalog, rows: int, *, only: Collection[str] | None = None, seed: int = 1
) -> dict[str, int]:
    """Fills each table with up to so many rows; how many each took. Deterministic for a catalogue and a seed.

    A partitioned table without a partition gets a default one. Keys to other tables are not enforced meanwhile; every
    other constraint is, and a row that it refuses is tried again with other values.
    """
    chance = random.Random(seed)  # noqa: S311
    made = {}
    with connection.transaction():
        connection.execute(queries["suspend_keys"])
        for table in catalog.list_kind("table"):
            if only is not None and table.name not in only:
                continue
            if rows:
                _ensure_partition(connection, table)
            candidates = _list_candidates(catalog, table.name)
            taken = (_insert(connection, table.name, candidates, i, chance) for i in range(rows))
            # Where a row was refused so often, the next ones would be as well.
            made[table.name] = sum(takewhile(bool, taken))
    return made


def _ensure_partition(connection: Connection, table: CatalogObject) -> None:
    if not table.facts.get("partition_key"):
        return
    if connection.execute(queries["find_partition"], [table.name]).fetchone() is None:
        connection.execute(sql.SQL("CREATE TABLE {0}_default PARTITION OF {0} DEFAULT").format(_as_sql(table.name)))
        connection.execute(sql.SQL("ALTER TABLE {}_default OWNER TO aias_owner").format(_as_sql(table.name)))


def _list_candidates(catalog: Catalog, table: str) -> dict[str, Candidate]:
    """Each column that takes a value, with the literals that constraints name beside it."""
    checks = [o.made_by for o in catalog.list_kind("constraint", table) if o.facts["type"] == "c"]
    columns = {}
    for column in catalog.list_kind("column", table):
        facts = column.facts
        if facts["generated"] or facts["identity"]:
            continue
        name = facts["column"]
        literals = [text for check in checks if name in check for text in _LITERAL.findall(check)]
        columns[name] = Candidate(facts["type"], not facts["not_null"], literals)
    return columns


def _insert(
    connection: Connection,
    table: str,
    candidates: Mapping[str, Candidate],
    number: int,
    chance: random.Random,
) -> bool:
    import psycopg

    columns = sql.SQL(", ").join(map(sql.Identifier, candidates))
    for attempt in range(ATTEMPTS):
        given = number if attempt == 0 else chance.randrange(10**6)
        values = [_make_value(candidate, given, chance) for candidate in candidates.values()]
        listed = sql.SQL("({}) VALUES ({})").format(columns, sql.SQL(", ").join(values))
        try:
            connection.execute(_ATTEMPT.format(_as_sql(table), listed if values else sql.SQL("DEFAULT VALUES")))
            return True
        except (psycopg.errors.IntegrityError, psycopg.errors.DataError):
            connection.execute("ROLLBACK TO attempt")
    return False


def _make_value(candidate: Candidate, number: int, chance: random.Random) -> sql.Composable:
    """A value of the column's type, as a literal; now and then null where it may be, or one that a constraint names."""
    kind = candidate.type
    if candidate.may_be_null and chance.random() < _NULLS:
        return sql.SQL("NULL")
    if candidate.literals and chance.random() < _NAMED:
        text = chance.choice(candidate.literals)
    else:
        identifier = uuid.UUID(int=number | 7 << 76 | 2 << 62)
        form = _TEXTS.get(kind.removesuffix("[]"), "v{n}")
        text = form.format(n=number, small=number % 100, hex=f"{number:064x}", uuid=identifier, day=number % 28 + 1)
    return sql.SQL("{}::{}").format(sql.Literal(f"{{{text}}}" if kind.endswith("[]") else text), _as_sql(kind))


def sample_rows(source: Connection, scratch: Connection, catalog: Catalog, rows: int) -> dict[str, int]:
    """Copies up to so many rows of each table from the target; how many each had."""
    copied = {}
    with scratch.transaction():
        scratch.execute(queries["suspend_keys"])
        for table in catalog.list_kind("table"):
            _ensure_partition(scratch, table)
            columns = [c.facts["column"] for c in catalog.list_kind("column", table.name) if not c.facts["generated"]]
            names, name = sql.SQL(", ").join(map(sql.Identifier, columns)), _as_sql(table.name)
            read = sql.SQL("COPY (SELECT {} FROM {} LIMIT {}) TO STDOUT").format(names, name, sql.Literal(rows))
            write = sql.SQL("COPY {} ({}) FROM STDIN").format(name, names)
            with source.cursor().copy(read) as out, scratch.cursor().copy(write) as into:
                for block in out:
                    into.write(block)
            copied[table.name] = count_rows(scratch, table.name)
    return copied


def count_rows(connection: Connection, table: str) -> int:
    row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(_as_sql(table))).fetchone()
    return int(row[0]) if row else 0


def read_rows(connection: Connection, catalog: Catalog) -> dict[str, TableRows]:
    """Count and checksum of every table, over all its columns in the order of their names."""
    found = {}
    for table in catalog.list_kind("table"):
        columns = tuple(sorted(c.facts["column"] for c in catalog.list_kind("column", table.name)))
        found[table.name] = read_table(connection, table.name, columns)
    return found


def read_table(connection: Connection, table: str, columns: tuple[str, ...]) -> TableRows:
    """Count and checksum of one table over some columns; the order of the rows does not matter."""
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("SELECT count(*), coalesce(sum(hashtextextended(ROW({})::text, 0)), 0) FROM {}")
    row = connection.execute(statement.format(listed, _as_sql(table))).fetchone()
    return TableRows(columns, int(row[0]), int(row[1])) if row else TableRows(columns, 0, 0)


def _as_sql(name: str) -> sql.SQL:
    """A name or type that the catalogue has given, already quoted."""
    return sql.SQL(name)
