"""aias analytics status"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.context import current
from aias_core.errors import DifferenceFound


def status(
    ctx: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="End with 10 if anything is off.")] = False,
    max_lag: Annotated[str, typer.Option("--max-lag", metavar="TIME", help="Lag that is fine, such as 5m.")] = "5m",
) -> None:
    """Show how far usage has come, what waits, and what is off: lag, queues, sources, dead letters, last runs.

    Example: aias analytics status --check --max-lag 5m
    """
    from aias_core.analytics.status.read import read_status
    from aias_core.windows import parse_span

    context, span = current(ctx), parse_span(max_lag)
    with context.environment().endpoints().analytics_connection() as connection:
        record = read_status(connection).as_record(span)
    context.printer.result("aias.analytics.status/1", record)
    if check and record["problems"]:
        raise DifferenceFound(
            f"{len(record['problems'])} things are off: {record['problems'][0]}",
            hint="see what to do in docs/runbooks/usage-behind.md",
        )
