"""Answers as flat rows, for tables, charts and files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def flatten(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of a series or of totals with its keys by name and its percentiles as `p95_ms`, `ttft_p95_ms`."""
    flat = {name: value for name, value in row.items() if name not in ("keys", "latency_ms", "ttft_ms")}
    keys = {name: value for name, value in row.get("keys", {}).items() if not name.endswith("_id")}
    return {**flat, **keys, **_flatten(row, "latency_ms", ""), **_flatten(row, "ttft_ms", "ttft_")}


def flatten_all(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every row, flattened."""
    return [flatten(row) for row in rows]


def _flatten(row: Mapping[str, Any], name: str, prefix: str) -> dict[str, Any]:
    return {f"{prefix}{key}_ms": value for key, value in row.get(name, {}).items() if key != "count"}
