"""Names become ids before a question is read, and ids become names after it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString
from uuid import UUID

from psycopg import sql

from aias_core.analytics.query.faults import InvalidQuery
from aias_core.analytics.query.parameters import NONE, Dimension, Filters
from aias_core.analytics.query.scope import Scope
from aias_core.database.queries import load_queries

if TYPE_CHECKING:
    from psycopg import Connection

OTHERS = "(others)"
UNASSIGNED = {Dimension.MODEL: "unassigned", Dimension.PROJECT: "none", Dimension.KEY: "none"}
COLUMNS: dict[Dimension, LiteralString] = {
    Dimension.MODEL: "model_id",
    Dimension.PROJECT: "project_id",
    Dimension.KEY: "api_key_id",
    Dimension.OPERATION: "operation",
    Dimension.REGION: "region",
    Dimension.STATUS: "status",
    Dimension.ORG: "org_id",
}
_WHERE_TO_LOOK = {
    Dimension.MODEL: "see: aias model list",
    Dimension.PROJECT: "name it by its slug or id",
    Dimension.KEY: "see: aias key list --org SLUG",
}
_NAMED = (Dimension.MODEL, Dimension.PROJECT, Dimension.KEY, Dimension.ORG)

_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Condition:
    """A column that is one of some values, bound under a name; `or_null` takes rows without a value too."""

    column: LiteralString
    name: str
    values: list[Any]
    or_null: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """The conditions that every row meets."""

    conditions: tuple[Condition, ...]

    @property
    def condition(self) -> sql.Composable:
        """All of them for PostgreSQL."""
        return sql.SQL(" AND ").join([sql.SQL("true"), *map(_write, self.conditions)])

    @property
    def values(self) -> dict[str, Any]:
        """What is bound, by name."""
        return {condition.name: condition.values for condition in self.conditions}


def select_rows(connection: Connection, scope: Scope, filters: Filters) -> Selection:
    """The condition for the rows in scope. Raises InvalidQuery, `unknown_<filter>`, for a name that is not known."""
    found: list[Condition] = []
    if scope.orgs is not None:
        found.append(Condition("org_id", "orgs", list(scope.orgs)))
    for dimension in (Dimension.MODEL, Dimension.PROJECT, Dimension.KEY):
        if wanted := getattr(filters, dimension):
            is_null = NONE in wanted or "unassigned" in wanted
            values: list[Any] = list(find_ids(connection, dimension, wanted))
            found.append(Condition(COLUMNS[dimension], dimension.value, values, is_null))
    for dimension in (Dimension.OPERATION, Dimension.REGION):
        if wanted := getattr(filters, dimension):
            found.append(Condition(COLUMNS[dimension], dimension.value, list(wanted)))
    if scope.holder is not None:
        held = list(_ids(connection, _queries["list_held_keys"], holder=scope.holder))
        found.append(Condition("api_key_id", "held", held))
    return Selection(tuple(found))


def find_ids(connection: Connection, dimension: Dimension, wanted: Sequence[str]) -> list[UUID]:
    """The ids that names and ids stand for. Raises InvalidQuery for a name that nothing has."""
    found: list[UUID] = []
    for text in wanted:
        if text == UNASSIGNED.get(dimension) or text == NONE:
            continue
        ids = [as_id] if (as_id := _as_id(text)) else _ids(connection, _queries[f"find_{dimension}s"], names=[text])
        if not ids:
            raise InvalidQuery(
                f"unknown_{dimension}", dimension, f"There is no {dimension} '{text}'", hint=_WHERE_TO_LOOK[dimension]
            )
        found += ids
    return found


def read_names(connection: Connection, dimension: Dimension, ids: Iterable[Any]) -> dict[Any, str]:
    """What to show for the values of a dimension: names where there are some, else the value itself."""
    known = {value: str(value) for value in ids if value is not None}
    if subjects := [value for value in known if isinstance(value, UUID)]:
        known |= dict(connection.execute(_queries[f"list_{dimension}_names"], {"ids": subjects}).fetchall())
    return {**known, None: UNASSIGNED.get(dimension, NONE)}


def find_currency(connection: Connection, scope: Scope) -> str:
    """The currency of the organization in scope, or of the first of several; `USD` where none is known."""
    row = connection.execute(_queries["find_currency"], {"orgs": None if scope.orgs is None else list(scope.orgs)})
    return next((currency for (currency,) in row), "USD")


def show_keys(groups: Sequence[Dimension], values: Sequence[Any], names: Sequence[dict[Any, str]]) -> dict[str, Any]:
    """The `keys` of a row: the name of each, and its id where it has one."""
    shown: dict[str, Any] = {}
    for dimension, value, known in zip(groups, values, names, strict=True):
        shown[dimension.value] = known.get(value, str(value))
        if dimension in _NAMED:
            shown[f"{dimension}_id"] = str(value) if isinstance(value, UUID) else None
    return shown


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _ids(connection: Connection, query: LiteralString, **values: Any) -> list[UUID]:
    return [row[0] for row in connection.execute(query, values)]


def _write(condition: Condition) -> sql.Composable:
    column = sql.Identifier(condition.column)
    is_one_of = sql.SQL("{} = ANY({})").format(column, sql.Placeholder(condition.name))
    return sql.SQL("({} OR {} IS NULL)").format(is_one_of, column) if condition.or_null else is_one_of
