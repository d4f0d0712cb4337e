"""Recomputes long ranges day by day, through the queue that live work uses; newer buckets go first there.

The checkpoint moves when every bucket of a day is done, so a killed rebuild repeats at most a day, and repeating
gives the same rows.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from aias_core import clock, ids
from aias_core.analytics.rollup.run import RollupRun, enqueue_window, run_rollup
from aias_core.analytics.stores.clickhouse.server import in_process
from aias_core.analytics.stores.columns import column_rollups
from aias_core.database.queries import load_queries
from aias_core.errors import LockHeld, NotFound, Partial
from aias_core.windows import Window

if TYPE_CHECKING:
    from psycopg import Connection

DAY = timedelta(days=1)
Engine = Literal["rows", "columns"]
Connect = Callable[[], "AbstractContextManager[Connection]"]

_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class RebuildOptions:
    """Who asks, how fast it may go, how many connections work, and whether it goes on after a killed one.

    Facts are grouped by `rows` in PostgreSQL, or by `columns` in this process.
    """

    requested_by: str
    max_rows_per_second: int | None = None
    workers: int = 1
    resume: bool = False
    engine: Engine = "rows"
    tell: Callable[[str], None] | None = None


@dataclass(slots=True)
class Rebuild:
    """What a rebuild has done: days, buckets, facts read, rows written and removed."""

    rebuild_id: UUID
    checkpoint: datetime
    days_done: int = 0
    hours: int = 0
    days: int = 0
    source_rows: int = 0
    written: int = 0
    removed: int = 0

    def add(self, run: RollupRun) -> None:
        for name in ("hours", "days", "source_rows", "written", "removed"):
            setattr(self, name, getattr(self, name) + getattr(run, name))

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


def run_rebuild(connect: Connect, window: Window, options: RebuildOptions) -> Rebuild:
    """Recomputes every bucket of a window of whole days. Connections commit each statement.

    Raises LockHeld while another rebuild is at work, NotFound when there is none to resume, Partial when interrupted,
    PrerequisiteMissing when columns are wanted and chDB is not installed.
    """
    with connect() as connection, _alone(connection), _running(options.engine):
        rebuild = _resume(connection, window) if options.resume else _begin(connection, window, options)
        try:
            while rebuild.checkpoint < window.end:
                _rebuild_day(connection, connect, rebuild, options)
        except KeyboardInterrupt as exc:
            raise Partial(
                f"Interrupted; whole through {clock.format_second(rebuild.checkpoint)}", hint="go on with: --resume"
            ) from exc
        _save(connection, rebuild, "done")
    return rebuild


def _begin(connection: Connection, window: Window, options: RebuildOptions) -> Rebuild:
    rebuild = Rebuild(ids.new_id(), window.start)
    bounds = {"start": window.start, "end": window.end, "requested_by": options.requested_by}
    connection.execute(_queries["insert_rebuild"], {"rebuild_id": rebuild.rebuild_id, **bounds})
    return rebuild


def _resume(connection: Connection, window: Window) -> Rebuild:
    row = connection.execute(_queries["find_rebuild"], [window.start, window.end]).fetchone()
    if row is None:
        raise NotFound("No rebuild of this range was begun and not finished", hint="begin one without --resume")
    return Rebuild(row[0], row[1])


def _rebuild_day(connection: Connection, connect: Connect, rebuild: Rebuild, options: RebuildOptions) -> None:
    began, before = clock.monotonic(), rebuild.source_rows
    day = Window(rebuild.checkpoint, rebuild.checkpoint + DAY)
    enqueue_window(connection, day)
    with ThreadPoolExecutor(options.workers, "rebuild") as pool:
        for run in pool.map(_work, [connect] * options.workers, [options.engine] * options.workers):
            rebuild.add(run)
    if options.max_rows_per_second:
        least = (rebuild.source_rows - before) / options.max_rows_per_second
        threading.Event().wait(max(0.0, least - (clock.monotonic() - began)))
    rebuild.checkpoint, rebuild.days_done = day.end, rebuild.days_done + 1
    _save(connection, rebuild, "running")
    if options.tell:
        options.tell(f"Whole through {clock.format_second(day.end)}: {rebuild.source_rows} facts read.")


def _work(connect: Connect, engine: Engine) -> RollupRun:
    with connect() as connection:
        if engine == "rows":
            return run_rollup(connection, trigger="rebuild")
        with column_rollups(connection) as columns:
            return run_rollup(connection, trigger="rebuild", store=columns)


def _running(engine: Engine) -> AbstractContextManager[object]:
    """Keeps chDB loaded from the first day to the last: it stops with the last database in it."""
    return in_process() if engine == "columns" else nullcontext()


def _save(connection: Connection, rebuild: Rebuild, state: str) -> None:
    connection.execute(_queries["save_rebuild"], [rebuild.checkpoint, state, rebuild.rebuild_id])


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    [taken] = connection.execute(_queries["lock_rebuilds"]).fetchone() or (False,)
    if not taken:
        raise LockHeld("Another rebuild is at work", hint="see what it has done with: aias analytics status")
    try:
        yield
    finally:
        connection.execute(_queries["unlock_rebuilds"])
