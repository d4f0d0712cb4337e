"""Starts and stops a service: two listeners in one event loop, background work beside them, a drain on SIGTERM."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from aias_core.errors import AiasError, PortTaken
from aias_core.service_settings import ServiceSettings, load
from aias_services.kit import logs, problems
from aias_services.kit.guard import PUBLIC, check_routes
from aias_services.kit.health import Health
from aias_services.kit.http import RequestLayer

DRAIN_SECONDS = 10
Background = Callable[[asyncio.Event], Awaitable[None]]
Settings = TypeVar("Settings", bound=ServiceSettings)


@dataclass(slots=True)
class Service:
    """What a service is made of: the application of its main port, that of its ops port, probes, background work.

    Background work gets an event that is set after the listeners have drained; it ends then.
    """

    app: Any
    ops: FastAPI
    health: Health
    background: Sequence[Background] = field(default_factory=list)


def create_app(title: str) -> FastAPI:
    """An empty management application: problem documents for errors, no pages, no schema route of its own."""
    app = FastAPI(title=title, docs_url=None, redoc_url=None, openapi_url=None)
    problems.install(app)
    return app


def create_service(name: str, app: FastAPI | None = None, background: Sequence[Background] = ()) -> Service:
    """A service with the common routes: bare health on the main port, all of it and `/metrics` on the ops port."""
    main, ops, health = app or create_app(name), create_app(f"{name} ops"), Health()

    @main.get("/healthz", dependencies=[PUBLIC])
    @ops.get("/healthz", dependencies=[PUBLIC])
    async def read_liveness() -> dict[str, str]:
        return {"status": "ok"}

    @main.get("/readyz", dependencies=[PUBLIC])
    async def read_bare_readiness() -> JSONResponse:
        return _readiness({"status": (await health.read())["status"]})

    @ops.get("/readyz", dependencies=[PUBLIC])
    async def read_readiness() -> JSONResponse:
        return _readiness(await health.read())

    @ops.get("/metrics", dependencies=[PUBLIC])
    async def read_metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @ops.get("/openapi.json", dependencies=[PUBLIC])
    async def read_openapi() -> dict[str, Any]:
        return main.openapi()

    return Service(main, ops, health, list(background))


def _readiness(answer: dict[str, Any]) -> JSONResponse:
    return JSONResponse(answer, 200 if answer["status"] in ("ok", "degraded") else 503)


def run(name: str, kind: type[Settings], build: Callable[[Settings], Service]) -> None:
    """The entry of a service: reads its settings, serves until SIGTERM, and exits with a documented code."""
    try:
        settings = load(kind)
        logs.configure(name, settings.env, settings.log_level)
        if "--check" in sys.argv:
            print_settings(settings)
            return
        service = build(settings)
        for app in (service.app, service.ops):
            if isinstance(app, FastAPI):
                check_routes(app)
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            runner.run(_serve(name, settings, service))
    except AiasError as error:
        sys.stderr.write(f"Error: {error.message}\n")
        sys.exit(error.exit_code)


def print_settings(settings: ServiceSettings) -> None:
    """One line for each setting, secrets masked."""
    sys.stdout.writelines(f"{name}={value}\n" for name, value in settings)


def _new_loop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()


async def _serve(name: str, settings: ServiceSettings, service: Service) -> None:
    stop, listeners = (
        asyncio.Event(),
        [
            _listen(RequestLayer(service.app, name), settings.http_host, settings.http_port),
            _listen(RequestLayer(service.ops, name), settings.http_host, settings.http_ops_port),
        ],
    )

    def drain() -> None:
        service.health.draining = True
        for listener in listeners:
            listener.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, drain)
    structlog.get_logger().info("starting", port=settings.http_port, ops_port=settings.http_ops_port)
    work = [asyncio.create_task(_until_stopped(job(stop))) for job in service.background]
    try:
        await asyncio.gather(*(listener.serve(sockets=[bound]) for listener, bound in _bound(listeners)))
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*work), DRAIN_SECONDS)
    structlog.get_logger().info("stopped")


async def _until_stopped(job: Awaitable[None]) -> None:
    try:
        await job
    except Exception:
        structlog.get_logger().exception("background_work_died")
        signal.raise_signal(signal.SIGTERM)


class _Listener(uvicorn.Server):
    """A listener that leaves the signals to the service."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(app: Any, host: str, port: int) -> _Listener:
    config = uvicorn.Config(
        app,
        host,
        port,
        http="httptools",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        timeout_keep_alive=60,
    )
    return _Listener(config)


def _bound(listeners: Sequence[_Listener]) -> Iterator[tuple[_Listener, socket.socket]]:
    for listener in listeners:
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((listener.config.host, listener.config.port))
        except OSError as exc:
            raise PortTaken(f"Port {listener.config.port} cannot be used: {exc.strerror}") from exc
        yield listener, bound
