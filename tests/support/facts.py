"""Many valid facts at once, made by PostgreSQL: for benchmarks, where events one by one would take too long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

_SERIES = """
INSERT INTO aias.usage_series (org_id, project_id, api_key_id, model_id, operation, region, currency, price_id)
SELECT md5('org' || o)::uuid, md5('project' || o || k / 2)::uuid, md5('key' || o || k)::uuid, md5('model' || m)::uuid,
    'chat', 'local', 'USD', md5('price' || m)::uuid
FROM generate_series(0, %(orgs)s - 1) o, generate_series(0, %(keys)s - 1) k, generate_series(0, %(models)s - 1) m
ON CONFLICT DO NOTHING
"""
_FACTS = """
WITH series AS (SELECT *, row_number() OVER (ORDER BY series_id) - 1 AS place, count(*) OVER () AS all_of FROM
    aias.usage_series),
events AS (
    SELECT i, %(start)s::timestamptz + i * (%(seconds)s::float8 / %(events)s) * interval '1 second' AS at,
        (exp(5 + abs(hashint4(i)) %% 3000 / 1000.0))::int AS duration, abs(hashint4(i + 7)) AS random
    FROM generate_series(0, %(events)s - 1) i
)
INSERT INTO aias.usage_facts (event_id, occurred_at, org_id, project_id, api_key_id, model_id, operation, status,
    http_status, error_code, duration_ms, ttft_ms, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens,
    token_source, billable, currency, price_id, cost_pico, streamed, attempts, route, region, source, source_seq,
    labels, latency_bucket, ttft_bucket, received_at, batch_id, late, series_id, cost_check)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(i %% 4096), 3, '0') || '8'
        || substr(md5(i::text), 1, 15))::uuid,
    at, org_id, project_id, api_key_id, model_id, operation, CASE WHEN i %% 50 = 0 THEN 'error' ELSE 'success' END,
    CASE WHEN i %% 50 = 0 THEN 502 ELSE 200 END, CASE WHEN i %% 50 = 0 THEN 'backend_error' END, duration, duration / 4,
    random %% 4000, 0, random %% 800, 0, 'reported', i %% 50 <> 0, currency, price_id,
    CASE WHEN i %% 50 = 0 THEN 0 ELSE (random %% 4000) * 150000 + (random %% 800) * 600000 END, true, 1, 'primary',
    region, 'bench', i + 1, '{}', ceil(ln(duration) / ln(101 / 99.0)), ceil(ln(greatest(duration / 4, 1)) /
    ln(101 / 99.0)), at, md5('batch' || i / 5000)::uuid, false, series_id, 'ok'
FROM events JOIN series ON place = random %% all_of
ORDER BY i
"""


@dataclass(frozen=True, slots=True)
class Scale:
    """How many facts, over how many organizations, keys of each, models, and seconds from a start."""

    events: int
    orgs: int
    keys: int
    models: int
    start: datetime
    seconds: int


def make_facts(connection: psycopg.Connection, scale: Scale) -> None:
    """Stores facts as ingest would, one after another in time."""
    bounds: dict[str, Any] = {name: getattr(scale, name) for name in Scale.__dataclass_fields__}
    connection.execute(_SERIES.encode(), bounds)
    connection.execute(_FACTS.encode(), bounds)
