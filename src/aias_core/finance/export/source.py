"""Where the lines of a file come from: rollups for open months, statements for closed ones, all in one snapshot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg import sql

from aias_core.database.queries import load_queries
from aias_core.errors import NotFound, Refused
from aias_core.finance.export.names import NIL, Names, microseconds_of
from aias_core.finance.export.request import ExportRequest
from aias_core.windows import Grain, Window, month_of, next_month

if TYPE_CHECKING:
    from psycopg import Connection

queries = load_queries(__file__)
SMALL_AMOUNT = 2**61


@dataclass(frozen=True, slots=True)
class Segment:
    """Part of the window within one month, and the statement it is of; version 0 is none, the month is open.

    A live one is the draft of a statement: it is read from the rollups.
    """

    window: Window
    status: str = "open"
    version: int = 0
    is_live: bool = False

    @property
    def is_frozen(self) -> bool:
        """Whether its lines stand in a statement; else they are those of the rollups."""
        return self.version > 0 and not self.is_live

    @property
    def month(self) -> date:
        return month_of(self.window.start).date()


@dataclass(slots=True)
class OrganizationTotal:
    """What the lines of one organization in one currency add up to; amounts in pico-units."""

    rows: int = 0
    requests: int = 0
    total_tokens: int = 0
    cost: int = 0
    adjustment: int = 0

    def add(self, rows: int, requests: int, total_tokens: int, cost: int, adjustment: int) -> None:
        self.rows += rows
        self.requests += requests
        self.total_tokens += total_tokens
        self.cost += cost
        self.adjustment += adjustment


@dataclass(frozen=True, slots=True)
class Totals:
    """What PostgreSQL says the file holds, and the words behind the codes of its records."""

    by_organization: Mapping[tuple[bytes, str], OrganizationTotal]
    words: dict[int, str | None]
    are_small: bool


@dataclass(frozen=True, slots=True)
class Source:
    """The lines of one request, as SQL, with the parameters for it. Valid within its snapshot."""

    request: ExportRequest
    segments: tuple[Segment, ...]
    test_organizations: Mapping[UUID, str]

    @property
    def version(self) -> int:
        return max(segment.version for segment in self.segments)

    @property
    def status(self) -> str:
        """`open` while any month is; else `restated` where one was, else `closed`."""
        found = {segment.status for segment in self.segments}
        return next(status for status in ("open", "restated", "closed") if status in found)

    @property
    def is_one_statement(self) -> bool:
        return (
            len(self.segments) == 1 and self.is_read_frozen(self.segments[0]) and self.request.granularity is Grain.DAY
        )

    @property
    def shows_idle(self) -> bool:
        """Whether organizations without usage get a line: in a month of all organizations, unless it is filtered."""
        return self.request.scope is None and self.request.is_whole_month and not self.request.is_filtered

    @property
    def parameters(self) -> dict[str, Any]:
        request = self.request
        return {
            "start": request.window.start,
            "end": request.window.end,
            "org_id": request.scope.org_id if request.scope else None,
            "excluded": list(self.test_organizations),
            "models": list(request.models) or None,
            "projects": list(request.projects) or None,
        }

    def is_read_frozen(self, segment: Segment) -> bool:
        """Whether the lines of a month are those of its statement; hours are always those of the rollups."""
        return segment.is_frozen and self.request.granularity is not Grain.HOUR

    def lines(self) -> sql.Composed:
        """A SELECT of the lines, in no order."""
        parts = [self._part_of(segment, "statement_lines", "rollup_lines") for segment in self.segments]
        lines = sql.SQL("\nUNION ALL\n").join(parts)
        if self.request.granularity is Grain.MONTH:
            return sql.SQL(queries["monthly_lines"]).format(lines=lines)
        return lines

    def corrections(self) -> sql.Composed:
        """A SELECT of what adjustments of months closed before amount to, by the key of their line; of days."""
        parts = [self._part_of(segment, "statement_corrections", "rollup_corrections") for segment in self.segments]
        return sql.SQL("\nUNION ALL\n").join(parts)

    def _part_of(self, segment: Segment, frozen: str, live: str) -> sql.Composed:
        """One of two queries: of the statement of a month where its lines are read from there, else of its rollups."""
        is_frozen, is_hour = self.is_read_frozen(segment), self.request.granularity is Grain.HOUR
        return sql.SQL(queries[frozen if is_frozen else live]).format(
            month=sql.Literal(segment.month),
            version=sql.Literal(segment.version),
            table=sql.Identifier("usage_hours" if is_hour else "usage_days"),
            start=sql.Literal(segment.window.start),
            end=sql.Literal(segment.window.end),
            filters=sql.SQL(queries["line_filters"]),
        )


@contextmanager
def one_snapshot(connection: Connection) -> Iterator[None]:
    """A transaction in which every statement sees the same; a part of the caller's one when there is one."""
    from psycopg import IsolationLevel
    from psycopg.pq import TransactionStatus

    if connection.info.transaction_status is not TransactionStatus.IDLE:
        yield
        return
    connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    try:
        with connection.transaction():
            yield
    finally:
        connection.set_isolation_level(None)


