"""aias env components"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.context import current
from aias_cli.printer import Output
from aias_core.errors import DifferenceFound

_COLUMNS = ["component", "kind", "targets", "ports", "needs", "namespaces", "owner"]


def components(
    ctx: typer.Context,
    graph: Annotated[bool, typer.Option("--graph", help="As a Mermaid graph of what needs what.")] = False,
) -> None:
    """List the components that environments consist of; ends with 10 when one is missing or is not whole.

    Example: aias env components --graph
    """
    from aias_core.environments.registry import describe_registry, render_graph

    context = current(ctx)
    found = describe_registry()
    if graph and context.output is Output.TABLE:
        context.printer.text(render_graph())
    else:
        result = {**found, "graph": render_graph()} if graph else found
        context.printer.result("aias.env.components/1", result, "components", _COLUMNS)
    if found["missing"]:
        context.printer.note_table("Missing", found["missing"], ["component", "problem"])
        raise DifferenceFound(
            f"The registry has {len(found['missing'])} gaps", hint="complete 'components.yaml', or remove what is gone"
        )
