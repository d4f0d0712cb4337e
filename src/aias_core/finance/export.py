"""The month export: a CSV with one line per day and rollup key, and a manifest that proves it.

Equal data gives equal bytes: a fixed order, UTF-8, LF, no generation time in the data. The file is written under a
temporary name, synced and renamed; the manifest comes last, so a manifest means a whole file.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, groupby
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from aias_core import __version__, clock
from aias_core.database.queries import load_queries
from aias_core.errors import DifferenceFound
from aias_core.files import refuse_existing, whole_file
from aias_core.money import allot_cents, format_pico, round_to_cents
from aias_core.windows import Window

if TYPE_CHECKING:
    from psycopg import Connection

MANIFEST_SCHEMA = "aias.export.manifest/1"
COLUMNS = (
    *("period_start", "period_end", "granularity", "org_id", "org_slug", "org_name", "project_id", "project_name"),
    *("model_id", "model_name", "operation", "region", "requests", "successes", "errors", "timeouts", "throttled"),
    *("cancelled", "rejected", "input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens"),
    *("total_tokens", "billed_requests", "billed_input_tokens", "billed_cached_input_tokens", "billed_output_tokens"),
    *("currency", "price_id", "cost_exact", "adjustment_exact", "amount_exact", "amount", "month_status"),
    "statement_version",
)
_SUMMED = ("rows", "requests", "total_tokens", "cost_pico")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

_queries = load_queries(__file__)


Scope: TypeAlias = tuple[UUID, str] | None
"""Id and slug of one organization; None is all of them."""


@dataclass(frozen=True, slots=True)
class Export:
    """One finished export: its two files and what the manifest says."""

    data: Path
    manifest: Path
    content: dict[str, Any]


def export_month(
    connection: Connection, window: Window, scope: Scope, directory: Path, *, force: bool = False
) -> Export:
    """Writes a month into a directory.

    Raises Conflict when the file is there and `force` is not, AiasError when it cannot be written; nothing half-written
    stays behind.
    """
    name = f"aias-usage_{scope[1] if scope else 'all'}_{window.start:%Y-%m}_day_v0"
    data, manifest = directory / f"{name}.csv", directory / f"{name}.manifest.json"
    if not force:
        refuse_existing(data, manifest)
    bounds = {"start": window.start, "end": window.end, "org_id": scope[0] if scope else None}
    with _one_snapshot(connection):
        with whole_file(data) as file:
            digest, totals = _write_lines(file, _iter_lines(connection, bounds))
            _check_against_store(connection, bounds, totals)
        content = _describe(window, data.name, digest, totals)
        with whole_file(manifest) as file:
            file.write(json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n")
    return Export(data, manifest, content)


def _iter_lines(connection: Connection, bounds: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    from psycopg.rows import dict_row

    with connection.cursor("month_lines", row_factory=dict_row) as cursor:
        cursor.execute(_queries["select_month_lines"], bounds)
        for _, group in groupby(cursor, key=lambda row: row["org_id"]):
            rows = list(group)
            amounts = allot_cents([int(row["cost_pico"]) for row in rows])
            yield from (_line(row, amount) for row, amount in zip(rows, amounts, strict=True))


def _line(row: Mapping[str, Any], amount: str) -> dict[str, Any]:
    cost = format_pico(int(row["cost_pico"]))
    return {
        **row,
        "period_start": clock.format_second(row["bucket_start"]),
        "period_end": clock.format_second(row["bucket_start"] + timedelta(days=1)),
        "granularity": "day",
        "total_tokens": row["input_tokens"] + row["output_tokens"],
        "cost_exact": cost,
        "adjustment_exact": format_pico(0),
        "amount_exact": cost,
        "amount": amount,
        "month_status": "open",
        "statement_version": 0,
    }


def _write_lines(file: IO[bytes], lines: Iterable[Mapping[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """Writes the CSV; returns its SHA-256 and the totals of what was written, by organization and currency."""
    digest = hashlib.sha256()
    totals: dict[tuple[UUID, str], dict[str, Any]] = {}
    for line in chain([dict(zip(COLUMNS, COLUMNS, strict=True))], lines):
        row = _encode_row(line)
        digest.update(row)
        file.write(row)
        if "cost_pico" in line:
            _add(totals, line)
    return digest.hexdigest(), [totals[key] for key in sorted(totals)]


def _encode_row(line: Mapping[str, Any]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow([_cell(line[column]) for column in COLUMNS])
    return buffer.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return "" if value is None else value


def _add(totals: dict[tuple[UUID, str], dict[str, Any]], line: Mapping[str, Any]) -> None:
    key = {"org_id": line["org_id"], "org_slug": line["org_slug"], "currency": line["currency"]}
    total = totals.setdefault((line["org_id"], line["currency"]), {**key, **dict.fromkeys(_SUMMED, 0)})
    total["rows"] += 1
    for name in _SUMMED[1:]:
        total[name] += int(line[name])


def _check_against_store(connection: Connection, bounds: Mapping[str, Any], written: list[dict[str, Any]]) -> None:
    from psycopg.rows import dict_row

    with connection.cursor(row_factory=dict_row) as cursor:
        stored = [dict(row) for row in cursor.execute(_queries["sum_month"], bounds)]
    if stored != written:
        raise DifferenceFound("The file does not add up to the rollups", hint="look with: aias analytics reconcile")


def _describe(window: Window, name: str, digest: str, totals: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "schema": MANIFEST_SCHEMA,
        "file": name,
        "sha256": digest,
        "row_count": sum(total["rows"] for total in totals),
        "window": {"from": clock.format_second(window.start), "to": clock.format_second(window.end)},
        "granularity": "day",
        "month_status": "open",
        "statement_version": 0,
        "totals": [_total(total) for total in totals],
        "columns": list(COLUMNS),
        "generated_at": clock.format_instant(clock.now()),
        "generator": f"aias {__version__}",
    }


def _total(total: Mapping[str, Any]) -> dict[str, Any]:
    exact = total["cost_pico"]
    return {
        "org_id": str(total["org_id"]),
        "org_slug": total["org_slug"],
        "currency": total["currency"],
        "rows": total["rows"],
        "requests": total["requests"],
        "total_tokens": total["total_tokens"],
        "amount_exact": format_pico(exact),
        "amount": round_to_cents(exact),
    }


@contextmanager
def _one_snapshot(connection: Connection) -> Iterator[None]:
    from psycopg import IsolationLevel

    connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    try:
        with connection.transaction():
            yield
    finally:
        connection.set_isolation_level(None)
