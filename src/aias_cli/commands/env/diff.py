"""aias env diff"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.context import current


def diff(
    ctx: typer.Context,
    first: Annotated[str, typer.Argument(metavar="A", help="One environment.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The other one.")],
) -> None:
    """Show how two environments differ: components, variables and values; secrets by their names only.

    Example: aias env diff staging production
    """
    from aias_core.environments.difference import compare_environments

    context = current(ctx)
    rows = [difference.as_record() for difference in compare_environments(first, second, context.config)]
    result = {"environments": [first, second], "differences": rows}
    context.printer.result("aias.env.diff/1", result, "differences", ["kind", "name", "first", "second"])
