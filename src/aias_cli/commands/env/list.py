"""aias env list"""

from __future__ import annotations

import typer

from aias_cli.context import current

_COLUMNS = ["name", "kind", "region", "status", "nodes", "version", "chosen"]


def list_(ctx: typer.Context) -> None:
    """List every environment: where it is, whether it is up, its nodes and version, and which one is chosen.

    Example: aias env list
    """
    from aias_core.environments.overview import list_lines

    context = current(ctx)
    rows = [line.as_record() for line in list_lines(context.config, context.state_dir, context.chosen_env)]
    context.printer.result("aias.env.list/1", {"environments": rows}, "environments", _COLUMNS)
