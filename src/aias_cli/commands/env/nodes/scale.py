"""aias env nodes scale"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.env.options import Confirm, DuringMaintenance, Environment
from aias_cli.commands.env.planning import ask_for
from aias_cli.context import current


def scale(
    ctx: typer.Context,
    pool: Annotated[str, typer.Option("--pool", metavar="NAME", help="Which pool.")],
    count: Annotated[int, typer.Option("--count", min=1, max=100, help="How many nodes.")],
    environment: Environment = None,
    confirm: Confirm = None,
    during_maintenance: DuringMaintenance = False,
) -> None:
    """Give a pool another size: written into your profile, planned with its price, and applied.

    A pool that scales by itself keeps doing so; the number is its least.

    Example: aias env nodes scale development --pool general --count 3
    """
    from aias_core.environments.linode.scaling import scale_pool

    context = current(ctx)
    scaled = scale_pool(
        lambda: context.linode(environment),
        context.own_profiles,
        pool,
        count,
        ask_for(context, confirm or ()),
        context.printer.note,
        during_maintenance=during_maintenance,
    )
    context.printer.result("aias.env.nodes.scale/1", scaled.as_record())
