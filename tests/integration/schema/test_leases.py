from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psycopg
import pytest

from aias_core import ids

if TYPE_CHECKING:
    from support.servers import PostgresServer

LIMIT, ASK, GRANTS, WORKERS = 1_000, 30, 100, 10


@pytest.mark.parametrize("mode", ["block", "warn"])
def test_grants_at_once_never_exceed_a_blocking_limit(
    postgres_server: PostgresServer, operational: str, mode: str
) -> None:
    org_id, budget_id = ids.new_id(), ids.new_id()
    with psycopg.connect(postgres_server.superuser(operational).reveal()) as connection:
        connection.execute(
            "INSERT INTO aias.organizations (org_id, slug, display_name) VALUES (%s, 'acme', 'Acme')", [org_id]
        )
        connection.execute(
            "INSERT INTO aias.budgets (budget_id, org_id, scope, measure, period, limit_units, mode, status) "
            "VALUES (%s, %s, 'organization', 'tokens', 'day', %s, %s, 'active')",
            [budget_id, org_id, LIMIT, mode],
        )
        connection.execute(
            "INSERT INTO aias.quota_windows (budget_id, window_start, window_end, org_id, limit_units) "
            "VALUES (%s, now(), now() + interval '1 day', %s, %s)",
            [budget_id, org_id, LIMIT],
        )
    dsn = postgres_server.dsn(operational, "aias_router").reveal()

    refusals: set[str | None] = set()

    def grant(count: int) -> int:
        granted = 0
        with psycopg.connect(dsn, autocommit=True) as connection:
            for _ in range(count):
                try:
                    connection.execute("UPDATE aias.quota_windows SET leased_units = leased_units + %s", [ASK])
                except psycopg.errors.CheckViolation as refused:
                    refusals.add(refused.diag.constraint_name)
                else:
                    granted += 1
        return granted

    with ThreadPoolExecutor(WORKERS) as pool:
        granted = sum(pool.map(grant, [GRANTS // WORKERS] * WORKERS))
    assert granted == (LIMIT // ASK if mode == "block" else GRANTS)
    assert refusals == ({"quota_windows_limit_check"} if mode == "block" else set())
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT leased_units FROM aias.quota_windows").fetchone() == (granted * ASK,)
