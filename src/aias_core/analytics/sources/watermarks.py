"""How far the pipeline has come, by stage; a watermark never goes back and is never invented.

`settled_through`: every request that ended before it is included. `complete_through`: every request that was admitted
before it has ended and is included.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from aias_core.database.queries import load_queries

if TYPE_CHECKING:
    from psycopg import Connection

_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Watermarks:
    """Both watermarks of a stage, when the stage last reported them, and when the database was asked for them."""

    settled_through: datetime
    complete_through: datetime
    reported_at: datetime
    read_at: datetime


def read_watermarks(connection: Connection) -> dict[str, Watermarks]:
    """The watermarks by stage: `ingest`, `rollup_hour`, `rollup_day`. A stage that never had any is missing."""
    return {stage: Watermarks(*values) for stage, *values in connection.execute(_queries["read_watermarks"])}


def read_ingest_watermarks(connection: Connection) -> Watermarks | None:
    """What ingest has reached; a rollup pass reads it before it looks at its queue. None before the first heartbeat."""
    return read_watermarks(connection).get("ingest")


def publish_rollup_watermarks(connection: Connection, values: Watermarks | None) -> None:
    """Makes what ingest had reached before a pass what the rollups have reached after it.

    A grain with a bucket that was queued before and is not done yet, such as one in the hands of another worker, keeps
    its watermarks; the next pass tries again.
    """
    if values is not None:
        connection.execute(_queries["publish_rollup_watermarks"], asdict(values))
