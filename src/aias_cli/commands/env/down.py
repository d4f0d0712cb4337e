"""aias env down"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.context import current


def down(
    ctx: typer.Context,
    environment: Annotated[str | None, typer.Argument(metavar="[ENVIRONMENT]", help="Which one [--env].")] = None,
    volumes: Annotated[bool, typer.Option("--volumes", help="Forget all its data as well; asks first.")] = False,
) -> None:
    """Stop an environment; its data stays unless --volumes. Nothing happens when it is not up.

    Example: aias env down --volumes --yes
    """
    context = current(ctx)
    chosen = context.environment(environment)
    if volumes and chosen.state.exists():
        context.confirm(f"Forget all data of the environment '{chosen.name}'?")
    result = chosen.down(volumes=volumes, progress=context.printer.note)
    context.printer.result("aias.env.down/1", result.as_record())
