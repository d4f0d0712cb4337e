"""What a run tells a collector, where `OTEL_EXPORTER_OTLP_ENDPOINT` names one: its spans and its metrics.

A collector that is away or slow never holds a run up for more than five seconds, and never fails it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from aias_core.database.telemetry import has_collector

if TYPE_CHECKING:
    from psycopg import Connection

Signal = Callable[[], None]


def read_signals(
    connection: Connection, database: str, run_id: UUID, known_files: int, lock_waits: Sequence[float]
) -> list[Signal]:
    """What there is to send of a run that has ended, read now and sent when called; nothing without a collector."""
    if not has_collector():
        return []
    from aias_core.migrate.metrics import read_figures, send_figures
    from aias_core.migrate.spans import read_spans, send_spans

    spans = read_spans(connection, database, run_id)
    figures = read_figures(connection, database, run_id, known_files, lock_waits)
    return [partial(send_spans, spans), partial(send_figures, figures)]


def send_signals(signals: Sequence[Signal]) -> None:
    """Sends them side by side, so that a collector that is away is waited for once."""
    if not signals:
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(len(signals)) as pool:
        for sent in [pool.submit(signal) for signal in signals]:
            sent.result()
