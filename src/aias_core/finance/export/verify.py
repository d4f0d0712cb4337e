"""Proof that a file is what its manifest says, and that both are what the store says."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aias_core import clock
from aias_core.errors import InvalidInput, NotFound
from aias_core.finance.export.content import ContentHash
from aias_core.finance.export.manifest import MANIFEST_SCHEMA, type_name
from aias_core.finance.export.reading import iter_batches, schema_of
from aias_core.finance.export.request import ExportRequest, Issuer, Kind, Scope
from aias_core.finance.export.run import Nowhere, manifest_name, write_export
from aias_core.money import format_pico, parse_amount
from aias_core.windows import Grain, Window

if TYPE_CHECKING:
    import pyarrow as pa
    from psycopg import Connection

_KEYS = {"usage": ("org_id", "currency"), "focus": ("BillingAccountId", "BillingCurrency")}
_AMOUNTS = {"usage": ("cost_exact", "adjustment_exact"), "focus": ("BilledCost",)}


def read_manifest(data: Path) -> dict[str, Any]:
    """The manifest beside a file. Raises NotFound when there is none, InvalidInput when it is not one."""
    path = data.with_name(manifest_name(data.name))
    try:
        content = json.loads(path.read_bytes())
    except OSError as exc:
        raise NotFound(f"'{data}' has no manifest '{path.name}' beside it", hint="fetch both files") from exc
    except ValueError as exc:
        raise InvalidInput(f"'{path}' is not JSON") from exc
    if not isinstance(content, dict) or content.get("schema") != MANIFEST_SCHEMA:
        raise InvalidInput(f"'{path}' is not a manifest of an export", hint=f"its schema must be {MANIFEST_SCHEMA}")
    return content


def verify_file(data: Path, connection: Connection | None = None) -> list[dict[str, Any]]:
    """What the manifest says beside what the file says, and beside what the store says where there is a connection.

    Raises NotFound without file or manifest, DifferenceFound when the file cannot be read.
    """
    if not data.is_file():
        raise NotFound(f"'{data}' is not there", hint="make it with: aias analytics export")
    manifest = read_manifest(data)
    schema = schema_of(manifest)
    with data.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    checks = [
        _check("bytes", manifest["bytes"], data.stat().st_size),
        _check("sha256", manifest["sha256"], sha256),
        _check("columns", manifest["columns"], [{"name": field.name, "type": type_name(field)} for field in schema]),
    ]
    if all(check["equal"] for check in checks):
        checks += _check_content(data, manifest)
    if connection is not None:
        checks.append(_check_store(manifest, connection))
    return checks


def _check_content(data: Path, manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    content, rows = ContentHash(schema_of(manifest)), 0
    amounts: dict[tuple[str, str], int] = defaultdict(int)
    for batch in iter_batches(data, manifest):
        content.update(batch)
        rows += len(batch)
        _sum_amounts(batch, manifest["kind"], amounts)
    stated = {(total["org_id"], total["currency"]): total["amount_exact"] for total in manifest["totals"]}
    found = {key: format_pico(amount) for key, amount in amounts.items() if amount or key in stated}
    for key in stated.keys() - found.keys():
        found[key] = format_pico(0)
    return [
        _check("row_count", manifest["row_count"], rows),
        _check("content_sha256", manifest["content_sha256"], content.hexdigest()),
        _check("totals", _name(stated), _name(found)),
    ]


def _sum_amounts(batch: pa.RecordBatch, kind: str, amounts: dict[tuple[str, str], int]) -> None:
    import pyarrow as pa

    table = pa.Table.from_batches([batch])
    sums = table.group_by(list(_KEYS[kind])).aggregate([(name, "sum") for name in _AMOUNTS[kind]])
    for row in sums.to_pylist():
        org, currency = (row[name] for name in _KEYS[kind])
        amounts[org, currency] += sum(parse_amount(str(row[f"{name}_sum"])) for name in _AMOUNTS[kind])


def _name(amounts: Mapping[tuple[str, str], str]) -> dict[str, str]:
    return {f"{org} {currency}": amount for (org, currency), amount in sorted(amounts.items())}


def _check_store(manifest: Mapping[str, Any], connection: Connection) -> dict[str, Any]:
    """The content hash of the same file made anew."""
    again = write_export(connection, read_request(manifest), Nowhere())
    return _check("store", manifest["content_sha256"], again.written.content_sha256)


def read_request(manifest: Mapping[str, Any]) -> ExportRequest:
    """The request that gave a manifest's file, always as CSV."""
    window, filters = manifest["window"], manifest["filters"]
    start, end = clock.parse_instant(window["from"]), clock.parse_instant(window["to"])
    org_id, versions = filters["org_id"], {month["statement_version"] for month in manifest["months"]}
    return ExportRequest(
        Window(start, end),
        None if org_id is None else Scope(UUID(org_id), filters["org"]),
        Grain(manifest["granularity"]),
        Kind(manifest["kind"]),
        models=tuple(map(UUID, filters["models"])),
        projects=tuple(map(UUID, filters["projects"])),
        statement=versions.pop() if len(versions) == 1 else None,
        issuer=Issuer(**manifest.get("issuer", {})),
    )


def _check(name: str, stated: Any, found: Any) -> dict[str, Any]:
    return {"check": name, "equal": stated == found, "manifest": stated, "found": found}
