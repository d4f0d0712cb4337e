"""aias env state restore"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.env.state.options import Environment, LockWait, find_state
from aias_cli.context import current


def restore(
    ctx: typer.Context,
    version: Annotated[str, typer.Option("--to", metavar="VERSION", help="Which version, as listed.")],
    environment: Environment = None,
    lock_wait: LockWait = 0,
) -> None:
    """Make a version the state again, after asking; the present one is set aside before. Changes no resource.

    Example: aias env state restore development --to 00000012-20261001T120000Z-000003
    """
    context = current(ctx)
    state = find_state(context, environment)
    context.confirm(f"Make '{version}' the state of '{state.environment}'?")
    restored = state.restore(version, lock_wait, context.printer.note)
    context.printer.result(
        "aias.env.state.restore/1", restored.as_record(), "changes", ["address", "change", "attributes"]
    )
