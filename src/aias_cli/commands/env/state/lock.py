"""aias env state lock"""

from __future__ import annotations

import typer

from aias_cli.commands.env.state.options import Environment, Reason, find_state
from aias_cli.context import current


def lock(ctx: typer.Context, reason: Reason, environment: Environment = None) -> None:
    """Take the lease of an environment until it is unlocked: every other command that changes it ends with 5.

    Example: aias env state lock development --reason "the provider has an incident"
    """
    context = current(ctx)
    state = find_state(context, environment)
    lease = state.lock(reason)
    context.printer.result("aias.env.state.lock/1", {"environment": state.environment, **lease.as_record()})
