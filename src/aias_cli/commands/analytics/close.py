"""aias analytics close"""

from __future__ import annotations

import typer

from aias_cli.commands.analytics.months_options import (
    ApprovalOption,
    DryRunOption,
    MonthArgument,
    OutOption,
    WaiveOption,
)
from aias_cli.context import current


def close(
    ctx: typer.Context,
    month: MonthArgument,
    waive_dead_letters: WaiveOption = None,
    approval: ApprovalOption = None,
    dry_run: DryRunOption = False,
    out: OutOption = None,
) -> None:
    """Freeze a month: its lines stay as they are, whatever arrives later. Refuses by the name of what does not hold.

    Example: aias analytics close 2026-10 --dry-run
    """
    from aias_cli.commands.analytics.months_options import build_consent, print_outcome, reconcile
    from aias_core.finance.months.close import Change, close_month
    from aias_core.windows import month_window

    context = current(ctx)
    window = month_window(month)
    change = Change(window, build_consent(context, approval), reconcile, None, waive_dead_letters, dry_run)
    with context.environment().endpoints().analytics_connection() as connection:
        if not dry_run:
            context.confirm(f"Close {month} in '{context.env}' for good?")
        outcome = close_month(connection, change)
    print_outcome(context, "aias.analytics.close/1", outcome, out)
