"""The query API as one part of the service: guarded routes under `/analytics/v1`."""

from __future__ import annotations

from fastapi import FastAPI

from aias_core.database.connection import Pool
from aias_core.identity.access_tokens import TokenVerifier
from aias_core.service_settings import AnalyticsSettings
from aias_services.analytics.reads import Reads
from aias_services.analytics.routes import contracts, events, exports, outlook, series
from aias_services.kit.callers import signed_in
from aias_services.kit.guard import PUBLIC

CONNECTIONS, WAIT_SECONDS = 8, 0.8


def add_api(app: FastAPI, settings: AnalyticsSettings) -> None:
    """Adds the routes; each read has a connection or an answer 503 within a second."""
    verifier = TokenVerifier.parse(settings.token_public_keys, settings.env)
    app.state.reads = Reads(
        Pool(
            settings.analytics_dsn,
            "database 'analytics'",
            "aias-analytics-api",
            largest=CONNECTIONS,
            wait_seconds=WAIT_SECONDS,
        )
    )
    guard = signed_in(verifier, settings.operator_token)
    for part in (series, outlook, events, exports):
        app.include_router(part.router, dependencies=[guard])
    app.include_router(contracts.router, dependencies=[PUBLIC])
