"""aias env nodes list"""

from __future__ import annotations

import typer

from aias_cli.commands.env.nodes.options import COLUMNS
from aias_cli.commands.env.options import Environment
from aias_cli.context import current


def list_(ctx: typer.Context, environment: Environment = None) -> None:
    """List the nodes of every pool: whether each is ready, and whether it takes new pods.

    Example: aias env nodes list development
    """
    from aias_core.environments.linode.nodes import list_nodes

    context = current(ctx)
    rows = [node.as_record() for node in list_nodes(context.linode(environment))]
    context.printer.result("aias.env.nodes/1", {"nodes": rows}, "nodes", COLUMNS)
