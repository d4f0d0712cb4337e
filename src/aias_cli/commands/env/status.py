"""aias env status"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.context import current

_COLUMNS = ["name", "state", "port", "version", "latency_ms", "restarts", "memory_mib", "detail", "causes"]


def status(
    ctx: typer.Context,
    environment: Annotated[str | None, typer.Argument(metavar="[ENVIRONMENT]", help="Which one [--env].")] = None,
) -> None:
    """Show how each component is, asked in its own protocol. Ends with 0 only when all are healthy.

    Example: aias env status -o json
    """
    context = current(ctx)
    is_there = context.is_on_linode(environment)
    health = (context.linode(environment) if is_there else context.environment(environment)).status()
    context.printer.result("aias.health/1", health.as_record(), "components", _COLUMNS)
    if fault := health.find_fault():
        raise fault
