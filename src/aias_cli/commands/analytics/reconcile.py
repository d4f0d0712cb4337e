"""aias analytics reconcile"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from aias_cli.context import current
from aias_core.errors import DifferenceFound, InvalidInput

if TYPE_CHECKING:
    from aias_core.windows import Window

COLUMNS = ("comparison", "bucket_start", "org_id", "key", "metric", "kind", "expected", "found")


class Scope(StrEnum):
    """What is compared."""

    SOURCES = "sources"
    ROLLUPS = "rollups"
    STATEMENTS = "statements"
    ALL = "all"


def reconcile(
    ctx: typer.Context,
    month: Annotated[str | None, typer.Option("--month", metavar="YYYY-MM", help="Which month [this one].")] = None,
    start: Annotated[str | None, typer.Option("--from", metavar="TIME", help="First hour, with --to.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="First hour after the last.")] = None,
    scope: Annotated[Scope, typer.Option("--scope", help="What is compared.")] = Scope.ALL,
    tolerance: Annotated[int, typer.Option("--tolerance", min=0, help="Difference of a sum to let through.")] = 0,
    fix: Annotated[bool, typer.Option("--fix", help="Recompute rollups that differ, and compare again.")] = False,
) -> None:
    """Compare sources, facts, rollups and statements, key by key and to the unit. Ends with 10 on any difference.

    Example: aias analytics reconcile --month 2026-10 --scope rollups --fix
    """
    from aias_core.analytics.reconcile.run import repair, run_reconciliation

    context, window = current(ctx), _window(month, start, end)
    with context.environment().endpoints().analytics_connection() as connection:
        result = run_reconciliation(connection, window, scope=scope.value, tolerance=tolerance)
        if fix and result.differences:
            context.printer.note(f"{result.differences} differences; recomputing what can be recomputed…")
            result = repair(connection, result)
    record = result.as_record()
    if record["findings"]:
        context.printer.note_table("Differences", record["findings"], COLUMNS)
    context.printer.result("aias.analytics.reconcile/1", record)
    if result.differences:
        hint = "see them with: aias analytics reconcile -o json" if fix else "recompute rollups with: --fix"
        raise DifferenceFound(f"{result.differences} differences found", hint=hint)


def _window(month: str | None, start: str | None, end: str | None) -> Window:
    from aias_core.windows import current_month, month_window, parse_window

    if (start is None) != (end is None) or (month and start):
        raise InvalidInput("Give --month, or both --from and --to", hint="see: aias analytics reconcile --help")
    if start is None or end is None:
        return month_window(month or current_month())
    return parse_window(start, end)
