"""aias env restart"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.context import current


def restart(
    ctx: typer.Context, component: Annotated[str, typer.Argument(metavar="COMPONENT", help="Which one.")]
) -> None:
    """Stop and start one component and wait until it answers.

    Example: aias env restart router
    """
    context = current(ctx)
    environment = context.environment()
    environment.restart(component, context.printer.note)
    context.printer.result("aias.env.restart/1", {"environment": environment.name, "restarted": component})
