"""aias env activate"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.context import current


def activate(
    ctx: typer.Context, environment: Annotated[str, typer.Argument(metavar="ENVIRONMENT", help="Which one.")]
) -> None:
    """Choose the environment that commands mean when none is named, and write its env file. `production` must be named.

    Example: aias env activate development
    """
    from aias_core.environments.activation import activate as choose

    context = current(ctx)
    done = choose(environment, context.state_dir, context.config)
    context.printer.result("aias.env.activate/1", done.as_record())
