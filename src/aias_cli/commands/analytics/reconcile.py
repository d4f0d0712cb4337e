"""aias analytics reconcile"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.context import current
from aias_core.errors import DifferenceFound


def reconcile(
    ctx: typer.Context,
    month: Annotated[str | None, typer.Option("--month", metavar="YYYY-MM", help="Which month [this one].")] = None,
) -> None:
    """Compare facts, hours and days key by key, and every cost with its price. Ends with 10 on any difference.

    Example: aias analytics reconcile --month 2026-10
    """
    from aias_core.analytics.reconcile.run import run_reconciliation
    from aias_core.windows import current_month, month_window

    context = current(ctx)
    with context.environment().endpoints().analytics_connection() as connection:
        result = run_reconciliation(connection, month_window(month or current_month()))
    context.printer.result("aias.analytics.reconcile/1", result.as_record())
    if result.differences:
        raise DifferenceFound(
            f"{result.differences} differences found", hint="see them with: aias analytics reconcile -o json"
        )
