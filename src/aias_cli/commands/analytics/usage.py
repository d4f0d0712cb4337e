"""aias analytics usage"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from aias_cli.context import current

COLUMNS = (
    *("bucket_start", "model", "requests", "successes", "errors", "rejected", "input_tokens", "output_tokens"),
    *("cost", "currency", "p50_ms", "p95_ms"),
)


class Granularity(StrEnum):
    """The grain of a series."""

    HOUR = "hour"
    DAY = "day"


def usage(
    ctx: typer.Context,
    org: Annotated[str, typer.Option("--org", help="Slug or id of the organization.")],
    month: Annotated[str | None, typer.Option("--month", metavar="YYYY-MM", help="Which month [this one].")] = None,
    granularity: Annotated[Granularity, typer.Option("--granularity", help="Hours or days.")] = Granularity.DAY,
) -> None:
    """Show tokens, cost, requests, errors and latency of an organization, by day and model, with totals.

    Example: aias analytics usage --org acme --month 2026-10
    """
    from aias_core.analytics.dimensions import get_organization
    from aias_core.analytics.query.usage import read_usage
    from aias_core.windows import current_month, month_window

    context = current(ctx)
    window = month_window(month or current_month())
    with context.environment().endpoints().analytics_connection() as connection:
        org_id, slug = get_organization(connection, org)
        data = {"org": slug, "org_id": str(org_id), **read_usage(connection, org_id, window, granularity.value)}
    footer = [{**row, "bucket_start": "total"} for row in data["totals"]]
    context.printer.result("aias.analytics.usage/1", data, "series", COLUMNS, footer)
