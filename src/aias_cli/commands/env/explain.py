"""aias env explain"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.env.options import Overrides
from aias_cli.context import current


def explain(
    ctx: typer.Context,
    environment: Annotated[str, typer.Argument(metavar="[ENVIRONMENT]", help="Which one [--env].")],
    key: Annotated[str | None, typer.Argument(metavar="KEY.PATH", help="The value to explain.")] = None,
    overrides: Overrides = None,
) -> None:
    """Show one value and every source that set it; the last one is in effect.

    Example: aias env explain production cluster.pools.general.count
    """
    from aias_core.environments.explain import explain_value

    context = current(ctx)
    name, path = (environment, key) if key else (context.chosen_env, environment)
    found = explain_value(name, path, context.config, overrides or ())
    context.printer.result("aias.env.explain/1", found.as_record(), "sources", ["source", "line", "value"])
    context.printer.note(f"{found.key} is {found.value}")
