"""aias env state unlock"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.env.state.options import Environment, Reason, find_state
from aias_cli.context import current


def unlock(
    ctx: typer.Context,
    lease: Annotated[str, typer.Option("--id", metavar="ID", help="Which lease, as listed.")],
    reason: Reason,
    environment: Environment = None,
) -> None:
    """End the lease of somebody else, after asking; its holder stops before its next write. Recorded.

    Example: aias env state unlock development --id 019ab1c2-0000-7000-8000-000000000000 --reason "that machine is gone"
    """
    context = current(ctx)
    state = find_state(context, environment)
    context.confirm(f"End the lease '{lease}' of '{state.environment}' against its holder's will?")
    ended = state.unlock(lease, reason)
    context.printer.result("aias.env.state.unlock/1", {"environment": state.environment, **ended.as_record()})
