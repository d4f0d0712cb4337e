"""How commands show a plan and have it agreed to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aias_cli.context import CommandContext
    from aias_core.environments.linode.ownership import Owned
    from aias_core.environments.linode.plan import EnvironmentPlan
    from aias_core.environments.linode.removal_plan import RemovalPlan

COLUMNS = ["effect", "address", "attributes"]


def note_price(context: CommandContext, plan: EnvironmentPlan | RemovalPlan) -> None:
    """What the environment costs now and afterwards, and what is not in that."""
    cost = plan.cost.as_record()
    context.printer.note(
        f"A month costs {cost['before_monthly']} {cost['currency']} now and {cost['after_monthly']} afterwards "
        f"({cost['delta_monthly']}); not included: {'; '.join(cost['not_included'])}."
    )


def note_plan(context: CommandContext, plan: EnvironmentPlan) -> None:
    """Shows what would change, its dangers apart, and the price."""
    from aias_core.environments.linode.plan import summarize

    context.printer.note_table(f"Plan for '{plan.environment}':", plan.rows(), COLUMNS)
    note_dangers(context, plan)
    context.printer.note(f"{summarize(plan.count())}; inside the cluster: {plan.inside.describe()}.")
    note_price(context, plan)


def note_dangers(context: CommandContext, plan: EnvironmentPlan) -> None:
    """Shows dangers in a table of their own."""
    if plan.dangers:
        context.printer.note_table("Dangers:", [one.as_record() for one in plan.dangers], ["name", "what", "address"])


def ask_for(context: CommandContext, confirmed: Sequence[str]) -> Callable[[EnvironmentPlan], None]:
    """Shows a plan and asks: by name for each danger, then with yes or no."""

    def consent(plan: EnvironmentPlan) -> None:
        note_plan(context, plan)
        context.confirm_names("This is dangerous.", (one.name for one in plan.dangers), confirmed)
        context.confirm(f"Change '{plan.environment}' so?")

    return consent


def ask_to_remove(context: CommandContext, confirmed: Sequence[str]) -> Callable[[Sequence[Owned]], None]:
    """Shows what an unfinished run made and asks: by name for what is precious, then with yes or no."""

    def consent(own: Sequence[Owned]) -> None:
        context.printer.note_table("Will be removed:", [one.as_record() for one in own], ["address", "name", "id"])
        context.confirm_names("This will be lost.", (one.name for one in own if one.is_precious), confirmed)
        context.confirm(f"Remove these {len(own)} resources?")

    return consent
