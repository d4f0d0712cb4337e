"""aias analytics diff"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.analytics.months_options import MonthArgument
from aias_cli.context import current
from aias_core.errors import DifferenceFound

COLUMNS = ("period_start", "org_id", "model_id", "operation", "requests_before", "requests_after", "before", "after")


def diff(
    ctx: typer.Context,
    month: MonthArgument,
    version: Annotated[
        int | None, typer.Option("--statement", metavar="N", help="Which version of the month [the latest].")
    ] = None,
    other: Annotated[
        int | None, typer.Option("--with", metavar="N", help="Which other version [the usage as it is now].")
    ] = None,
) -> None:
    """Show line by line what has changed in a closed month. Ends with 10 on any difference.

    Example: aias analytics diff 2026-10
    """
    from aias_cli.commands.analytics.months_options import show_differences
    from aias_core.finance.months.close import diff_month, get_version
    from aias_core.windows import month_window

    context = current(ctx)
    window = month_window(month)
    with context.environment().endpoints().analytics_connection() as connection:
        chosen = get_version(connection, window, version)
        compared = None if other is None else get_version(connection, window, other)
        lines = diff_month(connection, window, chosen, compared)
    data = {"month": month, "version": chosen, "with": compared, "lines": lines}
    context.printer.result("aias.analytics.diff/1", data, show_differences(lines), COLUMNS)
    if lines:
        raise DifferenceFound(
            f"{len(lines)} lines differ", hint=f"put it right with: aias analytics restate {month} --reason TEXT"
        )
