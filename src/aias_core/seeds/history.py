"""Made-up usage, computed inside the database: facts with their receipts, and the hours they make dirty.

An event follows from its number and the seed alone, and is what a router could have sent: priced exactly, its latency
in the right bucket, late ones late, copies refused by their receipts. All of it commits at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg

from aias_core import clock, windows
from aias_core.analytics import sketch
from aias_core.analytics.ingest.store import LATE_AFTER
from aias_core.database.queries import load_queries
from aias_core.errors import Conflict
from aias_core.seeds.package import Package, Usage
from aias_core.seeds.rows import key_id_of, model_id_of, org_id_of, price_id_of, project_id_of
from aias_core.seeds.upsert import Outcome

if TYPE_CHECKING:
    from psycopg import Connection

BATCH_EVENTS = 100_000
_MILLISECOND = timedelta(milliseconds=1)
_DIMENSIONS = ("organizations", "projects", "models", "prices", "keys")

Progress = Callable[[str], None]
queries = load_queries(__file__)


class UsageDiffers(Conflict):
    """The package was put here with other usage"""

    code = "usage_differs"


@dataclass(frozen=True, slots=True)
class History:
    """The usage of a package, ending at an instant."""

    package: Package
    usage: Usage
    end: datetime

    @property
    def source(self) -> str:
        return f"seed-{self.package.name}"

    @property
    def start(self) -> datetime:
        return self.end - timedelta(days=self.usage.days)

    @property
    def bounds(self) -> dict[str, Any]:
        return {"source": self.source, "start": self.start, "end": self.end, "events": self.usage.events}

    def iter_batches(self) -> Iterator[tuple[UUID, int, int]]:
        """Each batch: its id, and its first and last event."""
        for first in range(0, self.usage.events, BATCH_EVENTS):
            batch_id = self.package.derive_id("ingest_batches", first)
            yield batch_id, first, min(first + BATCH_EVENTS, self.usage.events) - 1

    def starts_at(self, number: int) -> datetime:
        """The earliest instant of an event; that of the one after the last is the end."""
        span = (self.end - self.start) // _MILLISECOND
        return self.start + number * span // self.usage.events * _MILLISECOND


def load_history(connection: Connection, history: History, progress: Progress) -> list[Outcome]:
    """Stores the events, in the open transaction. Raises UsageDiffers when there are some, but not all of them."""
    wanted = history.usage.events
    stored = _count(connection, "count_facts", history.bounds)
    if stored == wanted:
        return [Outcome("usage_facts", unchanged=wanted), Outcome("event_receipts", unchanged=wanted)]
    if stored:
        raise UsageDiffers(f"{stored} of {wanted} events are there", hint=_reset_hint(history.package))
    _prepare(connection, history)
    with _unique(history):
        copies = _load_batches(connection, history, progress)
    if copies:
        progress(f"Refused {copies} copies of events that were stored")
    cause = {**history.bounds, "batch_id": history.package.derive_id("ingest_batches", 0)}
    for query in ("insert_source", "insert_dirty_hours"):
        connection.execute(queries[query], cause)
    return [Outcome("usage_facts", wanted), Outcome("event_receipts", wanted)]


def remove_history(connection: Connection, history: History) -> list[Outcome]:
    """Takes the events out again; the hours they stood in are queued and lose them with the next rollup."""
    facts = receipts = 0
    for batch_id, first, last in history.iter_batches():
        bounds = {**history.bounds, "batch_id": batch_id}
        bounds |= {"start": history.starts_at(first), "end": history.starts_at(last + 1)}
        receipts += connection.execute(queries["delete_receipts"], bounds).rowcount
        facts += _count(connection, "delete_facts", bounds)
        connection.execute(queries["delete_batch"], bounds)
    connection.execute(queries["delete_totals"], history.bounds)
    connection.execute(queries["delete_source"], history.bounds)
    return [Outcome("usage_facts", removed=facts), Outcome("event_receipts", removed=receipts)]


def remove_dimensions(connection: Connection, ids: list[UUID]) -> None:
    """Takes the names and prices with these identifiers out of the analytics database, earlier versions as well."""
    for dimension in _DIMENSIONS:
        connection.execute(queries[f"delete_dim_{dimension}"], [ids])
    connection.execute(queries["delete_dimension_versions"], [ids])


def _prepare(connection: Connection, history: History) -> None:
    months = (history.end.year - history.start.year) * 12 + history.end.month - history.start.month + 1
    connection.execute(queries["ensure_partitions"], [windows.month_of(history.start), months])
    for table in ("payers", "offers", "series", "made"):
        connection.execute(queries[f"create_{table}"])
    with connection.cursor() as cursor:
        with cursor.copy("COPY seed_payers FROM STDIN") as copy:
            for payer in _iter_payers(history.package):
                copy.write_row(payer)
        with cursor.copy("COPY seed_offers FROM STDIN") as copy:
            for offer in _iter_offers(history.package):
                copy.write_row(offer)


@contextmanager
def _unique(history: History) -> Iterator[None]:
    try:
        yield
    except psycopg.errors.UniqueViolation as exc:
        raise UsageDiffers(
            "Events of the package are there that it did not put there", hint=_reset_hint(history.package)
        ) from exc


def _load_batches(connection: Connection, history: History, progress: Progress) -> int:
    """Stores all batches and returns how many copies of their events were refused."""
    copies = 0
    for batch_id, first, last in history.iter_batches():
        copies += _load_batch(connection, history, batch_id, first, last)
        if history.usage.events > BATCH_EVENTS:
            progress(f"Stored {last + 1} of {history.usage.events} events")
    return copies


def _load_batch(connection: Connection, history: History, batch_id: UUID, first: int, last: int) -> int:
    """Stores one batch and returns how many copies of its events were refused."""
    usage, span = history.usage, (history.end - history.start) // _MILLISECOND
    values = {
        **usage.model_dump(),
        **history.bounds,
        **{"batch_id": batch_id, "first": first, "last": last, "late_after": LATE_AFTER},
        **{"start_ms": int(history.start.timestamp()) * 1000, "span_ms": span, "slot_ms": max(1, span // usage.events)},
        "payers": len(history.package.organizations),
        "offers": len(history.package.models),
        "thresholds": list(sketch.thresholds()),
    }
    for query in ("empty_made", "make_events", "insert_series", "number_series", "insert_receipts"):
        connection.execute(queries[query], values)
    if connection.execute(queries["insert_facts"], values).rowcount != last - first + 1:
        raise AssertionError("an event has no series")
    connection.execute(queries["add_totals"], values)
    if connection.execute(queries["offer_copies"], values).rowcount:
        raise AssertionError("a copy of an event was accepted")
    return _count(connection, "insert_batch", values)


def _iter_payers(package: Package) -> Iterator[tuple[Any, ...]]:
    for number, org in enumerate(package.organizations):
        key = org.keys[0] if org.keys else None
        project = project_id_of(package, org, key.project) if key and key.project else None
        yield number, org_id_of(package, org), key and key_id_of(package, org, key.name), project


def _iter_offers(package: Package) -> Iterator[tuple[Any, ...]]:
    for number, model in enumerate(package.models):
        named = (model_id_of(package, model), model.name, model.operation)
        yield number, *named, price_id_of(package, model), *model.amounts


def _count(connection: Connection, query: str, values: dict[str, Any]) -> int:
    row = connection.execute(queries[query], values).fetchone()
    return int(row[0]) if row else 0


def _reset_hint(package: Package) -> str:
    return f"remove it first: aias db seed --package {package.name} --reset"


def choose_end(package: Package) -> datetime:
    """Where the history of a package ends when it is put somewhere for the first time."""
    return package.anchored_at or windows.day_of(clock.now())
