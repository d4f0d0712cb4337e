"""aias env state backup"""

from __future__ import annotations

import typer

from aias_cli.commands.env.state.options import Environment, LockWait, find_state
from aias_cli.context import current


def backup(ctx: typer.Context, environment: Environment = None, lock_wait: LockWait = 0) -> None:
    """Set the state aside, encrypted; done means that it was read back. The newest 30 backups are kept.

    Example: aias env state backup development
    """
    context = current(ctx)
    made = find_state(context, environment).back_up(lock_wait, context.printer.note)
    context.printer.result("aias.env.state.backup/1", made.as_record())
