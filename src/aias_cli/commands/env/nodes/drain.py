"""aias env nodes drain"""

from __future__ import annotations

import typer

from aias_cli.commands.env.nodes.options import DrainTimeout, NodeName
from aias_cli.commands.env.options import Environment
from aias_cli.context import current


def drain(ctx: typer.Context, node: NodeName, environment: Environment = None, timeout: DrainTimeout = 600) -> None:
    """Have every pod leave a node, as fast as the disruption budgets let them. It takes no new ones afterwards.

    Example: aias env nodes drain development --node lke500001-700001-7aa191196578
    """
    from aias_core.environments.linode.draining import drain_node

    context = current(ctx)
    chosen = context.linode(environment)
    drained = drain_node(
        chosen,
        node,
        timeout,
        lambda name: context.confirm(f"Have every pod leave '{name}'?"),
        context.printer.note,
    )
    context.printer.result("aias.env.nodes.drain/1", drained.as_record())
