"""aias env plan"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from aias_cli.commands.env.options import Environment, Simulate
from aias_cli.commands.env.planning import COLUMNS, note_dangers, note_price
from aias_cli.context import CommandContext, current
from aias_core.errors import InvalidInput

if TYPE_CHECKING:
    from aias_core.environments.linode.target import LinodeEnvironment

_REMOVAL_COLUMNS = ["effect", "kind", "name", "id"]


def plan(
    ctx: typer.Context,
    environment: Environment = None,
    check: Annotated[bool, typer.Option("--check", help="End with 10 when there is something to change.")] = False,
    save: Annotated[bool, typer.Option("--save", help="Keep the plan, for up --plan and for approval.")] = False,
    destroy: Annotated[bool, typer.Option("--destroy", help="What down would remove and what would stay.")] = False,
    volumes: Annotated[bool, typer.Option("--volumes", help="With --destroy: all its data as well.")] = False,
    simulate: Simulate = False,
) -> None:
    """Show what up, or with --destroy down, would change, what is dangerous about it, and its price. Changes nothing.

    Example: aias env plan development --check
    """
    context = current(ctx)
    _refuse_mixed(destroy=destroy, volumes=volumes, check=check)
    chosen = context.linode(environment, simulate=simulate)
    if destroy:
        _plan_removal(context, chosen, volumes=volumes, save=save)
        return
    survey = chosen.survey()
    record = survey.plan.as_record() | ({"id": chosen.save_plan(survey.plan)} if save else {})
    context.printer.result("aias.env.plan/1", record, "changes", COLUMNS)
    note_dangers(context, survey.plan)
    context.printer.note(f"Inside the cluster: {survey.plan.inside.describe()}.")
    note_price(context, survey.plan)
    if save:
        command = f"aias env up {chosen.name} --plan {record['id']}"
        context.printer.note(f"Kept as {record['id']}; apply it within 24 hours: {command}")
    if check and (difference := survey.plan.find_difference()):
        raise difference


def _refuse_mixed(*, destroy: bool, volumes: bool, check: bool) -> None:
    if volumes and not destroy:
        raise InvalidInput("'--volumes' is about a removal", hint="add --destroy")
    if destroy and check:
        raise InvalidInput("'--check' is about what up would change", hint="leave out --destroy or --check")


def _plan_removal(context: CommandContext, chosen: LinodeEnvironment, *, volumes: bool, save: bool) -> None:
    from aias_core.environments.linode.removal_plan import plan_removal

    found = plan_removal(chosen, volumes=volumes)
    record = found.as_record() | ({"id": chosen.save_plan(found)} if save else {})
    context.printer.result("aias.env.plan.down/1", record, "resources", _REMOVAL_COLUMNS)
    note_price(context, found)
    if not found.are_workloads_known:
        context.printer.note("The cluster did not tell what its workloads have in the account: that is not known.")
    if save:
        command = f"aias env down {chosen.name}{' --volumes' if volumes else ''} --plan {record['id']} --ticket ID"
        context.printer.note(f"Kept as {record['id']}; carry it out within 24 hours: {command}")
