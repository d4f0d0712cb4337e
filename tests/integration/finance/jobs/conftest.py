from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from aias_core.database.connection import connect
from aias_core.finance import delivery
from aias_core.finance.export.request import ExportRequest
from aias_core.finance.jobs.worker import Worker
from aias_core.objectstore import ObjectStore
from aias_core.windows import Window
from support.events import ORG
from support.jobs import NO_PAUSE

if TYPE_CHECKING:
    from support.servers import PostgresServer


@pytest.fixture
def worker(store: psycopg.Connection, postgres_server: PostgresServer, objects: ObjectStore) -> Callable[..., Worker]:
    """Makes workers with connections of their own, and without pauses between tries."""
    dsn = postgres_server.dsn(store.info.dbname, "aias_analytics")

    def opened() -> AbstractContextManager[psycopg.Connection]:
        return connect(dsn, autocommit=True)

    def make(holder: str = "one", **changes: Any) -> Worker:
        return Worker(opened, objects.client(), holder, **{"pause": NO_PAUSE, "renew_seconds": 0.05, **changes})

    return make


@pytest.fixture
def many_parts(monkeypatch: pytest.MonkeyPatch, store: psycopg.Connection, month: Window) -> ExportRequest:
    """A request whose file takes several parts: three times 5 MiB and a rest."""
    store.execute(
        "INSERT INTO aias.usage_days SELECT bucket_start, org_id, gen_random_uuid(), model_id, operation, region, "
        "currency, price_id, requests, successes, errors, timeouts, throttled, cancelled, rejected, input_tokens, "
        "cached_input_tokens, output_tokens, reasoning_tokens, billed_requests, billed_input_tokens, "
        "billed_cached_input_tokens, billed_output_tokens, cost_pico, latency_idx, latency_n, ttft_idx, ttft_n, run_id "
        "FROM aias.usage_days, generate_series(1, 12000) WHERE org_id = %s",
        [ORG],
    )
    monkeypatch.setattr(delivery, "PART_BYTES", 5 * 1024 * 1024)
    return ExportRequest(month)
