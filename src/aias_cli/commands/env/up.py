"""aias env up"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.env.options import Confirm, DuringMaintenance, Environment, LockWait, Simulate, refuse_options
from aias_cli.context import CommandContext, current

_HERE = ("timeout",)
_ON_LINODE = ("plan", "change", "resume", "cleanup", "simulate", "confirm", "lock_wait", "during_maintenance")


def up(
    ctx: typer.Context,
    environment: Environment = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", min=1, metavar="SECONDS", help="Longest wait [of the profile, 120].")
    ] = None,
    plan: Annotated[
        str | None, typer.Option("--plan", metavar="ID", help="Apply a plan kept with plan --save.")
    ] = None,
    change: Annotated[
        str | None, typer.Option("--change", metavar="ID", help="The change that this is part of.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Only go on with a run that was not finished.")] = False,
    cleanup: Annotated[bool, typer.Option("--cleanup", help="Remove what a run made that was not finished.")] = False,
    simulate: Simulate = False,
    confirm: Confirm = None,
    lock_wait: LockWait = 0,
    during_maintenance: DuringMaintenance = False,
) -> None:
    """Bring an environment up and wait until every component answers. A second time changes nothing.

    Example: aias env up
    """
    context = current(ctx)
    if not context.is_on_linode(environment):
        refuse_options(ctx, _ON_LINODE, "on this machine")
        _up_here(context, environment, timeout)
        return
    refuse_options(ctx, _HERE, "on Linode")
    from aias_cli.commands.env.planning import ask_for, ask_to_remove
    from aias_core.environments.linode.up import UpOptions

    chosen = context.linode(environment, simulate=simulate)
    options = UpOptions(
        lock_wait=lock_wait,
        resume=resume,
        plan_id=plan,
        change=change,
        during_maintenance=during_maintenance,
    )
    if cleanup:
        removed = chosen.clean_up(options, ask_to_remove(context, confirm or ()), context.printer.note)
        context.printer.result("aias.env.cleanup/1", removed.as_record(), "removed", ["address", "name", "id"])
        return
    result = chosen.up(options, ask_for(context, confirm or ()), context.printer.note)
    context.printer.result("aias.env.up.linode/1", result.as_record())


def _up_here(context: CommandContext, environment: str | None, timeout: float | None) -> None:
    result = context.environment(environment).up(context.printer.note, timeout)
    context.printer.result("aias.env.up/1", result.as_record(), "components", ["name", "started", "port"])
    context.printer.note(f"Up after {result.seconds:.1f} s; the router listens on {result.router_url}")
