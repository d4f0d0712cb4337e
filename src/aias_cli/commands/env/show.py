"""aias env show"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.env.options import Environment, Overrides
from aias_cli.context import current


def show(
    ctx: typer.Context,
    environment: Environment = None,
    component: Annotated[
        str | None, typer.Option("--component", metavar="NAME", help="The entry of this component instead.")
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Show every value of a profile, templates filled in, with the file and line that set it.

    Example: aias env show development -o yaml
    """
    from aias_core.environments.explain import list_component_values, list_values

    context = current(ctx)
    name = environment or context.chosen_env
    if component is None:
        rows = list_values(name, context.config, overrides or ())
    else:
        rows = list_component_values(name, component, context.config, overrides or ())
    result = {"environment": name, "component": component, "values": rows}
    context.printer.result("aias.env.show/1", result, "values", ["key", "value", "source"])
