"""The sources as an operator sees them: what each still holds, what of it is missing, and its retirement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aias_core import clock
from aias_core.analytics.facts import bound_facts
from aias_core.analytics.sources.store import SILENT_AFTER
from aias_core.contracts.usage import AGE_LIMIT
from aias_core.database.queries import load_queries
from aias_core.errors import Conflict, InvalidInput, NotFound
from aias_core.windows import Window

if TYPE_CHECKING:
    from psycopg import Connection

NEIGHBOURHOOD = timedelta(days=1)
GAPS_LIMIT = 100

_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers in a row of which `missing` are in no fact."""

    source: str
    first_seq: int
    last_seq: int
    missing: int


def list_sources(connection: Connection) -> list[dict[str, Any]]:
    """Every source with its state, its numbers, its oldest open request and how far its facts reach."""
    from psycopg.rows import dict_row

    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_queries["list_sources"], {"heard_before": clock.now() - SILENT_AFTER}).fetchall()


def describe_sources(connection: Connection) -> list[dict[str, Any]]:
    """The sources with the number of their events that are missing among the facts of the last 35 days."""
    now = clock.now()
    gaps = find_gaps(connection, Window(now - AGE_LIMIT, now + NEIGHBOURHOOD))
    return [
        {**source, "gaps": sum(gap.missing for gap in gaps if gap.source == source["source"])}
        for source in list_sources(connection)
    ]


def find_gaps(connection: Connection, window: Window) -> list[Gap]:
    """Runs of numbers that a source gave and no fact has, beside facts of the window; the first hundred of them.

    Numbers are given when requests end and facts lie where they were admitted, so each candidate is looked for wherever
    an event could have been accepted before it is called missing.
    """
    core = {"window_start": window.start, "window_end": window.end, "limit": GAPS_LIMIT}
    candidates = connection.execute(_queries["find_gaps"], {**core, **bound_facts(window, NEIGHBOURHOOD)}).fetchall()
    gaps = [_look_for(connection, window, *candidate) for candidate in candidates]
    return [gap for gap in gaps if gap.missing]


def retire_source(connection: Connection, name: str, reason: str, by: str) -> None:
    """Gives up a silent source, so that it holds no watermark any more.

    Raises NotFound, Conflict while it is active, closed or retired, InvalidInput without a reason.
    """
    if not reason.strip():
        raise InvalidInput("A source is retired for a reason", hint="say why with: --reason TEXT")
    given = {"source": name, "reason": reason, "by": by, "heard_before": clock.now() - SILENT_AFTER}
    if connection.execute(_queries["retire_source"], given).rowcount:
        return
    state = {source["source"]: source["state"] for source in list_sources(connection)}.get(name)
    if state is None:
        raise NotFound(f"There is no source '{name}'", hint="see them with: aias analytics sources list")
    hint = "stop its router first" if state == "active" else "see why with: aias analytics sources list"
    raise Conflict(f"The source '{name}' is {state}, not silent", hint=hint)


def _look_for(connection: Connection, window: Window, source: str, first_seq: int, last_seq: int) -> Gap:
    run = {"source": source, "first_seq": first_seq, "last_seq": last_seq}
    row = connection.execute(_queries["count_found"], {**run, **bound_facts(window, AGE_LIMIT)}).fetchone()
    return Gap(source, first_seq, last_seq, last_seq - first_seq + 1 - (row[0] if row else 0))
