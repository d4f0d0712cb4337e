"""aias env down"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.env.options import Confirm, Environment, LockWait, refuse_options
from aias_cli.context import CommandContext, current

_ON_LINODE = ("keep_state", "plan", "ticket", "confirm", "lock_wait")


def down(
    ctx: typer.Context,
    environment: Environment = None,
    volumes: Annotated[bool, typer.Option("--volumes", help="Forget all its data as well; asks first.")] = False,
    keep_state: Annotated[
        bool, typer.Option("--keep-state", help="With --volumes: keep the state all the same.")
    ] = False,
    plan: Annotated[
        str | None, typer.Option("--plan", metavar="ID", help="By a plan kept with plan --destroy --save.")
    ] = None,
    ticket: Annotated[str | None, typer.Option("--ticket", metavar="ID", help="The ticket that asks for it.")] = None,
    confirm: Confirm = None,
    lock_wait: LockWait = 0,
) -> None:
    """Stop an environment, or remove it from Linode and prove that it is gone; its data stays unless --volumes.

    On Linode that is the database, volumes of claims, buckets with objects, and the state: they are listed, and cost
    what they did. What is on Linode is confirmed by its name. Nothing happens when it is not up.

    Example: aias env down --volumes --yes
    """
    context = current(ctx)
    if not context.is_on_linode(environment):
        refuse_options(ctx, _ON_LINODE, "on this machine")
        _down_here(context, environment, volumes)
        return
    from aias_core.environments.linode.down import DownOptions, find_removed

    if removed := find_removed(environment or context.env, context.state_dir):
        context.printer.note(f"The simulation of '{removed.environment}' is gone; no real one was looked for.")
        context.printer.result("aias.env.down.linode/1", removed.as_record())
        return
    chosen = context.linode(environment)
    what = "all that it consists of and all its data" if volumes else "all that it consists of but its data"
    context.confirm_names(f"Remove {what}?", [chosen.name], confirm or ())
    result = chosen.down(DownOptions(volumes, keep_state, lock_wait, plan, ticket), context.printer.note)
    context.printer.result("aias.env.down.linode/1", result.as_record())


def _down_here(context: CommandContext, environment: str | None, volumes: bool) -> None:
    chosen = context.environment(environment)
    if volumes and chosen.state.exists():
        context.confirm(f"Forget all data of the environment '{chosen.name}'?")
    result = chosen.down(volumes=volumes, progress=context.printer.note)
    context.printer.result("aias.env.down/1", result.as_record())
