"""aias analytics export"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.context import current


def export(
    ctx: typer.Context,
    month: Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="Which month.")],
    org: Annotated[str, typer.Option("--org", help="Slug or id of the organization, or 'all'.")] = "all",
    out: Annotated[str, typer.Option("--out", metavar="DIR|s3://BUCKET/PREFIX", help="Where the files go.")] = ".",
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
) -> None:
    """Write the usage of a month as CSV with a manifest: row count, totals, SHA-256. Equal data gives equal bytes.

    Example: aias analytics export --month 2026-10 --org all --out exports
    """
    from aias_core.analytics.dimensions import get_organization
    from aias_core.finance.job import run_export
    from aias_core.windows import month_window

    context = current(ctx)
    window = month_window(month)
    endpoints = context.environment().endpoints()
    with endpoints.analytics_connection() as connection:
        scope = None if org == "all" else get_organization(connection, org)
        result = run_export(connection, window, scope, out, endpoints.object_store(), force=force)
    context.printer.result("aias.analytics.export/1", result)
