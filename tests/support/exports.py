"""Exports to this machine for tests, and what their files say."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any, LiteralString, TypeAlias

import psycopg

from aias_core.finance.export.request import ExportRequest
from aias_core.finance.job import Delivery, run_export
from aias_core.objectstore import ObjectStore
from aias_core.secret import Secret

Edit: TypeAlias = "Callable[[LiteralString, list[Any]], None]"
"""Changes the store as nobody but a superuser may."""

NO_STORE = ObjectStore("http://127.0.0.1:1", "none", Secret("none"))


def export(store: psycopg.Connection, request: ExportRequest, out: Path, **changes: Any) -> dict[str, Any]:
    return run_export(store, request, Delivery(str(out), NO_STORE, "tester", **changes))


def read(path: str) -> list[dict[str, str]]:
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))
