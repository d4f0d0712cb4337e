"""aias env up"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.context import current


def up(
    ctx: typer.Context,
    environment: Annotated[str | None, typer.Argument(metavar="[ENVIRONMENT]", help="Which one [--env].")] = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", min=1, metavar="SECONDS", help="Longest wait [of the profile, 120].")
    ] = None,
) -> None:
    """Bring an environment up and wait until every component answers. A second time changes nothing.

    Example: aias env up
    """
    context = current(ctx)
    result = context.environment(environment).up(context.printer.note, timeout)
    context.printer.result("aias.env.up/1", result.as_record(), "components", ["name", "started", "port"])
    context.printer.note(f"Up after {result.seconds:.1f} s; the router listens on {result.router_url}")
