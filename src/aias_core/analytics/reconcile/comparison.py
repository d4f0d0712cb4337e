"""Two accounts of the same thing, compared key by key and counter by counter: a full outer join, by grouping both.

The rows of both sides are put under one another and grouped by their key, in which nulls are equal. Sums of one side
are taken off those of the other, so a row of either side may be any number of rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, LiteralString
from uuid import UUID

from psycopg import sql

if TYPE_CHECKING:
    from psycopg import Connection

Kind = Literal["missing", "extra", "different"]
Bucket = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared: two selections, the grain of their buckets, their key beside bucket and organization.

    Differences of `sums` up to the tolerance are let through; `marks` and `extremes` are compared only without one.
    """

    name: str
    expected: LiteralString
    found: LiteralString
    grain: Literal["hour", "day"]
    keys: Sequence[str]
    sums: Sequence[str]
    marks: Sequence[str] = ()
    extremes: Sequence[str] = ()
    needs: Sequence[str] = ()

    @property
    def metrics(self) -> Sequence[str]:
        return [*self.sums, *self.marks, *self.extremes]


@dataclass(frozen=True, slots=True)
class Finding:
    """One counter of one key that the two sides tell differently; a side without the key has None."""

    comparison: str
    bucket_start: datetime | None
    org_id: UUID | None
    key: Mapping[str, Any]
    metric: str
    kind: Kind
    expected: int | None
    found: int | None


@dataclass(slots=True)
class Buckets:
    """How many keys each bucket has, and how many of them differ."""

    compared: dict[Bucket, int] = field(default_factory=dict)
    different: dict[Bucket, int] = field(default_factory=dict)


def find_buckets(connection: Connection, comparison: Comparison, bounds: Mapping[str, Any]) -> Buckets:
    """Compares every key within the bounds, in one statement."""
    statement = sql.SQL(
        "SELECT bucket_start, org_id, count(*), count(*) FILTER (WHERE differs) FROM ("
        "SELECT bucket_start, org_id, {differs} AS differs FROM ({sides}) sides GROUP BY {key}"
        ") compared GROUP BY 1, 2"
    ).format(differs=_differs(comparison), sides=_sides(comparison), key=_key(comparison))
    found = Buckets()
    for bucket_start, org_id, compared, different in connection.execute(statement, bounds):
        found.compared[bucket_start, org_id] = compared
        if different:
            found.different[bucket_start, org_id] = different
    return found


def iter_findings(
    connection: Connection, comparison: Comparison, bounds: Mapping[str, Any], bucket: Bucket
) -> Iterator[Finding]:
    """The counters that differ in one bucket of one organization."""
    statement = sql.SQL(
        "SELECT jsonb_build_object({named}), bool_or(is_expected), bool_or(NOT is_expected),"
        " ARRAY[{expected}]::numeric[], ARRAY[{found}]::numeric[]"
        " FROM ({sides}) sides GROUP BY {key} HAVING {differs} ORDER BY 1"
    ).format(
        named=sql.SQL(", ").join(sql.SQL("{}, {}").format(sql.Literal(k), sql.Identifier(k)) for k in comparison.keys),
        expected=_totals(comparison, sql.SQL("is_expected")),
        found=_totals(comparison, sql.SQL("NOT is_expected")),
        sides=_sides(comparison),
        key=_key(comparison),
        differs=_differs(comparison),
    )
    start, org_id = bucket
    for key, is_expected, is_found, expected, found in connection.execute(statement, {**bounds, "org_id": org_id}):
        kind: Kind = "different" if is_expected and is_found else "missing" if is_expected else "extra"
        for metric, wanted, got in zip(comparison.metrics, expected, found, strict=True):
            if (wanted or 0) != (got or 0) or (metric == comparison.metrics[0] and kind != "different"):
                yield Finding(comparison.name, start, org_id, key, metric, kind, _whole(wanted), _whole(got))


def _sides(comparison: Comparison) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, ["org_id", *comparison.keys, *comparison.metrics]))
    step = sql.Literal(f"1 {comparison.grain}")
    side = sql.SQL(
        "SELECT {is_expected} AS is_expected, date_bin({step}, bucket_start, 'epoch') AS bucket_start, {columns}"
        " FROM ({rows}) AS side"
    )
    return sql.SQL(" UNION ALL ").join(
        side.format(is_expected=sql.Literal(is_expected), step=step, columns=columns, rows=sql.SQL(rows))
        for is_expected, rows in ((True, comparison.expected), (False, comparison.found))
    )


def _key(comparison: Comparison) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, ["bucket_start", "org_id", *comparison.keys]))


def _differs(comparison: Comparison) -> sql.Composed:
    one_side = sql.SQL("bool_and(is_expected) OR NOT bool_or(is_expected)")
    difference = sql.SQL("coalesce(sum(CASE WHEN is_expected THEN {0} ELSE -{0} END), 0) {1}")
    within = sql.SQL("NOT BETWEEN -%(tolerance)s AND %(tolerance)s")
    sums = [difference.format(sql.Identifier(name), within) for name in comparison.sums]
    exact = [difference.format(sql.Identifier(name), sql.SQL("<> 0")) for name in comparison.marks]
    exact += [
        sql.SQL("{} IS DISTINCT FROM {}").format(
            _total(comparison, name, sql.SQL("is_expected")), _total(comparison, name, sql.SQL("NOT is_expected"))
        )
        for name in comparison.extremes
    ]
    either = [one_side, *sums]
    if exact:
        either.append(sql.SQL("%(tolerance)s = 0 AND ({})").format(sql.SQL(" OR ").join(exact)))
    return sql.SQL("({})").format(sql.SQL(" OR ").join(either))


def _totals(comparison: Comparison, side: sql.SQL) -> sql.Composed:
    return sql.SQL(", ").join(_total(comparison, name, side) for name in comparison.metrics)


def _total(comparison: Comparison, name: str, side: sql.SQL) -> sql.Composed:
    function = "sum" if name not in comparison.extremes else "min" if name.endswith("_min") else "max"
    return sql.SQL("{}({}) FILTER (WHERE {})").format(sql.SQL(function), sql.Identifier(name), side)


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)
