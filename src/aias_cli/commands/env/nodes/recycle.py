"""aias env nodes recycle"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.env.nodes.options import DrainTimeout
from aias_cli.commands.env.options import Environment
from aias_cli.context import current


def recycle(
    ctx: typer.Context,
    environment: Environment = None,
    node: Annotated[str | None, typer.Option("--node", metavar="NAME", help="One node, by its name or its id.")] = None,
    pool: Annotated[str | None, typer.Option("--pool", metavar="NAME", help="Or every node of a pool.")] = None,
    timeout: DrainTimeout = 600,
) -> None:
    """Replace nodes with new ones, one at a time: drained first, and the next when the new one is ready.

    Example: aias env nodes recycle development --pool general
    """
    from aias_core.environments.linode.recycling import Chosen, recycle_nodes

    context = current(ctx)
    chosen = context.linode(environment)
    recycled = recycle_nodes(
        chosen,
        Chosen(node, pool),
        timeout,
        lambda names: context.confirm(f"Replace {', '.join(names)} of '{chosen.name}'?"),
        context.printer.note,
    )
    context.printer.result("aias.env.nodes.recycle/1", recycled.as_record())
