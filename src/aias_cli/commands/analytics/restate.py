"""aias analytics restate"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.analytics.months_options import (
    ApprovalOption,
    DryRunOption,
    MonthArgument,
    OutOption,
    WaiveOption,
)
from aias_cli.context import current


def restate(
    ctx: typer.Context,
    month: MonthArgument,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept with the version.")],
    waive_dead_letters: WaiveOption = None,
    approval: ApprovalOption = None,
    dry_run: DryRunOption = False,
    out: OutOption = None,
) -> None:
    """Freeze a closed month anew as its next version, with the difference. Earlier versions stay exportable.

    Example: aias analytics restate 2026-10 --reason 'late events of router-3' --dry-run
    """
    from aias_cli.commands.analytics.months_options import build_consent, print_outcome, reconcile
    from aias_core.finance.months.close import Change, restate_month
    from aias_core.windows import month_window

    context = current(ctx)
    window = month_window(month)
    change = Change(window, build_consent(context, approval), reconcile, reason, waive_dead_letters, dry_run)
    with context.environment().endpoints().analytics_connection() as connection:
        if not dry_run:
            context.confirm(f"Restate {month} in '{context.env}'?")
        outcome = restate_month(connection, change)
    print_outcome(context, "aias.analytics.restate/1", outcome, out)
