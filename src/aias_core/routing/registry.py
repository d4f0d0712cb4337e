"""The registry: models, their backends and their prices, as one frozen snapshot for the request path."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg.rows import dict_row

from aias_core import clock, ids
from aias_core.database.queries import load_queries
from aias_core.money import TOKENS_PER_PRICE_UNIT, Price, parse_amount, per_million

if TYPE_CHECKING:
    from psycopg import Connection

_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Backend:
    """One server that answers for a model; `endpoint` is its base address without a path."""

    name: str
    endpoint: str
    weight: int


@dataclass(frozen=True, slots=True)
class Model:
    """A name that clients call, and how it is served."""

    model_id: UUID
    name: str
    operations: tuple[str, ...]
    context_tokens: int | None
    created_at: datetime
    revision: int
    served_name: str
    backends: tuple[Backend, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the request path asks of the registry, at one moment."""

    models: dict[str, Model] = field(default_factory=dict)
    prices: dict[tuple[UUID, str], list[tuple[datetime, Price]]] = field(default_factory=dict)

    def find_price(self, model_id: UUID, operation: str, at: datetime) -> Price | None:
        """The price row in force at an instant; None before the first one."""
        rows = self.prices.get((model_id, operation), [])
        return next((price for effective_from, price in rows if effective_from <= at), None)


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model of environments on one machine, with list prices per million tokens in US dollars."""

    name: str
    operation: str
    context_tokens: int
    input_price: str
    cached_input_price: str
    output_price: str


LOCAL_MODELS = (
    LocalModel("mock-small", "chat", 8192, "0.15", "0.075", "0.60"),
    LocalModel("mock-large", "chat", 131_072, "2.50", "1.25", "10.00"),
    LocalModel("mock-embedding", "embedding", 8192, "0.02", "0.02", "0.00"),
)


def load_snapshot(connection: Connection, environment: str) -> Snapshot:
    """The enabled models of everyone, their usable backends in an environment, and their list prices."""
    backends: dict[UUID, list[Backend]] = defaultdict(list)
    for model_id, *backend in connection.execute(_queries["read_backends"], [environment]):
        backends[model_id].append(Backend(*backend))
    models: dict[str, Model] = {}
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(_queries["read_models"]):
            row["operations"] = tuple(row["operations"])
            models[row["name"]] = Model(**row, backends=tuple(backends[row["model_id"]]))
    prices: dict[tuple[UUID, str], list[tuple[datetime, Price]]] = defaultdict(list)
    for price_id, model_id, operation, *amounts, effective_from in connection.execute(_queries["read_prices"]):
        prices[model_id, operation].append((effective_from, Price(str(price_id), *amounts)))
    return Snapshot(models, dict(prices))


def list_models(connection: Connection, environment: str) -> list[dict[str, Any]]:
    """Each model with its backends and the price in force now, in whole currency units per million tokens."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_queries["list_models"], {"environment": environment, "at": clock.now()}).fetchall()
    for row in rows:
        for kind in ("input", "cached_input", "output"):
            pico = row.pop(f"{kind}_pico")
            row[f"{kind}_price"] = None if pico is None else per_million(pico)
    return rows


def register_local_models(connection: Connection, environment: str, backends: Sequence[tuple[str, str]]) -> None:
    """Registers the mock models with prices and a ready deployment on each backend (name, endpoint); repeatable."""
    with connection.transaction():
        for model in LOCAL_MODELS:
            _register(connection, model)
            for backend, endpoint in backends:
                deployment = {"deployment_id": ids.new_id(), "backend": backend, "endpoint": endpoint}
                row = {**deployment, "name": model.name, "environment": environment}
                connection.execute(_queries["upsert_deployment"], row)


def _register(connection: Connection, model: LocalModel) -> None:
    operations = [model.operation, "completion"] if model.operation == "chat" else [model.operation]
    row = {"model_id": ids.new_id(), "revision_id": ids.new_id(), "name": model.name, "operations": operations}
    connection.execute(_queries["upsert_model"], {**row, "context_tokens": model.context_tokens})
    connection.execute(_queries["upsert_revision"], row)
    amounts = {
        "input_pico": _per_token(model.input_price),
        "cached_input_pico": _per_token(model.cached_input_price),
        "output_pico": _per_token(model.output_price),
    }
    for operation in operations:
        price = {"price_id": ids.new_id(), "operation": operation, **amounts}
        connection.execute(_queries["ensure_price"], {**price, "name": model.name})


def _per_token(price_per_million: str) -> int:
    return parse_amount(price_per_million) // TOKENS_PER_PRICE_UNIT
