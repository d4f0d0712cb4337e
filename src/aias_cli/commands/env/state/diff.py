"""aias env state diff"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.env.state.options import Environment, find_state
from aias_cli.context import current


def diff(
    ctx: typer.Context,
    environment: Environment = None,
    older: Annotated[
        str | None, typer.Option("--from", metavar="VERSION", help="The one to compare with [the one before].")
    ] = None,
    newer: Annotated[
        str | None, typer.Option("--to", metavar="VERSION", help="The one to look at [the newest].")
    ] = None,
) -> None:
    """Show which resources and which of their attributes differ between two versions. Values are never shown.

    Example: aias env state diff development
    """
    context = current(ctx)
    found = find_state(context, environment).compare(older, newer)
    context.printer.result("aias.env.state.diff/1", found, "changes", ["address", "change", "attributes"])
