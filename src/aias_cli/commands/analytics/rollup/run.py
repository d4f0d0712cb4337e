"""aias analytics rollup run"""

from __future__ import annotations

import typer

from aias_cli.context import current


def run(ctx: typer.Context) -> None:
    """Recompute every hour and day that new facts have touched. With nothing to do it does nothing.

    Example: aias analytics rollup run
    """
    from aias_core.analytics.rollup.run import run_rollup

    context = current(ctx)
    with context.environment().endpoints().analytics_connection() as connection:
        record = run_rollup(connection).as_record()
    context.printer.result("aias.analytics.rollup.run/1", record)
