"""What has outlived the data policy at an instant: by table and partition, with rows and bytes, and what is kept."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aias_core import clock
from aias_core.errors import InvalidInput
from aias_core.retention.holds import Hold, list_holds
from aias_core.retention.stores import Databases, as_retention, queries

if TYPE_CHECKING:
    from uuid import UUID

_SOURCES = (
    ("operational", "count_operational"),
    ("operational", "count_audit"),
    ("analytics", "count_analytics"),
    ("analytics", "count_partitions"),
)


@dataclass(frozen=True, slots=True)
class Expired:
    """Rows of a table, or of one part of it, that go, and rows that would if nothing kept them, with the reason."""

    database: str
    table: str
    part: str | None
    purge: str
    rows: int
    bytes: int
    kept: int
    kept_by: str | None

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class RetentionPlan:
    """What a run at `as_of` removes, and the subjects whose rows stay."""

    as_of: datetime
    items: tuple[Expired, ...]
    holds: tuple[Hold, ...]
    held: tuple[UUID, ...]

    @property
    def rows(self) -> int:
        return sum(item.rows for item in self.items)

    @property
    def kept_by_hold(self) -> list[Expired]:
        return [item for item in self.items if item.kept and item.kept_by == "hold"]

    def as_record(self) -> dict[str, Any]:
        return {
            "as_of": clock.format_instant(self.as_of),
            "rows": self.rows,
            "bytes": sum(item.bytes for item in self.items),
            "items": [item.as_record() for item in self.items],
        }


def parse_as_of(text: str | None) -> datetime:
    """The instant of `--as-of`: a day (its first moment, UTC) or an RFC 3339 instant; now for none."""
    if text is None:
        return clock.now()
    try:
        if len(text) == len("2026-10-01"):
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        return clock.parse_instant(text)
    except ValueError as exc:
        raise InvalidInput(
            f"'{text}' is neither a day nor an instant with a time zone", hint="write it like 2026-10-01"
        ) from exc


def build_plan(databases: Databases, as_of: datetime) -> RetentionPlan:
    """Counts, at an instant that may lie ahead, what the policy lets go; holds of the operational database count."""
    holds = tuple(list_holds(databases.operational))
    with as_retention(databases):
        held = list_held(databases)
        keys = {"as_of": as_of, "held": held}
        found = [
            Expired(database, *row)
            for database, query in _SOURCES
            for row in databases.get(database).execute(queries[query], keys)
        ]
    items = [item if item.kept else _without_reason(item) for item in found if item.rows or item.kept or _is_part(item)]
    return RetentionPlan(as_of, tuple(items), holds, tuple(held))


def list_held(databases: Databases) -> list[UUID]:
    """The ids of everybody whose rows stay at this moment."""
    return [row[0] for row in databases.operational.execute(queries["list_held_subjects"])]


def _is_part(item: Expired) -> bool:
    return item.purge == "drop_partition"


def _without_reason(item: Expired) -> Expired:
    return Expired(**{**item.as_record(), "kept_by": None})
