"""aias env rollback"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.env.options import Confirm, DuringMaintenance, Environment, LockWait
from aias_cli.commands.env.planning import ask_for
from aias_cli.context import current


def rollback(
    ctx: typer.Context,
    version: Annotated[str, typer.Option("--to", metavar="VERSION", help="Which version, as state list shows.")],
    change: Annotated[str, typer.Option("--change", metavar="ID", help="The change that this takes back.")],
    environment: Environment = None,
    confirm: Confirm = None,
    lock_wait: LockWait = 0,
    during_maintenance: DuringMaintenance = False,
) -> None:
    """Make an environment what it was at an earlier version of its state, with the profile of that time.

    Example: aias env rollback development --to 00000012-20261001T120000Z-000003 --change C-7
    """
    from aias_core.environments.linode.rollback import RollbackOptions

    context = current(ctx)
    options = RollbackOptions(version, change, lock_wait, during_maintenance)
    rolled = context.linode(environment).rollback(options, ask_for(context, confirm or ()), context.printer.note)
    context.printer.result("aias.rollback/1", rolled.as_record(), "steps", ["step", "seconds"])
    if rolled.profile_differs:
        names = ", ".join(rolled.profile_differs)
        context.printer.note(f"The profile says otherwise now, and the next up would follow it: {names}")
