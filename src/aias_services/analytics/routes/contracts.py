"""The published contracts."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from aias_core.contracts import usage
from aias_core.errors import NotFound
from aias_services.analytics.routes import BASE

SCHEMAS = {("usage-event", "1"): usage.json_schema}
router = APIRouter(prefix=BASE, tags=["contracts"])


@router.get("/schemas/{name}/{version}", summary="A contract as JSON Schema")
def get_schema(name: str, version: str) -> dict[str, Any]:
    build = SCHEMAS.get((name, version))
    if build is None:
        raise NotFound(f"There is no schema '{name}/{version}'", hint="there is: usage-event/1")
    return build()
