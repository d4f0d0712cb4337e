"""aias analytics freshness"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.analytics import options
from aias_cli.context import current


def freshness(
    ctx: typer.Context,
    org: options.OrgOption = "all",
    model: options.ModelOption = None,
    check: Annotated[bool, typer.Option("--check", help="End with 10 when stale, delayed or unknown.")] = False,
) -> None:
    """Show how current the figures are: fresh, stale, delayed, idle or unknown, measured on the pipeline.

    Example: aias analytics freshness --org acme --check
    """
    context = current(ctx)
    with options.asking(context, org) as (connection, scope, about):
        from aias_core.analytics.query.freshness import read_freshness

        data = {**about, **read_freshness(connection, scope, tuple(model or ()))}
    context.printer.result("aias.analytics.freshness/1", data)
    if check:
        options.note_freshness(context, data, required=True)
