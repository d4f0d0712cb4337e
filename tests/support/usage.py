"""Usage for tests of queries: random facts of two organizations, rolled up, and the same answers by brute force."""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import psycopg

from aias_core.analytics import sketch
from aias_core.analytics.ingest.store import ingest_lines
from aias_core.analytics.rollup.run import run_rollup
from aias_core.contracts import usage
from aias_core.contracts.usage import UsageEvent
from support.events import MODEL, ORG, OTHER_ORG, make_event

SECOND_MODEL = uuid.UUID("01890000-0000-7000-8000-00000000000b")
PROJECT = uuid.UUID("01890000-0000-7000-8000-0000000000b1")
KEYS = [uuid.UUID(f"01890000-0000-7000-8000-0000000000c{n}") for n in range(3)]
HOLDER = uuid.UUID("01890000-0000-7000-8000-0000000000d1")
ENDS: list[dict[str, Any]] = [
    {},
    {},
    {"status": "error", "http_status": 502, "error_code": "backend_error", "billable": False, "output_tokens": 0},
    {"status": "timeout", "http_status": 504, "error_code": "backend_timeout", "billable": False, "output_tokens": 0},
    {"status": "throttled", "http_status": 429, "error_code": "rate_limited", "billable": False, "output_tokens": 0},
    {"status": "rejected", "http_status": 404, "error_code": "no_model", "billable": False, "model_id": None},
    {"status": "cancelled", "http_status": 499},
]
COUNTED = {
    "successes": "success",
    "errors": "error",
    "timeouts": "timeout",
    "throttled": "throttled",
    "cancelled": "cancelled",
    "rejected": "rejected",
}


def random_usage(generator: random.Random, end: datetime, days: int, size: int) -> list[UsageEvent]:
    """Events of two organizations, two models, a project, three keys, two regions and every end."""
    return [
        make_event(
            at=end - timedelta(seconds=generator.randrange(1, days * 86_400)),
            **{
                "org_id": generator.choice([ORG, ORG, OTHER_ORG]),
                "model_id": generator.choice([MODEL, SECOND_MODEL]),
                "project_id": generator.choice([None, PROJECT]),
                "api_key_id": generator.choice(KEYS),
                "operation": generator.choice(["chat", "embedding"]),
                "region": generator.choice(["local", "eu"]),
                "duration_ms": generator.randrange(50, 90_000),
                "input_tokens": generator.randrange(500),
                "output_tokens": generator.randrange(500),
                **generator.choice(ENDS),
            },
        )
        for _ in range(size)
    ]


def store_usage(store: psycopg.Connection, events: Iterable[UsageEvent]) -> None:
    """Names, facts and rollups of events."""
    ingest_lines(store, [usage.encode(event) for event in events], "test")
    run_rollup(store)
    store.execute("INSERT INTO aias.dim_models VALUES (%s, 'mock-large') ON CONFLICT DO NOTHING", [SECOND_MODEL])
    store.execute("INSERT INTO aias.dim_projects VALUES (%s, %s, 'search', 'Search')", [PROJECT, ORG])
    for number, key in enumerate(KEYS):
        holder = HOLDER if number == 0 else None
        store.execute(
            "INSERT INTO aias.dim_keys VALUES (%s, %s, %s, NULL, %s, 'active')", [key, ORG, f"key-{number}", holder]
        )


def sum_up(
    events: Iterable[UsageEvent], key_of: Callable[[UsageEvent], tuple[Any, ...]]
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Counters, cost and sorted latencies of events by a key: what every answer is compared with."""
    groups: dict[tuple[Any, ...], list[UsageEvent]] = defaultdict(list)
    for event in events:
        groups[key_of(event)].append(event)
    return {key: _sum(group) for key, group in groups.items()}


def _sum(group: list[UsageEvent]) -> dict[str, Any]:
    return {
        "requests": len(group),
        **{name: sum(e.status == status for e in group) for name, status in COUNTED.items()},
        "input_tokens": sum(e.input_tokens for e in group),
        "output_tokens": sum(e.output_tokens for e in group),
        "cost_pico": sum(e.cost_pico for e in group),
        "latencies": sorted(e.duration_ms for e in group if e.status == "success"),
    }


def exact_percentile(values: list[int], percent: int) -> int:
    return values[max(1, -(-len(values) * percent // 100)) - 1]


def shown_percentile(values: list[int], percent: int) -> float:
    return round(sketch.value_of(sketch.bucket_of(exact_percentile(values, percent))), 2)
