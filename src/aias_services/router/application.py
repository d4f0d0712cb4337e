"""The wiring of the router: registry, keys, spool and publisher, the public routes and the admin routes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import nats
import structlog
from fastapi import FastAPI, Request
from fastapi.responses import Response
from prometheus_client import Gauge
from starlette.routing import Route

from aias_core.database.connection import Pool
from aias_core.errors import DependencyUnreachable
from aias_core.identity.keys import HashKeys
from aias_core.routing.books import Books, name_source
from aias_core.routing.choice import Balancer
from aias_core.routing.publisher import Publisher
from aias_core.routing.registry import Model, Snapshot, list_models, load_snapshot
from aias_core.routing.spool import Spool
from aias_core.service_settings import RouterSettings
from aias_services.kit import openai_errors
from aias_services.kit.guard import bearer
from aias_services.kit.openai_errors import OpenAIError, json_answer
from aias_services.kit.service import Service, create_app, create_service
from aias_services.router.access import Access
from aias_services.router.inference import PATHS, InferenceEndpoint, Router

POLL_SECONDS = 2.0
POOLED_CONNECTIONS = 512
SPOOL_PENDING = Gauge("aias_router_spool_pending_events", "Settled events that are not published")


@dataclass(slots=True)
class Registry:
    """The last good snapshot, read again every few seconds."""

    pool: Pool
    environment: str
    snapshot: Snapshot = field(default_factory=Snapshot)
    read_at: float | None = None

    async def follow(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                self.snapshot = await asyncio.to_thread(self._read)
                self.read_at = time.monotonic()
            except Exception as error:
                structlog.get_logger().warning("snapshot_not_read", error=type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), POLL_SECONDS)

    def _read(self) -> Snapshot:
        with self.pool.connection() as connection:
            return load_snapshot(connection, self.environment)

    async def probe(self) -> Mapping[str, Any]:
        if self.read_at is None:
            raise DependencyUnreachable
        return {"age_seconds": round(time.monotonic() - self.read_at, 1), "models": len(self.snapshot.models)}


class Client:
    """The one HTTP client of the process, made inside its event loop."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    def __call__(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0, limit_per_host=POOLED_CONNECTIONS, keepalive_timeout=30)
            self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        return self._session

    async def close_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        if self._session is not None:
            await self._session.close()


def build(settings: RouterSettings) -> Service:
    """The service over one registry, one identity service, one NATS server and its own spool."""
    hash_keys = HashKeys.parse(settings.data_hash_keys)
    pool = Pool(settings.operational_dsn, "database 'operational'", "aias-router", largest=2)
    registry, client = Registry(pool, settings.env), Client()
    directory = settings.router_spool_dir
    spool = Spool(directory, name_source(directory, f"router-{settings.env}"))
    publisher, books = Publisher(spool), Books(spool)
    router = Router(
        access=Access(hash_keys, settings.env, settings.identity_url, settings.service_key),
        spool=spool,
        publisher=publisher,
        books=books,
        balancer=Balancer(),
        snapshot=lambda: registry.snapshot,
        http=client,
        hash_end_user=lambda user: hash_keys.digest(user, hash_keys.active_kid).hex(),
        region=settings.router_region,
        body_limit=settings.router_body_limit,
    )

    async def publish(stop: asyncio.Event) -> None:
        await _keep_books(settings, router, stop)

    app = create_app("router")
    openai_errors.install(app)
    _add_public_routes(app, router)
    service = create_service("router", app, [registry.follow, client.close_at, publish])
    _add_admin_routes(service.ops, router, pool, settings)
    service.health.add("registry", registry.probe)
    service.health.add("spool", lambda: _probe_spool(spool))
    service.health.add("identity", lambda: router.access.probe(client()), critical=False)
    service.health.add("nats", publisher.probe, critical=False)
    return service


def _add_public_routes(app: FastAPI, router: Router) -> None:
    for path in PATHS:
        app.router.routes.append(Route(path, InferenceEndpoint(router, path), methods=["POST"]))
    listing = ModelRoutes(router)
    app.router.routes.append(Route("/v1/models", listing.list_models, methods=["GET"]))
    app.router.routes.append(Route("/v1/models/{name:path}", listing.show_model, methods=["GET"]))


class ModelRoutes:
    """What the key of a request may use."""

    checks_caller = True

    def __init__(self, router: Router) -> None:
        self._router = router

    async def list_models(self, request: Request) -> Response:
        return json_answer({"object": "list", "data": [_show(model) for model in await self._visible(request)]})

    async def show_model(self, request: Request) -> Response:
        name = request.path_params["name"]
        for model in await self._visible(request):
            if model.name == name:
                return json_answer(_show(model))
        raise OpenAIError(404, "model_not_found", f"The model '{name}' does not exist", param="model")

    async def _visible(self, request: Request) -> list[Model]:
        grant = await self._router.access.authenticate(request.headers, self._router.http())
        if "model.read" not in grant.scopes:
            raise OpenAIError(
                403, "insufficient_scope", "The key lacks the scope 'model.read'", kind="permission_error"
            )
        models = self._router.snapshot().models.values()
        return [m for m in models if grant.allowed_models is None or m.model_id in grant.allowed_models]


def _show(model: Model) -> dict[str, Any]:
    return {
        "id": model.name,
        "object": "model",
        "created": int(model.created_at.timestamp()),
        "owned_by": "aias",
        "context_length": model.context_tokens,
        "capabilities": list(model.operations),
    }


def _add_admin_routes(ops: FastAPI, router: Router, pool: Pool, settings: RouterSettings) -> None:
    operator = bearer(settings.operator_token)

    @ops.get("/admin/v1/models", dependencies=[operator])
    def read_models() -> dict[str, Any]:
        with pool.connection() as connection:
            return {"data": list_models(connection, settings.env)}

    @ops.get("/admin/v1/backends", dependencies=[operator])
    async def read_backends() -> dict[str, Any]:
        states = router.balancer.states.items()
        return {"data": [{"name": n, "in_flight": s.in_flight, "failures": s.failures} for n, s in sorted(states)]}


async def _probe_spool(spool: Spool) -> Mapping[str, Any]:
    SPOOL_PENDING.set(spool.pending)
    if spool.is_full:
        raise DependencyUnreachable
    return {"pending_events": spool.pending, "open_requests": spool.open_requests}


async def _connect(settings: RouterSettings, publisher: Publisher, stop: asyncio.Event) -> Any:
    client = None
    while client is None and not stop.is_set():
        try:
            client = await nats.connect(
                settings.nats_url.reveal(),
                name="aias-router",
                max_reconnect_attempts=-1,
                reconnect_time_wait=0.25,
                reconnected_cb=publisher.notice_reconnected,
            )
        except Exception as error:
            structlog.get_logger().warning("nats_unreachable", error=type(error).__name__)
            await asyncio.sleep(0.5)
    return client


async def _keep_books(settings: RouterSettings, router: Router, stop: asyncio.Event) -> None:
    await asyncio.gather(_publish(settings, router, stop), router.publisher.run_sync(stop))
    router.spool.close()


async def _publish(settings: RouterSettings, router: Router, stop: asyncio.Event) -> None:
    client = await _connect(settings, router.publisher, stop)
    if client is not None:
        await asyncio.gather(router.publisher.run(client, stop), router.books.run(client, stop))
        await router.publisher.publish_rest(client)
        await router.books.say_goodbye(client)
        await client.close()
