from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from aias_core import clock
from aias_core.routing.registry import LOCAL_MODELS, list_models, load_snapshot, register_local_models

if TYPE_CHECKING:
    from support.servers import PostgresServer

BACKENDS = [("mock-1", "http://127.0.0.1:1"), ("mock-2", "http://127.0.0.1:2")]
PRICE_ROWS = "SELECT price_id, effective_from FROM aias.model_prices ORDER BY 1"


def test_local_models_are_registered_once_with_a_price_from_now_on(
    postgres_server: PostgresServer, operational: str
) -> None:
    with psycopg.connect(postgres_server.dsn(operational, "aias_migrator").reveal(), autocommit=True) as connection:
        connection.execute("SET ROLE aias_owner")
        register_local_models(connection, "local", BACKENDS)
        prices = connection.execute(PRICE_ROWS).fetchall()
        register_local_models(
            connection, "local", [(name, BACKENDS[-1 - i][1]) for i, (name, _) in enumerate(BACKENDS)]
        )
        assert connection.execute(PRICE_ROWS).fetchall() == prices
        assert [row["name"] for row in list_models(connection, "local")] == sorted(m.name for m in LOCAL_MODELS)
        snapshot = load_snapshot(connection, "local")
    now = clock.now()
    for model in snapshot.models.values():
        assert {backend.name for backend in model.backends} == {"mock-1", "mock-2"}
        assert all(snapshot.find_price(model.model_id, operation, now) for operation in model.operations)
