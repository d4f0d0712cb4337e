"""aias env state list"""

from __future__ import annotations

import typer

from aias_cli.commands.env.state.options import Environment, find_state
from aias_cli.context import current


def list_(ctx: typer.Context, environment: Environment = None) -> None:
    """List the versions of a state and its backups, newest first, and who holds the lease.

    Example: aias env state list development
    """
    from aias_core.environments.linode.lease import format_lease

    context = current(ctx)
    found = find_state(context, environment).describe()
    context.printer.result("aias.env.state/1", found, "versions", ["version", "kind", "serial", "at", "fence"])
    context.printer.note(format_lease(found["lease"]))
