"""aias analytics months"""

from __future__ import annotations

import typer

from aias_cli.context import current

COLUMNS = ("month", "version", "status", "content_sha256", "closed_by", "closed_at", "reason")


def months(ctx: typer.Context) -> None:
    """List the closed months, each version of them.

    Example: aias analytics months
    """
    from aias_core.finance.months.close import list_versions

    context = current(ctx)
    with context.environment().endpoints().analytics_connection() as connection:
        versions = list_versions(connection)
    context.printer.result("aias.analytics.months/1", {"months": versions}, "months", COLUMNS)
