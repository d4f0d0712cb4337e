"""Who may call a route. A route that names no guard is refused at the start: deny by default."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header
from fastapi.routing import iter_route_contexts

from aias_core.errors import AiasError
from aias_core.secret import Secret


class Unauthenticated(AiasError):
    """The credential is missing or not valid"""

    code = "unauthenticated"


def _public() -> None:
    """Anybody may call this route."""


PUBLIC = Depends(_public)


def bearer(expected: Secret) -> Any:
    """A guard: the caller must present exactly this bearer value, compared in constant time."""

    def check(authorization: Annotated[str, Header()] = "") -> None:
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() != "bearer" or not secrets.compare_digest(value.encode(), expected.reveal().encode()):
            raise Unauthenticated

    check.is_guard = True  # type: ignore[attr-defined]
    return Depends(check)


def check_routes(app: FastAPI) -> None:
    """Raises AiasError naming the first route without a guard; an endpoint may state that it checks by itself."""
    for route in iter_route_contexts(app.routes):
        endpoint = getattr(route, "endpoint", None)
        if getattr(getattr(endpoint, "__self__", endpoint), "checks_caller", False):
            continue
        guards = [dependency.call for dependency in getattr(getattr(route, "dependant", None), "dependencies", [])]
        if not any(guard is _public or getattr(guard, "is_guard", False) for guard in guards):
            raise AiasError(f"The route '{getattr(route, 'path', route)}' does not say who may call it")
