"""What sources say, stored; and how much of it is true of the facts already."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from aias_core.contracts.sources import ControlTotals, Heartbeat
from aias_core.database.queries import load_queries

if TYPE_CHECKING:
    from psycopg import Connection

SILENT_AFTER = timedelta(seconds=60)
ALLOWANCE = timedelta(seconds=5)
"""Instants in events are cut, and may be a second from that in the id; a router that begins is heard of in seconds."""

_queries = load_queries(__file__)


def store_messages(connection: Connection, messages: Iterable[Heartbeat | ControlTotals]) -> None:
    """Stores what sources said, in one transaction. Repeating it, in any order, changes nothing."""
    with connection.transaction(), connection.cursor() as cursor:
        for message in messages:
            if isinstance(message, Heartbeat):
                cursor.execute(_queries["store_heartbeat"], msgspec.structs.asdict(message))
            else:
                rows = [{"source": message.source, **msgspec.structs.asdict(total)} for total in message.totals]
                cursor.executemany(_queries["store_total"], rows)


def settle(connection: Connection, reached: Collection[Heartbeat], drained_at: datetime | None, now: datetime) -> None:
    """Moves the ingest watermarks on, given the heartbeats before which everything in the stream is stored.

    A source that is silent, or was never reached, holds them. `drained_at` is when the stream was last found empty; it
    counts where no source may hold anything back.
    """
    with connection.transaction(), connection.cursor() as cursor:
        for heartbeat in reached:
            cursor.execute(_queries["settle_source"], {**msgspec.structs.asdict(heartbeat), "allowance": ALLOWANCE})
        said_goodbye = [heartbeat.source for heartbeat in reached if heartbeat.closing]
        cursor.execute(_queries["settle_closed"], {"said_goodbye": said_goodbye, "is_drained": drained_at is not None})
        cursor.execute(_queries["mark_silent"], {"heard_before": now - SILENT_AFTER})
        empty_at = None if drained_at is None else drained_at - ALLOWANCE
        cursor.execute(_queries["publish_ingest_watermarks"], {"drained_at": empty_at})
