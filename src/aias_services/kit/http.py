"""One ASGI layer around every application: a request id, an access line, and the request metrics."""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import structlog
from prometheus_client import Counter, Histogram

from aias_core import ids

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
REQUESTS = Counter("aias_http_requests_total", "Answered requests", ["service", "method", "route", "status"])
SECONDS = Histogram("aias_http_request_duration_seconds", "Time to the end of the answer", ["service"], buckets=BUCKETS)
UNKNOWN_ROUTE = "unknown"
QUIET_ROUTES = {"/healthz", "/readyz", "/metrics"}

_request_id: ContextVar[str] = ContextVar("request_id", default="")


def current_request_id() -> str:
    """The id of the request being answered; empty outside of one."""
    return _request_id.get()


class RequestLayer:
    """Mints the request id, answers it as `X-Request-Id`, and writes one line at the end of each request."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app = app
        self._service = service
        self._log = structlog.get_logger()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, started, status = str(ids.new_id()), time.monotonic(), 500
        _request_id.set(request_id)

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            self._record(scope, request_id, status, time.monotonic() - started)

    def _record(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", UNKNOWN_ROUTE)
        REQUESTS.labels(self._service, scope["method"], route, status).inc()
        SECONDS.labels(self._service).observe(seconds)
        if route not in QUIET_ROUTES:
            facts: dict[str, Any] = {"method": scope["method"], "route": route, "status": status}
            self._log.info("request", request_id=request_id, duration_ms=round(seconds * 1000, 2), **facts)
