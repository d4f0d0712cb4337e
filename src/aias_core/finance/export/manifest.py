"""The document that proves a file: what is in it, where it comes from, and what it adds up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aias_core import __version__, clock
from aias_core.finance.export.names import SLUG, Names
from aias_core.finance.export.request import Kind
from aias_core.finance.export.source import OrganizationTotal, Source
from aias_core.money import format_pico, round_to_cents

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST_SCHEMA = "aias.export.manifest/2"
FOCUS_VERSION = "1.2"


@dataclass(frozen=True, slots=True)
class Written:
    """What went into a file."""

    rows: int
    size: int
    sha256: str
    content_sha256: str
    totals: Mapping[tuple[bytes, str], OrganizationTotal]
    schema: pa.Schema


def describe(
    source: Source, written: Written, names: Names, prices: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]
) -> dict[str, Any]:
    """The manifest of a file; `facts` are what the caller knows: file name, job, who asked, the state of the store."""
    request = source.request
    return {
        "schema": MANIFEST_SCHEMA,
        **facts,
        "kind": str(request.kind),
        **({"focus_version": FOCUS_VERSION, "issuer": asdict(request.issuer)} if request.kind is Kind.FOCUS else {}),
        "format": str(request.format),
        "compression": str(request.compression),
        "bytes": written.size,
        "sha256": written.sha256,
        "content_sha256": written.content_sha256,
        "row_count": written.rows,
        "window": {
            "from": clock.format_second(request.window.start),
            "to": clock.format_second(request.window.end),
        },
        "granularity": str(request.granularity),
        "filters": {
            "org": request.scope.slug if request.scope else "all",
            "org_id": str(request.scope.org_id) if request.scope else None,
            "models": [str(model) for model in request.models],
            "projects": [str(project) for project in request.projects],
            "excluded_organizations": list(source.test_organizations.values()),
        },
        "month_status": source.status,
        "statement_version": source.version,
        "months": [
            {"month": f"{s.month:%Y-%m}", "status": s.status, "statement_version": s.version} for s in source.segments
        ],
        "totals": [_total(key, total, names) for key, total in sorted(written.totals.items())],
        "prices": list(prices),
        "columns": [{"name": field.name, "type": type_name(field)} for field in written.schema],
        "generated_at": clock.format_instant(clock.now()),
        "generator": f"aias {__version__}",
    }


def type_name(field: pa.Field) -> str:
    """The type of a column in words."""
    import pyarrow as pa

    if pa.types.is_dictionary(field.type):
        return "text"
    if pa.types.is_timestamp(field.type):
        return "instant"
    return "int64" if pa.types.is_integer(field.type) else f"decimal({field.type.precision},{field.type.scale})"


def _total(key: tuple[bytes, str], total: OrganizationTotal, names: Names) -> dict[str, Any]:
    org_id, currency = key
    exact = total.cost + total.adjustment
    return {
        "org_id": str(UUID(bytes=org_id)),
        "org_slug": names.latest("organizations", org_id, SLUG),
        "currency": currency,
        "rows": total.rows,
        "requests": total.requests,
        "total_tokens": total.total_tokens,
        "cost_exact": format_pico(total.cost),
        "adjustment_exact": format_pico(total.adjustment),
        "amount_exact": format_pico(exact),
        "amount": round_to_cents(exact),
    }
