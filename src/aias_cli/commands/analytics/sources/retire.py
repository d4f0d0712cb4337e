"""aias analytics sources retire"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.context import current


def retire(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the silent source.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why nothing of it is expected any more.")],
) -> None:
    """Give up a silent source: figures go on without what it still holds. It is undone when the source speaks again.

    Example: aias analytics sources retire router-production-4f1c2a9b --reason "its machine is gone"
    """
    from aias_core.accounts import own_name
    from aias_core.analytics.sources.registry import retire_source

    context = current(ctx)
    with context.environment().endpoints().analytics_connection() as connection:
        context.confirm(f"Retire the source '{name}'? What it has not published is given up.")
        retire_source(connection, name, reason, own_name())
    context.printer.result("aias.analytics.sources.retire/1", {"source": name, "state": "retired", "reason": reason})
