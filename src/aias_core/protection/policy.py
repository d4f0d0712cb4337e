"""The data policy: class, protection, subject and lifetime of every column of both databases, and its check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from aias_core.errors import InvalidInput
from aias_core.files import load_yaml
from aias_core.migrate.files import default_directory

if TYPE_CHECKING:
    from psycopg import Connection

SCHEMA = "aias."
WHOLE_TABLE = "*"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnPolicy(_Strict):
    """How much harm a column can do, and what keeps it from doing it."""

    data_class: Literal["restricted", "confidential", "internal", "public"]
    protection: Literal["none", "hash", "encrypt", "both"] = "none"


class Retention(_Strict):
    """How long rows live by which column, and how they go. 0 days is no end of their own, and `why` says so."""

    days: int = Field(ge=0)
    clock: str | None = None
    purge: Literal["delete", "anonymize", "archive", "drop_partition"]
    why: str = ""


SubjectKind = Literal["organization", "user"]
Erasure = Literal["delete", "anonymize", "pseudonymize", "keep"]


class TablePolicy(_Strict):
    """One table. `subject` names the columns, of this table or of `table.column`, that lead to a person or tenant."""

    subject: dict[SubjectKind | Literal["any"], tuple[str, ...]] = {}
    erasure: dict[SubjectKind, Erasure] = {}
    retention: Retention
    columns: dict[str, ColumnPolicy]

    @field_validator("subject", mode="before")
    @classmethod
    def _list(cls, subject: Mapping[str, str | list[str]]) -> dict[str, list[str]]:
        return {kind: [paths] if isinstance(paths, str) else paths for kind, paths in subject.items()}

    @field_validator("columns", mode="before")
    @classmethod
    def _split(cls, columns: Mapping[str, str]) -> dict[str, dict[str, str]]:
        return {
            name: dict(zip(("data_class", "protection"), text.split("/"), strict=False))
            for name, text in columns.items()
        }


class DataPolicy(_Strict):
    """The policy of both databases, by table."""

    operational: dict[str, TablePolicy]
    analytics: dict[str, TablePolicy]

    def tables(self, database: str) -> dict[str, TablePolicy]:
        return self.operational if database == "operational" else self.analytics


@dataclass(frozen=True, slots=True, order=True)
class PolicyFinding:
    """Something the policy and a database disagree on, or that the policy leaves unsaid."""

    database: str
    table: str
    column: str
    problem: str

    def as_record(self) -> dict[str, str]:
        return asdict(self)


def default_path() -> Path:
    """The policy that ships with `aias`, beside the migrations."""
    return default_directory("operational").with_name("data-policy.yaml")


def load_policy(path: Path | None = None) -> DataPolicy:
    """The policy of a file. Raises InvalidInput naming the first entry that is not valid."""
    path = path or default_path()
    try:
        return DataPolicy.model_validate(load_yaml(path.read_text(encoding="utf-8")))
    except ValidationError as exc:
        fault = exc.errors()[0]
        place = ".".join(map(str, fault["loc"]))
        raise InvalidInput(f"'{path.name}' is not a data policy: {place}: {fault['msg']}") from exc


def list_known_columns(directory: Path) -> frozenset[tuple[str, str]] | None:
    """The (table, column) that the policy beside a directory of migrations lists; None where there is no policy."""
    path = directory.resolve().with_name("data-policy.yaml")
    if directory.resolve().name not in DataPolicy.model_fields or not path.is_file():
        return None
    tables = load_policy(path).tables(directory.resolve().name)
    return frozenset((SCHEMA + table, column) for table, policy in tables.items() for column in policy.columns)


def check_policy(connection: Connection, database: str, policy: DataPolicy) -> list[PolicyFinding]:
    """What the policy lacks, has too much, or leaves unsaid for the tables of a live database; sorted."""
    columns = read_columns(connection)
    tables = policy.tables(database)
    problems = [*_compare(columns, tables), *_unsaid(columns, tables)]
    return sorted(PolicyFinding(database, *problem) for problem in problems)


def read_columns(connection: Connection) -> dict[str, set[str]]:
    """The columns of each table of ours in a live database; partitions stand under their table."""
    from aias_core.migrate.catalog.snapshot import read_catalog

    found: dict[str, set[str]] = {}
    for item in read_catalog(connection).list_kind("column"):
        table = str(item.table)
        if table.startswith(SCHEMA):
            found.setdefault(table.removeprefix(SCHEMA), set()).add(item.facts["column"])
    return found


Problems = Iterator[tuple[str, str, str]]


def _compare(columns: Mapping[str, set[str]], tables: Mapping[str, TablePolicy]) -> Problems:
    for table in columns.keys() | tables.keys():
        there = columns.get(table, set())
        listed = set(tables[table].columns) if table in tables else set()
        yield from ((table, name, "column without policy") for name in there - listed)
        yield from ((table, name, "policy without column") for name in listed - there)


def _unsaid(columns: Mapping[str, set[str]], tables: Mapping[str, TablePolicy]) -> Problems:
    for table, policy in tables.items():
        for name, column in policy.columns.items():
            if column.data_class == "restricted" and column.protection == "none":
                yield table, name, "restricted without protection"
        retention = policy.retention
        if retention.days == 0 and not retention.why:
            yield table, WHOLE_TABLE, "0 days without explanation"
        if retention.days and retention.clock not in policy.columns:
            yield table, WHOLE_TABLE, f"retention by a column that is not there: {retention.clock}"
        for path in chain.from_iterable(policy.subject.values()):
            owner, _, name = path.rpartition(".")
            if name not in columns.get(owner or table, set()):
                yield table, WHOLE_TABLE, f"subject by a column that is not there: {path}"
        for kind in policy.erasure.keys() - policy.subject.keys():
            yield table, WHOLE_TABLE, f"erasure of a subject that is not there: {kind}"


def check_shipped_policy(databases: list[str], path: Path | None = None) -> list[PolicyFinding]:
    """The findings of the policy against the shipped migrations, applied to a scratch server."""
    from aias_core.database.connection import connect
    from aias_core.database.scratch import scratch_server
    from aias_core.migrate.runner import migrate
    from aias_core.migrate.target import Target

    policy, findings = load_policy(path), []
    with scratch_server() as server:
        for database in databases:
            dsn = server.dsn(server.create_database(), "aias_migrator")
            migrate(Target(database, dsn))
            with connect(dsn) as connection:
                findings += check_policy(connection, database, policy)
    return findings