def open_source(connection: Connection, request: ExportRequest) -> Source:
    """The source of a request. Raises NotFound for a statement version that there is not."""
    closes = _list_closes(connection, request.window)
    segments = tuple(_choose_version(window, closes, request.statement) for window in split_months(request.window))
    tests: dict[UUID, str] = {}
    if request.scope is None:
        tests = dict(connection.execute(queries["list_test_organizations"]).fetchall())
    return Source(request, segments, tests)


def refuse_open_months(connection: Connection, request: ExportRequest) -> None:
    """Raises Refused when a month of a request is open. One that is closed stays so, whenever the file is made."""
    if open_source(connection, request).status == "open":
        raise Refused("The month is not closed", hint="close it with: aias analytics close MONTH")


def split_months(window: Window) -> Iterator[Window]:
    """The parts of a window in each of its months."""
    start = window.start
    while start < window.end:
        end = min(next_month(start), window.end)
        yield Window(start, end)
        start = end


def _list_closes(connection: Connection, window: Window) -> dict[date, dict[int, str]]:
    found: dict[date, dict[int, str]] = defaultdict(dict)
    months = {"start": month_of(window.start), "end": window.end}
    for month, version, status, _ in connection.execute(queries["list_closes"], months):
        found[month][version] = status
    return found


def _choose_version(window: Window, closes: Mapping[date, Mapping[int, str]], wanted: int | None) -> Segment:
    versions = closes.get(month_of(window.start).date(), {})
    version = max(versions, default=0) if wanted is None else wanted
    if version == 0:
        return Segment(window)
    if version not in versions:
        raise NotFound(
            f"{window.start:%Y-%m} has no statement {version}",
            hint=f"there are: {', '.join(map(str, versions)) or 'none, the month is open'}",
        )
    return Segment(window, versions[version], version)


def read_totals(connection: Connection, source: Source) -> Totals:
    """The totals of the lines by organization and currency."""
    totals: dict[tuple[bytes, str], OrganizationTotal] = defaultdict(OrganizationTotal)
    words: dict[int, str | None] = {}
    largest = 0
    statement = sql.SQL(queries["sum_lines"]).format(lines=source.lines())
    for org_id, currency, operation, region, *sums, amount, h1, h2, h3 in connection.execute(
        statement, source.parameters
    ):
        totals[org_id.bytes, currency].add(*map(int, sums))
        words |= {h1: operation or None, h2: region or None, h3: currency}
        largest = max(largest, int(amount))
    return Totals(totals, words, largest < SMALL_AMOUNT)


def read_names(connection: Connection, source: Source) -> Names:
    """The names of everything in the period of each line; those of a statement as they stand in it."""
    names = Names()
    for segment in source.segments:
        named: Mapping[str, Any] = {"month": segment.month, "version": segment.version}
        query = "list_statement_names" if source.is_read_frozen(segment) else "list_names"
        bounds = (microseconds_of(segment.window.start), microseconds_of(segment.window.end))
        names.add(connection.execute(queries[query], named), *bounds)
    return names


def read_labels(connection: Connection, source: Source) -> Names:
    """The labels of projects in the period of each line, as JSON in the place of slugs."""
    labels = Names()
    for segment in source.segments:
        bounds = (microseconds_of(segment.window.start), microseconds_of(segment.window.end))
        labels.add(connection.execute(queries["list_labels"]), *bounds)
    return labels


def build_copy(connection: Connection, source: Source, totals: Totals) -> sql.Composed:
    """The COPY that sends the lines as records, in the order of the file."""
    lines, order = source.lines(), sql.SQL(queries["file_order"]).format(collation=_choose_collation(connection))
    if source.is_one_statement:
        lines, order = lines + sql.SQL(" ORDER BY line_no"), sql.Composed([])
    return sql.SQL(queries["copy_lines"]).format(
        lines=lines,
        order=order,
        nil=sql.Literal(UUID(bytes=NIL)),
        amounts=sql.SQL(queries["small_amounts" if totals.are_small else "any_amounts"]),
    )


def _choose_collation(connection: Connection) -> sql.SQL:
    """What makes texts compare by their bytes: nothing, so that indexes serve, where the database does so anyway."""
    is_bytewise = connection.execute(queries["read_collation"]).fetchone() == (True,)
    return sql.SQL("" if is_bytewise else 'COLLATE "C"')


def list_idle(connection: Connection, source: Source) -> list[tuple[UUID, str, int, int]]:
    """Organizations without a line: id, currency, its code and that of no text. A statement has theirs already."""
    if not source.shows_idle or any(map(source.is_read_frozen, source.segments)):
        return []
    bound = UUID(int=int(source.request.window.end.timestamp() * 1000) << 80)
    statement = sql.SQL(queries["list_idle_organizations"]).format(lines=source.lines(), bound=sql.Literal(bound))
    return connection.execute(statement, source.parameters).fetchall()


def find_watermark(connection: Connection) -> datetime | None:
    """Every request admitted before it has ended and is in the rollups; None while no rollup has said so."""
    row = connection.execute(queries["read_watermark"]).fetchone()
    return row[0] if row else None
