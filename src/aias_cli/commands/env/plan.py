"""aias env plan"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.env.options import Environment, Simulate
from aias_cli.commands.env.planning import COLUMNS, note_dangers, note_price
from aias_cli.context import current


def plan(
    ctx: typer.Context,
    environment: Environment = None,
    check: Annotated[bool, typer.Option("--check", help="End with 10 when there is something to change.")] = False,
    save: Annotated[bool, typer.Option("--save", help="Keep the plan, for up --plan and for approval.")] = False,
    simulate: Simulate = False,
) -> None:
    """Show what up would change, what is dangerous about it, and what it costs. Changes nothing.

    Example: aias env plan development --check
    """
    context = current(ctx)
    chosen = context.linode(environment, simulate=simulate)
    survey = chosen.survey()
    record = survey.plan.as_record() | ({"id": chosen.save_plan(survey)} if save else {})
    context.printer.result("aias.env.plan/1", record, "changes", COLUMNS)
    note_dangers(context, survey.plan)
    context.printer.note(f"Inside the cluster: {survey.plan.inside.describe()}.")
    note_price(context, survey.plan)
    if save:
        command = f"aias env up {chosen.name} --plan {record['id']}"
        context.printer.note(f"Kept as {record['id']}; apply it within 24 hours: {command}")
    if check and (difference := survey.plan.find_difference()):
        raise difference
