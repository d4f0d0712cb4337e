"""aias net explain"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.net.options import EnvironmentArgument, open_policies
from aias_cli.context import current

COLUMNS = ("port", "reachable", "why", "egress", "ingress")


def explain(
    ctx: typer.Context,
    source: Annotated[str, typer.Option("--from", metavar="NAME", help="Where connections begin.")],
    target: Annotated[str, typer.Option("--to", metavar="NAME", help="Where connections end.")],
    environment: EnvironmentArgument = None,
) -> None:
    """Say which policies let a connection out of its source and into its target, and why; empty is denied.

    Example: aias net explain development --from router --to nats
    """
    from aias_core.network.verification import verify_paths

    context = current(ctx)
    topology, policies = open_policies(context, environment)
    rows = [path.as_record() for path in verify_paths(topology, policies, source, target)]
    context.printer.result("aias.net.explain/1", {"paths": rows}, "paths", COLUMNS)
