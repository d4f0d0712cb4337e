"""When databases were last backed up, and when a backup of them last proved good, as metrics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from aias_core import clock
from aias_core.database.telemetry import has_collector, send_metrics

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter

BACKED_UP = "aias_db_backup_last_success_timestamp_seconds"
VERIFIED = "aias_db_restore_verified_timestamp_seconds"


def send_time(metric: str, databases: Iterable[str]) -> None:
    """Says that something was done to these databases just now; nothing where no collector is named."""
    if not has_collector():
        return
    at = round(clock.now().timestamp())

    def record(meter: Meter) -> None:
        gauge = meter.create_gauge(metric, "s")
        for database in databases:
            gauge.set(at, {"database": database})

    send_metrics("aias.backup", record)
