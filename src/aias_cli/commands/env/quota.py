"""aias env quota"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.context import current

_COLUMNS = ["kind", "used", "needed", "limit", "source", "verdict"]


def quota(
    ctx: typer.Context,
    environment: Annotated[str | None, typer.Argument(metavar="[ENVIRONMENT]", help="Which one [--env].")] = None,
) -> None:
    """Show how much of each kind the account has and the environment still needs. Ends with 8 when it would not fit.

    Example: aias env quota production
    """
    context = current(ctx)
    opened = context.on_linode(environment)
    quota = opened.read_quota()
    context.printer.result("aias.env.quota/1", {"environment": opened.name, **quota.as_record()}, "kinds", _COLUMNS)
    if fault := quota.find_shortage():
        raise fault
