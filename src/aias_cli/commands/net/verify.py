"""aias net verify"""

from __future__ import annotations

import typer

from aias_cli.commands.net.options import EnvironmentArgument, FromOption, ToOption, open_policies
from aias_cli.context import current

COLUMNS = ("from", "to", "port", "reachable", "expected", "why")


def verify(
    ctx: typer.Context, environment: EnvironmentArgument = None, source: FromOption = None, target: ToOption = None
) -> None:
    """Work out from the policies alone who reaches whom, and compare it with what is declared.

    Without --from and --to it looks at every pair and shows what is reachable. Ends with 1 on an unexpected path.

    Example: aias net verify development --from router --to mock-model
    """
    from aias_core.network.verification import build_report, find_unexpected, verify_paths

    context = current(ctx)
    topology, policies = open_policies(context, environment)
    paths = verify_paths(topology, policies, source, target)
    context.printer.result("aias.net.verify/1", build_report(paths, source, target), "paths", COLUMNS)
    if fault := find_unexpected(paths):
        raise fault
    context.printer.note(f"As declared: {len(paths)} paths.")
