"""aias env nodes cordon"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.env.nodes.options import NodeName
from aias_cli.commands.env.options import Environment
from aias_cli.context import current


def cordon(
    ctx: typer.Context,
    node: NodeName,
    environment: Environment = None,
    undo: Annotated[bool, typer.Option("--undo", help="Have it take new pods again.")] = False,
) -> None:
    """Have a node take no new pods; those that are on it stay.

    Example: aias env nodes cordon development --node lke500001-700001-7aa191196578
    """
    from aias_core.environments.linode.nodes import cordon_node

    context = current(ctx)
    found = cordon_node(context.linode(environment), node, context.printer.note, undo=undo)
    context.printer.result("aias.env.node/1", found.as_record())
